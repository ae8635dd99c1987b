"""A shop's webhooks at 100 a second, and a catalogue of 10,000 products turned into jobs, beside what Shopify documents."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.config import Config
from app.db import sites as site_rows
from app.domain.decisions import Action, Enforcement, Verdict
from app.domain.events import Delivery
from app.domain.platform import Site, SiteState
from app.factory import make_core
from app.services.core import Core
from app.services.sites import connecting, sites
from bench import load
from bench.processes import PICWARD, environment, free_port, picward, running
from bench.rows import Meaningless, Row, limited
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Shop, Shopify, payloads

DOMAIN = "bench.myshopify.com"
SCHEDULED = 1_000
PER_SECOND = 100.0
P99_MS = 20.0

PRODUCTS, IMAGES = 10_000, 3
SECONDS = 60.0
MEGABYTES = 150.0

HIDDEN = 100
BULK_POINTS = 10
"""A mutation, bulkOperationRunQuery: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits."""

UPDATE_POINTS = 12
"""What a productUpdate was seen to cost on live shops: 10 for the mutation, and what is asked back."""


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, Shopify(bucket=1_000_000) as shopify:
        folder = Path(name)
        shop = shopify.open_shop(DOMAIN)
        port = free_port()
        env = environment(folder, port) | {
            "PICWARD_SHOPIFY_CLIENT_ID": CLIENT_ID,
            "PICWARD_SHOPIFY_CLIENT_SECRET": CLIENT_SECRET,
            "PICWARD_SHOPIFY_ADMIN_ORIGIN": shopify.origin,
            "PICWARD_SHOPIFY_CDN_HOSTS": "127.0.0.1",
        }
        picward(env, "migrate")
        os.environ.update({key: value for key, value in env.items() if key.startswith("PICWARD_")})
        core = make_core(Config())
        query = f"/embedded/shopify?shop={DOMAIN}&id_token={shopify.id_token(DOMAIN)}"
        site, _ = connecting.visit(core, "shopify", Delivery("GET", query, {}, b"", core.now()))
        yield _webhooks(core, site, shopify, env, port)
        yield from _catalogue(core, site, shop, env)
        core.db.close()


def _webhooks(core: Core, site: Site, shopify: Shopify, env: dict[str, str], port: int) -> Row:
    # A paused site takes deliveries, and its worker judges nothing meanwhile.
    with core.db.write() as connection:
        site_rows.change(connection, site.id, state=SiteState.PAUSED)
    shop = shopify.shops[DOMAIN]
    requests = _deliveries(shopify, shop, SCHEDULED + 100)
    with running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready"):
        load.opened(port, requests[:100], PER_SECOND)  # warm
        seen = load.opened(port, requests[100:], PER_SECOND)
    with core.db.write() as connection:
        site_rows.change(connection, site.id, state=SiteState.ACTIVE)
    if seen.errors:
        raise Meaningless(f"{seen.errors} requests were not answered 202")
    what = "A shop's product webhooks at 100/s, open loop, p99"
    return limited(what, f"{seen.p99:.1f} ms (p50 {seen.p50:.1f})", seen.p99, P99_MS, "ms")


def _deliveries(shopify: Shopify, shop: Shop, count: int) -> list[bytes]:
    """Make webhooks of different products with three images each, signed as Shopify signs."""
    made = []
    for _ in range(count):
        product = shop.add_product(images=IMAGES, send=False)
        webhook = shopify.webhooks.build("products/update", DOMAIN, payloads.product(shop, product))
        made.append(load.request("/webhooks/shopify", dict(webhook.headers), webhook.body))
        shop.delete_product(product)
    shopify.webhooks.pending.clear()
    return made


def _catalogue(core: Core, site: Site, shop: Shop, env: dict[str, str]) -> Iterator[Row]:
    shop.fill(PRODUCTS, IMAGES)
    shop.bulk.polls = 1  # how long Shopify takes is not ours to measure; the first look is after two seconds
    shop.requests.clear()
    seconds, megabytes, told = _scan(site, env)
    listed = PRODUCTS * IMAGES
    if f"{listed} queued" not in told.replace(",", "").replace(".", ""):
        raise Meaningless(f"the scan said {told[-200:]!r}")
    what = f"{PRODUCTS} products with {IMAGES} images each into jobs"
    yield limited(f"{what}: time", f"{seconds:.1f} s ({listed / seconds:.0f} images/s)", seconds, SECONDS, "s")
    yield limited(f"{what}: most memory of the process", f"{megabytes:.0f} MB", megabytes, MEGABYTES, "MB")
    scanned = shop.spent
    _hide(core, site, shop)
    points, reads = shop.spent_by["Write"], shop.spent_by["Listing"]
    documented = BULK_POINTS + HIDDEN * UPDATE_POINTS
    changing = shop.spent_by["BulkRun"] + points
    yield Row(
        f"Shopify's points: that scan, and {HIDDEN} products hidden",
        f"{changing} for changes ({scanned} for the scan in all, {reads} for reading before hiding)",
        f"documented: {documented} for one bulk operation and {HIDDEN} mutations",
        round(changing / documented, 2),
        "<= 1.00",
        changing <= documented and shop.operations["Write"] == HIDDEN and shop.operations["BulkRun"] == 1,
    )


_MEASURE = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
said = process.stdout.read().decode()
_, _, usage = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - begun, usage.ru_maxrss / 1024, said]))
"""
# From a small process, since Linux counts to a child what its parent had in memory when it was forked.


def _scan(site: Site, env: dict[str, str]) -> tuple[float, float, str]:
    """Run the scan in a process of its own; give its seconds, its peak memory, and what it said."""
    command = [sys.executable, "-c", _MEASURE, PICWARD, "scan", site.id]
    seconds, megabytes, said = json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)
    return seconds, megabytes, said


def _hide(core: Core, site: Site, shop: Shop) -> None:
    platform = core.platform("shopify")
    current = sites.get(core, site.id)
    # The brake is about one product; here each is hidden once.
    for number, product in enumerate(itertools.islice(shop.products.values(), HIDDEN), 1):
        wanted = Enforcement(number, Action.HIDE, ref(product, product.media[0]), "", Verdict.BLOCK, decided_at=core.now())
        platform.apply(dataclasses.replace(current), wanted)
