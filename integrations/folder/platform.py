"""A directory on this machine as a place that images live in."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import heapq
import hmac
import io
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.errors import DeliveryRefused, MediaGone, MediaUnreadable, PlatformClosed, PlatformRefused, PlatformUnavailable
from app.domain.events import ChangesSeen, Delivery, Parsed
from app.domain.media import MediaRef, Page
from app.domain.platform import (
    Admission,
    ConnectField,
    Deliver,
    FindSite,
    Platform,
    Site,
    SiteState,
    Stopping,
    Surroundings,
)
from app.domain.settings import SiteSettings
from integrations.folder import home, orders, tree
from integrations.folder.quarantine import SUFFIX, existing_quarantine, name_of, opened_quarantine
from integrations.folder.settings import Settings
from integrations.kit.untrusted import read_json

LOOK_SECONDS = 2
"""How often the directory is looked at: a look costs a stat for each file."""

PAGE_SIZE = 2_000
"""How many pictures one listing gives; below it, large directories are listed too often from their start."""


_SAID = "{} cannot be used now: {}."


class Folder(Platform):
    slug: ClassVar[str] = "folder"
    name: ClassVar[str] = "Folder"
    summary: ClassVar[str] = "Watches a directory of this machine. Hiding moves a picture into a quarantine beside it."
    actions: ClassVar[frozenset[Action]] = frozenset({Action.HIDE, Action.RESTORE, Action.DELETE})
    hiding: ClassVar[str] = (
        "A hidden picture is moved out of the directory into a quarantine beside it, with its name and time. "
        "Restoring moves it back, unless another file took its place."
    )
    Settings: ClassVar[type[SiteSettings]] = Settings
    connect_fields: ClassVar[tuple[ConnectField, ...]] = (
        ConnectField("path", "Path", "The directory on this machine, such as /srv/pictures."),
    )
    listens: ClassVar[bool] = True

    def __init__(self, config: None, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._digests = tree.Digests()

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        """Prove that `listen` made this: its key never leaves Picward, so that nobody else can."""
        claimed = delivery.headers.get(_SITE, "")
        site = find(claimed) if claimed else None
        proof = _proof(site, delivery.body) if site is not None else ""
        if site is None or site.id != claimed or not proof or not _same(proof, delivery.headers.get(_PROOF, "")):
            raise DeliveryRefused("A directory sends nothing from outside.")
        if site.state not in (SiteState.ACTIVE, SiteState.PAUSED):
            raise DeliveryRefused("The directory is not watched.")
        return site

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        raise DeliveryRefused("A directory sends nothing.")

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        return Parsed(read_json(delivery.body).text("id", 64), (ChangesSeen(),))

    def listen(self, site: Site, deliver: Deliver, stopping: Stopping) -> None:
        told = ""
        while not stopping.is_set():
            seen = self._look(site, stopping)
            if seen and seen != told:
                deliver(_message(site))
                told = seen
            stopping.wait(LOOK_SECONDS)

    def _look(self, site: Site, stopping: Stopping) -> str:
        """Give a digest of which pictures are there, in which versions; "" when it had to stop."""
        state = hashlib.sha256()
        with _opened(site) as (root, path):
            for found in self._found(root, path, ()):
                if stopping.is_set():
                    return ""
                state.update(b"/".join(found.parts) + b"\0" + found.sha256.encode() + b"\0")
        return state.hexdigest()

    def scan(self, site: Site, cursor: str = "") -> Page:
        after = tree.parts_of(cursor) if cursor else ()
        media: list[MediaRef] = []
        with _opened(site) as (root, path):
            for found in self._found(root, path, after):
                if len(media) == PAGE_SIZE:
                    return Page(tuple(media), media[-1].id)
                media.append(_media(found))
        return Page(tuple(media))

    def _found(self, root: int, path: Path, after: tree.Parts) -> Iterator[tree.Found]:
        seen: tree.Parts = ()
        shown = tree.walk(root, self._digests, time.time(), after)
        for found in heapq.merge(shown, _hidden(root, path, after), key=lambda found: found.parts):
            # What was hidden and then written anew at the same place counts as what is there now.
            if found.parts != seen:
                seen = found.parts
                yield found

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        parts = tree.parts_of(media.id)
        with _opened(site) as (root, path):
            try:
                with tree.parent(root, parts) as directory, tree.opened(directory, parts[-1]) as fd:
                    data = self._read(fd, media)
            except OSError as error:
                if error.errno not in tree.ABSENT:
                    raise
                data = None
            if data is None:
                data = self._hidden(root, path, media)
        if data is None:
            raise MediaGone("The picture was changed or removed.")
        return io.BytesIO(data)

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        if enforcement.action not in self.actions:
            raise PlatformRefused(f"A directory cannot {enforcement.action}.")
        media = enforcement.media
        with _opened(site) as (root, path), opened_quarantine(root, path) as quarantine:
            if quarantine.is_overtaken(name_of(media), enforcement):
                return Receipt(drifted=orders.OVERTAKEN)
            if enforcement.action is Action.HIDE:
                return Receipt(quarantine.take(media))
            if enforcement.action is Action.RESTORE:
                return Receipt(drifted=quarantine.give_back(media, name_of(media)))
            # Through the quarantine: so only this very version is removed, and never a file that took its place.
            with contextlib.suppress(MediaGone):
                quarantine.take(media)
            quarantine.forget(name_of(media))
            return Receipt()

    def check(self, site: Site) -> str:
        try:
            with _opened(site, connecting=True) as (_, path):
                place = path.with_name(path.name + SUFFIX)
                if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                    raise PlatformRefused(f"{path} cannot be read and written.")
                if not os.access(place if place.exists() else path.parent, os.R_OK | os.W_OK | os.X_OK):
                    raise PlatformRefused(f"The quarantine {place} cannot be made or written.")
                return f"{path} can be read and written, its quarantine is {place}"
        except PlatformUnavailable as error:
            raise PlatformRefused(str(error)) from None

    def _hidden(self, root: int, path: Path, media: MediaRef) -> bytes | None:
        """Read a picture out of the quarantine, so that a hidden one can be judged again."""
        with existing_quarantine(root, path) as quarantine:
            name = name_of(media)
            if quarantine is None or not quarantine.holds(name):
                return None
            fd = quarantine.open(name)
            try:
                return self._read(fd, media)
            finally:
                os.close(fd)

    def _read(self, fd: int, media: MediaRef) -> bytes | None:
        """Read a whole file, None when it is another version; one that is being written to is neither."""
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > self.surroundings.max_image_bytes:
            raise MediaUnreadable(f"The picture is larger than {self.surroundings.max_image_bytes} bytes.")
        data = os.pread(fd, self.surroundings.max_image_bytes + 1, 0)
        return data if hashlib.sha256(data).hexdigest() == media.version else None


_SITE, _PROOF = "picward-site", "picward-proof"


def _message(site: Site) -> Delivery:
    body = json.dumps({"id": secrets.token_hex(16)}).encode()
    return Delivery("POST", "/", {_SITE: site.id, _PROOF: _proof(site, body)}, body, 0)


def _proof(site: Site, body: bytes) -> str:
    return hmac.new(site.own_key, site.id.encode() + b"\n" + body, hashlib.sha256).hexdigest() if site.own_key else ""


def _same(proof: str, given: str) -> bool:
    return hmac.compare_digest(proof.encode(), given.encode(errors="replace"))


@contextlib.contextmanager
def _opened(site: Site, *, connecting: bool = False) -> Iterator[tuple[int, Path]]:
    """Open a site's directory. Raise `PlatformClosed` when it is away as a whole, since its disk may come back.

    Connecting takes what is there for the right one; after that an empty directory in its place is its absence. Operating
    system errors inside are about one file and become `PlatformUnavailable`.
    """
    typed = site.connection.get("path")
    if not isinstance(typed, str) or not typed or "\x00" in typed or not Path(typed).is_absolute():
        raise PlatformRefused("The path of the directory must start with “/”.")
    with contextlib.ExitStack() as stack:
        try:
            path = _resolved(typed)
            if path == Path(path.anchor):
                raise PlatformRefused("The whole machine cannot be watched: choose a directory.")
            root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, root)
            home.mark(root) if connecting else home.make_sure(root, path)
        except OSError as error:
            raise PlatformClosed(_SAID.format(typed, error.strerror)) from None
        try:
            yield root, path
        except OSError as error:
            raise PlatformUnavailable(_SAID.format(typed, error.strerror)) from None


def _resolved(typed: str) -> Path:
    try:
        return Path(typed).resolve(strict=True)
    except RuntimeError:  # what Python before 3.13 makes of ELOOP
        raise OSError(errno.ELOOP, "a loop of symbolic links") from None


def _hidden(root: int, path: Path, after: tree.Parts) -> Iterator[tree.Found]:
    """List what is in the quarantine, by name: hidden pictures are still the directory's, they are only not shown."""
    with existing_quarantine(root, path) as quarantine:
        journals = list(quarantine.journals()) if quarantine is not None else []
    # Several versions of one picture may be hidden; the last one counts.
    journals.sort(key=lambda journal: journal.hidden_ns, reverse=True)
    found = (tree.Found(tree.parts_of(journal.id), journal.version) for journal in journals)
    yield from sorted((one for one in found if one.parts > after), key=lambda one: one.parts)


def _media(found: tree.Found) -> MediaRef:
    id = tree.id_of(found.parts)
    folder, _, name = id.rpartition("/")
    context = {"file": (name,), "folder": (folder,)} if folder else {"file": (name,)}
    return MediaRef(id=id, version=found.sha256, source=id, context=context)
