"""A small strict HTTP/1.1 server protocol: keep-alive, bodies with a length or chunked, Expect: 100-continue.

The module is not called `http`, so that a script started from this folder still finds the standard library's.
What is not clean HTTP/1.1 is refused with 400: a client that gets through here gets through elsewhere.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from .listener import Listener

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.([01])")
REASONS = {
    100: "Continue", 200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified",
    307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required",
    408: "Request Timeout", 409: "Conflict", 411: "Length Required", 412: "Precondition Failed",
    413: "Content Too Large", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip


class BadRequest(Exception):
    """The bytes received are no acceptable HTTP/1.1 request."""


@dataclass(slots=True)
class Request:
    """One request as it was received. `headers` has lower-case names; repeated ones are joined by a comma."""

    method: str
    target: str
    path: str
    query: str
    headers: dict[str, str]
    raw_headers: list[tuple[str, str]]
    body: bytes = b""

    def query_params(self) -> dict[str, str]:
        """The query string, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(slots=True)
class Reply:
    """One reply and how it is to be delivered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fate: str = "send"  # "send", "reset" (RST instead of a reply), "hang" (nothing, for ever), "eof" (clean close),
    # "tunnel" (nothing yet: `start_tunnel` follows)
    delay_s: float = 0.0  # wait before the first byte
    cut_at: int | None = None  # send that many body bytes of the promised length, then close
    drip: tuple[int, float] | None = None  # send that many bytes at a time, that many seconds apart
    close: bool = False  # close the connection after the reply
    head_only: bool = False  # a reply to HEAD: Content-Length is that of the body, which is not sent

    def to_bytes(self) -> bytes:
        """The bytes of the whole reply, cut where `cut_at` says so."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        headers = dict(self.headers)
        if not any(name.lower() == "content-length" for name in headers):
            headers["Content-Length"] = str(len(self.body))
        if self.close:
            headers["Connection"] = "close"
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        body = self.body if self.cut_at is None else self.body[: self.cut_at]
        return head if self.head_only else head + body


def parse_head(head: bytes) -> tuple[Request, int]:
    """Parse request line and headers (without the empty line). Returns the request and the HTTP minor version."""
    if b"\x00" in head:
        raise BadRequest("NUL in the head")
    lines = head.split(b"\r\n")
    line = REQUEST_LINE.fullmatch(lines[0])
    if line is None:
        raise BadRequest("bad request line")
    headers: dict[str, str] = {}
    raw: list[tuple[str, str]] = []
    for item in lines[1:]:
        name, colon, value = item.partition(b":")
        if not colon or TOKEN.fullmatch(name) is None or b"\n" in value or b"\r" in value:
            raise BadRequest("bad header line")
        key, text = name.decode("ascii").lower(), value.decode("latin-1").strip(" \t")
        if key in headers and key in ("host", "content-length", "transfer-encoding", "authorization"):
            raise BadRequest(f"header {key} twice")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
        raw.append((name.decode("ascii"), text))
    if "host" not in headers and line[3] == b"1":
        raise BadRequest("no Host header")
    target = line[2].decode("latin-1")
    path, _, query = target.partition("?")
    return Request(line[1].decode("ascii"), target, path, query, headers, raw), int(line[3])


class HttpProtocol(asyncio.Protocol):
    """One connection. Hands each complete request to `listener.handle`, and delivers the Reply."""

    def __init__(self, listener: Listener, number: int, relay: object | None = None) -> None:
        self.listener = listener
        self.number = number
        self.relay = relay
        self.transport: asyncio.Transport | None = None
        self.tls: str | None = None
        self._in = bytearray()
        self._request: Request | None = None
        self._need = 0  # body bytes still missing; -1 for a chunked body
        self._chunks = bytearray()
        self._busy = False
        self._keep = True
        self._far: asyncio.Transport | None = None  # of a tunnel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.listener.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._far is not None:
            self._far.close()
        self.listener.closed(self)

    def data_received(self, data: bytes) -> None:
        if self._far is not None:
            self._far.write(data)
            return
        self._in += data
        self._advance()

    def start_tunnel(self, far: asyncio.Transport) -> None:
        """Answer CONNECT, and from now on pass on to `far` what the client sends."""
        self._far = far
        if self.transport is None:
            far.close()
            return
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        far.write(bytes(self._in))

    def reset(self) -> None:
        """End the connection with a TCP RST."""
        if self.relay is not None:
            self.relay.reset()  # type: ignore[attr-defined]
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None and sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _advance(self) -> None:
        try:
            while not self._busy and self.transport is not None and self._keep:
                if self._request is None and not self._read_head():
                    return
                if not self._read_body():
                    return
                request, self._request = self._request, None
                assert request is not None
                self._busy = True
                self._deliver(request, self.listener.handle(request, self))
        except BadRequest as exc:
            self.listener.note_bad_request(self, str(exc))
            if self.transport is not None:
                text = f"bad request: {exc}\n".encode()
                self.transport.write(Reply(400, text, {"Content-Type": "text/plain"}, close=True).to_bytes())
                self.transport.close()

    def _read_head(self) -> bool:
        end = self._in.find(b"\r\n\r\n")
        if end < 0:
            if len(self._in) > MAX_HEAD:
                raise BadRequest("head too large")
            return False
        request, minor = parse_head(bytes(self._in[:end]))
        del self._in[: end + 4]
        connection = request.headers.get("connection", "").lower()
        self._keep = minor == 1 and "close" not in connection or minor == 0 and "keep-alive" in connection
        coding, length = request.headers.get("transfer-encoding"), request.headers.get("content-length")
        if coding is not None and (length is not None or coding.lower() != "chunked"):
            raise BadRequest("bad transfer coding")
        if length is not None and (not length.isdigit() or int(length) > MAX_BODY):
            raise BadRequest("bad content length")
        self._need = -1 if coding else int(length or 0)
        self._chunks.clear()
        self._request = request
        if request.headers.get("expect", "").lower() == "100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not request.target.startswith("/") and self.listener.kind != "proxy":
            raise BadRequest("the request target is no path")
        return True

    def _read_body(self) -> bool:
        assert self._request is not None
        if self._need >= 0:
            if len(self._in) < self._need:
                return False
            self._request.body = bytes(self._in[: self._need])
            del self._in[: self._need]
            return True
        while True:
            end = self._in.find(b"\r\n")
            if end < 0:
                return False
            try:
                size = int(bytes(self._in[:end]).split(b";")[0], 16)
            except ValueError as exc:
                raise BadRequest("bad chunk size") from exc
            if size < 0 or len(self._chunks) + size > MAX_BODY:
                raise BadRequest("bad chunk size")
            if len(self._in) < end + 2 + size + 2:
                return False
            self._chunks += self._in[end + 2 : end + 2 + size]
            if self._in[end + 2 + size : end + 4 + size] != b"\r\n":
                raise BadRequest("bad chunk end")
            del self._in[: end + 4 + size]
            if size == 0:
                self._request.body = bytes(self._chunks)
                return True

    def _deliver(self, request: Request, reply: Reply) -> None:
        if request.method == "HEAD":
            reply.head_only = True
        if not self._keep:
            reply.close = True
        if reply.delay_s > 0:
            self.listener.later(reply.delay_s, lambda: self._send(reply))
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if self.transport is None or reply.fate in ("hang", "tunnel"):
            return
        if reply.fate == "reset":
            self.reset()
            return
        if reply.fate == "eof":
            self.transport.close()
            return
        data = reply.to_bytes()
        if reply.drip is not None:
            self._drip(reply, data, 0)
        else:
            self.transport.write(data)
            self._sent(reply)

    def _drip(self, reply: Reply, data: bytes, offset: int) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        assert reply.drip is not None
        size, seconds = reply.drip
        self.transport.write(data[offset : offset + size])
        if offset + size >= len(data):
            self._sent(reply)
        else:
            self.listener.later(seconds, lambda: self._drip(reply, data, offset + size))

    def _sent(self, reply: Reply) -> None:
        assert self.transport is not None
        if reply.close or reply.cut_at is not None:
            self._keep = False
            self.transport.close()
            return
        self._busy = False
        if self._in:
            self._advance()
