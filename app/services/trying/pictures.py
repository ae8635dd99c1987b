"""Try a picture: what would be seen in it, and what a site's policy would say. Nothing of it stays unless that is asked for.

A worker judges it, since a web process holds no model (docs/decisions/0012). Its bytes lie encrypted in the database until
then, and what was seen, with a small preview, for ten minutes.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.db import audit, hashes, tasks
from app.db import sites as site_rows
from app.db import tried_pictures as rows
from app.db.tried_pictures import TriedPictureRow
from app.domain.decisions import Outcome
from app.domain.detector import Fingerprint, Judge, ListKind, entries_of
from app.domain.errors import AddressForbidden, MediaUnreadable, PlatformUnavailable, SettingsInvalid, TriedPictureGone
from app.domain.jobs import WorkState
from app.domain.media import Context, Region
from app.domain.platform import SiteState
from app.domain.policy import decide
from app.domain.signals import Signal
from app.domain.tasks import HOUSE, Task
from app.domain.taxonomy import restricted
from app.domain.time import MINUTE
from app.services.core import Core
from app.services.rules import policies

log = logging.getLogger(__name__)

MINUTES = 10
"""How long what was seen is kept: time enough to look at it under several policies."""

AT_ONCE = 5
"""Pictures that one person may have here at a time; each is up to `max_image_bytes` in the database until it is judged."""


@dataclass(frozen=True, slots=True)
class TriedPicture:
    """A picture that is tried. Until it is `judged` there is nothing else; `restricted` ones are never shown."""

    id: str
    judged: bool
    created_at: int
    fingerprint: Fingerprint = field(default_factory=lambda: Fingerprint("", "", 0, 0))
    signals: tuple[Signal, ...] = ()
    failures: tuple[str, ...] = ()
    has_preview: bool = False


def fetch(core: Core, address: str) -> bytes:
    """Fetch a picture from a public web address. Raise `PlatformUnavailable`, `PlatformRefused` or `MediaUnreadable`."""
    if core.fetch_url is None:
        raise PlatformUnavailable("Pictures cannot be fetched here.")
    try:
        return core.fetch_url(address)
    except AddressForbidden:
        raise AddressForbidden("The address leads into a private network. Choose the file itself instead.") from None


def begin(core: Core, data: bytes, person_id: int) -> str:
    """Queue a picture for a worker to look at; return its id. Raise `MediaUnreadable` when it is empty or too large."""
    limit = core.limits.max_image_bytes
    if not data:
        raise MediaUnreadable("There is no picture in it.")
    if len(data) > limit:
        raise MediaUnreadable(f"The file is larger than {limit / 1_000_000:g} MB.")
    id, now = secrets.token_urlsafe(24), core.now()
    locked = core.vault.lock(data)
    with core.db.write() as connection:
        rows.forget_before(connection, now - MINUTES * MINUTE)
        if rows.count(connection, person_id) >= AT_ONCE:
            raise SettingsInvalid(f"You have {AT_ONCE} pictures here already. Put one away, or wait {MINUTES} minutes.")
        rows.add(connection, id, person_id, locked, now)
        tasks.ask(connection, HOUSE, Task.TRIED, now + MINUTES * MINUTE, now)
    core.wake()
    return id


def run_next(core: Core, judge: Callable[[], Judge], found: Callable[[], None] = lambda: None) -> bool:
    """Judge the next picture that somebody waits for; False when there is none."""
    if not due(core):
        return False
    with core.db.write() as connection:
        row = rows.claim(connection, core.now() - MINUTES * MINUTE)
    if row is None:
        return False
    found()
    judging = judge()
    judgement = judging.judge(core.vault.open(row.picture), judging.detectors)
    signals = [signal for seen in judgement.signals.values() for signal in seen]
    hidden = restricted(signal.category for signal in signals)
    preview = None if hidden else judgement.preview(())
    answer = {
        "fingerprint": asdict(judgement.fingerprint),
        "signals": [asdict(signal) for signal in signals],
        "failures": list(judgement.failures),
    }
    shown = core.vault.lock(preview[0]) if preview is not None else None
    with core.db.write() as connection:
        rows.end(connection, row.id, core.vault.lock(json.dumps(answer).encode()), shown)
    return True


def get(core: Core, id: str, person_id: int) -> TriedPicture:
    """Look up one of a person's own tried pictures. Raise `TriedPictureGone` when it is no longer there."""
    row = _row(core, id, person_id)
    if row.state is not WorkState.DONE or row.answer is None:
        return TriedPicture(row.id, False, row.created_at)
    answer = json.loads(core.vault.open(row.answer))
    signals = tuple(_signal(seen) for seen in answer["signals"])
    said = answer["fingerprint"]
    fingerprint = Fingerprint(**{**said, "others": tuple(said.get("others", ()))})
    return TriedPicture(
        row.id, True, row.created_at, fingerprint, signals, tuple(answer["failures"]), has_preview=row.shown is not None
    )


def _row(core: Core, id: str, person_id: int) -> TriedPictureRow:
    with core.db.read() as connection:
        row = rows.get(connection, id, person_id)
    if row is None or row.created_at < core.now() - MINUTES * MINUTE:
        raise TriedPictureGone(f"This picture is not here any more: it is dropped after {MINUTES} minutes.")
    return row


def _signal(seen: Mapping[str, Any]) -> Signal:
    return Signal(**{**seen, "region": Region(**seen["region"]) if seen["region"] else None})


def preview(core: Core, id: str, person_id: int) -> bytes | None:
    """Read the picture as WebP bytes, at most 512 px; None when it cannot or must not be shown."""
    row = _row(core, id, person_id)
    return core.vault.open(row.shown) if row.shown is not None else None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one site would say about a tried picture: the outcome, the policy's version, and what its lists know."""

    outcome: Outcome
    version: int
    listed: tuple[Signal, ...]
    may_hide: bool


def opinion(core: Core, tried: TriedPicture, site_id: str, context: Context) -> Opinion:
    """Judge a tried picture under a site's newest policy and its lists, as an upload with this context would be."""
    from app.services.sites import sites

    site = sites.get(core, site_id)
    with core.db.read() as connection:
        policy = policies.load(connection, site_id)
        entries = hashes.for_site(connection, site_id)
    judge = core.judge()
    listed = judge.match(tried.fingerprint, judge.index(entries)) if entries and tried.fingerprint.sha256 else ()
    outcome = decide(policy, (*tried.signals, *listed), context, tried.failures)
    return Opinion(outcome, policy.version, tuple(listed), site.settings.may_hide(context))


def forget(core: Core, id: str, person_id: int) -> None:
    """Drop a tried picture now."""
    with core.db.write() as connection:
        rows.forget(connection, person_id, id)


def put_on_list(core: Core, tried: TriedPicture, site_id: str, on: ListKind, person: str) -> int:
    """Add a picture to a site's block or allow list, by its bytes and by its look; return how many entries were new.

    It counts for pictures that are judged from then on.
    """
    if not tried.judged:
        raise SettingsInvalid("The picture was not judged yet.")
    now, fingerprint = core.now(), tried.fingerprint
    entries = entries_of(fingerprint.sha256, fingerprint.looks, on, f"tried by {person}", site_id)
    with core.db.write() as connection:
        row = site_rows.get(connection, site_id)
        if row is None or row.state is SiteState.REMOVED:
            raise SettingsInvalid("There is no such site.")
        added = len(hashes.add(connection, entries, now, person))
        text = f"{fingerprint.sha256[:12]}… was put on the {on} list"
        audit.add(connection, now, person, f"hashes.{on}", text, site_id)
    return added


def forget_old(core: Core) -> int | None:
    """Drop what nobody put away in time; return when the next is too old, None when there is none."""
    with core.db.write() as connection:
        rows.forget_before(connection, core.now() - MINUTES * MINUTE + 1)
        oldest = rows.oldest_at(connection)
    return oldest + MINUTES * MINUTE if oldest is not None else None


def categories(tried: TriedPicture) -> Sequence[tuple[str, float]]:
    """Rank the categories that were seen by their highest scores."""
    peaks: dict[str, float] = {}
    for signal in tried.signals:
        peaks[signal.category] = max(signal.score, peaks.get(signal.category, 0.0))
    return sorted(peaks.items(), key=lambda item: -item[1])


def due(core: Core) -> bool:
    """Tell whether somebody waits for a picture to be judged."""
    with core.db.read() as connection:
        return rows.due(connection)
