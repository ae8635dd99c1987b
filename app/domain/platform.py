"""The one interface of an integration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.errors import PlatformRefused
from app.domain.events import Delivery, Parsed
from app.domain.media import MediaRef, Page
from app.domain.settings import SiteSettings
from app.domain.time import DAY, SECOND
from app.domain.uploaders import Sanction, SanctionOrder, UploaderMessage


class SiteState(StrEnum):
    PAIRING = "pairing"
    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


class Hold(StrEnum):
    """Why all work of a site waits: nothing, the platform asked for a pause, it does not know us any more, or it refuses the
    site as a whole."""

    NONE = ""
    ASKED = "asked"
    CREDENTIALS = "credentials"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Site:
    """One connected installation.

    `secrets` are in the clear only inside the process; the first is the newest, all are accepted. `connection` is what the
    platform itself stored when it was connected. `credentials` open the platform to us (tokens, a service account) and are
    stored encrypted. `key` is the platform's own name of the installation (a shop's domain, a bucket), unique per platform.
    `own_key` signs what we leave at the platform for ourselves: unlike the secrets, which the platform knows, it never leaves
    Picward. Before `own_key_at`, in UTC microseconds, a secret signed that; 0 for never.
    `id` is "" for an installation that proved itself and is not stored yet.
    """

    id: str
    platform: str
    name: str
    state: SiteState
    secrets: tuple[str, ...] = field(repr=False)
    connection: Mapping[str, Any] = field(default_factory=dict)
    settings: SiteSettings = field(default_factory=SiteSettings)
    key: str = ""
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    own_key: bytes = field(default=b"", repr=False)
    own_key_at: int = 0


FindSite = Callable[[str], Site | None]
"""Look a site of this platform up by the id or the key that the request claims; a removed one is found without its secrets.
Finding is no proof."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in: the site, and what to store about its connection (merged into `Site.connection`).

    `person` names who visits, for the history. `proof` is what the visit brought that can be traded for credentials.
    """

    site: Site
    name: str
    connection: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""
    proof: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ConnectField:
    """What the owner types to connect a site. A secret one is stored encrypted, among `Site.credentials`."""

    name: str
    title: str
    description: str = ""
    secret: bool = False
    optional: bool = False
    multiline: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is left to do at the platform, with the command to paste where there is one."""

    text: str
    command: str = ""


class Credentials(Protocol):
    """The credentials that platforms hand out and take back."""

    def renew(
        self, site: Site, stale: Mapping[str, Any], refresh: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Replace a site's stale credentials once, however many processes want to.

        Under the site's lock the stored ones are read again: when they are no longer `stale` they are given as they are,
        else `refresh` is called with them, and what it returns is stored in a transaction of its own, and given.
        Raise `PlatformUnavailable` when another holds the lock for too long, and what `refresh` raises.
        """


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """Hold the keys that a vendor publishes to prove its deliveries by, in its own form, and when they were fetched, in UTC
    microseconds."""

    text: str
    fetched_at: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what a platform is given once, at start-up.

    `public_url` is the address that it reaches us under, `max_image_bytes` the most that it fetches of a picture. `blurred`
    makes the small blurred WebP of a picture that may be shown in its place, b"" of what cannot be decoded within the limits:
    platforms open no picture themselves. `verification_keys` gives what `Platform.fetch_verification_keys` fetched last for a
    slug, whichever process did, and asks nobody outside; None before the first time.
    """

    public_url: str
    credentials: Credentials
    max_image_bytes: int
    blurred: Callable[[bytes], bytes]
    verification_keys: Callable[[str], VerificationKeys | None]


Deliver = Callable[[Delivery], None]
"""Hand a message in that a platform's listener received; `received_at` is filled in. It returns once the message is stored, or
can never be proven: then it may be acknowledged. It raises when it could not be stored: then the message must come again."""


class Stopping(Protocol):
    """What tells a listener to end; a `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool:
        """Sleep for so many seconds, or until the listener must end; tell whether it must."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """How the platform's own administration shows our pages inside it.

    `templates` is the folder of the pages in the platform's own style; `ancestors` are the origins that may frame them,
    `scripts` the origins that they load scripts and styles from. `values` are handed to the templates as they are.
    """

    templates: Path
    ancestors: tuple[str, ...]
    scripts: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doorstep:
    """Where a visit goes that proves nothing: on to `location`, or, when that is "", it sees the page “renew”, which
    loads the platform's own script, and that comes back with a fresh proof."""

    frame: Frame
    location: str = ""


class Platform(ABC):
    """Be a kind of place that images live in, made once per process. It holds no merchant and keeps no state about one.

    `config` is an instance of `Config`, None where there is none. An `__init__` raises ValueError when it cannot work with it.

    Every method may raise `PlatformUnavailable` (try later) or `PlatformRefused` (the owner must act) when it talks to the
    platform; `authenticate`, `parse` and `admit` never do, since they talk to nobody. An answer that cannot be read is one of a
    place that is away, as a maintenance page is: `PlatformUnavailable`.
    """

    slug: ClassVar[str]
    name: ClassVar[str]
    actions: ClassVar[frozenset[Action]]
    summary: ClassVar[str] = ""
    """One line for owners who choose where their pictures are: what is looked at there, and what hiding does."""

    Settings: ClassVar[type[SiteSettings]] = SiteSettings
    Config: ClassVar[type[Any] | None] = None
    """The operator's settings of this platform: a pydantic-settings class whose prefix is PICWARD_<SLUG>_, or None."""

    connect_fields: ClassVar[tuple[ConnectField, ...]] = ()
    """What the owner types when adding a site; () when a pairing code or the platform's own installation does it all."""

    installs_itself: ClassVar[bool] = False
    """Whether sites come by being installed at the platform, so that there is nothing to type here."""

    retry_header: ClassVar[str] = ""
    """The header of a refusal that has the platform's own script send a request of our pages again, with a fresh proof."""

    hiding: ClassVar[str] = ""
    """What hiding means there, in one or two sentences for the owner."""

    hides_parents: ClassVar[bool] = False
    """Whether HIDE is about the parent (a listing). Then one action runs at a time per parent, and when a hidden image is
    gone for good RESTORE is asked for, which gives the parent back although the image is missing."""

    uses_door: ClassVar[bool] = False
    """Whether pages at the platform ask for a site's settings, summary, history and links, proven as its webhooks are. What
    proves webhooks lies with whoever sends them, and opens nothing else where this is left out."""

    kept_headers: ClassVar[tuple[str, ...]] = ()
    """Headers, in lower case, that `parse` needs besides the body; they are stored, so that it can be read again."""

    reconcile_seconds: ClassVar[int] = DAY // SECOND
    """How often what changed is compared with what we know, a day at the most; it finds what a lost webhook missed."""

    pulse_seconds: ClassVar[int] = 0
    """How often `pulse` is wanted; 0 is never, a day the most."""

    quiet_pulse_seconds: ClassVar[int] = 0
    """How rarely a site may be pulsed where pulses find nothing to do: the interval doubles each time up to this, and is
    `pulse_seconds` again when the site sends something. 0 where the interval stays."""

    listens: ClassVar[bool] = False
    """Whether `listen` is wanted: by one worker at a time for each site, from its connection to its end."""

    tells_uploaders: ClassVar[bool] = False
    """Whether `tell` reaches who uploaded a picture."""

    sanctions: ClassVar[frozenset[Sanction]] = frozenset()
    """What `sanction` can do about an uploader. Whatever can be ordered can be LIFTed."""

    accepts_submissions: ClassVar[bool] = False
    """Whether an application hands pictures in itself, through our own interface, and holds no others that could be listed."""

    verification_keys_seconds: ClassVar[int] = 0
    """How often the keys that the vendor publishes to prove its deliveries by are fetched while a site is connected; 0 where
    there are none."""

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self.config = config
        self.surroundings = surroundings

    @abstractmethod
    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        """Prove that these exact bytes come from a site, and return it. Raise nothing but `DeliveryRefused`."""

    def fetch_verification_keys(self) -> str:
        """Fetch the keys that the vendor publishes, for `Surroundings.verification_keys`: the clock calls it, and never a
        delivery, since nothing that is not proven yet may have us call out."""
        return ""

    @abstractmethod
    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        """Read an authenticated delivery; pure. Raise nothing but `DeliveryUnreadable`."""

    @abstractmethod
    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        """Admit an installation, or one of its administrators, that arrives. Raise nothing but `DeliveryRefused`."""

    def settle(self, admission: Admission) -> Mapping[str, Any]:
        """Trade an admission's proof for credentials that last, by asking the platform; {} when there are none."""
        return {}

    def key_of(self, connection: Mapping[str, Any]) -> str:
        """Derive the key of a site whose connection the owner typed."""
        return ""

    def steps(self, site: Site) -> tuple[Step, ...]:
        """List what is left to do at the platform once the site is connected."""
        return ()

    def frame(self, site: Site) -> Frame | None:
        """Describe how the platform shows our pages inside its own, if it does."""
        return None

    def doorstep(self, visit: Delivery) -> Doorstep | None:
        """Describe how a visit from inside the platform, its proof missing or too old, gets a fresh one; None if it cannot.

        It is not proven: nothing that it claims may be used before its form was checked.
        """
        return None

    @abstractmethod
    def scan(self, site: Site, cursor: str = "") -> Page:
        """List the images that are there now, one page after `cursor`, in an order that does not shift under uploads."""

    def changed(self, site: Site, since: int, cursor: str = "") -> Page:
        """List the images that may have changed since then, in UTC microseconds; everything, where that cannot be told.

        It never waits: a page has no `wait_seconds`.
        """
        return self.scan(site, cursor)

    def estimate(self, site: Site) -> str:
        """Estimate in one line what a scan of everything costs at the platform, before it begins; "" when nothing."""
        return ""

    @abstractmethod
    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        """Open exactly this version's bytes, at most `max_image_bytes` of them.

        Raise `MediaGone` when they changed, `MediaSkipped` when they are plainly no image.
        """

    @abstractmethod
    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        """Make the action true there; doing it twice is doing it once.

        Raise `MediaGone` when the platform itself says that the version is gone; a 404 of something in front of it does not
        say so. Raise `PlatformRefused` for an action that is not among `actions`.
        """

    @abstractmethod
    def check(self, site: Site) -> str:
        """Prove that the connection works, changing nothing; return one line for the owner about what was found."""

    def pulse(self, site: Site) -> float | None:
        """Run work that is due at the platform, such as sending waiting events; called every `pulse_seconds`.

        Return the seconds until the next one is wanted, or None when nothing was to be done: see `quiet_pulse_seconds`.
        """
        return None

    def listen(self, site: Site, deliver: Deliver, stopping: Stopping) -> None:
        """Receive what the platform has to say, over a connection that is held or by asking again and again, until `stopping`.

        Each message becomes a `Delivery`, which is authenticated and parsed as any other, and is acknowledged after `deliver`
        has returned, never before: a worker may die at any moment, and a message may come twice. It ends within a second of
        `stopping`, so it sleeps by `stopping.wait`. Returning earlier has it called again; what it raises, a little later.
        """
        raise PlatformRefused(f"{self.name} is not listened to.")

    def tell(self, site: Site, message: UploaderMessage) -> None:
        """Show a message to who uploaded a picture; twice is once. Raise `PlatformRefused` where `tells_uploaders` is False."""
        raise PlatformRefused(f"{self.name} has no way to tell people who upload.")

    def sanction(self, site: Site, order: SanctionOrder) -> Receipt:
        """Make a sanction of an uploader true there; twice is once. Raise `PlatformRefused` for what is not among `sanctions`."""
        raise PlatformRefused(f"{self.name} can do nothing about people who upload.")

    def settings_changed(self, site: Site) -> None:
        """Hand the platform the copy of its settings that it must know while we are away."""
