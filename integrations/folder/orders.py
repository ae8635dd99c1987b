"""The last order about each picture, so that a worker that was stopped and comes back late is not followed any more.

One small file a picture, in `orders` of the quarantine. Orders rise in number; once Picward's database was put back from a backup
the numbers begin lower again, and then the time tells: only what is older in both was overtaken.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from app.domain.decisions import Enforcement
from app.domain.time import DAY, SECOND

FOLDER = "orders"

KEPT_SECONDS = 30 * DAY // SECOND
"""How long the last order about a picture is remembered: longer than any worker is stopped and goes on."""

SWEPT_SECONDS = DAY // SECOND
"""How often old orders are looked for."""

OVERTAKEN = "A later order about this picture was followed; this one came too late."


_SWEPT = ".swept"


def is_overtaken(quarantine: int, name: str, order: Enforcement) -> bool:
    """Tell whether a later order about a picture was followed; else remember this one. Called with the quarantine locked.

    `quarantine` is its descriptor, `name` the picture's in it. What is written survives a kill and need not survive the machine:
    no worker does.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(FOLDER, 0o700, dir_fd=quarantine)
    fd = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=quarantine)
    try:
        number, decided_at = _read(fd, name)
        if order.id < number and order.decided_at <= decided_at:
            return True
        if (order.id, order.decided_at) != (number, decided_at):
            _write(fd, name, order)
        _sweep(fd)
        return False
    finally:
        os.close(fd)


def _read(fd: int, name: str) -> tuple[int, int]:
    try:
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd), "rb") as file:
            number, decided_at = json.load(file)
            return int(number), int(decided_at)
    except (OSError, ValueError, TypeError):
        return 0, 0


def _write(fd: int, name: str, order: Enforcement) -> None:
    part = f"{name}.part"
    out = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=fd)
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump((order.id, order.decided_at), file)
    os.rename(part, name, src_dir_fd=fd, dst_dir_fd=fd)


def _sweep(fd: int) -> None:
    now = time.time()
    with contextlib.suppress(FileNotFoundError):
        if 0 <= now - os.stat(_SWEPT, dir_fd=fd).st_mtime < SWEPT_SECONDS:
            return
    os.close(os.open(_SWEPT, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=fd))
    os.utime(_SWEPT, dir_fd=fd)
    for entry in os.listdir(fd):  # pathlib lists no descriptors
        with contextlib.suppress(OSError):
            if now - os.stat(entry, dir_fd=fd, follow_symlinks=False).st_mtime > KEPT_SECONDS:
                os.unlink(entry, dir_fd=fd)
