"""Fault rules: which requests or connections go wrong, and how.

A rule matches by listener, service, operation, request parameters and number, and carries one action:

before the request is processed (nothing changes in the world)
    reset           TCP RST instead of a reply
    hang            the request is read and never answered
    eof             the connection is closed without a reply
    refuse          reset, and the listener refuses connections for `seconds` (default: until the rules are cleared)
    status          an error reply: `status`, `code`, `message` (and `headers`)
    throttle        ThrottlingException "Rate exceeded" (`status` 400)
    expired         ExpiredTokenException
    redirect        `status` 301/302/307/308 to `location`
    skew            the emulator's clock is `seconds` ahead for this request (verification and Date header)
after it was processed
    reset_after     the world has changed, the reply is lost
    hang_after      likewise, and nothing comes
    refuse_after    the reply is sent with Connection: close, then the listener refuses for `seconds`
    truncate        the body is cut at `at` bytes (default half) of the promised Content-Length
    garbage         the body is `size` random bytes (default 512)
    body            the body is replaced by `body` (str, or any JSON value); also `type`, `status`
    patch           the JSON body is changed: `path` (list of keys and indexes), `value`; without one it is deleted
    wrong_type      each top-level value of the JSON body is replaced by one of another type (XML: another root;
                    text: JSON)
    too_large       the body is padded to `size` bytes (default 9 MiB), still well-formed
    too_deep        the body is nested `depth` levels deep (default 100,000)
    drip            `size` bytes at a time (default 1), `seconds` apart (default 0.2)
    latency         the reply comes `seconds` later
    headers         `headers` are added or replaced (None removes one)
    empty_page      (SSM DescribeSessions) an empty page with a NextToken to the same place
    repeat_token    (any listing) the reply's NextToken is always `token`
on a connection (rules with a listener only)
    black_hole      accepted and never served, not even the TLS handshake
    accept_reset    accepted and reset at once
    refuse_now      the listener refuses connections from now on, for `seconds`
    tls             the certificate or protocol version of tls.KINDS named in `kind`
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from .http1 import Reply

BEFORE = ("reset", "hang", "eof", "refuse", "status", "throttle", "expired", "redirect", "skew")
AFTER = (
    "reset_after", "hang_after", "refuse_after", "truncate", "garbage", "body", "patch", "wrong_type", "too_large",
    "too_deep", "drip", "latency", "headers", "empty_page", "repeat_token",
)  # fmt: skip
CONNECTION = ("black_hole", "accept_reset", "refuse_now", "tls")
MATCH = ("listener", "service", "operation", "params", "nth", "times", "skip")


@dataclass
class Rule:
    """One fault. `nth`: only these matching requests (1 is the first); `times`: at most so often; `skip`: not the
    first so many; `params`: these request parameters must be equal."""

    action: str
    listener: str | None = None
    service: str | None = None
    operation: str | None = None
    params: dict[str, Any] | None = None
    nth: int | tuple[int, ...] | None = None
    times: int | None = None
    skip: int = 0
    args: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    applied: int = 0

    def applies(self, listener: str, service: str, operation: str, params: dict[str, Any]) -> bool:
        """Does the rule apply to this request (or, with an empty service, connection)? Counts it if it matches."""
        if self.listener not in (None, listener) or self.service not in (None, service):
            return False
        if self.operation not in (None, operation):
            return False
        if self.params and any(params.get(key) != value for key, value in self.params.items()):
            return False
        self.seen += 1
        numbers = (self.nth,) if isinstance(self.nth, int) else self.nth
        if numbers is not None and self.seen not in numbers or self.seen <= self.skip:
            return False
        if self.times is not None and self.applied >= self.times:
            return False
        self.applied += 1
        return True


class Faults:
    """The rules in force, in their order."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, action: str, **args: Any) -> Rule:
        """Add a rule, for instance add("status", operation="DescribeSessions", nth=1, status=503)."""
        if action not in BEFORE + AFTER + CONNECTION:
            raise ValueError(f"fault '{action}': one of {', '.join(BEFORE + AFTER + CONNECTION)}")
        match = {key: args.pop(key) for key in MATCH if key in args}
        if isinstance(match.get("nth"), list):
            match["nth"] = tuple(match["nth"])
        if action in CONNECTION and not match.get("listener"):
            raise ValueError(f"fault '{action}' needs a listener")
        rule = Rule(action, **match, args=args)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop every rule."""
        self.rules.clear()

    def for_request(self, listener: str, service: str, operation: str, params: dict[str, Any]) -> list[Rule]:
        """The rules that apply to this request."""
        if not self.rules:
            return []
        return [
            rule
            for rule in self.rules
            if rule.action not in CONNECTION and rule.applies(listener, service, operation, params)
        ]

    def for_connection(self, listener: str) -> list[Rule]:
        """The rules that apply to this new connection."""
        if not self.rules:
            return []
        return [rule for rule in self.rules if rule.action in CONNECTION and rule.applies(listener, "", "", {})]


def _other_type(value: Any) -> Any:
    if isinstance(value, str):
        return 17
    if isinstance(value, list):
        return {"not": "a list"}
    if isinstance(value, bool) or value is None:
        return "text"
    return ["not", "it"] if isinstance(value, dict) else "a number"


def _wrong_type(body: bytes) -> bytes:
    if body[:1] == b"<":
        return b"<Another><Root>17</Root></Another>"
    if body[:1] != b"{":
        return b'{"not": "text"}'
    return json.dumps({key: _other_type(item) for key, item in json.loads(body).items()}).encode()


def _patch(value: Any, path: list[Any], args: dict[str, Any]) -> None:
    for key in path[:-1]:
        value = value[key]
    if "value" in args:
        value[path[-1]] = args["value"]
    else:
        del value[path[-1]]


def _pad(body: bytes, size: int) -> bytes:
    if body[:1] == b"{":
        glue = b"" if body[1:2] == b"}" else b","
        return b'{"Padding":"' + b"x" * size + b'"' + glue + body[1:]
    if body[:1] == b"<":
        return body + b"\n" + b"<!-- " + b"x" * size + b" -->"
    return body + b"x" * size


def _nest(body: bytes, depth: int) -> bytes:
    if body[:1] == b"<":
        return b"<a>" * depth + b"</a>" * depth
    return b'{"Sessions":' + b"[" * depth + b"]" * depth + b"}"


def spoil(rule: Rule, reply: Reply) -> None:
    """Change a finished reply as an AFTER rule says."""
    args, action = rule.args, rule.action
    if action == "reset_after":
        reply.fate = "reset"
    elif action == "hang_after":
        reply.fate = "hang"
    elif action == "refuse_after":
        reply.close = True
    elif action == "truncate":
        reply.cut_at = args.get("at", len(reply.body) // 2)
    elif action == "garbage":
        reply.body = random.Random(args.get("seed", 1)).randbytes(args.get("size", 512))
    elif action == "body":
        body = args.get("body", "")
        reply.body = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        reply.status = args.get("status", reply.status)
        if "type" in args:
            reply.headers["Content-Type"] = args["type"]
    elif action == "wrong_type":
        reply.body = _wrong_type(reply.body)
    elif action in ("patch", "repeat_token"):
        value = json.loads(reply.body)
        if action == "patch":
            _patch(value, args["path"], args)
        else:
            value["NextToken"] = args.get("token", "AAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        reply.body = json.dumps(value).encode()
    elif action == "too_large":
        reply.body = _pad(reply.body, args.get("size", 9 * 1024 * 1024))
    elif action == "too_deep":
        reply.body = _nest(reply.body, args.get("depth", 100_000))
    elif action == "drip":
        reply.drip = (args.get("size", 1), args.get("seconds", 0.2))
    elif action == "latency":
        reply.delay_s += args.get("seconds", 0.1)
    elif action == "headers":
        for name, text in args["headers"].items():
            for old in [key for key in reply.headers if key.lower() == name.lower()]:
                del reply.headers[old]
            if text is not None:
                reply.headers[name] = text
