"""Fixtures of the end-to-end tests: the emulated AWS, and the real executable run against it.

    def test_within_the_limit(world, run):
        world.add_session(owner="alice", age=60)
        result = run("--max", "3")
        assert result.rc == 0 and not world.ssm.terminated()

$SSM_ENFORCE_BIN names the executable (default: build/linux-x86_64/ssm-enforce), $SSM_ENFORCE_WRAP a command put in
front of it, such as "qemu-aarch64-static", "valgrind -q --error-exitcode=99" or "wine"; target.py says what follows
from them.
$SSM_ENFORCE_TEST_KEY=rsa serves RSA certificates in place of EC ones.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import target  # noqa: E402
from emulator import Emulator, World  # noqa: E402
from emulator_tools import NO_RETRY, Client  # noqa: E402

PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LLVM_PROFILE_FILE", "GCOV_PREFIX", "GCOV_PREFIX_STRIP",
             "WINEPREFIX", "WINEDEBUG", "QEMU_LD_PREFIX")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """The marks of target.py."""
    config.addinivalue_line("markers", "gap(target..., reason): what an emulator lacks: native, qemu or wine")
    config.addinivalue_line("markers", "only(target..., reason): what holds for these alone: linux, windows, native, ...")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what can't hold for the executable under test."""
    for item in items:
        reason = target.reason_to_skip(item)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Result:
    """How a run of the executable ended."""

    command: list[str]
    rc: int
    out: str
    err: str
    ms: float  # wall time

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"$ {shlex.join(self.command)}\n{self.out}{self.err}(exit {self.rc}, {self.ms:.0f} ms)"


@dataclass
class Running:
    """A run under way. `wait` for its Result."""

    process: subprocess.Popen[bytes]
    command: list[str]
    began: float

    def wait(self, timeout: float = 60) -> Result:
        """Wait for the end; a run that outlasts `timeout` seconds is killed and fails the test."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            pytest.fail(f"$ {shlex.join(self.command)}\nno end after {timeout} s\n{out.decode()}{err.decode()}")
        ms = (time.monotonic() - self.began) * 1000
        return Result(self.command, self.process.returncode, out.decode(), err.decode(), ms)


@dataclass
class Runner:
    """Runs the executable in a clean environment that leads it to the emulator."""

    emulator: Emulator
    home: Path
    prefix: list[str]
    env: dict[str, str] = field(default_factory=dict)  # added to that of every run
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, credentials: str = "imds", endpoint: str = "aws", **more: str | None) -> dict[str, str]:
        """The environment of a run (see Emulator.env). A variable given as None is left out."""
        env: dict[str, str | None] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}
        env.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
        env.update(self.emulator.env(credentials, endpoint))
        env.update(self.env)
        env.update(more)
        return {name: value for name, value in env.items() if value is not None}

    def start(self, *args: str, credentials: str = "imds", endpoint: str = "aws", session: Any = None,
              env: dict[str, str | None] | None = None, **popen: Any) -> Running:  # fmt: skip
        """Start a run. `session`: the session (or its id) that it is the shell profile of."""
        command = self.prefix + list(args)
        more = dict(env or {})
        if session is not None:
            more["SSM_SESSION_ID"] = getattr(session, "session_id", session)
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=self.environment(credentials, endpoint, **more), cwd=self.home, **popen
        )
        self.started.append(process)
        return Running(process, command, began)

    def __call__(self, *args: str, timeout: float = 60, **options: Any) -> Result:
        """Run it to its end."""
        return self.start(*args, **options).wait(timeout)


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[Emulator]:
    """The one emulator of the test session."""
    with Emulator(key_type=os.environ.get("SSM_ENFORCE_TEST_KEY", "ec")) as emulator:
        yield emulator


@pytest.fixture
def emu(emulator_process: Emulator) -> Iterator[Emulator]:
    """The emulator with a fresh world. The test fails if the emulator itself did."""
    emulator_process.reset()
    yield emulator_process
    emulator_process.listen_all()
    assert not emulator_process.crashes, "\n".join(emulator_process.crashes)


@pytest.fixture
def world(emu: Emulator) -> World:
    """The state of the emulated AWS: sessions, credentials, faults, log."""
    return emu.world


@pytest.fixture(scope="session")
def executable() -> Iterator[list[str]]:
    """The command that runs ssm-enforce, a wrapper in front of it included."""
    if not target.BIN.exists():
        pytest.fail(f"'{target.BIN}' is not there: run make first, or set SSM_ENFORCE_BIN")
    with target.kept_warm(dict(os.environ)):
        yield [*target.WRAP, str(target.BIN)]


@pytest.fixture
def one_file(executable: list[str], tmp_path: Path) -> str:
    """What a Linux instance has under one name: the executable, or a script that puts the emulator in front of it."""
    if target.TARGET != "qemu":
        return str(target.HOST_BIN)
    path = tmp_path / "bin" / "ssm-enforce"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {shlex.join(executable)} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def run(emu: Emulator, executable: list[str], tmp_path: Path) -> Iterator[Runner]:
    """Runs the executable against `emu`; see Runner."""
    home = tmp_path / "home"
    home.mkdir()
    target.use_home(home)
    runner = Runner(emu, home, executable)
    yield runner
    for process in runner.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def client(emu: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Client:
    """Makes botocore clients that talk to the emulator with the instance role's keys."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    session = botocore.session.Session()

    def make(service: str, keys: Any = None, endpoint: str = "aws", region: str | None = None, **more: Any) -> Any:
        keys = keys or emu.world.instance_credential()
        return session.create_client(
            service, region_name=region or emu.world.region, endpoint_url=emu.url(endpoint), verify=emu.ca_file,
            aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key, aws_session_token=keys.token,
            config=more.pop("config", NO_RETRY), **more,
        )  # fmt: skip

    return make
