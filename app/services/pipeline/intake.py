"""Take a webhook in: proven, counted once, durable before it is answered. Nothing slow happens here."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from app.db import audit, decisions, deliveries, enforcements, jobs, pictures, tasks
from app.db import sites as site_rows
from app.db.deliveries import NewDelivery
from app.domain.decisions import Decision, Outcome, Reason, Ruling, Verdict
from app.domain.errors import (
    DecisionStale,
    DeliveryRefused,
    DeliveryRepeated,
    DeliveryUnreadable,
    SecondPersonNeeded,
    UndoImpossible,
)
from app.domain.events import (
    AddressTold,
    ChangesSeen,
    Delivery,
    ErasureWanted,
    Event,
    MediaDeleted,
    MediaUploaded,
    Noted,
    ParentDeleted,
    ParentSeen,
    ParentShown,
    Parsed,
    ScanAdvanced,
    ScanWanted,
    SiteRemoved,
    VerdictGiven,
    VerdictUndone,
)
from app.domain.jobs import Priority, WorkState
from app.domain.names import by, claim
from app.domain.platform import Site, SiteState
from app.domain.tasks import Task
from app.domain.time import DAY, SECOND
from app.services.core import Core
from app.services.pipeline import moderate, record, scan
from app.services.review import verdicts
from app.services.rules import lists
from app.services.sites import connecting, sites

KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "picward-site")
"""What is stored of every delivery; a platform names what it needs besides. Signatures are not kept."""


_FAREWELLS = (SiteRemoved, ErasureWanted, Noted)
"""Events that count for nothing from an installation that we do not know: one that was erased must not reappear through them."""


def receive(core: Core, slug: str, delivery: Delivery) -> bool:
    """Store an authentic delivery and queue what it asks for, in one durable transaction; False for a known one.

    Raise `DeliveryRefused` when the bytes are not proven. An authentic delivery that cannot be read is stored with its
    problem and shown to the owner: a retry would not help.
    """
    platform = core.platform(slug)
    with core.db.read() as connection:
        site = platform.authenticate(delivery, sites.find_for(core, slug, connection))
    problem = ""
    try:
        parsed = platform.parse(delivery, site)
    except DeliveryUnreadable as error:
        problem = str(error)
        parsed = Parsed(f"unreadable-{delivery.received_at}", ())
    if not site.id:
        if parsed.events and all(isinstance(event, _FAREWELLS) for event in parsed.events):
            return False
        site = connecting.welcome(core, site)
    kept = replace(delivery, body=b"") if parsed.personal else delivery

    def store(connection: Connection) -> bool:
        if not _count(connection, site, kept, parsed.id, problem, platform.kept_headers):
            return False
        for event in parsed.events:
            _take(core, connection, site, event, delivery.received_at)
        if parsed.skipped:
            site_rows.count_skipped(connection, site.id, parsed.skipped)
        if platform.pulse_seconds:  # where something happens, more may wait to be sent
            now = delivery.received_at
            tasks.hurry(connection, site.id, Task.PULSE, now + platform.pulse_seconds * SECOND, now)
        return True

    added = core.db.write_together(store)
    if added:
        core.wake()
    return added


def authenticate_once(core: Core, slug: str, delivery: Delivery, request_id: str) -> Site:
    """Prove a site's request that is not a webhook, and refuse it the second time.

    Raise `DeliveryRepeated`, and `DeliveryRefused` also where the platform's proof is for webhooks alone.
    """
    platform = core.platform(slug)
    if not platform.uses_door:
        raise DeliveryRefused("This platform's secret tells of uploads and opens nothing else.")
    with core.db.read() as connection:
        site = platform.authenticate(delivery, sites.find_for(core, slug, connection))
    if not site.id or site.state is SiteState.REMOVED:
        raise DeliveryRefused("The site is not connected.")
    with core.db.write() as connection:
        if not _count(connection, site, delivery, f"door:{request_id}", ""):
            raise DeliveryRepeated("This request was sent before.")
    return site


def _count(
    connection: Connection, site: Site, delivery: Delivery, delivery_id: str, problem: str, kept: tuple[str, ...] = ()
) -> bool:
    headers = {name: delivery.headers[name] for name in (*KEPT_HEADERS, *kept) if name in delivery.headers}
    new = NewDelivery(site.id, delivery_id[:200], delivery.received_at, delivery.path, headers, delivery.body, problem)
    return deliveries.add(connection, new) is not None


def read_again(core: Core, delivery_id: int) -> int:
    """Read a stored delivery again, as after an update that can read it; return how many events it held."""
    with core.db.write() as connection:
        row = deliveries.get(connection, delivery_id)
        if row is None or not row.body:
            raise DeliveryUnreadable("That delivery is not stored any more.")
        site = sites.get(core, row.site_id)
        delivery = Delivery("POST", row.path, row.headers, row.body, row.received_at)
        parsed = core.platform(site.platform).parse(delivery, site)
        for event in parsed.events:
            _take(core, connection, site, event, core.now())
        deliveries.mark(connection, delivery_id, "")
    core.wake()
    return len(parsed.events)


def _take(core: Core, connection: Connection, site: Site, event: Event, now: int) -> None:
    if site.state is SiteState.REMOVED and not isinstance(event, ErasureWanted | Noted):
        return
    match event:
        case MediaUploaded(media):
            moderate.add_job(connection, site.id, media, Priority.UPLOAD, now)
        case MediaDeleted(media_id, version):
            jobs.delete_media(connection, site.id, media_id, now, version)
            enforcements.delete_media(connection, site.id, media_id, now, version)
            record.release_parent(core, connection, site, media_id)
            audit.add(connection, now, "platform", "media.deleted", "Deleted at the platform", site.id, media_id)
        case ParentDeleted(parent):
            ended = jobs.delete_parent(connection, site.id, parent, now)
            enforcements.delete_parent(connection, site.id, parent, now)
            text = f"{parent} was deleted at the platform, with {ended} pictures"
            audit.add(connection, now, "platform", "parent.deleted", text, site.id)
        case ParentSeen(parent, media_ids):
            for hidden in enforcements.hiding(connection, site.id, parent):
                if hidden.media_id not in media_ids:
                    jobs.add_round(connection, site.id, hidden.media_id, now, Priority.UPLOAD)
        case ParentShown(parent, media_ids):
            enforcements.look_again(connection, site.id, parent, media_ids, now)
        case VerdictGiven():
            _take_verdict(core, connection, site, event, now)
        case VerdictUndone():
            _undo_verdict(core, connection, site, event, now)
        case ScanWanted():
            scan.ask_within(connection, site.id, "platform", now)
        case ScanAdvanced():
            scan.hurry(connection, site.id, now)
        case ChangesSeen():
            tasks.ask(connection, site.id, Task.RECONCILE, now, now)
        case Noted(action, text):
            audit.add(connection, now, "platform", action, text, site.id)
        case AddressTold(told):
            connecting.follow_address(core, connection, site, told)
        case SiteRemoved():
            sites.remove(core, connection, site.id, "platform")
        case ErasureWanted(media_ids, whole_site):
            if whole_site:
                sites.erase_within(core, connection, site.id, "platform")
            else:
                _erase(connection, site, media_ids, now)


def _take_verdict(core: Core, connection: Connection, site: Site, given: VerdictGiven, now: int) -> None:
    event = replace(given, person=claim(given.person, "somebody"))
    job_id = jobs.add(connection, site.id, event.media, 0, Priority.PERSON, now)
    known = jobs.latest(connection, site.id, event.media.id, event.media.version)
    if known is None:
        return
    current = decisions.current(connection, site.id, event.media.id, event.media.version)
    # Bytes that nobody judged yet are judged all the same when a site approves them: a list may know more than the site says.
    judged = current is not None or event.verdict is not Verdict.ALLOW
    if judged and (job_id is not None or known.state in (WorkState.DUE, WorkState.BUSY)):
        jobs.end_unleased(connection, known, now)
    text = f"{'Approved' if event.verdict is Verdict.ALLOW else 'Rejected'} {by(event.person)}"
    if event.verdict is Verdict.ALLOW and current is not None and (current.two_people or current.restricted):
        _ask_two_people(core, connection, site, event, current, text, now)
        return
    outcome = Outcome(event.verdict, (Reason(event.verdict, "", text),), enforce=event.verdict is Verdict.BLOCK)
    before = current.id if current else None
    ruling = Ruling(known.id, event.media, event.sha256, outcome, now, person=event.person, supersedes=before)
    record.store(core, connection, site, ruling)
    if event.verdict is Verdict.ALLOW:
        lists.welcome_back(connection, site.id, event.sha256)
    elif event.never_again:
        lists.never_again(connection, site.id, event.sha256, event.person, now)


def _undo_verdict(core: Core, connection: Connection, site: Site, event: VerdictUndone, now: int) -> None:
    """Put in force again what was before a verdict of the platform's, as long as that is the last word."""
    current = decisions.current(connection, site.id, event.media.id, event.media.version)
    person = claim(event.person, "somebody")
    problem = "It was decided again since"
    if current is not None and current.person == person:
        try:
            verdicts.put_back(core, connection, site, current, person)
            return
        except (DecisionStale, UndoImpossible, SecondPersonNeeded) as error:
            problem = str(error)
    text = f"{person} wanted to undo a verdict at the platform. {problem}"
    audit.add(connection, now, "platform", "verdict.kept", text, site.id, event.media.id)


def _ask_two_people(
    core: Core, connection: Connection, site: Site, event: VerdictGiven, current: Decision, text: str, now: int
) -> None:
    """Keep a severe picture in the queue that one person approved at the platform: what is severe needs two people here."""
    reason = Reason(Verdict.REVIEW, "", f"{text}; this category needs two people of Picward's")
    outcome = Outcome(Verdict.REVIEW, (reason, *(known for known in current.reasons if known.category)))
    ruling = Ruling(
        current.job_id, event.media, event.sha256, outcome, now, person=event.person, supersedes=current.id, silent=True
    )
    record.store(core, connection, site, ruling)


def _erase(connection: Connection, site: Site, media_ids: tuple[str, ...], now: int) -> None:
    if media_ids:
        judged = {decision.sha256 for media_id in media_ids for decision in decisions.history(connection, site.id, media_id)}
        for sha256 in judged:
            pictures.forget_preview(connection, site.id, sha256)
    else:
        pictures.forget_previews(connection, site.id, now + 1)
    jobs.forget_context(connection, site.id, media_ids)
    deliveries.forget_site_bodies(connection, site.id)
    whose = f"{len(media_ids)} pictures" if media_ids else "all pictures"
    text = f"Erased on request: previews and context of {whose}, and the text of stored deliveries"
    audit.add(connection, now, "platform", "erased", text, site.id)


def forget_bodies(core: Core) -> None:
    """Drop the bodies of deliveries that are older than the operator keeps them."""
    with core.db.write() as connection:
        deliveries.forget_bodies(connection, core.now() - core.limits.delivery_days * DAY)
