"""The control port: JSON over plain HTTP, for tests in another process or language.

    GET  /log                                  every request seen; /log?operation=NAME for one operation
    GET  /stats                                counters of each listener, and crashes of the emulator itself
    GET  /sessions                             the sessions with their state
    GET  /env?credentials=imds&endpoint=aws    the environment variables that lead a client here
    POST /reset     {"region": ..., ...}       a fresh world
    POST /config    {"ssm.page_size": 5, "imds.role": null, "latency.aws": 20, "tls.aws": "expired", ...}
    POST /throttle  {"rate": 10, "burst": 20, "operation": "*"}
    POST /sessions  {"owner": "alice", "age": 60, ...} or a list of such
    POST /faults    {"action": "status", "operation": "DescribeSessions", "status": 503, ...} or a list of such
    POST /deny      {"actions": ["ssm:TerminateSession"]}
    POST /clear     {}                         drop the faults, accept connections again
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .http1 import Reply, Request

if TYPE_CHECKING:
    from .server import Emulator


def handle(emulator: Emulator, request: Request) -> Reply:
    """Answer one request of a test."""
    try:
        result = _get(emulator, request) if request.method == "GET" else _post(emulator, request)
        status = 200
    except (KeyError, ValueError, TypeError, AttributeError, LookupError) as error:
        result, status = {"error": f"{type(error).__name__}: {error}"}, 400
    return Reply(status, json.dumps(result, default=list).encode(), {"Content-Type": "application/json"})


def _get(emulator: Emulator, request: Request) -> Any:
    world, query = emulator.world, request.query_params()
    if request.path == "/log":
        return [one for one in world.log.to_json() if query.get("operation") in (None, one["operation"])]
    if request.path == "/stats":
        stats: dict[str, Any] = {name: asdict(one.counters) for name, one in emulator.listeners.items()}
        stats["crashes"] = list(emulator.crashes)
        return stats
    if request.path == "/sessions":
        with world.lock:
            return [{**asdict(one), "ended": one.ended} for one in world.ssm.sessions.values()]
    if request.path == "/env":
        return emulator.env(query.get("credentials", "imds"), query.get("endpoint", "aws"))
    raise LookupError(request.path)


def _post(emulator: Emulator, request: Request) -> Any:
    world = emulator.world
    value = json.loads(request.body or b"{}")
    if request.path == "/reset":
        emulator.reset(**value)
    elif request.path == "/config":
        for name, setting in value.items():
            configure(emulator, name, setting)
    elif request.path == "/throttle":
        world.ssm.throttle(**value)
    elif request.path == "/sessions":
        return [world.add_session(**one).session_id for one in (value if isinstance(value, list) else [value])]
    elif request.path == "/faults":
        for one in value if isinstance(value, list) else [value]:
            world.faults.add(**one)
    elif request.path == "/deny":
        world.deny(*value["actions"])
    elif request.path == "/clear":
        world.faults.clear()
        for listener in emulator.listeners.values():
            listener.listen()
    else:
        raise LookupError(request.path)
    return {"ok": True}


def configure(emulator: Emulator, name: str, setting: Any) -> None:
    """Set one thing by its name: `latency.LISTENER`, `tls.LISTENER`, or a public attribute of the world such as
    `clock_offset`, `imds.role`, `ssm.page_size`."""
    first, _, rest = name.partition(".")
    if first == "latency":
        emulator.latency(rest, setting)
    elif first == "tls":
        emulator.serve_tls(setting, rest)
    else:
        target: Any = emulator.world
        *path, last = name.split(".")
        for part in path:
            target = getattr(target, part)
        if last.startswith("_") or not hasattr(target, last):
            raise LookupError(f"no setting '{name}'")
        setattr(target, last, tuple(setting) if isinstance(setting, list) and last != "regions" else setting)
