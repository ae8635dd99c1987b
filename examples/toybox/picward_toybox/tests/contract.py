"""What Toybox shows to the contract suite. The recorded requests were sent with TOKEN at NOW."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from app.domain.events import Delivery, Event, MediaDeleted, MediaUploaded
from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from picward_toybox.platform import Settings
from picward_toybox.tests.stand_in import Box, Picture
from tests.contract.sample import Sample, Scripted, StandIn

NOW = 1_795_348_800  # 2026-11-22T12:00:00Z
ADDRESS = "https://toybox.example/anna"
TOKEN = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXRva2VuLW9mLTMyLWI="
NEW_TOKEN = "whsec_dGhlLW5ldy10b2tlbi1hZnRlci1yb3RhdGlvbi0zMi1i"
KEY = "key-of-annas-box"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class ToyboxSample(Sample):
    slug: ClassVar[str] = "toybox"
    now: ClassVar[int] = NOW
    proves_bytes: ClassVar[bool] = False
    timestamped: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = (TOKEN, KEY, NEW_TOKEN)

    @property
    def events(self) -> Mapping[str, tuple[Event, ...]]:
        beach = MediaRef("p_12", SHA256, context={"title": ("Am Strand – für alle",), "album": ("2026",)})
        return {"picture_added": (MediaUploaded(beach),), "picture_removed": (MediaDeleted("p_12"),)}

    def site(self, **over: Any) -> Site:
        made = Site(
            id="st_70b0",
            platform="toybox",
            name="Anna",
            state=SiteState.ACTIVE,
            secrets=(TOKEN,),
            connection={"address": ADDRESS},
            settings=Settings(),
            key=ADDRESS,
            credentials={"key": KEY},
        )
        return replace(made, **over)

    def signed(
        self, delivery: Delivery, *, secret: str | None = None, at: int | None = None, body: bytes | None = None
    ) -> Delivery:
        headers = {**delivery.headers, "authorization": f"Bearer {TOKEN if secret is None else secret}"}
        return replace(delivery, headers=headers, body=delivery.body if body is None else body)

    def signature_headers(self) -> tuple[str, ...]:
        return ("authorization", "toybox-box")

    def with_dead_credentials(self, site: Site) -> Site:
        return replace(site, credentials={"key": "a-key-that-was-revoked"})

    def stand_in(self, scratch: Path) -> AbstractContextManager[StandIn]:
        return _place(self)


class Place(StandIn):
    def __init__(self, box: Box, site: Site) -> None:
        self.box, self.site = box, site
        self.original = box.pictures["p_12"].data
        self.media = MediaRef("p_12", box.pictures["p_12"].sha256)

    def snapshot(self) -> object:
        return {id: (one.data, one.state) for id, one in self.box.pictures.items()}

    def shown(self) -> bytes | None:
        one = self.box.pictures.get("p_12")
        return one.shown if one else None

    def replace(self) -> None:
        self.box.pictures["p_12"] = Picture(b"\x89PNG\r\n\x1a\n other pixels")

    def remove(self) -> None:
        del self.box.pictures["p_12"]

    def changes(self) -> int:
        return self.box.changes

    def script(self, answer: Scripted | None) -> None:
        self.box.scripted = answer

    def say(self) -> None:
        self.box.say("p_12")

    def said(self, uploader: str) -> list[str]:
        return [text for (name, _), text in self.box.messages.items() if name == uploader]

    def suspended(self, uploader: str) -> bool:
        return bool(self.box.suspended.get(uploader))


@contextmanager
def _place(sample: ToyboxSample) -> Iterator[StandIn]:
    pictures = {id: Picture(b"\x89PNG\r\n\x1a\n pixels of " + id.encode()) for id in ("p_03", "p_07", "p_12", "p_20")}
    pictures["p_12"].state = "friends"  # comes back to friends, not to all
    with Box(KEY, pictures) as box:
        yield Place(box, sample.site(key=box.address, settings=Settings(private_network=True)))


SAMPLE = ToyboxSample()
