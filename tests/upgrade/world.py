"""The places where pictures are, kept as files: each can be written down by one process and brought to life by another.

A directory is kept as it is, with what git does not keep of it in stat.json. Shopify and Firebase are what their stand-ins
hold, as JSON. WordPress is a dump of its database and its uploads; its own program is laid beneath them.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives import serialization

from tests.integrations.firebase.contract import storage
from tests.integrations.firebase.stand_in.database import RealtimeDatabase
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.identity import Identity, User
from tests.integrations.firebase.stand_in.objects import StoredObject
from tests.integrations.shopify.stand_in import Shop, Shopify, Variant
from tests.integrations.shopify.stand_in.model import Media, Metafield, Product
from tests.integrations.shopify.stand_in.tokens import Grant
from tests.integrations.wordpress.plugin.site import SOURCE, WordPress

FOLDER = "/srv/pictures"
WORDPRESS, PICWARD, SHOPIFY, STORAGE = (f"127.0.0.1:1008{n}" for n in range(4))
"""What stands in a kept state for an address of the day. It has as many characters as a free port's: PHP counts them."""

Moved = Mapping[str, str]
"""Each of these addresses, and the one that it is now; or the other way round, where a state is being kept."""


def moved(text: str, places: Moved) -> str:
    for before, after in places.items():
        text = text.replace(before, after)
    return text


def move_database(path: Path, places: Moved) -> None:
    """Let every text in Picward's own database follow the places, and the bodies of deliveries, which are bytes."""
    with closing(sqlite3.connect(path)) as db, db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(table, row[1]) for table in tables for row in db.execute(f"PRAGMA table_info({table})")]
        for (table, column), kind, (before, now) in itertools.product(columns, ("text", "blob"), places.items()):
            db.execute(
                f'UPDATE {table} SET "{column}" = CAST(replace(CAST("{column}" AS text), ?, ?) AS {kind})'  # noqa: S608
                f""" WHERE typeof("{column}") = '{kind}' AND instr("{column}", CAST(? AS {kind}))""",
                (before, now, before),
            )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# A directory


def files(folder: Path) -> dict[str, list[Any]]:
    """Give mode, time and sha256 of every file below, by its path."""
    return {
        path.relative_to(folder).as_posix(): [path.stat().st_mode & 0o7777, path.stat().st_mtime_ns, sha256(path.read_bytes())]
        for path in sorted(folder.rglob("*"))
        # Picward's mark and the orders that it remembers are no pictures, and no earlier version left them.
        if path.is_file() and path.name != ".picward" and path.parent.name != "orders"
    }


def keep_files(folder: Path, kept: Path) -> None:
    shutil.copytree(folder, kept / "folder")
    (kept / "stat.json").write_text(as_json({name: stat[:2] for name, stat in files(folder).items()}))


def lay_files(kept: Path, folder: Path) -> None:
    shutil.copytree(kept / "folder", folder)
    for name, (mode, mtime_ns) in json.loads((kept / "stat.json").read_text()).items():
        (folder / name).chmod(mode)
        os.utime(folder / name, ns=(mtime_ns, mtime_ns))


# A shop


_GRANT = ("secret", "scope", "now", "access", "refresh", "used", "expires", "refresh_expires")
_MEDIA = ("number", "name", "version", "created", "updated", "alt", "status")
_PRODUCT = (
    "number", "title", "handle", "status", "created", "updated", "tags", "product_type", "vendor", "publications",
)  # fmt: skip
_METAFIELD = ("number", "namespace", "key", "type", "value", "created", "updated")


def kept_shop(shopify: Shopify, shop: Shop) -> dict[str, Any]:
    """Write a shop down. Tokens are written, too: they are the stand-in's, and worth nothing elsewhere."""
    return {
        "client": [shopify.client_id, shopify.secrets[0]],
        "domain": shop.domain,
        "scopes": sorted(shop.scopes),
        "grants": [_fields(one, _GRANT) for one in shop.grants._grants],
        "files": [_fields(one, _MEDIA) | {"data": _coded(one.data)} for one in shop.files.values()],
        "products": [
            _fields(one, _PRODUCT)
            | {
                "media": [media.gid for media in one.media],
                "variants": [[each.number, each.title, [media.gid for media in each.media], each.stock] for each in one.variants],
                "metafields": [_fields(each, _METAFIELD) for each in one.metafields.values()],
            }
            for one in shop.products.values()
        ],
    }


def _fields(one: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}


def lay_shop(kept: Mapping[str, Any], shopify: Shopify) -> Shop:
    shop = shopify.open_shop(kept["domain"], scopes=kept["scopes"])
    for one in kept["grants"]:
        grant = Grant(one["secret"], one["scope"], one["now"], access=one["access"], refresh=one["refresh"], used=one["used"])
        grant.expires, grant.refresh_expires = one["expires"], one["refresh_expires"]
        shop.grants._grants.append(grant)
    address = f"{shopify.address}/cdn/{shop.domain}/files"
    for one in kept["files"]:
        media = Media(address=address, **{**one, "data": base64.b64decode(one["data"])})
        shop.files[media.gid] = media
    for one in kept["products"]:
        product = Product(**{name: one[name] for name in _PRODUCT}, media=[shop.files[gid] for gid in one["media"]])
        for number, title, media, stock in one["variants"]:
            variant = Variant(number, title, product, [shop.files[gid] for gid in media], stock)
            product.variants.append(variant)
            shop.variants[variant.gid] = variant
        for each in one["metafields"]:
            product.metafields[each["namespace"], each["key"]] = Metafield(owner=product, **each)
        shop.products[product.gid] = product
    # Numbers of new things go on far behind those that are taken.
    shop._numbers = {kind: itertools.count(next(first) + 1_000) for kind, first in shop._numbers.items()}
    return shop


def shown_in(shop: Shop) -> dict[str, Any]:
    """Give what merchants and shoppers can tell of a shop's products, by gid."""
    return {gid: json.loads(json.dumps(_snapshot(shop, product))) for gid, product in sorted(shop.products.items())}


def _snapshot(shop: Shop, product: Product) -> dict[str, Any]:
    seen = shop.snapshot(product)
    return {
        **seen,
        "media": [(*rest, sha256(data)) for *rest, data in seen["media"]],
        "metafields": sorted([*at, value] for at, value in seen["metafields"].items()),
    }


# A bucket, what the app is told, and its users

OURS = ("moderation", "picward")
"""The metadata that say what was decided; they are no part of what was uploaded."""


@dataclass(frozen=True)
class Firebase:
    gcs: CloudStorage
    database: RealtimeDatabase
    identity: Identity

    def environment(self) -> dict[str, str]:
        """Give what leads a process here, of which the tokens of service accounts are a part."""
        around = self.gcs.environment() | self.database.environment() | self.identity.environment()
        google = {"TOKEN_URL": self.gcs.token_url, "CERTIFICATES_URL": self.gcs.jwks_url}
        return around | {f"PICWARD_FIREBASE_{name}": url for name, url in google.items()} | {"NO_PROXY": "127.0.0.1"}

    def shown(self) -> dict[str, Any]:
        """Give what the app's users can tell of every object, and of themselves."""
        objects = {
            name: [sha256(data), kind, {key: value for key, value in metadata.items() if key not in OURS}, *rest]  # type: ignore[misc]
            for bucket in self.gcs.buckets.values()
            for name, (data, kind, metadata, *rest) in bucket.snapshot().items()  # type: ignore[misc]
        }
        return {"objects": objects, "users": {uid: [user.claims, user.disabled] for uid, user in self.identity.users.items()}}


@contextmanager
def firebase() -> Iterator[Firebase]:
    with storage() as gcs, RealtimeDatabase() as database, Identity() as identity:
        gcs.bearer = gcs.issued
        made = Firebase(gcs, database, identity)
        with mock.patch.dict(os.environ, made.environment()):
            yield made


def kept_firebase(place: Firebase) -> dict[str, Any]:
    accounts = {
        email: key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        for email, key in place.gcs.accounts._keys.items()
    }
    buckets = {
        bucket.name: [
            {
                "name": one.name,
                "generation": one.generation,
                "content": _coded(one.data),
                "fields": dict(one.fields),
                "acl": sorted(map(list, one.acl)),
                "metageneration": one.metageneration,
                "updated": one.updated,
            }
            for one in bucket.walk("")
        ]
        for bucket in place.gcs.buckets.values()
    }
    users = [vars(user) for user in place.identity.users.values()]
    return {"accounts": accounts, "buckets": buckets, "database": place.database._roots, "users": users}


def lay_firebase(kept: Mapping[str, Any], place: Firebase) -> None:
    for email, pem in kept["accounts"].items():
        place.gcs.accounts._keys[email] = _PublicOnly(serialization.load_pem_public_key(pem.encode()))  # type: ignore[assignment]
    for name, objects in kept["buckets"].items():
        bucket = place.gcs.bucket(name)
        for one in objects:
            bucket._objects[one["name"]] = StoredObject(
                name,
                one["name"],
                one["generation"],
                base64.b64decode(one["content"]),
                MappingProxyType(one["fields"]),
                frozenset((entity, role) for entity, role in one["acl"]),
                one["metageneration"],
                one["updated"],
            )
        bucket._names = sorted(bucket._objects)
        # Generations only grow, also where the clock is behind.
        bucket._clock._last = max([bucket._clock._last, *(one["updated"] for one in objects)])
    place.database._roots = kept["database"]
    place.identity.users = {one["uid"]: User(**one) for one in kept["users"]}


@dataclass(frozen=True)
class _PublicOnly:
    """Be a service account's key as Google knows it; only the account itself has the other half."""

    public: Any

    def public_key(self) -> Any:
        return self.public


# A blog


def wordpress(root: Path) -> WordPress:
    """Make a WordPress of the tests' usual source, with MariaDB, at a path that is short: a socket's must fit into 107 bytes."""
    root.chmod(0o755)
    return WordPress(root, SOURCE, "mysql")


def keep_wordpress(blog: WordPress, kept: Path, places: Moved) -> None:
    dump = ["mariadb-dump", *_server(blog), "--skip-dump-date", "--skip-comments", "--skip-extended-insert", "wp"]
    text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    kept.mkdir()
    (kept / "database.sql").write_text(moved(text, places))
    shutil.copytree(blog.uploads, kept / "uploads")


def lay_wordpress(kept: Path, blog: WordPress, places: Moved) -> None:
    """Put a kept database and kept uploads in the place of a running WordPress' own."""
    text = "DROP DATABASE wp; CREATE DATABASE wp CHARACTER SET utf8mb4; USE wp;\n" + (kept / "database.sql").read_text()
    subprocess.run(["mariadb", *_server(blog)], check=True, capture_output=True, text=True, input=moved(text, places))
    shutil.rmtree(blog.uploads)
    shutil.copytree(kept / "uploads", blog.uploads)


def uploads(blog: WordPress) -> dict[str, str]:
    """Give the sha256 of every file of WordPress that is a picture, public or in the quarantine."""
    found = (path for path in blog.uploads.rglob("*") if path.suffix in (".jpg", ".png", ".bin"))
    return {path.relative_to(blog.uploads).as_posix(): sha256(path.read_bytes()) for path in sorted(found)}


def _server(blog: WordPress) -> list[str]:
    return ["--no-defaults", "-uroot", "-S", str(blog.root / "db.sock")]


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


# All of them


@dataclass
class World:
    """Hold the places, started; `places` says where each is that was somewhere else when it was written down."""

    folder: Path
    shopify: Shopify
    shop: Shop
    firebase: Firebase
    places: dict[str, str]
    blog: WordPress | None = None

    def all_that_is_there(self) -> dict[str, Any]:
        """Give everything that an update must leave alone, what is hidden and what hides it."""
        shop = kept_shop(self.shopify, self.shop)
        return {
            "folder": files(self.folder),
            # Renewing a token is no change.
            "shopify": {name: value for name, value in shop.items() if name != "grants"},
            "firebase": json.loads(json.dumps(kept_firebase(self.firebase))),
            "wordpress": uploads(self.blog) if self.blog else {},
        }


@contextmanager
def standing(kept: Path, scratch: Path, blog: WordPress | None = None) -> Iterator[World]:
    """Bring the kept places to life; `blog` is a WordPress that runs already, whose own pictures are lost."""
    with ExitStack() as stack:
        shop = json.loads((kept / "shopify.json").read_text())
        shopify = stack.enter_context(Shopify(*shop["client"]))
        google = stack.enter_context(firebase())
        lay_files(kept, scratch / "pictures")
        places = {FOLDER: str(scratch / "pictures"), SHOPIFY: shopify.address.removeprefix("http://"), STORAGE: google.gcs.host}
        lay_firebase(json.loads(moved((kept / "firebase.json").read_text(), places)), google)
        if blog is not None:
            places[WORDPRESS] = f"127.0.0.1:{blog.port}"
            lay_wordpress(kept / "wordpress", blog, places)
        yield World(scratch / "pictures", shopify, lay_shop(shop, shopify), google, places, blog)
