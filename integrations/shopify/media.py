"""Product images in our words, from whichever of Shopify's two notations they come in."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from app.domain.errors import DeliveryUnreadable, PlatformRefused
from app.domain.media import Context, MediaRef
from app.domain.time import microseconds
from integrations.kit.untrusted import Untrusted

_log = logging.getLogger(__name__)

PENDING = "pending"
"""The version of an image that Shopify still processes; its fetch waits, and then names the real one."""

MAX_MEDIA = 2_000
"""How many media of a product are read. It can have 250: https://shopify.dev/docs/apps/build/online-store/product-media; that
grew before, as variants did, and none beyond a limit of ours may go unseen."""

MAX_TAGS = 250
_PRODUCT = re.compile(r"gid://shopify/Product/[0-9]{1,20}")
_IMAGE = re.compile(r"gid://shopify/MediaImage/[0-9]{1,20}")
_ID = re.compile(rf"({_IMAGE.pattern})@[0-9]{{1,20}}")


@dataclass(frozen=True, slots=True)
class Product:
    """What is known of a product for the context of its images. `status` is active, draft, archived or unlisted; `published` is
    about the online store."""

    id: str
    title: str = ""
    handle: str = ""
    product_type: str = ""
    vendor: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    published: bool = False

    def image(self, gid: str, version: str, source: str, position: int, alt: str, created_at: int) -> MediaRef:
        """Describe one of its images, which Shopify knows by `gid`."""
        context: Context = {
            "title": (self.title,),
            "handle": (self.handle,),
            "product_type": (self.product_type,),
            "vendor": (self.vendor,),
            "tags": self.tags,
            "status": (self.status,),
            "position": (str(position),) if position else (),
            "alt": (alt,),
        }
        kept = {key: values for key, values in context.items() if any(values)}
        return MediaRef(media_id(gid, self.id), version, source, self.id, kept, created_at)


def product_id(text: str) -> str:
    """Check a product's global id. Raise `DeliveryUnreadable`."""
    if not _PRODUCT.fullmatch(text):
        raise DeliveryUnreadable("This is no product of Shopify.")
    return text


def is_image(gid: str) -> bool:
    """Tell an image's global id from a video's or a model's; `gid://shopify/ProductImage/…` is another thing."""
    return _IMAGE.fullmatch(gid) is not None


def media_id(gid: str, product: str) -> str:
    """Name an image as a part of one product: products can share a file, and each is hidden and shown by itself."""
    return f"{gid}@{product.rpartition('/')[2]}"


def image_gid(media_id: str) -> str:
    """Recover the global id that Shopify knows the image by. Raise `PlatformRefused` for what `media_id` did not make."""
    found = _ID.fullmatch(media_id)
    if found is None:
        raise PlatformRefused("This names no picture of a product at Shopify.")
    return found[1]


def version_of(url: str) -> str:
    """Read the version of an image: `v` in its CDN address, the Unix time at which its bytes were stored.

    The path stays when the bytes are replaced. An address without `v` is a version by its path.
    """
    try:
        parts = urlsplit(url)
        stamps = parse_qs(parts.query, max_num_fields=50).get("v", [])
    except ValueError:
        raise DeliveryUnreadable("An image's address is no web address.") from None
    if len(stamps) == 1 and re.fullmatch("[0-9]{1,20}", stamps[0]):
        return stamps[0]
    return "p" + hashlib.sha256(parts.path.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def tags_of(text: str) -> tuple[str, ...]:
    """Split the tags of a webhook, which come as one text."""
    return clean(text.split(","))


def clean(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(kept for text in texts if (kept := text.strip()[:255]))[:MAX_TAGS]


def product_of(node: Untrusted) -> Product:
    """Read a product of the Admin API."""
    return Product(
        id=product_id(node.text("id", 100)),
        title=node.label("title"),
        handle=node.label("handle"),
        product_type=node.label("productType"),
        vendor=node.label("vendor"),
        tags=_tags(node),
        status=node.label("status", 20).lower(),
        published=bool(node.label("publishedAt", 40)),
    )


def _tags(node: Untrusted) -> tuple[str, ...]:
    """Read tags; odd ones are none, as they are for exemptions and for people only."""
    with suppress(DeliveryUnreadable):
        return clean(node.texts("tags", 2_000, 300)) if "tags" in node else ()
    return ()


def images_of(product: Product, nodes: Iterable[Untrusted], first: int = 1) -> Iterator[MediaRef]:
    """Read a product's media of the Admin API, `first` at which position they begin. One that is odd costs no other."""
    for position, node in enumerate(nodes, first):
        try:
            image = image_of(product, node, position)
        except DeliveryUnreadable as error:
            _log.warning("a medium of %s cannot be read: %s", product.id, error)
            continue
        if image is not None:
            yield image


def image_of(product: Product, node: Untrusted, position: int) -> MediaRef | None:
    """Read one of a product's media of the Admin API; None for what is no image or will never be one."""
    gid = node.text("id", 100)
    status = node.label("status", 20)
    if not is_image(gid) or status == "FAILED":
        return None
    ready = status == "READY" and "image" in node
    source = node.object("image").text("url", 2_000) if ready else ""
    version = version_of(source) if ready else PENDING
    return product.image(gid, version, source, position, node.label("alt"), microseconds(node.label("createdAt")))
