"""What the app is told: one document or node per picture, a user's strikes, a message. Told after it was done, never before.

A failure here is tried again with the whole action, which by then has nothing left to do at the bucket.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.decisions import Action, Enforcement, Verdict
from app.domain.errors import PlatformRefused
from app.domain.taxonomy import CATEGORIES, restricted
from app.domain.time import utc
from integrations.firebase import naming
from integrations.firebase.apps import ANSWER_SECONDS, app_of, asking
from integrations.firebase.hiding import APPROVED, DELETED, FLAGGED, PENDING, REJECTED
from integrations.firebase.settings import Strikes, Tell
from integrations.firebase.storage import Blob, Store

FIRESTORE, DATABASE, AUTH, MESSAGING = "Firestore", "The Realtime Database", "Firebase Authentication", "Cloud Messaging"

MAX_CATEGORIES = 10
"""How many categories an app is told of a picture."""

BANNED, STRIKES, DISABLED = "uploadBanned", "picwardStrikes", "picwardDisabled"
"""Custom claims: rules look at the first; the second holds short ids of hidden pictures; the third says that we disabled."""

MAX_STRIKES = 40
"""How many strikes are kept: all claims together may have 1000 characters, and 40 of ours have about 460."""

ATTEMPTS = 3
"""How often a claim or a node that changed under our hands is written again before the core tries the whole action again."""

_TOPIC = re.compile(r"[a-zA-Z0-9_.~%-]{1,900}")


@dataclass(frozen=True, slots=True)
class Word:
    """What the app is told of one picture. `turned` says that it was hidden, deleted or given back."""

    id: str
    name: str
    version: str
    status: str
    categories: tuple[str, ...]
    decided_at: int
    turned: bool = False
    path: str = ""
    url: str = ""
    blurred: str = ""
    owner: str = ""

    def fields(self, time: Any) -> dict[str, Any]:
        """List all fields, always the same ones; what the app itself keeps beside them stays."""
        return {
            "name": self.name,
            "owner": self.owner,
            "generation": self.version,
            "status": self.status,
            "categories": list(self.categories),
            "decidedAt": time,
            "path": self.path,
            "url": self.url,
            "blurred": self.blurred,
        }


def status_of(enforcement: Enforcement) -> str:
    """Choose the one word for an action and its verdict."""
    match enforcement.action:
        case Action.HIDE:
            return REJECTED
        case Action.DELETE:
            return DELETED
        case Action.RESTORE:
            return APPROVED if enforcement.verdict is Verdict.ALLOW else PENDING
        case Action.LABEL:
            return {Verdict.ALLOW: APPROVED, Verdict.REVIEW: PENDING, Verdict.BLOCK: FLAGGED}[enforcement.verdict]


def categories_of(enforcement: Enforcement) -> tuple[str, ...]:
    """List the categories that led to a verdict; the app learns nothing of restricted ones."""
    found = dict.fromkeys(reason.category for reason in enforcement.reasons if reason.verdict is not Verdict.ALLOW)
    return tuple(one for one in found if one in CATEGORIES and not restricted([one]))[:MAX_CATEGORIES]


def word_of(store: Store, enforcement: Enforcement, blob: Blob | None, blurred: str) -> Word:
    name = naming.name_of(store.site, enforcement.media)
    status = status_of(enforcement)
    path = url = ""
    if status == APPROVED and blob is not None and store.settings.tell_address:
        path = blob.name
        token = str((blob.metadata or {}).get(naming.TOKENS, "")).partition(",")[0]
        url = store.address(path, token) if token else ""
    return Word(
        id=naming.document_id(store.site, name),
        name=naming.written(name),
        version=enforcement.media.version,
        status=status,
        categories=categories_of(enforcement) if status != APPROVED else (),
        decided_at=enforcement.decided_at,
        turned=enforcement.action is not Action.LABEL,
        path=naming.written(path),
        url=url,
        blurred=blurred,
        owner=store.settings.owner_of(naming.written(name)),
    )


def tell(store: Store, word: Word) -> None:
    """Tell the app of a picture, unless it was told of a newer upload of that name. Raise `PlatformUnavailable`."""
    owner = store.settings.owner_of(word.name)
    if owner and word.turned and store.settings.strikes is not Strikes.OFF:
        _strike(store, owner, word)
    if owner and word.turned and store.settings.message_topic:
        _message(store, owner, word)
    if store.settings.tell is Tell.FIRESTORE:
        _document(store, word)
    elif store.settings.tell is Tell.DATABASE:
        _node(store, word)


def _document(store: Store, word: Word) -> None:
    app = app_of(store.site, store.config)
    with asking(FIRESTORE):
        from firebase_admin import firestore

        client = firestore.client(app, store.settings.firestore_database or None)
        document = client.collection(store.settings.tell_path).document(word.id)
        fields = word.fields(utc(word.decided_at))
        # A transaction's own calls take no time limit, and wait a minute for a Firestore that is away; this one does not.
        known = document.get(retry=None, timeout=ANSWER_SECONDS).to_dict() or {}
        if _older(word, known) or all(known.get(key) == value for key, value in fields.items()):
            return

        @firestore.transactional  # type: ignore[untyped-decorator]  # firebase_admin has no types
        def write(transaction: Any) -> None:
            if not _older(word, document.get(transaction=transaction, retry=None, timeout=ANSWER_SECONDS).to_dict()):
                transaction.set(document, fields, merge=True)

        write(client.transaction(max_attempts=ATTEMPTS))


def _node(store: Store, word: Word) -> None:
    app = app_of(store.site, store.config)
    with asking(DATABASE):
        from firebase_admin import db

        node = db.reference(f"{store.settings.tell_path}/{word.id}", app=app)
        for _ in range(ATTEMPTS):
            known, etag = node.get(etag=True)
            if _older(word, known):
                return
            kept = dict(known) if isinstance(known, Mapping) else {}
            if node.set_if_unchanged(etag, kept | word.fields(word.decided_at // 1_000))[0]:
                return
        raise TimeoutError


def _older(word: Word, known: Any) -> bool:
    """Tell whether the app was already told of a newer upload."""
    generation = known.get("generation") if isinstance(known, Mapping) else None
    told = int(generation) if isinstance(generation, str) and generation.isascii() and generation.isdigit() else 0
    return told > int(word.version)


def _strike(store: Store, owner: str, word: Word) -> None:
    """Count a hidden picture against its owner, or no longer. The id of the strike makes a repeat harmless."""
    strike = hashlib.sha256(f"{word.id}/{word.version}".encode()).hexdigest()[:8]
    adding = word.status in (REJECTED, DELETED)
    app = app_of(store.site, store.config)
    with asking(AUTH):
        from firebase_admin import auth

        for _ in range(ATTEMPTS):
            try:
                user = auth.get_user(owner, app=app)
            except (auth.UserNotFoundError, ValueError):
                return  # the path names nobody
            claims = dict(user.custom_claims or {})
            strikes = [str(one) for one in claims.get(STRIKES) or [] if str(one) != strike]
            if adding:
                strikes = [*strikes, strike][-MAX_STRIKES:]
            wanted, disabled = _standing(store, claims, strikes, user.disabled)
            if wanted == claims and disabled == user.disabled:
                return
            try:
                # Claims last: they say that we disabled, and until they are written the whole is done again.
                if disabled != user.disabled:
                    auth.update_user(owner, disabled=disabled, app=app)
                if wanted != claims:
                    auth.set_custom_user_claims(owner, wanted or None, app=app)
            except ValueError:
                raise PlatformRefused("The picture's state is made true, but the user's custom claims are full.") from None
            # There is no conditional write: what another wrote meanwhile shows at the next look.
        return


def _standing(store: Store, claims: Mapping[str, Any], strikes: list[str], disabled: bool) -> tuple[dict[str, Any], bool]:
    """Work out what so many strikes lead to: the claims, and whether the account is disabled."""
    settings = store.settings
    wanted = {key: value for key, value in claims.items() if key not in (STRIKES, BANNED, DISABLED)}
    over = len(strikes) >= settings.strikes_after
    ours = claims.get(DISABLED) is True
    if strikes:
        wanted[STRIKES] = strikes
    if settings.strikes is Strikes.CLAIM and over:
        wanted[BANNED] = True
    if settings.strikes is Strikes.DISABLE and over:
        # One that the app's owner disabled is theirs to enable.
        if ours or not disabled:
            wanted[DISABLED] = True
        return wanted, True
    return wanted, False if ours else disabled


def _message(store: Store, owner: str, word: Word) -> None:
    topic = store.settings.message_topic.replace("{uid}", owner)
    if not _TOPIC.fullmatch(topic):
        return  # no topic can be named after the path's user id
    app = app_of(store.site, store.config)
    with asking(MESSAGING):
        from firebase_admin import messaging

        messaging.send(messaging.Message(data={"id": word.id, "status": word.status}, topic=topic), app=app)


def reachable(store: Store) -> str:
    """Check that the app can be told, changing nothing; raise what is wrong, and describe in words how it is told."""
    settings, app = store.settings, app_of(store.site, store.config)
    if settings.tell is Tell.FIRESTORE:
        with asking(FIRESTORE):
            from firebase_admin import firestore

            client = firestore.client(app, store.settings.firestore_database or None)
            client.collection(settings.tell_path).document("0").get(retry=None, timeout=ANSWER_SECONDS)
        return f"the app is told in Firestore, {settings.tell_path}/…"
    if settings.tell is Tell.DATABASE:
        with asking(DATABASE):
            from firebase_admin import db

            db.reference(f"{settings.tell_path}/0", app=app).get(shallow=True)
        return f"the app is told in the Realtime Database, {settings.tell_path}/…"
    return "the app is not told"
