"""The main job with Shopify: a real Picward, and a stand-in that executes against Shopify's real schema on a real socket."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.shopify.platform import RENDITION_PIXELS
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Media, Product, Shop, Shopify, answers, picture
from tests.integrations.shopify.stand_in.cdn import rendition
from tests.support.instance import Instance, wait_for

pytestmark = pytest.mark.e2e

DOMAIN = "one.myshopify.com"
KILLS = 6
ALL_SCOPES = ("write_products", "write_files", "read_publications", "write_publications")


@contextlib.contextmanager
def running(folder: Path, shopify: Shopify, **settings: str) -> Iterator[Instance]:
    instance = Instance(
        folder,
        shopify_client_id=CLIENT_ID,
        shopify_client_secret=CLIENT_SECRET,
        shopify_admin_origin=shopify.origin,
        shopify_cdn_hosts="127.0.0.1",
        lease_seconds="3",
        log_level="WARNING",
        **settings,
    )
    instance.start()
    shopify.webhooks.subscribe(f"{instance.url}/webhooks/shopify", live=True)
    try:
        yield instance
    finally:
        instance.stop()


def open_page(instance: Instance, shopify: Shopify, domain: str = DOMAIN) -> requests.Response:
    """Open the app in the shop's admin, as a merchant does right after the installation."""
    query = {"embedded": "1", "shop": domain, "host": "YWRtaW4", "id_token": shopify.id_token(domain)}
    return requests.get(f"{instance.url}/embedded/shopify", query, timeout=60, allow_redirects=False)


def send(instance: Instance, shopify: Shopify, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send what an embedded page's script sends; App Bridge adds a session token to it."""
    headers = {"Authorization": f"Bearer {shopify.id_token(DOMAIN)}"}
    answer = requests.post(f"{instance.url}/embedded/shopify/{action}", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


def decide(instance: Instance, shopify: Shopify, decision_id: int, verdict: str) -> None:
    send(instance, shopify, "verdict", {"decision_id": decision_id, "verdict": verdict})


def block(instance: Instance, folder: Path, *pictures: bytes) -> None:
    """Put pictures on the block list by the hash of the copy that is fetched of them."""
    known = folder / "list.csv"
    copies = [rendition(data, RENDITION_PIXELS, RENDITION_PIXELS, "")[0] for data in pictures]
    known.write_text("\n".join(["kind,hash", *(f"sha256,{hashlib.sha256(copy).hexdigest()}" for copy in copies)]))
    instance.cli("hashes", "import", str(known))


def settled(instance: Instance) -> bool:
    open_work = instance.rows(
        "SELECT (SELECT count(*) FROM jobs WHERE state IN ('due', 'busy')) + "
        "(SELECT count(*) FROM enforcements WHERE state IN ('due', 'busy'))"
    )
    return bool(open_work[0][0] == 0)


def of(instance: Instance, product: Product, media: Media) -> dict[str, Any] | None:
    id = ref(product, media).id
    return next((item for item in instance.decisions() if item["media"] == id), None)


def done(instance: Instance, product: Product, media: Media, verdict: str, action: str) -> dict[str, Any] | None:
    found = of(instance, product, media)
    return found if found and (found["verdict"], found["action"], found["state"]) == (verdict, action, "done") else None


def site_of(instance: Instance) -> tuple[str, str, bytes | None]:
    """Read what is stored of the shop: id, state, credentials."""
    (row,) = instance.rows("SELECT id, state, credentials FROM sites WHERE platform = 'shopify'")
    return row[0], row[1], row[2]


def connected(instance: Instance, shopify: Shopify) -> Shop:
    shop = shopify.open_shop(DOMAIN, scopes=ALL_SCOPES)
    assert open_page(instance, shopify).status_code == 200
    return shop


def test_installed_flagged_hidden_and_restored_as_it_was(tmp_path: Path) -> None:
    with Shopify() as shopify, running(tmp_path, shopify) as picward:
        shop = shopify.open_shop(DOMAIN, scopes=("write_products",))
        # Webhooks come from the moment of the installation, before anybody opened the app.
        early = shop.add_product(images=[picture(1)])
        wait_for(lambda: picward.rows("SELECT state FROM sites") == [("pairing",)], "the newcomer to be stored", 30, picward.log)

        page = open_page(picward, shopify)
        assert page.status_code == 200
        assert f"https://{DOMAIN} https://admin.shopify.com" in page.headers["Content-Security-Policy"]
        wait_for(lambda: of(picward, early, early.media[0]), "what came before the first visit to be judged", 60, picward.log)

        unwanted = picture(77, 1_600, 1_200)
        block(picward, tmp_path, unwanted)
        product = shop.add_product(
            images=[picture(2), unwanted, picture(3)], tags=("sale",), product_type="Hats", variants=2, variant_images={1: 1}
        )
        before = shop.snapshot(product)
        found = wait_for(
            lambda: done(picward, product, product.media[1], "block", "hide"), "the product to be hidden", 60, picward.log
        )
        assert product.status == "DRAFT" and not shop.listed(product) and shop.listed(early)
        wait_for(lambda: settled(picward), "all work to end", 60, picward.log)
        assert {of(picward, product, media)["verdict"] for media in product.media} == {"allow", "block"}  # type: ignore[index]

        decide(picward, shopify, found["id"], "allow")
        wait_for(lambda: done(picward, product, product.media[1], "allow", "restore"), "the restore", 60, picward.log)
        assert shop.snapshot(product) == before

        # Our own changes came back as webhooks, sales do all the time, and every answer was right; none was a new image.
        shop.sell(product)
        shopify.webhooks.drain()
        wait_for(lambda: settled(picward), "all work to end", 60, picward.log)
        assert picward.rows("SELECT count(*) FROM jobs") == [(4,)]

        # A merchant who takes the picture out has done what was wanted: the product comes back by itself.
        second = picture(78)
        block(picward, tmp_path, second)
        cleaned = shop.add_product(images=[picture(4), second])
        wait_for(lambda: done(picward, cleaned, cleaned.media[1], "block", "hide"), "the product to be hidden", 60, picward.log)
        with shop.editing(cleaned):
            shop.detach(cleaned, cleaned.media[1])
        wait_for(lambda: shop.listed(cleaned), "the product to come back", 60, picward.log)
        assert cleaned.tags == [] and cleaned.metafields == {}
        shopify.webhooks.drain()
        assert {attempt.status for attempt in shopify.webhooks.attempts} == {202}
        assert sum(attempt.webhook.topic == "products/update" for attempt in shopify.webhooks.attempts) >= 3


def test_products_that_share_an_image_are_hidden_and_come_back_each_for_itself(tmp_path: Path) -> None:
    with Shopify() as shopify, running(tmp_path, shopify) as picward:
        shop = connected(picward, shopify)
        unwanted = picture(77)
        block(picward, tmp_path, unwanted)
        first, second, third = (shop.add_product(images=[picture(number)], tags=("sale",)) for number in range(3))
        media = shop.add_image(first, unwanted)
        for product in (second, third):
            shop.share(media, product)
        before = [shop.snapshot(product) for product in (second, third)]
        for product in (first, second, third):
            wait_for(lambda product=product: done(picward, product, media, "block", "hide"), "each to be hidden", 60, picward.log)
        assert not any(shop.listed(product) for product in (first, second, third))

        # Taken out of one product, it stays in the others and hides them.
        with shop.editing(first):
            shop.detach(first, media)
        wait_for(lambda: shop.listed(first), "the product that lost it to come back", 60, picward.log)
        wait_for(lambda: settled(picward), "all work to end", 60, picward.log)
        assert first.tags == ["sale"] and first.metafields == {}
        assert not shop.listed(second) and not shop.listed(third)

        # Approved in one product, the others wait for their own decision.
        for number, product in enumerate((second, third)):
            found = of(picward, product, media)
            assert found is not None and found["verdict"] == "block"
            decide(picward, shopify, found["id"], "allow")
            wait_for(lambda product=product: done(picward, product, media, "allow", "restore"), "the restore", 60, picward.log)
            assert [shop.snapshot(one) for one in (second, third)][: number + 1] == before[: number + 1]
            assert shop.listed(third) is (number == 1)


def test_a_permission_is_asked_for_when_a_setting_needs_it(tmp_path: Path) -> None:
    with Shopify() as shopify, running(tmp_path, shopify) as picward:
        shop = shopify.open_shop(DOMAIN, scopes=("write_products",))
        assert "data-scopes" not in open_page(picward, shopify).text
        saved = send(picward, shopify, "settings", {"values": {"hide_by": "detach"}})
        assert saved["values"]["hide_by"] == "detach" and "write_files" in saved["warning"]
        assert 'data-scopes="write_files"' in open_page(picward, shopify).text
        shop.grant("write_files")
        assert send(picward, shopify, "settings", {"values": {}})["warning"] == ""
        assert "data-scopes" not in open_page(picward, shopify).text


def test_what_was_there_already_is_scanned(tmp_path: Path) -> None:
    with Shopify(bucket=100_000) as shopify, running(tmp_path, shopify) as picward:
        shop = shopify.open_shop(DOMAIN)
        shop.fill(products=40, images=3)
        shop.bulk.polls = 1
        assert open_page(picward, shopify).status_code == 200
        site_id = site_of(picward)[0]
        assert "120 would be queued" in picward.cli("scan", site_id, "--dry-run")
        assert "120 queued" in picward.cli("scan", site_id)
        wait_for(lambda: settled(picward), "the catalogue to be judged", 120, picward.log)
        assert picward.rows("SELECT count(DISTINCT media_id), count(*) FROM jobs WHERE state = 'done'") == [(120, 120)]


def test_uninstalled_installed_again_and_erased(tmp_path: Path) -> None:
    with Shopify() as shopify, running(tmp_path, shopify) as picward:
        shop = connected(picward, shopify)
        unwanted = picture(77)
        block(picward, tmp_path, unwanted)
        product = shop.add_product(images=[unwanted, picture(2)])
        before = shop.snapshot(product)
        wait_for(lambda: done(picward, product, product.media[0], "block", "hide"), "the product to be hidden", 60, picward.log)
        first_id, state, credentials = site_of(picward)
        assert state == "active" and credentials

        shop.uninstall()
        wait_for(lambda: site_of(picward)[1] == "removed", "the uninstall to be taken in", 30, picward.log)
        assert not json.loads(picward.rows("SELECT json_array(count(*)) FROM sites WHERE length(credentials) > 100")[0][0])[0]
        assert product.status == "DRAFT", "what is hidden stays hidden, and its state before stays at the product"

        shop.install(ALL_SCOPES)
        assert open_page(picward, shopify).status_code == 200
        again_id, state, _ = site_of(picward)
        assert (again_id, state) == (first_id, "active")
        found = of(picward, product, product.media[0])
        assert found is not None
        decide(picward, shopify, found["id"], "allow")
        wait_for(lambda: done(picward, product, product.media[0], "allow", "restore"), "the restore", 60, picward.log)
        assert shop.snapshot(product) == before

        shop.uninstall()
        shop.request_erasure()
        wait_for(lambda: picward.rows("SELECT count(*) FROM jobs") == [(0,)], "the erasure", 30, picward.log)
        shopify.webhooks.drain()
        assert {attempt.status for attempt in shopify.webhooks.attempts} == {202}
        assert picward.rows("SELECT count(*) FROM audit") != [(0,)]


@pytest.mark.chaos
def test_workers_killed_while_they_hide_leave_nothing_half_done(tmp_path: Path) -> None:
    """kill -9 during write-back: in the end no product is hidden without an undo, and none is shown that should be hidden."""
    chance = random.Random(3)
    with Shopify(bucket=150, restore_rate=60) as shopify, running(tmp_path, shopify) as picward:
        shop = connected(picward, shopify)
        pictures = [picture(number, 64, 48) for number in range(100, 140)]
        unwanted = pictures[::2]
        block(picward, tmp_path, *unwanted)
        products = [shop.add_product(images=pictures[2 * n : 2 * n + 2], tags=("sale",)) for n in range(20)]
        before = {product.gid: shop.snapshot(product) for product in products}
        kills, written = 0, 0
        deadline = time.monotonic() + 240
        while not (settled(picward) and len(hides(picward)) == 20):
            assert time.monotonic() < deadline, (work(picward), picward.log.read_text()[-3000:])
            time.sleep(chance.uniform(0.1, 0.3))
            # Each time in the midst of writing: a worker that could not even start proves nothing.
            if kills < KILLS and shop.operations["Write"] > written:
                written = shop.operations["Write"]
                if kills % 2:
                    shop.script(answers.LOST)
                pid = picward.processes().get("worker")
                if pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    kills += 1
        assert kills == KILLS
        shopify.webhooks.drain()
        undos = hides(picward)
        assert set(undos) == {ref(product, product.media[0]).id for product in products}
        assert all(product.status == "DRAFT" for product in products), "a product is shown that should be hidden"
        assert all(undo["before"] == {"status": "ACTIVE"} for undo in undos.values()), "a product is hidden without a way back"

        shop.script(None)
        shop.bucket.restore_rate = 2_000
        decisions = {item["media"]: item["id"] for item in picward.decisions()}
        for product in products:
            decide(picward, shopify, decisions[ref(product, product.media[0]).id], "allow")
        wait_for(lambda: settled(picward), "all products to come back", 120, picward.log)
        assert {product.gid: shop.snapshot(product) for product in products} == before


def hides(instance: Instance) -> dict[str, dict[str, Any]]:
    rows = instance.rows("SELECT media_id, undo FROM enforcements WHERE action = 'hide' AND state = 'done'")
    return {media_id: json.loads(undo) for media_id, undo in rows if undo}


def work(instance: Instance) -> list[tuple[Any, ...]]:
    query = "SELECT action, state, count(*), max(attempts), max(deaths), max(problem) FROM enforcements GROUP BY 1, 2"
    return [
        *instance.rows(query),
        *instance.rows("SELECT 'job', state, count(*), max(attempts), max(deaths), max(problem) FROM jobs GROUP BY 2"),
    ]
