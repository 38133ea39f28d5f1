"""What the emulator's own tests send to it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from emulator import Emulator

NO_RETRY = Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=2)
Client = Callable[..., Any]


def code_of(call: Callable[[], Any]) -> str:
    """The error code that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def fetch(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b"") -> tuple[int, bytes]:
    """One plain request."""
    host, _, path = url.partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request(method, "/" + path, body or None, headers or {})
    reply = connection.getresponse()
    result = reply.status, reply.read()
    connection.close()
    return result


class Signed:
    """A DescribeSessions request signed by botocore, to be sent after some tampering."""

    def __init__(self, emu: Emulator, body: bytes = b'{"State":"Active"}', secret: str = "", region: str = "",
                 service: str = "ssm", at: float | None = None) -> None:  # fmt: skip
        world = emu.world
        self.emu, self.body = emu, body
        self.keys = world.instance_credential()
        url = emu.url("plain") + "/"
        request = AWSRequest("POST", url, {"Content-Type": "application/x-amz-json-1.1"}, body)
        request.headers["X-Amz-Target"] = "AmazonSSM.DescribeSessions"
        request.headers["X-Amz-Security-Token"] = self.keys.token
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at or time.time()))
        request.headers["X-Amz-Date"] = request.context["timestamp"] = stamp
        signer = SigV4Auth(
            Credentials(self.keys.access_key, secret or self.keys.secret_key), service, region or world.region
        )
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        self.headers = dict(request.headers.items())

    def send(self) -> str:
        """Send it. Returns the error code, or "" where it went well."""
        status, body = fetch(self.emu.url("plain") + "/", "POST", self.headers, self.body)
        return "" if status == 200 else str(json.loads(body)["__type"].partition("#")[2])
