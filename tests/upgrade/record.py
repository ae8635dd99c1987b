"""`python -m tests.upgrade.record`: keep a data directory, and its places, as the commit that is checked out writes them.

It is run once per case, at the commit whose state is to be kept, and never by the tests. All is done by the real thing: a web
process, a worker, a WordPress with the plugin, the stand-ins of Shopify and Firebase. The pictures are drawings.
"""

# ruff: noqa: T201 - says what it does
from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from app.config import Config
from app.db import migrate
from app.dispatch.worker import Worker
from app.domain.decisions import Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.platform import Site, SiteState
from app.factory import make_core
from app.services.core import Core
from app.services.people import links, tokens
from app.services.pipeline import enforce, scan
from app.services.review import showing, verdicts
from app.services.rules import lists, policies
from app.services.sites import connecting, sites
from app.services.telling import notices
from bench.processes import PICWARD, environment, free_port, running
from integrations.shopify.platform import RENDITION_PIXELS
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.stand_in import Product, Shop, Shopify
from tests.integrations.shopify.stand_in import tokens as shop_tokens
from tests.integrations.shopify.stand_in.cdn import rendition
from tests.integrations.wordpress.plugin.site import WordPress
from tests.upgrade import today, world
from tests.upgrade.drawings import colour_wheel, drawing, write
from tests.upgrade.world import Firebase

HERE = Path(__file__).parent
PASSWORD = "correct horse battery"
SHOP, PROJECT, BUCKET = "one.myshopify.com", "demo-test", "demo-test.firebasestorage.app"
REFRESH_SECONDS = 900_000_000
"""How long the stand-in's refresh tokens last: as long as the case is kept, 28 years."""

WAIT_SECONDS = 120.0


@dataclass
class Recorder:
    core: Core
    url: str
    root: Path
    blog: WordPress
    shopify: Shopify
    firebase: Firebase
    before: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)

    def settle(self) -> None:
        """Wait until nothing is left to do, and seen twice to be so: one thing leads to another."""
        self.until(lambda: self._idle() and (time.sleep(0.5) or self._idle()), "all work to end")

    def _idle(self) -> bool:
        return not any(self._rows(f"{table} WHERE state IN ('due', 'busy')") for table in ("jobs", "enforcements"))

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.root / "var/picward.db")) as db:
            return db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608

    def until(self, true: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise SystemExit(f"Waited {WAIT_SECONDS:.0f} s for {what}.")
            time.sleep(0.1)

    def decided(self, site: Site, media: str, verdict: Verdict) -> int:
        """Wait for a verdict about a picture and what follows of it; give the decision."""
        self.until(lambda: self._decision(site, media, verdict), f"{verdict} for {media} of {site.name}")
        self.settle()
        found = self._decision(site, media, verdict)
        assert found is not None
        return found

    def _decision(self, site: Site, media: str, verdict: Verdict) -> int | None:
        found = showing.recent(self.core, site.id, limit=1000, restricted=True)
        return next((one.decision.id for one in found if (one.decision.media.id, one.decision.verdict) == (media, verdict)), None)

    def list_as(self, category: str, *pictures: bytes) -> None:
        entries = [
            HashEntry(HashKind.SHA256, hashlib.sha256(data).hexdigest(), ListKind.BLOCK, category, "A drawing for the tests")
            for data in pictures
        ]
        lists.import_entries(self.core, entries, "", "Ada")
        # Else a picture that comes meanwhile is judged twice, or not, as the comparison is slow or fast.
        self.until(lambda: not self._rows("comparisons"), "the list to be compared")

    def resolve(self, decision_id: int, verdict: Verdict, **how: Any) -> None:
        verdicts.resolve(self.core, decision_id, verdict, "Ada", person_id=1, **how)
        self.settle()

    # The people

    def people(self) -> dict[str, Any]:
        link = links.setup_link(self.core)
        assert link is not None
        links.create_owner(self.core, link.rsplit("/", 1)[1], "ada@example.org", "Ada", PASSWORD)
        _, token = tokens.make(self.core, "Backup", ["read", "review"], "Ada", days=tokens.MOST_DAYS)
        return {"person": ["ada@example.org", PASSWORD], "token": token}

    def invite(self) -> None:
        """Let a reviewer join who sees one site only."""
        link = links.invite(self.core, "grace@example.org", "reviewer", [self.sites["Blog"].id], "Ada")
        links.accept(self.core, link.rsplit("/", 1)[1], "Grace", PASSWORD)

    # The places

    def directories(self) -> None:
        shown, watched = self.root / "pictures/shop", self.root / "pictures/watched"
        shown.mkdir(parents=True)
        watched.mkdir()
        poster, restricted, wheel = drawing(1), drawing(2), colour_wheel()
        self.list_as("owner.blocked_hash", poster)
        self.list_as("ncii.known_hash", restricted)
        site = self._connect("folder", "Pictures", {"path": str(shown)})
        policies.save(
            self.core,
            site.id,
            [
                {
                    "category": "sexual.explicit_nudity",
                    "review": 0.21,
                    "block": 0.33,
                    "mode": "enforce",
                    "exempt": [{"key": "folder", "values": ["museum"]}],
                },
                {"category": "weapons", "review": 0.41, "mode": "review"},
                {"category": "violence.graphic", "review": 0.3, "block": 0.77, "mode": "shadow"},
                {"category": "owner.blocked_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
                {"category": "ncii.known_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
            ],
            "Ada",
        )
        sites.save_settings(self.core, site.id, {"tell_webhook": "https://hooks.example/picward", "preview_days": 77}, "Ada")
        watching = self._connect("folder", "Only watching", {"path": str(watched)})
        sites.save_settings(self.core, watching.id, {"mode": "flag"}, "Ada")

        broken = drawing(4, "JPEG", 240)
        for name, data in {
            "poster.png": poster,
            "wheel.jpg": wheel,
            "restricted.png": restricted,
            "chain.png": drawing(3),
        }.items():
            write(shown / name, data)
        write(shown / "summer 2026/a b (1).png", poster, mode=0o640, days_old=12)
        write(shown / "waits.jpg", broken[: len(broken) // 2])
        write(watched / "poster.png", poster)
        write(watched / "wheel.jpg", wheel)
        self.before["folder"] = world.files(self.root / "pictures")
        for name in ("poster.png", "wheel.jpg", "restricted.png", "summer 2026/a b (1).png"):
            self.decided(site, name, Verdict.BLOCK)
        self.decided(watching, "poster.png", Verdict.BLOCK)
        self.decided(watching, "wheel.jpg", Verdict.ALLOW)
        self.decided(site, "waits.jpg", Verdict.REVIEW)
        # Rejected, taken back, and rejected again, which nobody undoes before the update.
        self.resolve(self.decided(site, "chain.png", Verdict.ALLOW), Verdict.BLOCK)
        verdicts.undo(self.core, self.decided(site, "chain.png", Verdict.BLOCK), "Ada")
        self.resolve(self.decided(site, "chain.png", Verdict.ALLOW), Verdict.BLOCK, rejection="1")
        # The first of two who must agree.
        self.resolve(self.decided(site, "restricted.png", Verdict.BLOCK), Verdict.ALLOW)
        self.hidden["folder"] = {
            "Pictures": ["chain.png", "poster.png", "restricted.png", "summer 2026/a b (1).png", "wheel.jpg"]
        }

    def wordpress(self) -> None:
        waiting = connecting.add(self.core, "wordpress", "Blog", "Ada", private_network=True)
        self.blog.php("update_option( 'blogname', 'Blog' );")
        said = self.blog.php(
            f"$done = picward_connect( '{connecting.pairing_code(self.core, waiting)}' );"
            "if ( is_wp_error( $done ) ) { echo $done->get_error_message(); exit( 1 ); }"
        )
        assert not said, said
        site = self._connected(waiting.id, "Blog")
        listed = drawing(11, "JPEG", 400)
        self.list_as("owner.blocked_hash", listed)
        # What is uploaded while the site is paused is hidden once it goes on.
        sites.set_state(self.core, site.id, SiteState.PAUSED, "Ada")
        names = {"listed.jpg": listed, "rejected.jpg": drawing(12, "JPEG", 400), "fine.png": drawing(13)}
        kinds = {name: "image/png" if name.endswith("png") else "image/jpeg" for name in names}
        media = {name: str(self.blog.upload(data, name, kinds[name])["id"]) for name, data in names.items()}
        self.before["wordpress"] = world.uploads(self.blog)
        sites.set_state(self.core, site.id, SiteState.ACTIVE, "Ada")
        self.decided(site, media["listed.jpg"], Verdict.BLOCK)
        self.decided(site, media["fine.png"], Verdict.ALLOW)
        self.decided(site, media["rejected.jpg"], Verdict.ALLOW)
        # Rejected in WordPress, which hides at once and tells Picward.
        self.blog.php(f"wp_set_current_user( 1 ); picward_give_verdict( {media['rejected.jpg']}, 'block', false );")
        self.decided(site, media["rejected.jpg"], Verdict.BLOCK)
        self.hidden["wordpress"] = {"Blog": sorted([media["listed.jpg"], media["rejected.jpg"]])}

    def shop(self) -> Shop:
        shop = self.shopify.open_shop(SHOP, scopes=("write_products",))
        site = self._connected(self._open(shop), SHOP)
        listed = [drawing(number, "JPEG") for number in range(21, 26)]
        self.list_as("owner.blocked_hash", *(rendition(data, RENDITION_PIXELS, RENDITION_PIXELS, "")[0] for data in listed))
        fine = [drawing(number, "JPEG") for number in range(31, 36)]
        products: dict[str, Product] = {}

        def add(title: str, *images: bytes, **more: Any) -> Product:
            product = shop.add_product(title, images, send=False, **more)
            self.before.setdefault("shopify", {}).update({product.gid: world.shown_in(shop)[product.gid]})
            with shop.editing(product):
                products[title] = product
            return product

        # Refused for want of a permission, which is there before anybody tries again.
        self._settings(site, hide_by="unpublish")
        parked = add("Parked", listed[0])
        self.decided(site, ref(parked, parked.media[0]).id, Verdict.BLOCK)
        assert [one.state for one in enforce.parked(self.core, site.id)] == ["parked"]
        shop.grant("write_files", "read_publications", "write_publications")
        self.shopify.webhooks.drain()
        shop.expire_tokens()

        unpublished = add("Unpublished", fine[0], listed[1], tags=("hats",))
        self.decided(site, ref(unpublished, unpublished.media[1]).id, Verdict.BLOCK)
        self._settings(site, hide_by="detach")
        detached = add("Detached", fine[1], listed[2], fine[2], variants=2, variant_images={1: 1})
        picture = ref(detached, detached.media[1]).id
        self.decided(site, picture, Verdict.BLOCK)
        self._settings(site, hide_by="draft", tag="not-shown")
        listing = add("Two pictures", listed[3], fine[3], listed[4], tags=("Sale", "new"), variants=2, variant_images={0: 2})
        two = [ref(listing, listing.media[place]).id for place in (0, 2)]
        for one in two:
            self.decided(site, one, Verdict.BLOCK)
        assert (listing.status, parked.status, len(detached.media), unpublished.publications) == ("DRAFT", "ACTIVE", 2, {})
        self.hidden["shopify"] = {SHOP: sorted([*two, picture, ref(unpublished, unpublished.media[1]).id])}
        self.shopify.webhooks.drain()
        return shop

    def _open(self, shop: Shop) -> str:
        """Open the app in the shop's admin for the first time; give the site's id."""
        query = {"embedded": "1", "shop": shop.domain, "host": "YWRtaW4", "id_token": self.shopify.id_token(shop.domain)}
        answer = requests.get(f"{self.url}/embedded/shopify", query, timeout=60, allow_redirects=False)
        assert answer.status_code == 200, answer.text
        self.shopify.webhooks.subscribe(f"{self.url}/webhooks/shopify", live=True)
        return next(row.id for row in sites.listing(self.core) if row.platform == "shopify")

    def bucket(self) -> None:
        bucket = self.firebase.gcs.bucket(BUCKET)
        listed, restricted, fine = drawing(41), drawing(42), drawing(43)
        self.list_as("owner.blocked_hash", listed)
        self.list_as("ncii.known_hash", restricted)
        bucket.put("users/u1/listed #1.png", listed, token=True, metadata={"title": "Zoë"}, cache_control="public, max-age=60")
        bucket.put("users/u2/restricted.png", restricted, token=True)
        bucket.put("users/u1/rejected.png", drawing(44), acl_public=True)
        bucket.put("users/u3/fine.png", fine, token=True)
        for uid in ("u1", "u2", "u3"):
            self.firebase.identity.add(uid, claims={"plan": "free"})
        self.before["firebase"] = self.firebase.shown()
        key = self.firebase.gcs.service_account()
        told = {"project": PROJECT, "bucket": BUCKET, "service_account": json.dumps(key), "audience": "https://picward.example/x"}
        site = self._connect("firebase", "App", told)
        self._settings(site, tell="database", database_url="https://demo-test.firebaseio.com", strikes="claim", strikes_after=1)
        for _ in scan.scan(self.core, site.id):
            pass
        self.decided(site, "users/u1/listed #1.png", Verdict.BLOCK)
        self.decided(site, "users/u2/restricted.png", Verdict.BLOCK)
        self.decided(site, "users/u3/fine.png", Verdict.ALLOW)
        self.resolve(self.decided(site, "users/u1/rejected.png", Verdict.ALLOW), Verdict.BLOCK, never_again=True)
        self.hidden["firebase"] = {"App": ["users/u1/listed #1.png", "users/u1/rejected.png", "users/u2/restricted.png"]}

    def _connect(self, slug: str, name: str, values: Mapping[str, str]) -> Site:
        return self._connected(connecting.add(self.core, slug, name, "Ada", values).id, name)

    def _connected(self, site_id: str, name: str) -> Site:
        self.sites[name] = site = sites.get(self.core, site_id)
        assert (site.name, site.state) == (name, SiteState.ACTIVE), site
        return site

    def _settings(self, site: Site, **values: Any) -> None:
        sites.save_settings(self.core, site.id, values, "Ada")

    # What must be so after every update

    def expected(self) -> dict[str, Any]:
        undo: dict[str, dict[str, Any]] = {}
        for (name, media), decision in today.in_force(self.core).items():
            if (found := today.undo_of(self.core, decision)) is not None:
                undo.setdefault(name, {})[media] = found
        hidden = {name: media for places in self.hidden.values() for name, media in places.items()}
        assert {name: sorted(media) for name, media in undo.items()} == hidden
        return {
            "hidden": self.hidden,
            "before": self.before,
            "undo": undo,
            "state": today.state(self.core),
            "accounts": today.listed_accounts(self.core),
            "kept_at": self.core.now(),
            "webhook_secret": notices.secret(self.core, self.sites["Pictures"].id),
        }


@contextmanager
def working(core: Core, data_dir: Path) -> Iterator[None]:
    worker = Worker(core, data_dir, 2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def record(root: Path, kept: Path) -> None:
    port = free_port()
    shop_tokens.REFRESH_SECONDS = REFRESH_SECONDS
    (root / "blog").mkdir()
    blog = world.wordpress(root / "blog")
    blog.start()
    try:
        with Shopify() as shopify, world.firebase() as google:
            os.environ |= environment(root / "var", port) | today.operator(shopify)
            core = replace(make_core(Config()), call_webhook=lambda *sent, **how: None)
            migrate.upgrade(core.db)
            recorder = Recorder(core, f"http://127.0.0.1:{port}", root, blog, shopify, google)
            with running([PICWARD, "web"], dict(os.environ), f"{recorder.url}/ready"), working(core, root / "var"):
                told = recorder.people()
                for part in (recorder.directories, recorder.wordpress, recorder.bucket):
                    print(part.__name__)
                    part()
                print("shop")
                shop = recorder.shop()
                recorder.invite()
                recorder.settle()
            expected = told | recorder.expected()
            core.db.close()
            places = {
                str(root / "pictures"): world.FOLDER,
                f"127.0.0.1:{blog.port}": world.WORDPRESS,
                f"127.0.0.1:{port}": world.PICWARD,
                shopify.address.removeprefix("http://"): world.SHOPIFY,
                google.gcs.host: world.STORAGE,
            }
            keep(recorder, shop, expected, kept, places)
    finally:
        blog.stop()


def keep(recorder: Recorder, shop: Shop, expected: Mapping[str, Any], kept: Path, places: world.Moved) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    (kept / "data").mkdir(parents=True)
    with closing(sqlite3.connect(recorder.root / "var/picward.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("picward.db", "vault.key"):
        shutil.copy(recorder.root / "var" / name, kept / "data" / name)
    world.move_database(kept / "data/picward.db", places)
    with closing(sqlite3.connect(kept / "data/picward.db")) as db:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    world.keep_files(recorder.root / "pictures", kept)
    world.keep_wordpress(recorder.blog, kept / "wordpress", places)
    for name, value in (
        ("shopify.json", world.kept_shop(recorder.shopify, shop)),
        ("firebase.json", world.kept_firebase(recorder.firebase)),
        ("expected.json", expected),
    ):
        (kept / name).write_text(world.moved(world.as_json(value), places))


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    root = Path(tempfile.mkdtemp(prefix="pwu-"))
    root.chmod(0o755)
    try:
        record(root, HERE / f"from_{commit}")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
