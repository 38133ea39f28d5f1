"""The emulator's documents, policies, roles, regions and objects, through AWS's Python client."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import Emulator, World
from emulator_tools import Client, code_of, fetch

NAME = "SSM-SessionManagerRunShell"


def preferences(**inputs: Any) -> str:
    """Session Manager preferences."""
    return json.dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs})


def policy(resource: str = "*") -> str:
    """A policy document."""
    statement = {"Effect": "Allow", "Action": "ssm:DescribeSessions", "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# Documents


def test_a_document_is_created_and_updated(world: World, client: Client) -> None:
    documents = world.service("documents")
    documents.update_delay = 3600
    ssm = client("ssm")
    assert code_of(lambda: ssm.get_document(Name=NAME)) == "InvalidDocument"
    made = ssm.create_document(Name=NAME, Content=preferences(), DocumentType="Session")["DocumentDescription"]
    assert (made["Status"], made["DocumentVersion"], made["LatestVersion"]) == ("Creating", "1", "1")
    assert code_of(lambda: ssm.create_document(Name=NAME, Content=preferences(), DocumentType="Session")) == (
        "DocumentAlreadyExists"
    )
    new = preferences(idleSessionTimeout="20")
    update = {"Name": NAME, "Content": new, "DocumentVersion": "$LATEST"}
    assert code_of(lambda: ssm.update_document(**update)) == "TooManyUpdates"
    documents.find().versions[1].ready_at = 0
    assert ssm.update_document(**update)["DocumentDescription"]["Status"] == "Updating"
    assert ssm.get_document(Name=NAME)["DocumentVersion"] == "1"
    newest = ssm.get_document(Name=NAME, DocumentVersion="$LATEST")
    assert (newest["DocumentVersion"], newest["Content"]) == ("2", new)
    default = {"Name": NAME, "DocumentVersion": "2"}
    assert code_of(lambda: ssm.update_document_default_version(**default)) == "InvalidDocumentVersion"
    documents.find().versions[2].ready_at = 0
    assert ssm.update_document_default_version(**default)["Description"]["DefaultVersion"] == "2"
    assert ssm.describe_document(Name=NAME)["Document"]["Status"] == "Active"
    assert documents.find().content["inputs"] == {"idleSessionTimeout": "20"}
    assert code_of(lambda: ssm.update_document(**update)) == "DuplicateDocumentContent"
    assert code_of(lambda: ssm.update_document(**{**update, "DocumentVersion": "1"})) == "InvalidDocumentVersion"


def test_contents_are_checked(world: World, client: Client) -> None:
    world.service("documents").add(preferences())
    ssm = client("ssm")

    def code(content: str) -> str:
        return code_of(lambda: ssm.update_document(Name=NAME, Content=content, DocumentVersion="$LATEST"))

    assert code("{") == code("[]") == "InvalidDocumentContent"
    assert code(json.dumps({"schemaVersion": "2.2"})) == "InvalidDocumentSchemaVersion"
    assert code(preferences(kmsKeyId="x" * 65536)) == "MaxDocumentSizeExceeded"
    assert code_of(lambda: ssm.get_document(Name=NAME, DocumentVersion="7")) == "InvalidDocumentVersion"


def test_document_versions_are_limited_listed_and_deleted(world: World, client: Client) -> None:
    documents = world.service("documents")
    documents.add(*[preferences(idleSessionTimeout=str(number)) for number in range(1, 6)], default=2)
    documents.max_versions, documents.page_size = 5, 2
    ssm = client("ssm")
    update = {"Name": NAME, "Content": preferences(), "DocumentVersion": "$LATEST"}
    assert code_of(lambda: ssm.update_document(**update)) == "DocumentVersionLimitExceeded"
    pages = list(ssm.get_paginator("list_document_versions").paginate(Name=NAME))
    listed = [(one["DocumentVersion"], one["IsDefaultVersion"]) for page in pages for one in page["DocumentVersions"]]
    assert len(pages) == 3
    assert listed == [("5", False), ("4", False), ("3", False), ("2", True), ("1", False)]
    assert code_of(lambda: ssm.delete_document(Name=NAME, DocumentVersion="2")) == "InvalidDocumentOperation"
    ssm.delete_document(Name=NAME, DocumentVersion="1")
    assert ssm.update_document(**update)["DocumentDescription"]["DocumentVersion"] == "6"
    ssm.delete_document(Name=NAME)
    assert documents.find() is None


def test_documents_belong_to_a_region(world: World, client: Client) -> None:
    world.regions.append("us-east-1")
    world.service("documents").add(preferences(), region="us-east-1")
    assert client("ssm", region="us-east-1").get_document(Name=NAME)["Status"] == "Active"
    assert code_of(lambda: client("ssm").get_document(Name=NAME)) == "InvalidDocument"
    assert code_of(lambda: client("ssm", region="eu-west-1").get_document(Name=NAME)) == "InvalidSignatureException"


# IAM


def test_a_policy_lives_and_dies(world: World, client: Client) -> None:
    iam = client("iam", region="us-east-1")
    arn = iam.create_policy(PolicyName="P", PolicyDocument=policy())["Policy"]["Arn"]
    assert arn == "arn:aws:iam::123456789012:policy/P"
    assert code_of(lambda: iam.create_policy(PolicyName="P", PolicyDocument=policy())) == "EntityAlreadyExists"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    for number in range(2, 6):
        text = policy(f"arn:aws:ssm:*:123456789012:session/{number}")
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)["PolicyVersion"]
        assert made["VersionId"] == f"v{number}" and made["IsDefaultVersion"]
    assert code_of(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy())) == "LimitExceeded"
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in versions] == ["v5", "v4", "v3", "v2", "v1"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Resource"].endswith("/5")
    assert code_of(lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v5")) == "DeleteConflict"
    iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    assert [one["RoleName"] for one in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == ["web"]
    assert [one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]] == [arn]
    assert code_of(lambda: iam.attach_role_policy(RoleName="none", PolicyArn=arn)) == "NoSuchEntity"
    assert code_of(lambda: iam.delete_policy(PolicyArn=arn)) == "DeleteConflict"
    iam.detach_role_policy(RoleName="web", PolicyArn=arn)
    assert code_of(lambda: iam.detach_role_policy(RoleName="web", PolicyArn=arn)) == "NoSuchEntity"
    for number in range(1, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    assert code_of(lambda: iam.get_policy(PolicyArn=arn)) == "NoSuchEntity"


def test_policy_documents_are_checked(client: Client) -> None:
    iam = client("iam", region="us-east-1")
    for text in ("{}", "no", policy("arn:aws-cn:ssm:*:*:session/*"), policy("session")):
        assert code_of(lambda: iam.create_policy(PolicyName="P", PolicyDocument=text)) == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    ("region", "signed", "partition"),
    [("us-gov-east-1", "us-gov-west-1", "aws-us-gov"), ("cn-northwest-1", "cn-north-1", "aws-cn")],
)
def test_iam_of_other_partitions(emu: Emulator, client: Client, region: str, signed: str, partition: str) -> None:
    emu.reset(region=region)
    iam = client("iam", region=signed)
    text = policy(f"arn:{partition}:ssm:*:123456789012:session/*")
    arn = iam.create_policy(PolicyName="P", PolicyDocument=text)["Policy"]["Arn"]
    assert arn == f"arn:{partition}:iam::123456789012:policy/P"
    assert code_of(lambda: iam.create_policy(PolicyName="Q", PolicyDocument=policy("arn:aws:s3:::b"))) == (
        "MalformedPolicyDocument"
    )


def test_lists_of_iam_come_in_pages(world: World, client: Client) -> None:
    iam_state = world.service("iam")
    made = iam_state.add_policy("P", *[policy(f"arn:aws:s3:::{number}") for number in range(5)])
    iam_state.page_size = 2
    pages = list(client("iam", region="us-east-1").get_paginator("list_policy_versions").paginate(PolicyArn=made.arn))
    assert [one["VersionId"] for page in pages for one in page["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    assert len(pages) == 3


def test_query_parameters_are_checked(emu: Emulator, client: Client) -> None:
    loose = Config(parameter_validation=False, retries={"max_attempts": 0})
    iam = client("iam", region="us-east-1", config=loose)
    assert code_of(lambda: iam.get_policy()) == "ValidationError"
    assert code_of(lambda: iam.get_policy(PolicyArn="short")) == "ValidationError"
    assert code_of(lambda: iam.attach_role_policy(RoleName="a b", PolicyArn="x" * 20)) == "ValidationError"
    emu.world.deny("iam:GetPolicy")
    with pytest.raises(ClientError, match="is not authorized to perform: iam:GetPolicy") as caught:
        iam.get_policy(PolicyArn="arn:aws:iam::123456789012:policy/P")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_signatures_of_query_calls(world: World, client: Client) -> None:
    iam = client("iam", region="eu-central-1")
    assert code_of(lambda: iam.get_policy(PolicyArn="arn:aws:iam::123456789012:policy/P")) == "SignatureDoesNotMatch"
    keys = world.user()
    keys.secret_key, good = "x" * 40, keys.secret_key
    sts = client("sts", keys)
    keys.secret_key = good
    assert code_of(sts.get_caller_identity) == "SignatureDoesNotMatch"
    stranger = type(keys)("AKIAAAAAAAAAAAAAAAAA", "x" * 40, None, None, "", "")
    assert code_of(client("sts", stranger).get_caller_identity) == "InvalidClientTokenId"
    sts = client("sts")
    world.expire_credentials()
    assert code_of(sts.get_caller_identity) == "ExpiredToken"


# STS, regions, IAM Identity Center


def test_who_am_i(world: World, client: Client) -> None:
    who = client("sts").get_caller_identity()
    assert who["Arn"] == "arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0"
    assert client("sts", world.user("carol")).get_caller_identity()["Arn"].endswith(":user/carol")
    assert client("sts", region="us-east-1").get_caller_identity()["Account"] == "123456789012"


def test_assume_role(world: World, client: Client) -> None:
    iam = world.service("iam")
    admin = iam.add_role("admin", external_id="ext", mfa=("arn:aws:iam::123456789012:mfa/carol", "123456"))
    sts = client("sts", world.user("carol"))
    wanted = {"RoleArn": admin.arn, "RoleSessionName": "carol", "ExternalId": "ext"}
    assert code_of(lambda: sts.assume_role(**wanted)) == "AccessDenied"
    mfa = {"SerialNumber": admin.mfa[0]}
    with pytest.raises(ClientError, match="invalid MFA one time pass code"):
        sts.assume_role(**wanted, **mfa, TokenCode="000000")
    made = sts.assume_role(**wanted, **mfa, TokenCode="123456", DurationSeconds=900)
    assert made["AssumedRoleUser"]["Arn"].endswith(":assumed-role/admin/carol")
    assert 800 < made["Credentials"]["Expiration"].timestamp() - time.time() < 901
    keys = world.credentials[made["Credentials"]["AccessKeyId"]]
    assert client("sts", keys).get_caller_identity()["Arn"].endswith(":assumed-role/admin/carol")
    assert code_of(lambda: sts.assume_role(**wanted, **mfa, TokenCode="123456", DurationSeconds=7200)) == (
        "ValidationError"
    )
    assert code_of(lambda: sts.assume_role(RoleArn=admin.arn + "x", RoleSessionName="carol")) == "AccessDenied"


def test_web_identity(emu: Emulator, client: Client) -> None:
    role = emu.world.service("iam").add_role("ci", web_token="token-of-ci")
    sts = client("sts", config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))
    call = {"RoleArn": role.arn, "RoleSessionName": "ci"}
    made = sts.assume_role_with_web_identity(**call, WebIdentityToken="token-of-ci")
    assert made["Credentials"]["AccessKeyId"] in emu.world.credentials
    assert emu.world.log[-1].verdict == "unsigned"
    assert code_of(lambda: sts.assume_role_with_web_identity(**call, WebIdentityToken="x" * 4)) == "InvalidIdentityToken"


def test_regions(world: World, client: Client) -> None:
    world.regions.append("us-east-1")
    listed = client("ec2").describe_regions(AllRegions=False)["Regions"]
    assert [one["RegionName"] for one in listed] == ["eu-central-1", "us-east-1"]
    assert len(client("ec2").describe_regions(AllRegions=True)["Regions"]) == 4


def test_identity_center(emu: Emulator, client: Client) -> None:
    emu.world.service("sso").add("bearer", "Admin")
    sso = client("sso", config=Config(retries={"max_attempts": 0}))
    made = sso.get_role_credentials(roleName="Admin", accountId=emu.world.account, accessToken="bearer")
    keys = emu.world.credentials[made["roleCredentials"]["accessKeyId"]]
    assert "AWSReservedSSO_Admin" in client("sts", keys).get_caller_identity()["Arn"]
    call = {"roleName": "Admin", "accountId": emu.world.account}
    assert code_of(lambda: sso.get_role_credentials(**call, accessToken="x")) == "UnauthorizedException"
    assert code_of(lambda: sso.get_role_credentials(roleName="X", accountId="1", accessToken="bearer")) == (
        "ForbiddenException"
    )
    query = urlencode({"role_name": "Admin", "account_id": emu.world.account})
    status, body = fetch(f"{emu.url('plain')}/federation/credentials?{query}", headers={"x-amz-sso_bearer_token": "x"})
    assert status == 401 and json.loads(body)["message"] == "Session token not found or invalid"


def test_a_renewed_sign_in(emu: Emulator, client: Client) -> None:
    emu.world.service("sso").add_renewal("refresh", "id", "secret", "bearer")
    oidc = client("sso-oidc", config=Config(retries={"max_attempts": 0}))
    call = {"clientId": "id", "grantType": "refresh_token", "refreshToken": "refresh"}
    assert code_of(lambda: oidc.create_token(**call, clientSecret="x")) == "InvalidClientException"
    made = oidc.create_token(**call, clientSecret="secret")
    assert made["accessToken"] == "bearer" and made["expiresIn"] == 28800 and made["refreshToken"] == "refresh-next"
    assert code_of(lambda: oidc.create_token(**call, clientSecret="secret")) == "InvalidGrantException"


# S3


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_objects(emu: Emulator, client: Client, style: str) -> None:
    emu.world.service("s3").add("releases")
    config = Config(s3={"addressing_style": style}, retries={"max_attempts": 0})
    if style == "path":
        s3 = client("s3", config=config)
    else:  # a virtual host needs the real host name
        keys = emu.world.instance_credential()
        s3 = botocore.session.Session().create_client(
            "s3", region_name="eu-central-1", verify=emu.ca_file, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, aws_session_token=keys.token,
            config=config.merge(Config(proxies={"https": emu.url("proxy")})),
        )  # fmt: skip
    body = b"\x7fELF" * 1000
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    key = {"Bucket": "releases", "Key": "v1/linux x86_64/ssm+enforce=~"}
    s3.put_object(**key, Body=body, ChecksumSHA256=digest)
    assert emu.world.service("s3").buckets["releases"].objects[key["Key"]].body == body
    head = s3.head_object(**key, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == digest and head["ContentLength"] == len(body)
    assert s3.get_object(**key)["Body"].read() == body
    assert s3.get_object(**key, ChecksumMode="ENABLED")["ChecksumSHA256"] == digest
    part = s3.get_object(**key, Range="bytes=1-6", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in part
    assert part["Body"].read() == body[1:7] and part["ContentRange"] == f"bytes 1-6/{len(body)}"
    assert s3.get_object(**key, Range="bytes=3990-9999")["Body"].read() == body[3990:]
    assert code_of(lambda: s3.get_object(**key, Range="bytes=4000-")) == "InvalidRange"
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="releases", Key="absent")
    assert code_of(lambda: s3.get_object(Bucket="releases", Key="absent")) == "NoSuchKey"
    assert code_of(lambda: s3.get_object(Bucket="another", Key="absent")) == "NoSuchBucket"
    wrong = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    assert code_of(lambda: s3.put_object(**key, Body=body, ChecksumSHA256=wrong)) == "BadDigest"


def test_a_bucket_of_another_region(emu: Emulator, client: Client) -> None:
    emu.world.regions.append("us-east-1")
    emu.world.service("s3").add("releases", "us-east-1")
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0})
    digest = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    # botocore follows the region that the error names
    reply = client("s3", config=config).put_object(Bucket="releases", Key="a", Body=b"1", ChecksumSHA256=digest)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert [one.code for one in emu.world.log.calls("PutObject")][0] == "AuthorizationHeaderMalformed"
