"""What a shop holds: the whole catalogue by a bulk operation, and what changed lately by a search.

A scan's cursor is "" at first; `op <operation>` while Shopify prepares the listing; `at <offset> <operation>` while its file
is read, which is one JSON object a line, a product's media right after it; `again` when it must be begun anew. Each ends with
the number of times that it was begun anew, if it was.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.domain.errors import DeliveryUnreadable, MediaGone, PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef, Page
from app.domain.time import SECOND, microseconds, utc
from integrations.kit.answers import Answer, code
from integrations.kit.http import Session
from integrations.kit.untrusted import Untrusted
from integrations.shopify import documents
from integrations.shopify.answers import asked_seconds
from integrations.shopify.api import Admin, understood
from integrations.shopify.media import MAX_MEDIA, Product, image_of, product_id, product_of
from integrations.shopify.settings import Settings
from integrations.shopify.webhooks import SHOWN_STATUSES, shows

PAGE_BYTES = 1_000_000
"""How much of the file one page reads: about 900 products with 3 images each. A product with 250 images has 100 kB."""

POLL_SECONDS = 10.0
"""How often to ask whether the listing is ready; a webhook tells earlier. 10,000 products take a minute or two."""

FIRST_POLL_SECONDS = 2.0
"""When to ask first: a small shop is listed by then."""

BUSY_SECONDS = 60.0
"""How long to wait when too many bulk operations of the app run in the shop already: five are allowed."""

STALE_SECONDS = 600
"""A failure older than this was told before; who goes on with the scan then wants it begun anew."""

MAX_RESTARTS = 5
"""How often one scan begins a new bulk operation because the one before was of no use. A network that lets nobody reach
Shopify's store of files refuses each of them, and each costs the shop 10 points and Shopify the whole catalogue."""

FILE_SECONDS = 604_800
"""How long a listing can be read after it ended; one that is older is over by itself, and beginning anew is no try again:
https://shopify.dev/docs/api/usage/bulk-operations/queries."""

MAX_LINE_BYTES = 65_536
"""How long one line may be; a product with 250 tags of 255 characters is the longest that there is."""

_OPERATION = "gid://shopify/BulkOperation/[0-9]{1,20}"
_CURSOR = re.compile(rf"(?:again|op ({_OPERATION})|at ([0-9]{{1,15}}) ({_OPERATION}))(?: ([1-9][0-9]?))?")


@dataclass(frozen=True, slots=True)
class Operation:
    """The state of a bulk operation. `url` expires 7 days after it ended."""

    id: str
    status: str
    error: str
    images: int
    size: int
    url: str
    ended_at: float


def scan(admin: Admin, cursor: str, judge_drafts: bool) -> Page:
    """Read the next page of everything that is there."""
    found = _CURSOR.fullmatch(cursor) if cursor else None
    if cursor and found is None:
        raise PlatformRefused("The listing cannot go on from here; start it again.")
    restarts = int(found[4] or 0) if found is not None else 0
    if found is None or cursor.startswith("again"):
        return _begin(admin, restarts)
    offset, id = int(found[2] or 0), found[1] or found[3]
    operation = _state(admin, id)
    if operation is None or operation.status in ("EXPIRED", "CANCELED", "CANCELING"):
        return _again(admin, operation, restarts)
    if operation.status in ("CREATED", "RUNNING"):
        return Page((), _cursor(f"op {id}", restarts), wait_seconds=POLL_SECONDS)
    if operation.status != "COMPLETED":
        return _failed(admin, operation, restarts)
    if not operation.url:
        # An operation that found nothing has no file; one with objects has lost it.
        return _again(admin, operation, restarts) if operation.images else Page((), total=0)
    return _read(admin, operation, offset, restarts, judge_drafts)


def _cursor(place: str, restarts: int) -> str:
    return f"{place} {restarts}" if restarts else place


def _again(admin: Admin, operation: Operation | None, restarts: int) -> Page:
    """Start the listing again, and count it. Raise `PlatformRefused` when that has led to nothing too often."""
    if operation is not None and 0 < operation.ended_at < time.time() - FILE_SECONDS:
        return Page((), "again", wait_seconds=POLL_SECONDS)
    if restarts >= MAX_RESTARTS:
        store = urlsplit(operation.url).hostname if operation is not None else None
        raise PlatformRefused(
            f"Shopify listed the catalogue {restarts + 1} times, and none of the listings could be read to its end. See that "
            f"this server can fetch files from {store or 'the store that Shopify keeps them at'}; then begin anew with "
            f"“picward scan {admin.site.id} --afresh”."
        )
    return Page((), _cursor("again", restarts + 1), wait_seconds=POLL_SECONDS)


def _begin(admin: Admin, restarts: int) -> Page:
    with understood():
        payload = admin.ask("bulk_run", query=documents.text("bulk_catalogue")).object("bulkOperationRunQuery")
        for error in payload.items("userErrors", 100):
            if error.label("code", 60) in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
                return Page((), _cursor("again", restarts), wait_seconds=BUSY_SECONDS)
            said = code(error.label("code", 60)) or "it gave no code"
            raise PlatformRefused(f"Shopify does not list the catalogue ({said}).")
        id = payload.object("bulkOperation").text("id", 100)
    if not re.fullmatch(_OPERATION, id):
        raise PlatformUnavailable("Shopify's answer names no bulk operation.")
    return Page((), _cursor(f"op {id}", restarts), wait_seconds=FIRST_POLL_SECONDS)


def _state(admin: Admin, id: str) -> Operation | None:
    with understood():
        data = admin.ask("bulk_state", id=id)
        if "bulkOperation" not in data:
            return None
        node = data.object("bulkOperation")
        return Operation(
            id=id,
            status=node.text("status", 30),
            error=node.label("errorCode", 60),
            # UnsignedInt64 comes as a text.
            images=max(_count(node, "objectCount") - _count(node, "rootObjectCount"), 0),
            size=_count(node, "fileSize"),
            url=node.text("url", 4_000, default=""),
            ended_at=microseconds(node.label("completedAt", 40)) / SECOND,
        )


def _count(node: Untrusted, key: str) -> int:
    text = node.identifier(key, 20) if key in node else "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _failed(admin: Admin, operation: Operation, restarts: int) -> Page:
    if operation.ended_at and time.time() - operation.ended_at > STALE_SECONDS:
        return _again(admin, operation, restarts)
    said = code(operation.error or operation.status).lower().replace("_", " ") or "it gave no code"
    raise PlatformRefused(f"Shopify could not list the catalogue ({said}). Start the scan again in some minutes.")


def _read(admin: Admin, operation: Operation, offset: int, restarts: int, judge_drafts: bool) -> Page:
    data = _bytes(admin, operation, offset)
    if data is None:
        return _again(admin, operation, restarts)
    ended = len(data) < PAGE_BYTES
    whole = data if ended else data[: _last_product(data)]
    if not whole and data:
        raise PlatformRefused("A product in Shopify's listing is too long to be read.")
    media = tuple(_images(whole, judge_drafts))
    following = "" if ended else _cursor(f"at {offset + len(whole)} {operation.id}", restarts)
    return Page(media, following, total=operation.images)


def _bytes(admin: Admin, operation: Operation, offset: int) -> bytes | None:
    """Read a piece of the file; None when the address has expired. It is signed, and leads to a store of Shopify's choice."""
    last = offset + PAGE_BYTES - 1
    if not operation.url.startswith("https://") and not admin.config.private_network:
        raise PlatformRefused("Shopify's listing is not at a safe address.")
    if operation.size and offset >= operation.size:
        return b""
    session = Session(admin.config.private_network)
    try:
        answer = session.request(
            "GET", operation.url, headers={"Range": f"bytes={offset}-{last}"}, limit=PAGE_BYTES, explain=_explain
        )
    except MediaGone:
        return None
    except _PastTheEnd:
        return b""
    if answer.status == 206 or (answer.status == 200 and offset == 0):
        return answer.body
    raise PlatformRefused(f"{answer.host} gives no parts of a file.")


class _PastTheEnd(Exception):
    pass


def _explain(answer: Answer) -> PicwardError | None:
    if answer.status == 416:
        raise _PastTheEnd
    if answer.status in (400, 401, 403, 404, 410):  # how a store says that a signed address is over
        return MediaGone("The listing is no longer there.")
    if answer.status == 429 or answer.status >= 500:
        return PlatformUnavailable(f"{answer.host} asked us to come back later ({answer.status}).", asked_seconds(answer))
    return None


def _last_product(data: bytes) -> int:
    """Find the offset of the last line that begins a product: what follows it may be cut off."""
    end = data.rfind(b"\n") + 1
    while end > 0:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        line = data[begin:end]
        if b'"__parentId"' not in line and begin > 0:
            return begin
        end = begin
    return 0


def _images(data: bytes, judge_drafts: bool) -> Iterator[MediaRef]:
    products: dict[str, Product] = {}
    position = 0
    with understood():
        for line in data.splitlines():
            if not line.strip():
                continue
            node = _object(line)
            if "__parentId" not in node:
                product, position = product_of(node), 0
                products = {product.id: product}
                continue
            position += 1
            parent = product_id(node.text("__parentId", 100))
            # Grouped as it is asked for, a product is right before its media. Without it there is no context to tell.
            owner = products.get(parent) or Product(parent)
            image = image_of(owner, node, position)
            if image is not None and (judge_drafts or not owner.status or owner.status in SHOWN_STATUSES):
                yield image


def _object(line: bytes) -> Untrusted:
    if len(line) > MAX_LINE_BYTES:
        raise DeliveryUnreadable("A line of the listing is too long.")
    try:
        return Untrusted(json.loads(line))
    except (ValueError, RecursionError):
        raise DeliveryUnreadable("A line of the listing is not JSON.") from None


def changed(admin: Admin, since: int, cursor: str, settings: Settings) -> Page:
    """Give the images of products that were updated since then, in UTC microseconds, oldest change first."""
    after = utc(since).strftime("%Y-%m-%dT%H:%M:%SZ")
    media: list[MediaRef] = []
    shown: dict[str, tuple[str, ...]] = {}
    with understood():
        data = admin.ask("changed", partial=True, query=f"updated_at:>'{after}'", after=cursor or None)
        found = data.object("products")
        for node in found.items("nodes", 250):
            gallery = node.object("media")
            if gallery.object("pageInfo").flag("hasNextPage"):
                whole = admin.ask("product", product=product_id(node.text("id", 100)))
                if "product" not in whole:
                    continue
                node = whole.object("product")
            media += _of(node, settings.judge_drafts)
            product = product_of(node)
            if shows(product, settings):
                shown[product.id] = tuple(image.id for image in _of(node, True))
        page = found.object("pageInfo")
        following = page.text("endCursor", 500) if page.flag("hasNextPage") else ""
    if following and following == cursor:
        raise PlatformUnavailable("Shopify's listing does not move on.")
    return Page(tuple(media), following, shown=shown)


def _of(node: Untrusted, judge_drafts: bool) -> Iterator[MediaRef]:
    product = product_of(node)
    if judge_drafts or product.status in SHOWN_STATUSES:
        for position, item in enumerate(node.object("media").items("nodes", MAX_MEDIA), 1):
            if (image := image_of(product, item, position)) is not None:
                yield image
