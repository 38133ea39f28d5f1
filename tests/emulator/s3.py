"""S3: PutObject, HeadObject and GetObject, in path style and virtual-host style, with their checksums."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .errors import AwsError
from .http1 import Reply, Request

if TYPE_CHECKING:
    from .aws import Call
    from .world import World

VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])\.(s3[.\-].*|localhost)")
RANGE = re.compile(r"bytes=(?P<first>\d{1,18})-(?P<last>\d{1,18})?")
METHODS = {"PUT": "PutObject", "HEAD": "HeadObject", "GET": "GetObject", "DELETE": "DeleteObject"}


@dataclass
class Object:
    """An object as it was put."""

    body: bytes
    modified: float
    content_type: str
    checksums: dict[str, str] = field(default_factory=dict)  # header name -> value, those that the client gave
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket, in one region."""

    region: str
    objects: dict[str, Object] = field(default_factory=dict)


class State:
    """The buckets of the account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.buckets: dict[str, Bucket] = {}
        self.handlers = {"PutObject": self.put, "HeadObject": self.read, "GetObject": self.read}

    def add(self, name: str = "releases", region: str | None = None) -> Bucket:
        """Add a bucket."""
        self.buckets[name] = Bucket(region or self.world.region)
        return self.buckets[name]

    def identify(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Operation and parameters of a request."""
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        virtual = VIRTUAL_HOST.fullmatch(host)
        path = unquote(request.path[1:], errors="strict")
        bucket, _, key = (virtual["bucket"], "", path) if virtual else path.partition("/")
        operation = METHODS.get(request.method, request.method)
        if not key or request.query not in ("", f"x-id={operation}"):
            raise AwsError("NotImplemented", f"{request.method} {request.target} is not emulated", 501)
        return operation, {"Bucket": bucket, "Key": key}

    def put(self, call: Call) -> Reply:
        """PutObject. The checksums that were given are verified, and kept."""
        bucket = self._bucket(call)
        request, key = call.request, call.params["Key"]
        headers = request.headers
        if "content-length" not in headers:
            raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
        if "aws-chunked" in headers.get("content-encoding", ""):
            raise AwsError("NotImplemented", "aws-chunked bodies are not emulated", 501)
        if "if-none-match" in headers and key in bucket.objects:
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        checksums = {
            "x-amz-checksum-sha256": hashlib.sha256(request.body).digest(),
            "x-amz-checksum-sha1": hashlib.sha1(request.body).digest(),
            "x-amz-checksum-crc32": zlib.crc32(request.body).to_bytes(4, "big"),
        }
        given = {}
        for name, digest in checksums.items():
            if name in headers and headers[name] != base64.b64encode(digest).decode():
                what = name.rsplit("-", 1)[1].upper()
                raise AwsError("BadDigest", f"The {what} you specified did not match the calculated checksum.")
            if name in headers:
                given[name] = headers[name]
        if "content-md5" in headers and base64.b64decode(headers["content-md5"]) != hashlib.md5(request.body).digest():
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")
        metadata = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
        kind = headers.get("content-type", "binary/octet-stream")
        bucket.objects[key] = Object(request.body, self.world.now(), kind, given, metadata)
        return Reply(200, b"", {"ETag": _etag(request.body), **given})

    def read(self, call: Call) -> Reply:
        """HeadObject and GetObject. Checksums come where they are asked for; they are those of the whole object, and don't
        come with a part of it."""
        bucket, world = self._bucket(call), self.world
        found = bucket.objects.get(call.params["Key"])
        if found is None:
            if "s3:ListBucket" in world.denied:  # without that right S3 does not tell what is not there
                raise AwsError("AccessDenied", "Access Denied", 403)
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        headers = {
            "ETag": _etag(found.body),
            "Last-Modified": formatdate(found.modified, usegmt=True),
            "Content-Type": found.content_type,
            "Accept-Ranges": "bytes",
            **found.metadata,
        }
        part = call.request.headers.get("range")
        if part is None:
            if call.request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
                headers.update(found.checksums)
            return Reply(200, found.body, headers)
        first, last = _range(part, len(found.body))
        headers["Content-Range"] = f"bytes {first}-{last}/{len(found.body)}"
        return Reply(206, found.body[first : last + 1], headers)

    def _bucket(self, call: Call) -> Bucket:
        if "x-amz-content-sha256" not in call.request.headers:
            text = "Missing required header for this request: x-amz-content-sha256"
            raise AwsError("InvalidRequest", text)
        bucket = self.buckets.get(call.params["Bucket"])
        if bucket is None:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        if bucket.region != call.region:
            text = f"The authorization header is malformed; the region '{call.region}' is wrong; expecting " \
                   f"'{bucket.region}'"  # fmt: skip
            error = AwsError("AuthorizationHeaderMalformed", text, 400)
            error.extra["Region"] = bucket.region
            if call.operation == "HeadObject":  # whose refusal has no body
                error.headers["x-amz-bucket-region"] = bucket.region
            raise error
        return bucket


def _range(text: str, size: int) -> tuple[int, int]:
    """First and last byte of the one range that a Range header names. Tools read large objects in ranges, side by side."""
    found = RANGE.fullmatch(text)
    if found is None:
        raise AwsError("NotImplemented", f"Range: {text} is not emulated", 501)
    first, last = int(found["first"]), min(int(found["last"] or size - 1), size - 1)
    if first > last:
        raise AwsError("InvalidRange", "The requested range is not satisfiable", 416)
    return first, last


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'
