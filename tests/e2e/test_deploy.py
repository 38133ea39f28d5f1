"""`ssm-enforce deploy`, `undeploy` and `rollback` of the document, end to end."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from agent import Worker
from target import SYSTEM, TARGET

NAME = "SSM-SessionManagerRunShell"
POLICY = "SSMConcurrentSessionsPolicy"
WRITES = {
    "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument", "CreatePolicy",
    "CreatePolicyVersion", "DeletePolicyVersion", "DeletePolicy", "AttachRolePolicy", "DetachRolePolicy", "PutObject",
}  # fmt: skip
PREFERENCES = {
    "schemaVersion": "1.0",
    "description": "ours",
    "sessionType": "Standard_Stream",
    "inputs": {
        "s3BucketName": "logs",
        "cloudWatchStreamingEnabled": "true",
        "aFieldToCome": {"x": [1, 2.50, None]},
        "shellProfile": {"linux": "cd ~ && exec bash", "windows": ""},
    },
}


@pytest.fixture
def documents(world):
    """The emulated documents, quick to become active."""
    state = world.service("documents")
    state.update_delay = 0.02
    return state


@pytest.fixture
def iam(world):
    """The emulated IAM."""
    return world.service("iam")


@pytest.fixture
def admin(run, world, documents, iam):
    """Runs a command as an IAM user, in the emulator's region, without asking."""

    def admin(command, *args, ask=False, region=None, **options):
        options = {"credentials": "user", "env": {"AWS_REGION": region or world.region}, **options}
        return run(command, *args, *([] if ask else ["--yes"]), **options)

    return admin


def writes(world):
    return [entry.operation for entry in world.log if entry.operation in WRITES and entry.status == 200]


def tried(world):
    return [entry.operation for entry in world.log if entry.operation in WRITES]


def profile(document, shell="linux"):
    return document.content["inputs"]["shellProfile"][shell]


def line(region="eu-central-1", limit=3):
    return (f"trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max {limit} --region {region}; "
            "trap - INT QUIT TSTP")  # fmt: skip


def backups(run, folder="ssm-enforce-backup"):
    folder = run.home / folder
    return sorted(folder.iterdir()) if folder.exists() else []


# ---- the first time, the second, another limit ----


def test_first_deploy(world, run, documents, iam, admin):
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    document = documents.find()
    assert profile(document) == line()
    assert profile(document, "windows") == (
        "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region eu-central-1"
    )
    assert document.kind == "Session" and document.default == 1
    assert {"s3BucketName", "cloudWatchLogGroupName", "kmsKeyId", "runAsEnabled", "idleSessionTimeout",
            "maxSessionDuration"} <= set(document.content["inputs"])  # fmt: skip
    statements = iam.policy(POLICY).document["Statement"]
    assert statements[0]["Action"] == "ssm:DescribeSessions" and statements[0]["Resource"] == "*"
    assert statements[1]["Action"] == "ssm:TerminateSession"
    assert statements[1]["Resource"] == "arn:aws:ssm:*:123456789012:session/*"
    assert re.search(r"^eu-central-1\s+-\s+1\s+created$", result.out, re.M), result
    assert f"policy {POLICY}: created (v1)" in result.out
    assert not world.log.refused() and not backups(run)


def test_second_deploy_writes_nothing(world, documents, admin, iam):
    assert admin("deploy", "--max", "3", "--attach-role", "web").rc == 0
    world.log.clear()
    result = admin("deploy", "--max", "3", "--attach-role", "web", ask=True)
    assert result.rc == 0, result
    assert tried(world) == []
    assert re.search(r"^eu-central-1\s+1\s+1\s+up to date$", result.out, re.M), result
    assert f"policy {POLICY}: up to date (v1)\nrole web: attached already\n" in result.out
    assert world.log.calls("GetDocument") and len(world.log.calls("GetDocument")) == 1


def test_changed_limit(world, run, documents, admin):
    assert admin("deploy", "--max", "3").rc == 0
    before = documents.find().versions[1].content
    result = admin("deploy", "--max", "5")
    assert result.rc == 0, result
    document = documents.find()
    assert profile(document) == line(limit=5)
    assert document.default == 2 and len(document.versions) == 2
    assert '--- eu-central-1/SSM-SessionManagerRunShell version 1\n' in result.out
    changed = [part for part in result.out.splitlines() if part[:1] in "+-" and part[:3] not in ("+++", "---")]
    assert [part[0] for part in changed] == ["-", "-", "+", "+"]  # both profiles, and nothing else
    [backup] = backups(run)
    assert backup.read_text() == before
    assert backup.name.startswith("123456789012-eu-central-1-SSM-SessionManagerRunShell-v1-")
    # On Windows the administrators may, too; wine shows them as the group.
    assert backup.stat().st_mode & (0o077 if SYSTEM == "linux" else 0o007) == 0


def test_wait_until_active(world, documents, admin):
    documents.add(PREFERENCES)
    documents.update_delay = 0.8
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    assert documents.find().default == 2
    assert len(world.log.calls("DescribeDocument")) >= 2
    documents.fail_next = "the KMS key is gone"
    documents.update_delay = 0.1
    result = admin("deploy", "--max", "4")
    assert result.rc == 1 and "the KMS key is gone" in result.err
    assert documents.find().default == 2


# ---- what is not ours stays ----


@pytest.mark.parametrize("text", [
    json.dumps(PREFERENCES),
    json.dumps(PREFERENCES, indent=4).replace("\n", "\r\n"),
    '{"inputs":{"kmsKeyId":"\\u0061\\/b"} ,"sessionType":"Standard_Stream",\n"schemaVersion":"1.0"}\n',
    '{ "sessionType" : "Standard_Stream", "schemaVersion" : "1.0" }',
])  # fmt: skip
def test_undeploy_gives_back_the_bytes(world, documents, iam, admin, text):
    documents.add(text)
    assert admin("deploy", "--max", "3", "--attach-role", "web").rc == 0
    assert documents.find().default == 2
    shell = profile(documents.find()).lstrip().split("\n")
    assert shell[0] == line() and shell[1:] in (["cd ~ && exec bash"], [])
    result = admin("undeploy")
    assert result.rc == 0, result
    document = documents.find()
    assert document.versions[document.default].content == text
    assert iam.policy(POLICY) is None and not iam.roles["web"].attached
    assert f"policy {POLICY}: removed" in result.out and "role web: detached" in result.out
    world.log.clear()
    again = admin("undeploy", ask=True)
    assert again.rc == 0 and tried(world) == [], again


def test_undeploy_of_nothing(world, admin):
    result = admin("undeploy", ask=True)
    assert result.rc == 0 and tried(world) == [], result
    assert re.search(r"^eu-central-1\s+-\s+-\s+not there$", result.out, re.M), result


def test_another_executable(documents, admin):
    documents.add(PREFERENCES)
    assert admin("deploy", "--max", "3", "--linux-path", "/opt/limit").rc == 0
    assert profile(documents.find()).startswith("trap '' INT QUIT TSTP; /opt/limit --max 3 ")
    assert admin("deploy", "--max", "4", "--linux-path", "/opt/limit").rc == 0
    assert profile(documents.find()).count("--max") == 1
    assert admin("undeploy", "--linux-path", "/opt/limit").rc == 0
    assert profile(documents.find()) == "cd ~ && exec bash"


def test_a_command_of_its_own_is_named(documents, admin):
    own = json.loads(json.dumps(PREFERENCES))
    own["inputs"]["shellProfile"]["linux"] = "if true; then ssm-enforce --max 2; fi"
    documents.add(own)
    result = admin("deploy", "--max", "3")
    assert result.rc == 0 and "names ssm-enforce in a command of its own" in result.err
    assert profile(documents.find()).endswith("\nif true; then ssm-enforce --max 2; fi")


def test_preferences_from_a_file(run, documents, admin):
    documents.add(PREFERENCES)
    own = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {"s3BucketName": "other"}}
    (run.home / "own.json").write_text(json.dumps(own))
    assert admin("deploy", "--max", "3", "--preferences", "own.json").rc == 0
    content = documents.find().content
    assert content["inputs"]["s3BucketName"] == "other" and profile(documents.find()).lstrip() == line()
    assert "aFieldToCome" not in content["inputs"]


@pytest.mark.parametrize("text", [None, "no json", '{"schemaVersion":"2.2"}', "{}"])
def test_preferences_that_are_none(world, run, admin, text):
    if text is not None:
        (run.home / "own.json").write_text(text)
    result = admin("deploy", "--max", "3", "--preferences", "own.json")
    assert result.rc == 2 and "--preferences" in result.err and "own.json" in result.err
    assert len(world.log) == 0


@pytest.mark.parametrize("text, why", [
    ("not json at all", "JSON"),
    ('{"schemaVersion":"0.3"}', "schemaVersion"),
    ('{"schemaVersion":"1.0","sessionType":"Port"}', "sessionType"),
    ('{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":[]}', "inputs"),
    ('{"schemaVersion":"1.0","sessionType":"Standard_Stream","x":"' + "x" * 65500 + '"}', "65536"),
])  # fmt: skip
def test_a_document_that_is_not_ours(world, documents, admin, text, why):
    documents.add(text)
    result = admin("deploy", "--max", "3", "--skip-policy")
    assert result.rc == 1 and why in result.err, result
    assert tried(world) == [] and documents.find().versions[1].content == text


def test_a_document_of_another_type(world, documents, admin):
    documents.add(PREFERENCES, kind="Command")
    result = admin("deploy", "--max", "3", "--skip-policy")
    assert result.rc == 1 and "'Command', not 'Session'" in result.err, result
    assert tried(world) == []


# ---- versions ----


def test_content_that_a_version_has_already(world, documents, admin):
    assert admin("deploy", "--max", "3").rc == 0
    assert admin("deploy", "--max", "4").rc == 0
    assert admin("deploy", "--max", "5").rc == 0
    world.log.clear()
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    document = documents.find()
    assert document.default == 1 and len(document.versions) == 3
    assert profile(document) == line()
    assert re.search(r"^eu-central-1\s+3\s+1\s+updated$", result.out, re.M), result


def test_too_many_versions(documents, admin):
    others = [{**PREFERENCES, "description": f"version {number}"} for number in range(1, 21)]
    document = documents.add(*others, default=2)
    documents.max_versions = 20
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    assert document.default == 21 and profile(document).startswith(line())
    assert document.content["description"] == "version 2"
    assert {2, 20, 21} <= set(document.versions) and 1 not in document.versions and 3 not in document.versions


def test_too_many_versions_and_none_to_spare(documents, admin):
    document = documents.add(PREFERENCES, {**PREFERENCES, "description": "newer"}, default=1)
    documents.max_versions = 2
    result = admin("deploy", "--max", "3")
    assert result.rc == 1 and "too many versions" in result.err, result
    assert document.default == 1 and set(document.versions) == {1, 2}


def test_cut_off_between_the_two_writes(world, run, documents, admin):
    documents.add(PREFERENCES)
    world.deny("ssm:UpdateDocumentDefaultVersion")
    assert admin("deploy", "--max", "3").rc == 1
    assert documents.find().default == 1 and documents.find().latest == 2
    world.denied.clear()
    world.log.clear()
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    assert documents.find().default == 2 and documents.find().latest == 2
    assert "UpdateDocument" not in tried(world)
    assert re.search(r"^eu-central-1\s+1\s+2\s+default version changed$", result.out, re.M), result


@pytest.mark.parametrize("operation", ["CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion"])
@pytest.mark.parametrize("fault", ["reset_after", "reset", "throttle", "status"])
def test_lost_replies_and_second_tries(world, documents, admin, operation, fault):
    if operation != "CreateDocument":
        documents.add(PREFERENCES)
    more = {"status": 503, "code": "ServiceUnavailable"} if fault == "status" else {}
    world.faults.add(fault, operation=operation, times=1, **more)
    result = admin("deploy", "--max", "3")
    assert result.rc == 0, result
    assert profile(documents.find()).startswith(line())
    assert documents.find().latest == (1 if operation == "CreateDocument" else 2)


def test_two_deploys_at_once(world, run, documents, admin):
    documents.add(PREFERENCES)
    documents.update_delay = 0.1
    runs = [run.start("deploy", "--max", "3", "--yes", "--attach-role", "web", credentials="user",
                      env={"AWS_REGION": world.region}) for _ in range(4)]  # fmt: skip
    results = [one.wait() for one in runs]
    assert [one.rc for one in results] == [0] * 4, "\n".join(map(str, results))
    document = documents.find()
    assert profile(document) == line() + "\ncd ~ && exec bash"
    assert document.latest == 2 and document.default == 2


def test_two_first_deploys_at_once(world, run, documents, iam, admin):
    runs = [run.start("deploy", "--max", "3", "--yes", credentials="user", env={"AWS_REGION": world.region})
            for _ in range(4)]  # fmt: skip
    results = [one.wait() for one in runs]
    assert [one.rc for one in results] == [0] * 4, "\n".join(map(str, results))
    assert documents.find().latest == 1 and iam.policy(POLICY).latest == 1


# ---- back ----


def test_rollback(world, run, documents, admin):
    documents.add(PREFERENCES)
    assert admin("deploy", "--max", "3").rc == 0
    assert admin("deploy", "--max", "5").rc == 0
    result = admin("rollback")
    assert result.rc == 0, result
    assert documents.find().default == 2 and profile(documents.find()).startswith(line())
    assert re.search(r"^eu-central-1\s+3\s+2\s+default version changed$", result.out, re.M), result
    assert len(backups(run)) == 3
    assert admin("rollback").rc == 0 and documents.find().default == 1
    world.log.clear()
    result = admin("rollback")
    assert result.rc == 1 and "no version before" in result.err
    assert not world.log.calls(service="iam") and tried(world) == []


def test_rollback_shows_what_it_would_do(world, documents, admin):
    documents.add(PREFERENCES)
    assert admin("deploy", "--max", "3").rc == 0
    world.log.clear()
    result = admin("rollback", "--dry-run")
    assert result.rc == 0 and tried(world) == [], result
    assert "+++ eu-central-1/SSM-SessionManagerRunShell version 1\n" in result.out
    assert "-      \"linux\": \"trap" in result.out
    assert "default version would be changed" in result.out


def test_rollback_of_nothing(admin):
    result = admin("rollback")
    assert result.rc == 1 and f"no document '{NAME}'" in result.err


# ---- backup ----


def test_no_backup_no_change(world, run, documents, iam, admin):
    documents.add(PREFERENCES)
    (run.home / "file").write_text("")
    result = admin("deploy", "--max", "3", "--backup-dir", "file/folder")
    assert result.rc == 1 and "no backup" in result.err and "nothing was changed" in result.err, result
    assert tried(world) == [] and iam.policy(POLICY) is None


def test_backup_of_both_versions(run, documents, admin):
    documents.add(PREFERENCES, {**PREFERENCES, "description": "a draft"}, default=1)
    assert admin("deploy", "--max", "3", "--backup-dir", "deep/er").rc == 0
    texts = [json.loads(path.read_text())["description"] for path in backups(run, "deep/er")]
    assert texts == ["ours", "a draft"]
    assert documents.find().content["description"] == "ours" and documents.find().default == 3


# ---- regions ----


def test_regions_side_by_side(world, documents, admin):
    world.regions = ["eu-central-1", "eu-west-1", "us-east-1"]
    documents.add(PREFERENCES, region="eu-west-1")
    result = admin("deploy", "--max", "3", "--region", "eu-central-1,eu-west-1,us-east-1,eu-west-1")
    assert result.rc == 0, result
    for region in world.regions:
        assert profile(documents.find(region=region)).startswith(line(region))
    assert [row.split()[0] for row in result.out.splitlines() if row.endswith(("created", "updated"))] == world.regions
    assert world.log.operations().count("GetPolicy") == 1


def test_one_region_fails(world, documents, admin):
    world.regions = ["eu-central-1", "eu-west-1", "us-east-1"]
    documents.add("not json", region="eu-west-1")
    result = admin("deploy", "--max", "3", "--region", ",".join(world.regions), "--output", "json")
    assert result.rc == 1
    assert [(one["region"], one["outcome"]) for one in result.json["regions"]] == [
        ("eu-central-1", "created"), ("eu-west-1", "failed"), ("us-east-1", "created")
    ]  # fmt: skip
    assert "JSON" in result.json["regions"][1]["error"] and result.json["errors"]
    documents.find(region="eu-west-1").versions[1].content = json.dumps(PREFERENCES)
    world.log.clear()
    result = admin("deploy", "--max", "3", "--region", ",".join(world.regions))
    assert result.rc == 0 and set(writes(world)) == {"UpdateDocument", "UpdateDocumentDefaultVersion"}, result


def test_one_region_fails_while_writing(world, documents, admin):
    world.regions = ["eu-central-1", "eu-west-1"]
    world.faults.add("status", operation="CreateDocument", times=1, status=400, code="InternalFailure")
    result = admin("deploy", "--max", "3", "--region", "eu-central-1,eu-west-1")
    assert result.rc == 1, result
    assert len([1 for region in world.regions if documents.find(region=region)]) == 1


def test_all_regions(world, documents, admin):
    world.regions = ["ap-south-1", "eu-central-1", "us-west-2"]
    result = admin("deploy", "--max", "3", "--all-regions")
    assert result.rc == 0, result
    assert all(profile(documents.find(region=region)) == line(region) for region in world.regions)


def test_another_partition(emu, run):
    world = emu.reset(region="us-gov-west-1")
    result = run("deploy", "--max", "3", "--yes", credentials="user", env={"AWS_REGION": "us-gov-west-1"})
    assert result.rc == 0, result
    policy = world.service("iam").policy(POLICY)
    assert policy.document["Statement"][1]["Resource"] == "arn:aws-us-gov:ssm:*:123456789012:session/*"
    assert not world.log.refused()


@pytest.mark.parametrize("args", [
    ("--region", "eu-west-1,cn-north-1"), ("--region", "eu west"), ("--region", ",eu-west-1"),
    ("--region", "eu-west-1", "--all-regions"), ("--linux-path", "bin/x"), ("--windows-path", "x.exe"),
    ("--exempt", "a\nb"), ("--log", "audit.log"), ("--skip-policy", "--skip-document"), ("--binary", "x"),
    ("--publish", "bucket"), ("--publish", "s3://bucket"), ("--publish", "s3://b/p", "--binary", "missing"),
    ("--exempt", "x" * 3990),
])  # fmt: skip
def test_usage_errors_call_nothing(world, admin, args):
    result = admin("deploy", "--max", "3", *args)
    assert result.rc == 2 and result.out == "" and len(result.err.splitlines()) == 1, result
    assert len(world.log) == 0


# ---- a person at a terminal ----


def terminal(run, world, *args, answer):
    """Runs on a terminal and answers the question."""
    env = run.environment("user", AWS_REGION=world.region, TERM="xterm")
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.chdir(run.home)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
            os.execvpe(run.prefix[0], [*run.prefix, *args], env)
        finally:
            os._exit(127)
    shown, answered = b"", False
    while True:
        if not select.select([fd], [], [], 30)[0]:
            os.kill(pid, signal.SIGKILL)
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
        if not answered and b"[y/N]" in shown:
            while TARGET == "wine" and termios.tcgetattr(fd)[3] & termios.ICANON:
                time.sleep(0.02)  # until its console reads, a return is a line feed
            os.write(fd, answer)
            answered = True
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_asked_once(run, world, documents, admin):
    world.regions = ["eu-central-1", "eu-west-1"]
    rc, shown = terminal(run, world, "deploy", "--max", "3", "--region", "eu-central-1,eu-west-1", answer=b"y\r")
    assert rc == 0 and shown.count("[y/N]") == 1 and "123456789012" in shown, shown
    assert "\033[32m+" in shown and "eu-west-1: created, version 1" in shown, shown
    assert documents.find() and documents.find(region="eu-west-1")


@pytest.mark.parametrize("answer", [b"\r", b"n\r", b"yesterday\r"])
def test_no_means_no(run, world, admin, answer):
    rc, shown = terminal(run, world, "deploy", "--max", "3", answer=answer)
    assert rc == 1 and "nothing was changed" in shown, shown
    assert tried(world) == []


def test_no_terminal_to_ask_on(world, admin):
    result = admin("deploy", "--max", "3", ask=True, start_new_session=True)
    assert result.rc == 2 and "--yes" in result.err, result
    assert tried(world) == []


# ---- what is shown ----


def test_dry_run_changes_nothing(world, run, documents, admin):
    documents.add(PREFERENCES)
    result = admin("deploy", "--max", "3", "--dry-run", "--attach-role", "web", ask=True)
    assert result.rc == 0 and tried(world) == [] and not backups(run), result
    assert '+      "linux": "trap' in result.out and "would be updated" in result.out
    assert f"policy {POLICY}: would be created\nrole web: would be attached\n" in result.out
    assert "\033" not in result.out


def test_dry_run_without_credentials(world, run):
    result = run("deploy", "--max", "3", "--dry-run", "--output", "json", "--exempt", "*:assumed-role/A'b $(x) \"c\"/*",
                 credentials="none", env={"AWS_REGION": "eu-west-1"})  # fmt: skip
    assert result.rc == 0, result
    report = result.json
    assert report["account"] is None and report["regions"][0]["outcome"] == "would_create"
    content = json.loads(report["regions"][0]["content_after"])
    assert "--region eu-west-1;" in content["inputs"]["shellProfile"]["linux"]
    assert "no credentials" in result.err


def test_without_credentials(world, run, documents):
    result = run("deploy", "--max", "3", "--yes", credentials="none", env={"AWS_REGION": "eu-central-1"})
    assert result.rc == 1 and "no credentials" in result.err, result
    assert documents.find() is None


def test_json(world, run, documents, iam, admin):
    documents.add(PREFERENCES)
    iam.add_role("db")
    result = admin("deploy", "--max", "3", "--attach-role", "db", "--attach-role", "gone", "--output", "json")
    report = result.json
    assert result.rc == 1 == report["exit_code"], result
    assert report["command"] == "deploy" and report["account"] == "123456789012" and not report["dry_run"]
    [region] = report["regions"]
    assert region["outcome"] == "updated" and region["error"] is None
    assert (region["version_before"], region["version_after"]) == (1, 2)
    assert region["content_before"] == documents.find().versions[1].content
    assert region["content_after"] == documents.find().versions[2].content
    assert (run.home / region["backup"]).exists()
    assert report["policy"]["outcome"] == "created" and report["policy"]["version_after"] == "v1"
    assert [(one["role"], one["outcome"]) for one in report["policy"]["roles"]] == [("db", "attached"), ("gone", "failed")]
    assert len(report["errors"]) == 1 and "'gone'" in report["errors"][0]


def test_json_of_a_failure(world, run):
    world.deny("ssm:GetDocument")
    result = run("deploy", "--max", "3", "--yes", "--output", "json", credentials="user",
                 env={"AWS_REGION": world.region})  # fmt: skip
    assert result.rc == 1 and result.json["regions"][0]["outcome"] == "failed", result
    result = run("deploy", "--max", "3", "--yes", "--output", "json", credentials="none",
                 env={"AWS_REGION": world.region})  # fmt: skip
    assert result.rc == 1 and result.json["errors"], result


def test_hostile_document(documents, admin):
    evil = {**PREFERENCES, "description": "\u001b[2J\u202e\u0007"}
    documents.add(json.dumps(evil, ensure_ascii=False).replace("\\u001b", "\\u001b"))
    for output in ("text", "json"):
        result = admin("deploy", "--max", "3", "--dry-run", "--output", output)
        assert result.rc == 0, result
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", result.out + result.err), result


def test_quiet(documents, admin):
    result = admin("deploy", "--max", "3", "-q")
    assert (result.rc, result.out, result.err) == (0, "", ""), result
    assert "--quiet" in profile(documents.find())


def test_no_secret_anywhere(world, run, documents, admin):
    documents.add(PREFERENCES)
    keys = world.user()
    shown = ""
    for args in (("deploy", "--max", "3", "-v"), ("deploy", "--max", "4", "-v", "--output", "json"),
                 ("rollback", "-v"), ("undeploy", "-v")):  # fmt: skip
        result = admin(*args)
        assert result.rc == 0, result
        shown += result.out + result.err
    shown += "".join(path.read_text() for path in backups(run))
    assert keys.secret_key not in shown and "Signature=" not in shown and "AWS4-HMAC" not in shown


# ---- denied at each step ----


DOCUMENT_STEPS = ["GetDocument", "UpdateDocument", "DescribeDocument", "UpdateDocumentDefaultVersion"]
POLICY_STEPS = ["GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy", "ListPolicyVersions", "CreatePolicyVersion",
                "AttachRolePolicy"]  # fmt: skip


@pytest.mark.parametrize("operation", DOCUMENT_STEPS + POLICY_STEPS + ["CreatePolicy", "CreateDocument"])
def test_denied_at_each_step(world, documents, iam, admin, operation):
    if operation != "CreateDocument":
        documents.add(PREFERENCES)
    if operation != "CreatePolicy":
        iam.add_policy(POLICY, statement("ssm:*"))
    service = "iam" if "Policy" in operation else "ssm"
    world.deny(f"{service}:{operation}")
    result = admin("deploy", "--max", "3", "--attach-role", "web")
    assert result.rc == 1, result
    assert f"{service}:{operation}" in result.err and "AccessDenied" in result.err, result
    if service == "iam" and operation != "AttachRolePolicy":  # a line without its rights is not pushed
        assert "UpdateDocument" not in tried(world)
    if operation == "AttachRolePolicy":
        assert documents.find().default == 2
    world.denied.clear()
    again = admin("deploy", "--max", "3", "--attach-role", "web")
    assert again.rc == 0, again
    document = documents.find()
    assert profile(document).startswith(line()) and document.latest <= 2
    assert "arn:aws:iam::123456789012:policy/" + POLICY in iam.roles["web"].attached


# ---- the policy ----


def statement(action):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def test_five_policy_versions(world, iam, admin):
    policy = iam.add_policy(POLICY, *[statement(f"ssm:Get{number}") for number in "ABCDE"])
    policy.default = 1
    result = admin("deploy", "--max", "3", "--skip-document")
    assert result.rc == 0, result
    assert sorted(policy.versions) == [1, 3, 4, 5, 6] and policy.default == 6
    assert policy.document["Statement"][0]["Action"] == "ssm:DescribeSessions"
    assert f"--- policy {POLICY} v1\n" in result.out and f"policy {POLICY}: updated (v6)" in result.out


def test_a_policy_that_means_the_same(world, iam, admin):
    iam.add_policy(POLICY, {
        "Statement": [
            {"Sid": "TerminateSessions", "Resource": ["arn:aws:ssm:*:123456789012:session/*"],
             "Action": ["ssm:TerminateSession"], "Effect": "Allow"},
            {"Sid": "ListSessions", "Effect": "Allow", "Action": ["ssm:DescribeSessions"], "Resource": "*"},
        ],
        "Version": "2012-10-17",
    })  # fmt: skip
    result = admin("deploy", "--max", "3", "--skip-document")
    assert result.rc == 0 and tried(world) == [], result


def test_unknown_role(documents, iam, admin):
    iam.add_role("db")
    result = admin("deploy", "--max", "3", "--attach-role", "nobody", "--attach-role", "db")
    assert result.rc == 1 and "there is no role 'nobody'" in result.err, result
    assert iam.roles["db"].attached and documents.find()


def test_a_policy_that_is_used_elsewhere(world, documents, iam, admin):
    assert admin("deploy", "--max", "3").rc == 0
    world.faults.add("status", operation="DeletePolicy", status=409, code="DeleteConflict",
                     message="Cannot delete a policy attached to entities.")  # fmt: skip
    result = admin("undeploy")
    assert result.rc == 1 and "still attached" in result.err, result
    assert profile(documents.find()) == ""


def test_undeploy_leaves_the_policy_where_a_line_stays(world, documents, iam, admin):
    world.regions = ["eu-central-1", "eu-west-1"]
    assert admin("deploy", "--max", "3", "--region", "eu-central-1,eu-west-1").rc == 0
    world.faults.add("status", operation="UpdateDocument", times=1, status=400, code="InternalFailure")
    result = admin("undeploy", "--region", "eu-central-1,eu-west-1")
    assert result.rc == 1 and iam.policy(POLICY), result
    assert f"policy {POLICY}: not changed" in result.out


def test_other_names(documents, iam, admin):
    assert admin("deploy", "--max", "3", "--document-name", "Ours", "--policy-name", "OurPolicy").rc == 0
    assert documents.find("Ours") and iam.policy("OurPolicy")
    assert documents.find() is None and iam.policy(POLICY) is None


# ---- the guide ----


def test_the_rights_that_the_guide_lists_are_enough(world, run, documents, iam, admin, executable):
    """Every call of every command, in the least-privilege policy of docs/admin.md."""
    text = (Path(__file__).parents[2] / "docs/admin.md").read_text()
    policies = [json.loads(block) for block in re.findall(r"```json\n(\{.*?\n\})\n```", text, re.S)]
    assert len(policies) == 2
    listed = set()
    for one in policies[0]["Statement"]:
        listed |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    world.service("s3").add("releases")
    iam.add_policy(POLICY, *[statement(f"ssm:Get{number}") for number in "ABCDE"])
    documents.add(*[{**PREFERENCES, "description": f"version {number}"} for number in range(5)])
    documents.max_versions = 5
    publish = ("--publish", "s3://releases/x", "--binary", executable[-1])
    assert admin("deploy", "--max", "3", "--attach-role", "web", "--all-regions", *publish).rc == 0
    assert admin("rollback").rc == 0 and admin("deploy", "--max", "3", *publish).rc == 0
    assert admin("undeploy").rc == 0 and admin("deploy", "--max", "3").rc == 0
    del documents.documents[world.region, NAME]
    assert admin("deploy", "--max", "3").rc == 0
    names = {"HeadObject": "GetObject"}
    called = {f"{entry.service}:{names.get(entry.operation, entry.operation)}" for entry in world.log}
    assert called - {"sts:GetCallerIdentity"} == listed


# ---- thirty regions ----


@pytest.mark.only("linux", "counts what the executable does in name spaces of its own, which are Linux'")
def test_thirty_regions_side_by_side(one_file):
    """Round trips of a region: TCP and TLS (2), then one for each call. The regions' go on at the same time."""
    script = Path(__file__).with_name("thirty_regions.py")
    command = ["unshare", "-mn", sys.executable, str(script), one_file, "200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no name spaces of its own: {done.stderr.strip()}")
    assert done.returncode == 0, done
    cost = json.loads(done.stdout)
    print(cost)
    assert cost["exit_code"] == 0 and cost["done"] == cost["regions"] == 30, cost
    assert 2 + cost["calls_of_a_region"][1] <= 10, cost
    assert cost["connections"] == 31, cost  # one for each region, and STS
    assert cost["milliseconds"] < 30 * 7 * 200 / 5, cost


# ---- what the agent would type ----


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_what_is_pushed_enforces(world, run, documents, admin, one_file, shell):
    assert admin("deploy", "--max", "1", "--linux-path", one_file, "--log", "none",
                 "--exempt", "*:assumed-role/A'b $(x) \"c\"/*").rc == 0  # fmt: skip
    text = profile(documents.find())
    sessions = [world.add_session(owner="jane", age=100 - number) for number in range(3)]
    exempt = world.add_session(owner=f"arn:aws:sts::{world.account}:assumed-role/A'b $(x) \"c\"/x", age=1000)
    env = run.environment(SSM_SESSION_ID=sessions[-1].session_id)
    done = subprocess.run([shell, "-c", text + "\ntrap\n"], env=env, cwd=run.home, capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    assert done.returncode == 0, done
    assert {one.session_id for one in world.ssm.terminated()} == {one.session_id for one in sessions[:2]}, done
    assert exempt not in world.ssm.terminated()


def interrupted(worker):
    """Ctrl-C does again what it does: a key that comes while a shell starts a program may get lost."""
    worker.type(b"sleep 60; echo slept-$((6 * 7))\r")
    began = time.monotonic()
    while time.monotonic() - began < 20:
        time.sleep(0.3)
        worker.type(b"\x03")
        try:
            worker.type(b"\recho again-$((6 * 7))\r")
            worker.expect(r"again-42\r\n", timeout=1)
            break
        except AssertionError:
            pass
    assert time.monotonic() - began < 20 and b"slept-42" not in worker.output


@pytest.mark.skipif(os.geteuid() != 0, reason="a session worker is a process of uid 0")
@pytest.mark.parametrize("shell", ["/bin/dash", "/bin/bash"])
@pytest.mark.parametrize("deny", [False, True])
def test_what_is_pushed_is_typed(world, run, documents, admin, one_file, tmp_path, shell, deny):
    assert admin("deploy", "--max", "1", "--linux-path", one_file, "--log", "none",
                 "--exempt", "*:assumed-role/A'b $(x) !\"c\"{{d}}/*", *(["--on-failure", "deny"] if deny else [])).rc == 0  # fmt: skip
    old, own = world.add_session(owner="jane", age=100), world.add_session(owner="jane", age=0)
    worker = Worker(tmp_path, own.session_id, profile(documents.find()), run.environment(), shell)
    try:
        worker.expect("1 terminated")
        worker.type(b"echo \"$_\" alive-$((6 * 7)); trap\r")
        worker.expect(r"alive-42\r\n")
        interrupted(worker)
    finally:
        worker.close()
    assert world.ssm.terminated() == [old]


@pytest.mark.skipif(os.geteuid() != 0, reason="a session worker is a process of uid 0")
@pytest.mark.parametrize("shell", ["/bin/dash", "/bin/bash"])
@pytest.mark.parametrize("deny", [False, True])
def test_what_is_pushed_when_enforcement_fails(world, run, documents, admin, one_file, tmp_path, shell, deny):
    assert admin("deploy", "--max", "1", "--linux-path", one_file, "--log", "none",
                 *(["--on-failure", "deny"] if deny else [])).rc == 0  # fmt: skip
    own = world.add_session(owner="jane", age=0)
    world.deny("ssm:DescribeSessions")
    worker = Worker(tmp_path, own.session_id, profile(documents.find()), run.environment(), shell)
    try:
        worker.expect("AccessDenied")
        if not deny:
            worker.type(b"echo alive-$((6 * 7))\r")
            worker.expect(r"alive-42\r\n")
        else:
            assert worker.ended()
    finally:
        worker.close()


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("deny", [False, True])
def test_an_executable_that_is_missing(run, documents, admin, tmp_path, shell, deny):
    assert admin("deploy", "--max", "1", "--linux-path", str(tmp_path / "missing"),
                 *(["--on-failure", "deny"] if deny else [])).rc == 0  # fmt: skip
    done = subprocess.run([shell, "-c", profile(documents.find()) + "\necho on"], capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    assert ("on" in done.stdout) != deny and "missing" in done.stderr, done
