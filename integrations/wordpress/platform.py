"""WordPress as a place that images live in."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import BinaryIO, ClassVar
from urllib.parse import urlsplit

from app.domain.decisions import Action, Enforcement, Receipt, Verdict
from app.domain.errors import DeliveryRefused, DeliveryUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.events import (
    AddressTold,
    Delivery,
    ErasureWanted,
    Event,
    MediaDeleted,
    MediaUploaded,
    Parsed,
    SiteRemoved,
    VerdictGiven,
    VerdictUndone,
)
from app.domain.media import MediaRef, Page
from app.domain.platform import Admission, FindSite, Platform, Site, SiteState
from app.domain.settings import ChangedBy, SiteSettings, values_for
from app.domain.time import DAY, SECOND, iso
from integrations.kit import signing
from integrations.kit.untrusted import Untrusted, read_json
from integrations.wordpress.api import VERSION, Plugin
from integrations.wordpress.media import ATTACHMENT, SHA256, attachment_id, read_media
from integrations.wordpress.settings import Settings

PAGE_SIZE = 200
"""How many attachments one listing asks for; the plugin's own limit."""

QUIET_SECONDS = DAY // SECOND
"""How rarely a quiet site is asked at most: what it has to tell comes by itself unless its own tasks never run."""

PROBLEMS: Mapping[str, str] = {
    "cipher": "PHP has neither sodium nor OpenSSL: hidden originals lie unencrypted",
    "reach": "Something at the site stopped requests of Picward",
    "quarantine": "The quarantine folder cannot be written: no picture can be hidden",
    "gd": "PHP has no GD: a hidden picture is removed instead of replaced by a placeholder",
    "offloaded": "Pictures of this site lie on another server, where they cannot be hidden",
    "refused": "The site was refused here before",
    "outbox": "Events have been waiting at the site for a quarter of an hour and more",
    "parked": "Events of the site were not taken here",
    "lost": "Files of public pictures are still in the quarantine; their histories under Media say why",
    "still_public": "Caches or converters at the site still show hidden pictures; their histories under Media say where",
    "cron": "The site's scheduled tasks are late",
}
"""What can be wrong at the site, by the plugin's code and in our words: whatever answers there is not quoted."""

DRIFTED: Mapping[str, str] = {
    "outweighed": "Somebody decided otherwise in WordPress.",
    "overtaken": "A later order about this picture was followed; this one came too late.",
    "blocked": "It stays hidden: the same file is blocked as another picture, which has to be approved, too.",
    "replaced": "Somebody replaced the picture since it was hidden; it was left as it is.",
    "lost": "Copies in the quarantine are missing or damaged, so that files could not be given back. Put the quarantine back "
    "from a backup and approve the picture again.",
}
"""Why the plugin left something undone, by its code."""

# With plain permalinks the route is the last argument; what stands before it is of plugins for several languages.
_REST_ADDRESS = re.compile(r"(?i:https?)://[^/?]+/(([^?]*/)?|[^?]*\?([^?]*&)?rest_route=/)")
# A name as WordPress makes them, and nothing else that an answer may have in it.
_PICTURE_FILE = re.compile(r"[\w.@-]{1,120}\.(?:jpe?g|jpe|png|gif|webp|avif|bmp|heic)", re.IGNORECASE)
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,29}")
_log = logging.getLogger(__name__)


class WordPress(Platform):
    slug: ClassVar[str] = "wordpress"
    name: ClassVar[str] = "WordPress"
    summary: ClassVar[str] = (
        "Looks at every upload to the media library. Hiding takes the files away, so that no address shows them."
    )
    actions: ClassVar[frozenset[Action]] = frozenset(Action)
    hiding: ClassVar[str] = (
        "A hidden picture is encrypted into a quarantine with all its sizes, and a placeholder is shown in its place. "
        "Restoring puts the very same files back."
    )
    Settings: ClassVar[type[SiteSettings]] = Settings
    uses_door: ClassVar[bool] = True
    pulse_seconds: ClassVar[int] = 60
    quiet_pulse_seconds: ClassVar[int] = QUIET_SECONDS

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        site = _proven(delivery, find)
        if site.state not in (SiteState.ACTIVE, SiteState.PAUSED):
            raise DeliveryRefused("The site is not connected.")
        return site

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        site = _proven(visit, find)
        try:
            body = _read(visit.body)
            if body.text("type", 40) != "connect":
                raise DeliveryRefused("This is no request to connect.")
            home_url, rest_url = _web_address(body.text("home_url", 500)), _web_address(body.text("rest_url", 500))
            if not _REST_ADDRESS.fullmatch(rest_url):
                raise DeliveryRefused("The REST address is none of WordPress': it ends with a slash, or with ?rest_route=/.")
            connection = {
                "rest_url": rest_url,
                "home_url": home_url,
                **{key: body.text(key, 60) for key in ("wp", "php", "plugin")},
                # A plugin that was put back to an earlier version signs no longer.
                **({"answers": body.label("answers", 20)} if "answers" in body or site.connection.get("answers") else {}),
            }
        except DeliveryUnreadable as error:
            raise DeliveryRefused(str(error)) from None
        # A code works once: afterwards its secret re-connects the same WordPress (moved to https, say), and no other.
        again = site.state in (SiteState.ACTIVE, SiteState.PAUSED) and _same_place(site, home_url)
        if site.state is not SiteState.PAIRING and not again:
            raise DeliveryRefused("The pairing code is used.")
        return Admission(site, body.label("name") or (urlsplit(home_url).hostname or ""), connection)

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        body = _read(delivery.body)
        if body.integer("v") != VERSION:
            raise DeliveryUnreadable(f"v is not {VERSION}; update the connector or the plugin.")
        type = body.text("type", 60)
        read = _EVENTS.get(type)
        if read is None:
            raise DeliveryUnreadable("type is none that a delivery can have.")
        id = delivery.headers.get("webhook-id", "")
        if not id:
            raise DeliveryUnreadable("The webhook-id is missing.")
        return Parsed(id, (*_address(body, site), read(body)))

    def scan(self, site: Site, cursor: str = "") -> Page:
        if cursor and not ATTACHMENT.fullmatch(cursor):
            raise PlatformRefused("The listing cannot go on from here; start it again.")
        answer = Plugin(site).ask("list", after=int(cursor or 0), limit=PAGE_SIZE)
        media = []
        try:
            for item in answer.items("items", PAGE_SIZE):
                try:
                    media.append(read_media(item))
                except DeliveryUnreadable as error:
                    # One odd attachment must not hide all that come after it.
                    _log.warning("An attachment of site %s is left out of the listing: %s", site.id, error)
            following = answer.integer("next", 0, default=0)
            # A cursor that does not grow would list the same page for ever.
            if following and following <= int(cursor or 0):
                raise PlatformRefused("The plugin's listing does not move on.")
            return Page(tuple(media), str(following) if following else "", answer.integer("total", 0, default=0))
        except DeliveryUnreadable as error:
            raise PlatformUnavailable(f"The plugin's listing cannot be read: {error}") from None

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        return Plugin(site).open_bytes(media.id, media.version, self.surroundings.max_image_bytes)

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        answer = Plugin(site).ask(
            "decision",
            enforcement=enforcement.id,
            action=enforcement.action.value,
            id=enforcement.media.id,
            sha256=enforcement.media.version,
            verdict=enforcement.verdict.value,
            reasons=[] if enforcement.restricted else [reason.text for reason in enforcement.reasons],
            person=enforcement.person,
            decided_at=iso(enforcement.decided_at),
            restricted=enforcement.restricted,
            two_people=enforcement.two_people,
        )
        try:
            state = answer.choice("state", ("done", "drifted"))
            undo = answer.plain("undo")
            why = answer.texts("why", 10, 40) if "why" in answer else ()
            lost = answer.texts("lost", 5, 300) if "lost" in answer else ()
        except DeliveryUnreadable as error:
            raise PlatformUnavailable(f"The plugin's answer cannot be read: {error}") from None
        if state == "drifted":
            said = " ".join(DRIFTED[code] for code in why if code in DRIFTED)
            files = ", ".join(name for name in lost if _PICTURE_FILE.fullmatch(name))
            said += f" Not given back: {files}." if files else ""
            return Receipt(undo, said or "Someone changed the picture in WordPress meanwhile. Its history under Media says more.")
        return Receipt(undo)

    def check(self, site: Site) -> str:
        answer = Plugin(site).ask("status")
        try:
            quarantine = answer.object("quarantine")
            cipher = quarantine.choice("cipher", ("sodium", "openssl", "none"))
            if not quarantine.flag("writable"):
                raise PlatformRefused("WordPress cannot write to its quarantine folder, so no picture could be hidden.")
            waiting = answer.object("outbox").integer("waiting", 0)
            problems = tuple(answer.texts("problem_codes", 50, 40)) if "problem_codes" in answer else ()
            unnamed = len(answer.texts("problems", 50, 2_000)) if "problems" in answer and not problems else 0
            wp, plugin = _version(answer.text("wp", 60)), _version(answer.text("plugin", 60))
        except DeliveryUnreadable as error:
            raise PlatformUnavailable(f"The plugin's status cannot be read: {error}") from None
        kept = "quarantine not encrypted" if cipher == "none" else f"quarantine encrypted with {cipher}"
        line = f"WordPress {wp}, plugin {plugin}, {kept}, {waiting} event{'' if waiting == 1 else 's'} waiting"
        more = [PROBLEMS[code] for code in problems if code in PROBLEMS]
        if unnamed or len(more) < len(problems):
            more.append("The plugin's page in WordPress names what is to be put right")
        return ". ".join((line, *more))

    def pulse(self, site: Site) -> float | None:
        answer = Plugin(site).ask("drain")
        try:
            busy = answer.integer("sent", 0) + answer.integer("waiting", 0)
        except DeliveryUnreadable as error:
            raise PlatformUnavailable(f"The plugin's answer cannot be read: {error}") from None
        return float(self.pulse_seconds) if busy else None

    def settings_changed(self, site: Site) -> None:
        answer = Plugin(site).ask("settings", values=values_for(site.settings, ChangedBy.PLATFORM))
        try:
            answer.choice("state", ("done",))
        except DeliveryUnreadable as error:
            raise PlatformUnavailable(f"The plugin's answer cannot be read: {error}") from None


def _address(body: Untrusted, site: Site) -> tuple[AddressTold, ...]:
    """Read where the REST API is by now. Only the site's own host is believed, and never http in the place of https."""
    told, known = body.label("rest_url", 500), site.connection.get("rest_url")
    if not told or told == known or not isinstance(known, str) or not _REST_ADDRESS.fullmatch(told):
        return ()
    try:
        before, now = urlsplit(known), urlsplit(_web_address(told))
    except (DeliveryRefused, ValueError):
        return ()
    same = _bare(before.hostname) == _bare(now.hostname)
    return (AddressTold({"rest_url": told}),) if same and (before.scheme, now.scheme) != ("https", "http") else ()


def _bare(host: str | None) -> str:
    return (host or "").lower().removeprefix("www.")


def _version(text: str) -> str:
    return text if _VERSION.fullmatch(text) else "of an unknown version"


def _proven(delivery: Delivery, find: FindSite) -> Site:
    """Prove that a body was signed by a site, and for us.

    One secret signs in both directions, so what we sent to the plugin verifies here too. Every body of ours is JSON and
    says `to: site`; hence one that reads as an object must say `to: connector`, and one that does not read at all is
    not ours and is left to `parse`.
    """
    claimed = delivery.headers.get("picward-site", "")
    site = find(claimed) if 0 < len(claimed) <= 64 and claimed.isascii() and claimed.isprintable() else None
    if site is None or site.id != claimed:
        raise signing.refuse(delivery)
    signing.verify(delivery, site.secrets)
    if site.state is SiteState.REMOVED:
        raise DeliveryRefused("The site was removed.")
    try:
        body = _read(delivery.body)
    except DeliveryUnreadable:
        return site
    try:
        addressed = body.text("to", 20) == "connector" and body.text("site", 64) == site.id
    except DeliveryUnreadable:
        addressed = False
    if not addressed:
        raise DeliveryRefused("The body is not addressed to this connector by this site.")
    return site


@lru_cache(maxsize=16)
def _read(body: bytes) -> Untrusted:
    """Read a body once for both who ask: `authenticate` looks whom it is for, `parse` what it says."""
    return read_json(body)


def _verdict(body: Untrusted) -> Event:
    sha256 = body.text("sha256", 64)
    if not SHA256.fullmatch(sha256):
        raise DeliveryUnreadable("sha256 is not 64 lower-case hex digits.")
    return VerdictGiven(
        media=read_media(body.object("media")),
        sha256=sha256,
        verdict=Verdict(body.choice("verdict", ("allow", "block"))),
        person=body.label("person", 100),
        never_again=body.flag("never_again", default=False),
    )


_EVENTS: Mapping[str, Callable[[Untrusted], Event]] = {
    "media.uploaded": lambda body: MediaUploaded(read_media(body.object("media"))),
    "media.deleted": lambda body: MediaDeleted(attachment_id(body, "media_id")),
    "verdict.given": _verdict,
    "verdict.undone": lambda body: VerdictUndone(read_media(body.object("media")), body.label("person", 100)),
    "site.removed": lambda body: SiteRemoved(),
    "erasure.wanted": lambda body: ErasureWanted(body.texts("media_ids", 10_000, 20)),
}


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        valid = False
    if not valid or not text.isprintable() or " " in text or "#" in text:
        raise DeliveryRefused("This is no web address.")
    return text


def _same_place(site: Site, home_url: str) -> bool:
    known = site.connection.get("home_url")
    if not isinstance(known, str):
        return False
    before, now = urlsplit(known), urlsplit(home_url)
    return (before.hostname, before.port, before.path.rstrip("/")) == (now.hostname, now.port, now.path.rstrip("/"))
