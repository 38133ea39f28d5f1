"""The errors that emulated services answer with."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS error reply. The protocol of the service decides how it is written."""

    def __init__(self, code: str, message: str, status: int = 400, fault: str = "Sender") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.fault = code, message, status, fault
        self.extra: dict[str, str] = {}  # further elements of an XML error
        self.headers: dict[str, str] = {}  # further headers of the reply
