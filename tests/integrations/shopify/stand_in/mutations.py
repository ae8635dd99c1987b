"""What the mutations do, with the user errors that Shopify gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from tests.integrations.shopify import schema
from tests.integrations.shopify.stand_in.model import Media, Metafield, Product, Subscription, Variant, gid, iso
from tests.integrations.shopify.stand_in.reads import Context, found
from tests.integrations.shopify.stand_in.search import NotBuilt

Payload = dict[str, Any]
Arguments = Mapping[str, Any]

MAX_MEDIA = 250
MAX_METAFIELDS = 25
MAX_TAG_LENGTH = 255
MAX_TAGS = 250
"""On all plans below Plus: https://shopify.dev/changelog/product-tags-now-have-a-limit-of-250-per-product"""

MAX_JSON_BYTES = 131_072
"""What one metafield of the type `json` takes: https://shopify.dev/docs/apps/build/metafields/metafield-limits"""

TOO_MANY_TAGS = "Tags cannot be added as the product already exceeds the new limit of 250 tags."
_UPDATABLE = {"id", "status", "tags", "title", "handle", "productType", "vendor", "metafields"}


def _error(message: str, *path: str, code: str | None = None) -> Payload:
    return {"field": list(path) or None, "message": message, "code": code, "elementIndex": None}


def _failed(name: str, *errors: Payload, key: str = "userErrors") -> Payload:
    return {name: None, key: list(errors), "userErrors": list(errors)}


def _product(context: Context, id: str | None) -> Product | None:
    one = found(context, id) if id else None
    return one if isinstance(one, Product) else None


def _done(context: Context, product: Product, *, silent: bool = False) -> None:
    """Note that this request changed a product; the shop says so after the answer."""
    context.changed[product] = None
    if silent:
        context.silent[product] = None
    else:
        context.silent.pop(product, None)


def _denied(field: str, required: str) -> GraphQLError:
    message = f"Access denied for {field} field. Required access: {required}"
    return GraphQLError(message, extensions={"code": "ACCESS_DENIED", "requiredAccess": required})


def _needs(context: Context, scope: str, field: str) -> None:
    if scope not in context.scopes:
        raise _denied(field, f"`{scope}` access scope.")


def product_update(context: Context, arguments: Arguments) -> Payload:
    wanted = arguments.get("product") or arguments.get("input") or {}
    if "identifier" in arguments or "input" in arguments:
        raise NotBuilt("the stand-in takes productUpdate's `product` only")
    product = _product(context, wanted.get("id"))
    if product is None:
        return _failed("product", _error("Product does not exist", "id"))
    unknown = {name for name, value in wanted.items() if value not in (None, False)} - _UPDATABLE
    if unknown:
        raise NotBuilt(f"the stand-in cannot update {sorted(unknown)}")
    if wanted.get("title") == "":
        return _failed("product", _error("Title can't be blank", "title"))
    if len(wanted.get("tags") or ()) > max(MAX_TAGS, len(product.tags)):
        return _failed("product", _error(TOO_MANY_TAGS, "tags"))
    if any(_too_long(one) for one in wanted.get("metafields") or ()):
        return _failed("product", _error("Value is too long.", "metafields", "0", "value"))
    media = [_source(context, one) for one in arguments.get("media") or ()]
    if None in media or len(product.media) + len(media) > MAX_MEDIA:
        return _failed("product", _error("Media is invalid or there is too much of it", "media"))
    names = {"status": "status", "title": "title", "handle": "handle", "productType": "product_type", "vendor": "vendor"}
    for name, attribute in names.items():
        if wanted.get(name) is not None and getattr(product, attribute) != wanted[name]:
            setattr(product, attribute, wanted[name])
            _done(context, product)
    if wanted.get("tags") is not None and sorted(wanted["tags"]) != sorted(product.tags):
        product.tags[:] = wanted["tags"]
        _done(context, product)
    for one in wanted.get("metafields") or ():
        _store(context, product, one)
    for one in media:
        product.media.append(one)
        _done(context, product)
    return {"product": product, "userErrors": []}


def _source(context: Context, wanted: Arguments) -> Media | None:
    """Take an image from an address on our own CDN; the stand-in loads nothing from elsewhere."""
    address = wanted["originalSource"].partition("?")[0]
    for media in context.shop.files.values():
        if media.url.partition("?")[0] == address and wanted["mediaContentType"] == "IMAGE":
            return context.shop.new_media(media.data, wanted.get("alt") or "", unready_reads=1)
    return None


def publish(context: Context, arguments: Arguments, *, on: bool) -> Payload:
    product = _product(context, arguments["id"])
    if product is None:
        return _failed("publishable", _error("Publishable does not exist", "id"), key="userErrors") | {"shop": context.shop}
    for index, one in enumerate(arguments["input"]):
        if one.get("publicationId") not in context.shop.publications:
            error = _error("Publication does not exist or is not publishable", "input", str(index), "publicationId")
            return {"publishable": product, "shop": context.shop, "userErrors": [error]}
    for one in arguments["input"]:
        publication = one["publicationId"]
        if on:
            date = one.get("publishDate") or product.publications.get(publication) or iso(context.shop.now())
            changes = product.publications.get(publication) != date
            product.publications[publication] = date
        else:
            changes = product.publications.pop(publication, None) is not None
        if changes:
            _done(context, product)
    return {"publishable": product, "shop": context.shop, "userErrors": []}


def file_update(context: Context, arguments: Arguments) -> Payload:
    """Change files' references and texts. All or nothing: one bad file and none is changed."""
    shop, files = context.shop, arguments["files"]
    referring = any(one.get(name) for one in files for name in ("referencesToAdd", "referencesToRemove"))
    if referring and "write_products" not in context.scopes:
        raise GraphQLError("Access denied: Missing permission to manage products.", extensions={"code": "ACCESS_DENIED"})
    if any(one.get("originalSource") or one.get("previewImageSource") or one.get("filename") for one in files):
        raise NotBuilt("the stand-in does not replace bytes by fileUpdate")
    errors = [error for index, one in enumerate(files) for error in _file_errors(context, one, index)]
    if errors:
        return {"files": [], "userErrors": errors}
    for one in files:
        media = shop.files[one["id"]]
        if one.get("alt") is not None and one["alt"] != media.alt:
            media.alt = one["alt"]
            for product in shop.users_of(media):
                _done(context, product)
        for id in one.get("referencesToRemove") or ():
            if media in shop.products[id].media:
                shop.detach(shop.products[id], media)
                _done(context, shop.products[id])
        for id in one.get("referencesToAdd") or ():
            if media not in shop.products[id].media:
                shop.products[id].media.append(media)
                _done(context, shop.products[id])
    return {"files": [shop.files[one["id"]] for one in files], "userErrors": []}


def _file_errors(context: Context, one: Arguments, index: int) -> list[Payload]:
    media = context.shop.files.get(one["id"])
    if media is None:
        message = f"File id {one['id']} does not exist."
        return [_error(message, "files", str(index), "id", code="FILE_DOES_NOT_EXIST")]
    if not media.ready:
        return [_error("Non-ready files cannot be updated.", "files", code="NON_READY_STATE")]
    targets = [*(one.get("referencesToAdd") or ()), *(one.get("referencesToRemove") or ())]
    if any(id not in context.shop.products for id in targets):
        message = "The reference target does not exist."
        return [_error(message, "files", str(index), "referencesToAdd", code="REFERENCE_TARGET_DOES_NOT_EXIST")]
    for id in one.get("referencesToAdd") or ():
        if len(context.shop.products[id].media) >= MAX_MEDIA:
            return [_error("Product media limit exceeded.", "files", str(index), code="PRODUCT_MEDIA_LIMIT_EXCEEDED")]
    return []


def file_delete(context: Context, arguments: Arguments) -> Payload:
    shop, ids = context.shop, arguments["fileIds"]
    missing = [id for id in ids if id not in shop.files]
    if missing:
        message = f"File ids {', '.join(missing)} do not exist."
        return {"deletedFileIds": None, "userErrors": [_error(message, "fileIds", code="FILE_DOES_NOT_EXIST")]}
    for id in dict.fromkeys(ids):
        for product in shop.users_of(shop.files[id]):
            _done(context, product)
        shop.forget(shop.files[id])
        shop.changes += 1
    return {"deletedFileIds": list(ids), "userErrors": []}


def reorder_media(context: Context, arguments: Arguments) -> Payload:
    product = _product(context, arguments["id"])
    if product is None:
        error = _error("Product does not exist", "id", code="PRODUCT_DOES_NOT_EXIST")
        return {"job": None, "mediaUserErrors": [error], "userErrors": [error]}
    before = list(product.media)
    for index, move in enumerate(arguments["moves"]):
        media = context.shop.files.get(move["id"])
        if media is None or media not in product.media:
            error = _error("Media does not exist", "moves", str(index), "id", code="MEDIA_DOES_NOT_EXIST")
            product.media[:] = before
            return {"job": None, "mediaUserErrors": [error], "userErrors": [error]}
        product.media.remove(media)
        product.media.insert(int(move["newPosition"]), media)
    if product.media != before:
        _done(context, product)
    return {"job": {"id": gid("Job", 1), "done": True}, "mediaUserErrors": [], "userErrors": []}


def variant_media(context: Context, arguments: Arguments, *, on: bool) -> Payload:
    """Give variants an image or take it; Shopify allows one image for each variant."""
    product = _product(context, arguments["productId"])
    if product is None:
        error = _error("Product does not exist", "productId", code="PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "productVariants": None, "userErrors": [error]}
    pairs: list[tuple[Variant, Media]] = []
    for index, pair in enumerate(arguments["variantMedia"]):
        error = _pair_error(context, product, pair, str(index), on)
        if error:
            return {"product": None, "productVariants": None, "userErrors": [error]}
        pairs.append((context.shop.variants[pair["variantId"]], context.shop.files[pair["mediaIds"][0]]))
    for variant, media in pairs:
        if on:
            variant.media.append(media)
        else:
            variant.media.remove(media)
        _done(context, product)
    return {"product": product, "productVariants": [variant for variant, _ in pairs], "userErrors": []}


def _pair_error(context: Context, product: Product, pair: Arguments, index: str, on: bool) -> Payload | None:
    path = ("variantMedia", index)
    variant, ids = context.shop.variants.get(pair["variantId"]), pair["mediaIds"]
    media = context.shop.files.get(ids[0]) if ids else None
    if variant is None or variant.product is not product:
        code = "PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT"
        return _error("Variant does not exist on the specified product", *path, "variantId", code=code)
    if len(ids) > 1:
        return _error("Only one media can be given for each variant", *path, "mediaIds", code="TOO_MANY_MEDIA_PER_INPUT_PAIR")
    if media is None or media not in product.media:
        code = "MEDIA_DOES_NOT_EXIST_ON_PRODUCT"
        return _error("Media does not exist on the specified product", *path, "mediaIds", code=code)
    if on and not media.ready:
        return _error("Non-ready media cannot be attached to variants", *path, "mediaIds", code="NON_READY_MEDIA")
    if on and variant.media:
        return _error("Product variant already has attached media", *path, "variantId", code="PRODUCT_VARIANT_ALREADY_HAS_MEDIA")
    if not on and media not in variant.media:
        return _error("The media is not attached to the variant", *path, "mediaIds", code="MEDIA_IS_NOT_ATTACHED_TO_VARIANT")
    return None


def tags(context: Context, arguments: Arguments, *, on: bool) -> Payload:
    _needs(context, "write_products", "tagsAdd" if on else "tagsRemove")
    product = _product(context, arguments["id"])
    if product is None:
        return _failed("node", _error("Node does not exist", "id"))
    if any(len(tag) > MAX_TAG_LENGTH for tag in arguments["tags"]):
        return {"node": product, "userErrors": [_error(f"Tag exceeds {MAX_TAG_LENGTH} characters", "tags")]}
    # Tags are compared without regard to case.
    given = {tag.lower(): tag for tag in arguments["tags"]}
    had = {tag.lower() for tag in product.tags}
    if on:
        kept = [*product.tags, *(tag for lower, tag in given.items() if lower not in had)]
        if len(kept) > max(MAX_TAGS, len(product.tags)):
            return {"node": product, "userErrors": [_error(TOO_MANY_TAGS, "tags")]}
    else:
        kept = [tag for tag in product.tags if tag.lower() not in given]
    if kept != product.tags:
        product.tags[:] = kept
        _done(context, product)
    return {"node": product, "userErrors": []}


def metafields_set(context: Context, arguments: Arguments) -> Payload:
    _needs(context, "write_products", "metafieldsSet")
    wanted: Sequence[Arguments] = arguments["metafields"]
    if len(wanted) > MAX_METAFIELDS:
        error = _error(
            f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}.", "metafields", code="LESS_THAN_OR_EQUAL_TO"
        )
        return _failed("metafields", error)
    for index, one in enumerate(wanted):
        product = _product(context, one["ownerId"])
        path = ("metafields", str(index))
        if product is None:
            return _failed(
                "metafields", _error("Owner does not exist.", *path, "ownerId", code="INVALID") | {"elementIndex": index}
            )
        if _too_long(one):
            return _failed("metafields", _error("Value is too long.", *path, "value", code="TOO_LONG") | {"elementIndex": index})
        at = (context.namespace(one.get("namespace")), one["key"])
        now = product.metafields.get(at)
        if "compareDigest" in one and one["compareDigest"] != (now.digest if now else None):
            message = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
            return _failed("metafields", _error(message, *path, code="STALE_OBJECT") | {"elementIndex": index})
        if now is None and not one.get("type"):
            return _failed("metafields", _error("Type can't be blank", *path, "type", code="BLANK") | {"elementIndex": index})
    made = [_store(context, context.shop.products[one["ownerId"]], one) for one in wanted]
    return {"metafields": made, "userErrors": []}


def _too_long(wanted: Arguments) -> bool:
    return wanted.get("type") == "json" and len(wanted["value"].encode()) > MAX_JSON_BYTES


def _store(context: Context, product: Product, wanted: Arguments) -> Metafield:
    shop, now = context.shop, context.shop.now()
    at = (context.namespace(wanted.get("namespace")), wanted["key"])
    one = product.metafields.get(at)
    if one is None:
        one = Metafield(shop.number_of("metafield"), product, *at, wanted.get("type") or "json", wanted["value"], now, now)
        product.metafields[at] = one
    elif one.value == wanted["value"]:
        return one
    one.value, one.updated = wanted["value"], now
    _changed_metafield(context, product)
    return one


def _changed_metafield(context: Context, product: Product) -> None:
    if context.shop.shopify.webhooks.metafields_echo or product in context.changed:
        _done(context, product)
    else:
        _done(context, product, silent=True)


def metafields_delete(context: Context, arguments: Arguments) -> Payload:
    _needs(context, "write_products", "metafieldsDelete")
    deleted: list[Payload | None] = []
    for one in arguments["metafields"]:
        product = _product(context, one["ownerId"])
        at = (context.namespace(one["namespace"]), one["key"])
        if product is None or product.metafields.pop(at, None) is None:
            deleted.append(None)
            continue
        _changed_metafield(context, product)
        deleted.append({"ownerId": one["ownerId"], "namespace": at[0], "key": one["key"]})
    return {"deletedMetafields": deleted, "userErrors": []}


def bulk_run(context: Context, arguments: Arguments) -> Payload:
    problems = schema.bulk_problems(arguments["query"], context.version)
    if problems:
        return _failed("bulkOperation", *(_error(text, "query", code="INVALID") for text in problems))
    operation = context.shop.bulk.run(arguments["query"], context, arguments["groupObjects"])
    if operation is None:
        message = "A bulk query operation for this app and shop is already in progress: too many are running."
        return _failed("bulkOperation", _error(message, code="OPERATION_IN_PROGRESS"))
    return {"bulkOperation": operation, "userErrors": []}


def bulk_cancel(context: Context, arguments: Arguments) -> Payload:
    operation = context.shop.bulk.cancel(arguments["id"])
    if operation is None:
        return _failed("bulkOperation", _error("Bulk operation does not exist", "id"))
    return {"bulkOperation": operation, "userErrors": []}


def subscribe(context: Context, arguments: Arguments) -> Payload:
    """Subscribe a webhook or change it. An address must be safe, and each topic can go to it once."""
    shop, wanted = context.shop, arguments["webhookSubscription"]
    known = shop.subscriptions.get(arguments.get("id", ""))
    topic, uri = arguments.get("topic") or (known.topic if known else ""), wanted["uri"]
    if "id" in arguments and known is None:
        return _failed("webhookSubscription", _error("Webhook subscription does not exist", "id"))
    if not uri.startswith("https://"):
        return _failed("webhookSubscription", _error("Address protocol http:// is not supported", "webhookSubscription", "uri"))
    if any(one is not known and (one.topic, one.uri) == (topic, uri) for one in shop.subscriptions.values()):
        return _failed(
            "webhookSubscription", _error("Address for this topic has already been taken", "webhookSubscription", "uri")
        )
    one = known or Subscription(shop.number_of("subscription"), topic, uri, [])
    one.uri, one.fields = uri, list(wanted.get("includeFields") or ())
    shop.subscriptions[one.gid] = one
    return {"webhookSubscription": one, "userErrors": []}


MUTATIONS: dict[str, Callable[[Context, Arguments], Payload]] = {
    "productUpdate": product_update,
    "publishablePublish": lambda context, arguments: publish(context, arguments, on=True),
    "publishableUnpublish": lambda context, arguments: publish(context, arguments, on=False),
    "fileUpdate": file_update,
    "fileDelete": file_delete,
    "productReorderMedia": reorder_media,
    "productVariantAppendMedia": lambda context, arguments: variant_media(context, arguments, on=True),
    "productVariantDetachMedia": lambda context, arguments: variant_media(context, arguments, on=False),
    "tagsAdd": lambda context, arguments: tags(context, arguments, on=True),
    "tagsRemove": lambda context, arguments: tags(context, arguments, on=False),
    "metafieldsSet": metafields_set,
    "metafieldsDelete": metafields_delete,
    "bulkOperationRunQuery": bulk_run,
    "bulkOperationCancel": bulk_cancel,
    "webhookSubscriptionCreate": subscribe,
    "webhookSubscriptionUpdate": subscribe,
}
