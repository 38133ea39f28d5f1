"""The CloudFormation template and the Terraform module: what they make is what `ssm-enforce deploy` pushes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from test_deploy_moto import aws, server  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deploy/cloudformation.yaml"

pytestmark = [
    pytest.mark.only("native", "nothing of the executable is in it"),
    pytest.mark.skipif("asan" in os.environ.get("SSM_ENFORCE_BIN", ""), reason="nothing of the executable is in it"),
]


def test_profile_lines_are_those_of_profiles():
    subprocess.run(["make", "--no-print-directory", "build/gen/generate"], cwd=ROOT, check=True)
    done = subprocess.run([".make/infrastructure.sh", "--check", "build/gen/generate"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def generated_line(shell, failure, most, region, linux, windows):
    text = subprocess.run([ROOT / "build/gen/generate", "profile", shell, failure], check=True, capture_output=True, text=True).stdout
    for old, new in (("77777", most), ("REGION", region), ("/LINUX/PATH", linux), ("W:\\WINDOWS\\PATH", windows)):
        text = text.replace(old, new)
    return text.rstrip("\n")


@pytest.fixture
def create(aws):  # noqa: F811
    """Creates the stack; its resources by their names in the template."""

    def create(region="eu-west-1", **parameters):
        client = aws("cloudformation", region)
        client.create_stack(
            StackName="ssm-enforce", TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )  # fmt: skip
        stack = client.describe_stacks(StackName="ssm-enforce")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        found = client.describe_stack_resources(StackName="ssm-enforce")["StackResources"]
        # What a condition leaves out is there without a name.
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if one.get("LogicalResourceId")}

    return create


def content(aws, region="eu-west-1"):
    """As an object: moto's server gives back the template's own, where AWS makes a text of it."""
    found = aws("ssm", region).get_document(Name="SSM-SessionManagerRunShell")["Content"]
    return json.loads(found) if isinstance(found, str) else found


@pytest.mark.parametrize("failure", ["allow", "deny"])
def test_document_is_what_deploy_pushes(create, aws, failure):
    create(MaxSessions="5", OnFailure=failure, LinuxPath="/usr/bin/ssm-enforce")
    expected = json.loads((ROOT / "deploy/preferences.json").read_text())
    where = ("5", "eu-west-1", "/usr/bin/ssm-enforce", r"C:\Program Files\ssm-enforce\ssm-enforce.exe")
    expected["inputs"]["shellProfile"] = {shell: generated_line(shell, failure, *where) for shell in ("linux", "windows")}
    assert content(aws) == expected


def test_own_lines_and_preferences(create, aws):
    create(LinuxProfile="/opt/it --max 3", WindowsProfile="& it", S3BucketName="logs", RunAsEnabled="true", S3EncryptionEnabled="false")
    inputs = content(aws)["inputs"]
    assert inputs["shellProfile"] == {"linux": "/opt/it --max 3", "windows": "& it"}
    assert (inputs["s3BucketName"], inputs["runAsEnabled"], inputs["s3EncryptionEnabled"]) == ("logs", True, False)


def test_policy_is_what_deploy_pushes(create, aws):
    iam = aws("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(trust))
    arn = create(InstanceRoles="web")["Policy"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    account = arn.split(":")[4]
    text = (ROOT / "deploy/policy.json").read_text().replace("@PARTITION@", "aws").replace("@ACCOUNT@", account)
    assert iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"] == json.loads(text)
    attached = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["SSMConcurrentSessionsPolicy"]


def test_one_region_of_many_makes_the_policy(create):
    assert "Policy" in create("eu-west-1", PolicyRegion="eu-west-1")
    assert "Policy" not in create("us-east-1", PolicyRegion="eu-west-1")


@pytest.mark.skipif(not shutil.which("cfn-lint"), reason="no cfn-lint here")
def test_cloudformation_lint():
    done = subprocess.run(["cfn-lint", TEMPLATE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
def test_terraform_format(tmp_path):
    done = subprocess.run(["terraform", "fmt", "-check", "-diff", "-recursive", ROOT / "deploy/terraform"], capture_output=True,
                          text=True, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
def test_terraform_lines(tmp_path):
    """The module's own expressions, evaluated; the provider's resources would need its download."""
    for name in ("variables.tf", "profile.tf"):
        shutil.copy(ROOT / "deploy/terraform" / name, tmp_path)
    (tmp_path / "region.tf").write_text('locals {\n  region = "eu-west-1"\n}\n')
    for shell in "linux", "windows":
        done = subprocess.run(["terraform", "console", "-var", "max_sessions=5"], input=f"jsonencode(local.{shell}_lines)\n",
                              cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        where = ("5", "eu-west-1", "/usr/local/bin/ssm-enforce", r"C:\Program Files\ssm-enforce\ssm-enforce.exe")
        lines = json.loads(json.loads(done.stdout.strip().splitlines()[-1]))
        assert lines == {failure: generated_line(shell, failure, *where) for failure in ("allow", "deny")}
