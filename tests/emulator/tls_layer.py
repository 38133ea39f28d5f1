"""TLS between a TCP connection and the HTTP protocol.

asyncio's own layer drops the alert of a failed handshake, and a client is to be told why it was refused.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .http1 import HttpProtocol

CHUNK = 256 * 1024


class TlsLayer(asyncio.Protocol):
    """The protocol of the TCP connection, and the transport of the protocol above it."""

    def __init__(self, context: ssl.SSLContext, above: HttpProtocol, failed: Callable[[Exception], None]) -> None:
        """`failed` is called where the handshake does not succeed; `above` then never hears of the connection."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._above, self._failed = above, failed
        self._tcp: asyncio.Transport | None = None
        self._ready = False

    # As the protocol of the TCP connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._tcp = transport

    def data_received(self, data: bytes) -> None:
        self._in.write(data)
        if not self._ready and not self._handshake():
            return
        try:
            while self._tcp is not None and (plain := self._tls.read(CHUNK)):
                self._above.data_received(plain)
            self.close()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:  # a close_notify, or what is no TLS record
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tcp = None
        if self._ready:
            self._above.connection_lost(exc)
        else:
            self._failed(exc or ConnectionError("closed by the client during the handshake"))

    # As the transport of the protocol above

    def write(self, data: bytes) -> None:
        """Send."""
        if self._tcp is not None and data:
            self._tls.write(data)
            self._flush()

    def close(self) -> None:
        """Send close_notify and close."""
        if self._tcp is None or self._tcp.is_closing():
            return
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass
        self._flush()
        self._tcp.close()

    def abort(self) -> None:
        """Close at once."""
        if self._tcp is not None:
            self._tcp.abort()

    def is_closing(self) -> bool:
        """Is it closed, or about to be?"""
        return self._tcp is None or self._tcp.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`ssl_object`, or what the TCP transport knows."""
        if name == "ssl_object":
            return self._tls
        return default if self._tcp is None else self._tcp.get_extra_info(name, default)

    def _handshake(self) -> bool:
        assert self._tcp is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # the alert
            self._failed(error)
            self._failed = lambda _: None
            self._tcp.close()
            return False
        self._ready = True
        self._flush()
        self._above.connection_made(self)  # type: ignore[arg-type]
        return True

    def _flush(self) -> None:
        data = self._out.read()
        if data and self._tcp is not None:
            self._tcp.write(data)
