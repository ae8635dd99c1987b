"""Sites: all of them, and one with what it found and what waits for its owner."""

from __future__ import annotations

from flask import abort, render_template, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.policy import RuleMode
from app.services import enforce, policies, review, scan, sites
from app.web.console.guard import person, room
from app.web.security import core


@room.get("/sites")
def site_list() -> str:
    found = sites.listing(core())
    return render_template(
        "sites.html",
        rows=[(row, core().platforms.get(row.platform), sites.summary(core(), row.id)) for row in found],
    )


@room.get("/sites/<site_id>")
def site(site_id: str) -> str:
    """Show a site's health, what is parked, what was decided lately and what happened."""
    found = sites.get(core(), site_id)
    policy = policies.current(core(), site_id)
    return render_template(
        "site.html",
        site=found,
        platform=core().platform(found.platform),
        summary=sites.summary(core(), site_id),
        only_watches=all(rule.mode is RuleMode.SHADOW for rule in policy.rules if not _known_hash(rule.category)),
        parked=enforce.parked(core(), site_id),
        shown=review.recent(core(), site_id, limit=8),
        last_scan=scan.last(core(), site_id),
        trail=sites.trail(core(), site_id, 12),
    )


def _known_hash(category: str) -> bool:
    # Unreadable files are always shown to a person, so that they do not make a policy an acting one.
    return category.endswith(".known_hash") or category in ("owner.blocked_hash", "unsafe.file")


@room.post("/sites/<site_id>/scan")
def site_scan(site_id: str) -> Response:
    scan.ask(core(), site_id, person().name)
    return go(url_for("console.site", site_id=site_id, said="asked"), 303)


@room.post("/sites/<site_id>/parked/<int:parked_id>/<any(retry,dismiss):what>")
def site_parked(site_id: str, parked_id: int, what: str) -> Response:
    """Try a parked action again, or put it away."""
    sites.get(core(), site_id)
    if parked_id not in {item.id for item in enforce.parked(core(), site_id)}:
        abort(404, "That action is no longer waiting.")
    done = enforce.retry_parked(core(), parked_id) if what == "retry" else enforce.dismiss_parked(core(), parked_id)
    said = ("retried" if what == "retry" else "dismissed") if done else "unparked"
    return go(url_for("console.site", site_id=site_id, said=said), 303)
