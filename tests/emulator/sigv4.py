"""Signature Version 4: each request's signature is computed again with botocore's own signer."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from .errors import AwsError
from .http1 import Request

if TYPE_CHECKING:
    from .world import Credential, World

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;\-]+), ?Signature=([0-9a-f]{64})"
)
DATE = re.compile(r"\d{8}T\d{6}Z")
UNSIGNED = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


@dataclass(slots=True)
class Scope:
    """What an Authorization header says."""

    access_key: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


@dataclass(slots=True)
class Style:
    """How a protocol names the ways a signature is refused: (code, status) of each."""

    missing: tuple[str, int]
    malformed: tuple[str, int]
    unknown_key: tuple[str, int]
    expired_token: tuple[str, int]
    mismatch: tuple[str, int]
    skewed: tuple[str, int]
    scope: tuple[str, int]


JSON = Style(
    ("MissingAuthenticationTokenException", 400), ("IncompleteSignatureException", 400),
    ("UnrecognizedClientException", 400), ("ExpiredTokenException", 400), ("InvalidSignatureException", 400),
    ("InvalidSignatureException", 400), ("InvalidSignatureException", 400),
)  # fmt: skip
QUERY = Style(
    ("MissingAuthenticationToken", 403), ("IncompleteSignature", 400), ("InvalidClientTokenId", 403),
    ("ExpiredToken", 403), ("SignatureDoesNotMatch", 403), ("SignatureDoesNotMatch", 403),
    ("SignatureDoesNotMatch", 403),
)  # fmt: skip
EC2 = Style(
    ("MissingAuthenticationToken", 403), ("IncompleteSignature", 400), ("AuthFailure", 401),
    ("RequestExpired", 400), ("SignatureDoesNotMatch", 403), ("RequestExpired", 400), ("AuthFailure", 401),
)  # fmt: skip
S3 = Style(
    ("AccessDenied", 403), ("AuthorizationHeaderMalformed", 400), ("InvalidAccessKeyId", 403),
    ("ExpiredToken", 400), ("SignatureDoesNotMatch", 403), ("RequestTimeTooSkewed", 403),
    ("AuthorizationHeaderMalformed", 400),
)  # fmt: skip

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)


def _given(base: Any) -> Any:
    """A signer that signs the headers that the client names, rather than those that botocore would choose."""

    class Given(base):  # type: ignore[misc]
        signed: tuple[str, ...] = ()

        def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
            chosen = HTTPHeaders()
            for name in self.signed:
                for value in request.headers.get_all(name) or []:
                    chosen[name] = value
            return chosen

    return Given


SIGNERS = {"s3": _given(S3SigV4Auth)}
SIGNER = _given(SigV4Auth)


def read_scope(request: Request) -> Scope | None:
    """The parts of the Authorization header, None where it is absent or malformed."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        return None
    key, day, region, service, signed, signature = match.groups()
    return Scope(key, day, region, service, tuple(signed.split(";")), signature)


def _stamp(epoch: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(epoch))


def _refuse(reason: tuple[str, int], message: str) -> AwsError:
    return AwsError(reason[0], message, reason[1])


def verify(world: World, request: Request, scope: Scope | None, style: Style, services: tuple[str, ...],
           regions: list[str]) -> Credential:  # fmt: skip
    """The credential that signed the request; raises the AwsError that the service would answer with.

    `services` and `regions` are what the scope may name at this endpoint.
    """
    if scope is None:
        if "authorization" not in request.headers:
            raise _refuse(style.missing, "Missing Authentication Token")
        raise _refuse(style.malformed, f"cannot read Authorization={request.headers['authorization'][:80]!r}")
    credential = world.credentials.get(scope.access_key)
    if credential is None or request.headers.get("x-amz-security-token") != credential.token:
        raise _refuse(style.unknown_key, "The security token included in the request is invalid.")
    _check_signed_headers(request, scope, style)
    if scope.service not in services:
        raise _refuse(style.scope, f"Credential should be scoped to correct service: '{services[0]}'.")
    if scope.region not in regions:
        raise _refuse(style.scope, "Credential should be scoped to a valid region.")
    stamp = request.headers.get("x-amz-date", "")
    if DATE.fullmatch(stamp) is None or stamp[:8] != scope.day:
        raise _refuse(style.malformed, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date")
    if not hmac.compare_digest(_signature(request, scope, credential, stamp), scope.signature):
        raise _refuse(style.mismatch, MISMATCH)
    _check_time(world, stamp, style)
    if credential.expires is not None and credential.expires < world.now():
        raise _refuse(style.expired_token, "The security token included in the request is expired")
    return credential


def _check_signed_headers(request: Request, scope: Scope, style: Style) -> None:
    if list(scope.signed) != sorted(set(scope.signed)):
        raise _refuse(style.malformed, "SignedHeaders are not sorted")
    must = ["host"] + [name for name in request.headers if name.startswith("x-amz-")]
    unsigned = [name for name in must if name not in scope.signed]
    absent = [name for name in scope.signed if name not in request.headers]
    if unsigned:
        raise _refuse(style.mismatch, f"There were headers present in the request which were not signed: {unsigned}")
    if absent:
        raise _refuse(style.mismatch, f"Signed headers are not in the request: {absent}")


def _signature(request: Request, scope: Scope, credential: Credential, stamp: str) -> str:
    headers = HTTPHeaders()
    for name, value in request.raw_headers:
        headers[name] = value
    query = parse_qsl(request.query, keep_blank_values=True)
    given = AWSRequest(request.method, f"https://{request.headers['host']}{request.path}", headers, request.body,
                       params=dict(query))  # fmt: skip
    given.context["timestamp"] = stamp
    maker = SIGNERS.get(scope.service, SIGNER)
    signer = maker(Credentials(credential.access_key, credential.secret_key), scope.service, scope.region)
    signer.signed = scope.signed
    content = request.headers.get("x-amz-content-sha256")
    if content is not None and content not in UNSIGNED and content != hashlib.sha256(request.body).hexdigest():
        raise AwsError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what "
                       "was computed.")  # fmt: skip
    return str(signer.signature(signer.string_to_sign(given, signer.canonical_request(given)), given))


def _check_time(world: World, stamp: str, style: Style) -> None:
    then, now, limit = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")), world.now(), world.skew_limit_s
    if style is S3:
        limit *= 3
    if abs(now - then) <= limit:
        return
    if style is S3:
        raise _refuse(style.skewed, "The difference between the request time and the current time is too large.")
    minutes = f"{limit / 60:g} min.)"
    if then < now:
        text = f"Signature expired: {stamp} is now earlier than {_stamp(now - limit)} ({_stamp(now)} - {minutes}"
    else:
        later = f"{_stamp(now + limit)} ({_stamp(now)} + {minutes}"
        text = f"Signature not yet current: {stamp} is still later than {later}"
    raise _refuse(style.skewed, text)
