"""One image out of a product's gallery, and back to where it was: its place among the others, and the variants that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.errors import MediaGone
from integrations.kit.untrusted import Untrusted
from integrations.shopify.api import Admin, done, understood
from integrations.shopify.media import MAX_MEDIA

MAX_PAIRS = 100
"""How many variants one mutation links to an image: https://shopify.dev/docs/api/admin-graphql/latest/mutations/productVariantAppendMedia."""

MAX_PAGES = 21
"""How many pages of 100 variants are read: a product has at most 2,048."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """A product's media in order, and each variant's."""

    order: tuple[str, ...]
    variants: Mapping[str, tuple[str, ...]]

    def showing(self, gid: str) -> list[str]:
        return [variant for variant, media in self.variants.items() if gid in media]


def read(admin: Admin, product: str) -> Gallery:
    """Read it whole. Raise `MediaGone` when the product is no longer there."""
    order = in_order(admin, product)
    variants: dict[str, tuple[str, ...]] = {}
    after: str | None = None
    with understood():
        for _ in range(MAX_PAGES):
            connection = _product(admin.ask("gallery", product=product, after=after)).object("variants")
            for variant in connection.items("nodes", 100):
                variants[variant.text("id", 100)] = _ids(variant.object("media"))
            page = connection.object("pageInfo")
            if not page.flag("hasNextPage"):
                break
            after = page.text("endCursor", 500)
    return Gallery(order, variants)


def holds(admin: Admin, product: str, gid: str) -> bool:
    """Tell whether an image is among a product's media."""
    return gid in in_order(admin, product)


def in_order(admin: Admin, product: str) -> tuple[str, ...]:
    """Read a product's media in order, however many there are. Raise `MediaGone` when the product is no longer there."""
    found: list[str] = []
    after: str | None = None
    with understood():
        while True:
            media = _product(admin.ask("order", product=product, after=after)).object("media")
            found += _ids(media)
            page = media.object("pageInfo")
            if not page.flag("hasNextPage") or len(found) >= MAX_MEDIA:
                return tuple(found)
            after = page.text("endCursor", 500)


def _product(data: Untrusted) -> Untrusted:
    if "product" not in data:
        raise MediaGone("The product is no longer in the shop.")
    return data.object("product")


def _ids(connection: Untrusted) -> tuple[str, ...]:
    return tuple(node.text("id", 100) for node in connection.items("nodes", 250))


def put_back(admin: Admin, product: str, gid: str, order: Sequence[str], variants: Sequence[str]) -> str:
    """Attach an image again, at its place in `order`, and to the variants that showed it; say what was changed meanwhile.

    Each step looks at what is there, so that a retry goes on where the last try broke off.
    """
    found = read(admin, product)
    others = [one for one in found.order if one != gid]
    place = _place(gid, order, others)
    if gid not in found.order:
        done(admin.ask("attach", files=[{"id": gid, "referencesToAdd": [product]}]), "fileUpdate")
        now = len(others)
    else:
        now = found.order.index(gid)
    drifted = ""
    if place is None:
        drifted = "Someone re-ordered the product's pictures meanwhile; the picture is back, at the end."
    elif now not in (place, len(others)):
        drifted = "Someone put the picture back at another place meanwhile; it was left there."
    elif now != place:
        moves = [{"id": gid, "newPosition": str(place)}]
        done(admin.ask("arrange", product=product, moves=moves), "productReorderMedia")
    # A variant that got another picture meanwhile keeps it: it can show one only.
    bare = [variant for variant in variants if found.variants.get(variant) == ()]
    for begin in range(0, len(bare), MAX_PAIRS):
        pairs = [{"variantId": variant, "mediaIds": [gid]} for variant in bare[begin : begin + MAX_PAIRS]]
        done(admin.ask("link", product=product, variants=pairs), "productVariantAppendMedia")
    return drifted


def _place(gid: str, order: Sequence[str], others: Sequence[str]) -> int | None:
    """Work out where an image belongs among those that are there now; None when their order is another than before."""
    known = [one for one in order if one in others]
    if [one for one in others if one in order] != known:
        return None
    before = order[: order.index(gid)] if gid in order else order
    nearest = next((one for one in reversed(before) if one in others), None)
    return others.index(nearest) + 1 if nearest is not None else 0
