"""What each field of the schema answers here: a table by type and field. What is not in it is not built, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from graphql import GraphQLError

from tests.integrations.shopify.stand_in.connection import Connection, page
from tests.integrations.shopify.stand_in.model import BulkOperation, Media, Metafield, Product, Subscription, Variant, gid, iso
from tests.integrations.shopify.stand_in.search import NotBuilt, matcher

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.shop import Shop

Resolver = Callable[[Any, "Context", Mapping[str, Any]], Any]


@dataclass
class Context:
    """Be one request while it is executed: who asks, what it changed, which images it looked at."""

    shop: Shop
    version: str
    scopes: frozenset[str]
    failing: tuple[str, ...] = ()
    changed: dict[Product, None] = field(default_factory=dict)
    silent: dict[Product, None] = field(default_factory=dict)
    looked_at: dict[Media, None] = field(default_factory=dict)

    def namespace(self, name: str | None) -> str:
        """Resolve `$app` and `$app:name` to the namespace that belongs to this app alone."""
        own = f"app--{self.shop.shopify.app_number}"
        if not name or name == "$app":
            return own
        return own + "--" + name.removeprefix("$app:") if name.startswith("$app:") else name

    def seen(self, media: Media) -> Media:
        self.looked_at[media] = None
        return media


def found(context: Context, id: str) -> Any:
    """Find any object by its global id, None when there is none. Raise `GraphQLError` for what is no global id."""
    shop = context.shop
    if not id.startswith("gid://shopify/"):
        raise GraphQLError(f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"})
    for place in (shop.products, shop.files, shop.variants, shop.bulk.operations):
        if id in place:
            return place[id]
    if id in shop.publications:
        return {"__typename": "Publication", "id": id, "name": shop.publications[id]}
    return None


def media_of(product: Product) -> Callable[[Media], tuple[int, ...]]:
    order = {media: position for position, media in enumerate(product.media)}
    return lambda media: (order[media],)


def _image(media: Media) -> Any:
    return _Image(media) if media.ready else None


@dataclass(frozen=True, slots=True)
class _Image:
    media: Media

    def url(self, transform: Mapping[str, Any] | None) -> str:
        names = {"maxWidth": "width", "maxHeight": "height", "preferredContentType": "format", "crop": "crop", "scale": "scale"}
        wanted = {names[name]: str(value).lower() for name, value in (transform or {}).items() if value is not None}
        return self.media.url + ("&" + urlencode(wanted) if wanted else "")


def _publications(product: Product, context: Context, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    now, only = iso(context.shop.now()), arguments.get("onlyPublished", True)
    rows = []
    for publication, date in product.publications.items():
        published = date <= now
        if published or not only:
            rows.append({"id": publication, "date": date, "isPublished": published, "product": product})
    return rows


def _metafield(product: Product, context: Context, arguments: Mapping[str, Any]) -> Metafield | None:
    return product.metafields.get((context.namespace(arguments.get("namespace")), arguments["key"]))


def _metafields(product: Product, context: Context, arguments: Mapping[str, Any]) -> Connection:
    namespace = arguments.get("namespace")
    kept = [one for one in product.metafields.values() if namespace is None or one.namespace == context.namespace(namespace)]
    return page(kept, lambda one: (one.number,), arguments)


def _products(_: Any, context: Context, arguments: Mapping[str, Any]) -> Connection:
    test = matcher(arguments.get("query"))
    keys: dict[str, Callable[[Product], tuple[Any, ...]]] = {
        "ID": lambda one: (one.number,),
        "UPDATED_AT": lambda one: (one.updated, one.number),
        "CREATED_AT": lambda one: (one.created, one.number),
        "TITLE": lambda one: (one.title, one.number),
    }
    if arguments["sortKey"] not in keys:
        raise NotBuilt(f"the stand-in cannot sort by {arguments['sortKey']}")
    return page([one for one in context.shop.products.values() if test(one)], keys[arguments["sortKey"]], arguments)


def _bulk(_: Any, context: Context, arguments: Mapping[str, Any]) -> BulkOperation | None:
    return context.shop.bulk.read(arguments["id"])


def _count(number: int) -> dict[str, Any]:
    return {"count": number, "precision": "EXACT"}


def _no_files_search(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    if arguments.get("query") or arguments.get("sortKey") not in ("ID", "UPDATED_AT", "CREATED_AT"):
        raise NotBuilt("the stand-in lists all files only, by id or date")
    return arguments


FIELDS: dict[str, Resolver] = {
    "QueryRoot.shop": lambda _, context, args: context.shop,
    "QueryRoot.currentAppInstallation": lambda _, context, args: {"installation": context.shop},
    "QueryRoot.product": lambda _, context, args: _only(found(context, args["id"]), Product),
    "QueryRoot.node": lambda _, context, args: found(context, args["id"]),
    "QueryRoot.nodes": lambda _, context, args: [found(context, id) for id in args["ids"]],
    "QueryRoot.products": _products,
    "QueryRoot.productsCount": lambda _, context, args: _count(
        sum(map(matcher(args.get("query")), context.shop.products.values()))
    ),
    "QueryRoot.publications": lambda _, context, args: page(
        [found(context, id) for id in context.shop.publications], lambda one: (one["id"],), args
    ),
    "QueryRoot.files": lambda _, context, args: page(
        context.shop.files.values(), lambda one: (one.updated, one.number), _no_files_search(args)
    ),
    "QueryRoot.bulkOperation": _bulk,
    "QueryRoot.webhookSubscriptions": lambda _, context, args: page(
        context.shop.subscriptions.values(), lambda one: (one.number,), args
    ),
    "WebhookSubscription.id": lambda one, context, args: one.gid,
    "WebhookSubscription.topic": lambda one, context, args: one.topic,
    "WebhookSubscription.uri": lambda one, context, args: one.uri,
    "WebhookSubscription.includeFields": lambda one, context, args: one.fields,
    "Shop.id": lambda shop, context, args: gid("Shop", shop.number),
    "Shop.name": lambda shop, context, args: shop.name,
    "Shop.myshopifyDomain": lambda shop, context, args: shop.domain,
    "Shop.url": lambda shop, context, args: f"https://{shop.domain}",
    "Shop.plan": lambda shop, context, args: {"publicDisplayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False},
    "Shop.ianaTimezone": lambda shop, context, args: "America/Toronto",
    "Shop.currencyCode": lambda shop, context, args: "CAD",
    "AppInstallation.id": lambda it, context, args: gid("AppInstallation", context.shop.number + 7),
    "AppInstallation.app": lambda it, context, args: {
        "id": gid("App", context.shop.shopify.app_number), "handle": "picward", "title": "Picward"
    },
    "AppInstallation.accessScopes": lambda it, context, args: [
        {"handle": scope, "description": f"The scope {scope}"} for scope in sorted(context.scopes)
    ],
    "Product.id": lambda product, context, args: product.gid,
    "Product.legacyResourceId": lambda product, context, args: str(product.number),
    "Product.title": lambda product, context, args: product.title,
    "Product.handle": lambda product, context, args: product.handle,
    "Product.status": lambda product, context, args: product.status,
    "Product.tags": lambda product, context, args: sorted(product.tags),
    "Product.productType": lambda product, context, args: product.product_type,
    "Product.vendor": lambda product, context, args: product.vendor,
    "Product.category": lambda product, context, args: None,
    "Product.createdAt": lambda product, context, args: iso(product.created),
    "Product.updatedAt": lambda product, context, args: iso(product.updated),
    "Product.publishedAt": lambda product, context, args: iso(product.created) if context.shop.online(product) else None,
    "Product.onlineStoreUrl": lambda product, context, args: (
        f"https://{context.shop.domain}/products/{product.handle}" if context.shop.listed(product) else None
    ),
    "Product.onlineStorePreviewUrl": lambda product, context, args: f"https://{context.shop.domain}/products/{product.handle}",
    "Product.featuredMedia": lambda product, context, args: product.media[0] if product.media else None,
    "Product.media": lambda product, context, args: page(product.media, media_of(product), args),
    "Product.mediaCount": lambda product, context, args: _count(len(product.media)),
    "Product.variants": lambda product, context, args: page(product.variants, lambda one: (one.number,), args),
    "Product.variantsCount": lambda product, context, args: _count(len(product.variants)),
    "Product.metafield": _metafield,
    "Product.metafields": _metafields,
    "Product.resourcePublicationsV2": lambda product, context, args: page(
        _publications(product, context, args), lambda one: (one["id"],), args
    ),
    "Product.resourcePublicationsCount": lambda product, context, args: _count(len(_publications(product, context, args))),
    "Product.publishedOnPublication": lambda product, context, args: args["publicationId"] in product.publications,
    "ResourcePublicationV2.isPublished": lambda row, context, args: row["isPublished"],
    "ResourcePublicationV2.publishDate": lambda row, context, args: row["date"],
    "ResourcePublicationV2.publication": lambda row, context, args: found(context, row["id"]),
    "ResourcePublicationV2.publishable": lambda row, context, args: row["product"],
    "Publication.catalog": lambda row, context, args: {
        "__typename": "AppCatalog", "id": row["id"].replace("Publication", "AppCatalog"), "title": row["name"], "status": "ACTIVE"
    },
    "ProductVariant.id": lambda variant, context, args: variant.gid,
    "ProductVariant.title": lambda variant, context, args: variant.title,
    "ProductVariant.product": lambda variant, context, args: variant.product,
    "ProductVariant.media": lambda variant, context, args: page(variant.media, media_of(variant.product), args),
    "MediaImage.id": lambda media, context, args: media.gid,
    "MediaImage.alt": lambda media, context, args: media.alt or None,
    "MediaImage.status": lambda media, context, args: context.seen(media).status,
    "MediaImage.fileStatus": lambda media, context, args: context.seen(media).status,
    "MediaImage.mediaContentType": lambda media, context, args: "IMAGE",
    "MediaImage.mimeType": lambda media, context, args: context.seen(media).mime if media.ready else None,
    "MediaImage.createdAt": lambda media, context, args: iso(media.created),
    "MediaImage.updatedAt": lambda media, context, args: iso(media.updated),
    "MediaImage.image": lambda media, context, args: _image(context.seen(media)),
    "MediaImage.preview": lambda media, context, args: context.seen(media),
    "MediaImage.originalSource": lambda media, context, args: (
        {"fileSize": len(media.data), "url": media.url} if context.seen(media).ready else None
    ),
    "MediaImage.mediaErrors": lambda media, context, args: _failed(media),
    "MediaImage.fileErrors": lambda media, context, args: _failed(media),
    "MediaImage.mediaWarnings": lambda media, context, args: [],
    "MediaPreviewImage.image": lambda media, context, args: _image(media),
    "MediaPreviewImage.status": lambda media, context, args: media.status,
    "Image.id": lambda image, context, args: gid("ImageSource", image.media.number),
    "Image.url": lambda image, context, args: image.url(args.get("transform")),
    "Image.altText": lambda image, context, args: image.media.alt or None,
    "Image.width": lambda image, context, args: image.media.size[0],
    "Image.height": lambda image, context, args: image.media.size[1],
    "Metafield.id": lambda one, context, args: one.gid,
    "Metafield.namespace": lambda one, context, args: one.namespace,
    "Metafield.key": lambda one, context, args: one.key,
    "Metafield.type": lambda one, context, args: one.type,
    "Metafield.value": lambda one, context, args: one.value,
    "Metafield.jsonValue": lambda one, context, args: json.loads(one.value) if one.type == "json" else one.value,
    "Metafield.compareDigest": lambda one, context, args: one.digest,
    "Metafield.createdAt": lambda one, context, args: iso(one.created),
    "Metafield.updatedAt": lambda one, context, args: iso(one.updated),
    "Metafield.owner": lambda one, context, args: one.owner,
    "Metafield.reference": lambda one, context, args: None,
    "Metafield.references": lambda one, context, args: None,
    "BulkOperation.id": lambda one, context, args: one.gid,
    "BulkOperation.status": lambda one, context, args: one.status,
    "BulkOperation.type": lambda one, context, args: "QUERY",
    "BulkOperation.query": lambda one, context, args: one.query,
    "BulkOperation.errorCode": lambda one, context, args: one.error or None,
    "BulkOperation.objectCount": lambda one, context, args: str(one.objects),
    "BulkOperation.rootObjectCount": lambda one, context, args: str(one.roots),
    "BulkOperation.fileSize": lambda one, context, args: str(one.size) if one.url else None,
    "BulkOperation.url": lambda one, context, args: one.url or None,
    "BulkOperation.partialDataUrl": lambda one, context, args: one.partial_url or None,
    "BulkOperation.createdAt": lambda one, context, args: iso(one.created),
    "BulkOperation.completedAt": lambda one, context, args: iso(one.completed) if one.completed else None,
}  # fmt: skip


def _failed(media: Media) -> list[dict[str, Any]]:
    if media.status != "FAILED":
        return []
    return [{"code": "INVALID_IMAGE_FILE_SIZE", "message": "Image is too large", "details": "Image is too large"}]


def _only(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else None


_TYPES = {
    Product: "Product",
    Media: "MediaImage",
    Variant: "ProductVariant",
    Metafield: "Metafield",
    BulkOperation: "BulkOperation",
    Subscription: "WebhookSubscription",
}


def type_of(value: Any) -> str:
    """Name the object type of a value that stands for an interface."""
    return value["__typename"] if isinstance(value, Mapping) else _TYPES[type(value)]


def value_of(source: Any, type_name: str, name: str, context: Context, arguments: Mapping[str, Any]) -> Any:
    """Answer one field. Raise `NotBuilt` for what the stand-in does not have."""
    key = f"{type_name}.{name}"
    if key in context.failing:
        raise GraphQLError(
            "Internal error. Looks like something went wrong on our end.", extensions={"code": "INTERNAL_SERVER_ERROR"}
        )
    if key in FIELDS:
        return FIELDS[key](source, context, arguments)
    if isinstance(source, Connection):
        if name == "edges":
            return [{"node": item, "cursor": source.cursor(item)} for item in source.items]
        if name in ("nodes", "pageInfo"):
            return source.items if name == "nodes" else source.page_info
    if isinstance(source, Mapping) and name in source:
        return source[name]
    raise NotBuilt(f"the stand-in has no {key}")
