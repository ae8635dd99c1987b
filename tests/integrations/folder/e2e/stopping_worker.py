"""`picward work` that stops itself like SIGSTOP from outside, once, when it is at three pictures at three moments of a hide.

`claimed.png` has been claimed, `called.png` is about to be moved, and `moved.png` has been, without anybody knowing. Only what is
of the process's own is patched; it goes on at SIGCONT. Its argument is the quarantine's path.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from app.db import enforcements, engine
from app.domain.decisions import Action
from integrations.folder.platform import Folder

MOMENTS = ("claimed.png", "called.png", "moved.png")

_locks: list[engine._WriterLock] = []
_there, _stopped = threading.Barrier(len(MOMENTS)), threading.Event()


def _stop(moment: str, about: Any) -> None:
    if about.action is not Action.HIDE or about.media.id != moment or _stopped.is_set():
        return
    if _there.wait() == 0:
        # Not while another thread writes, or has the quarantine: what is stopped then stops others, which is another story.
        quarantine = os.open(sys.argv[1], os.O_RDONLY)
        fcntl.flock(quarantine, fcntl.LOCK_EX)
        with contextlib.ExitStack() as held:
            for lock in _locks:
                held.enter_context(lock._threads)
            os.close(quarantine)
            os.kill(os.getpid(), signal.SIGSTOP)
            # Any thread may take the signal first: until then this one must not let the others write.
            time.sleep(1)
        _stopped.set()
    _stopped.wait()


def _held(original: Callable[..., bool]) -> Callable[..., bool]:
    def held(connection: Any, claim: Any, now: int) -> bool:
        _stop("claimed.png", claim.enforcement)
        return original(connection, claim, now)

    return held


def _apply(original: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: Folder, site: Any, enforcement: Any) -> Any:
        _stop("called.png", enforcement)
        receipt = original(self, site, enforcement)
        _stop("moved.png", enforcement)
        return receipt

    return apply


class _Noted(engine._WriterLock):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        _locks.append(self)


if __name__ == "__main__":
    from app.cli import main

    engine._WriterLock = _Noted  # type: ignore[misc]
    enforcements.held = _held(enforcements.held)
    Folder.apply = _apply(Folder.apply)  # type: ignore[method-assign]
    main(["work"])
