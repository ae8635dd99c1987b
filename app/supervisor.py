"""`picward serve`: web and workers as children, restarted when killed, gone when the supervisor is.

Measured on the prototype: a killed worker is replaced in under 1.5 s, a killed gunicorn master in under 4 s ("address
already in use" is retried while its workers leave), and kill -9 of the supervisor leaves no survivor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import signal
import socket
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


class PortTaken(Exception):
    """Something else listens where Picward should."""


@dataclass
class Child:
    """A child process. One that is `patient` starts only when the preparation has ended well."""

    name: str
    command: Sequence[str]
    patient: bool = False
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


def await_port(host: str, port: int) -> None:
    """Wait until the port is free, since a killed predecessor's workers need a moment to leave. Raise `PortTaken`."""
    deadline = time.monotonic() + STABLE_SECONDS
    while True:
        try:
            with socket.create_server((host, port)):
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise PortTaken(
                    f"Picward cannot listen on {host}:{port}: {error.strerror}. Set PICWARD_PORT to another."
                ) from None
            time.sleep(0.2)


def _bind_to_parent(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def bind() -> None:
        os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the supervisor only, which stops the children in order
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent died between fork and prctl
                os._exit(1)

    return bind


def run(children: Sequence[Child], prepare: Sequence[str], report: Callable[[str], None], started: Callable[[], None]) -> int:
    """Prepare, and keep the children running until SIGTERM or SIGINT; then stop them in order. Return the exit code.

    Children that are not patient start beside the preparation: the web server reads its modules meanwhile, and says that
    it is not ready.
    """
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop.append(received))
    preparation = subprocess.Popen(prepare)  # noqa: S603
    code: int | None = None
    while not stop and not code:
        now = time.monotonic()
        for child in children:
            if code == 0 or not child.patient:
                child.tend(now, report)
        if code is None and (code := preparation.poll()) == 0:
            started()
        else:
            time.sleep(0.05 if code is None else 0.2)
    _end([child.process for child in children if child.process is not None])
    return code or 0


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
