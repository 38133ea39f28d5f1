"""Which of the executables the end-to-end tests run, and what does not hold for it.

What can't hold for a target stands at the test, with the reason:

    @pytest.mark.gap("wine", "wine keeps no event log")            # what an emulator lacks
    @pytest.mark.only("linux", "Windows has no syslog")            # what exists on one system alone

and is skipped there as "wine: wine keeps no event log". Bounds of time get SLACK_MS added.
"""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("SSM_ENFORCE_BIN") or ROOT / "build/linux-x86_64/ssm-enforce").resolve()
WRAP = shlex.split(os.environ.get("SSM_ENFORCE_WRAP", ""))

# "native" (whatever else is in front of it), "qemu" or "wine"; and the system that the executable is for.
TARGET = "wine" if BIN.suffix == ".exe" else "qemu" if any("qemu" in word for word in WRAP) else "native"
SYSTEM = "windows" if TARGET == "wine" else "linux"
PREFIX = Path(os.environ.get("WINEPREFIX") or Path.home() / ".wine")  # wine's folder

# What this machine's own shell can run: the executable that a deployment from another system puts on a Linux instance.
HOST_BIN = BIN if TARGET == "native" else ROOT / "build/linux-x86_64/ssm-enforce"

# What a run may take longer here than natively.
SLACK_MS = {"native": 0, "qemu": 1000, "wine": 1000}[TARGET]


def path_for(path: Path | str) -> str:
    """The name by which the executable knows a file of this machine."""
    return "Z:" + str(path).replace("/", "\\") if TARGET == "wine" else str(path)


def use_home(home: Path) -> None:
    """Makes the shared files in `home` those of the user. Wine takes the profile's folder from its registry."""
    if TARGET == "wine":
        link = PREFIX / "drive_c/users" / getpass.getuser() / ".aws"
        link.unlink(missing_ok=True)
        link.symlink_to(home / ".aws")


def write_command(path: Path, text: str, argument: str = "") -> str:
    """Writes a command that prints `text` (one line), given `argument`, and fails with another one. Returns how the
    executable under test is to call it."""
    path.write_text(f"#!/bin/sh\ntest \"$1\" = '{argument}' && echo '{text}'\n")
    path.chmod(0o700)
    if SYSTEM == "windows":
        path = path.with_name(path.name + ".bat")
        path.write_text(f'@if not "%~1"=="{argument}" exit /b 1\r\n@echo {text}\r\n')
    return f'"{path_for(path)}"'


def reason_to_skip(item: pytest.Item) -> str | None:
    """Why a test can't hold for this target, by its marks; None: it has to."""
    for mark in item.iter_markers("gap"):
        if TARGET in mark.args[:-1]:
            return f"{TARGET}: {mark.args[-1]}"
    for mark in item.iter_markers("only"):
        if not {TARGET, SYSTEM} & set(mark.args[:-1]):
            return f"{TARGET}: {mark.args[-1]}"
    return None


@contextmanager
def kept_warm(env: dict[str, str]) -> Iterator[None]:
    """Holds a process of wine, without which wine's own are started anew for each run (0.4 s). The first one of all
    sets its folder up. No pipes: wine's own processes would keep them open."""
    if TARGET != "wine":
        yield
        return
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*WRAP, "cmd.exe", "/c", "exit"], env=env, stdin=subprocess.DEVNULL, check=True, timeout=120, **silent)
    held = subprocess.Popen([*WRAP, "cmd.exe"], env=env, stdin=subprocess.PIPE, **silent)
    try:
        yield
    finally:
        assert held.stdin
        held.stdin.close()  # the end of its input is its end
        try:
            held.wait(10)
        except subprocess.TimeoutExpired:
            held.kill()
            held.wait()
