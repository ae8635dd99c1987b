"""A connected shop, and what the connector does with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.decisions import Action, Enforcement, Reason, Receipt, Verdict
from app.domain.media import MediaRef, Page
from app.domain.platform import Site
from tests.integrations.shopify.contract import SHOP, Pocket, credentials, installed, ref, site_of
from tests.integrations.shopify.stand_in import Media, Product, Shop, Shopify

ALL_SCOPES = ("write_products", "write_files", "read_publications", "write_publications")


@dataclass
class Place:
    shop: Shop
    platform: Any
    pocket: Pocket
    site: Site

    def with_settings(self, **settings: Any) -> Place:
        site = site_of(self.shop, **settings)
        return replace(self, site=replace(site, id=self.site.id, credentials=self.site.credentials))

    def with_credentials(self, **over: Any) -> Place:
        return replace(self, site=replace(self.site, credentials={**self.site.credentials, **over}))

    def apply(
        self, action: Action, product: Product, media: Media | MediaRef, undo: Mapping[str, Any] | None = None, **more: Any
    ) -> Receipt:
        """Apply one action; the ids of enforcements are given where a test tells them apart."""
        image = media if isinstance(media, MediaRef) else ref(product, media)
        verdict = more.pop("verdict", Verdict.ALLOW if action is Action.RESTORE else Verdict.BLOCK)
        reasons = (Reason(verdict, "sexual.explicit_nudity", "Nudity 0.91, block from 0.55"),)
        number = more.pop("id", 1 if action is Action.HIDE else 2)
        wanted = Enforcement(
            number, action, image, image.version, verdict, reasons, undo=undo, decided_at=1_795_348_800_000_000, **more
        )
        receipt: Receipt = self.platform.apply(self.site, wanted)
        return receipt

    def hide(self, product: Product, media: Media | MediaRef, **more: Any) -> Receipt:
        return self.apply(Action.HIDE, product, media, **more)

    def restore(self, product: Product, media: Media | MediaRef, undo: Mapping[str, Any] | None = None, **more: Any) -> Receipt:
        return self.apply(Action.RESTORE, product, media, undo, **more)

    def fetched(self, media: MediaRef) -> bytes:
        with self.platform.fetch(self.site, media) as file:
            data: bytes = file.read()
        return data

    def listed(self, cursor: str = "", pages: int = 100) -> list[MediaRef]:
        found: list[MediaRef] = []
        for _ in range(pages):
            page: Page = self.platform.scan(self.site, cursor)
            found += page.media
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError("the listing does not end")


def opened(shopify: Shopify, domain: str = SHOP, scopes: tuple[str, ...] = ALL_SCOPES, **config: Any) -> Place:
    shop = shopify.open_shop(domain, scopes=scopes)
    pocket = Pocket()
    platform = installed(pocket, **config)
    site = replace(site_of(shop), id=f"st_{domain.split('.')[0]}", key=domain, credentials=credentials(shop))
    return Place(shop, platform, pocket, site)


WAYS = ("draft", "unpublish", "detach")
FUTURE = "2030-01-01T09:00:00Z"


def product_of(place: Place, **more: Any) -> Product:
    wanted: dict[str, Any] = {"images": 3, "tags": ("sale",), "variants": 3, "variant_images": {0: 0, 2: 1}}
    made = place.shop.add_product(**{**wanted, **more})
    # One publication is still to come.
    made.publications[list(place.shop.publications)[1]] = FUTURE
    return made


def decision(product: Product) -> dict[str, Any]:
    found = [
        one.value for (namespace, key), one in product.metafields.items() if key == "decision" and "--moderation" in namespace
    ]
    document: dict[str, Any] = json.loads(found[0]) if found else {}
    return document


def visible(place: Place, product: Product, media: Media) -> bool:
    """Say whether shoppers can see an image anywhere in the shop."""
    everywhere = product.status in ("ACTIVE", "UNLISTED") and bool(product.publications)
    return everywhere and media in product.media
