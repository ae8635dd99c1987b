"""Make decisions true at the platform: one action at a time per image, retried for hours, parked when the owner must act."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from app.db import audit, enforcements, tallies, undos
from app.db import sites as site_rows
from app.db.enforcements import Claim
from app.db.undos import Undo
from app.domain.decisions import Action
from app.domain.errors import (
    CredentialsExpired,
    MediaGone,
    PlatformClosed,
    PlatformRefused,
    PlatformThrottled,
    PlatformUnavailable,
)
from app.domain.jobs import MAX_DEATHS, Priority, WorkState, retry_delay
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.statistics import Tally
from app.domain.time import HOUR, SECOND
from app.services.core import Core
from app.services.pipeline import moderate, record
from app.services.sites import holds, sites

log = logging.getLogger(__name__)

_SAID = {
    Action.LABEL: "The verdict was made known",
    Action.HIDE: "Hidden",
    Action.RESTORE: "Restored as it was",
    Action.DELETE: "Deleted",
}


_COUNTED = {Action.HIDE: Tally.HIDDEN, Action.RESTORE: Tally.RESTORED}


def run_next(core: Core, found: Callable[[], None] = lambda: None) -> bool:
    """Claim and apply one action; False when none is due. `found` is called once it is claimed, before it is applied."""
    with core.db.write() as connection:
        claim = enforcements.claim(connection, core.now(), core.limits.lease_seconds * SECOND)
    if claim is None:
        return False
    found()
    _apply(core, claim)
    return True


def _apply(core: Core, claim: Claim) -> None:
    if claim.deaths >= MAX_DEATHS:
        _end(core, claim, WorkState.PARKED, f"Workers failed at this {MAX_DEATHS} times; their log says why.", None)
        return
    site, began = sites.get(core, claim.site_id), core.now()
    platform = core.platform(site.platform)
    enforcement = claim.enforcement
    if platform.hides_parents and enforcement.undo is None:
        # What an earlier version of the image hid is the same parent.
        with core.db.read() as connection:
            enforcement = replace(enforcement, undo=undos.last(connection, site.id, enforcement.media.id))
    with core.db.read() as connection:
        if not enforcements.held(connection, claim, core.now()):
            log.warning("enforcement %d was taken over before it was applied", enforcement.id)
            return
    try:
        receipt = platform.apply(site, enforcement)
    except (CredentialsExpired, PlatformClosed) as error:
        with core.db.write() as connection:
            if enforcements.give_back(connection, claim, core.now(), str(error)):
                holds.hold(core, connection, site.id, error, began)
            else:
                _overtaken(core, connection, claim)
    except MediaGone as error:
        # What is looked at again was hidden while it was there, and its parent with it.
        state, problem = (WorkState.DONE, "") if claim.enforcement.again else (WorkState.GONE, str(error))
        _end(core, claim, state, problem, None, then=partial(_follow, core, claim, site, error.now))
    except PlatformUnavailable as error:
        _retry(core, claim, str(error), error, began)
    except PlatformRefused as error:
        _end(core, claim, WorkState.PARKED, str(error), None)
    except Exception as error:
        log.exception("enforcement %d failed", claim.enforcement.id)
        _retry(core, claim, f"{type(error).__name__}: {error}")
    else:
        undo = dict(receipt.undo) or claim.enforcement.undo
        _end(core, claim, WorkState.DRIFTED if receipt.drifted else WorkState.DONE, receipt.drifted, undo)


def _retry(core: Core, claim: Claim, problem: str, error: PlatformUnavailable | None = None, began: int = 0) -> None:
    now = core.now()
    asked = error.retry_after if error is not None else None
    if now - claim.created_at > core.limits.enforce_hours * HOUR:
        _end(core, claim, WorkState.PARKED, f"Given up after {core.limits.enforce_hours} hours: {problem}", None)
        return
    run_at = now + int(retry_delay(claim.attempts, asked) * SECOND)
    with core.db.write() as connection:
        if not enforcements.later(connection, claim, now, run_at, problem, stumbled=error is None):
            _overtaken(core, connection, claim)
        elif isinstance(error, PlatformThrottled):
            holds.hold(core, connection, claim.site_id, error, began)
        else:
            site_rows.fail(connection, claim.site_id, problem)


def _overtaken(core: Core, connection: Connection, claim: Claim) -> None:
    """Queue the last word about an image again: another had the action meanwhile, and ours may have come after what followed."""
    log.warning("enforcement %d was taken over", claim.enforcement.id)
    enforcements.say_again(connection, claim.site_id, claim.enforcement.media.id, core.now())


def _follow(core: Core, claim: Claim, site: Site, instead: MediaRef | None, connection: Connection) -> None:
    """Look after what is there instead of an image that is gone, or to the parent that an earlier version of it hid."""
    if instead is not None:
        moderate.add_job(connection, site.id, instead, Priority.UPLOAD, core.now(), patiently=True)
    elif claim.enforcement.action is Action.HIDE:
        record.release_parent(core, connection, site, claim.enforcement.media.id)


def _end(
    core: Core,
    claim: Claim,
    state: WorkState,
    problem: str,
    undo: Undo | None,
    *,
    then: Callable[[Connection], None] = lambda connection: None,
) -> None:
    """End an action, and do what follows of it in the same transaction."""
    now = core.now()
    with core.db.write() as connection:
        if not enforcements.end(connection, claim, state, now, problem, undo):
            _overtaken(core, connection, claim)
            return
        action, again = claim.enforcement.action, claim.enforcement.again
        done = state is WorkState.DONE
        text = _SAID[action] if done else f"{action} ended as {state}: {problem}"
        if not (done and again):  # which is in the history already, and counted
            audit.add(connection, now, "worker", f"enforcement.{action}.{state}", text, claim.site_id, claim.enforcement.media.id)
        if done and action in _COUNTED and not again:
            tallies.count(connection, claim.site_id, now, _COUNTED[action])
        if state is WorkState.PARKED:
            site_rows.fail(connection, claim.site_id, problem)
        else:
            holds.recover(core, connection, claim.site_id)
        then(connection)
    core.wake()


@dataclass(frozen=True, slots=True)
class Parked:
    """An action that ended without being made true, for the owner to decide about."""

    id: int
    decision_id: int
    media_id: str
    action: Action
    state: WorkState
    problem: str


def parked(core: Core, site_id: str) -> list[Parked]:
    """List a site's actions that wait for the owner: refused by the platform, or drifted."""
    with core.db.read() as connection:
        found = enforcements.parked(connection, site_id)
    return [Parked(row.id, row.decision_id, row.media_id, row.action, row.state, row.problem) for row in found]


def retry_parked(core: Core, enforcement_id: int) -> bool:
    """Try a parked action again now, after the owner did something about it."""
    with core.db.write() as connection:
        retried = enforcements.retry(connection, enforcement_id, core.now())
    core.wake()
    return retried


def dismiss_parked(core: Core, enforcement_id: int) -> bool:
    """Dismiss a parked or drifted action."""
    with core.db.write() as connection:
        return enforcements.dismiss(connection, enforcement_id, core.now())
