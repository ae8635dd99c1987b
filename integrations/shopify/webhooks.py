"""Webhooks in our words, of both families of headers that Shopify sends.

The HMAC covers the body and nothing else: whoever holds one signed body can put another shop, topic or id above it. So what a
body says itself is compared with the headers where it says it, and everything else is a hint that is looked up again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.domain.errors import DeliveryRefused, DeliveryUnreadable
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
from app.domain.time import HOUR, SECOND, microseconds
from integrations.kit.untrusted import Untrusted, read_json
from integrations.shopify.auth import is_shop
from integrations.shopify.media import (
    MAX_MEDIA,
    PENDING,
    Product,
    images_of,
    is_image,
    media_id,
    product_id,
    product_of,
    tags_of,
    version_of,
)
from integrations.shopify.settings import HideBy, Settings

_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_CLASSIC, _EVENTS = "x-shopify-", "shopify-"

SHOWN_STATUSES = ("active", "unlisted")
"""The statuses whose products shoppers can see; an unlisted one by its address. https://shopify.dev/docs/api/admin-graphql"""


ONLINE_STORE = "online store"

_KEPT = ("shop-domain", "topic", "webhook-id", "triggered-at")
KEPT_HEADERS = tuple(f"{family}{name}" for family in (_CLASSIC, _EVENTS) for name in _KEPT)
"""What reading a stored delivery needs."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers say, of either family. `event` tells the next generation, whose topics are resources."""

    signature: str
    shop: str
    topic: str
    id: str
    event: bool


def head(delivery: Delivery) -> Head:
    """Read the headers; all of one family, so that nobody mixes two deliveries."""
    event = _CLASSIC + "topic" not in delivery.headers  # a stored delivery has no signature any more
    prefix = _EVENTS if event else _CLASSIC

    def read(name: str) -> str:
        return delivery.headers.get(prefix + name, "")

    return Head(read("hmac-sha256"), read("shop-domain"), read("topic").lower(), read("webhook-id"), event)


def verify(delivery: Delivery, secrets: Iterable[str]) -> str:
    """Prove that one of the app's secrets signed these bytes, and give the shop that they are about.

    Raise nothing but `DeliveryRefused`. https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    seen = head(delivery)
    claimed = seen.signature.encode("utf-8", "surrogatepass")
    proven = False
    for secret in secrets:
        mac = hmac.new(secret.encode(), delivery.body, hashlib.sha256).digest()
        # No early exit: which secret matched is nobody's business.
        proven |= hmac.compare_digest(base64.b64encode(mac), claimed)
    if not proven or delivery.method != "POST" or not is_shop(seen.shop):
        raise DeliveryRefused("The request is not signed with the app's secret, or names no shop.")
    told = _shop_in(delivery, seen)
    if told not in (None, seen.shop):
        raise DeliveryRefused("The body is about another shop than the headers say.")
    return seen.shop


_NAMES_ITS_SHOP = {
    "app/uninstalled": "myshopify_domain",
    "customers/data_request": "shop_domain",
    "customers/redact": "shop_domain",
    "shop/redact": "shop_domain",
}


def _shop_in(delivery: Delivery, seen: Head) -> str | None:
    """Find the shop that the body itself names; None where it names none, or cannot be read at all."""
    key = _NAMES_ITS_SHOP.get(seen.topic)
    if key is None or seen.event:
        return None
    try:
        body = _read(delivery.body)
    except DeliveryUnreadable:
        return None
    return body.label(key)


@lru_cache(maxsize=16)
def _read(body: bytes) -> Untrusted:
    """Read a body once for both who ask: `verify` looks whom it is about, `events` what it says."""
    return read_json(body)


def delivery_id(delivery: Delivery) -> str:
    """Read the id that the retries of a delivery share. It is unsigned, so it only saves work: equal refs are known anyway."""
    id = head(delivery).id
    if not _ID.fullmatch(id):
        raise DeliveryUnreadable("The webhook's id is missing or odd.")
    return id


def events(delivery: Delivery, settings: Settings) -> tuple[Event, ...]:
    """Read a proven delivery; pure. Raise nothing but `DeliveryUnreadable`."""
    seen = head(delivery)
    body = _read(delivery.body)
    if seen.event:
        return _product_event(body, settings)
    if seen.topic in ("products/create", "products/update"):
        return _product(body, settings)
    read = TOPICS.get(seen.topic)
    if read is None:
        raise DeliveryUnreadable("The topic is none that the app has subscribed to; compare shopify.app.toml.")
    return read(body)


def _product(body: Untrusted, settings: Settings) -> tuple[Event, ...]:
    if "media" not in body:
        raise DeliveryUnreadable("media is missing: the subscription leaves it out, or its API version is before 2024-07.")
    product = Product(
        id=product_id(body.text("admin_graphql_api_id", 100)),
        title=body.label("title"),
        handle=body.label("handle"),
        product_type=body.label("product_type"),
        vendor=body.label("vendor"),
        tags=tags_of(body.label("tags", 10_000)),
        status=body.label("status", 20).lower(),
        published=bool(body.label("published_at", 40)),
    )
    gids, uploads, odd = [], [], []
    for item in body.objects("media", MAX_MEDIA):
        try:
            gid = item.text("admin_graphql_api_id", 100)
            if is_image(gid):
                gids.append(gid)
                if (image := _image(product, gid, item)) is not None:
                    uploads.append(image)
        except DeliveryUnreadable as error:
            odd.append(error)
    if odd and not uploads:
        raise odd[0]
    noted = (Noted("shopify.odd", f"{len(odd)} media of {product.id} could not be read: {odd[0]}"),) if odd else ()
    return (*_seen(product, gids, uploads, settings), *noted)


def _image(product: Product, gid: str, item: Untrusted) -> MediaRef | None:
    status = item.label("status", 20).upper()
    if status == "FAILED":
        return None
    preview = item.object("preview_image") if "preview_image" in item else Untrusted({})
    source = preview.text("src", 2_000, default="") if status == "READY" else ""
    return product.image(
        gid,
        version_of(source) if source else PENDING,
        source,
        item.integer("position", 0, 10_000, default=0),
        item.label("alt"),
        microseconds(item.label("created_at")),
    )


def _product_event(body: Untrusted, settings: Settings) -> tuple[Event, ...]:
    """Read an event of the next generation: the answer to the query in shopify.app.toml, in the Admin API's notation."""
    if body.label("topic", 40).lower() != "product":
        raise DeliveryUnreadable("The topic is none that the app has subscribed to; compare shopify.app.toml.")
    if body.label("action", 40).lower() == "delete":
        return (ParentDeleted(product_id(body.object("query_variables").text("productId", 100))),)
    node = body.object("data").object("product")
    product = product_of(node)
    items = list(node.object("media").objects("nodes", MAX_MEDIA))
    images = list(images_of(product, items))
    return _seen(product, [gid for item in items if is_image(gid := item.label("id", 100))], images, settings)


def _seen(product: Product, gids: list[str], uploads: list[MediaRef], settings: Settings) -> tuple[Event, ...]:
    wanted = settings.judge_drafts or product.status in SHOWN_STATUSES
    # A hidden image that is missing is looked at again; where hiding means that it is missing, each sale would cost a look.
    seen = ParentSeen(product.id, tuple(media_id(gid, product.id) for gid in gids))
    hint = () if settings.hide_by is HideBy.DETACH else (seen,)
    shown = (ParentShown(seen.parent, seen.media_ids),) if shows(product, settings) and gids else ()
    return (*(MediaUploaded(image) for image in uploads if wanted), *hint, *shown)


def shows(product: Product, settings: Settings) -> bool:
    """Tell whether shoppers can see what a hide takes from them. Of sales channels only the online store is told everywhere."""
    if product.status not in SHOWN_STATUSES:
        return False
    if settings.hide_by is not HideBy.UNPUBLISH:
        return True
    return product.published and (not settings.sales_channels or ONLINE_STORE in map(str.casefold, settings.sales_channels))


def _deleted(body: Untrusted) -> tuple[Event, ...]:
    # A deletion's body holds the id alone: a body with more is another topic's, under a header that was exchanged.
    if "title" in body or "media" in body or "variants" in body:
        raise DeliveryUnreadable("The body is not that of a deleted product.")
    return (ParentDeleted(f"gid://shopify/Product/{body.integer('id', 1)}"),)


def _scopes(body: Untrusted) -> tuple[Event, ...]:
    now = ", ".join(body.texts("current", 100, 60)) or "none"
    return (Noted("shopify.scopes", f"The app's permissions in the shop are now: {now}"),)


def _bulk(body: Untrusted) -> tuple[Event, ...]:
    body.text("admin_graphql_api_id", 100)
    return (ScanAdvanced(),)


CLOCKS_SECONDS = 10
"""How far Shopify's clock and ours may be apart when a webhook's time is compared with our own."""


def overtaken(delivery: Delivery, obtained_at: object) -> bool:
    """Tell whether an uninstallation is older than the shop's credentials: the app was installed again before the webhook came.

    Shopify sends webhooks late and in any order, and gives an app that is not installed no tokens. The time is unsigned: who
    forges it can keep a site connected whose tokens are dead, and nothing else.
    """
    triggered = microseconds(delivery.headers.get(_CLASSIC + "triggered-at", ""))
    return isinstance(obtained_at, int) and 0 < triggered < obtained_at - CLOCKS_SECONDS * SECOND


REDACT_HOURS = 47
"""Shopify sends shop/redact 48 hours after an uninstallation, or later; an hour less lets clocks differ."""


def installed_since(delivery: Delivery, obtained_at: object) -> bool:
    """Tell whether a wish to erase the shop is older than the shop's credentials: they were given within the 48 hours that it
    comes after an uninstallation, so that the app was installed again. Only our own clock is asked."""
    return isinstance(obtained_at, int) and obtained_at > delivery.received_at - REDACT_HOURS * HOUR


def _uninstalled(body: Untrusted) -> tuple[Event, ...]:
    body.text("myshopify_domain", 200)
    return (SiteRemoved(),)


def _customer(action: str, text: str) -> Callable[[Untrusted], tuple[Event, ...]]:
    def read(body: Untrusted) -> tuple[Event, ...]:
        body.text("shop_domain", 200)
        return (Noted(action, text),)

    return read


def _redacted(body: Untrusted) -> tuple[Event, ...]:
    body.text("shop_domain", 200)
    return (ErasureWanted(whole_site=True),)


_PERSONAL = ("customers/data_request", "customers/redact", "app/uninstalled")
"""The topics whose bodies name a customer, or the shop's owner with address and telephone."""


def personal(delivery: Delivery) -> bool:
    """Tell whether a body names a person, so that it must not be stored."""
    return head(delivery).topic in _PERSONAL


TOPICS: Mapping[str, Callable[[Untrusted], tuple[Event, ...]]] = {
    "products/delete": _deleted,
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _scopes,
    "bulk_operations/finish": _bulk,
    "customers/data_request": _customer(
        "shopify.data_request", "A customer asked what is stored about them: nothing, Picward stores no customer's data"
    ),
    "customers/redact": _customer(
        "shopify.customer_redact", "A customer asked to be erased: there is nothing, Picward stores no customer's data"
    ),
    "shop/redact": _redacted,
}
