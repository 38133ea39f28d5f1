"""Round-trip latency added to a listener: timers finer than a millisecond, and a relay that holds bytes back."""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import itertools
import os
import socket
import struct
import time
from collections.abc import Callable


class PreciseTimer:
    """Calls functions at given moments, through a timerfd: asyncio's own timers round up to a millisecond."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            loop.add_reader(self._fd, self._fire)

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Call `call` in the loop at that moment of time.monotonic(); those of one moment in their order."""
        if self._fd < 0:
            self._loop.call_later(when - time.monotonic(), call)
            return
        heapq.heappush(self._heap, (when, next(self._count), call))
        if self._heap[0][0] == when:
            self._arm()

    def close(self) -> None:
        """Forget all that is pending and give the descriptor back."""
        self._heap.clear()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _arm(self) -> None:
        wait = max(1e-7, self._heap[0][0] - time.monotonic())
        seconds = int(wait)
        spec = struct.pack("qqqq", 0, 0, seconds, int((wait - seconds) * 1e9) + 1)
        self._libc.timerfd_settime(self._fd, 0, ctypes.c_char_p(spec), None)

    def _fire(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            pass
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
        if self._heap:
            self._arm()


class Relay(asyncio.Protocol):
    """The client's side of a delayed connection: what the server sends leaves `rtt_s` after the client's last bytes.

    A client that waits for each reply sees just the round trips of a line with that latency, and the emulator's own
    work is hidden in them. The kernel completes the TCP handshake at once, so the first reply is held back by a second
    round trip in its place.
    """

    def __init__(self, timer: PreciseTimer, rtt_s: float, inner: socket.socket, loop: asyncio.AbstractEventLoop):
        self._timer, self._rtt_s, self._loop = timer, rtt_s, loop
        self._inner = inner  # our end of the pair whose other end the server reads
        self._due = time.monotonic() + 2 * rtt_s  # nothing reaches the client before
        self._client: asyncio.Transport | None = None
        self._server: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._client = transport

    async def join(self) -> None:
        """Connect to the server's side."""
        relay = self

        class Back(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                relay._server = transport

            def data_received(self, data: bytes) -> None:
                relay._timer.call_at(relay._due, lambda: relay._to_client(data))

            def connection_lost(self, exc: Exception | None) -> None:
                relay._server = None
                relay._timer.call_at(relay._due, relay._close_client)

        await self._loop.connect_accepted_socket(Back, self._inner)

    def data_received(self, data: bytes) -> None:
        self._due = max(self._due, time.monotonic() + self._rtt_s)
        if self._server is not None:
            self._server.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client = None
        if self._server is not None:
            self._server.close()

    def reset(self) -> None:
        """Reset the client's connection, when a reply would have come."""
        self._timer.call_at(self._due, self._reset)

    def _reset(self) -> None:
        if self._client is not None:
            sock = self._client.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._client.abort()

    def _to_client(self, data: bytes) -> None:
        if self._client is not None:
            self._client.write(data)

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
