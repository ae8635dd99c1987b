"""What Shopify shows to the contract suite. The recorded requests were signed with the app's secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from app.domain.events import (
    Delivery,
    ErasureWanted,
    Event,
    MediaUploaded,
    Noted,
    ParentDeleted,
    ParentSeen,
    ParentShown,
    ScanAdvanced,
    SiteRemoved,
)
from app.domain.media import MediaRef
from app.domain.platform import Platform, Site, SiteState
from integrations.shopify import PLATFORM
from integrations.shopify.config import Config
from integrations.shopify.media import media_id
from integrations.shopify.platform import RENDITION_PIXELS
from integrations.shopify.settings import Settings
from tests.contract.sample import Sample, Scripted, StandIn
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Media, Product, Shop, Shopify, picture
from tests.integrations.shopify.stand_in.cdn import rendition
from tests.support.surroundings import made

NOW = 1_795_348_800  # 2026-11-22T12:00:00Z
SHOP = "one.myshopify.com"
PRODUCT = "gid://shopify/Product/8052109115620"


class Pocket:
    """Keep credentials as the core does: one renewal at a time, and nothing that another has renewed already."""

    def __init__(self) -> None:
        self.held: dict[str, Mapping[str, Any]] = {}
        self.renewals = 0
        self._lock = threading.Lock()

    def renew(
        self, site: Site, stale: Mapping[str, Any], refresh: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        with self._lock:
            current = self.held.get(site.id, stale)
            if dict(current) != dict(stale):
                return current
            self.held[site.id] = refresh(current)
            self.renewals += 1
            return self.held[site.id]


_origins = {"now": "http://127.0.0.1:9/{shop}"}


class DoubledConfig(Config):
    """Lead to the stand-in that runs now; a platform is configured before it is started."""

    @property
    def private_network(self) -> bool:
        return True

    def origin(self, shop: str) -> str:
        return _origins["now"].format(shop=shop)


def installed(pocket: Pocket | None = None, around: Mapping[str, Any] | None = None, **over: Any) -> Any:
    """Make the platform with the stand-in's app, and whatever else an operator sets; `around` are surroundings."""
    config = DoubledConfig(**{"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "cdn_hosts": "127.0.0.1", **over})
    return made(PLATFORM, config, credentials=pocket or Pocket(), **(around or {}))


@contextmanager
def shopify(**how: Any) -> Iterator[Shopify]:
    """Run a stand-in that configured platforms find."""
    with Shopify(**how) as running:
        _origins["now"] = running.origin
        yield running


def credentials(shop: Shop, **over: Any) -> dict[str, Any]:
    """Give what a site has once it is connected."""
    now, token = time.time_ns() // 1_000, shop.issue_token()
    made = {
        "access_token": token["access_token"],
        "expires_at": now + token["expires_in"] * 1_000_000,
        "refresh_token": token["refresh_token"],
        "refresh_expires_at": now + token["refresh_token_expires_in"] * 1_000_000,
        "scope": token["scope"],
        "obtained_at": now,
    }
    return {**made, **over}


def site_of(shop: Shop, **settings: Any) -> Site:
    return SAMPLE.site(key=shop.domain, credentials=credentials(shop), settings=Settings(**settings))


def ref(product: Product, media: Media) -> MediaRef:
    return MediaRef(media_id(media.gid, product.gid), media.version, media.url, product.gid)


def _context(position: int, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {
        "title": ("Sonnenhut „Capri“ & mehr",),
        "handle": ("sonnenhut-capri",),
        "product_type": ("Hats",),
        "vendor": ("Müller & Söhne",),
        "tags": ("Sommer", "neu"),
        "status": ("active",),
        "position": (str(position),),
        **more,
    }


CDN = "https://cdn.shopify.com/s/files/1/0262/9117/5524/files"
FIRST = MediaRef(
    "gid://shopify/MediaImage/33519478767716@8052109115620",
    "1763812680",
    f"{CDN}/hut_front.jpg?v=1763812680",
    PRODUCT,
    _context(1, alt=("Von vorn",)),
    1_763_812_679_000_000,
)
SECOND = MediaRef(
    "gid://shopify/MediaImage/33519478800484@8052109115620", "pending", "", PRODUCT, _context(2), 1_763_812_681_000_000
)
SEEN = ParentSeen(PRODUCT, (FIRST.id, SECOND.id, "gid://shopify/MediaImage/33519478833252@8052109115620"))


class ShopifySample(Sample):
    slug: ClassVar[str] = "shopify"
    now: ClassVar[int] = NOW
    timestamped: ClassVar[bool] = False
    site_secrets: ClassVar[bool] = False
    welcomes: ClassVar[bool] = True
    sha256_versions: ClassVar[bool] = False
    private_networks: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = (CLIENT_SECRET, "shpat_dead", "shprt_dead")

    def made(self, platform: type[Platform], **over: Any) -> Platform:
        shopify: Platform = installed(around=over)
        return shopify

    @property
    def events(self) -> Mapping[str, tuple[Event, ...]]:
        no_data = "Picward stores no customer's data"
        return {
            "products_update": (MediaUploaded(FIRST), MediaUploaded(SECOND), SEEN, ParentShown(PRODUCT, SEEN.media_ids)),
            "products_create_without_media": (ParentSeen(PRODUCT, ()),),
            "product_event": (
                MediaUploaded(MediaRef(FIRST.id, "pending", "", PRODUCT, {"status": ("active",), "position": ("1",)})),
                ParentSeen(PRODUCT, (FIRST.id,)),
                ParentShown(PRODUCT, (FIRST.id,)),
            ),
            "products_delete": (ParentDeleted(PRODUCT),),
            "app_uninstalled": (SiteRemoved(),),
            "app_scopes_update": (
                Noted("shopify.scopes", "The app's permissions in the shop are now: write_files, write_products"),
            ),
            "bulk_operations_finish": (ScanAdvanced(),),
            "customers_data_request": (
                Noted("shopify.data_request", f"A customer asked what is stored about them: nothing, {no_data}"),
            ),
            "customers_redact": (
                Noted("shopify.customer_redact", f"A customer asked to be erased: there is nothing, {no_data}"),
            ),
            "shop_redact": (ErasureWanted(whole_site=True),),
        }

    def site(self, **over: Any) -> Site:
        made = Site(
            id="st_shopify1",
            platform="shopify",
            name="One",
            state=SiteState.ACTIVE,
            secrets=("whsec_unused",),
            settings=Settings(),
            key=SHOP,
            credentials={},
        )
        return replace(made, **over)

    def signed(
        self, delivery: Delivery, *, secret: str | None = None, at: int | None = None, body: bytes | None = None
    ) -> Delivery:
        body = delivery.body if body is None else body
        mac = base64.b64encode(hmac.new((secret or CLIENT_SECRET).encode(), body, hashlib.sha256).digest()).decode()
        name = next(name for name in delivery.headers if name.endswith("shopify-hmac-sha256"))
        return replace(delivery, headers={**delivery.headers, name: mac}, body=body)

    def signature_headers(self) -> tuple[str, ...]:
        return ("x-shopify-hmac-sha256", "x-shopify-shop-domain")

    def with_dead_credentials(self, site: Site) -> Site:
        dead = {**site.credentials, "access_token": "shpat_dead", "refresh_token": "shprt_dead"}
        return replace(site, credentials=dead)

    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]:
        return _place()


class Place(StandIn):
    def __init__(self, shop: Shop, product: Product) -> None:
        self.shop, self.product, self._media = shop, product, product.media[1]
        self.media = ref(product, self._media)
        self.original = _copy(self._media.data)
        self.site = site_of(shop, delete_blocked=True)

    def snapshot(self) -> object:
        return self.shop.snapshot(self.product)

    def shown(self) -> bytes | None:
        data = self.shop.shown(self._media)
        return None if data is None else _copy(data)

    def replace(self) -> None:
        self.shop.replace_image(self._media, picture(77))

    def remove(self) -> None:
        self.shop.delete_image(self._media)

    def changes(self) -> int:
        return self.shop.changes

    def script(self, answer: Scripted | None) -> None:
        self.shop.script(None)
        self.shop.script(answer, times=None)


def _copy(data: bytes) -> bytes:
    """Give the copy that is fetched of an image."""
    return rendition(data, RENDITION_PIXELS, RENDITION_PIXELS, "")[0]


@contextmanager
def _place() -> Iterator[StandIn]:
    with shopify() as running:
        shop = running.open_shop(SHOP, scopes=("write_products", "write_files"))
        shop.add_product(images=2, tags=("sale",))
        yield Place(shop, shop.add_product(images=3, tags=("Sale", "new"), variants=2, variant_images={0: 1}))


SAMPLE = ShopifySample()
