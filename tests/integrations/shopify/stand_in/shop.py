"""One shop: its catalogue as the merchant edits it, its installation of the app, and what was asked of its API."""

from __future__ import annotations

import functools
import itertools
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.integrations.shopify.stand_in import payloads
from tests.integrations.shopify.stand_in.answers import Script
from tests.integrations.shopify.stand_in.bulk import BulkOperations
from tests.integrations.shopify.stand_in.cost import Bucket
from tests.integrations.shopify.stand_in.model import Media, Metafield, Product, Request, Subscription, Variant, gid, iso, picture
from tests.integrations.shopify.stand_in.tokens import Grants

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.server import Shopify

FIRST_PRODUCT = 7_915_048_000_001
FIRST_MEDIA = 33_071_500_000_001
FIRST_VARIANT = 43_729_076_000_001
SHOPPERS_SEE = ("ACTIVE", "UNLISTED")
"""UNLISTED is kept out of search and collections, but its own address works."""


COMPLIANCE = ("shop/redact", "customers/data_request", "customers/redact")
AFTER_UNINSTALL = ("app/uninstalled", *COMPLIANCE)


@functools.cache
def _few_pictures() -> list[bytes]:
    return [picture(number) for number in range(24)]


class Shop:
    def __init__(self, shopify: Shopify, domain: str, name: str, number: int, scopes: Iterable[str], bucket: Bucket) -> None:
        self.shopify, self.domain, self.name, self.number = shopify, domain, name, number
        self.scopes = set(scopes)
        self.installed = True
        self.lock = threading.RLock()
        self.grants = Grants(self)
        self.bulk = BulkOperations(self)
        self.bucket = bucket
        self.scripts = Script()
        self.products: dict[str, Product] = {}
        self.files: dict[str, Media] = {}
        self.variants: dict[str, Variant] = {}
        self.publications = {gid("Publication", 101): "Online Store", gid("Publication", 102): "Point of Sale"}
        self.requests: list[Request] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.only_subscribed = False
        """Whether the app's file names no topic, so that only what was subscribed here is sent."""
        self.hang_seconds = 0.0  # before each answer of the Admin API
        self.hung = 0
        self.changes = 0
        self._numbers = {kind: itertools.count(first) for kind, first in _FIRST.items()}

    def number_of(self, kind: str) -> int:
        return next(self._numbers[kind])

    def now(self) -> int:
        return int(self.shopify.now())

    # What was asked

    @property
    def spent(self) -> int:
        return sum(request.actual for request in self.requests)

    @property
    def operations(self) -> Counter[str]:
        return Counter(request.operation for request in self.requests)

    @property
    def spent_by(self) -> Counter[str]:
        points: Counter[str] = Counter()
        for request in self.requests:
            points[request.operation] += request.actual
        return points

    def script(self, answer: Any | None, times: int | None = 1, to: str = "graphql") -> None:
        """Answer the next `times` requests with this (all from now on when None); no answer ends what was scripted."""
        self.scripts.put(answer, times, to)

    # The installation

    def issue_token(self) -> dict[str, Any]:
        return self.grants.exchange().answer()

    def expire_tokens(self) -> None:
        self.grants.expire()

    def kill_refresh_tokens(self) -> None:
        self.grants.kill_refresh()

    def install(self, scopes: Iterable[str] = ("write_products",)) -> None:
        self.scopes, self.installed = set(scopes), True

    def uninstall(self) -> None:
        self.grants.kill()
        self.installed = False
        self.send("app/uninstalled", payloads.shop(self))
        self.subscriptions.clear()

    def grant(self, *scopes: str) -> None:
        self._change_scopes(self.scopes | set(scopes))

    def revoke(self, *scopes: str) -> None:
        self._change_scopes(self.scopes - set(scopes))

    def _change_scopes(self, scopes: set[str]) -> None:
        before, self.scopes = self.scopes, scopes
        self.send("app/scopes_update", payloads.scopes(self, before))

    def request_erasure(self) -> None:
        self.send("shop/redact", payloads.compliance(self))

    def request_customer_data(self) -> None:
        self.send("customers/data_request", payloads.customer_data(self))

    def request_customer_erasure(self) -> None:
        self.send("customers/redact", payloads.customer_erasure(self))

    def send(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Let a webhook be sent; after the uninstall only of what is about the shop as a whole."""
        if not self.installed and topic not in AFTER_UNINSTALL:
            return
        if self.only_subscribed and topic not in COMPLIANCE:
            wanted = [one for one in self.subscriptions.values() if one.topic == topic.upper().replace("/", "_")]
            if not wanted:
                return
            fields = set(wanted[0].fields) or set(payload)
            payload = {name: value for name, value in payload.items() if name in fields}
        self.shopify.webhooks.emit(topic, self.domain, payload)

    # The catalogue

    def add_product(
        self,
        title: str = "",
        images: int | Sequence[bytes] = 1,
        *,
        status: str = "ACTIVE",
        tags: Iterable[str] = (),
        product_type: str = "",
        vendor: str = "",
        variants: int = 1,
        variant_images: Mapping[int, int] | None = None,
        publications: Iterable[str] | None = None,
        send: bool = True,
    ) -> Product:
        with self.lock:
            number, now = self.number_of("product"), self.now()
            title = title or f"Product {number - FIRST_PRODUCT + 1}"
            product = Product(number, title, title.lower().replace(" ", "-"), status, now, now, list(tags), product_type, vendor)
            chosen = self.publications if publications is None else publications
            product.publications = {publication: iso(now) for publication in chosen}
            for data in _few_pictures()[:images] if isinstance(images, int) else images:
                product.media.append(self.new_media(data))
            for index in range(variants):
                variant = Variant(self.number_of("variant"), f"Variant {index + 1}", product)
                if index in (variant_images or {}):
                    variant.media.append(product.media[(variant_images or {})[index]])
                product.variants.append(variant)
                self.variants[variant.gid] = variant
            self.products[product.gid] = product
            if send:
                self.send("products/create", payloads.product(self, product))
            return product

    def new_media(self, data: bytes, alt: str = "", unready_reads: int = 0) -> Media:
        """Put a file into the shop that nothing refers to yet."""
        number, now = self.number_of("media"), self.now()
        address = f"{self.shopify.address}/cdn/{self.domain}/files"
        media = Media(number, f"{number}.jpg", data, str(now), address, now, now, alt)
        if unready_reads:
            media.status, media.unready_reads = "UPLOADED", unready_reads
        self.files[media.gid] = media
        return media

    def add_image(self, product: Product, data: bytes | None = None, alt: str = "", reads_until_ready: int = 0) -> Media:
        with self.editing(product):
            media = self.new_media(data or picture(next(self._numbers["media"])), alt, reads_until_ready)
            product.media.append(media)
            return media

    def share(self, media: Media, product: Product) -> None:
        """Let another product show a file that is there already, as the admin's file picker does."""
        with self.editing(product):
            product.media.append(media)

    def fail_image(self, media: Media) -> None:
        media.status = "FAILED"

    def edit(self, product: Product, **changes: Any) -> None:
        """Change attributes of a product as the merchant does in the admin: status, title, tags, publications, …"""
        with self.editing(product):
            for name, value in changes.items():
                setattr(product, name, list(value) if name == "tags" else value)

    def replace_image(self, media: Media, data: bytes) -> None:
        with self.editing(*self.users_of(media)):
            media.data, media.updated = data, self.now()
            media.version = str(max(self.now(), int(media.version) + 1))

    def delete_image(self, media: Media) -> None:
        with self.editing(*self.users_of(media)):
            self.forget(media)

    def forget(self, media: Media) -> None:
        for product in self.users_of(media):
            self.detach(product, media)
        del self.files[media.gid]

    def detach(self, product: Product, media: Media) -> None:
        """Take an image out of a product's gallery; Shopify takes it from the product's variants too."""
        product.media.remove(media)
        for variant in product.variants:
            if media in variant.media:
                variant.media.remove(media)

    def users_of(self, media: Media) -> list[Product]:
        return [product for product in self.products.values() if media in product.media]

    def reorder(self, product: Product, media: Sequence[Media]) -> None:
        with self.editing(product):
            assert sorted(one.number for one in media) == sorted(one.number for one in product.media)
            product.media[:] = media

    def duplicate(self, product: Product, *, without: Iterable[Media] = ()) -> Product:
        """Copy a product as the admin does: a draft with the tags, the metafields and copies of the pictures."""
        left_out = set(without)
        images = [media.data for media in product.media if media not in left_out]
        title = f"Copy of {product.title}"
        twin = self.add_product(title, images, status="DRAFT", tags=product.tags, publications=(), send=False)
        for at, one in product.metafields.items():
            number = self.number_of("metafield")
            twin.metafields[at] = Metafield(number, twin, *at, one.type, one.value, self.now(), self.now())
        self.send("products/create", payloads.product(self, twin))
        return twin

    def delete_product(self, product: Product) -> None:
        """Delete a product; its images stay in the shop's files."""
        with self.lock:
            del self.products[product.gid]
            for variant in product.variants:
                del self.variants[variant.gid]
            self.send("products/delete", {"id": product.number})

    def sell(self, product: Product) -> None:
        """Take one from stock as an order does: products/update is sent although no image changed."""
        with self.editing(product):
            product.variants[0].stock -= 1

    def fill(self, products: int = 10_000, images: int = 3) -> None:
        """Make a catalogue at once and send nothing. A few pictures serve for all, each under its own address."""
        few, at = _few_pictures(), itertools.count()
        for _ in range(products):
            self.add_product(images=[few[next(at) % len(few)] for _ in range(images)], send=False)

    @contextmanager
    def editing(self, *products: Product) -> Iterator[None]:
        """Hold the shop still while these products are changed, then let the shop say so."""
        with self.lock:
            yield
            self.changed(products)

    def changed(self, products: Iterable[Product], *, silent: Iterable[Product] = ()) -> None:
        """Move `updatedAt` and send products/update, once for each product; not for the silent ones."""
        quiet = set(silent)
        for product in products:
            product.updated = self.now()
            if product not in quiet and product.gid in self.products:
                self.send("products/update", payloads.product(self, product))

    # What others see

    def listed(self, product: Product) -> bool:
        """Say whether a shopper can open the product in the online store."""
        return product.gid in self.products and product.status in SHOPPERS_SEE and self.online(product)

    def online(self, product: Product) -> bool:
        """Say whether a product is published in the online store, whatever its status is."""
        return next(iter(self.publications)) in product.publications

    def shown(self, media: Media) -> bytes | None:
        """Give what shoppers see of an image in listings; the CDN serves a hidden listing's files on, but nobody links there."""
        return media.data if any(self.listed(product) for product in self.users_of(media)) else None

    def snapshot(self, product: Product) -> dict[str, Any]:
        """Give all that must be the same after a hide and a restore. Our own metafields are not the merchant's and stay out."""
        own = f"app--{self.shopify.app_number}--"
        with self.lock:
            return {
                "status": product.status,
                "title": product.title,
                "tags": sorted(product.tags),
                "publications": dict(product.publications),
                "media": [(media.gid, media.version, media.alt, media.data) for media in product.media],
                "variants": {variant.gid: [media.gid for media in variant.media] for variant in product.variants},
                "metafields": {at: one.value for at, one in product.metafields.items() if not at[0].startswith(own)},
            }

    # Bulk operations as a test moves them

    def finish_bulk(self) -> None:
        self.bulk.finish_all()

    def fail_bulk(self, code: str = "INTERNAL_SERVER_ERROR") -> None:
        self.bulk.fail_all(code)

    def expire_bulk(self) -> None:
        self.bulk.expire()


_FIRST = {
    "product": FIRST_PRODUCT,
    "media": FIRST_MEDIA,
    "variant": FIRST_VARIANT,
    "metafield": 51_000_000_000_001,
    "subscription": 1_000_000_000_001,
    "bulk": 4_300_000_000_001,
}
