"""The container credentials endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI and its Authorization token)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .http1 import Reply, Request
from .imds import rfc3339

if TYPE_CHECKING:
    from .world import Credential, World


@dataclass
class ContainerState:
    """What the endpoint hands out."""

    path: str = "/v2/credentials/0f1e2d3c"
    token: str | None = None  # the Authorization header expected, None: none may be sent
    role: str = "task"
    credential: Credential | None = None


def identify(request: Request) -> tuple[str, str, dict[str, Any]]:
    """Service, operation and parameters of a request."""
    return "container", "GetContainerCredentials", {"path": request.path}


def handle(world: World, request: Request, operation: str, params: dict[str, Any]) -> Reply:
    """Answer one request."""
    container = world.container
    if request.method != "GET" or params["path"] != container.path:
        return Reply(404, b'{"code":"NotFound","message":"not found"}', {"Content-Type": "application/json"})
    if request.headers.get("authorization") != container.token:
        body = b'{"code":"AccessDenied","message":"wrong or missing Authorization header"}'
        return Reply(401, body, {"Content-Type": "application/json"})
    if container.credential is None or (container.credential.expires or 0) < world.now():
        arn = world.role_arn(container.role, "0123456789abcdef")
        container.credential = world.make_credential(arn, lifetime_s=6 * 3600)
    credential = container.credential
    document = {
        "RoleArn": world.role_arn(container.role),
        "AccessKeyId": credential.access_key,
        "SecretAccessKey": credential.secret_key,
        "Token": credential.token,
        "Expiration": rfc3339(credential.expires or 0),
    }
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
