"""Whether a directory is the one that was connected: a disk that is not mounted leaves an empty one in its place."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from app.domain.errors import PlatformClosed

MARK = ".picward"
"""The file that says so. It has no picture's name, and stays when all pictures are removed."""

_TEXT = b"Picward watches this directory. While this file is missing from an empty one, its disk counts as not mounted.\n"
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def mark(root: int) -> None:
    """Leave the mark in an open directory, unless it is there or nothing can be written there."""
    try:
        fd = os.open(MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=root)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        return
    try:
        os.write(fd, _TEXT)
    finally:
        os.close(fd)


def make_sure(root: int, path: Path) -> None:
    """Make sure that an open directory is no empty mount point, and mark it. Raise `PlatformClosed`.

    Directories that were connected before there was a mark get theirs while they hold something.
    """
    with contextlib.suppress(FileNotFoundError):
        os.stat(MARK, dir_fd=root, follow_symlinks=False)
        return
    if not os.listdir(root):
        raise PlatformClosed(
            f"{path} is empty and lacks the mark that Picward left there: its disk may not be mounted. "
            "If it is the right directory, test the connection on the site's page."
        )
    mark(root)
