"""The real executable at work against an emulated AWS, in six acts: `make demo`.

Each act tells the situation, types a command, shows what it prints, asks the emulator what is left, and checks it.
The exit status is 0 only if every act ended as it should.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "tests")  # not this folder, whose modules are those of a package

from emulator import Emulator, World  # noqa: E402
from emulator.ssm_sessions import Session  # noqa: E402

WIDTH = 80
STYLED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
HOUR = 3600.0


@dataclass
class Outcome:
    """How the command of an act ended."""

    status: int
    text: str  # standard output and standard error
    milliseconds: float


@dataclass
class Act:
    """One act. `prepare` adds the sessions and returns the one that the command is typed in (or none)."""

    title: str
    situation: str
    prepare: Callable[[World], Session | None]
    arguments: list[str]
    status: int
    ends: Callable[[World], list[Session]]  # the sessions that should end, in order of their start
    says: tuple[str, ...]  # what the output has to hold


def styled(text: str, code: str) -> str:
    """The text in a style, on a terminal."""
    return f"\033[{code}m{text}\033[0m" if STYLED else text


def tell(text: str) -> None:
    """Print a sentence or two at the width of the page."""
    print(textwrap.fill(text, WIDTH))


def age(seconds: float) -> str:
    """An age as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "new"
    hours, minutes = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


def sessions(world: World) -> list[Session]:
    """All sessions of the instance in order of their start."""
    return sorted(world.ssm.sessions.values(), key=lambda one: one.start)


def two(world: World) -> Session:
    """Two sessions of alice."""
    world.add_session("alice", age=2 * HOUR)
    return world.add_session("alice", age=1)


def five(world: World) -> Session:
    """Five sessions of alice and one of bob."""
    world.add_session("bob", age=3 * HOUR)
    for hours in (5, 4, 2, 1):
        world.add_session("alice", age=hours * HOUR)
    return world.add_session("alice", age=1)


def four(world: World) -> Session:
    """Four sessions of alice."""
    for hours in (5, 4, 2):
        world.add_session("alice", age=hours * HOUR)
    return world.add_session("alice", age=1)


def none(world: World) -> list[Session]:
    """No session ends."""
    return []


def of_alice(start: int, end: int | None) -> Callable[[World], list[Session]]:
    """Some of alice's sessions, by their place in the order of their start."""
    return lambda world: [one for one in sessions(world) if one.owner.endswith("/alice")][start:end]


ACTS = [
    Act("Within the limit",
        "Alice opens her second session on an instance. Three are allowed, so nothing happens.",
        two, ["--max", "3"], 0, none, ("session 2 of 3 for alice",)),
    Act("Over the limit",
        "She opens a fifth one. Three are allowed: her two oldest sessions are terminated. Bob's is his own.",
        five, ["--max", "3"], 0, of_alice(0, 2), ("alice",)),
    Act("Just telling",
        "The same again, with --notify-only: the sessions over the limit are named, and none is terminated.",
        five, ["--max", "3", "--notify-only"], 0, none, ("would terminate",)),
    Act("The newest goes",
        "With --terminate newest it is the session that has just begun that is one too many. Its user has two "
        "seconds to read why, then it ends, and so does the profile (status 3).",
        four, ["--max", "3", "--terminate", "newest", "--grace", "2"], 3, of_alice(3, 4), ("alice",)),
    Act("For a program",
        "Every run can report as JSON (indented and shortened here).",
        five, ["--max", "3", "--output", "json"], 0, of_alice(0, 2), ('"verdict"',)),
    Act("For an administrator",
        "`list` shows every session of the instance and the verdict on each. It never terminates any.",
        five, ["list", "--max", "3"], 0, none, ("bob",)),
]  # fmt: skip


def run(binary: Path, emulator: Emulator, own: Session | None, arguments: list[str]) -> Outcome:
    """Run the executable as a session's shell profile would: on a terminal, of 80 columns."""
    if arguments[0] != "list":
        arguments = [*arguments, "--log", "none"]
    with tempfile.TemporaryDirectory(prefix="ssm-enforce-demo-") as home:
        env = {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", "TERM": "xterm", **emulator.env()}
        if own is not None:
            env["SSM_SESSION_ID"] = own.session_id
        if not STYLED:
            env["NO_COLOR"] = "1"
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        began = time.monotonic()
        process = subprocess.Popen(
            [str(binary), *arguments], env=env, cwd=home, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        text = read_all(ours)
        status = process.wait(60)
        os.close(ours)
        return Outcome(status, text, (time.monotonic() - began) * 1000)


def read_all(terminal: int) -> str:
    """What is written to a terminal until its last writer is gone."""
    data = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO is how a terminal ends
            piece = b""
        if not piece:
            return data.decode("utf-8", "replace").replace("\r\n", "\n")
        data += piece


def check(act: Act, world: World, outcome: Outcome) -> list[str]:
    """What is not as it should be."""
    wrong = []
    if outcome.status != act.status:
        wrong.append(f"exit status {outcome.status}, {act.status} was expected")
    ended = sorted(world.ssm.terminated(), key=lambda one: one.start)
    if ended != act.ends(world):
        wrong.append(f"ended: {[one.session_id for one in ended]}")
    wrong += [f"the output does not hold {text!r}" for text in act.says if text not in outcome.text]
    wrong += [f"{one.operation} was refused: {one.verdict}" for one in world.log.refused()]
    if "json" in act.arguments:
        try:
            json.loads(outcome.text)
        except ValueError as error:
            wrong.append(f"no JSON: {error}")
    return wrong


def play(number: int, act: Act, emulator: Emulator, binary: Path) -> bool:
    """Play one act. True if it went as it should."""
    world = emulator.reset()
    own = act.prepare(world)
    title = f"{number}. {act.title}"
    print(styled(title, "1"))
    print("-" * len(title))
    tell(act.situation)
    print()
    print(styled(f"$ ssm-enforce {' '.join(act.arguments)}", "36"))
    sys.stdout.flush()
    outcome = run(binary, emulator, own, act.arguments)
    print(shorten(outcome.text) if "json" in act.arguments else outcome.text, end="")
    print()
    print(f"Exit status {outcome.status} after {outcome.milliseconds:.0f} ms. The emulator's sessions now:")
    longest = max(len(one.session_id) for one in sessions(world))
    for one in sessions(world):
        state = styled("ended ", "31") if one.ended else styled("active", "32")
        mark = "  <- typed in this one" if one is own else ""
        print(f"  {state}  {one.session_id:<{longest}}  {age(world.now() - one.start):>4}{mark}")
    wrong = check(act, world, outcome)
    for text in wrong:
        print(styled(f"NOT AS IT SHOULD BE: {text}", "1;31"))
    print()
    return not wrong


def shorten(text: str) -> str:
    """JSON indented, with the first session of its list alone, to fit a page."""
    try:
        value = json.loads(text)
        left_out = len(value["sessions"]) - 1
        value["sessions"] = value["sessions"][:1] + [f"... {left_out} more ..."]
    except (ValueError, KeyError, TypeError):
        return text
    return json.dumps(value, indent=2) + "\n"


def main() -> int:
    """Play all acts."""
    binary = Path(os.environ.get("SSM_ENFORCE_BIN") or ROOT / "build/linux-x86_64/ssm-enforce").resolve()
    if not binary.exists():
        print(f"demo: '{binary}' is not there: run make first", file=sys.stderr)
        return 2
    tell("An emulator on this machine answers in place of AWS; the executable is the real one, on a terminal of 80 "
         "columns. Its environment says where the emulator is, and in $SSM_SESSION_ID which session the command is "
         "typed in. (--log none, which keeps the demo out of this machine's log, is not shown.)")  # fmt: skip
    print()
    with Emulator() as emulator:
        went_well = [play(number, act, emulator, binary) for number, act in enumerate(ACTS, 1)]
    if all(went_well):
        print(f"{len(ACTS)} acts, each as it should be.")
        return 0
    print(f"{went_well.count(False)} of {len(ACTS)} acts went wrong.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
