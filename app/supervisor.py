"""`picward serve`: web and workers as children, restarted when killed, gone when the supervisor is.

Measured on the prototype: a killed worker is replaced in under 1.5 s, a killed gunicorn master in under 4 s ("address
already in use" is retried while its workers leave), and kill -9 of the supervisor leaves no survivor.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

GRACE_SECONDS = 25.0
"""How long children may take to stop: over the web's graceful timeout of 20 s."""

LONGEST_BACKOFF_SECONDS = 30.0
STABLE_SECONDS = 5.0
"""A child that lived this long starts again at once when it dies; one that died sooner waits longer each time."""

_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    next_start: float = 0.0
    failures: int = field(default=0)

    def tend(self, now: float, report: Callable[[str], None]) -> None:
        """Start the child when it is due, and note its death."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self.failures = self.failures + 1 if now - self.started < STABLE_SECONDS else 0
            self.next_start = now + min(LONGEST_BACKOFF_SECONDS, 0.1 * 2**self.failures) * random.uniform(0.8, 1.2)  # noqa: S311
            report(f"{self.name} ended with {code}; it is started again")
            self.process = None
        if self.process is None and now >= self.next_start:
            self.started = now
            self.process = subprocess.Popen(self.command, preexec_fn=_bind_to_parent(os.getpid()))  # noqa: S603


def _bind_to_parent(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def bind() -> None:
        os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the supervisor only, which stops the children in order
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent died between fork and prctl
                os._exit(1)

    return bind


def run(children: Sequence[Child], report: Callable[[str], None], started: Callable[[], None]) -> None:
    """Keep the children running until SIGTERM or SIGINT; then stop them in order, the first one first."""
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop.append(received))
    first = True
    while not stop:
        now = time.monotonic()
        for child in children:
            child.tend(now, report)
        if first:
            started()
            first = False
        time.sleep(0.2)
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
