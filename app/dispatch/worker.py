"""The embedded worker: threads that claim due work straight from the database."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.dispatch import clock, hints
from app.dispatch.holding import Held
from app.dispatch.listening import Listeners
from app.domain.errors import ModelUnavailable
from app.domain.jobs import SHARE
from app.services import turns
from app.services.core import Core
from app.services.pipeline import due, enforce
from app.services.pipeline.moderate import Moderator
from app.services.trying import pictures

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often the worker looks without a hint, and sweeps: what a lost hint or a dead worker costs at most, beside its lease."""

GATHER_SECONDS = 0.01
"""How long hints gather after one: hundreds of webhooks a second must not wake the worker hundreds of times."""

ENFORCE_THREADS = 2 * SHARE
"""Actions applied at a time: they wait for platforms, not for the processor. Twice what one site may hold of them."""

FETCH_THREADS = 2 * SHARE
"""Pictures fetched at a time, for the same reason; `judge_threads` of them are judged at a time."""

FILL_SECONDS = 60.0
"""How often the worker looks for work that was left behind; only two transactions of one moment in PostgreSQL leave any."""

TEND_THREADS = 8
"""Turns of what is due by time that go on at once: they wait for platforms, too, and one that hangs must not stop the others."""


class Lane:
    """One kind of work, done by threads that sleep until they are roused."""

    def __init__(self, name: str, threads: int, run_next: Callable[[Callable[[], None]], bool], stop: threading.Event) -> None:
        self._run_next, self._stop = run_next, stop
        self._rouse = threading.Condition()
        self._pending = False
        self.threads = [threading.Thread(target=self._loop, name=f"{name}-{n}") for n in range(threads)]

    def rouse(self) -> None:
        """Wake one thread; it wakes the next one when it finds work, so that one item does not wake them all."""
        with self._rouse:
            self._pending = True
            self._rouse.notify()

    def release(self) -> None:
        """Wake all threads, so that they see that they should stop."""
        with self._rouse:
            self._rouse.notify_all()

    def _loop(self) -> None:
        while not self._stop.is_set():
            if self._one():
                continue
            with self._rouse:
                if not self._pending:
                    self._rouse.wait(timeout=60)
                self._pending = False

    def _one(self) -> bool:
        try:
            return self._run_next(self.rouse)
        except Exception:  # the database is away, or full: say so, wait, go on
            log.exception("a claim failed")
            self._stop.wait(1)
            return False


def judge_next(moderator: Moderator, found: Callable[[], None] = lambda: None) -> bool:
    """Judge the picture that somebody waits for before a page, else the next job's; False when there is none."""
    return pictures.run_next(moderator.core, lambda: moderator.judge, found) or moderator.run_next(found)


class Worker:
    """What judges, enforces and keeps up until it is stopped."""

    def __init__(self, core: Core, data_dir: Path, judge_threads: int) -> None:
        self._core, self._data_dir = core, data_dir
        self._stop = threading.Event()
        self._moderator = Moderator(core, threading.BoundedSemaphore(judge_threads))
        self._judging = Lane(
            "judge", max(judge_threads, FETCH_THREADS), lambda found: judge_next(self._moderator, found), self._stop
        )
        self._enforcing = Lane("enforce", ENFORCE_THREADS, lambda found: enforce.run_next(core, found), self._stop)
        self._held = Held(self._stop)
        self._tending = Lane("tend", TEND_THREADS, lambda found: clock.run_next(core, self._held, found), self._stop)
        self._listeners = Listeners(core, self._held)
        self._watching = threading.Thread(target=clock.watch, args=(core, self._held, self._stop), name="watch")

    def stop(self) -> None:
        """Accept no more work; `run` returns when what is under way has ended."""
        self._stop.set()
        self._held.end_all()

    def run(self) -> None:
        """Work until `stop`; call in the main thread."""
        threads = [*self._judging.threads, *self._enforcing.threads, *self._tending.threads, self._watching]
        warm = threading.Thread(target=self._warm, name="warm")
        for thread in (*threads, warm):
            thread.start()
        with hints.listener(self._data_dir) as inlet:
            filled = -FILL_SECONDS
            while not self._stop.is_set():
                if time.monotonic() - filled > FILL_SECONDS:
                    filled = time.monotonic()
                    self._fill()
                self._look()
                self._listen(inlet)
        self._judging.release()
        self._enforcing.release()
        self._tending.release()
        for thread in threads:
            thread.join()
        self._listeners.join()

    def _warm(self) -> None:
        # The first upload must not wait for the models to load.
        for detector in self._moderator.judge.detectors:
            try:
                self._moderator.judge.check(detector)
            except ModelUnavailable as error:
                log.error("pictures will go to review: %s", error)
            except Exception:  # whatever a machine without memory raises: each picture tries again, and says so
                log.exception("pictures will go to review: the detector %s cannot be tried", detector)

    def _fill(self) -> None:
        try:
            due.fill_stuck(self._core)
        except Exception:
            log.exception("lining work up failed")

    def _look(self) -> None:
        """See what is due and wake the lanes: at a hint, and once a tick for retries and for what a dead worker held."""
        try:
            job, action = due.look(self._core)
            job = job or pictures.due(self._core)
            task, listening = turns.due(self._core)
            if listening:
                self._listeners.fill()
        except Exception:
            log.exception("looking for work failed")
            return
        if job:
            self._judging.rouse()
        if action:
            self._enforcing.rouse()
        if task:
            self._tending.rouse()

    def _listen(self, inlet: socket.socket | None) -> None:
        """Look at once when a hint comes, until the tick is over."""
        deadline = time.monotonic() + TICK_SECONDS
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if inlet is None:
                self._stop.wait(left)
                return
            ready, _, _ = select.select([inlet], [], [], left)
            if ready:
                with contextlib.suppress(BlockingIOError):
                    while inlet.recv(16):
                        pass
                self._look()
                self._stop.wait(GATHER_SECONDS)
