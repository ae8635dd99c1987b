"""A brake for loops: two apps that undo each other's work at one product."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

from app.domain.errors import PlatformRefused
from app.domain.time import HOUR, SECOND

HOUR_SECONDS = HOUR / SECOND

WATCHED_PRODUCTS = 10_000
"""How many products are remembered, some 300 bytes each; of more the one that was changed longest ago is forgotten."""


class Brake:
    """A count of the changes made at each product within the last hour, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def press(self, shop: str, product: str, most: int) -> None:
        """Count one more change. Raise `PlatformRefused` when it is one too many."""
        now = time.monotonic()
        with self._lock:
            times = self._changed.setdefault((shop, product), deque())
            self._changed.move_to_end((shop, product))
            while times and times[0] < now - HOUR_SECONDS:
                times.popleft()
            if len(times) >= most:
                raise PlatformRefused(
                    f"The product was changed {most} times within an hour; perhaps another app undoes what Picward does. "
                    "Look at it, then try again."
                )
            times.append(now)
            if len(self._changed) > WATCHED_PRODUCTS:
                self._changed.popitem(last=False)
