"""The code of the day, as the tests of updates use it: all that they import of Picward itself is here."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.config import Config
from app.db import enforcements, migrate, tasks, undos
from app.db.sites import SiteRow
from app.dispatch.worker import Worker
from app.domain.decisions import Decision, Outcome, Verdict
from app.domain.policy import Policy, decide
from app.domain.signals import Signal
from app.domain.tasks import Task
from app.domain.taxonomy import CATEGORIES
from app.domain.time import DAY
from app.factory import make_core, utc_now
from app.services.core import Core
from app.services.people import accounts, sessions, tokens
from app.services.pipeline import enforce
from app.services.review import showing, verdicts
from app.services.rules import policies
from app.services.sites import sites
from app.services.telling import notices
from app.web.application import make_application
from tests.support.instance import wait_for

SCORES = [n / 100 for n in range(101)]
LATER = 2 * DAY
"""How late the first start after an update is: every site is due to be compared by then, as it is once a day."""

REVIEWERS = {"Grace": 902, "Hedy": 903}
"""Two people who look at what is hidden, by name, with their ids."""


def operator(shopify: Any) -> dict[str, str]:
    """Give the operator's settings that lead to the stand-in."""
    return {
        "PICWARD_SHOPIFY_CLIENT_ID": shopify.client_id,
        "PICWARD_SHOPIFY_CLIENT_SECRET": shopify.secrets[0],
        "PICWARD_SHOPIFY_ADMIN_ORIGIN": shopify.origin,
        "PICWARD_SHOPIFY_CDN_HOSTS": "127.0.0.1",
    }


@contextmanager
def opened(data_dir: Path, kept_at: int, called: list[tuple[Any, ...]]) -> Iterator[Core]:
    """Open a data directory as every command does, after it was kept whatever this machine's clock says.

    `called` takes what would go to outgoing web addresses.
    """
    core = make_core(Config(data_dir=data_dir, host="127.0.0.1", port=9))
    behind = max(0, kept_at - core.now())
    try:
        yield replace(core, now=lambda: utc_now() + behind, call_webhook=lambda *sent, **how: called.append(sent))
    finally:
        core.db.close()


def update(core: Core) -> None:
    """Do what `picward migrate` does."""
    migrate.upgrade(core.db)


def at(core: Core, now: int) -> Core:
    """Give the core at another time."""
    return replace(core, now=lambda: now)


def start_worker_once(core: Core, data_dir: Path) -> None:
    """Run a worker, days after the last one ended, until it has compared every site with what is there."""
    later = replace(core, now=lambda: core.now() + LATER)
    begun = later.now()
    worker = Worker(later, data_dir, 2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_for(lambda: all(_compared(core, row, begun) for row in sites.listing(core)), "every site to be looked at")
    finally:
        worker.stop()
        thread.join()


def _compared(core: Core, row: SiteRow, since: int) -> bool:
    """Tell whether a site was looked at and that has ended, also where it could not be reached."""
    with core.db.read() as connection:
        turns = [task for task in tasks.of_site(connection, row.id) if task.kind is Task.RECONCILE and task.lease_until]
    return row.scanned_at > since and not turns


def in_trouble(core: Core) -> list[str]:
    """Name the sites that did not answer, or refused."""
    return [row.name for row in sites.listing(core) if row.problem]


def in_force(core: Core) -> dict[tuple[str, str], Decision]:
    """Give the decisions in force by the site's name and the picture's id."""
    names = {row.id: row.name for row in sites.listing(core)}
    found = showing.recent(core, limit=10_000, restricted=True)
    return {(names[one.decision.site_id], one.decision.media.id): one.decision for one in found}


def approve(core: Core, decision: Decision) -> int:
    """Approve a picture as people do, by two of them where that is needed, and make it true; say how many were asked."""
    for asked, (name, number) in enumerate(REVIEWERS.items(), 1):
        if verdicts.resolve(core, decision.id, Verdict.ALLOW, name, person_id=number, take_over=True) != decision.id:
            make_true(core)
            return asked
    raise AssertionError(f"{decision.media.id} cannot be approved")


def reject(core: Core, decision: Decision) -> None:
    verdicts.resolve(core, decision.id, Verdict.BLOCK, "Grace", person_id=REVIEWERS["Grace"], take_over=True)
    make_true(core)


def retry_parked(core: Core) -> None:
    for one in enforce.parked(core, ""):
        enforce.retry_parked(core, one.id)
    make_true(core)


def make_true(core: Core) -> None:
    """Apply what is due, as a worker does."""
    while enforce.run_next(core):
        pass


def actions(core: Core) -> list[tuple[Any, ...]]:
    """List every action that was ever asked for, with what became of it."""
    return [
        (name, media, row.id, row.decision_id, row.action, row.state, row.attempts)
        for (name, media), decision in sorted(in_force(core).items())
        for row in _history(core, decision)
    ]


def _history(core: Core, decision: Decision) -> Any:
    with core.db.read() as connection:
        return enforcements.history(connection, decision.site_id, decision.media.id)


def undo_of(core: Core, decision: Decision) -> Any:
    """Give what is kept to undo the hide of a picture."""
    with core.db.read() as connection:
        return undos.last(connection, decision.site_id, decision.media.id)


def state(core: Core) -> dict[str, Any]:
    """Say what holds at each site, by name: its settings, what its policy makes of every score, what was decided, what waits."""
    names = {row.id: row.name for row in sites.listing(core)}
    found: dict[str, Any] = {}
    for site_id, name in names.items():
        site = sites.get(core, site_id)
        policy = policies.current(core, site_id)
        found[name] = {
            "state": str(site.state),
            "settings": site.settings.model_dump(mode="json"),
            "may_hide": site.settings.may_hide({}),
            "verdicts": policy_verdicts(policy, {}),
            "verdicts in the museum": policy_verdicts(policy, {"folder": ("museum",)}),
            "in force": {
                media: [str(one.verdict), one.enforce, one.restricted, one.two_people, one.person]
                for (where, media), one in sorted(in_force(core).items())
                if where == name
            },
            "waiting": sorted(one.media.id for one in showing.waiting(core, site_id)),
            "parked": sorted([one.media_id, str(one.action), str(one.state)] for one in enforce.parked(core, site_id)),
        }
    return found


def policy_verdicts(policy: Policy, context: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Give what is made of a category's scores as letters, each with the score that it begins at; silent ones are left out."""
    found = {category: _bands(policy, category, context) for category in CATEGORIES}
    found["a failure"] = _letter(decide(policy, [], context, ["It cannot be read"]))
    return {category: letters for category, letters in found.items() if letters}


def _bands(policy: Policy, category: str, context: Mapping[str, tuple[str, ...]]) -> str:
    said, before = [], "-"
    for score in SCORES:
        letter = _letter(decide(policy, [Signal("any", "1", category, score)], context))
        if letter != before:
            said.append(f"{letter}{score:.2f}")
        before = letter
    return " ".join(said)


def _letter(outcome: Outcome) -> str:
    """Give r, b and B for review, block, and a block that is made true; w for what is only watched, x for what is exempt."""
    if outcome.verdict is not Verdict.ALLOW:
        return "B" if outcome.enforce else outcome.verdict.value[0]
    return next(("x" if reason.verdict is Verdict.ALLOW else "w" for reason in outcome.reasons), "-")


def set_for(core: Core, site_name: str, **values: Any) -> None:
    """Change a site's settings, as its owner does in the console."""
    sites.save_settings(core, next(row.id for row in sites.listing(core) if row.name == site_name), values, "Ada")


def listed_accounts(core: Core) -> list[list[Any]]:
    names = {row.id: row.name for row in sites.listing(core)}
    return sorted(
        [one.email, one.name, str(one.role), sorted(names[site] for site in one.sites)] for one in accounts.listing(core)
    )


def signed_in(core: Core, email: str, password: str) -> str:
    """Sign in, and give the name of who that is."""
    person = sessions.signed_in(core, sessions.sign_in(core, email, password, "127.0.0.1"))
    return person.name if person else ""


def at_the_console(core: Core, name: str) -> Any:
    """Sign somebody in, and give what they ask with."""
    person = next(one.id for one in accounts.listing(core) if one.name == name)
    client = make_application(core, max_body_bytes=100_000).test_client()
    client.set_cookie("picward", sessions.open_session(core, person))
    return client


def let_in(core: Core, token: str) -> list[str]:
    """Present an API token, and give what it may do."""
    return sorted(map(str, tokens.prove(core, token).scopes))


def webhook_secret(core: Core, site_name: str) -> str:
    return notices.secret(core, next(row.id for row in sites.listing(core) if row.name == site_name))
