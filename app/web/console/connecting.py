"""Add a site, connect it, connect it again, let it go."""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.errors import PairingRefused, PicwardError, SettingsInvalid
from app.domain.platform import Platform, Site, SiteState
from app.domain.settings import declare
from app.services import sites
from app.web.console.entry import Answer
from app.web.console.guard import person, room
from app.web.security import core

CODE_COOKIE = "picward_code"
CODE_MINUTES = 15
"""How long the browser that made a pairing code can see it: long enough to paste it, and for a page that reloads itself."""


@room.route("/sites/add", methods=["GET", "POST"])
def site_add() -> Answer:
    """Choose a platform, then name the site and say how it is reached."""
    platforms = sorted(core().platforms.values(), key=lambda platform: platform.name)
    first = not sites.listing(core())
    slug = request.values.get("platform", "")
    if not slug:
        return render_template("site_add.html", platforms=platforms, platform=None, first=first)
    platform = core().platform(slug)
    if request.method == "GET":
        return _add_page(platform, first, {})
    try:
        site = sites.add(
            core(),
            slug,
            request.form.get("name", ""),
            person().name,
            {field: request.form.get(f"connect-{field}", "").strip() for field in platform.connect_fields},
            private_network="private_network" in request.form,
        )
    except SettingsInvalid as error:
        return _add_page(platform, first, error.fields, "Something is missing."), 422
    except PicwardError as error:
        return _add_page(platform, first, {}, f"The connection was tested and does not work: {error}"), 422
    if site.state is SiteState.ACTIVE:
        return go(url_for("console.site", site_id=site.id, said="connected"), 303)
    return _with_code(site)


def _add_page(platform: Platform, first: bool, errors: dict[str, str], problem: str = "") -> str:
    network = next((field for field in declare(platform.Settings) if field["name"] == "private_network"), None)
    return render_template(
        "site_add.html",
        platforms=[],
        platform=platform,
        first=first,
        values=request.form,
        errors=errors,
        problem=problem,
        network=network,
    )


def _with_code(site: Site) -> Response:
    """Go to the page that connects a site, and let this browser see the code there for a while."""
    path = url_for("console.site_connect", site_id=site.id)
    answer = go(path, 303)
    answer.set_cookie(
        CODE_COOKIE, site.id, max_age=CODE_MINUTES * 60, httponly=True, samesite="Strict", secure=request.is_secure, path=path
    )
    return answer


@room.get("/sites/<site_id>/connect")
def site_connect(site_id: str) -> Answer:
    """Show the steps, and the code to the browser that just made it."""
    site = sites.get(core(), site_id)
    pairing = site.state is SiteState.PAIRING
    shown = pairing and request.cookies.get(CODE_COOKIE) == site.id
    return render_template(
        "site_connect.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site.id),
        pairing=pairing,
        code=sites.pairing_code(core(), site) if shown else "",
        minutes=CODE_MINUTES,
        hours=sites.PAIRING_HOURS,
    )


@room.get("/sites/<site_id>/state")
def site_state(site_id: str) -> Response:
    """Tell a waiting page whether the site was connected meanwhile."""
    state: Any = sites.get(core(), site_id).state
    return jsonify(state=state)


@room.post("/sites/<site_id>/code")
def site_code(site_id: str) -> Response:
    """Make a new pairing code; the site counts as not connected until it is used."""
    site = sites.get(core(), site_id)
    if core().platform(site.platform).connect_fields:
        raise PairingRefused("This site is not connected by a pairing code. Disconnect it and add it again.")
    return _with_code(sites.renew_pairing(core(), site_id, person().name))


@room.post("/sites/<site_id>/check")
def site_check(site_id: str) -> Response:
    """Test the connection; the site's page shows what was found or what is wrong."""
    try:
        sites.check(core(), site_id)
    except PicwardError:
        sites.get(core(), site_id)
        return go(url_for("console.site", site_id=site_id), 303)
    return go(url_for("console.site", site_id=site_id, said="checked"), 303)


@room.post("/sites/<site_id>/pause")
def site_pause(site_id: str) -> Response:
    sites.set_state(core(), site_id, SiteState.PAUSED, person().name)
    return go(url_for("console.site", site_id=site_id, said="paused"), 303)


@room.post("/sites/<site_id>/resume")
def site_resume(site_id: str) -> Response:
    sites.set_state(core(), site_id, SiteState.ACTIVE, person().name)
    return go(url_for("console.site", site_id=site_id, said="resumed"), 303)


@room.route("/sites/<site_id>/disconnect", methods=["GET", "POST"])
def site_disconnect(site_id: str) -> Answer:
    """Ask once more, then forget the site's secrets."""
    site = sites.get(core(), site_id)
    if request.method == "GET":
        return render_template(
            "site_disconnect.html",
            site=site,
            platform=core().platform(site.platform),
            summary=sites.summary(core(), site_id),
        )
    sites.disconnect(core(), site_id, person().name)
    return go(url_for("console.site_list", said="disconnected"), 303)
