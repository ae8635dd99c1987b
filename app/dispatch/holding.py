"""The turns that this process has: their leases are renewed while they go on, and they hear when they must end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.tasks import LISTEN_SECONDS, Task
from app.services import turns
from app.services.core import Core
from app.services.turns import Turn


class Held:
    """Know the turns of one worker. `stop` ends them all."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._turns: dict[int, Turn] = {}

    @contextmanager
    def holding(self, turn: Turn) -> Iterator[None]:
        """Renew a turn's lease, whenever `renew` is called, until the block ends."""
        self._turns[turn.claim.id] = turn
        if self._stop.is_set():
            turn.over.set()
        try:
            yield
        finally:
            if self._turns.get(turn.claim.id) is turn:  # else it was lost, and this worker has it anew
                del self._turns[turn.claim.id]

    def renew(self, core: Core) -> None:
        if held := list(self._turns.values()):
            turns.renew(core, held)

    def end_all(self) -> None:
        """Have every turn end; it takes no lock, so that a signal's handler may call it."""
        for turn in list(self._turns.values()):
            turn.over.set()

    def make_room(self) -> None:
        """Have the listener end that has its thread for longest, if others have waited for one long enough."""
        listeners = [turn for turn in list(self._turns.values()) if turn.claim.kind is Task.LISTEN]
        oldest = min(listeners, key=lambda turn: turn.began, default=None)
        if oldest is not None and time.monotonic() - oldest.began > LISTEN_SECONDS:
            oldest.over.set()
