"""One listening port: accepting, refusing, TLS, latency, and its counters."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from .delay import Relay
from .http1 import HttpProtocol, Reply, Request
from .log import Counters
from .serve import serve
from .tls_layer import TlsLayer

if TYPE_CHECKING:
    from .server import Emulator

BACKLOG = 1024


class Listener:
    """A port on the loopback interface (IPv4, and IPv6 where there is one)."""

    def __init__(self, emulator: Emulator, name: str, kind: str, tls: bool = False, port: int = 0) -> None:
        self.emulator, self.name, self.kind, self.tls = emulator, name, kind, tls
        self.counters = Counters()
        self.tls_kind = "good"
        self.latency_ms = 0.0
        self.latency_mode = "line"  # "line": every round trip, handshakes included; "reply": each reply
        self._numbers = 0
        self._connections: set[HttpProtocol] = set()
        self._held: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: list[socket.socket] = []
        self._refusal: asyncio.TimerHandle | None = None
        # A socket that is bound and never listens keeps the port ours while connections are refused.
        self._holders = [self._bind(socket.AF_INET, "127.0.0.1", port)]
        self.port: int = self._holders[0].getsockname()[1]
        with contextlib.suppress(OSError):
            self._holders.append(self._bind(socket.AF_INET6, "::1", self.port))

    @staticmethod
    def _bind(family: int, address: str, port: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    # All below runs in the emulator's loop.

    def listen(self) -> None:
        """Accept connections (again)."""
        if self._refusal is not None:
            self._refusal.cancel()
            self._refusal = None
        if self._sockets:
            return
        for holder in self._holders:
            sock = self._bind(holder.family, holder.getsockname()[0], self.port)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            self._sockets.append(sock)
            self.emulator.loop.add_reader(sock, self._accept, sock)

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse connections, for so many seconds or until `listen`."""
        for sock in self._sockets:
            self.emulator.loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        if seconds is not None:
            self._refusal = self.emulator.loop.call_later(seconds, self.listen)

    def close_connections(self) -> None:
        """Drop every connection, those held and those under way included."""
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.abort()
        for sock in self._held:
            sock.close()
        self._held.clear()

    def reset(self) -> None:
        """As at the start."""
        self.close_connections()
        self.tls_kind, self.latency_ms, self.latency_mode = "good", 0.0, "line"
        self.counters.reset()
        self._numbers = 0
        self.listen()

    def close(self) -> None:
        """Give the port back."""
        self.close_connections()
        self.refuse()
        for holder in self._holders:
            holder.close()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after so many seconds."""
        self.emulator.loop.call_later(seconds, call)

    def handle(self, request: Request, connection: HttpProtocol) -> Reply:
        """Answer one request."""
        self.counters.requests += 1
        return serve(self, request, connection)

    def opened(self, connection: HttpProtocol) -> None:
        """A connection is ready, its TLS handshake done."""
        self._connections.add(connection)
        assert connection.transport is not None
        tls = connection.transport.get_extra_info("ssl_object")
        if tls is not None:
            self.counters.tls_handshakes += 1
            self.counters.tls_resumed += bool(tls.session_reused)
            connection.tls = tls.version()

    def closed(self, connection: HttpProtocol) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    def note_bad_request(self, connection: HttpProtocol, why: str) -> None:
        """A client sent what is no HTTP/1.1."""
        self.counters.bad_requests += 1
        self.counters.last_bad_request = why

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                client, _ = sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # the listener was closed, or no descriptor is left
                return
            self._start(client)
            if sock.fileno() < 0:
                return

    def _start(self, client: socket.socket) -> None:
        self._numbers += 1
        self.counters.connections += 1
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kind = self.tls_kind
        for rule in self.emulator.world.faults.for_connection(self.name):
            if rule.action == "tls":
                kind = rule.args["kind"]
                continue
            if rule.action == "black_hole":
                self._held.add(client)
                return
            if rule.action == "refuse_now":
                self.refuse(rule.args.get("seconds"))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        self.keep(self.emulator.loop.create_task(self._serve(client, self._numbers, kind)))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket, number: int, kind: str) -> None:
        loop, counters = self.emulator.loop, self.counters
        counters.open += 1
        counters.most_open = max(counters.most_open, counters.open)
        sock, relay = client, None
        ended = loop.create_future()
        try:
            if self.latency_ms > 0 and self.latency_mode == "line":
                sock, inner = socket.socketpair()
                sock.setblocking(False)
                inner.setblocking(False)
                made = relay = Relay(self.emulator.timer, self.latency_ms / 1000, inner, loop)
                await relay.join()
                await loop.connect_accepted_socket(lambda: made, client)
            protocol: asyncio.Protocol = _Counted(self, number, relay, ended)
            if self.tls:
                context = self.emulator.authority.context(kind)
                protocol = TlsLayer(context, protocol, lambda error: self._tls_failed(error, ended))  # type: ignore
            await loop.connect_accepted_socket(lambda: protocol, sock)
            await ended
        except OSError:  # the client has gone already
            client.close()
        finally:
            counters.open -= 1

    def _tls_failed(self, error: Exception, ended: asyncio.Future[None]) -> None:
        self.counters.tls_failed += 1
        self.counters.tls_last_error = f"{type(error).__name__}: {error}"
        if not ended.done():
            ended.set_result(None)


class _Counted(HttpProtocol):
    """Tells when the connection has ended."""

    def __init__(self, listener: Listener, number: int, relay: Relay | None, ended: asyncio.Future[None]) -> None:
        super().__init__(listener, number, relay)
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self._ended.done():
            self._ended.set_result(None)
