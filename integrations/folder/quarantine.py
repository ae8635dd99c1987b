"""The quarantine beside a directory. A kill between any two steps here loses nothing: every step can be repeated.

Each hidden picture is two files named after its id and version: `<name>.json`, the journal, written and synced first, and
`<name>.bin`, the very file. Within one filesystem it is moved, so that it keeps owner, times and extended attributes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from app.domain.decisions import Enforcement
from app.domain.errors import MediaGone
from app.domain.media import MediaRef
from integrations.folder import orders, tree

SUFFIX = ".quarantine"

LOCK_SECONDS = 10.0
"""How long an action waits for the one before it, which moves one file; a process that was stopped must not stop all others."""

_POLL_SECONDS = 0.02

_TAKEN = "Another file is at its place now; the hidden one stays in the quarantine."
_NAME = re.compile(r"[0-9a-f]{64}")
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Journal:
    """What a hidden picture was: its id, sha256, modification time and mode, and when it was hidden; times in ns."""

    id: str
    version: str
    mtime_ns: int
    mode: int
    hidden_ns: int


def name_of(media: MediaRef) -> str:
    """Name a picture in the quarantine; the same version of the same picture has the same name, so hiding repeats."""
    return hashlib.sha256(f"{media.version}\n{media.id}".encode("utf-8", "surrogatepass")).hexdigest()


class Quarantine:
    """The quarantine of one open directory, for the time of one action; its lock is between processes."""

    def __init__(self, root: int, fd: int) -> None:
        self._root = root
        self._fd = fd

    def is_overtaken(self, name: str, order: Enforcement) -> bool:
        """Tell whether a later order about a picture was followed; else this one is remembered as the last."""
        return orders.is_overtaken(self._fd, name, order)

    def holds(self, name: str) -> bool:
        return _exists(self._fd, f"{name}.bin")

    def journals(self) -> Iterator[Journal]:
        """List what is hidden now; a journal without its picture was written just before a kill and counts for nothing."""
        for entry in os.listdir(self._fd):  # noqa: PTH208  pathlib lists no descriptors
            name, _, extension = entry.partition(".")
            if extension == "bin" and _NAME.fullmatch(name):
                journal = self.read(name)
                if journal is not None:
                    yield journal

    def read(self, name: str) -> Journal | None:
        try:
            with tree.opened(self._fd, f"{name}.json".encode()) as fd, os.fdopen(os.dup(fd), "rb") as file:
                return Journal(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def open(self, name: str) -> int:
        return os.open(f"{name}.bin", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)

    def take(self, media: MediaRef) -> Mapping[str, int | str]:
        """Move this version of a picture in and return its undo. Raise `MediaGone` when it is neither there nor here."""
        name = name_of(media)
        parts = tree.parts_of(media.id)
        try:
            with tree.parent(self._root, parts) as directory, tree.opened(directory, parts[-1]) as fd:
                status = os.fstat(fd)
                if stat.S_ISREG(status.st_mode) and tree.digest(fd) == media.version:
                    os.fsync(fd)
                    mode = stat.S_IMODE(status.st_mode)
                    self._write(name, Journal(media.id, media.version, status.st_mtime_ns, mode, time.time_ns()))
                    self._move_in(directory, parts[-1], fd, status, name)
        except OSError as error:
            if error.errno not in tree.ABSENT:
                raise
        journal = self.read(name)
        if journal is None or not self.holds(name):
            raise MediaGone("The picture was changed or removed before it could be hidden.")
        return {"name": name, "mtime_ns": journal.mtime_ns, "mode": journal.mode}

    def give_back(self, media: MediaRef, name: str) -> str:
        """Put a hidden picture back where it was; return what stands in its way, in words, or ""."""
        parts = tree.parts_of(media.id)
        journal = self.read(name)
        if not self.holds(name) or journal is None:
            if self._there(parts) == media.version:
                self.forget(name)
                return ""
            raise MediaGone("The picture is no longer in the quarantine.")
        try:
            with tree.parent(self._root, parts, make=True) as directory:
                there = self._there(parts)
                if there is not None and there != media.version:
                    return _TAKEN
                if there is None:
                    self._move_out(directory, parts[-1], name, journal)
                else:
                    # Put back by an earlier try that was killed, or by hand.
                    _dress_entry(directory, parts[-1], journal)
                os.fsync(directory)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTDIR, errno.ELOOP):
                raise
            return _TAKEN
        self.forget(name)
        return ""

    def forget(self, name: str) -> None:
        """Remove a picture and then its journal, in this order, so that no picture is ever without one."""
        for entry in (f"{name}.bin", f"{name}.json"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry, dir_fd=self._fd)
        os.fsync(self._fd)

    def _there(self, parts: tree.Parts) -> str | None:
        """Hash the file at a path: None when nothing is there, "" when it is not a regular file."""
        try:
            with tree.parent(self._root, parts) as directory, tree.opened(directory, parts[-1]) as fd:
                return tree.digest(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else ""
        except OSError as error:
            if error.errno not in tree.ABSENT:
                raise
            return None if error.errno == errno.ENOENT else ""

    def _write(self, name: str, journal: Journal) -> None:
        part = f"{name}.part"
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=self._fd)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(asdict(journal), file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, f"{name}.json", src_dir_fd=self._fd, dst_dir_fd=self._fd)
        os.fsync(self._fd)

    def _move_in(self, directory: int, entry: bytes, fd: int, status: os.stat_result, name: str) -> None:
        target = f"{name}.bin"
        try:
            os.rename(entry, target, src_dir_fd=directory, dst_dir_fd=self._fd)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(fd, self._fd, f"{name}.part", target)
            os.fsync(self._fd)
            if _same(os.stat(entry, dir_fd=directory, follow_symlinks=False), status):
                os.unlink(entry, dir_fd=directory)
        else:
            if not _same(os.stat(target, dir_fd=self._fd, follow_symlinks=False), status):
                self._return(directory, entry, name)
        os.fsync(self._fd)
        os.fsync(directory)

    def _return(self, directory: int, entry: bytes, name: str) -> None:
        """Give back a file that took the picture's place between our look and our move; overwrite nobody's."""
        target = f"{name}.bin"
        try:
            os.link(target, entry, src_dir_fd=self._fd, dst_dir_fd=directory, follow_symlinks=False)
            os.unlink(target, dir_fd=self._fd)
        except OSError:
            os.rename(target, f"{name}.{time.time_ns()}.stray", src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def _move_out(self, directory: int, entry: bytes, name: str, journal: Journal) -> None:
        source = f"{name}.bin"
        with tree.opened(self._fd, source.encode()) as fd:
            if tree.digest(fd) != journal.version:
                raise MediaGone("The file in the quarantine was changed.")
            _dress(fd, journal)
            try:
                # A link fails where a rename would overwrite.
                os.link(source, entry, src_dir_fd=self._fd, dst_dir_fd=directory, follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.EXDEV, *_NO_HARD_LINKS):
                    raise
                if _exists(directory, entry):
                    raise FileExistsError(errno.EEXIST, "another file is at its place") from None
                if error.errno == errno.EXDEV:
                    part = f"{tree.PART_PREFIX}{name}.part".encode()
                    _copy(fd, directory, part, part)
                    _dress_entry(directory, part, journal)
                    os.rename(part, entry, src_dir_fd=directory, dst_dir_fd=directory)
                else:
                    os.rename(source, entry, src_dir_fd=self._fd, dst_dir_fd=directory)


@contextlib.contextmanager
def opened_quarantine(root: int, path: Path) -> Iterator[Quarantine]:
    """Open the quarantine of a directory for changing it, made when it is missing; one process at a time."""
    place = path.with_name(path.name + SUFFIX)
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_IMODE(os.fstat(fd).st_mode) != 0o700:
            os.fchmod(fd, 0o700)
        _lock(fd)
        yield Quarantine(root, fd)
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Lock the quarantine for this process; raise `TimeoutError`, an `OSError`, when another holds it for too long."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process of Picward is busy with its quarantine") from None
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def existing_quarantine(root: int, path: Path) -> Iterator[Quarantine | None]:
    """Open the quarantine of a directory for reading, or return None when there is none."""
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path.with_name(path.name + SUFFIX), flags)
    except OSError:
        yield None
        return
    try:
        yield Quarantine(root, fd)
    finally:
        os.close(fd)


def _exists(directory: int, entry: str | bytes) -> bool:
    try:
        os.stat(entry, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _same(now: os.stat_result, before: os.stat_result) -> bool:
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)


def _copy(source: int, directory: int, part: str | bytes, entry: str | bytes) -> None:
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    with os.fdopen(fd, "wb") as file:
        offset = 0
        while chunk := os.pread(source, 1_048_576, offset):
            file.write(chunk)
            offset += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, entry, src_dir_fd=directory, dst_dir_fd=directory)


def _dress(fd: int, journal: Journal) -> None:
    """Reset a file's mode and time where a copy lost them; a moved file of another owner still has its own."""
    status = os.fstat(fd)
    if stat.S_IMODE(status.st_mode) != journal.mode:
        os.fchmod(fd, journal.mode)
    if status.st_mtime_ns != journal.mtime_ns:
        os.utime(fd, ns=(journal.mtime_ns, journal.mtime_ns))
    os.fsync(fd)


def _dress_entry(directory: int, entry: bytes, journal: Journal) -> None:
    # Opened for reading only: utime and chmod ask who owns the file, not how it was opened.
    with tree.opened(directory, entry) as fd:
        _dress(fd, journal)
