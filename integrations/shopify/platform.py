"""Shopify as a place that images live in: one app that every shop installs, and one token for each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO, ClassVar, cast
from urllib.parse import urlsplit

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.errors import DeliveryRefused, MediaGone, PlatformRefused, PlatformUnavailable
from app.domain.events import Delivery, ErasureWanted, Noted, Parsed, SiteRemoved
from app.domain.media import MediaRef, Page
from app.domain.platform import (
    Admission,
    Doorstep,
    FindSite,
    Frame,
    Platform,
    Site,
    SiteState,
    Step,
    Surroundings,
)
from app.domain.settings import SiteSettings
from app.domain.time import DAY, HOUR, SECOND, utc
from integrations.kit.http import Session
from integrations.shopify import auth, frame, gallery, listing, mark, scopes, subscriptions, webhooks
from integrations.shopify.api import Admin, understood
from integrations.shopify.brake import Brake
from integrations.shopify.bulk import Listings
from integrations.shopify.config import Config as ShopifyConfig
from integrations.shopify.hiding import WriteBack
from integrations.shopify.media import PENDING, image_gid, product_id, version_of
from integrations.shopify.refusals import AGAIN_SECONDS
from integrations.shopify.settings import Settings

RENDITION_PIXELS = 1_024
"""How large a copy is fetched, in pixels of its longer side: NudeNet looks at 320, PDQ at 512; twice that keeps small
regions readable, and is a tenth of a large photo's bytes."""

RECONCILE_SECONDS = HOUR // SECOND
"""Shopify gives a webhook up after 4 hours and may send it a day late; one search an hour costs some 50 points."""

KEEP_ALIVE_DAYS = 30
"""How old a pair of tokens may become in a quiet shop: its refresh token dies after 90 days without use, so two may fail."""

WARN_DAYS = 60
"""How long before Shopify ends the API version it is told: a release of Picward's is no further away."""

PULSE_SECONDS = 21_600
"""How often that age is looked at, and whether the shop's webhooks are subscribed, which costs some points."""

_NO_PRODUCT = "gid://shopify/Product/0"


class Shopify(Platform):
    slug: ClassVar[str] = "shopify"
    name: ClassVar[str] = "Shopify"
    actions: ClassVar[frozenset[Action]] = frozenset(Action)
    summary: ClassVar[str] = "Looks at product images. Hiding takes the listing from shoppers, and gives it back as it was."
    hiding: ClassVar[str] = (
        "A listing with a blocked picture is set to draft, taken out of sales channels, or loses that picture, as you choose. "
        "It comes back as it was, and what you change in Shopify yourself is left as you want it."
    )
    Settings: ClassVar[type[SiteSettings]] = Settings
    Config: ClassVar[type[Any] | None] = ShopifyConfig
    installs_itself: ClassVar[bool] = True
    hides_parents: ClassVar[bool] = True
    kept_headers: ClassVar[tuple[str, ...]] = webhooks.KEPT_HEADERS
    reconcile_seconds: ClassVar[int] = RECONCILE_SECONDS
    pulse_seconds: ClassVar[int] = PULSE_SECONDS
    retry_header: ClassVar[str] = frame.RETRY_HEADER

    def __init__(self, config: ShopifyConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        problem = config.problem()
        if problem:
            raise ValueError(problem)
        # Without the extra nobody could be let in, so that nothing else is offered either; `check` says why.
        self._config = config if auth.installed() else config.without_app()
        self._brake = Brake()
        self._listings = Listings()

    # --- who comes in

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        self._insist_on_an_app()
        return self._known(webhooks.verify(delivery, self._config.secrets), find)

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        events = webhooks.events(delivery, cast(Settings, site.settings))
        if SiteRemoved() in events and webhooks.overtaken(delivery, site.credentials.get("obtained_at")):
            events = (Noted("shopify.uninstalled", "The app was uninstalled, and installed again before Shopify told of it"),)
        if ErasureWanted(whole_site=True) in events and webhooks.installed_since(delivery, site.credentials.get("obtained_at")):
            events = (Noted("shopify.redact", "Shopify asked to erase the shop, which has installed the app again: nothing was"),)
        return Parsed(webhooks.delivery_id(delivery), events, personal=webhooks.personal(delivery))

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        self._insist_on_an_app()
        visitor = auth.visitor(self._config, visit)
        site = self._known(visitor.shop, find)
        if site.state is SiteState.ACTIVE and not _renewable(site):
            # Its tokens are dead, and this visit brings what gives new ones: connect it again.
            site = replace(site, state=SiteState.PAIRING)
        name = site.name if site.id else visitor.shop
        return Admission(site, name, {"shop": visitor.shop}, person=f"Shopify user {visitor.user}", proof=visitor.token)

    def settle(self, admission: Admission) -> Mapping[str, Any]:
        return auth.Tokens(self._config).exchange(admission.site.key, admission.proof)

    def _insist_on_an_app(self) -> None:
        if not self._config.complete:
            raise DeliveryRefused("No Shopify app is configured.")

    def _known(self, shop: str, find: FindSite) -> Site:
        site = find(shop)
        if site is None:
            return Site("", self.slug, shop, SiteState.PAIRING, (), settings=Settings(), key=shop)
        if site.key != shop or site.platform != self.slug:
            raise DeliveryRefused("The shop is not the one that was found.")
        return site

    # --- pages and words

    def frame(self, site: Site) -> Frame | None:
        if not auth.is_shop(site.key):
            return None
        framed = frame.frame(site.key, self._config.client_id)
        return replace(framed, values={**framed.values, "missing_scopes": " ".join(_missing(site))})

    def doorstep(self, visit: Delivery) -> Doorstep | None:
        return frame.doorstep(visit, self._config.client_id) if self._config.complete else None

    def steps(self, site: Site) -> tuple[Step, ...]:
        if not _renewable(site):
            return (Step(f"The shop's token is missing. {auth.REOPEN}"),)
        missing = _missing(site)
        said = [scopes.ask_for(missing)] if missing else []
        ends = self._config.version_ends
        if utc(time.time_ns() // 1_000) > ends - timedelta(days=WARN_DAYS):
            said.append(_VERSION_ENDS.format(version=self._config.api_version, day=ends.date()))
        return tuple(map(Step, said))

    def settings_changed(self, site: Site) -> None:
        """Make sure that what was chosen is permitted; a permission that was just granted comes with a new token."""
        if _missing(site):
            self._admin(site).require(*scopes.needed(cast(Settings, site.settings)))

    def estimate(self, site: Site) -> str:
        return (
            "Shopify lists the whole catalogue in the background, by one bulk operation. Checking 1,000 new pictures then takes "
            "half a minute of what the shop lets an app do, and new uploads go first."
        )

    def check(self, site: Site) -> str:
        admin = self._admin(site)
        with understood():
            data = admin.ask("installation")
            shop = data.object("shop")
            plan = shop.object("plan").label("publicDisplayName")
            name, domain = shop.text("name", 200), shop.text("myshopifyDomain", 100)
            rows = data.object("currentAppInstallation").items("accessScopes", 500)
            granted = frozenset(row.text("handle", 100) for row in rows)
        if domain != site.key:
            raise PlatformRefused(f"The token is another shop's, {domain}'s. Install the app again.")
        settings = cast(Settings, site.settings)
        if missing := scopes.missing(granted, Settings()):
            raise PlatformRefused(scopes.ask_for(missing))
        line = f"{' '.join(name.split())}, Shopify plan {plan}, API {self._config.api_version}"
        if admin.version and admin.version != self._config.api_version:
            line += f" (Shopify answers with {admin.version}: set PICWARD_SHOPIFY_API_VERSION to a version that it supports)"
        if missing := scopes.missing(granted, settings):
            line += f". {scopes.ask_for(missing)}"
        return line

    def pulse(self, site: Site) -> float | None:
        obtained = site.credentials.get("obtained_at")
        age = time.time_ns() // 1_000 - (obtained if isinstance(obtained, int) else 0)
        if not _renewable(site):
            return None
        admin = self._admin(site)
        if age > KEEP_ALIVE_DAYS * DAY:
            admin.renew()
        if self._config.subscribes and urlsplit(self.surroundings.public_url).scheme == "https":
            subscriptions.ensure(admin, f"{self.surroundings.public_url.rstrip('/')}/webhooks/{self.slug}")
        return None

    # --- images

    def scan(self, site: Site, cursor: str = "") -> Page:
        return listing.scan(self._admin(site), cursor, cast(Settings, site.settings).judge_drafts, self._listings)

    def changed(self, site: Site, since: int, cursor: str = "") -> Page:
        return listing.changed(self._admin(site), since, cursor, cast(Settings, site.settings))

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        admin, gid = self._admin(site), image_gid(media.id)
        with understood():
            product = product_id(media.parent) if media.parent else ""
            data = admin.ask("picture", media=gid, product=product or _NO_PRODUCT, listed=bool(product), pixels=RENDITION_PIXELS)
            if product and "product" not in data:
                raise MediaGone("The product is no longer in the shop.")
            if "picture" not in data or "status" not in (picture := data.object("picture")):
                raise MediaGone("The picture is no longer in the shop.")
            if picture.text("status", 20) == "FAILED":
                raise MediaGone("Shopify could not process the picture.")
            if "image" not in picture:
                raise PlatformUnavailable("Shopify still processes the picture.", AGAIN_SECONDS)
            image = picture.object("image")
            source, rendition = image.text("url", 2_000), image.text("rendition", 2_000)
            version = version_of(source)
            node = data.object("product") if product else None
            value = node.object("decision").text("value", 1_000_000, default="") if node and "decision" in node else ""
        if version != media.version:
            said = "Shopify has processed the picture." if media.version == PENDING else "The picture has other bytes now."
            raise MediaGone(said, now=replace(media, version=version, source=source))
        held = mark.read(value)
        if value and (held.product != product or mark.parts_of(value)):
            held = self._write_back(site).own_mark(media)
        # A picture can leave its product and stay a file. Only while it hides the product does that make a difference.
        if held.hidden is not None and gid not in held.detached and not gallery.holds(admin, product, gid):
            raise MediaGone("The picture is no longer part of the product.")
        return self._download(source if cast(Settings, site.settings).original_bytes else rendition)

    def _download(self, url: str) -> BinaryIO:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if host not in self._config.hosts or not (parts.scheme == "https" or self._config.private_network):
            raise PlatformRefused(f"Shopify keeps the picture at {host[:100]}, which PICWARD_SHOPIFY_CDN_HOSTS does not name.")
        return Session(self._config.private_network).open_bytes("GET", url, limit=self.surroundings.max_image_bytes)

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        if not enforcement.media.parent:
            raise PlatformRefused("The picture belongs to no product.")
        return self._write_back(site).apply(enforcement)

    def _write_back(self, site: Site) -> WriteBack:
        return WriteBack(self._admin(site), cast(Settings, site.settings), self._brake)

    def _admin(self, site: Site) -> Admin:
        if not self._config.complete:
            raise PlatformRefused(_UNCONFIGURED if auth.installed() else _UNINSTALLED)
        return Admin(self._config, self.surroundings.credentials, site)


_UNCONFIGURED = (
    "No Shopify app is configured: set PICWARD_SHOPIFY_CLIENT_ID and PICWARD_SHOPIFY_CLIENT_SECRET. Where they come from is "
    "told in docs/platforms/shopify.md."
)
_VERSION_ENDS = (
    "Shopify supports version {version} of its API until {day}. Before that, bring Picward up to date, or set "
    "PICWARD_SHOPIFY_API_VERSION to a later version."
)
_UNINSTALLED = "Shopify's own package is missing. Install Picward with it: make install WITH=shopify"


def _missing(site: Site) -> tuple[str, ...]:
    """Name the permissions that a shop's settings need and its token does not have."""
    return scopes.missing(scopes.of_token(site.credentials.get("scope")), cast(Settings, site.settings))


def _renewable(site: Site) -> bool:
    ends = site.credentials.get("refresh_expires_at")
    alive = not isinstance(ends, int) or ends > time.time_ns() // 1_000
    return bool(site.credentials.get("refresh_token")) and alive
