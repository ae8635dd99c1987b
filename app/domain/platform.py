"""The one interface of an integration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, ClassVar

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.events import Delivery, Parsed
from app.domain.media import MediaRef, Page
from app.domain.settings import SiteSettings


class SiteState(StrEnum):
    PAIRING = "pairing"
    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Site:
    """Hold one connected installation.

    `secrets` are in the clear only inside the process; the first is the newest, all are accepted. `connection` is what the
    platform itself stored when it was connected.
    """

    id: str
    platform: str
    name: str
    state: SiteState
    secrets: tuple[str, ...] = field(repr=False)
    connection: Mapping[str, Any] = field(default_factory=dict)
    settings: SiteSettings = field(default_factory=SiteSettings)


FindSite = Callable[[str], Site | None]
"""Look a site of this platform up by the id that the request claims. Finding is no proof."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Say who was let in: the site, and what to store about its connection (merged into `Site.connection`)."""

    site: Site
    name: str
    connection: Mapping[str, Any] = field(default_factory=dict)


class Platform(ABC):
    """Be a kind of place that images live in. It holds no merchant and keeps no state about one.

    Every method may raise `PlatformUnavailable` (try later) or `PlatformRefused` (the owner must act) when it talks to the
    platform; `authenticate`, `parse` and `admit` never do, since they talk to nobody.
    """

    slug: ClassVar[str]
    name: ClassVar[str]
    actions: ClassVar[frozenset[Action]]
    Settings: ClassVar[type[SiteSettings]] = SiteSettings
    Config: ClassVar[type[Any] | None] = None
    """The operator's settings of this platform: a pydantic-settings class whose prefix is PICWARD_<SLUG>_, or None."""

    connect_fields: ClassVar[tuple[str, ...]] = ()
    """Names of `Site.connection` entries that the owner types when adding a site; () when a pairing code does it all."""

    reconcile_seconds: ClassVar[int] = 86_400
    """How often the whole listing is compared with what we know; it finds what a lost webhook missed."""

    pulse_seconds: ClassVar[int] = 0
    """How often `pulse` is wanted; 0 is never."""

    @abstractmethod
    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        """Prove that these exact bytes come from a site, and return it. Raise nothing but `DeliveryRefused`."""

    @abstractmethod
    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        """Read an authenticated delivery; pure. Raise nothing but `DeliveryUnreadable`."""

    @abstractmethod
    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        """Let in an installation that arrives to be connected. Raise nothing but `DeliveryRefused`."""

    @abstractmethod
    def scan(self, site: Site, cursor: str = "") -> Page:
        """List the images that are there now, one page after `cursor`, in an order that does not shift under uploads."""

    @abstractmethod
    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        """Open exactly this version's bytes, at most `max_image_bytes` of them. Raise `MediaGone` when they changed."""

    @abstractmethod
    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        """Make the action true there; doing it twice is doing it once. Raise `MediaGone` when the version is gone."""

    @abstractmethod
    def check(self, site: Site) -> str:
        """Prove that the connection works, changing nothing; return one line for the owner about what was found."""

    def pulse(self, site: Site) -> None:
        """Let the platform do work that is due there, such as sending waiting events; called every `pulse_seconds`."""

    def settings_changed(self, site: Site) -> None:
        """Hand the platform the copy of its settings that it must know while we are away."""
