"""Firebase Storage as a place that images live in."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, ClassVar
from urllib.parse import urlsplit

from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.errors import DeliveryRefused, DeliveryUnreadable, MediaSkipped, PlatformRefused, PlatformUnavailable
from app.domain.events import Delivery, Parsed
from app.domain.media import MediaRef, Page
from app.domain.platform import (
    Admission,
    ConnectField,
    FindSite,
    Platform,
    Site,
    SiteState,
    Step,
    Surroundings,
)
from app.domain.settings import SiteSettings
from integrations.firebase import blurring, hiding, intake, listing, naming, oidc, outside, sniffing, telling
from integrations.firebase.apps import TIMEOUT, Overtaken, asking
from integrations.firebase.naming import Kind, name_of
from integrations.firebase.settings import Config as OperatorConfig
from integrations.firebase.settings import Settings, Strikes, Tell
from integrations.firebase.storage import STORAGE, Store
from integrations.kit import signing

PERMISSIONS = tuple(f"storage.objects.{verb}" for verb in ("get", "list", "create", "update", "delete"))
"""What the account must be allowed to do in the bucket and in the quarantine; roles/storage.objectAdmin holds it."""

COPYING_SECONDS = 60
"""How long a copy of ours may be unfinished before it is looked at as anybody's upload."""

PUSH_ACCOUNT = "picward-push"
"""The name of the push account where none was typed; plugins/firebase/connect.sh makes it so."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PROJECT = re.compile(r"[a-z][a-z0-9:.-]{4,60}[a-z0-9]")
_ADDRESS = re.compile(r"[\x21-\x7e]{1,500}")


class Firebase(Platform):
    slug: ClassVar[str] = "firebase"
    name: ClassVar[str] = "Firebase"
    actions: ClassVar[frozenset[Action]] = frozenset(Action)
    summary: ClassVar[str] = "Looks at what your app's users upload. Hiding ends every address of a picture, and tells the app."
    hiding: ClassVar[str] = (
        "A blocked picture loses its download addresses and is moved into the quarantine, where nobody but you can read it. "
        "It comes back under the same name, byte for byte, with a new address."
    )
    Settings: ClassVar[type[SiteSettings]] = Settings
    Config: ClassVar[type[Any] | None] = OperatorConfig
    kept_headers: ClassVar[tuple[str, ...]] = intake.KEPT_HEADERS
    connect_fields: ClassVar[tuple[ConnectField, ...]] = (
        ConnectField("project", "Project", "The id of the Firebase project, such as my-app-1234."),
        ConnectField(
            "bucket", "Bucket", "The Storage bucket, such as my-app-1234.firebasestorage.app (older ones end in appspot.com)."
        ),
        ConnectField(
            "service_account",
            "Service account",
            "The JSON key of the account that Picward uses. Empty: the credentials of the machine that Picward runs on.",
            secret=True,
            optional=True,
            multiline=True,
        ),
        ConnectField(
            "push_account",
            "Push account",
            f"The e-mail of the account that signs Pub/Sub's pushes. Empty: {PUSH_ACCOUNT}@<project>.iam.gserviceaccount.com.",
            optional=True,
        ),
        ConnectField(
            "audience",
            "Audience of the pushes",
            "What the pushes' tokens are made out to. Empty: the address of Picward's webhook.",
            optional=True,
        ),
    )

    verification_keys_seconds: ClassVar[int] = oidc.REFRESH_SECONDS

    def __init__(self, config: OperatorConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._config = config
        self._public_url = surroundings.public_url.rstrip("/")
        self._certificates = oidc.Certificates(lambda: surroundings.verification_keys(self.slug))

    def fetch_verification_keys(self) -> str:
        return oidc.fetch_from(self._config.certificates_url)

    # -- what comes in -----------------------------------------------------------------------------------------------------

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        """Prove a push by its token, or a forwarded notice by its signature.

        Unlike other platforms' this one raises `PlatformUnavailable`, too: while there are no certificates of Google's a push is
        neither proven nor refused, and Pub/Sub sends it again.
        """
        site = self._forwarded(delivery, find) if intake.forwarded(delivery) else self._pushed(delivery, find)
        if site.state not in (SiteState.ACTIVE, SiteState.PAUSED):
            raise DeliveryRefused("The site is not connected.")
        return site

    def _forwarded(self, delivery: Delivery, find: FindSite) -> Site:
        try:
            claimed = intake.claimed_bucket(delivery)
        except DeliveryUnreadable:
            claimed = ""
        site = find(claimed) if claimed else None
        if site is None or site.key != claimed:
            raise signing.refuse(delivery)
        signing.verify(delivery, site.secrets)
        try:
            about = intake.read(delivery).bucket
        except DeliveryUnreadable:
            return site
        if about != site.key:
            raise DeliveryRefused("The notice is about another bucket.")
        return site

    def _pushed(self, delivery: Delivery, find: FindSite) -> Site:
        # The token first: whether a bucket is known here is told to nobody else.
        identity = oidc.verify(delivery, self._certificates)
        try:
            claimed = intake.claimed_bucket(delivery)
        except DeliveryUnreadable:
            raise DeliveryRefused("The push names no bucket.") from None
        site = find(claimed)
        if site is None or site.key != claimed:
            raise DeliveryRefused("The bucket is not connected.")
        audience = self.audience(site)
        if not audience or identity.audience != audience or identity.email != push_account(site):
            raise DeliveryRefused("The push is not for us, or not from the site's push account.")
        return site

    def audience(self, site: Site) -> str:
        """Name the audience that pushes for a site must have, "" when it is not known: then no push is accepted."""
        typed = site.connection.get("audience")
        if isinstance(typed, str) and typed:
            return typed
        parts = urlsplit(self._public_url)
        # Anybody could run something on this address as well; it proves nothing.
        return self.webhook if parts.scheme == "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1") else ""

    @property
    def webhook(self) -> str:
        return f"{self._public_url}/webhooks/{self.slug}"

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        return intake.parse(delivery, site)

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        raise DeliveryRefused("A bucket connects itself to nobody.")

    # -- connecting --------------------------------------------------------------------------------------------------------

    def key_of(self, connection: Mapping[str, Any]) -> str:
        return str(connection.get("bucket", "")).removeprefix("gs://").strip("/")

    def check(self, site: Site) -> str:
        _typed_well(site)
        store = Store(site, self._config)
        settings = store.settings
        matching = listing.matching(store)
        for bucket in {one.name: one for one in (store.bucket, store.quarantine)}.values():
            with asking(STORAGE):
                granted = bucket.test_iam_permissions(list(PERMISSIONS), timeout=TIMEOUT, retry=None)
            missing = [one for one in PERMISSIONS if one not in granted]
            if missing:
                raise PlatformRefused(
                    f"In gs://{bucket.name} the account lacks {', '.join(missing)}: give it the role Storage Object Admin."
                )
        place = f"gs://{settings.quarantine_bucket or site.key}/{settings.quarantine}"
        line = [f"gs://{site.key} can be read and written, {matching}, hidden pictures go to {place}"]
        line.append(_unreachable(store))
        try:
            line.append(telling.reachable(store))
        except (PlatformRefused, PlatformUnavailable) as error:
            line.append(f"but the app cannot be told ({str(error).rstrip('.')}): change that in the settings, or make it work")
        if not self.audience(site):
            if site.connection.get("push_account"):
                raise PlatformRefused(
                    "Set PICWARD_PUBLIC_URL to an https address first, or enter an audience: without one no push can be proven."
                )
            line.append("pushes are refused until PICWARD_PUBLIC_URL is an https address, or an audience is entered")
        return ", ".join(" ".join(part.split()) for part in line)

    def steps(self, site: Site) -> tuple[Step, ...]:
        project, settings = shlex.quote(str(site.connection.get("project", ""))), Store(site).settings
        secret = shlex.quote(site.secrets[0]) if site.secrets else "…"
        account = "" if push_account(site) == _default_account(site) else f" It must sign as {push_account(site)}."
        return (
            Step(
                "Send each upload to Picward, with nothing installed in your project: once, in Cloud Shell or wherever gcloud is "
                "signed in, from a copy of Picward's sources. --dry-run prints what it would do, --undo takes it back." + account,
                " ".join(("plugins/firebase/connect.sh", *_connecting(site, settings, self.audience(site) or self.webhook))),
            ),
            Step(
                "Or, instead of that, by a function in your project: plugins/firebase/functions/README.md says how. It signs "
                "with this site's secret.",
                f"printf %s {secret} | firebase functions:secrets:set PICWARD_SECRET --data-file - --project {project}",
            ),
            Step(
                f"Deny {settings.quarantine} to everybody in your Storage rules, and let nobody write the metadata key "
                f"“{naming.MODERATION}”; plugins/firebase/rules has rules to start from. Then:",
                f"firebase deploy --only storage --project {project}",
            ),
        )

    def estimate(self, site: Site) -> str:
        return listing.estimate(Store(site, self._config))

    # -- reading and writing back ------------------------------------------------------------------------------------------

    def scan(self, site: Site, cursor: str = "") -> Page:
        return listing.page(Store(site, self._config), cursor)

    def changed(self, site: Site, since: int, cursor: str = "") -> Page:
        return listing.page(Store(site, self._config), cursor, since)

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        store = Store(site, self._config)
        name = name_of(site, media)
        blob = store.get(name)
        if blob is not None and str(blob.generation) == media.version and _unfinished(store, blob):
            raise PlatformUnavailable("The picture is being put back just now.", 2.0)
        if blob is not None and store.version_of(blob) != media.version:
            raise store.gone(blob)
        try:
            if blob is not None and _is_other(store, blob):
                raise MediaSkipped(f"No picture, by its first bytes ({blob.content_type or 'no type'})."[:200])
            return io.BytesIO(store.read(blob or store.find(media).blob, self.surroundings.max_image_bytes))
        except Overtaken:
            raise store.gone(store.get(name)) from None

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        store = Store(site, self._config)
        media, blob, blurred = enforcement.media, None, ""
        receipt = Receipt()
        status = telling.status_of(enforcement)
        if enforcement.action is Action.HIDE:
            receipt = Receipt(hiding.hide(store, media))
            categories = tuple(reason.category for reason in enforcement.reasons)
            blurred = blurring.write(store, media, categories, self.surroundings.max_image_bytes, self.surroundings.blurred)
        elif enforcement.action is Action.RESTORE:
            shown = hiding.restore(store, media, enforcement.undo, status == hiding.APPROVED)
            blob, receipt = shown.blob, Receipt(drifted=shown.drifted)
        elif enforcement.action is Action.DELETE:
            hiding.delete(store, media, enforcement.undo)
        else:
            shown = hiding.label(store, media, status)
            blob, receipt = shown.blob, Receipt(drifted=shown.drifted)
        if receipt.drifted != hiding.TAKEN:
            telling.tell(store, telling.word_of(store, enforcement, blob, blurred))
            if enforcement.action in (Action.RESTORE, Action.DELETE):
                # Last of all: until everybody was told, a repeat must find what it needs.
                blurring.remove(store, media)
                hiding.clean(store, media, enforcement.undo)
        return receipt


def push_account(site: Site) -> str:
    """Name the e-mail of the account that signs a site's pushes."""
    return str(site.connection.get("push_account") or "") or _default_account(site)


def _default_account(site: Site) -> str:
    return f"{PUSH_ACCOUNT}@{site.connection.get('project', '')}.iam.gserviceaccount.com"


def _connecting(site: Site, settings: Settings, url: str) -> Iterator[str]:
    """Collect the options of connect.sh that fit a site."""
    yield f"--project {shlex.quote(str(site.connection.get('project', '')))} --bucket {shlex.quote(site.key)}"
    yield f"--url {shlex.quote(url)}"
    named = re.fullmatch(
        rf"([a-z][a-z0-9-]{{2,19}})-push@{re.escape(str(site.connection.get('project', '')))}\.iam\..*", push_account(site)
    )
    if named:  # what it makes is called after the push account, so that undoing one bucket leaves the others
        yield f"--name {named[1]}"
    if settings.watched_prefix():
        yield f"--prefix {shlex.quote(settings.watched_prefix())}"
    yield "--deletions"
    if settings.quarantine_bucket:
        yield f"--quarantine {shlex.quote(settings.quarantine_bucket)}"
    if settings.tell is Tell.DATABASE:
        yield "--database"
    if settings.strikes is not Strikes.OFF:
        yield "--strikes"
    if settings.message_topic:
        yield "--messages"


def _unfinished(store: Store, blob: Any) -> bool:
    """Tell whether an object is a copy that is being made by us right now."""
    mark = store.mark_of(blob)
    age = (datetime.now(UTC) - blob.time_created).total_seconds() if blob.time_created else COPYING_SECONDS
    return mark is not None and mark.kind is Kind.COPYING and age < COPYING_SECONDS


def _unreachable(store: Store) -> str:
    """Say that the public cannot read what is hidden, or by what they can."""
    try:
        found = list(outside.ways(store))
    except PlatformUnavailable as error:
        return f"whether the public can read them could not be asked from outside ({str(error).rstrip('.')})"
    return f"but everybody can read them, since {'; and '.join(found)}" if found else "the public cannot read them"


def _is_other(store: Store, blob: Any) -> bool:
    """Tell whether an upload is no picture: nothing says so, and its bytes do not either. What is stored compressed is opened."""
    said = sniffing.said_to_be_picture(blob.name, blob.content_type or "")
    return not said and not blob.content_encoding and not sniffing.looks_like_picture(store.head(blob))


def _typed_well(site: Site) -> None:
    """Refuse a connection whose parts cannot be what they are called."""
    if not _BUCKET.fullmatch(site.key):
        raise PlatformRefused("The bucket is no name of a bucket, such as my-app-1234.firebasestorage.app.")
    if not _PROJECT.fullmatch(str(site.connection.get("project", ""))):
        raise PlatformRefused("The project is no id of a project, such as my-app-1234.")
    for name in ("push_account", "audience"):
        typed = str(site.connection.get(name) or "")
        if typed and not _ADDRESS.fullmatch(typed):
            raise PlatformRefused(f"The {name.replace('_', ' ')} has characters that it cannot have.")
