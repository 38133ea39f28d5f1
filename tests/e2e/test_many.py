"""Many sessions that start at the same moment, each with its own run: real processes against one emulator.

Listings show new sessions late and in another order than they started, and the service throttles. When the last run has
ended, each group holds exactly as many sessions as it may, the right ones, and none besides was terminated.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Runner
from emulator import World
from emulator.ssm_sessions import Session

LIMIT = 3
HUNG_S = 120  # a process that takes longer than this hangs


@dataclass
class Crowd:
    """What became of many runs at once."""

    sessions: list[Session]
    ends: dict[str, int]  # the exit status of each session's run
    slowest_s: float
    calls: Counter[str]
    errors: list[str]  # of some runs that failed

    @property
    def codes(self) -> Counter[int]:
        return Counter(self.ends.values())

    def __str__(self) -> str:
        calls = ", ".join(f"{count} {name}" for name, count in sorted(self.calls.items()))
        codes = ", ".join(f"{count} x exit {code}" for code, count in sorted(self.codes.items()))
        figures = f"{len(self.sessions)} runs: {codes}; the slowest {self.slowest_s:.1f} s; {calls}\n"
        return figures + "".join(self.errors)


@pytest.fixture
def many(executable: list[str]) -> int:
    """How many start at once: fewer where each costs twenty times as much."""
    sanitized = b"__asan_init" in Path(executable[-1]).read_bytes()
    return 30 if sanitized or len(executable) > 1 else 200


@pytest.fixture(autouse=True)
def descriptors() -> None:
    """Each run has up to nine connections to this process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def start_all(run: Runner, world: World, count: int, *args: str, limit: int = LIMIT, killed: float = 0.0,
              seed: int = 1) -> Crowd:  # fmt: skip
    """So many sessions of one owner start within one second, each runs its profile; a share of them is killed."""
    chance = random.Random(seed)
    sessions = [world.add_session(owner="jane", age=chance.random()) for _ in range(count)]
    chance.shuffle(sessions)
    # The one process of the emulator would be the bottleneck: no TLS, and no instance metadata, whose tries end after
    # two seconds and not with the deadline.
    context: dict[str, str | None] = {"AWS_REGION": world.region, "AWS_SSM_INSTANCE_ID": world.instance_id}
    folder = run.home / f"crowd-{seed}"
    folder.mkdir()
    began = time.monotonic()
    waiting: dict[subprocess.Popen[bytes], tuple[Session, float | None]] = {}
    for session in sessions:
        with open(folder / f"{session.session_id}.out", "wb") as out:
            running = run.start("--max", str(limit), "--log", "none", *args, session=session, stdout=out, stderr=out,
                                credentials="env", endpoint="plain", env=context)
        end = time.monotonic() + chance.random() if chance.random() < killed else None
        waiting[running.process] = (session, end)
    ends: dict[str, int] = {}
    while waiting:
        for process, (session, end) in list(waiting.items()):
            if end is not None and time.monotonic() >= end:
                process.kill()
            if process.poll() is not None:
                ends[session.session_id] = process.returncode
                del waiting[process]
        assert time.monotonic() < began + HUNG_S, "runs hang"
        time.sleep(0.01)
    seconds = time.monotonic() - began
    calls = Counter(
        entry.operation + (" throttled" if entry.code == "ThrottlingException" else "")
        for entry in world.log if entry.service == "ssm"
    )  # fmt: skip
    failed = [name for name, code in ends.items() if code not in (0, 3, -9)]
    texts = [(folder / f"{name}.out").read_text() for name in failed[:3]]
    errors = [line for text in texts for line in text.splitlines(True) if "fail" in line or "-enforce:" in line]
    return Crowd(sessions, ends, seconds, calls, errors[:20])


def in_order(sessions: list[Session]) -> list[Session]:
    return sorted(sessions, key=lambda one: (one.start, one.session_id))


def ids(sessions: list[Session]) -> list[str]:
    return [one.session_id for one in in_order(sessions)]


@dataclass(frozen=True)
class Service:
    """How the service behaves: seconds until a new session is listed, calls a second and at once, --timeout."""

    name: str
    delay: tuple[float, float]
    rate: float
    burst: float
    timeout: int


LATE = Service("late listings", (0.0, 1.0), 0, 0, timeout=20)
THROTTLED = Service("throttled", (0.0, 1.0), 100, 200, timeout=20)
THROTTLED_HARD = Service("throttled hard", (0.0, 1.5), 40, 100, timeout=60)


LONG = pytest.mark.skipif(not os.environ.get("SSM_ENFORCE_TEST_LONG"), reason="SSM_ENFORCE_TEST_LONG is not set")


def with_services(*services: Service) -> pytest.MarkDecorator:
    params = [
        pytest.param(one, id=one.name.replace(" ", "-"), marks=[LONG] if one is THROTTLED_HARD else [])
        for one in services
    ]
    return pytest.mark.parametrize("service", params)


def set_up(world: World, service: Service) -> None:
    world.ssm.visibility_delay = service.delay
    world.ssm.order = "shuffled"
    for operation in ("DescribeSessions", "TerminateSession") if service.rate else ():
        world.ssm.throttle(service.rate, service.burst, operation)


def bystanders(world: World) -> list[Session]:
    """Sessions that are none of their business: another owner's within the limit, another instance's."""
    return [
        *(world.add_session(owner="joe", age=age, visibility_delay=0) for age in (100, 50)),
        *(world.add_session(owner="jane", age=age, target="i-0fedcba9876543210", visibility_delay=0)
          for age in (90, 80, 70, 60)),
    ]  # fmt: skip


def check_codes(crowd: Crowd, right: list[Session]) -> None:
    """Every run ended well. Status 3: its own session was over the limit, for which it must not be a right one."""
    assert set(crowd.codes) <= {0, 3}, crowd
    assert all(crowd.ends[one.session_id] == 0 for one in right), crowd


@with_services(LATE, THROTTLED, THROTTLED_HARD)
def test_the_newest_remain(world: World, run: Runner, many: int, service: Service) -> None:
    set_up(world, service)
    others = bystanders(world)
    old = [world.add_session(owner="jane", age=100 + i, visibility_delay=0) for i in range(LIMIT)]
    crowd = start_all(run, world, many, "--timeout", str(service.timeout))
    print(crowd)
    right = in_order(crowd.sessions)[-LIMIT:]
    assert ids([one for one in world.ssm.active() if one not in others]) == ids(right), crowd
    assert len(world.ssm.terminated()) == len(old) + many - LIMIT, crowd
    assert all(not one.calls for one in [*others, *right]), crowd
    check_codes(crowd, right)
    assert not world.log.refused()


@with_services(LATE, THROTTLED)
def test_the_oldest_remain(world: World, run: Runner, many: int, service: Service) -> None:
    set_up(world, service)
    others = bystanders(world)
    order = ("--terminate", "newest", "--grace", "2")
    crowd = start_all(run, world, many, *order, "--timeout", str(service.timeout))
    print(crowd)
    right = in_order(crowd.sessions)[:LIMIT]
    assert ids([one for one in world.ssm.active() if one not in others]) == ids(right), crowd
    assert all(not one.calls for one in [*others, *right]), crowd
    check_codes(crowd, right)


@with_services(LATE, THROTTLED)
def test_all_that_start_may_stay(world: World, run: Runner, many: int, service: Service) -> None:
    set_up(world, service)
    others = bystanders(world)
    old = [world.add_session(owner="jane", age=100 + i, visibility_delay=0) for i in range(20)]
    crowd = start_all(run, world, many, limit=many)  # within the default deadline
    print(crowd)
    assert ids(world.ssm.terminated()) == ids(old), crowd
    assert all(not one.calls for one in [*others, *crowd.sessions]), crowd
    assert crowd.codes == {0: many}, crowd


def test_runs_that_are_killed_half_way(world: World, run: Runner, many: int) -> None:
    set_up(world, THROTTLED)
    others = bystanders(world)
    crowd = start_all(run, world, many, "--timeout", str(THROTTLED.timeout), killed=0.5)
    print(crowd)
    right = in_order(crowd.sessions)[-LIMIT:]
    assert all(not one.calls for one in [*others, *right]), crowd
    assert set(crowd.codes) <= {0, 3, -9} and crowd.codes[-9] > many / 8, crowd
    # Whatever they left, the next start puts right.
    following = start_all(run, world, 1, seed=2)
    right = in_order([*right, *following.sessions])[-LIMIT:]
    assert following.codes == {0: 1}, following
    assert ids([one for one in world.ssm.active() if one not in others]) == ids(right), following
