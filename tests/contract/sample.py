"""What a platform shows of itself so that the contract suite can hold it to its interface.

Each platform has `tests/integrations/<slug>/contract.py` with `SAMPLE`, an instance of a subclass of `Sample`; another
distribution names its own by the entry point `picward.samples`. What a platform cannot do is declared there (`webhooks`,
`remote`); the suite knows no slug.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from app.domain.decisions import Action, Enforcement, Verdict
from app.domain.events import Delivery, Event
from app.domain.media import MediaRef
from app.domain.platform import Platform, Site
from tests.support.surroundings import made


@dataclass(frozen=True, slots=True)
class Scripted:
    """Be an answer that the stand-in gives in the place of its own, to every request from now on."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class StandIn(ABC):
    """Be a place with one picture in it that acts as the real platform does."""

    site: Site
    media: MediaRef
    original: bytes

    @abstractmethod
    def snapshot(self) -> object:
        """Give everything that must be the same after HIDE and RESTORE."""

    @abstractmethod
    def shown(self) -> bytes | None:
        """Give what the public gets to see at the picture's address, None when nothing."""

    @abstractmethod
    def replace(self) -> None:
        """Put other bytes in the picture's place, as its author can."""

    @abstractmethod
    def remove(self) -> None:
        """Delete the picture, as its author can."""

    @abstractmethod
    def changes(self) -> int:
        """Count how often something was changed by enforcements."""

    def settle(self) -> None:
        """Wait until what was just changed there is no longer taken for half written."""

    def script(self, answer: Scripted | None) -> None:
        raise NotImplementedError

    def say(self) -> None:
        """Have the place tell those who listen to it of the picture."""
        raise NotImplementedError

    def said(self, uploader: str) -> list[str]:
        """Give what this uploader was told there."""
        raise NotImplementedError

    def suspended(self, uploader: str) -> bool:
        """Tell whether this uploader is kept from uploading there."""
        raise NotImplementedError


class Sample(ABC):
    slug: ClassVar[str]
    webhooks: ClassVar[bool] = True
    """Whether the platform sends deliveries at all."""

    proves_bytes: ClassVar[bool] = True
    """Whether a signature covers the body; a token in a header proves who sends, and https alone keeps what is sent."""

    timestamped: ClassVar[bool] = True
    """Whether what is signed holds the time, so that an old delivery can be refused."""

    site_secrets: ClassVar[bool] = True
    """Whether each site has a signing secret of its own; else the operator's secret signs for all."""

    welcomes: ClassVar[bool] = False
    """Whether a proven installation that is not stored yet is let in as a newcomer."""

    sha256_versions: ClassVar[bool] = True
    """Whether a version is the sha256 of the bytes."""

    tells_when: ClassVar[bool] = True
    """Whether a Retry-After of the platform reaches us; a vendor's library may keep it to itself."""

    compares_orders: ClassVar[bool] = False
    """Whether what carries an order out there knows the number of the last one, and does nothing for an older one."""

    private_networks: ClassVar[bool] = True
    """Whether a site may be on the owner's own network, by its settings."""

    remote: ClassVar[bool] = True
    """Whether it is called over HTTP, so that it can answer 429 and 500."""

    now: ClassVar[int] = 0
    """When the recorded requests were made, in Unix seconds."""

    secrets: ClassVar[tuple[str, ...]] = ()
    """What must never turn up in a log or an error."""

    def made(self, platform: type[Platform], **over: Any) -> Platform:
        """Make the platform as an operator would have configured it; `over` are surroundings, see `surroundings`."""
        return made(platform, **over)

    def recordings(self) -> Mapping[str, Delivery]:
        """Read the recorded deliveries, by name, as received a second after they were sent."""
        return {path.stem: read_http(path, self.now + 1) for path in sorted(self.folder.glob("*.http"))}

    @property
    def folder(self) -> Path:
        return Path(inspect.getfile(type(self))).parent / "recorded"

    @property
    def events(self) -> Mapping[str, tuple[Event, ...]]:
        """Give the events that each recorded delivery says; the others are visits."""
        return {}

    def site(self, **over: Any) -> Site:
        raise NotImplementedError

    def signed(
        self, delivery: Delivery, *, secret: str | None = None, at: int | None = None, body: bytes | None = None
    ) -> Delivery:
        """Sign a recorded delivery again, as a retry with the same id."""
        raise NotImplementedError

    def signature_headers(self) -> tuple[str, ...]:
        """Name the headers without which a delivery proves nothing."""
        return ()

    def with_dead_credentials(self, site: Site) -> Site:
        """Give the site with credentials that the place no longer accepts."""
        return replace(site, secrets=(self.secrets[-1],))

    @abstractmethod
    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]: ...


def read_http(path: Path, received_at: int) -> Delivery:
    """Read a raw recorded request: request line, headers, an empty line, and the body to the last byte."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    request, *lines = head.decode("ascii").splitlines()
    method, target, _ = request.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Delivery(method, target, headers, body, received_at * 1_000_000)


def enforcement(action: Action, media: MediaRef, undo: Mapping[str, Any] | None = None, id: int = 1) -> Enforcement:
    verdict = Verdict.ALLOW if action is Action.RESTORE else Verdict.BLOCK
    return Enforcement(id, action, media, media.version, verdict, undo=undo, decided_at=1_795_348_800_000_000)


def finder(*sites: Site) -> Any:
    return {claimed: site for site in sites for claimed in (site.id, site.key) if claimed}.get
