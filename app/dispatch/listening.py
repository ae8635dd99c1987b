"""Listeners: one thread for each site whose platform is listened to here, and one leader for each among all workers."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from app.dispatch.holding import Held
from app.domain.errors import DeliveryRefused, PicwardError
from app.domain.events import Delivery
from app.domain.tasks import LISTEN_RETRY_SECONDS, Next
from app.domain.time import SECOND
from app.services import turns
from app.services.core import Core
from app.services.pipeline import intake
from app.services.sites import sites
from app.services.turns import Turn

log = logging.getLogger(__name__)

LISTENERS_MOST = 100
"""Sites that one worker listens to at a time: each has a thread, which sleeps most of the time and costs some 100 kB."""


class Listeners:
    """Listen to the sites that wait for it, until they are told to end."""

    def __init__(self, core: Core, held: Held, most: int = LISTENERS_MOST) -> None:
        self._core, self._held, self._most = core, held, most
        self._threads: list[threading.Thread] = []

    def fill(self) -> None:
        """Give a thread to each site that waits for one; where there is none left, the longest listener makes room."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while len(self._threads) < self._most:
            turn = turns.take(self._core, listening=True)
            if turn is None:
                return
            thread = threading.Thread(target=self._listen, args=(turn,), name=f"listen-{turn.claim.site_id}")
            self._threads.append(thread)
            thread.start()
        self._held.make_room()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _listen(self, turn: Turn) -> None:
        try:
            with self._held.holding(turn):
                listen(self._core, turn)
        except Exception:  # the database is away: the lease runs out, and another turn begins
            log.exception("listening to site %s ended", turn.claim.site_id)


def listen(core: Core, turn: Turn) -> None:
    """Listen to one site until the turn is over, or the platform has nothing more to say for now."""
    platform = core.platform(turn.site.platform)

    def deliver(delivery: Delivery) -> None:
        try:
            intake.receive(core, platform.slug, replace(delivery, received_at=core.now()))
        except DeliveryRefused as error:  # nothing will ever prove it, and it must not stop those behind it
            log.warning("a message of site %s was dropped: %s", turn.claim.site_id, error)

    try:
        platform.listen(sites.open_site(core, turn.site), deliver, turn.over)
    except PicwardError as error:
        turns.fail(core, turn, error)
    except Exception as error:
        log.exception("listening to site %s failed", turn.claim.site_id)
        turns.fail(core, turn, error)
    else:
        pause = 0 if turn.over.is_set() else LISTEN_RETRY_SECONDS * SECOND
        turns.end(core, turn, Next(core.now() + pause))
