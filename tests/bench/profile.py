"""Shows where the instructions and the memory of a run go: callgrind, massif and memcheck's count of allocations.

    make profile

The same scenes as in `make bench`, without latency: instructions do not depend on it, nor on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from emulator import Emulator  # noqa: E402
from measure import Scene, check, environment, prepare  # noqa: E402

SCENES = {
    "within": Scene("within the limit"),
    "1": Scene("1 over", over=1),
    "50": Scene("50 over", over=50),
    "10000": Scene("10,000 sessions within", sessions=10_000, limit=10_000),
}


def valgrind(emulator: Emulator, executable: Path, scene: Scene, tool: list[str]) -> str:
    """A run under one of valgrind's tools: what that printed."""
    prepare(emulator, scene)
    with tempfile.TemporaryDirectory() as home:
        command = ["valgrind", *tool, str(executable), "--quiet", "--log", "none", "--timeout", "60", "--max", str(scene.limit)]
        done = subprocess.run(command, env=environment(emulator, scene, home), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600)  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{command}: exit status {done.returncode}\n{done.stderr}")
    check(emulator, scene, tool[0])
    return done.stderr


def instructions(emulator: Emulator, executable: Path, name: str, folder: Path, top: int) -> None:
    """The functions that take most, by their own instructions, and the parts by all that they call."""
    out = folder / f"callgrind.{name}"
    valgrind(emulator, executable, SCENES[name], ["--tool=callgrind", f"--callgrind-out-file={out}"])
    for title, option in [("their own", "no"), ("with all that they call", "yes")]:
        command = ["callgrind_annotate", f"--inclusive={option}", "--auto=no", str(out)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        total = re.search(r"^([\d,]+) .*PROGRAM TOTALS", text, re.M)
        assert total, text
        print(f"\n{SCENES[name].name}: {total[1]} instructions; of functions {title}:")
        rows = re.findall(r"^\s*([\d,]+) \(\s*([\d.]+)%\)\s+(?:\S*/)?([^/\s:]+):(\S+)", text, re.M)
        for count, share, file, function in rows[:top]:
            print(f"  {share:>6} %  {count:>13}  {function} ({file})")


def memory(emulator: Emulator, executable: Path, name: str, folder: Path) -> None:
    """Peak of the heap and number of allocations."""
    out = folder / f"massif.{name}"
    valgrind(emulator, executable, SCENES[name], ["--tool=massif", "--stacks=yes", f"--massif-out-file={out}"])
    snapshots = re.findall(r"mem_heap_B=(\d+)\nmem_heap_extra_B=(\d+)\nmem_stacks_B=(\d+)", out.read_text(encoding="utf-8"))
    heap, extra, stack = max((tuple(map(int, snapshot)) for snapshot in snapshots), key=sum)
    text = valgrind(emulator, executable, SCENES[name], ["--tool=memcheck", "--leak-check=full"])
    total = re.search(r"total heap usage: ([\d,]+) allocs, [\d,]+ frees, ([\d,]+) bytes", text)
    left = re.search(r"in use at exit: ([\d,]+) bytes", text)
    errors = re.search(r"ERROR SUMMARY: (\d+) errors", text)
    assert total and left and errors, text
    print(f"{SCENES[name].name}: {total[1]} allocations of {total[2]} bytes in all; at the peak {heap:,} bytes of heap, "
          f"{extra:,} of the allocator's own, {stack:,} of stack; {left[1]} bytes left at the end, {errors[1]} errors")  # fmt: skip


def main() -> int:
    """Run the tools, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("executable", type=Path, help="with symbols: for callgrind")
    parser.add_argument("dynamic", type=Path, help="with the machine's libc: valgrind sees no allocations in a static executable")
    parser.add_argument("--scene", choices=SCENES, action="append")
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    executable = options.executable.resolve()
    with Emulator(key_type="rsa") as emulator:
        for name in options.scene or SCENES:
            instructions(emulator, executable, name, options.folder, options.top)
        print()
        for name in options.scene or SCENES:
            memory(emulator, options.dynamic.resolve(), name, options.folder)
    print(f"\nMore: callgrind_annotate and ms_print on the files in {os.path.relpath(options.folder)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
