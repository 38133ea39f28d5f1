"""The instance metadata service, version 2."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .http1 import Reply, Request

if TYPE_CHECKING:
    from .world import Credential, World

TOKEN_PATH = "/latest/api/token"
ROLE_PATH = "/latest/meta-data/iam/security-credentials"
OPERATIONS = {
    "/latest/dynamic/instance-identity/document": "GetIdentity",
    "/latest/meta-data/placement/region": "GetRegion",
    "/latest/meta-data/placement/availability-zone": "GetZone",
    "/latest/meta-data/instance-id": "GetInstanceId",
    "/latest/meta-data/iam/info": "GetRoleInfo",
    ROLE_PATH: "GetRole",
    ROLE_PATH + "/": "GetRole",
}


@dataclass
class ImdsState:
    """What the metadata service of the emulated instance holds."""

    enabled: bool = True  # False: 403 to everything
    role: str | None = "web"  # None: no instance profile
    credential: Credential | None = None  # made when first asked for
    code: str = "Success"  # of the credentials document; another one comes with no keys
    expiration: float | None = None  # shown in place of the credentials' own expiry (epoch seconds)
    rotate: bool = False  # new credentials at each request
    more: dict[str, Any] = field(default_factory=dict)  # further paths and their text
    identity: dict[str, Any] = field(default_factory=dict)  # fields that replace those of the identity document
    tokens: dict[str, float] = field(default_factory=dict)  # token -> end of its life (monotonic seconds)

    def expire_tokens(self) -> None:
        """Let every token handed out so far be unknown."""
        self.tokens.clear()


def rfc3339(epoch: float) -> str:
    """Epoch seconds as AWS writes them in a credentials document."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def identify(request: Request) -> tuple[str, str, dict[str, Any]]:
    """Service, operation and parameters of a request."""
    if request.path == TOKEN_PATH and request.method == "PUT":
        ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        return "imds", "PutToken", {"ttl": ttl}
    if request.path in OPERATIONS:
        return "imds", OPERATIONS[request.path], {}
    if request.path.startswith(ROLE_PATH + "/"):
        return "imds", "GetCredentials", {"role": request.path[len(ROLE_PATH) + 1 :]}
    return "imds", "Get", {"path": request.path}


def _text(status: int, body: str, kind: str = "text/plain") -> Reply:
    return Reply(status, body.encode(), {"Content-Type": kind, "Server": "EC2ws"})


def _error(status: int, title: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n'
        '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml">\n <head>\n  <title>{status} - {title}</title>\n </head>\n'
        f" <body>\n  <h1>{status} - {title}</h1>\n </body>\n</html>\n"
    )
    return _text(status, body, "text/html")


def _put_token(world: World, request: Request) -> Reply:
    ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
    if "x-forwarded-for" in request.headers:
        return _error(403, "Forbidden")
    if not ttl.isdigit() or not 1 <= int(ttl) <= 21600 or request.body:
        return _error(400, "Bad Request")
    token = world.letters(55, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") + "=="
    world.imds.tokens[token] = time.monotonic() + int(ttl)
    reply = _text(200, token)
    reply.headers["X-Aws-Ec2-Metadata-Token-Ttl-Seconds"] = ttl
    return reply


def _credentials(world: World) -> Reply:
    imds = world.imds
    document: dict[str, Any] = {"Code": imds.code, "LastUpdated": rfc3339(world.now() - 600)}
    if imds.code != "Success":
        document["Message"] = "EC2 cannot assume the role. The role's trust policy may not allow it."
        return _text(200, json.dumps(document, indent=2))
    if imds.credential is None or imds.rotate or (imds.credential.expires or 0) < world.now() and not imds.expiration:
        imds.credential = world.instance_credential()
    credential = imds.credential
    expires = imds.expiration if imds.expiration is not None else credential.expires
    document.update(
        Type="AWS-HMAC",
        AccessKeyId=credential.access_key,
        SecretAccessKey=credential.secret_key,
        Token=credential.token,
        Expiration=rfc3339(expires or world.now() + 21600),
    )
    return _text(200, json.dumps(document, indent=2))


def _identity(world: World) -> Reply:
    document: dict[str, Any] = {
        "accountId": world.account,
        "architecture": "x86_64",
        "availabilityZone": f"{world.region}a",
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": "ami-0123456789abcdef0",
        "instanceId": world.instance_id,
        "instanceType": "t3.micro",
        "kernelId": None,
        "pendingTime": "2026-01-01T00:00:00Z",
        "privateIp": "10.0.0.5",
        "ramdiskId": None,
        "region": world.region,
        "version": "2017-09-30",
    }
    document.update(world.imds.identity)
    return _text(200, json.dumps(document, indent=2))


def handle(world: World, request: Request, operation: str, params: dict[str, Any]) -> Reply:
    """Answer one request."""
    imds = world.imds
    if not imds.enabled:
        return _error(403, "Forbidden")
    if operation == "PutToken":
        return _put_token(world, request)
    if request.path == TOKEN_PATH or request.method not in ("GET", "HEAD"):
        return _error(405, "Method Not Allowed")
    if imds.tokens.get(request.headers.get("x-aws-ec2-metadata-token", ""), 0.0) < time.monotonic():
        return _error(401, "Unauthorized")
    if operation == "GetIdentity":
        return _identity(world)
    texts = {"GetRegion": world.region, "GetZone": f"{world.region}a", "GetInstanceId": world.instance_id}
    if operation in texts:
        return _text(200, texts[operation])
    if operation == "GetRole" and imds.role is not None:
        return _text(200, imds.role)
    if operation == "GetCredentials" and params["role"] == imds.role:
        return _credentials(world)
    if operation == "GetRoleInfo" and imds.role is not None:
        arn = f"arn:{world.partition}:iam::{world.account}:instance-profile/{imds.role}"
        return _text(200, json.dumps({"Code": "Success", "InstanceProfileArn": arn}, indent=2))
    if request.path in imds.more:
        return _text(200, imds.more[request.path])
    return _error(404, "Not Found")
