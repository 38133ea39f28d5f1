"""`ssm-enforce --max N`, from end to end: the real executable, signed requests over TLS, a strict emulator."""

from __future__ import annotations

import json
import re

import pytest

from target import SLACK_MS

ROLE = "arn:aws:sts::123456789012:assumed-role"


def ids(sessions):
    return sorted(session.session_id for session in sessions)


def verdicts(result):
    return {session["session_id"]: session["verdict"] for session in result.json["sessions"]}


# ---- the main job ----


def test_within_the_limit_one_line(world, run):
    world.add_session(owner="jane", age=100)
    own = world.add_session(owner="jane", age=1)
    result = run("--max", "3", session=own)
    assert result.rc == 0, result
    assert result.out == f"ssm-enforce: session 2 of 3 for jane on {world.instance_id}\n"
    assert result.err == ""
    assert not world.ssm.terminated()


def test_five_of_one_owner_limit_three_the_two_oldest_go(emu, world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(5)]
    result = run("--max", "3", session=sessions[-1])
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(sessions[:2])
    lines = result.out.splitlines()
    assert lines[0] == f"ssm-enforce: 5 sessions of jane on {world.instance_id}, limit 3: 2 terminated"
    assert [line.split()[0] for line in lines[1:]] == ["terminated", "terminated", "kept", "kept", "kept"]
    assert lines[-1].endswith("Connected (this session)")
    assert world.log.operations("imds").count("PutToken") <= 1
    assert len(world.log.calls("DescribeSessions")) == 1
    assert emu.counters("imds").connections == 1
    assert emu.counters("aws").connections <= 2


def test_sixty_sessions_over_two_pages_exactly_57_go(world, run):
    world.ssm.page_size = 40
    sessions = [world.add_session(owner="jane", age=6000 - 60 * i) for i in range(60)]
    result = run("--max", "3", session=sessions[-1])
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(sessions[:57])
    assert len(world.log.calls("DescribeSessions")) == 2


def test_newest_goes_and_it_is_this_session(world, run):
    sessions = [world.add_session(owner="jane", age=400 - 100 * i) for i in range(4)]
    result = run("--max", "3", "--terminate", "newest", "--grace", "2", session=sessions[-1])
    assert result.rc == 3, result
    assert ids(world.ssm.terminated()) == ids(sessions[3:])
    assert "this session ends in 2 seconds" in result.err
    assert result.ms > 2000


def test_the_message_to_the_leaving_user_appears_with_quiet_too(world, run):
    own = world.add_session(owner="jane", age=1)
    world.add_session(owner="jane", age=50)
    result = run("--max=1", "--terminate=newest", "--grace=2", "-q", session=own)
    assert result.rc == 3, result
    assert result.out == ""
    assert "this session ends in 2 seconds: jane has 2 sessions, the limit is 1" in result.err


def test_own_session_goes_last(world, run):
    sessions = [world.add_session(owner="jane", age=10 - i) for i in range(5)]
    result = run("--max", "1", "--terminate", "newest", "--grace", "2", session=sessions[2])
    assert result.rc == 3, result
    calls = [entry.params["SessionId"] for entry in world.log.calls("TerminateSession")]
    assert len(calls) == 4 and calls[-1] == sessions[2].session_id


def test_notify_only_terminates_nothing(world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(5)]
    result = run("--max", "3", "--notify-only", session=sessions[-1])
    assert result.rc == 0, result
    assert not world.ssm.terminated()
    assert "limit 3: 2 over it" in result.out
    assert result.out.count("would terminate") == 2


def test_two_owners_are_two_groups(world, run):
    jane = [world.add_session(owner="jane", age=500 - i) for i in range(4)]
    joe = [world.add_session(owner="joe", age=300 - i) for i in range(3)]
    result = run("--max", "3", session=joe[-1])
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(jane[:1])


def test_equal_start_times_go_by_session_id(world, run):
    sessions = [world.add_session(owner="jane", age=100) for _ in range(5)]
    for session in sessions:
        session.start = sessions[0].start
    run("--max", "3")
    assert ids(world.ssm.terminated()) == ids(sessions)[:2]


def test_disconnected_counts_terminating_does_not_other_targets_neither(world, run):
    old = world.add_session(owner="jane", age=500, status="Disconnected")
    world.add_session(owner="jane", age=900, status="Terminating")
    world.add_session(owner="jane", age=800, target="i-0fedcba9876543210")
    new = world.add_session(owner="jane", age=10)
    result = run("--max", "1", session=new)
    assert result.rc == 0, result
    assert [entry.params["SessionId"] for entry in world.log.calls("TerminateSession")] == [old.session_id]


def test_own_session_visible_after_800_ms(world, run):
    old = [world.add_session(owner="jane", age=500 - i) for i in range(3)]
    own = world.add_session(owner="jane", age=0, visibility_delay=0.8)
    result = run("--max", "3", session=own)
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(old[:1])
    assert 700 < result.ms < 3500 + SLACK_MS


def test_own_session_never_visible_acts_on_the_last_listing(world, run):
    old = [world.add_session(owner="jane", age=500 - i) for i in range(4)]
    result = run("--max", "3", "-v", "--output", "json", session="jane-0123456789abcdef0")
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(old[:1])
    assert result.json["self_listed"] is False
    assert "did not appear" in result.err
    assert 2500 < result.ms < 4500 + SLACK_MS


# ---- options ----


def test_per_role_takes_all_session_names_of_a_role_as_one(world, run):
    sessions = [
        world.add_session(owner=f"{ROLE}/admin/botocore-session-{i}", age=500 - i) for i in range(4)
    ]
    result = run("--max", "3", "--per", "role", session=sessions[-1])
    assert result.rc == 0, result
    assert ids(world.ssm.terminated()) == ids(sessions[:1])
    assert "sessions of role admin on" in result.out


def test_per_all_and_exempt(world, run):
    robot = world.add_session(owner=f"{ROLE}/Ansible/ci", age=900)
    jane = world.add_session(owner="jane", age=500)
    joe = world.add_session(owner="joe", age=400)
    result = run("--max", "1", "--per", "all", "--exempt", "*:assumed-role/Ansible/*", "--output", "json", session=joe)
    assert result.rc == 0, result
    assert verdicts(result) == {
        robot.session_id: "exempt", jane.session_id: "terminated", joe.session_id: "keep"}
    assert ids(world.ssm.terminated()) == [jane.session_id]


def test_max_for_first_match_wins(world, run):
    a = [world.add_session(owner=f"{ROLE}/Admin/jane", age=500 - i) for i in range(4)]
    g = world.add_session(owner=f"{ROLE}/Guest/g", age=5)
    run("--max-for", "*/Guest/*=0", "--max-for=*:assumed-role/Admin/*=2", "--max-for", "*=9", "--max", "1")
    assert ids(world.ssm.terminated()) == ids([*a[:2], g])


def test_confirm_waits_until_the_terminated_no_longer_count(world, run):
    world.ssm.status_delay = 0.5
    sessions = [world.add_session(owner="jane", age=500 - i) for i in range(4)]
    result = run("--max", "3", "--confirm", session=sessions[-1])
    assert result.rc == 0, result
    assert len(world.log.calls("DescribeSessions")) >= 2


def test_json_has_every_field_of_the_specification(world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(5)]
    result = run("--max", "3", "--output", "json", session=sessions[-1])
    report = result.json
    assert list(report)[:4] == ["version", "time", "region", "instance_id"]
    assert report["self_session_id"] == sessions[-1].session_id
    assert (report["mode"], report["order"], report["per"], report["exit_code"]) == ("terminate", "oldest", "owner", 0)
    assert report["groups"] == [{"key": sessions[0].owner, "limit": 3, "count": 5, "surplus": 2}]
    first = report["sessions"][0]
    assert set(first) == {"session_id", "owner", "target", "status", "start_time", "age_seconds", "document_name",
                          "group", "self", "verdict", "error"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["start_time"])
    assert 498 <= first["age_seconds"] <= 502
    assert [session["self"] for session in report["sessions"]] == [False] * 4 + [True]
    assert report["errors"] == []


def test_json_is_whole_on_failure_too(world, run):
    world.imds.role = None
    result = run("--max", "3", "--output", "json")
    assert result.rc == 1
    assert result.json["exit_code"] == 1
    assert result.json["groups"] == [] and result.json["sessions"] == []
    assert "instance profile" in result.json["errors"][0]


def test_list_shows_and_terminates_nothing(world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(3)]
    result = run("list", session=sessions[0])
    assert result.rc == 0, result
    assert result.out.splitlines()[0].split() == ["SESSION", "ID", "OWNER", "STATUS", "STARTED", "(AGE)", "DOCUMENT"]
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == [s.session_id for s in sessions]
    result = run("list", "--max", "2")
    assert "would terminate" in result.out.splitlines()[1]
    assert not world.ssm.terminated()


def test_known_context_asks_imds_for_credentials_alone(emu, world, run):
    own = world.add_session(owner="jane")
    result = run("--max", "3", "--region", world.region, "--instance-id", world.instance_id, session=own)
    assert result.rc == 0, result
    assert len([entry for entry in world.log if entry.listener == "imds"]) == 3
    assert emu.counters("imds").connections == 1
    assert emu.counters("aws").connections == 1


def test_instance_from_the_own_session_where_imds_is_not_there(world, run):
    own = world.add_session(owner="jane")
    result = run("--max", "3", credentials="env", session=own,
                 env={"AWS_REGION": world.region, "AWS_EC2_METADATA_DISABLED": "true"})
    assert result.rc == 0, result
    assert world.instance_id in result.out


# ---- the audit record ----


def test_audit_record_of_a_run_that_terminated(world, run, tmp_path):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(4)]
    log = tmp_path / "audit.log"
    for _ in range(2):
        run("--max", "3", "--log", str(log), session=sessions[-1])
    lines = log.read_text().splitlines()
    assert len(lines) == 1, "the second run was within the limit"
    record = json.loads(lines[0])
    assert record["outcome"] == "success"
    assert record["instance_id"] == world.instance_id and record["region"] == world.region
    assert record["groups"] == [{"key": sessions[0].owner, "limit": 3, "count": 4, "surplus": 1}]
    assert record["sessions"][0]["verdict"] == "terminated"
    assert record["sessions"][0]["duration_seconds"] >= 500
    assert {"time", "host", "process_id", "user", "self_session_id"} <= set(record)


def test_a_log_that_can_not_be_written_is_a_warning(world, run, tmp_path):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(4)]
    result = run("--max", "3", "--log", str(tmp_path / "no" / "such" / "folder"), session=sessions[-1])
    assert result.rc == 0
    assert "warning: no audit record" in result.err
    assert ids(world.ssm.terminated()) == ids(sessions[:1])


# ---- bad input ----


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "--max N is missing"),
        (["--max", "0"], "--max takes a whole number from 1 to 100000, not '0'"),
        (["--max", "three"], "--max takes a whole number from 1 to 100000, not 'three'"),
        (["--max", "3", "--per", "user"], "--per takes owner|role|all, not 'user'"),
        (["--max", "3", "--terminate=random"], "--terminate takes oldest|newest, not 'random'"),
        (["--max", "3", "--grace", "1"], "--grace takes a whole number from 2 to 3600, not '1'"),
        (["--max", "3", "--max-for", "jane"], "--max-for takes PATTERN=N"),
        (["--max", "3", "--frobnicate"], "unknown option '--frobnicate'"),
        (["--max"], "--max needs a value: N"),
        (["--max", "3", "--yes"], "--yes does not go with 'enforce'"),
        (["limit", "--max", "3"], "unknown command 'limit'"),
        (["--max", "3", "--confirm=yes"], "--confirm takes no value"),
        (["--max", "3", "--session-id", "a b"], "--session-id takes a session id"),
        (["--max", "3", "--region", "eu_central;1"], "--region takes a region"),
        (["--max", "3", "--ca-bundle", "/nowhere/ca.pem"], "/nowhere/ca.pem"),
        (["--max", "3", "--profile", "nobody"], "nobody"),
    ],
)
def test_usage_errors_name_the_option_and_call_nothing(world, run, args, says):
    result = run(*args)
    assert result.rc == 2, result
    assert result.out == ""
    assert result.err.startswith("ssm-enforce: ") and says in result.err and result.err.count("\n") == 1
    assert len(world.log) == 0


def test_access_denied_names_the_action_and_the_policy(world, run):
    world.add_session(owner="jane")
    world.deny("ssm:DescribeSessions")
    result = run("--max", "3")
    assert result.rc == 1
    assert ("AccessDenied for ssm:DescribeSessions: attach the policy SSMConcurrentSessionsPolicy to the instance "
            f"role `{world.imds.role}`") in result.err.replace("AccessDeniedException", "AccessDenied")


def test_one_failed_termination_does_not_stop_the_others(world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(5)]
    world.faults.add("status", service="ssm", operation="TerminateSession", status=400,
                     code="AccessDeniedException", params={"SessionId": sessions[0].session_id})
    result = run("--max", "3", session=sessions[-1])
    assert result.rc == 1, result
    assert ids(world.ssm.terminated()) == ids(sessions[1:2])
    assert "1 terminated, 1 failed" in result.out


def test_no_secret_in_any_output(world, run):
    sessions = [world.add_session(owner="jane", age=500 - 100 * i) for i in range(5)]
    result = run("--max", "3", "-v", session=sessions[-1])
    for credential in world.credentials.values():
        for secret in (credential.secret_key, credential.token):
            assert secret not in result.out + result.err


def test_hostile_text_is_made_visible(world, run):
    own = world.add_session(owner=f"{ROLE}/admin/\x1b[2Jx\u202ey\x07", age=5, session_id="x-1")
    result = run("--max", "3", session=own)
    assert result.rc == 0, result
    assert "\x1b" not in result.out and "\u202e" not in result.out and "\x07" not in result.out
    assert r"\x1b[2Jx\u{202e}y\x07" in result.out
