"""What happens by time: one handler for each kind of task, and an eye on the clock itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from app.dispatch.holding import Held
from app.domain.errors import PicwardError
from app.domain.tasks import HEARTBEAT_SECONDS, LEASE_SECONDS, TIMINGS, Next, Task, quiet_seconds, spread
from app.domain.time import DAY, SECOND
from app.services import turns
from app.services.core import Core
from app.services.people import sessions
from app.services.pipeline import intake, previews, replay, scan
from app.services.rules import lists
from app.services.sites import sites, upkeep, verification
from app.services.telling import clocks, insights, notices
from app.services.trying import pictures
from app.services.turns import Turn

log = logging.getLogger(__name__)


def run_next(core: Core, held: Held, found: Callable[[], None] = lambda: None) -> bool:
    """Give the task that has been due for longest its turn; False when none is due."""
    turn = turns.take(core)
    if turn is None:
        return False
    found()
    with held.holding(turn):
        try:
            following = HANDLERS[turn.claim.kind](core, turn)
        except PicwardError as error:
            log.warning("%s of site “%s” failed: %s", turn.claim.kind, turn.claim.site_id, error)
            turns.fail(core, turn, error)
        except Exception as error:
            log.exception("%s of site “%s” failed", turn.claim.kind, turn.claim.site_id)
            turns.fail(core, turn, error)
        else:
            turns.end(core, turn, following)
    return True


def begin(core: Core) -> None:
    """See to what an update or a wrong clock may have left; a worker's first act."""
    clocks.mind_start(core)
    clocks.mind_future(core)
    upkeep.begin(core)


def run_due(core: Core) -> None:
    """Give every task that is due its turn, one after the other, as a worker does that just began."""
    begin(core)
    held = Held(threading.Event())
    while run_next(core, held):
        pass


def _pulse(core: Core, turn: Turn) -> Next:
    platform, row = core.platform(turn.site.platform), turn.site
    wanted = platform.pulse(sites.open_site(core, row))
    if wanted is not None:
        return Next(core.now() + int(wanted * SECOND))
    every = platform.pulse_seconds
    if platform.quiet_pulse_seconds:
        every = quiet_seconds(every, platform.quiet_pulse_seconds, turn.claim.quiet, upkeep.count(core, Task.PULSE))
    return Next(spread(core.now(), every * SECOND, row.id), quiet=True)


def _reconcile(core: Core, turn: Turn) -> Next:
    place = scan.reconcile(core, turn.site, turn.claim.cursor, turn.stopping)
    if place:
        return Next(core.now(), place)
    return Next(spread(core.now(), core.platform(turn.site.platform).reconcile_seconds * SECOND, turn.site.id))


def _replay(core: Core, turn: Turn) -> Next:
    done = replay.catch_up(core, turn.site.id, turn.site.replayed_version, turn.stopping)
    return Next(None if done else core.now())


def _scan(core: Core, turn: Turn) -> Next:
    return Next(scan.step(core, turn.site.id, turn.stopping))


def _notices(core: Core, turn: Turn) -> Next:
    row = turn.site
    settings = sites.open_site(core, row).settings
    if not notices.wanted(settings):
        return Next(None)
    notices.tend(core, row.id, row.name, settings, row.problem)
    return Next(notices.next_look(core, row.id, settings))


def _keys(core: Core, turn: Turn) -> Next:
    return Next(verification.fetch_due(core))


def _compare(core: Core, turn: Turn) -> Next:
    lists.compare(core, turn.stopping)
    return Next(core.now() if lists.comparing(core) else None)


def _tried(core: Core, turn: Turn) -> Next:
    return Next(pictures.forget_old(core))


def _news(core: Core, turn: Turn) -> Next:
    last = notices.look_for_news(core, int(turn.claim.cursor or -1))
    return Next(core.now() + TIMINGS[Task.NEWS].longest, str(last))


def _waiting(core: Core, turn: Turn) -> Next:
    insights.note_waiting(core)
    return Next(core.now() + TIMINGS[Task.WAITING].longest)


def _retention(core: Core, turn: Turn) -> Next:
    if not turn.claim.cursor:
        intake.forget_bodies(core)
        sessions.forget_old(core)
    after = previews.forget_old(core, turn.claim.cursor, turn.stopping)
    return Next(core.now() + (0 if after else TIMINGS[Task.RETENTION].longest), after)


def _arrange(core: Core, turn: Turn) -> Next:
    after = upkeep.arrange(core, turn.claim.cursor, turn.stopping)
    return Next(core.now() if after else core.now() + DAY, after)


def _heartbeat(core: Core, turn: Turn) -> Next:
    silence = core.now() - turn.claim.was_due_at
    if silence > 2 * HEARTBEAT_SECONDS * SECOND:
        upkeep.after_silence(core, silence)
    return Next(core.now() + HEARTBEAT_SECONDS * SECOND)


HANDLERS: Mapping[Task, Callable[[Core, Turn], Next]] = {
    Task.PULSE: _pulse,
    Task.RECONCILE: _reconcile,
    Task.REPLAY: _replay,
    Task.SCAN: _scan,
    Task.NOTICES: _notices,
    Task.KEYS: _keys,
    Task.COMPARE: _compare,
    Task.TRIED: _tried,
    Task.NEWS: _news,
    Task.WAITING: _waiting,
    Task.RETENTION: _retention,
    Task.ARRANGE: _arrange,
    Task.HEARTBEAT: _heartbeat,
}
"""What a turn of each kind does; `app.dispatch.listening` has that of LISTEN, which lasts."""


JUMP_SECONDS = 60
"""How far the clock may be set before it is told: keeping time in step moves it by less."""

FUTURE_SECONDS = 60
"""How often what is due further ahead than it may be is looked for: a look through the whole table, some milliseconds."""

TICK_SECONDS = 1.0


def _steady() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Eye:
    """Notice when the clock is set: it then moves otherwise than time does, which also passes while the machine sleeps."""

    def __init__(self, now: Callable[[], int], steady: Callable[[], float] = _steady) -> None:
        self._now, self._steady = now, steady
        self._ahead = self._difference()

    def _difference(self) -> int:
        return self._now() - int(self._steady() * SECOND)

    def jump(self) -> int:
        """Return by how many microseconds the clock was set since the last call, 0 for what is not worth telling."""
        before, self._ahead = self._ahead, self._difference()
        moved = self._ahead - before
        return moved if abs(moved) > JUMP_SECONDS * SECOND else 0


def watch(core: Core, held: Held, stop: threading.Event) -> None:
    """Begin, renew the leases of this worker's turns, and mind the clock, until the worker stops."""
    eye, begun = Eye(core.now), False
    renewed = looked = time.monotonic()
    while not stop.is_set():
        try:
            if not begun:
                begin(core)
                begun = True
            if time.monotonic() - renewed > LEASE_SECONDS / 3:
                held.renew(core)
                renewed = time.monotonic()
            if moved := eye.jump():
                clocks.tell_jump(core, moved)
            if moved or time.monotonic() - looked > FUTURE_SECONDS:
                clocks.mind_future(core)
                looked = time.monotonic()
        except Exception:
            log.exception("minding the clock failed")
        stop.wait(TICK_SECONDS)
