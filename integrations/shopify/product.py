"""A product as it is now, with the mark that we keep at it; the mark is written in a step of its own, whose success is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.errors import MediaGone
from app.domain.media import MediaRef
from app.domain.time import HOUR, microseconds
from integrations.kit.untrusted import Untrusted
from integrations.shopify import gallery, mark
from integrations.shopify.api import Admin, done, understood
from integrations.shopify.mark import Mark
from integrations.shopify.media import image_gid, product_id, version_of

MAX_VALUE = 200_000
"""How long a metafield of ours may be, in characters; the longest that is written has some 60,000."""

CLOCKS = HOUR
"""How far Shopify's clock and ours may be apart when a product's age is compared with that of its mark."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A product as it is now.

    `version` is the image's: None when the image is gone, "" while Shopify processes it. `copied` is a mark that came from
    another product, when this one is its duplicate; `digest` and `parts` are of the metafields that are there.
    """

    id: str
    status: str
    tags: tuple[str, ...]
    mark: Mark
    copied: Mark | None
    digest: str | None
    parts: int
    version: str | None
    source: str


def read(admin: Admin, media: MediaRef) -> Listing:
    """Read what a hide or a restore must know. Raise `MediaGone` when the product is no longer there."""
    with understood():
        data = admin.ask("listing", product=product_id(media.parent), media=image_gid(media.id))
        if "product" not in data:
            raise MediaGone("The product is no longer in the shop.")
        product = data.object("product")
        id = product.text("id", 100)
        kept = product.object("decision") if "decision" in product else None
        value = kept.text("value", MAX_VALUE, default="") if kept is not None else ""
        parts = mark.parts_of(value)
        held = mark.read(_joined(admin, id, parts) if parts else value)
        own = _belongs(admin, id, held, microseconds(product.label("createdAt", 40)), image_gid(media.id))
        version, source = _picture(data)
        return Listing(
            id=id,
            status=product.text("status", 20),
            tags=product.texts("tags", 1_000, 300),
            mark=held if own else Mark(product=id),
            copied=None if own else held,
            digest=kept.text("compareDigest", 200) if kept is not None else None,
            parts=parts,
            version=version,
            source=source,
        )


def _picture(data: Untrusted) -> tuple[str | None, str]:
    if "picture" not in data or "status" not in (picture := data.object("picture")):
        return None, ""
    source = picture.object("image").text("url", 2_000) if "image" in picture else ""
    if picture.label("status", 20) == "FAILED":
        return None, source
    return version_of(source) if source else "", source


def _joined(admin: Admin, product: str, parts: int) -> str:
    data = admin.ask("mark_parts", product=product)
    if "product" not in data:
        raise MediaGone("The product is no longer in the shop.")
    found: dict[str, str] = {}
    for node in data.object("product").object("metafields").items("nodes", 250):
        found[node.text("key", 100)] = node.text("value", MAX_VALUE, default="")
    return "".join(_text(found.get(key, "")) for key in mark.part_keys(parts))


def _text(value: str) -> str:
    try:
        piece = json.loads(value)
    except (ValueError, RecursionError):
        return ""
    return piece if isinstance(piece, str) else ""


def _belongs(admin: Admin, product: str, held: Mark, created_at: int, media: str) -> bool:
    """Tell a product's own mark from one that was copied with it. Marks of earlier versions do not say whose they are; but a
    duplicate is younger than the decision that it was copied with, and has copies of that decision's images."""
    if held.product or held.empty:
        return held.product in ("", product)
    decided = [at for state in held.states if isinstance(at := state.get("decided_at"), int)]
    if not decided or created_at <= min(decided) - CLOCKS:
        return True
    images = {*held.detached, *(str(state.get("media")) for state in held.states)}
    return bool(held.detached) or media in images or any(gallery.holds(admin, product, gid) for gid in images)


def keep(admin: Admin, listing: Listing, marked: Mark) -> Listing:
    """Write a mark, alone, unless another was written since `listing` was read; give the listing with it."""
    whole = named(listing, marked)
    fields: list[Mapping[str, Any]] = [{**one, "ownerId": listing.id} for one in whole]
    fields[-1] = {**fields[-1], "compareDigest": listing.digest}
    data = admin.ask("keep", metafields=fields)
    done(data, "metafieldsSet")
    if listing.parts > len(whole) - 1:
        _delete(admin, listing.id, list(mark.part_keys(listing.parts))[len(whole) - 1 :])
    with understood():
        rows = list(data.object("metafieldsSet").items("metafields", 25))
        digest = next((row.text("compareDigest", 200) for row in rows if row.text("key", 100) == mark.KEY), None)
    return replace(listing, mark=marked, copied=None, digest=digest, parts=len(whole) - 1)


def named(listing: Listing, marked: Mark) -> list[dict[str, str]]:
    """Format a product's mark so that it says whose it is."""
    return mark.metafields(replace(marked, product=listing.id))


def forget(admin: Admin, listing: Listing) -> None:
    """Take the mark away, with its parts."""
    _delete(admin, listing.id, [mark.KEY, *mark.part_keys(listing.parts)])


def _delete(admin: Admin, product: str, keys: Sequence[str]) -> None:
    fields = [{"ownerId": product, "namespace": mark.NAMESPACE, "key": key} for key in keys]
    done(admin.ask("forget", metafields=fields), "metafieldsDelete")
