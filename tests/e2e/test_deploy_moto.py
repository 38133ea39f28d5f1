"""deploy and undeploy against moto's server: an AWS that was not written for this program.

Any Python that has moto with its server will do: $MOTO_PYTHON, or a python3 of the PATH.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request

import pytest

POLICY_ARN = "arn:aws:iam::123456789012:policy/SSMConcurrentSessionsPolicy"


def find_python():
    """A Python that can run moto's server, None for none."""
    candidates = [os.environ.get("MOTO_PYTHON", "")]
    candidates += [os.path.join(folder, "python3") for folder in os.environ.get("PATH", "").split(os.pathsep)]
    candidates.append(os.path.expanduser("~/.pyenv/shims/python3"))
    for path in dict.fromkeys(candidates):
        if path and os.access(path, os.X_OK):
            done = subprocess.run([path, "-c", "import moto.server, flask"], capture_output=True, cwd="/", timeout=60)
            if done.returncode == 0:
                return path
    return None


@pytest.fixture(scope="module")
def server():
    """The URL of a moto server of our own."""
    python = find_python()
    if python is None:
        pytest.skip("no Python with moto's server (set MOTO_PYTHON)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], cwd="/",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url + "/moto-api/data.json", timeout=5).read()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def aws(server):
    """Makes clients of the server, which is empty again."""
    import botocore.session

    urllib.request.urlopen(urllib.request.Request(server + "/moto-api/reset", method="POST"), timeout=10).read()
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    return lambda service, region="eu-west-1": session.create_client(service, region, endpoint_url=server)


@pytest.fixture
def admin(run, server, aws):
    """Runs a command against the server."""

    def admin(*args, **options):
        return run(*args, "--output", "json", env={
            "AWS_ENDPOINT_URL": server, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": None,
        }, **options)  # fmt: skip

    return admin


def profile(ssm):
    content = json.loads(ssm.get_document(Name="SSM-SessionManagerRunShell")["Content"])
    return content["inputs"]["shellProfile"]["linux"]


def outcomes(result):
    report = result.json
    return report["policy"]["outcome"], [entry["outcome"] for entry in report["regions"]]


def make_role(iam, name):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                                                     "Action": "sts:AssumeRole"}]}  # fmt: skip
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))


def test_the_life_of_a_deployment(aws, admin):
    ssm, iam = aws("ssm"), aws("iam")
    make_role(iam, "web")
    first = admin("deploy", "--max", "3", "--yes", "--attach-role", "web")
    assert first.rc == 0 and outcomes(first) == ("created", ["created"]), first
    assert "--max 3 --region eu-west-1;" in profile(ssm)
    attached = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [POLICY_ARN]

    second = admin("deploy", "--max", "3", "--attach-role", "web", start_new_session=True)
    assert second.rc == 0 and outcomes(second) == ("up_to_date", ["up_to_date"]), second

    third = admin("deploy", "--max", "5", "--yes")
    assert third.rc == 0 and outcomes(third) == ("up_to_date", ["updated"]), third
    assert "--max 5 " in profile(ssm)
    described = ssm.describe_document(Name="SSM-SessionManagerRunShell")["Document"]
    assert described["DefaultVersion"] == described["LatestVersion"] == "2"
    assert described["DocumentType"] == "Session"

    last = admin("undeploy", "--yes")
    assert last.rc == 0, last
    assert profile(ssm) == "" and not iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn=POLICY_ARN)


def test_a_document_that_is_there(aws, admin):
    ssm = aws("ssm")
    text = '{ "schemaVersion":"1.0", "sessionType":"Standard_Stream","inputs":{"s3BucketName":"\\u0061","new":[1]} }'
    ssm.create_document(Name="SSM-SessionManagerRunShell", Content=text, DocumentType="Session")
    assert admin("deploy", "--max", "3", "--yes").rc == 0
    assert json.loads(ssm.get_document(Name="SSM-SessionManagerRunShell")["Content"])["inputs"]["new"] == [1]
    assert admin("deploy", "--max", "4", "--yes", "--skip-policy").rc == 0
    assert profile(ssm).count("ssm-enforce --max") == 1


def test_policy_versions(aws, admin):
    iam = aws("iam")
    def other(number):
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"}]})  # fmt: skip

    iam.create_policy(PolicyName="SSMConcurrentSessionsPolicy", PolicyDocument=other(0))
    for number in range(1, 5):
        iam.create_policy_version(PolicyArn=POLICY_ARN, PolicyDocument=other(number), SetAsDefault=number < 3)
    result = admin("deploy", "--max", "3", "--yes", "--skip-document")
    assert result.rc == 0 and outcomes(result) == ("updated", []), result
    versions = iam.list_policy_versions(PolicyArn=POLICY_ARN)["Versions"]
    assert len(versions) == 5 and [one["VersionId"] for one in versions if one["IsDefaultVersion"]] == ["v6"]
    assert admin("deploy", "--max", "3", "--skip-document", start_new_session=True).rc == 0


def test_regions_and_unknown_role(aws, admin):
    result = admin("deploy", "--max", "3", "--yes", "--region", "eu-west-1,us-east-1", "--attach-role", "nobody")
    assert result.rc == 1 and outcomes(result) == ("created", ["created", "created"]), result
    assert "there is no role 'nobody'" in result.err
    assert "--region us-east-1;" in profile(aws("ssm", "us-east-1"))


def test_all_regions(aws, admin):
    enabled = {one["RegionName"] for one in aws("ec2").describe_regions()["Regions"]}
    result = admin("deploy", "--max", "3", "--all-regions", "--dry-run", "--skip-policy")
    assert result.rc == 0 and {entry["region"] for entry in result.json["regions"]} == enabled, result


def test_published(aws, admin, executable):
    s3 = aws("s3")
    s3.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    command = ("deploy", "--max", "3", "--yes", "--skip-policy", "--skip-document", "--publish", "s3://releases/t",
               "--binary", executable[-1])  # fmt: skip
    result = admin(*command)
    assert result.rc == 0, result
    key = result.json["objects"][0]["key"]
    assert s3.get_object(Bucket="releases", Key=key)["Body"].read() == open(executable[-1], "rb").read()
    again = admin(*command)
    assert again.rc == 0 and [entry["outcome"] for entry in again.json["objects"]] == ["up_to_date"] * 2, again
