"""Text that a remote or a user wrote: never raw on a terminal, in the log or in JSON, and the limit holds."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from agent import PYTHON
from conftest import Runner
from emulator import World
from emulator.ssm_sessions import Session
from target import SYSTEM, TARGET

ROLE = "arn:aws:sts::123456789012:assumed-role"
MARK = "FORGED"  # begins no line that is not ours

TEXTS = {
    "terminal": f"\x1b[2J\x1b]0;{MARK}\x07\x1bc\x1b[31m\x9b2J\x9d0;{MARK}\x9c\x85{MARK}"
                f"\x07\x08\x08\x0b\x0c\x7f\r{MARK}\n{MARK}\r\n{MARK}",
    "unicode": f"\u202e{MARK}\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
               f"\u202a\u202b\u202c\u2028{MARK}\u2029{MARK}",
    "marks": f"%s%n%x%1000000d{{}}'\"`\\{MARK}$(id);|&<>",
    "nul": f"a\x00{MARK}\x00",
}  # fmt: skip
# What no encoder makes of a text: overlong forms, surrogates, lone and missing bytes.
BROKEN = {
    "lone": b"\xff\xfe\x80FORGED",
    "overlong": b"\xc0\x9b\xe0\x80\x9bFORGED",
    "surrogate": b"\xed\xa0\x9bFORGED",
    "missing": b"\xe2\x80",
    "raw c1": b"\x9b31m",
}
ARGUMENTS = {name: text.encode() for name, text in TEXTS.items() if name != "nul"}
ARGUMENTS["broken"] = b"".join(BROKEN.values())
LARGE = "x" * (1 << 20)
LARGE_ARGUMENT = b"x" * (100_000 if SYSTEM == "linux" else 30_000)  # a command line of Windows has 32,767 characters

# Controls but the line end, C1, DEL, line and paragraph separators, and all that turns the direction of text.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def check_safe(data: bytes) -> str:
    """The text, once it has proved harmless."""
    text = data.decode("utf-8")  # strictly
    found = UNSAFE.search(text)
    assert not found, repr(text[max(found.start() - 60, 0) : found.end() + 60])
    assert not any(line.startswith(MARK) for line in text.split("\n")), text
    return text


def check_run(run: Runner, *args: str | bytes, log: Path, **options: Any) -> tuple[int, str]:
    """Run it, with pipes and in JSON, on a terminal, and with a log: all that comes out is safe. Returns the exit
    status and the text of the first run."""
    first = None
    for more in (["-v"], ["--output", "json"], ["--output", "json", "-q"]):
        running = run.start(*args, "--log", str(log), *more, **options)  # type: ignore[arg-type]
        out, err = running.process.communicate(timeout=60)
        text = check_safe(out) + check_safe(err)
        assert running.process.returncode in (0, 1, 2, 3), text
        if "json" in more and running.process.returncode != 2:
            json.loads(out)
        first = first or (running.process.returncode, text)
    check_safe(on_a_terminal(run, *args, "--log", str(log), **options))
    for line in log.read_bytes().splitlines() if log.exists() else []:
        json.loads(check_safe(line))
    assert first
    return first


# What wine's console draws with, besides the text.
WINE_DRAWS = re.compile(rb"\x1b\[(\?25[hl]|\d*[CK]|\d+;\d+H)|\r+(?=\n)")


def on_a_terminal(run: Runner, *args: str | bytes, **options: Any) -> bytes:
    """What a terminal gets of a run (without colour, which is ours)."""
    master, slave = pty.openpty()
    # Wine's console breaks the lines itself: none is so long.
    columns = 8000 if TARGET == "wine" else 80
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    env = {**options.pop("env", {}), "NO_COLOR": "1", "TERM": "xterm"}
    running = run.start(*args, stdin=slave, stdout=slave, stderr=slave, env=env, **options)  # type: ignore[arg-type]
    os.close(slave)
    seen = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and select.select([master], [], [], 60)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    running.process.wait(60)
    os.close(master)
    return WINE_DRAWS.sub(b"", seen) if TARGET == "wine" else seen


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def texts(*names: str):
    return pytest.mark.parametrize("text", [TEXTS[name] for name in names or TEXTS], ids=list(names or TEXTS))


# ---- from the service ----


def check_limit_holds(outcome: tuple[int, str], world: World, sessions: list[Session]) -> None:
    """The oldest was ended."""
    status, said = outcome
    assert status == 0, said
    assert world.ssm.terminated() == sessions[:1]


@texts()
@pytest.mark.parametrize("field", ["Reason", "Details", "DocumentName", "Status", "OutputUrl", "MaxSessionDuration"])
def test_a_field_of_a_session(world: World, run: Runner, log: Path, field: str, text: str) -> None:
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, extra={field: text}) for i in range(4)]
    check_limit_holds(check_run(run, "--max", "3", session=sessions[-1], log=log), world, sessions)


@texts()
@pytest.mark.parametrize("per", ["owner", "role", "all"])
def test_an_owner(world: World, run: Runner, log: Path, per: str, text: str) -> None:
    sessions = [world.add_session(owner=f"{ROLE}/admin/{text}", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    outcome = check_run(run, "--max", "3", "--per", per, session=sessions[-1], log=log)
    check_limit_holds(outcome, world, sessions)


@texts()
def test_a_role_name_in_an_owner(world: World, run: Runner, log: Path, text: str) -> None:
    sessions = [world.add_session(owner=f"{ROLE}/{text}/jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    outcome = check_run(run, "--max", "3", "--per", "role", session=sessions[-1], log=log)
    check_limit_holds(outcome, world, sessions)


@texts("terminal", "unicode", "marks")
def test_the_message_to_who_has_to_leave(world: World, run: Runner, log: Path, text: str) -> None:
    owner = f"{ROLE}/admin/{text}"
    sessions = [world.add_session(owner=owner, age=400 - 100 * i, session_id=f"jane-{i}") for i in range(2)]
    result = on_a_terminal(run, "--max", "1", "--terminate", "newest", "--grace", "2", "--log", str(log),
                           session=sessions[-1])  # fmt: skip
    assert "this session ends in 2 seconds" in check_safe(result)
    assert world.ssm.terminated() == sessions[1:]


@texts()
def test_a_session_id(world: World, run: Runner, log: Path, text: str) -> None:
    """It is counted, and ended by the name that it has (but a NUL is in no name: U+FFFD stands for it)."""
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(4)]
    odd = world.add_session(owner="jane", age=450, session_id=f"jane-{text}")
    status, _ = check_run(run, "--max", "3", session=sessions[-1], log=log)
    assert status == 0
    named = {entry.params["SessionId"] for entry in world.log.calls("TerminateSession")}
    assert named == {sessions[0].session_id, odd.session_id.replace("\0", "\ufffd")}


def test_sessions_that_a_list_shows(world: World, run: Runner, log: Path) -> None:
    for name, text in list(TEXTS.items())[:3]:
        world.add_session(owner=f"{ROLE}/{text}/{text}", session_id=f"{name}-{text}",
                          extra={"Status": text, "DocumentName": text})  # fmt: skip
    for args in (["list"], ["list", "--max", "1"], ["--max", "1", "--notify-only"], ["--max", "1", "--per", "all"]):
        check_run(run, *args, log=log)


@texts()
@pytest.mark.parametrize("operation", ["DescribeSessions", "TerminateSession"])
@pytest.mark.parametrize("part", ["message", "code"])
def test_a_refusal(world: World, run: Runner, log: Path, operation: str, part: str, text: str) -> None:
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    body = {"__type": "AccessDeniedException", "message": "no"}
    body["__type" if part == "code" else "message"] = text
    world.faults.add("body", operation=operation, status=400, body=body)
    world.faults.add("headers", operation=operation, headers={"x-amzn-ErrorType": None})
    status, _ = check_run(run, "--max", "3", session=sessions[-1], log=log)
    assert status == 1


def listing(**fields: bytes) -> bytes:
    """A page with four sessions, whose fields are these bytes."""
    known = {"SessionId": b"jane-%d", "Target": b"i-0123456789abcdef0", "Owner": b"jane", "Status": b"Connected",
             "DocumentName": b"SSM-SessionManagerRunShell", "Reason": b"", **fields}  # fmt: skip
    text = b", ".join(b'"%s": "%s"' % (name.encode(), value) for name, value in known.items())
    sessions = [b'{%s, "StartDate": %d.5}' % (text.replace(b"jane-%d", b"jane-%d" % i), 1700000000 + i)
                for i in range(4)]  # fmt: skip
    return b'{"Sessions": [%s]}' % b", ".join(sessions)


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("field", ["Owner", "Status", "DocumentName", "Reason", "SessionId"])
def test_broken_bytes_in_a_listing(world: World, run: Runner, log: Path, field: str, raw: bytes) -> None:
    """They are no JSON: nothing is done on such a listing."""
    if field == "SessionId":
        raw = b"jane-%d" + raw
    world.faults.add("body", operation="DescribeSessions", body=listing(**{field: raw}))
    status, _ = check_run(run, "--max", "3", session="jane-3", log=log)
    assert status == 1
    assert not world.log.calls("TerminateSession")


@pytest.mark.parametrize("field", ["Reason", "Details", "OutputUrl"])
def test_a_large_field_that_is_not_read(world: World, run: Runner, log: Path, field: str) -> None:
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, extra={field: LARGE}) for i in range(4)]
    status, _ = check_run(run, "--max", "3", session=sessions[-1], log=log)
    assert status == 0
    assert world.ssm.terminated() == sessions[:1]


@pytest.mark.parametrize("field", ["SessionId", "Target", "Owner", "Status", "DocumentName"])
def test_a_large_field_that_is_read(world: World, run: Runner, log: Path, field: str) -> None:
    """A session that can't be read whole ends the run: nothing is done on such a listing."""
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    sessions[1].extra[field] = LARGE
    status, said = check_run(run, "--max", "3", session=sessions[-1], log=log)
    assert status == 1 and f"too long a {field}" in said
    assert len(said) < 5000 and not world.ssm.terminated()


@pytest.mark.parametrize("operation", ["DescribeSessions", "TerminateSession"])
def test_a_large_refusal(world: World, run: Runner, log: Path, operation: str) -> None:
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    world.faults.add("status", operation=operation, status=400, message=LARGE)
    status, said = check_run(run, "--max", "3", session=sessions[-1], log=log)
    assert status == 1 and len(said) < 5000


# ---- from the metadata service ----


@texts()
@pytest.mark.parametrize("what", ["role", "region", "instanceId", "code", "token"])
def test_instance_metadata(world: World, run: Runner, log: Path, what: str, text: str) -> None:
    session = world.add_session(owner="jane")
    if what == "role":
        world.imds.role = text
    elif what == "code":
        world.imds.code = text
    elif what == "token":
        world.faults.add("body", operation="PutToken", body=text)
    else:
        world.imds.identity = {what: text}
    status, said = check_run(run, "--max", "3", session=session, log=log)
    assert status in (1, 2) and said


@pytest.mark.parametrize("raw", [*BROKEN.values(), LARGE.encode()], ids=[*BROKEN, "large"])
@pytest.mark.parametrize("operation", ["PutToken", "GetIdentity", "GetRole", "GetCredentials"])
def test_broken_bytes_from_instance_metadata(world: World, run: Runner, log: Path, operation: str,
                                             raw: bytes) -> None:  # fmt: skip
    session = world.add_session(owner="jane")
    world.faults.add("body", operation=operation, body=raw)
    status, said = check_run(run, "--max", "3", session=session, log=log)
    assert status == 1 and said and len(said) < 5000


# ---- from the user ----

OPTIONS = (
    ["--session-id={}"], ["--instance-id={}"], ["--region={}"], ["--profile={}"], ["--endpoint-url={}"],
    ["--endpoint-url=https://{}/"], ["--ca-bundle={}"], ["--timeout={}"], ["--output={}"], ["--max-for={}=2"],
    ["--exempt={}"], ["--per={}"], ["--{}"], ["{}"], ["help", "{}"], ["-{}"],
)  # fmt: skip


@pytest.mark.parametrize("raw", [*ARGUMENTS.values(), LARGE_ARGUMENT], ids=[*ARGUMENTS, "large"])
@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: " ".join(option))
def test_an_option(world: World, run: Runner, log: Path, option: list[str], raw: bytes) -> None:
    session = world.add_session(owner="jane")
    words = [word.encode().replace(b"{}", raw) for word in option]
    _, said = check_run(run, "--max", "3", "--timeout=1", *words, session=session, log=log)
    assert len(said) < 20_000


@pytest.mark.parametrize("raw", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_the_name_of_a_log(world: World, run: Runner, tmp_path: Path, raw: bytes) -> None:
    """It is a warning that names the file, and the limit holds."""
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    name = os.fsencode(tmp_path) + b"/none/" + raw
    running = run.start("--max", "3", "--log", name, session=sessions[-1])  # type: ignore[arg-type]
    out, err = running.process.communicate(timeout=60)
    assert running.process.returncode == 0 and "warning" in check_safe(err)
    check_safe(out)
    assert world.ssm.terminated() == sessions[:1]


VARIABLES = (
    "SSM_SESSION_ID", "AWS_SSM_INSTANCE_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SSM_REGION_NAME",
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_CA_BUNDLE", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_ACCESS_KEY_ID", "AWS_USE_FIPS_ENDPOINT", "https_proxy", "no_proxy",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "HOME", "TERM", "COLUMNS", "USER", "TZ",
    pytest.param("LANG", marks=pytest.mark.gap("wine", "wine reads it for itself, and prints what it does not understand")),
)  # fmt: skip


@pytest.mark.parametrize("raw", [*ARGUMENTS.values(), b"x" * 100_000], ids=[*ARGUMENTS, "large"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable(world: World, run: Runner, log: Path, name: str, raw: bytes) -> None:
    session = world.add_session(owner="jane")
    env: dict[str, Any] = {"SSM_SESSION_ID": session.session_id, name: raw}
    _, said = check_run(run, "--max", "3", "--timeout=1", env=env, log=log)
    assert len(said) < 20_000


@pytest.mark.skipif(os.geteuid() != 0, reason="a session worker is a process of uid 0")
@pytest.mark.only("linux", "ancestors of Linux; of Windows: tests/unit/test_platform_windows_session.c")
@pytest.mark.parametrize("raw", [*ARGUMENTS.values(), b"x" * 200], ids=[*ARGUMENTS, "long"])
def test_the_command_line_of_an_ancestor(world: World, run: Runner, executable: list[str], log: Path,
                                         tmp_path: Path, raw: bytes) -> None:  # fmt: skip
    """A worker with such a session id is none: the own session is unknown, and the limit holds."""
    sessions = [world.add_session(owner="jane", age=400 - 100 * i, session_id=f"jane-{i}")
                for i in range(4)]
    # As the agent's worker in agent.py: argv is the worker's name and the session id, which Python runs as a script.
    command = [*executable, "--max", "3", "-v", "--log", str(log)]
    (tmp_path / os.fsdecode(raw)).write_text(f"import subprocess, sys\nsys.exit(subprocess.call({command!r}))\n")
    worker = subprocess.run([b"/usr/bin/ssm-session-worker", raw], executable=PYTHON, cwd=tmp_path,
                            env=run.environment(), capture_output=True, timeout=60)  # fmt: skip
    said = check_safe(worker.stdout) + check_safe(worker.stderr)
    assert worker.returncode == 0, said
    assert world.ssm.terminated() == sessions[:1]
    assert "session unknown" in said
