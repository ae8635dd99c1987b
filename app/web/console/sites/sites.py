"""Sites: all of them, and one with what it found and what waits for its owner."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.errors import PicwardError
from app.domain.platform import Site
from app.domain.roles import Right
from app.domain.settings import declare
from app.services.pipeline import enforce, scan
from app.services.review import history
from app.services.rules import policies
from app.services.sites import sites
from app.services.telling import clocks
from app.web.console.guard import needs, own_site, person, room, visibility
from app.web.console.people.entry import Answer
from app.web.console.words import Said
from app.web.security import core, number
from app.web.texts import _

BUDGET_MOST = 100_000_000
"""The largest budget of a look at what is already there: over any shop's pictures, and within a column's width."""

SEARCH_CHARACTERS = 100
"""How much is searched for; the longest name has twice as many, and nobody types it whole."""

PAGE_MOST = 100_000
"""The last page of sites that can be asked for: more than any house has."""

LATEST = 8
"""How many decisions a site's page shows; the list of decisions has all."""


@room.get("/sites")
@needs(Right.SEE)
def site_list() -> str:
    """List the sites that this person sees, with the health of each, a page at a time; those in trouble come first."""
    words, page = request.args.get("q", "").strip()[:SEARCH_CHARACTERS], min(number(request.args.get("page", "")), PAGE_MOST)
    found = sites.search(core(), person().sites, words, page)
    counted = sites.glances(core(), [row.id for row in found.rows])
    return render_template(
        "sites/sites.html",
        rows=[(row, core().platforms.get(row.platform), counted[row.id]) for row in found.rows],
        words=words,
        page=page,
        more=found.more,
        clock=clocks.trouble(core()) if person().may(Right.CONNECT) else "",
    )


@room.get("/sites/<site_id>")
@needs(Right.SEE)
def site(site_id: str) -> str:
    """Show a site's health, what is parked, what was decided lately and what happened."""
    found = own_site(site_id)
    platform = core().platform(found.platform)
    policy = policies.current(core(), site_id)
    return render_template(
        "sites/site.html",
        site=found,
        platform=platform,
        summary=sites.summary(core(), site_id),
        only_watches=policies.only_watches(policy),
        parked=enforce.parked(core(), site_id),
        shown=history.page(core(), visibility(site_id), history.Filters(site=site_id), 0, LATEST).shown,
        last_scan=scan.last(core(), site_id),
        steps=platform.steps(found) if person().may(Right.CONNECT) else (),
        trail=sites.trail(core(), site_id, 12, person().side),
        asked=_asked(found),
    )


def _asked(found: Site) -> list[tuple[dict[str, Any], Any]]:
    """List what the site may have set for itself: declarations, and what is set."""
    if not person().may(Right.CONFIGURE):
        return []
    names = sites.unconfirmed(core(), found.id)
    return [(one, getattr(found.settings, one["name"])) for one in declare(type(found.settings)) if one["name"] in names]


@room.post("/sites/<site_id>/confirm/<any(keep,reset):answer>")
@needs(Right.CONFIGURE)
def site_confirm(site_id: str, answer: str) -> Response:
    """Keep a setting that the site may have set for itself, or put it back to its default."""
    found, name = own_site(site_id), request.form.get("name", "")
    if answer == "keep":
        sites.confirm(core(), found.id, name, person().name)
    elif sites.reset(core(), found.id, name, person().name, person().side).untold:
        return go(url_for("console.site", site_id=site_id, said=Said.UNSHARED), 303)
    return go(url_for("console.site", site_id=site_id, said=Said.SAVED), 303)


@room.route("/sites/<site_id>/scan", methods=["GET", "POST"])
@needs(Right.CONFIGURE)
def site_scan(site_id: str) -> Answer:
    """Ask for a look at what is already there, or only for a count; and show how far it came."""
    found = own_site(site_id)

    def page(errors: dict[str, str]) -> str:
        try:
            cost = scan.estimate(core(), site_id)
        except PicwardError as error:
            cost = str(error)
        return render_template(
            "sites/scan.html",
            site=found,
            platform=core().platform(found.platform),
            summary=sites.summary(core(), site_id),
            cost=cost,
            last_scan=scan.last(core(), site_id),
            last_count=scan.last(core(), site_id, dry_run=True),
            values=request.form,
            errors=errors,
        )

    if request.method == "GET":
        return page({})
    wanted = request.form.get("budget", "").strip()
    if wanted and not 0 < number(wanted) <= BUDGET_MOST:
        return page({"budget": "is not a number of pictures"}), 422
    scan.ask(core(), site_id, person().name, budget=number(wanted), dry_run="count" in request.form)
    return go(url_for("console.site_scan", site_id=site_id, said=Said.COUNTING if "count" in request.form else Said.ASKED), 303)


@room.post("/sites/<site_id>/scan/stop")
@needs(Right.CONFIGURE)
def site_scan_stop(site_id: str) -> Response:
    """Stop what was asked for; asked again, it goes on from there."""
    scan.stop(core(), own_site(site_id).id, person().name)
    return go(url_for("console.site_scan", site_id=site_id, said=Said.STOPPED), 303)


@room.post("/sites/<site_id>/parked/<int:parked_id>/<any(retry,dismiss):what>")
@needs(Right.CONFIGURE)
def site_parked(site_id: str, parked_id: int, what: str) -> Response:
    """Try a parked action again, or put it away."""
    own_site(site_id)
    if parked_id not in {item.id for item in enforce.parked(core(), site_id)}:
        abort(404, _("That action is no longer waiting."))
    done = enforce.retry_parked(core(), parked_id) if what == "retry" else enforce.dismiss_parked(core(), parked_id)
    said = (Said.RETRIED if what == "retry" else Said.DISMISSED) if done else Said.UNPARKED
    return go(url_for("console.site", site_id=site_id, said=said), 303)
