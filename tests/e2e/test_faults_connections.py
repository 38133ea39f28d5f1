"""Faults of the connections behind the first one: a run over the limit opens more, to terminate side by side.

The first one has listed, and what it can do alone is done: a lasting fault of all others costs time and no termination.
Where connecting hangs or is refused for good, the deadline may come before the last of them.
(No route and a refusal end in the same `connect` that fails; the one that a listener can bring about is taken here.)
"""

from __future__ import annotations

import pytest

from conftest import Runner
from emulator import Emulator, World
from target import SLACK_MS

SURPLUS = 24
LIMIT = 4
TIMEOUT_S = 6
LATE_MS = 500 + SLACK_MS


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "on"])
@pytest.mark.parametrize("action", ["refuse_now", "accept_reset", "black_hole"])
def test_the_later_connections(emu: Emulator, world: World, run: Runner, action: str, lasts: bool) -> None:
    sessions = [world.add_session(owner="jane", age=1000 - i) for i in range(SURPLUS + LIMIT)]
    args = {} if action != "refuse_now" else {"seconds": None if lasts else 0.3}
    rule = world.faults.add(action, listener="aws", skip=1, **({} if lasts else {"times": 1}), **args)
    result = run("--max", str(LIMIT), "--timeout", str(TIMEOUT_S), "--output", "json", "--log", "none",
                 session=sessions[-1])  # fmt: skip
    assert rule.applied, "only one connection was opened"
    assert result.ms < TIMEOUT_S * 1000 + LATE_MS, result
    ended = {session.session_id for session in world.ssm.terminated()}
    claimed = {one["session_id"] for one in result.json["sessions"] if one["verdict"] == "terminated"}
    assert claimed == ended <= {session.session_id for session in sessions[:SURPLUS]}, result
    assert (result.rc == 0) == (len(ended) == SURPLUS), result
    if action != "accept_reset" and lasts:
        assert len(ended) > SURPLUS / 4, result
    else:
        assert result.rc == 0, result


@pytest.mark.parametrize("kind", ["wrong_ca", "wrong_host", "expired"])
def test_another_peer_on_a_later_connection(world: World, run: Runner, kind: str) -> None:
    """It is told nothing, however well the first one was trusted."""
    sessions = [world.add_session(owner="jane", age=1000 - i) for i in range(SURPLUS + LIMIT)]
    rule = world.faults.add("tls", listener="aws", skip=1, kind=kind)
    result = run("--max", str(LIMIT), "--timeout", str(TIMEOUT_S), "--output", "json", "--log", "none",
                 session=sessions[-1])  # fmt: skip
    assert rule.applied
    ended = {session.session_id for session in world.ssm.terminated()}
    claimed = {one["session_id"] for one in result.json["sessions"] if one["verdict"] == "terminated"}
    assert claimed == ended <= {session.session_id for session in sessions[:SURPLUS]}, result
    assert (result.rc == 0) == (len(ended) == SURPLUS), result
    assert result.rc == 0 or "certificate" in result.err + result.out
