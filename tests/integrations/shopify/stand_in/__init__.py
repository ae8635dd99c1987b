"""A stand-in for Shopify on a real loopback socket, for tests and benchmarks.

It executes GraphQL against Shopify's own schema over shops in memory, counts points, hands out and rotates tokens, serves
images, runs bulk operations, and sends real signed webhooks. What it does not have it refuses loudly (501 and `NotBuilt`).

    with Shopify() as shopify:
        shop = shopify.open_shop("one.myshopify.com", scopes=["write_products"])
        product = shop.add_product(images=[a, b, c])

The Admin API of a shop is at `shopify.origin.format(shop=shop.domain) + "/admin/api/2026-10/graphql.json"`, its images at
`media.url`. `Shop` is the shop as its merchant edits it, `shop.requests` and `shop.spent` say what was asked, `shop.script`
puts an answer of `answers` in the place of the next ones, and `shopify.webhooks` sends (or holds, repeats, drops) what the
shops say. `webhooks.build(...).http()` makes a recording of one.
"""

from __future__ import annotations

from tests.integrations.shopify.stand_in import answers, payloads
from tests.integrations.shopify.stand_in.model import Media, Product, Variant, picture
from tests.integrations.shopify.stand_in.server import CLIENT_ID, CLIENT_SECRET, Shopify
from tests.integrations.shopify.stand_in.shop import Shop
from tests.integrations.shopify.stand_in.webhooks import Attempt, Webhook

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "Attempt",
    "Media",
    "Product",
    "Shop",
    "Shopify",
    "Variant",
    "Webhook",
    "answers",
    "payloads",
    "picture",
]
