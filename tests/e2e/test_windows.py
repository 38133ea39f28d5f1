"""What the Windows executable does in its own way: paths, arguments, the console, the event log, its exit codes."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

from target import PREFIX, WRAP, path_for

pytestmark = pytest.mark.only("windows", "Windows paths, consoles and logs")

SOURCE = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\ssm-enforce"


def over_the_limit(world):
    return [world.add_session(owner="jane", age=400 - 100 * i) for i in range(4)]


@pytest.mark.parametrize("slash", ["\\", "/"])
@pytest.mark.parametrize("name", ["a b", "Überprüfung €", "日本 😀", "it's 100% & (x) ^"])
def test_paths(emu, world, run, tmp_path, name, slash):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(emu.ca_file, folder / "ca.pem")
    bundle, log = (path_for(folder / file).replace("\\", slash) for file in ("ca.pem", "audit log.json"))
    sessions = over_the_limit(world)
    result = run("--max", "3", "--ca-bundle", bundle, "--log", log, session=sessions[-1], env={"AWS_CA_BUNDLE": None})
    assert result.rc == 0 and result.err == "", result
    line = (folder / "audit log.json").read_bytes()
    assert line.endswith(b"}\n") and json.loads(line)["sessions"][0]["verdict"] == "terminated"
    result = run("--max", "3", "--ca-bundle", bundle + "x", session=sessions[-1])
    assert result.rc == 2 and bundle + "x" in result.err, result


@pytest.mark.parametrize("name", ["a b", 'a"b', "a\\", 'a\\"b', "ä€😀", "", "%PATH%", "a\tb"])
def test_arguments_come_as_they_are(world, run, name):
    own = world.add_session(owner=f"arn:aws:sts::123456789012:assumed-role/admin/x{name}", session_id="own-1")
    world.add_session(owner="jane", age=10)
    result = run("list", "--max", "1", "--output", "json", "--exempt", "*/x" + name.replace("\\", "\\\\"), session=own)
    assert result.rc == 0, result
    assert {one["session_id"] for one in result.json["sessions"] if one["verdict"] == "exempt"} == {own.session_id}


def test_output_has_no_carriage_returns(world, run):
    """What is read from a pipe is the same on all systems."""
    sessions = over_the_limit(world)
    for more in ([], ["--output", "json"]):
        running = run.start("--max", "3", "-v", *more, session=sessions[-1])
        out, err = running.process.communicate(timeout=60)
        assert out.endswith(b"\n") and b"\r" not in out + err


def test_exit_codes(world, run):
    own = over_the_limit(world)[-1]
    newest = ("--max", "3", "--terminate", "newest", "--grace", "2")
    assert [run("--max", "9", session=own).rc, run("--max", "x").rc, run(*newest, session=own).rc] == [0, 2, 3]
    world.deny("ssm:DescribeSessions")
    assert run("--max", "3", session=own).rc == 1


@pytest.mark.parametrize("key", [b"\x03", b"\x1a"], ids=["Ctrl-C", "Ctrl-Z"])
def test_keys_do_not_stop_a_run(world, run, key):
    sessions = over_the_limit(world)
    world.faults.add("latency", operation="DescribeSessions", seconds=1)
    env = run.environment(SSM_SESSION_ID=sessions[-1].session_id, TERM="xterm")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(run.prefix[0], [*run.prefix, "--max", "1", "--log", "none"], env)
    # As a console has it: the key is one, and no signal of the terminal's.
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~(termios.ISIG | termios.ICANON | termios.ECHO)
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    shown, end, pressed = b"", time.monotonic() + 30, 0
    while time.monotonic() < end:
        if pressed < 5 and world.log.calls("PutToken"):
            os.write(terminal, key)
            pressed += 1
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert pressed == 5 and world.ssm.terminated() == sessions[:3]
    assert b"3 terminated" in shown


def test_a_console_that_is_closed_does_not_stop_a_run(world, run):
    sessions = over_the_limit(world)
    world.faults.add("latency", operation="DescribeSessions", seconds=1)
    master, slave = pty.openpty()
    running = run.start("--max", "1", "--log", "none", session=sessions[-1], env={"TERM": "xterm"}, stdin=slave,
                        stdout=slave, stderr=slave, start_new_session=True)  # fmt: skip
    os.close(slave)
    end = time.monotonic() + 30
    while not world.log.calls("PutToken") and time.monotonic() < end:
        time.sleep(0.02)
    os.close(master)
    assert running.process.wait(60) == 0
    assert world.ssm.terminated() == sessions[:3]


# ---- the Application event log ----


def wine(run, *words):
    done = subprocess.run([*WRAP, *words], env=run.environment(), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_source_of_events_is_registered(world, run, executable):
    """Through it the viewer finds the message that shows a record in full."""
    sessions = over_the_limit(world)
    assert run("--max", "3", session=sessions[-1]).rc == 0
    shown = wine(run, "reg.exe", "query", SOURCE)
    file = next(line.split("REG_SZ")[1].strip() for line in shown.splitlines() if "EventMessageFile" in line)
    assert file.lower() == path_for(executable[-1]).lower()
    assert "TypesSupported" in shown


def test_an_event_is_reported(world, run):
    """Wine keeps no event log; its trace of the call shows what a log would get, or the start of it."""
    sessions = over_the_limit(world)
    result = run("--max", "3", session=sessions[-1], env={"WINEDEBUG": "-all,trace+eventlog,warn+eventlog"})
    assert result.rc == 0, result
    assert "warning" not in result.err.replace("warn:eventlog", "")
    record = next(line for line in result.err.splitlines() if "ReportEventW" in line and "outcome" in line)
    assert r"\"outcome\":\"success\"" in record


# ---- the session's worker ----


def under_a_worker(run, executable, tmp_path, session):
    """A process that has the worker's name and its command line, and starts the run."""
    shutil.copy(PREFIX / "drive_c/windows/system32/cmd.exe", tmp_path / "ssm-session-worker.exe")
    command = [*WRAP, path_for(tmp_path / "ssm-session-worker.exe"), session.session_id, "/c", path_for(executable[-1]),
               "--max", "3", "-v", "--log", "none"]  # fmt: skip
    return subprocess.run(command, env=run.environment(), capture_output=True, text=True, timeout=60)


def test_a_worker_of_another_user_is_none(world, run, executable, tmp_path):
    """Anyone may give his program that name."""
    own = over_the_limit(world)[-1]
    done = under_a_worker(run, executable, tmp_path, own)
    assert done.returncode == 0 and "session unknown" in done.stderr, done


@pytest.mark.gap("wine", "wine runs all processes as one user, and a session's worker is one of SYSTEM")
def test_the_own_session_is_known_by_the_worker_above(world, run, executable, tmp_path):
    own = over_the_limit(world)[-1]
    done = under_a_worker(run, executable, tmp_path, own)
    assert done.returncode == 0 and own.session_id in done.stdout, done
