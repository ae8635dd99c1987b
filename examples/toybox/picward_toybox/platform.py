"""Toybox as a place that images live in."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar, cast
from urllib.parse import quote, urlencode

from pydantic import Field

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.errors import DeliveryRefused, DeliveryUnreadable, MediaGone, PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.events import Delivery, Event, MediaDeleted, MediaUploaded, Parsed
from app.domain.media import MediaRef, Page
from app.domain.platform import Admission, ConnectField, Deliver, FindSite, Platform, Site, SiteState, Step, Stopping
from app.domain.settings import ByOwner, NetworkedSettings, SiteSettings
from app.domain.time import iso
from app.domain.uploaders import Sanction, SanctionOrder, UploaderMessage
from integrations.kit.answers import Answer
from integrations.kit.http import Session, json_body
from integrations.kit.untrusted import Untrusted, read_json

PAGE_SIZE = 100
"""How many pictures one listing asks for; Toybox gives no more at once."""

EVENTS_TOGETHER = 50
"""How many events are asked for at once; Toybox gives no more."""

ASK_SECONDS = 2.0
"""How often a box is asked for events when it had none."""

MIN_TOKEN_CHARACTERS = 24
"""How short a webhook's token may be; a shorter one could be guessed, and a blank one would let everybody in."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # ids become part of an address, so nothing that means something there
_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = logging.getLogger(__name__)


class Settings(NetworkedSettings):
    """Add what only Toybox has: a line for the person whose picture is hidden."""

    tell_author: ByOwner[bool] = Field(
        default=False,
        title="Tell authors why their picture is hidden",
        description="On: Toybox shows the reasons to the person who uploaded the picture, and to nobody else.",
    )


class Toybox(Platform):
    slug: ClassVar[str] = "toybox"
    name: ClassVar[str] = "Toybox"
    summary: ClassVar[str] = "Looks at every picture that is put into a box. Hiding shows a placeholder in its place."
    hiding: ClassVar[str] = "A hidden picture stays in its box and is shown to nobody; a placeholder takes its place."
    actions: ClassVar[frozenset[Action]] = frozenset({Action.LABEL, Action.HIDE, Action.RESTORE})
    Settings: ClassVar[type[SiteSettings]] = Settings
    listens: ClassVar[bool] = True
    tells_uploaders: ClassVar[bool] = True
    sanctions: ClassVar[frozenset[Sanction]] = frozenset({Sanction.SUSPEND, Sanction.LIFT})
    connect_fields: ClassVar[tuple[ConnectField, ...]] = (
        ConnectField("address", "Address of the box", "Such as https://toybox.example/anna."),
        ConnectField("key", "Key", "Made in the box under Settings, Keys.", secret=True),
    )

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        """Prove who sends by a token. It says nothing about the bytes: https alone keeps them as they were sent."""
        claimed, proof = delivery.headers.get("toybox-box", ""), delivery.headers.get("authorization", "")
        site = find(claimed) if 0 < len(claimed) <= 500 else None
        # The same words and nearly the same work for every reason: a stranger learns nothing about which boxes there are.
        secrets = [one for one in site.secrets if len(one) >= MIN_TOKEN_CHARACTERS] if site else ["-"]
        known = [hmac.compare_digest(f"Bearer {one}".encode(), proof.encode(errors="replace")) for one in secrets]
        if site is None or site.key != claimed or site.state not in (SiteState.ACTIVE, SiteState.PAUSED) or not any(known):
            raise DeliveryRefused("The token is not that of a connected box.")
        return site

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        body = read_json(delivery.body)
        if body.choice("type", ("picture.added", "picture.removed")) == "picture.added":
            event: Event = MediaUploaded(_media(body.object("picture")))
        else:
            event = MediaDeleted(_id(body.object("picture")))
        return Parsed(body.text("id", 100), (event,))

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        raise DeliveryRefused("A box is connected by its owner, and never by itself.")

    def key_of(self, connection: Mapping[str, Any]) -> str:
        return str(connection.get("address", "")).rstrip("/")

    def steps(self, site: Site) -> tuple[Step, ...]:
        hook = f"{self.surroundings.public_url.rstrip('/')}/webhooks/{self.slug}"
        token = site.secrets[0] if site.secrets else "…"
        return (Step(f"In the box, under Settings, Webhooks, add {hook} with this token:", token),)

    def scan(self, site: Site, cursor: str = "") -> Page:
        if cursor and not _ID.fullmatch(cursor):
            raise PlatformRefused("The listing cannot go on from here; start it again.")
        answer = _ask(site, "GET", "/pictures?" + urlencode({"after": cursor, "limit": PAGE_SIZE}))
        with _reading():
            media = []
            for item in answer.items("items", PAGE_SIZE):
                try:
                    media.append(_media(item))
                except DeliveryUnreadable as error:  # one odd picture must not hide all that come after it
                    _log.warning("A picture of site %s is left out of the listing: %s", site.id, error)
            following = answer.text("next", 64, default="")
            if following and following <= cursor:
                raise PlatformRefused("The listing does not move on.")  # it would be read for ever
            return Page(tuple(media), following, answer.integer("total", 0))

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        return _session(site).open_bytes(
            "GET",
            _url(site, f"/pictures/{quote(media.id, safe='')}/bytes"),
            headers=_headers(site),
            limit=self.surroundings.max_image_bytes,
            sha256=media.version,  # what does not have this digest is another version, and gone for us
            explain=_explain,
        )

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        asked: dict[str, object] = {"sha256": enforcement.media.version, "action": enforcement.action.value}
        if enforcement.action is Action.HIDE:
            told = cast(Settings, site.settings).tell_author
            asked["reasons"] = [reason.text for reason in enforcement.reasons] if told else []
        elif enforcement.action is Action.RESTORE:
            asked["state"] = (enforcement.undo or {}).get("state", "public")
        elif enforcement.action is Action.LABEL:
            asked["verdict"] = enforcement.verdict.value
        else:
            raise PlatformRefused(f"Toybox cannot {enforcement.action}.")
        answer = _ask(site, "POST", f"/pictures/{quote(enforcement.media.id, safe='')}", asked)
        with _reading():
            if not answer.flag("done"):
                return Receipt(enforcement.undo or {}, "Someone changed in Toybox who sees the picture.")
            return Receipt({"state": answer.choice("before", ("public", "friends"))} if enforcement.action is Action.HIDE else {})

    def listen(self, site: Site, deliver: Deliver, stopping: Stopping) -> None:
        """Fetch what the box keeps for those whom its webhooks do not reach; an event that came by both counts once."""
        while not stopping.is_set():
            answer = _ask(site, "GET", f"/events?limit={EVENTS_TOGETHER}")
            with _reading():
                events = [(one.text("receipt", 64), one.text("event", 10_000)) for one in answer.items("events", EVENTS_TOGETHER)]
            for receipt, event in events:
                if stopping.is_set():
                    return
                deliver(
                    Delivery(
                        "POST", "/", {"toybox-box": site.key, "authorization": f"Bearer {site.secrets[0]}"}, event.encode(), 0
                    )
                )
                _ask(site, "POST", "/events/taken", {"receipt": receipt})
            if not events:
                stopping.wait(ASK_SECONDS)

    def tell(self, site: Site, message: UploaderMessage) -> None:
        about = message.media.id if message.media is not None else ""
        asked = {"id": message.id, "text": message.text, "picture": about}
        _ask(site, "POST", f"/people/{quote(message.uploader, safe='')}/messages", asked)

    def sanction(self, site: Site, order: SanctionOrder) -> Receipt:
        if order.sanction not in self.sanctions:
            raise PlatformRefused(f"Toybox cannot {order.sanction}.")
        until = iso(order.until) if order.sanction is Sanction.SUSPEND else ""
        asked = {"id": order.id, "until": until, "reason": order.reason}
        answer = _ask(site, "POST", f"/people/{quote(order.uploader, safe='')}/suspension", asked)
        with _reading():
            return Receipt(drifted="" if answer.flag("done") else "This person has left the box.")

    def check(self, site: Site) -> str:
        answer = _ask(site, "GET", "/box")
        with _reading():
            return f"A box with {answer.integer('pictures', 0)} pictures"


@contextmanager
def _reading() -> Iterator[None]:
    """Take an answer that cannot be read for a maintenance page, which passes: `DeliveryUnreadable` is about deliveries."""
    try:
        yield
    except DeliveryUnreadable as error:
        raise PlatformUnavailable(f"Toybox answered something that cannot be read: {error}") from None


def _ask(site: Site, method: str, path: str, body: Mapping[str, object] | None = None) -> Untrusted:
    sent = json_body(body) if body is not None else None
    answer = _session(site).request(method, _url(site, path), headers=_headers(site), body=sent, explain=_explain)
    with _reading():
        return read_json(answer.body)


def _explain(answer: Answer) -> PicwardError | None:
    """Tell what Toybox said from what a web server in front of it said.

    Only Toybox knows that a picture is gone. A 404 of anybody else may pass, and a decision would be lost for good.
    """
    if answer.status not in (404, 409):
        return None
    try:
        said = read_json(answer.body).text("error", 40)
    except DeliveryUnreadable:
        said = ""
    if said in ("gone", "changed"):
        return MediaGone("Toybox no longer has this version of the picture.")
    return PlatformUnavailable(f"Toybox does not answer at {answer.host}.")


def _session(site: Site) -> Session:
    return Session(cast(NetworkedSettings, site.settings).private_network)


def _url(site: Site, path: str) -> str:
    return site.key + "/api" + path


def _headers(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {site.credentials.get('key', '')}", "content-type": "application/json"}


def _media(item: Untrusted) -> MediaRef:
    sha256 = item.text("sha256", 64)
    if not _SHA256.fullmatch(sha256):
        raise DeliveryUnreadable("The picture's sha256 is not 64 lower-case hex digits.")
    context = {key: (item.label(key),) for key in ("title", "album")}
    return MediaRef(_id(item), sha256, context={key: values for key, values in context.items() if any(values)})


def _id(item: Untrusted) -> str:
    id = item.identifier("id", 64)
    if not _ID.fullmatch(id):
        raise DeliveryUnreadable("id is no id of a picture.")
    return id
