"""Whose keys sign the calls: every source of credentials, told by the principal that the emulator saw."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from target import SYSTEM

from target import SLACK_MS, write_command

ACCOUNT = "123456789012"
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role"


def write(run, name, text):
    path = run.home / ".aws" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def keys_of(credential):
    lines = f"aws_access_key_id = {credential.access_key}\naws_secret_access_key = {credential.secret_key}\n"
    return lines + (f"aws_session_token = {credential.token}\n" if credential.token else "")


def principal(world):
    """Who asked for the sessions."""
    return world.credentials[world.log.calls("DescribeSessions")[-1].access_key].arn


def expect(world, result, arn):
    assert result.rc == 0, result
    assert re.fullmatch(arn, principal(world)), principal(world)
    for credential in world.credentials.values():
        for secret in filter(None, (credential.secret_key, credential.token)):
            assert secret not in result.out + result.err


@pytest.fixture
def base(world, run):
    """An IAM user's keys as profile `base`."""
    user = world.user("base")
    write(run, "credentials", f"[base]\n{keys_of(user)}")
    return user


# ---- profiles ----


def test_keys_of_a_profile_beat_the_environment(world, run, base):
    result = run("list", "--profile", "base", "-v", credentials="env")
    expect(world, result, base.arn)
    assert "credentials: profile `base`" in result.err


def test_a_role_with_all_that_it_may_ask_for(world, run, base):
    role = world.service("iam").add_role("admin", trusted={base.arn}, external_id="a=b/c")
    write(
        run,
        "config",
        f"[profile admin]\nrole_arn = {role.arn}\nsource_profile = base\nexternal_id = a=b/c\n"
        "role_session_name = jane@corp\nduration_seconds = 1800\n",
    )
    expect(world, run("list", "--profile", "admin", "-v"), f"{ROLE}/admin/jane@corp")
    call = world.log.calls("AssumeRole")[0]
    assert call.params["DurationSeconds"] == 1800 and world.credentials[call.access_key] is base


def test_a_role_that_does_not_trust_the_caller(world, run, base):
    role = world.service("iam").add_role("admin", external_id="right")
    write(run, "config", f"[profile a]\nrole_arn = {role.arn}\nsource_profile = base\nexternal_id = wrong\n")
    result = run("list", "--profile", "a")
    assert result.rc == 1, result
    assert "AccessDenied for sts:AssumeRole" in result.err and role.arn in result.err
    assert not world.log.calls("DescribeSessions")


def test_roles_in_a_row(world, run, base):
    iam = world.service("iam")
    first = iam.add_role("first", trusted={base.arn})
    second = iam.add_role("second", trusted={world.role_arn("first", "one")})
    write(
        run,
        "config",
        f"[profile second]\nrole_arn = {second.arn}\nsource_profile = first\n"
        f"[profile first]\nrole_arn = {first.arn}\nsource_profile = base\nrole_session_name = one\n",
    )
    expect(world, run("list", "--profile", "second"), rf"{ROLE}/second/ssm-enforce-\d+")


@pytest.mark.parametrize("source", ["Environment", "EcsContainer", "Ec2InstanceMetadata"])
def test_credential_source(world, run, source):
    role = world.service("iam").add_role("admin")
    write(run, "config", f"[profile a]\nrole_arn = {role.arn}\ncredential_source = {source}\nrole_session_name = me\n")
    kind = {"Environment": "user", "EcsContainer": "container", "Ec2InstanceMetadata": "imds"}[source]
    expect(world, run("list", "--profile", "a", credentials=kind), f"{ROLE}/admin/me")
    signer = world.credentials[world.log.calls("AssumeRole")[0].access_key].arn
    assert {"user": ":user/", "container": "/task/", "imds": "/web/"}[kind] in signer


def test_a_web_identity(world, run):
    role = world.service("iam").add_role("pod", web_token="eyJ0.identity.token")
    token = write(run, "token", "eyJ0.identity.token\n")
    write(run, "config", f"[profile a]\nrole_arn = {role.arn}\nweb_identity_token_file = {token}\n")
    expect(world, run("list", "--profile", "a"), rf"{ROLE}/pod/ssm-enforce-\d+")
    assert world.log.calls("AssumeRoleWithWebIdentity")[0].verdict == "unsigned"


def test_a_command_that_prints_keys(world, run):
    user = world.user("from-command")
    document = {"Version": 1, "AccessKeyId": user.access_key, "SecretAccessKey": user.secret_key}
    command = write_command(run.home / "a command", json.dumps(document), "x y")
    write(run, "config", f'[profile a]\ncredential_process = {command} "x y"\n')
    expect(world, run("list", "--profile", "a", "-v"), user.arn)
    write(run, "config", f"[profile a]\ncredential_process = {command} other\n")
    result = run("list", "--profile", "a")
    assert result.rc == 2 and "credential_process" in result.err, result


def from_now(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def sign_in(world, run, name, seconds, **more):
    world.service("sso").add("sso-token", "Admin")
    text = json.dumps({"accessToken": "sso-token", "expiresAt": from_now(seconds), "region": world.region, **more})
    return write(run, f"sso/cache/{hashlib.sha1(name.encode()).hexdigest()}.json", text)


SSO_PROFILES = (
    f"[profile new]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = Admin\n"
    "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-central-1\n"
    f"[profile old]\nsso_start_url = https://old.awsapps.com/start\nsso_region = eu-central-1\n"
    f"sso_account_id = {ACCOUNT}\nsso_role_name = Admin\n"
)


@pytest.mark.parametrize(("profile", "name"), [("new", "corp"), ("old", "https://old.awsapps.com/start")])
def test_a_sign_in_to_identity_center(world, run, profile, name):
    write(run, "config", SSO_PROFILES)
    sign_in(world, run, name, 60)
    expect(world, run("list", "--profile", profile), f"{ROLE}/AWSReservedSSO_Admin/alice")


def test_a_sign_in_that_has_run_out(world, run):
    write(run, "config", SSO_PROFILES)
    for seconds in (None, -1):
        if seconds:
            sign_in(world, run, "corp", seconds)
        result = run("list", "--profile", "new")
        assert result.rc == 1 and "run: aws sso login --profile new" in result.err, result
    world.service("sso").tokens.clear()
    sign_in(world, run, "corp", 60)
    world.service("sso").tokens.clear()
    result = run("list", "--profile", "new")
    assert result.rc == 1 and "run: aws sso login --profile new" in result.err, result


REGISTERED = {"refreshToken": "refresh", "clientId": "id", "clientSecret": "client-secret"}


def test_a_sign_in_is_renewed(world, run):
    """As the AWS command line does: the new token is kept where that finds it, for this user alone."""
    write(run, "config", SSO_PROFILES)
    sso = world.service("sso")
    sso.add("renewed-token", "Admin")
    sso.add_renewal("refresh", "id", "client-secret", "renewed-token")
    path = sign_in(world, run, "corp", -1, **REGISTERED, registrationExpiresAt=from_now(3600))
    del sso.tokens["sso-token"]
    result = run("list", "--profile", "new")
    expect(world, result, f"{ROLE}/AWSReservedSSO_Admin/alice")
    kept = json.loads(path.read_text())
    assert kept["accessToken"] == "renewed-token" and kept["refreshToken"] == "refresh-next"
    assert from_now(28000) < kept["expiresAt"] < from_now(29000)
    assert kept["clientId"] == "id" and kept["clientSecret"] == "client-secret"
    if SYSTEM == "linux":
        assert path.stat().st_mode & 0o777 == 0o600
    expect(world, run("list", "--profile", "new"), f"{ROLE}/AWSReservedSSO_Admin/alice")
    assert len(world.log.calls("CreateToken")) == 1


@pytest.mark.parametrize("why", ["registration", "refused"])
def test_a_sign_in_that_can_not_be_renewed(world, run, why):
    write(run, "config", SSO_PROFILES)
    registration = from_now(-1 if why == "registration" else 3600)
    path = sign_in(world, run, "corp", -1, **REGISTERED, registrationExpiresAt=registration)
    before = path.read_text()
    result = run("list", "--profile", "new")
    assert result.rc == 1 and "run: aws sso login --profile new" in result.err, result
    assert len(world.log.calls("CreateToken")) == (why == "refused")
    assert "client-secret" not in result.out + result.err and path.read_text() == before


# ---- a code of an MFA device, asked for on the terminal ----


@pytest.fixture
def at_terminal(run):
    """Runs the executable on a terminal of its own, types an answer when it asks, and returns its exit status and all
    that the terminal showed."""

    def at_terminal(*args, question, answer):
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(run.home)
            os.execvpe(run.prefix[0], [*run.prefix, *args], run.environment())
        shown = b""
        ends = time.monotonic() + 30
        try:
            while select.select([terminal], [], [], max(0, ends - time.monotonic()))[0]:
                shown += os.read(terminal, 65536)
                if answer and question in shown:
                    os.write(terminal, answer)
                    answer = b""
        except OSError:  # the terminal's other end is closed
            pass
        os.close(terminal)  # hangs up, where it still runs
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown.decode()

    return at_terminal


DEVICE = f"arn:aws:iam::{ACCOUNT}:mfa/jane"


@pytest.fixture
def guarded(world, run, base):
    """A role that wants a code, as profile `admin`."""
    role = world.service("iam").add_role("admin", mfa=(DEVICE, "123456"))
    write(run, "config", f"[profile admin]\nrole_arn = {role.arn}\nsource_profile = base\nmfa_serial = {DEVICE}\n")
    return role


PREVIEW = ("deploy", "--dry-run", "--max", "3", "--skip-policy", "--profile", "admin", "--region", "eu-central-1")


@pytest.mark.only("linux", "a pseudo terminal of Linux")
@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        (b"123456\n", 0, "shellProfile"),
        (b"654321\n", 1, "invalid MFA"),
        (b"\x03", 2, "the terminal gave no answer"),
        (b"\n", 2, "no code was given"),
    ],
)
def test_a_code_is_asked_for(world, guarded, at_terminal, typed, status, says):
    question = f"Code of the MFA device {DEVICE}: ".encode()
    got, shown = at_terminal(*PREVIEW, question=question, answer=typed)
    assert got == status and says in shown, shown
    assert "123456\r" not in shown and "654321" not in shown
    assert bool(world.log.calls("GetDocument")) == (status == 0)


@pytest.mark.parametrize("command", ["deploy", "list"])
def test_nobody_can_be_asked(world, run, guarded, command):
    result = run(*(PREVIEW if command == "deploy" else ("list", "--profile", "admin")), start_new_session=True)
    assert result.rc == 2 and DEVICE in result.err, result
    assert ("no terminal" if command == "deploy" else "nobody can be asked") in result.err, result
    assert not world.log.calls("AssumeRole")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("", "profile 'a' is not in the shared config"),
        (
            "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n",
            "leads back to itself",
        ),
        ("[profile a]\nrole_arn = r\nsource_profile = b\n", "there is no profile 'b'"),
        ("[profile a]\nrole_arn = r\ncredential_source = Environment\nmfa_serial = m\n", "MFA device 'm'"),
        ("[profile a]\naws_access_key_id = A\n", "no aws_secret_access_key"),
        ("rubbish\n", ".aws/config"),
    ],
)
def test_a_profile_that_can_not_be_used(world, run, config, says):
    write(run, "config", config)
    result = run("list", "--profile", "a", credentials="env")
    assert result.rc == 2 and says in result.err and len(result.err.splitlines()) == 1, result
    assert len(world.log.calls("DescribeSessions")) == 0


# ---- without a profile ----


def test_files_of_the_session_user_are_not_read(world, run, base):
    """Whoever the session runs as could write them."""
    write(run, "credentials", f"[default]\n{keys_of(base)}[ops]\n{keys_of(base)}")
    write(run, "config", "[default]\nregion = us-east-1\n")
    result = run("list", env={"AWS_PROFILE": "ops", "AWS_SHARED_CREDENTIALS_FILE": str(run.home / ".aws/credentials")})
    expect(world, result, f"{ROLE}/web/i-.*")


@pytest.mark.parametrize(("kind", "arn"), [("env", "/web/"), ("user", ":user/"), ("container", "/task/")])
def test_environment_and_container(world, run, kind, arn):
    context = ("--instance-id", world.instance_id, "--region", world.region)
    expect(world, run("list", *context, credentials=kind), f".*{arn}.*")
    assert not world.log.calls(service="imds")


def test_a_metadata_service_that_hangs(emu, world, run):
    """As behind too small a hop limit: told within the time-outs, not at the deadline."""
    emu.latency("imds", 60000)
    result = run("list", "--instance-id", world.instance_id, "--region", world.region)
    assert result.rc == 1 and "hop limit is too small (set http-put-response-hop-limit 2)" in result.err, result
    assert result.ms < 4000 + SLACK_MS


def test_metadata_that_is_switched_off(world, run):
    context = ("--instance-id", world.instance_id, "--region", world.region)
    result = run("list", *context, env={"AWS_EC2_METADATA_DISABLED": "true"})
    assert result.rc == 1 and "AWS_EC2_METADATA_DISABLED" in result.err, result
    result = run("list", *context, credentials="none")
    assert result.rc == 1 and "no instance profile" in result.err, result


# ---- the AWS command line as a witness ----


def find_aws():
    """A second version of the AWS command line that can say whose keys it found, or None."""
    for path in ("/usr/bin/aws", "/usr/local/bin/aws", shutil.which("aws")):
        if path and Path(path).exists():
            version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if version.startswith("aws-cli/2."):
                return path
    return None


@pytest.mark.skipif(find_aws() is None, reason="no AWS command line of version 2")
@pytest.mark.parametrize("kind", ["keys", "both", "command", "order", "container", "imds", "empty"])
def test_as_the_aws_command_line(world, run, base, kind):
    other = world.user("other")
    document = {"Version": 1, "AccessKeyId": other.access_key, "SecretAccessKey": other.secret_key}
    command = write_command(run.home / "command", json.dumps(document))
    config = (
        f"[profile both]\n{keys_of(other)}[profile command]\ncredential_process = COMMAND\n"
        f"[profile order]\ncredential_process = COMMAND\n{keys_of(base)}[profile empty]\nregion = eu-central-1\n"
        "[profile container]\n[profile imds]\n[profile keys]\n"
    )
    write(run, "config", config.replace("COMMAND", command))
    write(run, "credentials", f"[base]\n{keys_of(base)}[both]\n{keys_of(base)}[keys]\n{keys_of(other)}")
    credentials = kind if kind in ("container", "imds") else "env" if kind == "keys" else "imds"
    environment = run.environment(credentials)
    result = run("list", "--profile", kind, credentials=credentials)
    assert result.rc == 0, result
    write(run, "config", config.replace("COMMAND", f"{run.home}/command"))
    aws = subprocess.run(
        [find_aws(), "configure", "export-credentials", "--profile", kind],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert world.credentials[json.loads(aws.stdout)["AccessKeyId"]].arn == principal(world)
