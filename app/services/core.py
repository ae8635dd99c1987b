"""What every use case works with. The wiring makes one per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.db.engine import Database
from app.domain.detector import Judge
from app.domain.errors import PlatformUnknown
from app.domain.media import Region
from app.domain.platform import Platform
from app.domain.ports import Keeper, Mail, Vault, Webhook


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's limits that use cases need; `app.config` declares and explains them."""

    lease_seconds: int
    max_image_bytes: int
    delivery_days: int
    enforce_hours: int
    fetch_hours: int
    idle_hours: int


@dataclass(frozen=True, slots=True)
class Core:
    """One process's database, platforms, judge, clock and limits.

    `judge` makes no session of a model before bytes are looked at, and a web process looks at none. `wake` hints to workers that
    something is due; losing a hint costs a second, never an item.
    """

    db: Database
    vault: Vault
    credentials: Keeper
    platforms: Mapping[str, Platform]
    judge: Callable[[], Judge]
    now: Callable[[], int]
    wake: Callable[[], None]
    limits: Limits
    public_url: str
    crop_preview: Callable[[bytes, Region], bytes]
    """Cut a region out of one of our own previews, both WebP, with some of what is around it."""

    send_mail: Callable[[Mail], None] | None = None
    """None where the operator named no mail server. It raises `PlatformUnavailable` and `PlatformRefused`."""

    call_webhook: Webhook | None = None
    fetch_url: Callable[[str], bytes] | None = None
    """Fetch a picture from a public web address; it raises `PlatformUnavailable`, `PlatformRefused`, `MediaUnreadable`."""

    def platform(self, slug: str) -> Platform:
        try:
            return self.platforms[slug]
        except KeyError:
            raise PlatformUnknown(f"There is no platform called “{slug}” here.") from None
