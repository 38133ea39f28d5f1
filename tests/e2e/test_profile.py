"""The profile line, typed into a real `sh` on a terminal as the SSM agent does it."""

from __future__ import annotations

import os
import shlex
import time

import pytest

from agent import Worker

SHELLS = [path for path in ("/bin/dash", "/bin/bash") if os.path.exists(path)]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a session worker is a process of uid 0"),
    pytest.mark.only("linux", "the profile line of a Linux shell; Windows has PowerShell, which is not here"),
]


def profile(executable, *args, deny=False):
    command = shlex.join([*executable, *args])
    return f"trap '' INT QUIT TSTP; {command}{' || exit' if deny else ''}; trap - INT QUIT TSTP"


@pytest.fixture(params=SHELLS)
def start(request, run, executable, tmp_path):
    """Starts a session with a profile line; ends all that were started."""
    workers = []

    def start(session, *args, deny=False, **env):
        folder = tmp_path / f"worker{len(workers)}"
        folder.mkdir()
        worker = Worker(folder, session.session_id, profile(executable, *args, deny=deny),
                        run.environment(**env), request.param)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.close()


def prompt_works(worker):
    worker.type(b"echo alive-$((6 * 7))\r")
    worker.expect(r"alive-42\r\n")


def wait_for(condition, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_own_session_is_known_by_the_worker_above(world, start):
    old = world.add_session(owner="jane", age=100)
    own = world.add_session(owner="jane", age=0)
    worker = start(own, "--max", "1", "--log", "none")
    worker.expect("1 terminated\r\n")
    worker.expect(r"\(this session\)\r\n")
    prompt_works(worker)
    assert [session.session_id for session in world.ssm.terminated()] == [old.session_id]


@pytest.mark.parametrize("key", [b"\x03", b"\x1c", b"\x1a"], ids=["Ctrl-C", "Ctrl-Backslash", "Ctrl-Z"])
def test_keys_do_not_stop_a_run(world, start, key):
    old = [world.add_session(owner="jane", age=100 - i) for i in range(2)]
    own = world.add_session(owner="jane", age=0)
    world.faults.add("latency", operation="DescribeSessions", seconds=0.6)
    worker = start(own, "--max", "1", "--log", "none")
    for _ in range(10):
        wait_for(lambda: world.log.calls("PutToken"))
        worker.type(key)
        time.sleep(0.05)
    wait_for(lambda: len(world.ssm.terminated()) == 2)
    worker.expect(r"\(this session\)\r\n")
    prompt_works(worker)
    assert {session.session_id for session in world.ssm.terminated()} == {session.session_id for session in old}


def test_hang_up_does_not_stop_a_run(world, start):
    old = [world.add_session(owner="jane", age=100 - i) for i in range(3)]
    own = world.add_session(owner="jane", age=0)
    world.faults.add("latency", operation="DescribeSessions", seconds=0.5)
    worker = start(own, "--max", "1", "--log", "none")
    wait_for(lambda: world.log.calls("PutToken"))
    worker.terminate()
    assert worker.ended()
    wait_for(lambda: len(world.ssm.terminated()) == 3)
    assert {session.session_id for session in world.ssm.terminated()} == {session.session_id for session in old}


def test_the_leaving_user_reads_why(world, start):
    world.add_session(owner="jane", age=100)
    own = world.add_session(owner="jane", age=0)
    worker = start(own, "--max", "1", "--terminate", "newest", "--grace", "2", "--log", "none")
    worker.expect("this session ends in 2 seconds: jane has 2 sessions, the limit is 1\r\n")
    assert not world.ssm.terminated()
    wait_for(lambda: world.ssm.terminated())
    worker.terminate()
    assert worker.ended()


def test_fails_open_without_exit_and_closed_with_it(world, start):
    own = world.add_session(owner="jane", age=0)
    world.deny("ssm:DescribeSessions")
    worker = start(own, "--max", "1", "--log", "none")
    worker.expect("ssm-enforce: AccessDenied")
    prompt_works(worker)
    worker = start(own, "--max", "1", "--log", "none", deny=True)
    worker.expect("ssm-enforce: AccessDenied")
    assert worker.ended()


def test_keys_work_again_after_the_line(world, start):
    own = world.add_session(owner="jane", age=0)
    worker = start(own, "--max", "3", "--log", "none")
    worker.expect("session 1 of 3 for jane")
    worker.type(b"sleep 60\r")
    time.sleep(0.3)
    worker.type(b"\x03")
    prompt_works(worker)
