"""The way of one request through the emulator: identify, verify, spoil, answer, log."""

from __future__ import annotations

import sys
import time
import traceback
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from . import aws, container, control, faults, imds, proxy
from .errors import AwsError
from .faults import Rule
from .http1 import HttpProtocol, Reply, Request
from .log import Entry

if TYPE_CHECKING:
    from .listener import Listener
    from .world import World

PLAIN: dict[str, Any] = {"imds": imds, "container": container}


def serve(listener: Listener, request: Request, connection: HttpProtocol) -> Reply:
    """Answer one request that came in on a listener."""
    if listener.kind == "control":
        return control.handle(listener.emulator, request)
    if listener.kind == "proxy":
        return proxy.handle(listener, request, connection)
    world = listener.emulator.world
    entry = Entry(
        time.time(), listener.name, connection.number, "", "", request.method, request.target,
        host=request.headers.get("host", ""), user_agent=request.headers.get("user-agent", ""),
        tls=connection.tls or "",
    )  # fmt: skip
    with world.lock:
        world.log.add(entry)
        try:
            reply = _serve(world, listener, request, entry)
        except Exception:  # a bug of the emulator: shown, and never taken for an answer of AWS
            listener.emulator.crashes.append(traceback.format_exc())
            traceback.print_exc(file=sys.stderr)
            reply = Reply(500, b"the emulator failed, see its standard error\n")
        world.request_skew = 0.0
    entry.status = reply.status if reply.fate == "send" else 0
    return reply


def _serve(world: World, listener: Listener, request: Request, entry: Entry) -> Reply:
    call = None
    if listener.kind in PLAIN:
        entry.service, entry.operation, entry.params = PLAIN[listener.kind].identify(request)
    else:
        call = aws.identify(world, request)
        entry.service, entry.operation, entry.params = call.service, call.operation, call.params
        if call.scope is not None:
            entry.region, entry.access_key = call.scope.region, call.scope.access_key
    rules = world.faults.for_request(listener.name, entry.service, entry.operation, entry.params)
    entry.fault = ",".join(rule.action for rule in rules)
    for rule in rules:
        if rule.action == "skew":
            world.request_skew = float(rule.args["seconds"])
    error = None
    if call is not None:
        try:
            entry.verdict = aws.verify(call)
        except AwsError as refusal:
            error, entry.verdict = refusal, str(refusal)
    reply = _before(listener, rules, call)
    if reply is None:
        reply = _answer(world, listener, request, entry, call, error)
        for rule in rules:
            _after(listener, rule, call, reply)
    elif reply.fate == "send":
        for rule in rules:
            if rule.action in ("drip", "latency", "headers", "truncate"):
                faults.spoil(rule, reply)
    reply.headers.setdefault("Date", formatdate(world.now(), usegmt=True))
    reply.delay_s += listener.latency_ms / 1000 if listener.latency_mode == "reply" else 0.0
    entry.code = entry.code or reply.headers.get("x-amzn-ErrorType", "")
    return reply


def _answer(world: World, listener: Listener, request: Request, entry: Entry, call: aws.Call | None,
            error: AwsError | None) -> Reply:  # fmt: skip
    if call is None:
        reply: Reply = PLAIN[listener.kind].handle(world, request, entry.operation, entry.params)
        return reply
    try:
        if error is not None:
            raise error
        return aws.execute(call)
    except AwsError as refusal:
        entry.code = refusal.code
        return aws.failure(call, refusal)


def _before(listener: Listener, rules: list[Rule], call: aws.Call | None) -> Reply | None:
    """The reply of the first rule that stops the request before it is processed."""
    for rule in rules:
        args = rule.args
        if rule.action in ("reset", "hang", "eof"):
            return Reply(fate=rule.action)
        if rule.action == "refuse":
            listener.refuse(args.get("seconds"))
            return Reply(fate="reset")
        if rule.action == "redirect":
            headers = {"Location": args.get("location", "http://127.0.0.1:9/"), **args.get("headers", {})}
            return Reply(args.get("status", 307), b"", headers)
        if rule.action == "expired":
            code, status = aws.style_of(call).expired_token if call else ("ExpiredToken", 403)
            return _error(call, code, status, "The security token included in the request is expired", {})
        if rule.action == "throttle":
            code = "ThrottlingException" if call is None or call.protocol == "json" else "Throttling"
            return _error(call, code, args.get("status", 400), args.get("message", "Rate exceeded"), {})
        if rule.action == "status":
            status = args["status"]
            code = args.get("code", "InternalServerError" if status >= 500 else "ValidationException")
            return _error(call, code, status, args.get("message", f"injected {status}"), args.get("headers", {}))
    return None


def _error(call: aws.Call | None, code: str, status: int, message: str, headers: dict[str, str]) -> Reply:
    if call is None:
        reply = Reply(status, f"{status} - {code}\n{message}\n".encode(), {"Content-Type": "text/html"})
    else:
        reply = aws.failure(call, AwsError(code, message, status))
    reply.headers.update(headers)
    return reply


def _after(listener: Listener, rule: Rule, call: aws.Call | None, reply: Reply) -> None:
    if rule.action == "refuse_after":
        listener.refuse(rule.args.get("seconds"))
    if rule.action == "empty_page" and call is not None and reply.status == 200:
        made = aws.success(call, call.world.ssm.empty_page(call))
        reply.body = made.body
        return
    faults.spoil(rule, reply)
