"""Keys and tokens: in no output, log, message, command line or core, whether a run succeeds or fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Result, Runner
from emulator import Emulator, World
from target import SYSTEM, path_for

NOBODY = 65534
CONTAINER_TOKEN = "UOwyXxnuVGHCsZtkKQfpBLMjRoEaDTIb"
PASSWORD = "gQnKzLdWvYtPsXbRmJcHfTeA"
PIECE = 16  # so much of a secret is as good as all of it to who guesses the rest


def secrets(world: World) -> list[str]:
    """All that must not be seen."""
    found = [CONTAINER_TOKEN, PASSWORD, *world.imds.tokens]
    for one in world.credentials.values():
        found += [one.secret_key] + ([one.token] if one.token else [])
    return found


def check_silent(world: World, *texts: str) -> None:
    """None of the texts has a secret, or the start or the end of one, in it."""
    known = secrets(world)
    assert known
    for text in texts:
        for secret in known:
            for piece in (secret[:PIECE], secret[-PIECE:]):
                at = text.find(piece)
                assert at < 0, f"a secret in: {text[max(at - 200, 0) : at + 40]}"


def deny(world: World) -> None:
    world.deny("ssm:DescribeSessions")


def repeat_the_request(world: World) -> None:
    """What AWS answers where a signature does not match: the canonical request, a token in it."""
    keys = world.imds.credential = world.instance_credential()
    text = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this "
        f"request should have been\n'POST\n/\n\nhost:x\nx-amz-security-token:{keys.token}\n\nhost'\n{keys.secret_key}"
    )
    for operation in ("DescribeSessions", "TerminateSession"):
        world.faults.add("status", operation=operation, status=400, code="InvalidSignatureException", message=text)


def repeat_the_token_alone(world: World) -> None:
    keys = world.imds.credential = world.instance_credential()
    world.faults.add("status", operation="TerminateSession", status=403, code="AccessDeniedException",
                     message=f"token {keys.token}")  # fmt: skip


def cut_credentials(world: World) -> None:
    keys = world.instance_credential()
    text = f'{{"Code":"Success","AccessKeyId":"{keys.access_key}","SecretAccessKey":"{keys.secret_key}","Token":"'
    world.faults.add("body", operation="GetCredentials", body=text + (keys.token or ""))


def credentials_with_a_blank(world: World) -> None:
    keys = world.instance_credential()
    document = {"Code": "Success", "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key + " x",
                "Token": keys.token, "Expiration": "2036-01-01T00:00:00Z"}  # fmt: skip
    world.faults.add("body", operation="GetCredentials", body=json.dumps(document))


def fault(action: str, operation: str, **args: object) -> Callable[[World], None]:
    return lambda world: (world.faults.add(action, operation=operation, **args), None)[1]


WAYS: dict[str, Callable[[World], None]] = {
    "success": lambda world: None,
    "denied": deny,
    "no role": lambda world: setattr(world.imds, "role", None),
    "expired": fault("expired", "DescribeSessions"),
    "signature": repeat_the_request,
    "token repeated": repeat_the_token_alone,
    "credentials cut off": cut_credentials,
    "credentials with a blank": credentials_with_a_blank,
    "token garbage": fault("garbage", "PutToken"),
    "imds 401": fault("status", "GetRole", status=401),
    "imds redirect": fault("redirect", "GetCredentials"),
    "throttled": fault("throttle", "TerminateSession"),
    "reset": fault("reset", "TerminateSession"),
    "malformed": fault("wrong_type", "DescribeSessions"),
    "skewed": lambda world: setattr(world, "clock_offset", 7200),
}


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "-"))
def test_no_secret_is_said(world: World, run: Runner, tmp_path: Path, way: str, output: str) -> None:
    WAYS[way](world)
    sessions = [world.add_session(owner="jane", age=400 - 100 * i) for i in range(4)]
    log = tmp_path / "audit.log"
    result = run("--max", "3", "-v", "--output", output, "--log", str(log), "--timeout", "2", session=sessions[-1])
    assert result.err and log.exists(), result
    check_silent(world, result.out, result.err, log.read_text())


@pytest.mark.parametrize("command", ["enforce", "list"])
@pytest.mark.parametrize("source", ["env", "user", "container"])
@pytest.mark.parametrize("way", ["success", "denied", "signature"])
def test_no_secret_of_another_source(world: World, run: Runner, source: str, way: str, command: str) -> None:
    world.container.token = CONTAINER_TOKEN
    WAYS[way](world)
    session = world.add_session(owner="jane")
    result = run(command, "--max", "3", "-v", "--log", "none", credentials=source, session=session)
    assert result.err, result
    check_silent(world, result.out, result.err)


@pytest.mark.parametrize("accepted", [True, False])
def test_the_password_of_a_proxy(emu: Emulator, world: World, run: Runner, accepted: bool) -> None:
    world.proxy_auth = f"jane:{PASSWORD}" if accepted else "jane:another"
    session = world.add_session(owner="jane")
    proxy = emu.url("proxy").replace("//", f"//jane:{PASSWORD}@")
    env = {"AWS_ENDPOINT_URL": None, "https_proxy": proxy}
    result = run("--max", "3", "-v", "--log", "none", "--timeout", "2", session=session, env=env)
    assert result.rc == (0 if accepted else 1), result
    check_silent(world, result.out, result.err)


@pytest.mark.parametrize("port", ["1", "x"])
def test_the_password_of_a_proxy_that_is_not_there(world: World, run: Runner, port: str) -> None:
    session = world.add_session(owner="jane")
    env = {"https_proxy": f"http://jane:{PASSWORD}@127.0.0.1:{port}"}
    result = run("--max", "3", "-v", "--log", "none", "--timeout", "1", session=session, env=env)
    assert result.rc in (1, 2), result
    check_silent(world, result.out, result.err)


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_secret_that_can_not_be_one(world: World, run: Runner, name: str) -> None:
    session = world.add_session(owner="jane")
    env = {name: f"{CONTAINER_TOKEN}\n"}
    result = run("--max", "3", "-v", "--log", "none", credentials="env", session=session, env=env)
    assert result.rc in (1, 2), result
    check_silent(world, result.out, result.err)


# ---- the process ----

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="looks at /proc of another user's process")


@pytest.fixture
def public(executable: list[str]) -> Iterator[list[str]]:
    """The executable where every user may run it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(executable[-1], folder)
        yield [*executable[:-1], os.path.join(folder, os.path.basename(executable[-1]))]


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@needs_root
@pytest.mark.only("linux", "looks at /proc of the process")
def test_the_process_tells_nothing(emu: Emulator, world: World, run: Runner, public: list[str]) -> None:
    """No core, no memory or environment for another process of the same user, no secret in its command line."""
    session = world.add_session(owner="jane")
    world.faults.add("hang", operation="DescribeSessions")
    run.prefix = public
    bundle = shutil.copy(emu.ca_file, os.path.dirname(public[-1]))
    os.chmod(bundle, 0o644)
    running = run.start("--max", "3", "--log", "none", "--timeout", "30", session=session, user=NOBODY,
                        env={"AWS_CA_BUNDLE": bundle})  # fmt: skip
    proc = Path(f"/proc/{running.process.pid}")
    wait_for(lambda: world.log.calls("DescribeSessions"))
    limit = next(line.split() for line in (proc / "limits").read_text().splitlines() if "core file" in line)
    assert limit[4:6] == ["0", "0"]
    assert (proc / "mem").stat().st_uid == 0, "dumpable"
    for name in ("environ", "mem", "maps"):
        reader = ["/usr/bin/head", "-c", "1", str(proc / name)]
        assert subprocess.run(reader, user=NOBODY, capture_output=True).returncode != 0, name
    check_silent(world, (proc / "cmdline").read_text(), (proc / "environ").read_text())
    running.process.kill()
    running.wait()


@needs_root
@pytest.mark.only("native", "looks at /proc of the process, which is the emulator's")
def test_what_is_relocated_can_not_be_written(world: World, run: Runner, executable: list[str]) -> None:
    """The pages that the program headers promise (RELRO) are read-only once it runs."""
    headers = subprocess.run(["readelf", "-lW", executable[-1]], capture_output=True, text=True, check=True).stdout
    found = re.search(r"GNU_RELRO\s+0x\w+ (0x\w+) 0x\w+ 0x\w+ (0x\w+)", headers)
    assert found, headers
    first = int(found[1], 16) & -4096
    last = (int(found[1], 16) + int(found[2], 16)) & -4096
    world.faults.add("hang", operation="DescribeSessions")
    running = run.start("--max", "3", "--log", "none", "--timeout", "30", session=world.add_session(owner="jane"))
    wait_for(lambda: world.log.calls("DescribeSessions"))
    maps = [line.split() for line in Path(f"/proc/{running.process.pid}/maps").read_text().splitlines()]
    base = min(int(line[0].split("-")[0], 16) for line in maps if Path(line[-1]).name == Path(executable[-1]).name)
    seen = 0
    for line in maps:
        start, end = (int(bound, 16) - base for bound in line[0].split("-"))
        overlap = min(end, last) - max(start, first)
        if overlap > 0:
            seen += overlap
            assert "w" not in line[1], line
    assert seen == last - first > 0
    running.process.kill()
    running.wait()


@needs_root
def test_a_child_learns_nothing(emu: Emulator, world: World, run: Runner, tmp_path: Path) -> None:
    """A profile's credential_process gets no secret that the run had before."""
    session = world.add_session(owner="jane")
    keys = world.instance_credential()
    program = tmp_path / ("credentials" if SYSTEM == "linux" else "credentials.bat")
    seen = tmp_path / "seen"
    document = {"Version": 1, "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key,
                "SessionToken": keys.token}  # fmt: skip
    program.write_text(
        f"#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline >{seen}\n"
        f"ls -l /proc/$$/fd >>{seen}\ncat <<'.'\n{json.dumps(document)}\n.\n"
        if SYSTEM == "linux"
        else f"@set >{path_for(seen)}\r\n@echo %CMDCMDLINE% >>{path_for(seen)}\r\n@echo {json.dumps(document)}\r\n"
    )
    program.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[profile p]\nregion = eu-central-1\ncredential_process = {path_for(program)}\n")
    result: Result = run("--max", "3", "-v", "--log", "none", "--profile", "p", session=session,
                         env={"AWS_CONFIG_FILE": str(config)})  # fmt: skip
    assert result.rc == 0, result
    assert world.imds.tokens, "the run asked the metadata service before"
    assert seen.stat().st_size > 100
    assert "socket:" not in seen.read_text(), "a connection was left to the child"
    check_silent(world, result.out, result.err, seen.read_text())
