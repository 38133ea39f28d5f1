"""The audit record on its way into the system's log, which has a largest line: a real datagram socket stands for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Runner
from emulator.world import World

pytestmark = pytest.mark.only("linux", "Windows has no /dev/log")

LINE_MAX = 8192  # what rsyslog takes, unless it is told otherwise
SHOW = 'mount --bind "$0" /dev && exec "$@"'


class Log:
    """/dev/log of the runs of one test: all lines that came, in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "log"))
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while line := self._socket.recv(1 << 20):
            self._lines.append(line)

    def close(self) -> list[bytes]:
        if self._reader.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", str(self.folder / "log"))
            self._reader.join()
            self._socket.close()
        return self._lines


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    folder = tmp_path / "dev"
    folder.mkdir()
    log = Log(folder)
    yield log
    log.close()


@pytest.fixture
def logging_run(run: Runner, log: Log) -> Runner:
    """Runs the executable where /dev holds the log and nothing else."""
    own = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    prefix = [*own, "sh", "-c", SHOW, str(log.folder)]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace may be made here")
    return replace(run, prefix=[*prefix, *run.prefix])


def records(log: Log) -> list[dict]:
    found = []
    for line in log.close():
        assert len(line) <= LINE_MAX
        head, text = line.split(b": ", 1)
        assert b" ssm-enforce[" in head
        found.append(json.loads(text))
    return found


def test_a_record_of_one_line(world: World, logging_run: Runner, log: Log) -> None:
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(4)]
    result = logging_run("--max", "3", session=sessions[-1])
    assert result.rc == 0 and result.err == "", result
    (record,) = records(log)
    assert (record["part"], record["more"]) == (1, False)
    assert record["sessions"][0]["verdict"] == "terminated"


def test_a_thousand_sessions_in_as_many_lines_as_it_takes(world: World, logging_run: Runner, log: Log) -> None:
    sessions = [world.add_session(owner=f"owner-{i % 100}", age=5000 - i) for i in range(1000)]
    result = logging_run("--max", "2", "--notify-only", "-q", session=sessions[-1])
    assert result.rc == 0 and result.err == "", result
    found = records(log)
    assert [record["part"] for record in found] == list(range(1, len(found) + 1))
    assert [record["more"] for record in found] == [True] * (len(found) - 1) + [False]
    assert len(found) > 10
    assert len({(record["run_id"], record["time"], record["process_id"]) for record in found}) == 1
    named = [session["session_id"] for record in found for session in record["sessions"]]
    assert sorted(named) == sorted(session.session_id for session in sessions)
    over = [session for record in found for session in record["sessions"] if session["verdict"] == "would_terminate"]
    groups = [group for record in found for group in record["groups"]]
    assert len(groups) == 100 and all(group["count"] == 10 and group["surplus"] == 8 for group in groups)
    assert len(over) == 800


def test_a_file_takes_it_in_one_line(world: World, run: Runner, tmp_path: Path) -> None:
    sessions = [world.add_session(owner=f"owner-{i % 100}", age=5000 - i) for i in range(1000)]
    log = tmp_path / "audit.log"
    result = run("--max", "2", "--notify-only", "-q", "--log", str(log), session=sessions[-1])
    assert result.rc == 0 and result.err == "", result
    (record,) = (json.loads(line) for line in log.read_text().splitlines())
    assert (record["part"], record["more"], len(record["sessions"])) == (1, False, 1000)
