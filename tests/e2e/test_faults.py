"""The fault matrix: each call of a run, with each fault, once and from then on.

What has to come of a case is computed: the fault says what a client can make of it (FAULTS), the call says what is
already done and what that leaves to do (CALLS), and `expect` puts the two together. A run that waits costs no time of
the CPU, so that the cases run side by side, each against an emulator of its own.

A run has six sessions of one owner, three a page, and a limit of four; the own session is the newest. Without a fault
it calls what CALLS lists, in this order, and ends the two oldest.
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Result, Runner
from emulator import Emulator
from target import SLACK_MS

TIMEOUT_S = 3
LATE_MS = 500 + SLACK_MS  # by which a run may miss its deadline
AT_ONCE = 5 if SLACK_MS else 10  # an emulator's runs take their time from each other
SURPLUS = {"jane-1", "jane-2"}


@dataclass(frozen=True)
class Call:
    """One call of a run."""

    name: str
    service: str  # "imds" or "ssm"
    operation: str
    before: int  # calls of this operation before it
    action: str  # as messages name it
    first: bool = False  # on its connection
    confirm: bool = False

    @property
    def listing(self) -> bool:
        return self.operation == "DescribeSessions"


CALLS = (
    Call("PutToken", "imds", "PutToken", 0, "a token", first=True),
    Call("GetIdentity", "imds", "GetIdentity", 0, "the identity document"),
    Call("GetRole", "imds", "GetRole", 0, "the instance role's name"),
    Call("GetCredentials", "imds", "GetCredentials", 0, "the instance role's credentials"),
    Call("DescribeSessions-1", "ssm", "DescribeSessions", 0, "DescribeSessions", first=True),
    Call("DescribeSessions-2", "ssm", "DescribeSessions", 1, "DescribeSessions"),
    Call("TerminateSession", "ssm", "TerminateSession", 0, "TerminateSession"),
    Call("DescribeSessions-confirm", "ssm", "DescribeSessions", 2, "DescribeSessions", confirm=True),
)

# What a client can make of a fault.
AGAIN = "again"  # worth another try: helps where the fault does not last
FINAL = "final"  # no try more: nothing is done on such an answer
MENDED = "mended"  # the reason is mended and the call tried again, whether the fault lasts or not
RENEWED = "renewed"  # something is fetched afresh and the call tried again, once
HARMLESS = "harmless"  # the call has succeeded all the same


@dataclass(frozen=True)
class Fault:
    """One fault. `arrange` brings it about; `imds` and `ssm`: what the services' clients make of it, and a pattern of
    what they then say; None: there is no such fault. `processed`: the call took effect before it struck."""

    name: str
    arrange: Callable[[Stage], None]
    imds: tuple[str, str] | None
    ssm: tuple[str, str] | None
    processed: bool = False
    at: Callable[[Call], bool] = lambda call: True
    lasts: tuple[bool, ...] = (False, True)
    counted: bool = True  # each try meets it, and only tries do


@dataclass(frozen=True)
class Case:
    """A call, a fault, and whether it lasts."""

    call: Call
    fault: Fault
    lasts: bool

    def __str__(self) -> str:
        return f"{self.call.name}-{self.fault.name.replace(' ', '_')}-{'on' if self.lasts else 'once'}"


@dataclass
class Stage:
    """Where a case is played. `arrange` of a fault adds its rules and variables."""

    emulator: Emulator
    case: Case
    env: dict[str, str | None] = field(default_factory=dict)

    @property
    def listener(self) -> str:
        return "imds" if self.case.call.service == "imds" else "aws"

    def rule(self, action: str, **args: Any) -> None:
        """The call meets this action: once, or from then on."""
        call = self.case.call
        when = {"skip": call.before} if self.case.lasts else {"nth": call.before + 1}
        self.emulator.world.faults.add(action, service=call.service, operation=call.operation, **when, **args)


# ---- the faults ----


def rule(action: str, **args: Any) -> Callable[[Stage], None]:
    return lambda stage: stage.rule(action, **args)


def no_route(stage: Stage) -> None:
    # Documentation addresses (RFC 3849): no route leads there, or one that ends on its way.
    name, scheme = (
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http") if stage.listener == "imds" else ("AWS_ENDPOINT_URL", "https")
    )
    stage.env[name] = f"{scheme}://[2001:db8::1]"


def refused(stage: Stage) -> None:
    seconds = None if stage.case.lasts else 0.2
    if stage.case.call.first:
        stage.emulator.refuse(stage.listener, seconds)
    else:
        stage.rule("refuse", seconds=seconds)


def black_hole(stage: Stage) -> None:
    if stage.case.call.first:
        times = {} if stage.case.lasts else {"times": 1}
        stage.emulator.world.faults.add("black_hole", listener=stage.listener, **times)
    else:
        stage.rule("hang")


def skewed(stage: Stage) -> None:
    if not stage.case.lasts:
        stage.rule("skew", seconds=3600)  # one server of many has a wrong clock
    elif stage.case.call.first:
        stage.emulator.world.clock_offset = 3600
        stage.emulator.world.imds.credential = None
    else:
        stage.rule("skew", seconds=3600)
        if stage.case.call.name == "DescribeSessions-2":
            stage.emulator.world.faults.add("skew", operation="TerminateSession", seconds=3600)


def endless(stage: Stage) -> None:
    stage.rule("empty_page")
    stage.rule("latency", seconds=0.02)


def round_in_circles(stage: Stage) -> None:
    stage.rule("body", body={"Sessions": [], "NextToken": "AAEAA-round-in-circles"}, status=200)


def without(name: str) -> Callable[[Stage], None]:
    return rule("patch", path=["Sessions", 0, name])


# A stalled reply fails in time: within the deadline at the service, within 1 s a try at IMDS.
LATE_IMDS = (AGAIN, "no answer from the instance metadata service|no time is left")
LATE_SSM = (AGAIN, "deadline")
LOST_IMDS = (AGAIN, "instance metadata service at .* can't be reached")
BUSY_IMDS = (AGAIN, "instance metadata service at .* answers {status} when asked for {action}")
SAYS_SSM = (FINAL, "malformed|not JSON|no JSON|too deep|too large|larger than")
SAYS_IMDS = (FINAL, "is no token|is no role's name|malformed|not JSON|no JSON|identity document|credentials")


def status(code: int, name: str, imds: tuple[str, str] | None, ssm: tuple[str, str]) -> Fault:
    def filled(meaning: tuple[str, str]) -> tuple[str, str]:
        return meaning[0], meaning[1].replace("{status}", str(code))

    return Fault(str(code), rule("status", status=code, code=name), filled(imds) if imds else None, filled(ssm))


def is_first(call: Call) -> bool:
    return call.first


def is_listing(call: Call) -> bool:
    return call.listing


def is_json(call: Call) -> bool:
    return call.name not in ("PutToken", "GetRole")


FAULTS = (
    Fault("no route", no_route, (AGAIN, "instance metadata service"), LATE_SSM, at=is_first, lasts=(True,),
          counted=False),
    Fault("refused", refused, LOST_IMDS, LATE_SSM),
    Fault("black hole", black_hole, LATE_IMDS, LATE_SSM),
    Fault("hang after", rule("hang_after"), LATE_IMDS, LATE_SSM, processed=True),
    Fault("reset before", rule("reset"), LOST_IMDS, LATE_SSM),
    Fault("reset after", rule("reset_after"), LOST_IMDS, LATE_SSM, processed=True),
    Fault("closed", rule("eof"), LOST_IMDS, LATE_SSM),
    Fault("truncated", rule("truncate"), LOST_IMDS, LATE_SSM, processed=True),
    Fault("slow drip", rule("drip", seconds=0.6), LATE_IMDS, LATE_SSM, processed=True),
    status(400, "ValidationException", (FINAL, "answers 400 when asked for {action}"),
           (FINAL, "ValidationException for ssm:{action}: injected 400")),
    status(403, "AccessDeniedException", (FINAL, "instance metadata service is switched off"),
           (FINAL, "AccessDenied for ssm:{action}: attach the policy SSMConcurrentSessionsPolicy")),
    status(429, "TooManyRequestsException", BUSY_IMDS, (AGAIN, "deadline.*TooManyRequestsException for ssm:{action}")),
    status(500, "InternalServerError", BUSY_IMDS, (AGAIN, "deadline.*InternalServerError for ssm:{action}")),
    status(503, "ServiceUnavailable", BUSY_IMDS, (AGAIN, "deadline.*ServiceUnavailable for ssm:{action}")),
    Fault("throttle", rule("throttle"), None, (AGAIN, "throttled past the deadline.*ThrottlingException")),
    Fault("expired token", rule("expired"), None, (RENEWED, "ExpiredTokenException for ssm:{action}")),
    Fault("skewed clock", skewed, None, (MENDED, "")),
    Fault("garbage", rule("garbage"), SAYS_IMDS, SAYS_SSM, processed=True),
    Fault("wrong type", rule("wrong_type"), SAYS_IMDS, SAYS_SSM, processed=True),
    Fault("cut JSON", rule("body", body='{"Sessions": [{"SessionId": "jane-'), SAYS_IMDS, SAYS_SSM, processed=True),
    Fault("another root", rule("body", body="[]"), SAYS_IMDS, SAYS_SSM, processed=True, at=is_json),
    Fault("empty body", rule("body", body=""), (FINAL, SAYS_IMDS[1] + "|no instance profile"), SAYS_SSM,
          processed=True),
    Fault("too large", rule("too_large"), (AGAIN, "instance metadata service"), SAYS_SSM, processed=True),
    Fault("too deep", rule("too_deep", depth=1000), SAYS_IMDS, SAYS_SSM, processed=True),
    Fault("endless NextToken", endless, None, (FINAL, "deadline"), at=is_listing, lasts=(True,), counted=False),
    Fault("empty page", rule("empty_page"), None, (HARMLESS, ""), at=is_listing, lasts=(False,)),
    Fault("repeated NextToken", round_in_circles, None, (FINAL, "token of page . repeats"), at=is_listing,
          lasts=(True,), counted=False),
    Fault("unknown NextToken", rule("repeat_token"), None, (FINAL, "InvalidNextToken|repeats"), at=is_listing,
          counted=False),
    *(
        Fault(f"no {name}", without(name), None, (FINAL, f"malformed reply of ssm:DescribeSessions.*lacks {name}"),
              at=is_listing)
        for name in ("SessionId", "Target", "Owner", "Status", "StartDate")
    ),
)  # fmt: skip

CASES = [
    Case(call, fault, lasts)
    for call in CALLS
    for fault in FAULTS
    for lasts in fault.lasts
    if getattr(fault, call.service) is not None and fault.at(call)
]


# ---- what has to come of it ----


@dataclass(frozen=True)
class Expected:
    """The exit status, what is said, the sessions that are ended, and how many of these are."""

    rc: int
    says: str
    ended: frozenset[str]
    count: int


def meaning(case: Case) -> tuple[str, str]:
    """What the client makes of the fault, and what it says."""
    kind, says = getattr(case.fault, case.call.service)
    if case.call.operation == "TerminateSession" and case.fault.processed and kind == FINAL:
        # The status says that it succeeded: nothing in the reply is needed, as long as there is a whole one.
        if case.fault.name != "too large":
            kind = HARMLESS
    if case.call.operation == "TerminateSession" and case.fault.processed and kind == AGAIN:
        # The reply was lost or late, but the next look at the listing shows that the session has ended.
        kind = MENDED
    if case.fault.name in ("repeated NextToken", "unknown NextToken") and case.call.confirm:
        says += "|not confirmed"
    return kind, says.replace("{action}", case.call.action)


def may_be_late(case: Case) -> bool:
    """The sessions were ended and no reply says so: the last look at the listing, which finds it out, has a tenth of a second
    left. With an emulator in front, that is less than a handshake takes."""
    says = getattr(case.fault, case.call.service)[0]
    return SLACK_MS > 0 and case.call.operation == "TerminateSession" and case.fault.processed and case.lasts and says == AGAIN


def expect(case: Case) -> Expected:
    """The rules: what is done before the fault stays done, what comes after a failure is not begun."""
    kind, says = meaning(case)
    holds = kind in (MENDED, HARMLESS) or not case.lasts and kind in (AGAIN, RENEWED)
    count = len(SURPLUS)
    if case.call.operation == "TerminateSession":
        if not holds and not case.fault.processed:
            count = 0 if case.lasts else 1  # one failed termination does not stop the other
    elif not holds and not case.call.confirm:
        count = 0
    return Expected(0 if holds else 1, "" if holds else says, frozenset(SURPLUS if count else ()), count)


# ---- playing it ----


@dataclass
class Outcome:
    """How a case ended."""

    result: Result
    ended: set[str]
    applied: int
    refused: list[str]
    crashes: list[str]


def play(emulator: Emulator, executable: list[str], home: Path, case: Case) -> Outcome:
    """One run with the fault, against a fresh world."""
    world = emulator.reset()
    world.ssm.page_size = 3
    for i in range(6):
        world.add_session(owner="jane", age=600 - 100 * i, session_id=f"jane-{i + 1}")
    stage = Stage(emulator, case)
    case.fault.arrange(stage)
    arguments = ["--max", "4", "--timeout", str(TIMEOUT_S), "--output", "json", "--log", "none"]
    if case.call.confirm:
        arguments.append("--confirm")
    runner = Runner(emulator, home, executable)
    result = runner(*arguments, session="jane-6", env=stage.env, timeout=30)
    rules = world.faults.rules
    return Outcome(
        result,
        {session.session_id for session in world.ssm.terminated()},
        rules[0].applied if rules else 0,
        [entry.verdict for entry in world.log.refused()],
        list(emulator.crashes),
    )


class Stages:
    """Emulators for the cases, each lent to one at a time."""

    def __init__(self, executable: list[str], folder: Path) -> None:
        self._executable, self._folder = executable, folder
        self._idle: queue.SimpleQueue[Emulator] = queue.SimpleQueue()
        self._all: list[Emulator] = []
        self._lock = threading.Lock()
        self.pool = ThreadPoolExecutor(AT_ONCE)

    def play(self, case: Case) -> Outcome:
        try:
            emulator = self._idle.get_nowait()
        except queue.Empty:
            emulator = Emulator()
            emulator.start()
            with self._lock:
                self._all.append(emulator)
        try:
            return play(emulator, self._executable, self._folder, case)
        finally:
            self._idle.put(emulator)

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
        for emulator in self._all:
            emulator.stop()


@pytest.fixture(scope="module")
def stages(executable: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    stages = Stages(executable, tmp_path_factory.mktemp("faults"))
    yield stages
    stages.close()


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, stages: Stages) -> dict[Case, Future[Outcome]]:
    """The cases that were asked for, all begun: each test waits for its own."""
    chosen = [
        item.callspec.params["case"]
        for item in request.session.items
        if item.path == request.path and "case" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    return {case: stages.pool.submit(stages.play, case) for case in chosen}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault(case: Case, outcomes: dict[Case, Future[Outcome]], stages: Stages) -> None:
    outcome = outcomes[case].result()
    check_safety(case, outcome)
    try:
        check(case, outcome)
    except AssertionError:
        # On a busy machine calls fail that should not. Alone, they have no excuse.
        wait(outcomes.values())
        outcome = stages.play(case)
        check_safety(case, outcome)
        check(case, outcome)


def check_safety(case: Case, outcome: Outcome) -> None:
    """What holds however slow the machine is."""
    assert not outcome.crashes
    assert outcome.result.rc in (0, 1), outcome.result
    assert outcome.ended <= SURPLUS, outcome.result
    assert outcome.ended <= expect(case).ended, outcome.result
    check_report(outcome)


def check(case: Case, outcome: Outcome) -> None:
    """The rest of what was expected."""
    result, expected = outcome.result, expect(case)
    if may_be_late(case) and result.rc == 1:
        expected = replace(expected, rc=1, says="deadline")
    assert result.rc == expected.rc, result
    assert len(outcome.ended) == expected.count, result
    assert case.fault.name == "skewed clock" or not outcome.refused, outcome.refused
    assert result.ms < TIMEOUT_S * 1000 + LATE_MS, result
    if expected.says:
        assert re.search(expected.says, result.err + json.dumps(result.json), re.IGNORECASE), result
    check_tries(case, outcome)


def check_report(outcome: Outcome) -> None:
    """The report is whole, and claims nothing that is not so."""
    report = outcome.result.json
    verdicts = {one["session_id"]: one["verdict"] for one in report["sessions"]}
    claimed = {name for name, verdict in verdicts.items() if verdict == "terminated"}
    assert report["exit_code"] == outcome.result.rc
    assert claimed <= outcome.ended, outcome.result
    assert (outcome.result.rc == 0) == (not report["errors"] and "failed" not in verdicts.values()), outcome.result
    if outcome.result.rc == 0:
        assert claimed == SURPLUS and len(verdicts) == 6


def check_tries(case: Case, outcome: Outcome) -> None:
    """The fault struck; what is worth no further try got none, and what is got one."""
    kind, _ = meaning(case)
    if case.call.first and (case.fault.name in ("no route", "refused") or case.fault.arrange is skewed and case.lasts):
        return  # no rule of the emulator: there is nothing that counts
    assert outcome.applied
    if not case.lasts or not case.fault.counted:
        return
    targets = len(SURPLUS) if case.call.operation == "TerminateSession" else 1
    if kind == FINAL:
        assert outcome.applied == targets, outcome.result
    elif kind == RENEWED:
        assert outcome.applied == 2 * targets, outcome.result
    elif kind == AGAIN and case.fault.name != "refused":
        assert outcome.applied > targets, outcome.result


def test_the_matrix_is_whole() -> None:
    """Each call meets each fault that it can meet."""
    assert len(CASES) > 300
    for call in CALLS:
        faults = {case.fault.name for case in CASES if case.call is call}
        assert len(faults) >= (18 if call.service == "imds" else 22), call.name
