"""Where installations talk to us as themselves: to be connected, and for their settings, summary and history.

Every request is a signed JSON body that says its type; nothing here names a platform.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.domain.errors import DeliveryUnreadable
from app.domain.names import claim
from app.domain.platform import Site
from app.domain.settings import ChangedBy
from app.services.people import guests
from app.services.pipeline import intake
from app.services.review import showing
from app.services.sites import connecting, sites
from app.web.security import core, delivery

room = Blueprint("door", __name__)


@room.post("/door/<slug>")
def connect(slug: str) -> Response:
    """Connect an installation that arrives with its pairing code."""
    site, found = connecting.admit(core(), slug, delivery(request))
    answer = sites.read_settings(core(), site)
    return jsonify(connected=True, name=site.name, found=found, console_url=f"{core().public_url}/sites/{site.id}", **answer)


def _signed(slug: str, *types: str) -> tuple[Site, dict[str, Any]]:
    """Prove a request before anything in it is read; its type must be one that the address takes."""
    received = delivery(request)
    site = intake.authenticate_once(core(), slug, received, received.headers.get("webhook-id", ""))
    try:
        body = json.loads(received.body)
    except (ValueError, RecursionError):
        raise DeliveryUnreadable("The body is not JSON.") from None
    if not isinstance(body, dict) or body.get("type") not in types:
        raise DeliveryUnreadable(f"This address takes {' or '.join(types)}.")
    return site, body


@room.post("/door/<slug>/settings")
def settings(slug: str) -> Response:
    """Read or save the site's settings: one declaration, rendered there."""
    site, body = _signed(slug, "settings.read", "settings.save")
    if body["type"] == "settings.save":
        values = body.get("values")
        if not isinstance(values, dict):
            raise DeliveryUnreadable("“values” must be an object.")
        who = claim(str(body.get("person") or ""))
        site = sites.save_settings(core(), site.id, values, who, side=ChangedBy.PLATFORM, tell=False).site
    return jsonify(sites.read_settings(core(), site))


@room.post("/door/<slug>/summary")
def summary(slug: str) -> Response:
    site, _ = _signed(slug, "summary.read")
    return jsonify(sites.summary(core(), site.id))


@room.post("/door/<slug>/history")
def history(slug: str) -> Response:
    """Tell an image's story, and who may see it and decide about it."""
    site, body = _signed(slug, "history.read")
    media_id = str(body.get("media_id", ""))[:400]
    newest = showing.newest(core(), site.id, media_id)
    return jsonify(
        entries=showing.history(core(), site.id, media_id, restricted=False),
        restricted=newest is not None and newest.restricted,
        two_people=newest is not None and newest.two_people,
    )


@room.post("/door/<slug>/link")
def link(slug: str) -> Response:
    """Make a link by which one of the site's administrators comes into the console, once and soon."""
    site, body = _signed(slug, "link.make")
    who = body.get("person")
    if not isinstance(who, dict) or not all(isinstance(who.get(name), str) for name in ("id", "name", "role")):
        raise DeliveryUnreadable("“person” must say id, name and role.")
    url = guests.make_link(core(), site, who["id"][:200], who["name"], who["role"])
    return jsonify(url=url, seconds=guests.LINK_SECONDS)
