"""Bodies of webhooks with the keys that Shopify documents, and the bytes that it makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from tests.integrations.shopify.stand_in.model import Media, Product, iso

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.bulk import BulkOperation
    from tests.integrations.shopify.stand_in.shop import Shop

_SHOP_TIME = timezone(timedelta(hours=-5))
_PRODUCT_IMAGE = 17_000_000_000_000
"""Added to a MediaImage's number to make its ProductImage's: two ids for one picture, and only the first works in GraphQL."""

MAX_VARIANTS = 100
"""Of these a payload holds at most; `variant_gids` names all."""

_ESCAPES = (("/", "\\/"), ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def dumped(payload: Mapping[str, Any]) -> bytes:
    r"""Write JSON as Shopify does: compact, UTF-8, with `\/` and `\u003c`. Who parses and dumps it again gets other bytes."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text.encode()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(_SHOP_TIME).isoformat(timespec="seconds")


def product(shop: Shop, one: Product) -> dict[str, Any]:
    images = [_image(one, media, position) for position, media in enumerate(one.media, 1) if media.ready]
    return {
        "admin_graphql_api_id": one.gid,
        "body_html": f"<p>{one.title} &amp; more</p>",
        "created_at": _time(one.created),
        "handle": one.handle,
        "id": one.number,
        "product_type": one.product_type,
        "published_at": _time(one.created) if shop.online(one) else None,
        "template_suffix": "",
        "title": one.title,
        "updated_at": _time(one.updated),
        "vendor": one.vendor,
        "status": one.status.lower(),
        "published_scope": "global",
        "tags": ", ".join(one.tags),
        "variants": [_variant(one, index) for index in range(min(len(one.variants), MAX_VARIANTS))],
        "options": [
            {"name": "Title", "id": one.number + 1, "product_id": one.number, "position": 1, "values": ["Default Title"]}
        ],
        "images": images,
        "image": images[0] if images else None,
        "media": [_media(one, media, position) for position, media in enumerate(one.media, 1)],
        "variant_gids": [{"admin_graphql_api_id": variant.gid, "updated_at": iso(one.updated)} for variant in one.variants],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def _variant_ids(one: Product, media: Media) -> list[int]:
    return [variant.number for variant in one.variants if media in variant.media]


def _image(one: Product, media: Media, position: int) -> dict[str, Any]:
    width, height = media.size
    return {
        "id": media.number + _PRODUCT_IMAGE,
        "alt": media.alt or None,
        "position": position,
        "product_id": one.number,
        "created_at": _time(media.created),
        "updated_at": _time(media.updated),
        "admin_graphql_api_id": f"gid://shopify/ProductImage/{media.number + _PRODUCT_IMAGE}",
        "width": width,
        "height": height,
        "src": media.url,
        "variant_ids": _variant_ids(one, media),
    }


def _media(one: Product, media: Media, position: int) -> dict[str, Any]:
    width, height = media.size if media.ready else (None, None)
    preview = {"width": width, "height": height, "src": media.url if media.ready else None, "status": media.status}
    return {
        "id": media.number,
        "product_id": one.number,
        "position": position,
        "created_at": _time(media.created),
        "updated_at": _time(media.updated),
        "alt": media.alt or None,
        "status": media.status,
        "media_content_type": "IMAGE",
        "preview_image": preview,
        "variant_ids": _variant_ids(one, media),
        "admin_graphql_api_id": media.gid,
    }


def _variant(one: Product, index: int) -> dict[str, Any]:
    variant = one.variants[index]
    return {
        "admin_graphql_api_id": variant.gid,
        "barcode": "",
        "compare_at_price": None,
        "created_at": _time(one.created),
        "id": variant.number,
        "inventory_policy": "deny",
        "position": index + 1,
        "price": "10.00",
        "product_id": one.number,
        "sku": f"SKU/{variant.number}",
        "taxable": True,
        "title": variant.title,
        "updated_at": _time(one.updated),
        "option1": variant.title,
        "option2": None,
        "option3": None,
        "image_id": variant.media[0].number + _PRODUCT_IMAGE if variant.media else None,
        "inventory_item_id": variant.number + 1_000,
        "inventory_quantity": variant.stock,
        "old_inventory_quantity": variant.stock,
    }


def product_event(shop: Shop, one: Product, action: str) -> dict[str, Any]:
    """Make a next-generation event about a product's media, with the data of its subscription's query."""
    nodes = [{"id": media.gid, "status": media.status} for media in one.media]
    return {
        "topic": "Product",
        "action": action,
        "handle": "product-media",
        "fields_changed": {"added": [], "updated": ["product.media"], "removed": []},
        "query_variables": {"productId": one.gid},
        "data": {"product": {"id": one.gid, "status": one.status, "media": {"nodes": nodes}}},
    }


def shop(one: Shop) -> dict[str, Any]:
    return {
        "id": one.number,
        "name": one.name,
        "email": "owner@example.com",
        "domain": one.domain,
        "myshopify_domain": one.domain,
        "province": "Ontario",
        "country": "CA",
        "currency": "CAD",
        "timezone": "(GMT-05:00) America/Toronto",
        "iana_timezone": "America/Toronto",
        "plan_name": "basic",
        "plan_display_name": "Basic",
        "primary_locale": "en",
        "created_at": _time(one.now() - 86_400),
        "updated_at": _time(one.now()),
    }


def scopes(one: Shop, before: Iterable[str]) -> dict[str, Any]:
    return {
        "id": one.number,
        "previous": sorted(before),
        "current": sorted(one.scopes),
        "updated_at": iso(one.now()),
    }


def bulk_operation(operation: BulkOperation) -> dict[str, Any]:
    return {
        "admin_graphql_api_id": operation.gid,
        "completed_at": iso(operation.completed),
        "created_at": iso(operation.created),
        "error_code": operation.error.lower() if operation.error else None,
        "status": operation.status.lower(),
        "type": "query",
    }


def compliance(one: Shop) -> dict[str, Any]:
    return {"shop_id": one.number, "shop_domain": one.domain}


_CUSTOMER = {"id": 191_167, "email": "john@example.com", "phone": "555-625-1199"}


def customer_data(one: Shop) -> dict[str, Any]:
    return {**compliance(one), "orders_requested": [299_938], "customer": _CUSTOMER, "data_request": {"id": 9_999}}


def customer_erasure(one: Shop) -> dict[str, Any]:
    return {**compliance(one), "customer": _CUSTOMER, "orders_to_redact": [299_938]}
