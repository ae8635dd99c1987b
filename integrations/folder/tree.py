"""Reading a directory that others write to: nothing outside it is ever opened, whatever symlinks appear meanwhile."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
import urllib.parse
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.errors import MediaGone

SETTLE_SECONDS = 0.5
"""How long a file must not have changed to be judged: copies write for longer, but rarely pause for half a second."""

CACHED_FILES = 200_000
"""How many files' digests are remembered, about 60 MB; more are hashed again at each scan."""

MAX_DEPTH = 64
"""How deep directories are followed; a bind mount can make a tree endless."""

PART_PREFIX = ".picward-"
"""How the files begin that exist only while a picture is put back."""

_EXTENSIONS = frozenset(
    b"jpg jpeg jpe jfif png apng gif webp bmp dib tif tiff heic heif hif avif ico jxl jp2 j2k svg svgz psd".split()
)
_SNIFF_BYTES = 16
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What opening says when a path does not lead to a file without symlinks."""

Parts = tuple[bytes, ...]
"""A path inside the directory, name by name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that is there now: where, and the sha256 of what it holds."""

    parts: Parts
    sha256: str


class Digests:
    """The digests of files, kept so that a look every 2 seconds reads only what is new. Safe between threads.

    The key holds the change time, which no program can set back: a file that kept size and mtime is read again.
    """

    def __init__(self, size: int = CACHED_FILES) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, ...], str] = OrderedDict()

    def of(self, fd: int, name: bytes) -> str:
        """Return the sha256 of an open picture in hex, "" when it is not a picture; a new file is read whole."""
        key = _key(os.fstat(fd), name)
        sha256 = digest(fd) if named_like_a_picture(name) or starts_like_a_picture(os.pread(fd, _SNIFF_BYTES, 0)) else ""
        # Remembered only if nobody wrote while we read.
        if _key(os.fstat(fd), name) == key:
            with self._lock:
                self._known[key] = sha256
                while len(self._known) > self._size:
                    self._known.popitem(last=False)
        return sha256

    def remembered(self, status: os.stat_result, name: bytes) -> str | None:
        """Recall what `of` returned for a file that has not changed since, None when it has to be read."""
        key = _key(status, name)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            return known


def _key(status: os.stat_result, name: bytes) -> tuple[int, ...]:
    # The name counts for what it says about the kind: two hard links may differ in it.
    kind = named_like_a_picture(name)
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, kind)


def named_like_a_picture(name: bytes) -> bool:
    return name.rpartition(b".")[2].lower() in _EXTENSIONS


def starts_like_a_picture(start: bytes) -> bool:
    return (
        start.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or (start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"))
    )


def digest(fd: int) -> str:
    """Compute the sha256 of an open file in lower-case hex, from its start whatever its position is."""
    seen, offset = hashlib.sha256(), 0
    while chunk := os.pread(fd, 1_048_576, offset):
        seen.update(chunk)
        offset += len(chunk)
    return seen.hexdigest()


def walk(root: int, digests: Digests, now: float, after: Parts = ()) -> Iterator[Found]:
    """List the settled pictures below an open directory, by name, those after the path `after` only."""
    yield from _walk(root, (), digests, now, after)


def _walk(directory: int, above: Parts, digests: Digests, now: float, after: Parts) -> Iterator[Found]:
    depth = len(above)
    # Below a directory on the way to `after`, names before its next part were listed already.
    floor = after[depth] if len(after) > depth and after[:depth] == above else b""
    with os.scandir(directory) as entries:
        # Bytes, not text: names need not be UTF-8. From a descriptor scandir gives str, so they are encoded again.
        names = sorted((os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_directory in names:
        if name < floor or name.startswith(os.fsencode(PART_PREFIX)):
            continue
        parts = (*above, name)
        if is_directory:
            if depth < MAX_DEPTH:
                with _vanishing(), opened(directory, name, _OPEN_DIRECTORY) as inner:
                    yield from _walk(inner, parts, digests, now, after)
        elif parts > after:
            with _vanishing():
                sha256 = _settled(directory, name, digests, now)
                if sha256:
                    yield Found(parts, sha256)


def _settled(directory: int, name: bytes, digests: Digests, now: float) -> str:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or _fresh(status, now):
        return ""
    known = digests.remembered(status, name)
    if known is not None:
        return known
    with opened(directory, name) as fd:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        sha256 = digests.of(fd, name)
        return "" if _fresh(os.fstat(fd), now) else sha256


@contextlib.contextmanager
def _vanishing() -> Iterator[None]:
    """Skip what was removed meanwhile, became a symlink, or is not ours to read; a failing disk is still an error."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*ABSENT, errno.EACCES, errno.EPERM):
            raise


def _fresh(status: os.stat_result, now: float) -> bool:
    # The change time too: copying tools set the mtime back when they end.
    return any(abs(now - changed) < SETTLE_SECONDS for changed in (status.st_mtime, status.st_ctime))


@contextlib.contextmanager
def opened(directory: int, name: bytes, flags: int = _OPEN_FILE) -> Iterator[int]:
    """Open an entry of an open directory for reading; a symlink is an OSError."""
    fd = os.open(name, flags, dir_fd=directory)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def parent(root: int, parts: Parts, make: bool = False) -> Iterator[int]:
    """Open the directory that holds a path, step by step without symlinks; `make` makes those that are missing."""
    current = os.dup(root)
    try:
        for part in parts[:-1]:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=current)
            following = os.open(part, _OPEN_DIRECTORY, dir_fd=current)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def id_of(parts: Parts) -> str:
    """Write a path as a media id: as it is, or as “/” and percent-encoding when it is not UTF-8."""
    path = b"/".join(parts)
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        return "/" + urllib.parse.quote_from_bytes(path)


def parts_of(id: str) -> Parts:
    """Read a media id. Raise `MediaGone` for one that names nothing inside the directory."""
    path = urllib.parse.unquote_to_bytes(id[1:]) if id.startswith("/") else id.encode("utf-8", "surrogatepass")
    parts = tuple(path.split(b"/"))
    if any(part in (b"", b".", b"..") or b"\x00" in part for part in parts):
        raise MediaGone("This is no path inside the directory.")
    return parts
