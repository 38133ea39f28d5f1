"""Session Manager sessions: DescribeSessions and TerminateSession."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import AwsError
from .throttle import TokenBucket

if TYPE_CHECKING:
    from .aws import Call
    from .world import World

ENDED = ("Terminating", "Terminated", "Failed")
KEEP_TOKENS = 10_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass
class Session:
    """One session. Times without a suffix are epoch seconds of the emulator's clock, `_at` ones monotonic."""

    session_id: str
    target: str
    owner: str
    start: float
    region: str
    status: str = "Connected"
    document_name: str | None = "SSM-SessionManagerRunShell"
    reason: str | None = None
    details: str | None = None
    max_duration: str | None = None
    end: float | None = None
    visible_at: float = 0.0  # not listed before
    terminated_at: float | None = None  # when TerminateSession took effect
    calls: int = 0  # TerminateSession calls that named it
    stubborn: int = 0  # so many TerminateSession calls succeed without any effect
    history: bool = False  # listed under History from the start
    extra: dict[str, Any] = field(default_factory=dict)  # fields added to (None: left out of) its JSON

    @property
    def ended(self) -> bool:
        """Has it ended, or been told to?"""
        return self.terminated_at is not None or self.status in ENDED


class SsmState:
    """The sessions of the account, and how listings behave."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}
        self.page_size: int | None = None  # fewer than MaxResults a page, None: as many as asked for
        self.empty_pages: tuple[int, ...] = ()  # numbers (0 is the first) of pages that come empty, with a token
        self.empty_last_token = False  # the last page has NextToken "" rather than none
        self.order = "newest"  # of listings: "newest", "oldest", "shuffled", "added"
        self.seed = 1  # of "shuffled"
        self.overlap = 0  # so many sessions of a page stand on the next one again
        self.integer_dates = False
        self.visibility_delay: float | tuple[float, float] = 0.0  # seconds until a new session is listed
        self.status_delay = 0.0  # seconds until listings show that a session was terminated
        self.terminating_delay = 0.1  # seconds that it stays Terminating in the Active list
        self.terminate_gone = "success"  # of an ended or unknown one: or "DoesNotExistException", "ValidationException"
        self.throttles: dict[str, TokenBucket] = {}  # by operation, "*" for all that have none of their own
        self.listings = 0  # first pages asked for
        self._tokens: OrderedDict[str, tuple[Any, list[str], int]] = OrderedDict()
        self._counter = 0

    def add(self, owner: str, age: float, target: str | None, **more: Any) -> Session:
        """See World.add_session."""
        world = self.world
        name = owner.rsplit("/", 1)[-1]
        if not owner.startswith("arn:"):
            owner = world.role_arn("admin", owner)
        self._counter += 1
        session_id = more.pop("session_id", None) or f"{name}-{self._counter:05x}{world.random.getrandbits(48):012x}"
        delay = more.pop("visibility_delay", self.visibility_delay)
        if isinstance(delay, tuple):
            delay = world.random.uniform(*delay)
        more.setdefault("start", round(world.now() - age, 3))
        more.setdefault("region", world.region)
        more.setdefault("visible_at", time.monotonic() + delay if delay else 0.0)
        session = Session(session_id[:96], target or world.instance_id, owner, **more)
        self.sessions[session.session_id] = session
        return session

    def throttle(self, rate: float, burst: float, operation: str = "*") -> None:
        """Throttle one operation, or all together, to `rate` a second with bursts of `burst`."""
        self.throttles[operation] = TokenBucket(rate, burst)

    def active(self, owner: str | None = None, target: str | None = None) -> list[Session]:
        """The sessions that have not ended, in order of start, whether listings show them yet or not."""
        with self.world.lock:
            found = [
                one
                for one in self.sessions.values()
                if not one.ended and target in (None, one.target)
                and (owner is None or one.owner == owner or one.owner.endswith("/" + owner))
            ]  # fmt: skip
        return sorted(found, key=lambda one: (one.start, one.session_id))

    def terminated(self) -> list[Session]:
        """The sessions that were ended by a call."""
        with self.world.lock:
            return [one for one in self.sessions.values() if one.terminated_at is not None]

    def shown_status(self, session: Session, now: float) -> str:
        """The status that a listing shows at this monotonic time."""
        if session.terminated_at is None or now < session.terminated_at + self.status_delay:
            return session.status
        if now < session.terminated_at + self.status_delay + self.terminating_delay:
            return "Terminating"
        return "Terminated"

    # The listing

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeSessions."""
        params = call.params
        now = time.monotonic()
        key = (params["State"], repr(params.get("Filters")), call.region)
        if "NextToken" in params:
            known = self._tokens.get(params["NextToken"])
            if known is None or known[0] != key:
                raise AwsError("InvalidNextToken", "The specified token isn't valid.")
            _, ids, page = known
        else:
            self.listings += 1
            ids, page = self._select(params, call.region, now), 0
        size = min(params.get("MaxResults", 200), self.page_size or 200)
        first, rest = ids[:size], ids[size:]
        if page in self.empty_pages:
            first, rest = [], ids
        # Statuses are of this moment: a session that ended since the first page was asked for is left out.
        shown = [one for one in map(self.sessions.get, first) if one is not None and self._listed(one, params, now)]
        reply: dict[str, Any] = {"Sessions": [self._to_wire(one, now) for one in shown]}
        if rest or page in self.empty_pages:
            repeated = first[-self.overlap :] if self.overlap and page not in self.empty_pages else []
            reply["NextToken"] = self.new_token(key, repeated + rest if len(repeated) < size else rest, page + 1)
        elif self.empty_last_token:
            reply["NextToken"] = ""
        return reply

    def new_token(self, key: Any, ids: list[str], page: int) -> str:
        """A token that stands for the rest of a listing."""
        token = "AAEAA" + self.world.letters(210, ALPHABET) + "=="
        self._tokens[token] = (key, ids, page)
        while len(self._tokens) > KEEP_TOKENS:
            self._tokens.popitem(last=False)
        return token

    def empty_page(self, call: Call) -> dict[str, Any]:
        """An empty page in place of the one asked for, whose token leads to that one."""
        params = call.params
        key = (params["State"], repr(params.get("Filters")), call.region)
        ids = self._select(params, call.region, time.monotonic())
        if "NextToken" in params:
            ids = self._tokens[params["NextToken"]][1]
        return {"Sessions": [], "NextToken": self.new_token(key, ids, 0)}

    def _select(self, params: dict[str, Any], region: str, now: float) -> list[str]:
        filters = [(one["key"], one["value"]) for one in params.get("Filters", [])]
        for key, value in filters:
            if key in ("InvokedAfter", "InvokedBefore"):
                _moment(value)
        found = [
            one
            for one in self.sessions.values()
            if one.region == region and one.visible_at <= now and self._listed(one, params, now)
            and all(self._matches(one, key, value, now) for key, value in filters)
        ]  # fmt: skip
        if self.order in ("newest", "oldest"):
            found.sort(key=lambda one: one.start, reverse=self.order == "newest")
        elif self.order == "shuffled":
            random.Random(self.seed * 1_000_003 + self.listings).shuffle(found)
        return [one.session_id for one in found]

    def _listed(self, session: Session, params: dict[str, Any], now: float) -> bool:
        # A session that was added with the status of an ended one stays in the Active list unless `history` is set:
        # a listing may lag behind, and what counts must be told from the status.
        gone = session.history
        if session.terminated_at is not None:
            gone = self.shown_status(session, now) == "Terminated"
        return gone if params["State"] == "History" else not gone

    def _matches(self, session: Session, key: str, value: str, now: float) -> bool:
        if key == "InvokedAfter":
            return session.start > _moment(value)
        if key == "InvokedBefore":
            return session.start < _moment(value)
        if key == "Status":
            return self.shown_status(session, now) == value
        fields = {"Target": session.target, "Owner": session.owner, "SessionId": session.session_id}
        return fields.get(key, "Standard") == value

    def _to_wire(self, session: Session, now: float) -> dict[str, Any]:
        wire = {
            "SessionId": session.session_id,
            "Target": session.target,
            "Status": self.shown_status(session, now),
            "StartDate": int(session.start) if self.integer_dates else session.start,
            "DocumentName": session.document_name,
            "Owner": session.owner,
            "Reason": session.reason,
            "Details": session.details,
            "OutputUrl": {},
            "MaxSessionDuration": session.max_duration,
        }
        if session.terminated_at is not None:
            wire["EndDate"] = session.end
        wire.update(session.extra)
        return {name: value for name, value in wire.items() if value is not None}

    # Termination

    def terminate(self, call: Call) -> dict[str, Any]:
        """TerminateSession."""
        session_id = call.params["SessionId"]
        session = self.sessions.get(session_id)
        if session is not None:
            session.calls += 1
        if session is None or session.region != call.region or session.ended:
            if self.terminate_gone == "DoesNotExistException":
                raise AwsError("DoesNotExistException", f"Session {session_id} does not exist.")
            if self.terminate_gone == "ValidationException":
                raise AwsError("ValidationException", f"Session {session_id} is not in a valid state to terminate.")
        elif session.stubborn > 0:
            session.stubborn -= 1
        else:
            session.terminated_at = time.monotonic()
            session.end = round(self.world.now(), 3)
        return {"SessionId": session_id}


def _moment(value: str) -> float:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise AwsError("ValidationException", f"'{value}' is no ISO 8601 time.") from None
