"""An HTTP proxy: CONNECT to any host and port leads to the AWS endpoint, so that real host names can be tested."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING

from .http1 import HttpProtocol, Reply, Request
from .log import Entry

if TYPE_CHECKING:
    from .listener import Listener


class _Far(asyncio.Protocol):
    """The connection from the proxy to the AWS listener."""

    def __init__(self, near: HttpProtocol) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        if self._near.transport is not None:
            self._near.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._near.transport is not None:
            self._near.transport.close()


def handle(listener: Listener, request: Request, connection: HttpProtocol) -> Reply:
    """Answer one request to the proxy. Only CONNECT goes anywhere; everything is logged as service `proxy`."""
    world = listener.emulator.world
    entry = Entry(
        time.time(), listener.name, connection.number, "proxy", request.method.capitalize(), request.method,
        request.target, host=request.headers.get("host", ""), user_agent=request.headers.get("user-agent", ""),
    )  # fmt: skip
    world.log.add(entry)
    entry.status = 200
    if world.proxy_auth is not None:
        wanted = "Basic " + base64.b64encode(world.proxy_auth.encode()).decode()
        if request.headers.get("proxy-authorization") != wanted:
            entry.status = 407
    if entry.status == 200 and request.method != "CONNECT":
        entry.status = 502
    if entry.status != 200:
        headers = {"Proxy-Authenticate": 'Basic realm="emulator"'} if entry.status == 407 else {}
        return Reply(entry.status, b"", headers, close=True)

    async def connect() -> None:
        far, _ = await listener.emulator.loop.create_connection(
            lambda: _Far(connection), "127.0.0.1", listener.emulator.port("aws")
        )
        connection.start_tunnel(far)

    listener.keep(listener.emulator.loop.create_task(connect()))
    return Reply(fate="tunnel")
