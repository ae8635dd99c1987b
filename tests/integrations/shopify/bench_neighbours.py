"""Two shops on one Picward: while one is throttled, hangs or synchronises a catalogue, how long the other's stay visible.

The web process, the worker and the stand-in are real and talk over loopback. Time is counted from when a webhook was to be sent
to when shoppers no longer see the product, on a schedule that waits for nothing.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from bench.rows import Meaningless, Row, limited
from tests.integrations.shopify.e2e.test_shopify import ALL_SCOPES, block, open_page
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Product, Shop, Shopify, payloads, picture
from tests.integrations.shopify.stand_in.webhooks import post
from tests.support.instance import Instance

LIMIT_SECONDS = 1.0

PRODUCTS = 60
EVERY_SECONDS = 0.75
"""One product of the quiet shop after the other, for 45 s: longer than a hanging answer takes."""

WARM = 4
LATEST_SECONDS = 120.0
"""How long a product is waited for: one that takes longer counts as this."""

FLOOD = 200
"""Products that the other shop uploads at the beginning."""

THROTTLED_PER_SECOND = 2.0
"""Points that come back to the throttled shop, as to one whose other apps take nearly all of them."""

HANGING_SECONDS = 40.0
CATALOGUE, IMAGES = 3_000, 3
POINTS, PER_SECOND = 2_000.0, 100.0
"""What Shopify's standard plan gives. https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"""


class Neighbours:
    """Two connected shops: `busy`, which gets into trouble, and `quiet`, which is measured."""

    def __init__(self, instance: Instance, shopify: Shopify) -> None:
        self.instance, self.shopify = instance, shopify
        self.busy, self.quiet = (shopify.open_shop(f"{name}.myshopify.com", scopes=ALL_SCOPES) for name in ("busy", "quiet"))
        self.bad = [picture(1_000 + number) for number in range(PRODUCTS + WARM)]
        block(instance, instance.folder, *self.bad)
        self.open(self.quiet)

    def open(self, shop: Shop) -> None:
        """Open the app in a shop's admin, which connects it."""
        if open_page(self.instance, self.shopify, shop.domain).status_code != 200:
            raise Meaningless(f"{shop.domain} was not connected")

    def send(self, shop: Shop, product: Product) -> None:
        webhook = self.shopify.webhooks.build("products/create", shop.domain, payloads.product(shop, product))
        if post(self.shopify.webhooks.url, webhook) != 202:
            raise Meaningless("a webhook was not taken in")

    def open_jobs(self, shop: Shop) -> int:
        waiting = self.instance.rows(
            "SELECT sites.key FROM jobs JOIN sites ON sites.id = jobs.site_id WHERE jobs.state IN ('due', 'busy')"
        )
        return waiting.count((shop.domain,))


def rows() -> Iterator[Row]:
    for what, trouble in TROUBLES.items():
        with _running() as neighbours:
            alone = _hidden(neighbours, neighbours.bad[:WARM])
            delivered = trouble(neighbours)
            took = _hidden(neighbours, neighbours.bad[WARM:])
            said = delivered()
        p95 = statistics.quantiles(took, n=20)[-1]
        more = f"p50 {statistics.median(took):.2f}, alone {statistics.median(alone):.2f}; {said}"
        named = f"Webhook to hidden at one shop while another {what}, p95"
        yield limited(named, f"{p95:.2f} s ({more})", p95, LIMIT_SECONDS, "s")


@contextlib.contextmanager
def _running() -> Iterator[Neighbours]:
    with tempfile.TemporaryDirectory() as folder, Shopify(bucket=100_000, restore_rate=10_000) as shopify:
        instance = Instance(
            Path(folder),
            shopify_client_id=CLIENT_ID,
            shopify_client_secret=CLIENT_SECRET,
            shopify_admin_origin=shopify.origin,
            shopify_cdn_hosts="127.0.0.1",
            log_level="WARNING",
        )
        instance.start()
        shopify.webhooks.subscribe(f"{instance.url}/webhooks/shopify", live=True)
        try:
            time.sleep(3)  # the model is loaded at the start, and this is about a worker that works
            yield Neighbours(instance, shopify)
        finally:
            shopify.webhooks.close()
            instance.stop()


def _hidden(neighbours: Neighbours, bad: Sequence[bytes]) -> list[float]:
    """Upload a product with each of these pictures, one after the other on a schedule; give how long each was visible."""
    quiet = neighbours.quiet
    products = [quiet.add_product(images=[data], send=False) for data in bad]
    begun = time.monotonic() + 0.1
    due = {product.gid: begun + number * EVERY_SECONDS for number, product in enumerate(products)}
    took: dict[str, float] = {}
    with ThreadPoolExecutor(8) as senders:
        unsent, sent = list(products), []
        while len(took) < len(products) and time.monotonic() < begun + len(products) * EVERY_SECONDS + LATEST_SECONDS:
            now = time.monotonic()
            while unsent and due[unsent[0].gid] <= now:
                sent.append(senders.submit(neighbours.send, quiet, unsent.pop(0)))
            took |= {
                product.gid: now - due[product.gid]
                for product in products
                if product.gid not in took and not quiet.listed(product)
            }
            time.sleep(0.005)
        for one in sent:
            one.result()
    return [took.get(product.gid, LATEST_SECONDS) for product in products]


def _flood(neighbours: Neighbours) -> None:
    for number in range(FLOOD):
        data = neighbours.bad[number % PRODUCTS] if number % 2 else picture(5_000 + number)
        neighbours.busy.add_product(images=[data])


Delivered = Callable[[], str]
"""Say in words that the trouble was there all the time; raise `Meaningless` if it was not."""


def _throttled(neighbours: Neighbours) -> Delivered:
    busy = neighbours.busy
    neighbours.open(busy)
    busy.bucket.restore_rate = THROTTLED_PER_SECOND
    busy.bucket.drain()
    _flood(neighbours)

    def delivered() -> str:
        refused = sum("THROTTLED" in request.errors for request in list(busy.requests))
        return _still_open(neighbours, f"{refused} of its requests refused", refused)

    return delivered


def _hanging(neighbours: Neighbours) -> Delivered:
    busy = neighbours.busy
    neighbours.open(busy)
    busy.hang_seconds = HANGING_SECONDS
    _flood(neighbours)
    return lambda: _still_open(neighbours, f"{busy.hung} of its answers hung", busy.hung)


def _synchronising(neighbours: Neighbours) -> Delivered:
    """Fill a catalogue before the app is opened, and have every product of it be told of once more, as an ERP does."""
    busy = neighbours.busy
    busy.bucket.capacity, busy.bucket.restore_rate = POINTS, PER_SECOND
    busy.fill(CATALOGUE, IMAGES)
    busy.bulk.polls = 1
    neighbours.open(busy)
    told, over = [0], threading.Event()

    def tell() -> None:
        for product in list(busy.products.values()):
            if over.is_set():
                return
            with contextlib.suppress(Meaningless, requests.RequestException):
                neighbours.send(busy, product)
                told[0] += 1

    teller = threading.Thread(target=tell)
    teller.start()

    def delivered() -> str:
        over.set()
        teller.join()
        return _still_open(neighbours, f"{told[0]} of its products told of", told[0])

    return delivered


def _still_open(neighbours: Neighbours, said: str, count: int) -> str:
    waiting = neighbours.open_jobs(neighbours.busy)
    if not (count and waiting):
        raise Meaningless(f"the other shop was not in trouble: {said}, and {waiting} of its pictures waited at the end")
    return f"{said}, {waiting} of its pictures waiting at the end"


TROUBLES = {
    "is throttled": _throttled,
    f"hangs for {HANGING_SECONDS:.0f} s an answer": _hanging,
    f"synchronises {CATALOGUE:,} products": _synchronising,
}
