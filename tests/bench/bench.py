"""Measures speed and size of ssm-enforce, beside peers that do the same, against the emulated AWS.

    make bench

Prints tables, and writes them with notes.md behind them to the file given with --page.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from emulator import Emulator  # noqa: E402
from measure import ROOT, Costs, Program, Scene, repeat, run  # noqa: E402

PEERS = Path(__file__).resolve().parent / "peers"
ALL = 10_000


class Page:
    """Collects what is printed."""

    def __init__(self) -> None:
        self.text = ""

    def say(self, text: str = "") -> None:
        print(text, flush=True)
        self.text += text + "\n"

    def table(self, head: list[str], rows: list[list[str]]) -> None:
        """A table in Markdown, its columns in line."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, ["-" * width for width in widths], *rows]:
            self.say("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        self.say()


def rounds(over: int) -> int:
    """Round trips of so many terminations: the first two while other connections open, one after the other on the one
    that is open, then eight at once."""
    return over if over <= 3 else 2 + math.ceil((over - 2) / 8)


def floor_ms(scene: Scene) -> float:
    """The floor of the specification: eight connections are open when the listing ends."""
    before = max((4 if scene.known else 5) * scene.imds_ms, 2 * scene.ssm_ms)
    if not scene.known:  # the region comes with the identity document: token, document, then both ways at once
        before = max(5 * scene.imds_ms, 3 * scene.imds_ms + 2 * scene.ssm_ms)
    return before + math.ceil(scene.count / 200) * scene.ssm_ms + math.ceil(scene.over / 8) * scene.ssm_ms


def reachable_ms(scene: Scene) -> float:
    """The same with one connection open when the listing ends."""
    return floor_ms(scene) + (rounds(scene.over) - math.ceil(scene.over / 8)) * scene.ssm_ms


def installed(*packages: str) -> int:
    """Bytes that Debian packages take on the disk."""
    query = subprocess.run(["dpkg-query", "-W", "-f", "${Installed-Size}\n", *packages], capture_output=True, text=True)
    return 1024 * sum(map(int, query.stdout.split()))


def peers() -> list[Program]:
    """The programs to compare with; `missing` says why one can't run here."""
    go = ROOT / "build/bench/limit-go"

    def lacks(*paths: str) -> str:
        return ", ".join(path for path in paths if not shutil.which(path) and not Path(path).exists())

    return [
        Program("bash, jq, AWS CLI (the sample's way)", (str(PEERS / "sample.sh"),),
                installed("awscli", "python3-botocore", "jq", "libjq1", "curl"), lacks("/usr/bin/aws", "jq", "curl")),
        Program("bash, curl --aws-sigv4, jq", (str(PEERS / "curl.sh"),),
                installed("curl", "libcurl4", "jq", "libjq1"), lacks("jq", "curl")),
        Program("Python, boto3", ("/usr/bin/python3", str(PEERS / "limit_boto3.py")),
                installed("python3-boto3", "python3-botocore", "python3.11-minimal", "libpython3.11-minimal"),
                lacks("/usr/lib/python3/dist-packages/boto3")),
        Program("static Go program, AWS SDK", (str(go),), go.stat().st_size if go.exists() else 0, lacks(str(go))),
    ]  # fmt: skip


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def cost_cells(costs: Costs) -> list[str]:
    imds, ssm = costs.count("imds"), costs.count("ssm")
    return [f"{costs.best('cpu_ms'):.1f} ({costs.median('cpu_ms'):.1f})", f"{costs.most('rss_mib'):.1f}",
            f"{imds[0]} / {imds[1]}", f"{ssm[0]} / {ssm[1]}"]  # fmt: skip


COST_HEAD = ["CPU ms", "RSS MiB", "IMDS conn. / req.", "SSM conn. / req."]


def against_the_floor(page: Page, emulator: Emulator, ours: Program, times: int) -> dict[str, Costs]:
    """Runs behind latencies."""
    scenes = [Scene(f"{what}, IMDS 2 ms, SSM {ms} ms", over, 2, ms, known)
              for ms in (20, 50)
              for what, over, known in (("within", 0, True), ("within, region and instance from IMDS", 0, False),
                                        ("1 over", 1, True), ("4 over", 4, True), ("50 over", 50, True))]  # fmt: skip
    scenes += [Scene(f"{ALL:,} sessions within, IMDS 2 ms, SSM {ms} ms", 0, 2, ms, sessions=ALL, limit=ALL)
               for ms in (20,)]  # fmt: skip
    found, rows = {}, []
    for scene in scenes:
        costs = found[scene.name] = repeat(emulator, ours, scene, times if scene.count < ALL else min(times, 3))
        floor, reach, best = floor_ms(scene), reachable_ms(scene), costs.best("wall_ms")
        rows.append([scene.name, f"{floor:.0f}", f"{reach:.0f}", f"{best:.1f} ({costs.median('wall_ms'):.1f})",
                     f"{best / floor:.2f}", f"{best / reach:.2f}", *cost_cells(costs)])  # fmt: skip
    page.say("## A run against the floor\n")
    page.say("Floor: what the specification counts (eight connections open when the listing ends). Reachable: the same with the\n"
             "one connection that a run within the limit may have. Times: the best run, in brackets the median.\n")  # fmt: skip
    page.table(["run", "floor ms", "reachable ms", "wall ms", "x floor", "x reachable", *COST_HEAD], rows)
    return found


def in_turn(emulator: Emulator, programs: list[Program], scene: Scene, times: int) -> list[Costs]:
    """Runs of each program in turn, so that what else the machine does hits all alike; slow ones have fewer."""
    found = [Costs() for _ in programs]
    for number in range(times):
        for program, costs in zip(programs, found):
            if number == 0 or sum(one.wall_ms for one in costs.runs) < 4000:
                costs.runs.append(run(emulator, program, scene))
    return found


def against_peers(page: Page, emulator: Emulator, ours: Program, times: int, most_over: int) -> dict[str, dict[str, Costs]]:
    """The same work done by others, without latency."""
    page.say("## Beside other programs\n")
    page.say("Without latency, on the same emulator, region and instance from IMDS, all in turn. Best run, in brackets the\n"
             "median; `x` is the peer's best against ours. Size: what has to be installed (for the scripts their main packages\n"
             "alone).\n")  # fmt: skip
    programs = [ours]
    for program in peers():
        if program.missing:
            page.say(f"{program.name} is left out: {program.missing} is not there.\n")
        else:
            programs.append(program)
    found: dict[str, dict[str, Costs]] = {program.name: {} for program in programs}
    for over in (0, 1, most_over):
        scene = Scene(f"{over} over" if over else "within the limit", over, known=False)
        rows = []
        all_costs = in_turn(emulator, programs, scene, times)
        mine = all_costs[0]
        for program, costs in zip(programs, all_costs):
            found[program.name][scene.name] = costs
            rows.append([program.name, f"{costs.best('wall_ms'):.1f} ({costs.median('wall_ms'):.1f})",
                         f"{costs.best('wall_ms') / mine.best('wall_ms'):.1f}",
                         f"{costs.best('cpu_ms') / mine.best('cpu_ms'):.1f}", *cost_cells(costs),
                         megabytes(program.size)])  # fmt: skip
        page.say(f"### {scene.name[0].upper()}{scene.name[1:]}\n")
        page.table(["program", "wall ms", "x wall", "x CPU", *COST_HEAD, "size"], rows)
    return found


def deploys(page: Page, executable: Path, times: int) -> None:
    """Thirty regions at once."""
    page.say("## Deploy to 30 regions\n")
    rows = []
    for ms in (20, 50):
        command = ["unshare", "-mn", sys.executable, str(Path(__file__).parent / "deploy.py"), str(executable), str(ms),
                   str(times)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            page.say(f"Left out: it wants name spaces of its own ({(done.stderr.strip().splitlines() or ['?'])[-1]}).\n")
            return
        runs = json.loads(done.stdout)
        best = min(run["wall_ms"] for run in runs)
        rows.append([f"{ms}", f"{best:.0f}", f"{best / ms:.1f}", f"{min(run['cpu_ms'] for run in runs):.0f}",
                     f"{max(run['rss_mib'] for run in runs):.1f}", f"{runs[0]['connections']}", f"{runs[0]['requests']}"])  # fmt: skip
    page.say("Each region's document changed, under its real host name, so many ms away; all regions side by side.\n")
    page.table(["ms to a region", "wall ms", "in round trips", "CPU ms", "RSS MiB", "connections", "requests"], rows)


def figures(page: Page, ours: Program, floor: dict[str, Costs], beside: dict[str, dict[str, Costs]], many: Costs) -> None:
    """The table of the specification."""
    rows: list[list[str]] = []

    def row(what: str, reach: str, value: str, reached: bool) -> None:
        rows.append([what, reach, value, "yes" if reached else "no"])

    def most(costs: list[Costs], what: str) -> float:
        return max(one.most(what) for one in costs)

    for ms in (20, 50):
        for what, over in (("within", 0), ("1 over", 1), ("50 over", 50)):
            scene = Scene("", over, 2, ms)
            best = floor[f"{what}, IMDS 2 ms, SSM {ms} ms"].best("wall_ms")
            ratio, of_reachable = best / floor_ms(scene), best / reachable_ms(scene)
            note = "" if over < 2 else f" ({of_reachable:.2f} x the reachable)"
            row(f"wall time, {what}, SSM {ms} ms", "1.10 x the floor", f"{ratio:.2f} x{note}", ratio <= 1.10)
    mine = beside[ours.name]
    one = mine["1 over"]
    row("CPU of a run with one termination", "8 ms", f"{one.best('cpu_ms'):.1f} ms", one.best("cpu_ms") <= 8)
    for name, of_peer in beside.items():
        if name == ours.name:
            continue
        target = 100 if "sample" in name else 1
        for what in ("wall_ms", "cpu_ms"):
            worst = min(of_peer[scene].best(what) / mine[scene].best(what) for scene in mine)
            row(f"{what[:-3]} against {name}", f"{target} x", f"{worst:.1f} x at the least", worst >= target)
        worst = min(of_peer[scene].best("rss_mib") / mine[scene].most("rss_mib") for scene in mine)
        row(f"memory against {name}", "smaller", f"{worst:.1f} x smaller", worst > 1)
    row("peak memory", "3 MiB", f"{most(list(mine.values()), 'rss_mib'):.1f} MiB", most(list(mine.values()), "rss_mib") <= 3)
    row(f"peak memory, {ALL:,} sessions", "8 MiB", f"{many.most('rss_mib'):.1f} MiB", many.most("rss_mib") <= 8)
    row(f"CPU, {ALL:,} sessions", "30 ms", f"{many.best('cpu_ms'):.1f} ms", many.best("cpu_ms") <= 30)
    row(f"listing {ALL:,} sessions", "50 round trips", f"{many.count('ssm')[1]} requests", many.count("ssm")[1] <= 50)
    row("executable, stripped", "1,000,000 bytes", f"{ours.size:,} bytes", ours.size <= 1_000_000)
    within, fifty = mine["within the limit"], floor["50 over, IMDS 2 ms, SSM 20 ms"]
    row("connections within the limit", "1 IMDS, 1 SSM", f"{within.count('imds')[0]}, {within.count('ssm')[0]}",
        within.count("imds")[0] == within.count("ssm")[0] == 1)  # fmt: skip
    row("connections, 50 terminations", "8", f"{fifty.count('ssm')[0]}", fifty.count("ssm")[0] <= 8)
    page.say("## The figures to reach\n")
    page.table(["figure", "reach", "measured", "reached"], rows)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("executable", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    executable = options.executable.resolve()
    times = 3 if options.quick else 9
    ours = Program("ssm-enforce", (str(executable), "--quiet", "--log", "none", "--max"), executable.stat().st_size)
    page, before = Page(), os.getloadavg()[0]
    page.say("# What a run costs\n\nWritten by `make bench`.\n")
    with Emulator(key_type="rsa") as emulator:
        floor = against_the_floor(page, emulator, ours, times)
        beside = against_peers(page, emulator, ours, 4 * times, 10 if options.quick else 50)
        many = repeat(emulator, ours, Scene("many", sessions=ALL, limit=ALL), min(times, 5))
    deploys(page, executable, 1 if options.quick else 3)
    figures(page, ours, floor, beside, many)
    page.say(f"Measured on {platform.system()} {platform.machine()} with {os.cpu_count()} cores, load average {before:.1f} before and "
             f"{os.getloadavg()[0]:.1f}\nafter: other work on the machine makes times longer, never shorter, hence the best runs. "
             "TLS 1.3 with RSA\ncertificates of 2,048 bits, as the real endpoints have. Client and emulator share the cores.\n")  # fmt: skip
    page.text += (Path(__file__).parent / "notes.md").read_text(encoding="utf-8")
    if options.page:
        options.page.parent.mkdir(exist_ok=True)
        options.page.write_text(page.text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
