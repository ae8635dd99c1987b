"""The webhooks that Picward asks a shop for, itself and anew whenever they differ; a shop drops those that failed eight times."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.kit.untrusted import Untrusted
from integrations.shopify.api import Admin, done, understood

_PRODUCT = (
    "id", "admin_graphql_api_id", "status", "published_at", "media", "title", "handle", "product_type", "vendor", "tags",
)  # fmt: skip
TOPICS: Mapping[str, tuple[str, ...]] = {
    "PRODUCTS_CREATE": _PRODUCT,
    "PRODUCTS_UPDATE": _PRODUCT,
    "PRODUCTS_DELETE": ("id",),
    "APP_UNINSTALLED": ("id", "myshopify_domain"),
    "APP_SCOPES_UPDATE": (),
    "BULK_OPERATIONS_FINISH": (),
}
"""What is subscribed, with the fields that are read of each body; all fields where none is named. Without `updated_at` a sale
makes no new payload, and who owns a shop is not sent at all."""

MAX_SUBSCRIPTIONS = 250


def ensure(admin: Admin, uri: str) -> int:
    """Make sure that a shop sends what is read to this address, and count what had to be changed."""
    with understood():
        found = admin.ask("subscriptions").object("webhookSubscriptions")
        there = {node.text("topic", 100): node for node in found.items("nodes", MAX_SUBSCRIPTIONS)}
        changed = 0
        for topic, fields in TOPICS.items():
            known = there.get(topic)
            if known is not None and _fits(known, uri, fields):
                continue
            wanted = {"uri": uri, "includeFields": list(fields), "format": "JSON"}
            if known is None:
                done(admin.ask("subscribe", topic=topic, wanted=wanted), "webhookSubscriptionCreate")
            else:
                done(admin.ask("resubscribe", id=known.text("id", 100), wanted=wanted), "webhookSubscriptionUpdate")
            changed += 1
    return changed


def _fits(known: Untrusted, uri: str, fields: tuple[str, ...]) -> bool:
    return known.label("uri", 2_000) == uri and set(known.texts("includeFields", 250, 100)) == set(fields)
