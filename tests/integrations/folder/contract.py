"""What a directory shows to the contract suite: it sends nothing, and the place is a real directory."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from integrations.folder.home import MARK
from integrations.folder.settings import Settings
from integrations.folder.tree import SETTLE_SECONDS
from tests.contract.sample import Sample, StandIn

PIXELS = b"\x89PNG\r\n\x1a\n pixels of a picture"
LONG_AGO = 1_700_000_000_123_456_789


class FolderSample(Sample):
    slug: ClassVar[str] = "folder"
    compares_orders: ClassVar[bool] = True
    webhooks: ClassVar[bool] = False
    remote: ClassVar[bool] = False

    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]:
        return _place(scratch)


class Place(StandIn):
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "2026" / "picture.png"
        write(self.path, PIXELS)
        write(directory / "another.jpg", b"\xff\xd8\xff others")
        self.path.chmod(0o640)
        self.original = PIXELS
        self.media = MediaRef(id="2026/picture.png", version=hashlib.sha256(PIXELS).hexdigest())
        self.site = site(directory)

    def snapshot(self) -> object:
        return {
            path.relative_to(self.directory): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
            for path in self.directory.rglob("*")
            if path.is_file() and path.name != MARK
        }

    def shown(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    def replace(self) -> None:
        write(self.path, b"\x89PNG\r\n\x1a\n other pixels")

    def remove(self) -> None:
        self.path.unlink()

    def say(self) -> None:
        self.settle()

    def settle(self) -> None:
        time.sleep(SETTLE_SECONDS + 0.05)

    def changes(self) -> int:
        quarantine = self.directory.with_name(self.directory.name + ".quarantine")
        return hash(tuple(sorted((path.name, path.stat().st_mtime_ns) for path in quarantine.rglob("*"))))


def write(path: Path, data: bytes) -> None:
    """Write a file as it was long ago; only its change time tells that it is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


def site(directory: Path) -> Site:
    return Site("s1", "folder", "Pictures", SiteState.ACTIVE, (), {"path": str(directory)}, Settings())


@contextmanager
def _place(scratch: Path) -> Iterator[StandIn]:
    directory = scratch / "pictures"
    directory.mkdir()
    yield Place(directory)


SAMPLE = FolderSample()
