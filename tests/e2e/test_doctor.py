"""`ssm-enforce doctor`: each link of the chain, whole and broken."""

from __future__ import annotations

import pytest


def findings(result):
    return {check["name"]: (check["finding"], check["message"]) for check in result.json["checks"]}


def test_all_is_well(world, run):
    own = world.add_session(owner="jane", age=5)
    result = run("doctor", "--output", "json", session=own)
    assert result.rc == 0, result
    checks = findings(result)
    assert {finding for finding, _ in checks.values()} == {"ok"}
    assert list(checks) == ["own session", "metadata service", "region", "network", "clock", "credentials", "instance",
                            "ssm:DescribeSessions", "own session listed", "ssm:TerminateSession"]
    assert checks["region"][1] == f"{world.region} (instance metadata)"
    assert "instance role `web`, valid for " in checks["credentials"][1]
    assert not world.ssm.terminated()


def test_text_is_a_line_a_link(world, run):
    own = world.add_session(owner="jane", age=5)
    result = run("doctor", session=own)
    assert result.rc == 0, result
    assert all(line.startswith("ok  ") for line in result.out.splitlines())


def test_an_unknown_session_is_a_warning(world, run):
    result = run("doctor", "--output", "json")
    assert result.rc == 0, result
    assert findings(result)["own session"][0] == "warning"


@pytest.mark.parametrize("action", ["DescribeSessions", "TerminateSession"])
def test_a_missing_right_is_named_with_the_policy(world, run, action):
    world.deny(f"ssm:{action}")
    result = run("doctor", "--output", "json")
    assert result.rc == 1, result
    finding, message = findings(result)[f"ssm:{action}"]
    assert finding == "failure"
    assert f"ssm:{action}" in message and "SSMConcurrentSessionsPolicy" in message


def test_no_instance_profile(world, run):
    world.imds.role = None
    result = run("doctor", "--output", "json")
    assert result.rc == 1, result
    assert "instance profile" in findings(result)["credentials"][1]


def test_a_clock_that_is_off_is_a_warning_and_corrected(world, run):
    world.clock_offset = 3630
    result = run("doctor", "--output", "json")
    assert result.rc == 0, result
    assert findings(result)["clock"] == ("warning", "1h00m behind the service's: set it (chrony, Amazon Time Sync)")


def test_a_certificate_of_a_stranger(emu, run):
    emu.serve_tls("wrong_ca")
    result = run("doctor", "--output", "json")
    assert result.rc == 1, result
    assert findings(result)["certificate"][0] == "failure"


def test_nobody_at_home(emu, run):
    emu.refuse("aws")
    result = run("doctor", "--output", "json")
    assert result.rc == 1, result
    assert "refused" in findings(result)["network"][1]


def test_metadata_switched_off(world, run):
    world.imds.enabled = False
    result = run("doctor", "--output", "json")
    assert result.rc == 1, result
    assert findings(result)["metadata service"][0] == "failure"
