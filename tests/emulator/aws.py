"""The AWS endpoint: tells which service and operation a request is for, verifies it and answers it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import models, protocols, sigv4
from .errors import AwsError
from .http1 import Reply, Request

if TYPE_CHECKING:
    from .world import Credential, World

JSON_TYPE = "application/x-amz-json-1.1"
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TARGETS = {"AmazonSSM": "ssm"}
QUERY_SERVICES = ("iam", "sts", "ec2")
GLOBAL_REGION = {
    "aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1", "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}  # fmt: skip
ACTIONS = {"s3:HeadObject": "s3:GetObject"}  # where the right is not called as the operation
UNSIGNED_OPERATIONS = (("sts", "AssumeRoleWithWebIdentity"), ("sso", "GetRoleCredentials"), ("sso", "CreateToken"))


@dataclass(slots=True)
class Call:
    """One request to an AWS service."""

    world: World
    request: Request
    service: str
    operation: str
    protocol: str  # "json", "query", "ec2", "s3", "rest-json"
    params: dict[str, Any] = field(default_factory=dict)
    scope: sigv4.Scope | None = None
    problem: AwsError | None = None  # of the body: reported once the signature is known to be right
    credential: Credential | None = None
    request_id: str = ""

    @property
    def region(self) -> str:
        """The region that the request was signed for."""
        return self.scope.region if self.scope else self.world.region


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(pairs)
    if len(known) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return known


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def identify(world: World, request: Request) -> Call:
    """What the request asks for. Never raises: what is wrong stands in `problem`."""
    scope = sigv4.read_scope(request)
    call = Call(world, request, scope.service if scope else "", "", "json", scope=scope, request_id=str(uuid.uuid4()))
    target = request.headers.get("x-amz-target")
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    try:
        if target is not None:
            _identify_json(call, target, kind)
        elif call.service == "s3":
            call.protocol = "s3"
            call.operation, call.params = world.service("s3").identify(request)
        elif request.path == "/federation/credentials":
            call.service, call.operation, call.protocol = "sso", "GetRoleCredentials", "rest-json"
            call.params = dict(request.query_params())
        elif request.path == "/token":
            _identify_token(call, kind)
        elif request.method == "POST":
            _identify_query(call, kind)
        else:
            raise AwsError("UnknownOperationException", f"{request.method} {request.path} means nothing here", 404)
    except AwsError as error:
        call.problem = error
    return call


def _json_body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}", object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        raise AwsError("SerializationException", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "the body is no JSON object")
    return value


def _identify_json(call: Call, target: str, kind: str) -> None:
    prefix, _, call.operation = target.partition(".")
    call.service = JSON_TARGETS.get(prefix, "")
    if not call.service or models.operation(call.service, call.operation) is None:
        raise AwsError("UnknownOperationException", f"X-Amz-Target '{target}' names no operation")
    if kind != JSON_TYPE:
        raise AwsError("UnknownOperationException", f"Content-Type '{kind}' where {JSON_TYPE} is wanted", 404)
    line = f"{call.request.method} {call.request.target}"
    if line != "POST /":
        raise AwsError("UnknownOperationException", f"{line}: POST / is wanted", 404)
    call.params = _json_body(call.request)
    model = models.operation(call.service, call.operation)
    assert model is not None
    models.check_params(call.params, model.input_shape)


def _identify_token(call: Call, kind: str) -> None:
    call.service, call.operation, call.protocol = "sso", "CreateToken", "rest-json"
    if call.request.method != "POST" or kind != "application/json":
        raise AwsError("InvalidRequestException", f"{call.request.method} /token with Content-Type '{kind}'")
    call.params = _json_body(call.request)
    model = models.operation("sso-oidc", "CreateToken")
    assert model is not None
    models.check_params(call.params, model.input_shape)


def _identify_query(call: Call, kind: str) -> None:
    form = protocols.read_form(call.request.body)
    call.operation = form.pop("Action", "")
    version = form.pop("Version", "")
    call.service = call.service or next(
        (name for name in QUERY_SERVICES if models.operation(name, call.operation) is not None), ""
    )
    call.protocol = "ec2" if call.service == "ec2" else "query"
    call.params = dict(form)
    model = models.operation(call.service, call.operation) if call.service in QUERY_SERVICES else None
    if model is None:
        raise AwsError("InvalidAction", f"Could not find operation {call.operation} for version {version}")
    if kind != FORM_TYPE:
        raise AwsError("InvalidAction", f"Content-Type '{kind}' where {FORM_TYPE} is wanted")
    expected = models.service_model(call.service).api_version
    if version != expected:
        raise AwsError("InvalidAction", f"Could not find operation {call.operation} for version {version} ({expected})")
    call.params = protocols.parse_form(form, model.input_shape, call.protocol)
    try:
        models.check_params(call.params, model.input_shape)
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from None


def style_of(call: Call) -> sigv4.Style:
    """How the call's service words refusals."""
    return {"query": sigv4.QUERY, "s3": sigv4.S3, "ec2": sigv4.EC2}.get(call.protocol, sigv4.JSON)


def verify(call: Call) -> str:
    """Check the signature. Returns "ok" or "unsigned" (where none is needed), raises AwsError."""
    world = call.world
    if (call.service, call.operation) in UNSIGNED_OPERATIONS:
        if "authorization" in call.request.headers:
            raise AwsError("InvalidSignature", f"{call.operation} is not to be signed")
        return "unsigned"
    regions = list(world.regions)
    if call.service == "iam":
        regions = [GLOBAL_REGION[world.partition]]
    elif call.service == "sts":
        regions.append(GLOBAL_REGION[world.partition])
    service = call.service or "ssm"
    call.credential = sigv4.verify(world, call.request, call.scope, style_of(call), (service,), regions)
    _check_host(call)
    return "ok"


def _check_host(call: Call) -> None:
    """A request that was sent to an AWS host name must be meant for just that host."""
    host = call.request.headers["host"].rsplit(":", 1)[0].lower()
    if host in ("localhost", "127.0.0.1", "[::1]") or host.startswith("127.") or "." not in host:
        return
    labels = host.split(".")
    service = labels[1] if call.service == "s3" and labels[0] not in ("s3", "s3-fips") else labels[0]
    if service.removesuffix("-fips") != call.service and call.service not in labels:
        raise AwsError("UnknownEndpoint", f"host '{host}' is not of the service {call.service}", 404)
    if call.service not in ("iam", "sts") and call.region not in labels:
        raise AwsError("UnknownEndpoint", f"host '{host}' is not of the region {call.region}", 404)


def authorize(call: Call) -> None:
    """Refuse what the world denies to the caller."""
    credential, world = call.credential, call.world
    action = f"{call.service}:{call.operation}"
    action = ACTIONS.get(action, action)
    if credential is None or action not in world.denied and action not in credential.denied:
        return
    resource = f"arn:{world.partition}:{call.service}:{call.region}:{world.account}:*"
    text = f"User: {credential.arn} is not authorized to perform: {action} on resource: {resource} because no " \
           f"identity-based policy allows the {action} action"  # fmt: skip
    codes = {"query": "AccessDenied", "s3": "AccessDenied", "ec2": "UnauthorizedOperation"}
    raise AwsError(codes.get(call.protocol, "AccessDeniedException"), text, 403 if call.protocol in codes else 400)


def _handler(call: Call) -> Callable[[Call], Any]:
    world = call.world
    if call.service == "ssm":
        sessions = {"DescribeSessions": world.ssm.describe, "TerminateSession": world.ssm.terminate}
        known = sessions.get(call.operation) or world.service("documents").handlers.get(call.operation)
    else:
        name = "regions" if call.service == "ec2" else call.service
        known = world.service(name).handlers.get(call.operation)
    if known is None:
        raise AwsError("UnknownOperationException", f"{call.service}:{call.operation} is not emulated", 404)
    return known


def execute(call: Call) -> Reply:
    """Carry the call out. Raises AwsError."""
    if call.problem is not None:
        raise call.problem
    authorize(call)
    if call.service == "ssm":
        throttles = call.world.ssm.throttles
        bucket = throttles.get(call.operation) or throttles.get("*")
        if bucket is not None and not bucket.take():
            raise AwsError("ThrottlingException", "Rate exceeded")
    return success(call, _handler(call)(call))


def success(call: Call, result: Any) -> Reply:
    """Write the reply of a call that went well. `result` is what the model's output shape holds."""
    if isinstance(result, Reply):
        result.headers.setdefault("x-amz-request-id" if call.protocol == "s3" else "x-amzn-RequestId", call.request_id)
        return result
    if call.protocol in ("query", "ec2"):
        model = models.operation(call.service, call.operation)
        assert model is not None
        body = protocols.write_xml(call.service, call.operation, model.output_shape, result, call.request_id)
        return Reply(200, body, {"Content-Type": "text/xml", "x-amzn-RequestId": call.request_id})
    body = json.dumps(result, separators=(",", ":")).encode()
    kind = "application/json" if call.protocol == "rest-json" else JSON_TYPE
    return Reply(200, body, {"Content-Type": kind, "x-amzn-RequestId": call.request_id})


def failure(call: Call, error: AwsError) -> Reply:
    """Write an error in the form of the call's protocol."""
    if call.protocol in ("query", "ec2", "s3"):
        body = protocols.write_xml_error(error, call.request_id, call.protocol, call.service)
        name = "x-amz-request-id" if call.protocol == "s3" else "x-amzn-RequestId"
        kind = "application/xml" if call.protocol == "s3" else "text/xml"
        return Reply(error.status, body, {"Content-Type": kind, name: call.request_id, **error.headers})
    headers = {"Content-Type": JSON_TYPE, "x-amzn-RequestId": call.request_id}
    if call.protocol == "rest-json":
        headers["Content-Type"] = "application/json"
        headers["x-amzn-ErrorType"] = f"{error.code}:http://internal.amazon.com/"
        return Reply(error.status, json.dumps({"message": error.message}).encode(), headers)
    # The code comes with the namespace in front, and the key of the message is written in either case.
    message = "message" if error.code.endswith("Exception") else "Message"
    document = {"__type": f"com.amazonaws.{call.service or 'ssm'}#{error.code}", message: error.message}
    headers["x-amzn-ErrorType"] = error.code
    return Reply(error.status, json.dumps(document).encode(), headers)
