"""What Firebase shows to the contract suite. The recorded requests are the forwarder's, signed with SECRET at NOW.

Pushes of Google prove their sender and not their bytes, so they are not held to that suite; test_firebase_intake.py has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from app.domain.events import Delivery, Event, MediaUploaded
from app.domain.media import MediaRef
from app.domain.platform import Platform, Site, SiteState
from integrations.firebase.naming import MARK, MODERATION
from integrations.firebase.settings import Settings
from integrations.kit import signing
from tests.contract.sample import Sample, Scripted, StandIn
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.support.surroundings import made

NOW = 1_795_348_800  # 2026-11-22T12:00:00Z
SITE = "st_5d1c7a90b2e34f68"
PROJECT, BUCKET = "demo-test", "demo-test.firebasestorage.app"
SECRET = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXNlY3JldC0zMi1ieXQ="
NEW_SECRET = "whsec_dGhlLW5ldy1zZWNyZXQtYWZ0ZXItcm90YXRpb24tMzI="
OWN_KEY = bytes(range(32))
PUBLIC_URL = "https://picward.example"
PIXELS = b"\x89PNG\r\n\x1a\n pixels of a picture"
NAME = "users/u9/photos/z.png"

UPLOADED = MediaRef(
    id="users/u1/good.jpg",
    version="1795348799123456",
    source=f"gs://{BUCKET}/users/u1/good.jpg",
    context={
        "content_type": ("image/jpeg",), "size": ("693",), "owner": ("u1",), "file": ("good.jpg",), "folder": ("users/u1",),
    },
)  # fmt: skip
ODD = MediaRef(
    id="users/ü 1/grüße #1?.png",
    version="1795348799123457",
    source=f"gs://{BUCKET}/users/ü 1/grüße #1?.png",
    context={"owner": ("ü 1",), "file": ("grüße #1?.png",), "folder": ("users/ü 1",)},
)


@dataclass
class Addresses:
    """Be the operator's settings; the token endpoint is known once the stand-in runs."""

    certificates_url: str = "http://127.0.0.1:9/certs"
    token_url: str = "http://127.0.0.1:9/token"


class FirebaseSample(Sample):
    slug: ClassVar[str] = "firebase"
    now: ClassVar[int] = NOW
    secrets: ClassVar[tuple[str, ...]] = (SECRET, SECRET.removeprefix("whsec_"), "BEGIN PRIVATE KEY", NEW_SECRET)
    sha256_versions: ClassVar[bool] = False
    private_networks: ClassVar[bool] = False

    def __init__(self) -> None:
        self.addresses = Addresses()
        self._stand_in: CloudStorage | None = None

    @property
    def events(self) -> Mapping[str, tuple[Event, ...]]:
        return {
            "object_finalized": (MediaUploaded(UPLOADED),),
            "object_finalized_with_little_said": (MediaUploaded(ODD),),
            "object_finalized_in_the_quarantine": (),
            "object_finalized_as_a_film": (),
            "object_deleted": (),
        }

    def site(self, **over: Any) -> Site:
        made = Site(
            id=SITE,
            platform="firebase",
            name="App",
            state=SiteState.ACTIVE,
            secrets=(SECRET,),
            connection={"project": PROJECT, "bucket": BUCKET, "push_account": "", "audience": ""},
            settings=Settings(tell="nothing"),
            key=BUCKET,
            credentials={"service_account": ""},
            own_key=OWN_KEY,
        )
        return replace(made, **over)

    def made(self, platform: type[Platform], **over: Any) -> Platform:
        return made(platform, self.addresses, public_url=PUBLIC_URL, **over)

    def with_dead_credentials(self, site: Site) -> Site:
        assert self._stand_in is not None
        self.addresses.token_url = self._stand_in.token_url
        key_file = self._stand_in.service_account("gone@demo-test.iam.gserviceaccount.com")
        self._stand_in.revoke(key_file["client_email"])
        return with_key(site, key_file)

    def signed(
        self, delivery: Delivery, *, secret: str | None = None, at: int | None = None, body: bytes | None = None
    ) -> Delivery:
        body = delivery.body if body is None else body
        headers = signing.sign(secret or SECRET, delivery.headers["webhook-id"], NOW if at is None else at, body)
        return replace(delivery, headers={**delivery.headers, **headers}, body=body)

    def signature_headers(self) -> tuple[str, ...]:
        return ("webhook-id", "webhook-timestamp", "webhook-signature")

    @contextmanager
    def _place(self) -> Iterator[StandIn]:
        with storage() as gcs:
            self._stand_in = gcs
            yield Bucket(gcs, self.site())

    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]:
        return self._place()


def with_key(site: Site, key_file: Mapping[str, Any]) -> Site:
    import json

    return replace(site, credentials={"service_account": json.dumps(key_file)})


@contextmanager
def storage(**how: Any) -> Iterator[CloudStorage]:
    """Run the stand-in, and let the SDK of this process find it."""
    # google-auth asks Google about regions beside the first call with a key; nothing of it is ours, and nothing answers here.
    regions = "google.auth.credentials.CredentialsWithRegionalAccessBoundary._is_regional_access_boundary_lookup_required"
    with CloudStorage(**how) as gcs:
        # The SDK heeds the operator's proxy on the way to Google, and the stand-in is not behind one.
        around = gcs.environment() | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        with mock.patch.dict(os.environ, around), mock.patch(regions, lambda self: False):
            yield gcs


class Bucket(StandIn):
    """Be a bucket in which a user has put a picture, among others."""

    def __init__(self, gcs: CloudStorage, site: Site) -> None:
        self.gcs, self.site = gcs, site
        self.bucket = gcs.bucket(site.key)
        for name in ("users/u1/a.png", "users/u2/b c/ü.png", "notes.txt"):
            self.bucket.put(name, PIXELS + name.encode(), content_type="text/plain" if name.endswith("txt") else "image/png")
        put = self.bucket.put(
            NAME, PIXELS, content_type="image/png", metadata={"title": "Zoë"}, cache_control="public, max-age=60", token=True
        )
        self.original = PIXELS
        self.media = MediaRef(NAME, str(put.generation))

    def snapshot(self) -> object:
        """Leave out our two keys of the metadata: they say what was decided, and are no part of what was uploaded."""
        return {
            name: (data, kind, {key: value for key, value in metadata.items() if key not in (MARK, MODERATION)}, *rest)
            for name, (data, kind, metadata, *rest) in self.bucket.snapshot().items()  # type: ignore[misc]
        }

    def shown(self) -> bytes | None:
        one = self.bucket.get(NAME)
        return one.data if one else None

    def replace(self) -> None:
        self.bucket.put(NAME, b"\x89PNG\r\n\x1a\n other pixels")

    def remove(self) -> None:
        self.bucket.remove(NAME)

    def changes(self) -> int:
        return self.gcs.changes()

    def script(self, answer: Scripted | None) -> None:
        self.gcs.scripted = answer


SAMPLE = FirebaseSample()
