"""What WordPress shows to the contract suite. The recorded requests were signed with SECRET at NOW."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from app.domain.decisions import Verdict
from app.domain.events import Delivery, ErasureWanted, Event, MediaDeleted, MediaUploaded, SiteRemoved, VerdictGiven
from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from integrations.kit import signing
from integrations.wordpress.settings import Settings
from tests.contract.sample import Sample, Scripted, StandIn
from tests.integrations.wordpress.stand_in import Attachment, PluginStandIn

NOW = 1_795_348_800  # 2026-11-22T12:00:00Z
SITE = "site_7hq2m4xk"
SECRET = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXNlY3JldC0zMi1ieXQ="
NEW_SECRET = "whsec_dGhlLW5ldy1zZWNyZXQtYWZ0ZXItcm90YXRpb24tMzI="
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

MEDIA = MediaRef(
    id="412",
    version=SHA256,
    source="https://blog.example/wp-content/uploads/2026/11/beach.jpg",
    parent="post:398",
    context={
        "mime": ("image/jpeg",),
        "title": ("Am Strand – für alle",),
        "file": ("2026/11/beach.jpg",),
        "created": ("2026-11-22T11:59:58Z",),
        "parent_type": ("post",),
        "parent_status": ("draft",),
        "author": ("5",),
        "role": ("author", "shop_manager"),
    },
)


class WordPressSample(Sample):
    slug: ClassVar[str] = "wordpress"
    compares_orders: ClassVar[bool] = True
    now: ClassVar[int] = NOW
    secrets: ClassVar[tuple[str, ...]] = (SECRET, SECRET.removeprefix("whsec_"), NEW_SECRET)

    @property
    def events(self) -> Mapping[str, tuple[Event, ...]]:
        return {
            "media_uploaded": (MediaUploaded(MEDIA),),
            "media_uploaded_by_an_import": (
                MediaUploaded(
                    MediaRef(
                        id="413",
                        version=SHA256,
                        source="https://blog.example/wp-content/uploads/2026/11/import.png",
                        context={
                            "mime": ("image/png",), "title": ("import",), "file": ("2026/11/import.png",),
                            "created": ("2026-11-22T11:59:59Z",), "author": ("0",),
                        },
                    )
                ),
            ),
            "media_deleted": (MediaDeleted("412"),),
            "verdict_given": (VerdictGiven(MEDIA, SHA256, Verdict.ALLOW, "Ana Petrović"),),
            "verdict_given_never_again": (VerdictGiven(MEDIA, SHA256, Verdict.BLOCK, "Ana Petrović", never_again=True),),
            "site_removed": (SiteRemoved(),),
            "erasure_wanted": (ErasureWanted(("412", "413")),),
            "erasure_wanted_of_all": (ErasureWanted(),),
        }  # fmt: skip

    def site(self, **over: Any) -> Site:
        made = Site(
            id=SITE,
            platform="wordpress",
            name="Blog",
            state=SiteState.ACTIVE,
            secrets=(SECRET,),
            connection={"rest_url": "https://blog.example/wp-json/", "home_url": "https://blog.example"},
            settings=Settings(),
        )
        return replace(made, **over)

    def signed(
        self, delivery: Delivery, *, secret: str | None = None, at: int | None = None, body: bytes | None = None
    ) -> Delivery:
        body = delivery.body if body is None else body
        headers = signing.sign(secret or SECRET, delivery.headers["webhook-id"], NOW if at is None else at, body)
        return replace(delivery, headers={**delivery.headers, **headers}, body=body)

    def signature_headers(self) -> tuple[str, ...]:
        return ("picward-site", "webhook-id", "webhook-timestamp", "webhook-signature")

    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]:
        return _place(self)


class Place(StandIn):
    def __init__(self, plugin: PluginStandIn, site: Site) -> None:
        self.plugin = plugin
        self.site = site
        self._attachment = plugin.attachments[412]
        self.original = self._attachment.data
        self.media = MediaRef(id="412", version=self._attachment.sha256)

    def snapshot(self) -> object:
        return {id: (one.data, one.public) for id, one in self.plugin.attachments.items()}

    def shown(self) -> bytes | None:
        one = self.plugin.attachments.get(412)
        return one.public if one else None

    def replace(self) -> None:
        # As Enable Media Replace does: the placeholder is overwritten by the new file.
        self._attachment.data, self._attachment.hidden = b"\xff\xd8\xff other pixels", False

    def remove(self) -> None:
        del self.plugin.attachments[412]

    def changes(self) -> int:
        return self.plugin.changes

    def script(self, answer: Scripted | None) -> None:
        self.plugin.scripted = answer


@contextmanager
def _place(sample: WordPressSample) -> Iterator[StandIn]:
    library = {id: Attachment(id, b"\xff\xd8\xff pixels of %d" % id) for id in (3, 57, 412, 900)}
    with PluginStandIn(SITE, SECRET, library) as plugin:
        connection = {"rest_url": plugin.address + "/wp-json/", "home_url": plugin.address}
        yield Place(plugin, sample.site(connection=connection, settings=Settings(private_network=True)))


SAMPLE = WordPressSample()
