"""A token bucket, as AWS limits the calls of an account."""

from __future__ import annotations

import time


class TokenBucket:
    """`rate` calls a second, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._level, self._time = burst, time.monotonic()

    def take(self) -> bool:
        """Is there a token left for one more call?"""
        now = time.monotonic()
        self._level = min(self.burst, self._level + (now - self._time) * self.rate)
        self._time = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
