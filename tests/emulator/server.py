"""The emulator as a whole: its listeners, its thread, and what a test asks of it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from . import models
from .delay import PreciseTimer
from .listener import Listener
from .log import Counters
from .tls import Authority
from .world import World

T = TypeVar("T")
LISTENERS = (("imds", "imds", False), ("container", "container", False), ("aws", "aws", True), ("plain", "aws", False),
             ("proxy", "proxy", False), ("control", "control", False))  # fmt: skip
"""Name, kind and TLS of each listener. `plain` is the AWS endpoint without TLS, `proxy` leads to `aws`."""


class Emulator:
    """AWS for one machine. `with Emulator() as emulator:` serves from a thread of its own.

    `world` is what it knows; `reset` replaces it by a fresh one and drops every connection.
    """

    def __init__(self, key_type: str = "ec", hosts: tuple[str, ...] = (), ports: dict[str, int] | None = None) -> None:
        """`key_type`: "ec" or "rsa", of the certificates; `hosts`: further names for them; `ports`: of listeners,
        by name, any free one by default."""
        self.world = World()
        self.authority = Authority(key_type, hosts)
        self.authority.context("good")  # made now, so that no first request is slower than the others
        self.crashes: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.timer = PreciseTimer(self.loop)
        for name in ("DescribeSessions", "TerminateSession"):
            models.operation("ssm", name)  # likewise
        wanted = ports or {}
        self.listeners = {
            name: Listener(self, name, kind, tls, wanted.get(name, 0)) for name, kind, tls in LISTENERS
        }
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, from a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)
        self._thread.start()
        self._in_loop(self._listen)

    def stop(self) -> None:
        """Stop serving and give the ports back."""
        self._in_loop(self._close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        if self._thread is not None:
            self._thread.join(10)

    def run(self) -> None:
        """Serve in this (the main) thread until SIGINT or SIGTERM."""
        self._listen()
        for number in (signal.SIGINT, signal.SIGTERM):
            self.loop.add_signal_handler(number, self.loop.stop)
        self.loop.run_forever()
        self._close()

    def reset(self, **settings: Any) -> World:
        """Start from a fresh world (`settings` as of World), with good certificates and no latency."""
        self._in_loop(lambda: self._reset(settings))
        return self.world

    def port(self, name: str) -> int:
        """The port of a listener."""
        return self.listeners[name].port

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """The URL of a listener, without a slash at its end."""
        listener = self.listeners[name]
        return f"http{'s' if listener.tls else ''}://{host}:{listener.port}"

    @property
    def ca_file(self) -> str:
        """The file with the CA that signed the good certificates."""
        return self.authority.ca_file

    @property
    def ca_file_all(self) -> str:
        """The CAs of the good certificates and of those that are weak (`sha1`, `rsa1024`)."""
        return self.authority.ca_file_all

    def counters(self, name: str) -> Counters:
        """What a listener counted since the last reset."""
        return self.listeners[name].counters

    def latency(self, name: str, milliseconds: float, mode: str = "line") -> None:
        """Put so many milliseconds of round-trip latency on new connections of a listener.

        mode "line": on every round trip, those of the TCP and TLS handshakes included; "reply": on each reply.
        """
        self.listeners[name].latency_ms, self.listeners[name].latency_mode = milliseconds, mode

    def serve_tls(self, kind: str, name: str = "aws") -> None:
        """Serve this kind of certificate (see tls.KINDS) to new connections."""
        if self.listeners[name].tls:
            self.authority.context(kind)
        self.listeners[name].tls_kind = kind

    def refuse(self, name: str, seconds: float | None = None) -> None:
        """Refuse connections to a listener, for so many seconds or until `listen`."""
        self._in_loop(lambda: self.listeners[name].refuse(seconds))

    def listen(self, name: str) -> None:
        """Accept connections to a listener again."""
        self._in_loop(self.listeners[name].listen)

    def listen_all(self) -> None:
        """Accept connections on every listener again."""
        self._in_loop(self._listen)

    def env(self, credentials: str = "imds", endpoint: str = "aws") -> dict[str, str]:
        """The environment variables that lead an AWS client here.

        credentials: "imds", "env" (the instance role's keys in the environment), "user" (an IAM user's keys),
        "container", or "none" (no source answers). endpoint: "aws" (TLS) or "plain".
        """
        env = {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url("imds") + "/",  # AWS CLI 2 wants the slash
            "AWS_ENDPOINT_URL": self.url(endpoint),
            "AWS_CA_BUNDLE": self.ca_file,
        }
        if credentials in ("env", "user"):
            keys = self.world.user() if credentials == "user" else self.world.instance_credential()
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = keys.access_key, keys.secret_key
            if keys.token is not None:
                env["AWS_SESSION_TOKEN"] = keys.token
        elif credentials == "container":
            container = self.world.container
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.url("container") + container.path
            if container.token is not None:
                env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container.token
        elif credentials == "none":
            self.world.imds.role = None
        elif credentials != "imds":
            raise ValueError(f"credentials '{credentials}': imds, env, user, container or none")
        return env

    def _listen(self) -> None:
        for listener in self.listeners.values():
            listener.listen()

    def _close(self) -> None:
        for listener in self.listeners.values():
            listener.close()
        self.timer.close()

    def _reset(self, settings: dict[str, Any]) -> None:
        self.world = World(**settings)
        self.crashes.clear()
        for listener in self.listeners.values():
            if listener.kind != "control":
                listener.reset()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def _in_loop(self, call: Callable[[], T]) -> T:
        """Call a function in the loop's thread and wait for its result."""
        if self._thread is None or threading.current_thread() is self._thread:
            return call()
        done = threading.Event()
        result: list[Any] = []

        def run() -> None:
            try:
                result.append(call())
            except BaseException as error:
                result.append(error)
            done.set()

        self.loop.call_soon_threadsafe(run)
        if not done.wait(30):
            raise TimeoutError("the emulator's loop does not answer")
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]  # type: ignore[no-any-return]
