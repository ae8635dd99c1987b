"""What a shop holds: the whole catalogue by a bulk operation, or by pages where that fails, and what changed lately.

A scan's cursor is "" at first; `op <operation>` while Shopify prepares the listing; `at <offset> <operation>` while its file
is read; `again` when it must be begun anew. Each ends with the number of times that it was begun anew, if it was. Once no bulk
operation is of use it is `pages`, and `pages <cursor>` with Shopify's own.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef, Page
from app.domain.time import utc
from integrations.kit.answers import code
from integrations.kit.untrusted import Untrusted
from integrations.shopify import bulk
from integrations.shopify.api import Admin, understood
from integrations.shopify.bulk import Listings, Operation
from integrations.shopify.media import MAX_MEDIA, images_of, product_of
from integrations.shopify.settings import Settings
from integrations.shopify.webhooks import SHOWN_STATUSES, shows

POLL_SECONDS = 10.0
"""How often to ask whether the listing is ready; a webhook tells earlier. 10,000 products take a minute or two."""

FIRST_POLL_SECONDS = 2.0
"""When to ask first: a small shop is listed by then."""

BUSY_SECONDS = 60.0
"""How long to wait when too many bulk operations of the app run in the shop already: five are allowed."""

MAX_RESTARTS = 5
"""How often one scan begins a new bulk operation because the one before was of no use. A network that lets nobody reach
Shopify's store of files refuses each of them, and each costs the shop 10 points and Shopify the whole catalogue."""

FILE_SECONDS = 604_800
"""How long a listing can be read after it ended; one that is older is over by itself, and beginning anew is no try again:
https://shopify.dev/docs/api/usage/bulk-operations/queries."""

_PAGES = "pages"
_CURSOR = re.compile(
    rf"again(?: [1-9][0-9]?)?|op ({bulk.OPERATION})(?: [1-9][0-9]?)?|at ([0-9]{{1,15}}) ({bulk.OPERATION})(?: [1-9][0-9]?)?"
    rf"|{_PAGES}(?: (\S{{1,500}}))?"
)
_RESTARTS = re.compile(r"(?:again|[0-9]) ([1-9][0-9]?)")
_log = logging.getLogger(__name__)


def scan(admin: Admin, cursor: str, judge_drafts: bool, listings: Listings) -> Page:
    """Read the next page of everything that is there."""
    found = _CURSOR.fullmatch(cursor) if cursor else None
    if cursor and found is None:
        raise PlatformRefused("The listing cannot go on from here; start it again.")
    if cursor.startswith(_PAGES):
        return _page(admin, (found[4] or "") if found is not None else "", judge_drafts)
    begun = _RESTARTS.search(cursor)
    restarts = int(begun[1]) if begun is not None else 0
    if found is None or cursor.startswith("again"):
        id = bulk.begin(admin)
        if id is None:
            return Page((), _cursor("again", restarts), wait_seconds=BUSY_SECONDS)
        return Page((), _cursor(f"op {id}", restarts), wait_seconds=FIRST_POLL_SECONDS)
    offset, id = int(found[2] or 0), found[1] or found[3]
    operation = bulk.state(admin, id)
    if operation is None or operation.status in ("EXPIRED", "CANCELED", "CANCELING"):
        return _again(admin, operation, restarts)
    if operation.status in ("CREATED", "RUNNING"):
        return Page((), _cursor(f"op {id}", restarts), wait_seconds=POLL_SECONDS)
    if operation.status != "COMPLETED":
        # What it wrote until then may lack anything; the pages have all of it.
        return _by_pages(admin, code(operation.error or operation.status))
    if not operation.url:
        # An operation that found nothing has no file; one with objects has lost it.
        return _again(admin, operation, restarts) if operation.images else Page((), total=0)
    try:
        media, following = listings.page(admin, operation, offset, judge_drafts)
    except bulk.Expired:
        return _again(admin, operation, restarts)
    except bulk.TooLong:
        return _by_pages(admin, "a line of the file has no end")
    return Page(media, _cursor(f"at {following} {id}", restarts) if following else "", total=operation.images)


def _cursor(place: str, restarts: int) -> str:
    return f"{place} {restarts}" if restarts else place


def _again(admin: Admin, operation: Operation | None, restarts: int) -> Page:
    """Start the listing again, and count it. Go on by pages when that has led to nothing too often."""
    if operation is not None and 0 < operation.ended_at < time.time() - FILE_SECONDS:
        return Page((), "again", wait_seconds=POLL_SECONDS)
    if restarts >= MAX_RESTARTS:
        store = urlsplit(operation.url).hostname if operation is not None else None
        return _by_pages(admin, f"no file could be read to its end from {store or 'where Shopify keeps them'}")
    return Page((), _cursor("again", restarts + 1), wait_seconds=POLL_SECONDS)


def _by_pages(admin: Admin, why: str) -> Page:
    _log.warning("site %s is listed by pages, which takes longer: %s", admin.site.id, why)
    return Page((), _PAGES)


def _page(admin: Admin, after: str, judge_drafts: bool) -> Page:
    """Read 20 products, by the order in which they were made; what is known already is known."""
    media: list[MediaRef] = []
    with understood():
        data = admin.ask("products", query=None, after=after or None, sort="ID").object("products")
        for node in _products(data):
            media += _of(admin, node, judge_drafts)
        page = data.object("pageInfo")
        following = page.text("endCursor", 500) if page.flag("hasNextPage") else ""
    if following and following == after:
        raise PlatformUnavailable("Shopify's listing does not move on.")
    return Page(tuple(media), f"{_PAGES} {following}" if following else "")


def changed(admin: Admin, since: int, cursor: str, settings: Settings) -> Page:
    """Give the images of products that were updated since then, in UTC microseconds, oldest change first."""
    after = utc(since).strftime("%Y-%m-%dT%H:%M:%SZ")
    media: list[MediaRef] = []
    shown: dict[str, tuple[str, ...]] = {}
    with understood():
        data = admin.ask("products", partial=True, query=f"updated_at:>'{after}'", after=cursor or None, sort="UPDATED_AT")
        found = data.object("products")
        for node in _products(found):
            images, product = tuple(_of(admin, node, True)), product_of(node)
            if settings.judge_drafts or product.status in SHOWN_STATUSES:
                media += images
            if shows(product, settings):
                shown[product.id] = tuple(image.id for image in images)
        page = found.object("pageInfo")
        following = page.text("endCursor", 500) if page.flag("hasNextPage") else ""
    if following and following == cursor:
        raise PlatformUnavailable("Shopify's listing does not move on.")
    return Page(tuple(media), following, shown=shown)


def _products(connection: Untrusted) -> Iterator[Untrusted]:
    """Read the products of a page; where Shopify answers in part, some are null."""
    return (node for node in connection.objects("nodes", 250) if "id" in node)


def _of(admin: Admin, node: Untrusted, judge_drafts: bool) -> Iterator[MediaRef]:
    """Give a product's images, all of them: those beyond the first page are asked for."""
    product = product_of(node)
    if not judge_drafts and product.status not in SHOWN_STATUSES:
        return
    if not node.object("media").object("pageInfo").flag("hasNextPage"):
        yield from images_of(product, node.object("media").objects("nodes", 250))
        return
    read, after = 0, None
    while read < MAX_MEDIA:
        data = admin.ask("product", product=product.id, after=after)
        if "product" not in data:
            return
        media = data.object("product").object("media")
        nodes = list(media.objects("nodes", 250))
        yield from images_of(product, nodes, read + 1)
        read += len(nodes)
        page = media.object("pageInfo")
        if not page.flag("hasNextPage") or not nodes:
            return
        after = page.text("endCursor", 500)
