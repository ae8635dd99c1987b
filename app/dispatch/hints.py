"""Wake workers of this machine at once: a datagram each, into every worker's socket. A lost one costs a second."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDER = "wake"
_LONGEST = 100
"""sockaddr_un holds 108 bytes; a data directory with a longer path goes without hints (workers look once a second)."""


def sender(data_dir: Path) -> Callable[[], None]:
    """Make a function that hints, from any thread and never waiting, that something is due."""
    folder = data_dir.absolute() / _FOLDER
    outlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    outlet.setblocking(False)

    def wake() -> None:
        with contextlib.suppress(FileNotFoundError):
            for inlet in folder.iterdir():
                try:
                    outlet.sendto(b"!", str(inlet))
                except ConnectionRefusedError:  # a worker that was killed left its socket behind
                    with contextlib.suppress(FileNotFoundError):
                        inlet.unlink()
                except OSError:  # a full socket has hints enough; a too long path has none
                    continue

    return wake


@contextlib.contextmanager
def listener(data_dir: Path) -> Iterator[socket.socket | None]:
    """Open a socket that becomes readable at a hint, or None where the path is too long for one."""
    folder = data_dir.absolute() / _FOLDER
    path = folder / str(os.getpid())
    if len(str(path)) > _LONGEST:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inlet:
        inlet.bind(str(path))
        inlet.setblocking(False)
        try:
            yield inlet
        finally:
            path.unlink(missing_ok=True)
