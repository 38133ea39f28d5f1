"""What the emulator saw: one entry a request, and counters for each listener."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

KEEP = 100_000


@dataclass(slots=True)
class Entry:
    """One request, in the order of arrival."""

    time: float  # of the machine's clock, seconds since the epoch
    listener: str
    connection: int
    service: str
    operation: str
    method: str
    target: str
    params: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    code: str = ""  # the error code of the reply, "" for none
    verdict: str = ""  # "ok", "unsigned", or why the signature was refused
    fault: str = ""  # the actions of the rules that were applied
    region: str = ""
    access_key: str = ""
    host: str = ""
    user_agent: str = ""
    tls: str = ""


class Log:
    """The newest entries, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEEP)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()

    def calls(self, operation: str | None = None, service: str | None = None) -> list[Entry]:
        """The entries of one operation or service."""
        return [
            entry
            for entry in self
            if operation in (None, entry.operation) and service in (None, entry.service)
        ]

    def operations(self, listener: str | None = None) -> list[str]:
        """The names of the operations in their order."""
        return [entry.operation for entry in self if listener in (None, entry.listener)]

    def refused(self) -> list[Entry]:
        """The requests whose signature, or whose form, AWS would not take."""
        return [entry for entry in self if entry.verdict not in ("", "ok", "unsigned")]

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self]


@dataclass(slots=True)
class Counters:
    """What one listener counted since the last reset."""

    connections: int = 0
    open: int = 0
    most_open: int = 0
    tls_handshakes: int = 0
    tls_resumed: int = 0
    tls_failed: int = 0
    tls_last_error: str = ""
    requests: int = 0
    bad_requests: int = 0
    last_bad_request: str = ""

    def reset(self) -> None:
        """Start anew; open connections stay counted as open."""
        still = self.open
        for one in fields(self):
            setattr(self, one.name, one.default)
        self.open = self.most_open = still
