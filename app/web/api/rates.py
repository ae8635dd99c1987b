"""How often a program may ask."""

from __future__ import annotations

import threading

from app.domain.errors import TooManyRequests
from app.domain.time import SECOND

REQUESTS_PER_MINUTE = 600
"""What one token may ask of one web process in a minute: ten a second is more than a dashboard or a nightly export needs, and
leaves the process free for webhooks and people. With two web processes a token gets up to twice as much."""

_WINDOW = 60 * SECOND


class Rates:
    """Count the requests of each token in the current minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, tuple[int, int]] = {}

    def count(self, token_id: int, now: int) -> None:
        """Count one request. Raise `TooManyRequests` when the minute's are used up."""
        with self._lock:
            begun, count = self._counts.get(token_id, (now, 0))
            if now - begun >= _WINDOW:
                begun, count = now, 0
            self._counts[token_id] = (begun, count + 1)
        if count >= REQUESTS_PER_MINUTE:
            wait = -(-(begun + _WINDOW - now) // SECOND)
            raise TooManyRequests(f"At most {REQUESTS_PER_MINUTE} requests a minute; go on in {wait} seconds.", wait)
