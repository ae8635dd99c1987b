"""The whole catalogue by one bulk operation: Shopify writes a file, one JSON object a line, which is read page by page.

A product comes before its media, and they come anywhere after it: what is known of products is kept from page to page.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.domain.errors import DeliveryUnreadable, MediaGone, PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.time import SECOND, microseconds
from integrations.kit.answers import Answer, code
from integrations.kit.http import Session
from integrations.kit.untrusted import Untrusted
from integrations.shopify import documents
from integrations.shopify.answers import asked_seconds
from integrations.shopify.api import Admin, understood
from integrations.shopify.media import Product, images_of, product_id, product_of
from integrations.shopify.webhooks import SHOWN_STATUSES

PAGE_BYTES = 1_000_000
"""How much of the file one page reads: about 900 products with 3 images each. A product with 250 images has 100 kB."""

LINE_BYTES = 8_000_000
"""How long one line may be. 250 tags of 255 characters can have 400 kB, and nobody promises that they are the longest."""

KEPT_LISTINGS = 4
KEPT_PRODUCTS = 50_000
"""Of how many listings, and of how many products of each, a process knows what it read, about 1 kB each. Media of products
beyond that are judged without what exempts them."""

OPERATION = "gid://shopify/BulkOperation/[0-9]{1,20}"
_log = logging.getLogger(__name__)


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


class Expired(Exception):
    """Say that the file's address is over."""


class TooLong(Exception):
    """Say that a line is longer than `LINE_BYTES`."""


def begin(admin: Admin) -> str | None:
    """Start the operation and give its id; None while too many others run in the shop."""
    with understood():
        payload = admin.ask("bulk_run", query=documents.text("bulk_catalogue")).object("bulkOperationRunQuery")
        for error in payload.items("userErrors", 100):
            if error.label("code", 60) in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
                return None
            said = code(error.label("code", 60)) or "it gave no code"
            raise PlatformRefused(f"Shopify does not list the catalogue ({said}).")
        id = payload.object("bulkOperation").text("id", 100)
    if not re.fullmatch(OPERATION, id):
        raise PlatformUnavailable("Shopify's answer names no bulk operation.")
    return id


def state(admin: Admin, id: str) -> Operation | None:
    """Read how an operation stands; None when Shopify forgot it."""
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


@dataclass(slots=True)
class Known:
    """What was read of one listing, up to an offset: its products, and how many media of each."""

    upto: int = 0
    products: OrderedDict[str, Product] = field(default_factory=OrderedDict)
    media: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        self.upto = 0
        self.products.clear()
        self.media.clear()

    def take(self, data: bytes, judge_drafts: bool) -> Iterator[MediaRef]:
        """Read whole lines, and give the images among them."""
        with understood():
            for line in data.splitlines():
                if line.strip():
                    yield from self._line(_object(line), judge_drafts)

    def _line(self, node: Untrusted, judge_drafts: bool) -> Iterator[MediaRef]:
        if "__parentId" not in node:
            product = product_of(node)
            self.products[product.id] = product
            if len(self.products) > KEPT_PRODUCTS:
                self.products.popitem(last=False)
            return
        try:
            parent = product_id(node.text("__parentId", 100))
        except DeliveryUnreadable as error:
            _log.warning("a line of Shopify's listing belongs to no product: %s", error)
            return
        self.media[parent] += 1
        owner = self.products.get(parent) or Product(parent)
        if judge_drafts or not owner.status or owner.status in SHOWN_STATUSES:
            yield from images_of(owner, (node,), self.media[parent])


def _object(line: bytes) -> Untrusted:
    try:
        return Untrusted(json.loads(line))
    except (ValueError, RecursionError):
        raise DeliveryUnreadable("A line of the listing is not JSON.") from None


class Listings:
    """What this process knows of the listings that it reads; another that goes on with one reads the earlier pages again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()

    def page(self, admin: Admin, operation: Operation, offset: int, judge_drafts: bool) -> tuple[tuple[MediaRef, ...], int]:
        """Read the images of the next page, and where the one after it begins; 0 at the end. Raise `Expired` or `TooLong`."""
        with self._lock:
            known = self._known.setdefault(f"{admin.site.id} {operation.id}", Known())
            self._known.move_to_end(f"{admin.site.id} {operation.id}")
            if len(self._known) > KEPT_LISTINGS:
                self._known.popitem(last=False)
        with known.lock:
            try:
                if known.upto > offset:
                    known.forget()
                while known.upto < offset:
                    self._next(admin, operation, known, min(PAGE_BYTES, offset - known.upto), judge_drafts)
                media, ended = self._next(admin, operation, known, PAGE_BYTES, judge_drafts)
            except BaseException:
                known.forget()
                raise
            return media, 0 if ended else known.upto

    def _next(
        self, admin: Admin, operation: Operation, known: Known, size: int, judge_drafts: bool
    ) -> tuple[tuple[MediaRef, ...], bool]:
        while True:
            data = _bytes(admin, operation, known.upto, size)
            ended = len(data) < size
            whole = data if ended else data[: data.rfind(b"\n") + 1]
            if whole or not data:
                break
            if size >= LINE_BYTES:
                raise TooLong
            size = min(size * 8, LINE_BYTES)
        media = tuple(known.take(whole, judge_drafts))
        known.upto += len(whole)
        return media, ended


def _bytes(admin: Admin, operation: Operation, offset: int, size: int) -> bytes:
    """Read a piece of the file. Its address is signed, and leads to a store of Shopify's choice. Raise `Expired`."""
    if not operation.url.startswith("https://") and not admin.config.private_network:
        raise PlatformRefused("Shopify's listing is not at a safe address.")
    if operation.size and offset >= operation.size:
        return b""
    session = Session(admin.config.private_network)
    span = f"bytes={offset}-{offset + size - 1}"
    try:
        answer = session.request("GET", operation.url, headers={"Range": span}, limit=size, explain=_explain)
    except MediaGone:
        raise Expired from None
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
