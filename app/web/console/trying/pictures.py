"""Try a picture under any site's policy: what would be seen, and what would be done."""

from __future__ import annotations

import time

from flask import Response, jsonify, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response as Answered

from app.domain.detector import ListKind
from app.domain.errors import MediaUnreadable, PicwardError, SettingsInvalid
from app.domain.limits import FORM_BYTES
from app.domain.roles import Right
from app.services.rules import policies
from app.services.trying import pictures as service
from app.web.console.guard import needs, own_site, person, room
from app.web.console.people.entry import Answer
from app.web.console.sites.choosing import asked_site, choice
from app.web.console.words import Said
from app.web.security import core

WAIT_SECONDS = 3.0
"""How long a page waits for the worker before it is shown without an answer; judging takes a twentieth of a second."""

POLL_SECONDS = 0.03

CONTEXT_LINES = 20
"""Lines of context that are read; a picture's own has about ten."""


@room.before_app_request
def _allow_a_picture() -> None:
    # Before anything reads the form: other requests stay bounded by what a webhook may have.
    if request.endpoint == "console.try_picture" and request.method == "POST":
        request.max_content_length = core().limits.max_image_bytes + FORM_BYTES
        request.max_form_memory_size = 2 * FORM_BYTES  # Werkzeug counts its buffer of 64 kB, too


@room.route("/try", methods=["GET", "POST"])
@needs(Right.SEE)
def try_picture() -> Answer:
    """Take a picture, or fetch it from an address, and queue it for a worker to look at."""
    if request.method == "GET":
        return _form("")
    address = request.form.get("address", "").strip()
    try:
        upload = request.files.get("picture")
        data = upload.stream.read(core().limits.max_image_bytes + 1) if upload is not None else b""
        if not data and address:
            data = service.fetch(core(), address)
        if not data:
            raise MediaUnreadable("Choose a picture, or paste its address.")
        tried_id = service.begin(core(), data, person().id)
    except PicwardError as error:
        return _form(str(error), address), 422
    return go(url_for("console.tried_picture", tried_id=tried_id), 303)


def _form(problem: str, address: str = "") -> str:
    megabytes = core().limits.max_image_bytes // 1_000_000
    return render_template("trying/pictures.html", problem=problem, address=address, megabytes=megabytes, minutes=service.MINUTES)


@room.get("/try/<tried_id>")
@needs(Right.SEE)
def tried_picture(tried_id: str) -> str:
    """Show what was seen, and what a site's policy makes of it; before that, wait for a moment."""
    found = _awaited(tried_id)
    asked = asked_site()
    offered = choice(asked)
    site_id = asked or next(iter(offered.few or ()), "")
    context = _context(request.args.get("context", ""))
    site = own_site(site_id) if site_id else None
    return render_template(
        "trying/picture.html",
        tried=found,
        peaks=service.categories(found),
        site=site,
        choice=offered,
        opinion=service.opinion(core(), found, site.id, context) if site is not None and found.judged else None,
        context=request.args.get("context", ""),
        seen=policies.seen_lately(core(), site.id) if site is not None and found.judged else {},
        late=core().now() - found.created_at > 60_000_000,
        minutes=service.MINUTES,
    )


def _awaited(tried_id: str) -> service.TriedPicture:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = service.get(core(), tried_id, person().id)
        if found.judged or time.monotonic() > deadline or core().now() - found.created_at > 60_000_000:
            return found
        time.sleep(POLL_SECONDS)


@room.get("/try/<tried_id>/state")
@needs(Right.SEE)
def tried_picture_state(tried_id: str) -> Response:
    return jsonify(judged=service.get(core(), tried_id, person().id).judged)


@room.get("/try/<tried_id>/picture")
@needs(Right.SEE)
def tried_picture_picture(tried_id: str) -> Response:
    """Serve the picture to whoever brought it."""
    data = service.preview(core(), tried_id, person().id)
    return Response(status=404) if data is None else Response(data, mimetype="image/webp")


@room.post("/try/<tried_id>/forget")
@needs(Right.SEE)
def tried_picture_forget(tried_id: str) -> Answered:
    service.forget(core(), tried_id, person().id)
    return go(url_for("console.try_picture", said=Said.FORGOTTEN), 303)


@room.post("/try/<tried_id>/list")
@needs(Right.CONFIGURE)
def tried_picture_list(tried_id: str) -> Answered:
    """Add the picture to a site's block or allow list."""
    site = own_site(request.form.get("site", ""))
    on = request.form.get("list", "")
    if on not in set(ListKind):
        raise SettingsInvalid("There is no such list.")
    service.put_on_list(core(), service.get(core(), tried_id, person().id), site.id, ListKind(on), person().name)
    return go(url_for("console.tried_picture", tried_id=tried_id, site=site.id, said=Said.LISTED), 303)


def _context(text: str) -> dict[str, tuple[str, ...]]:
    """Read what the picture's context would be: a line each, a name, a colon, values."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines()[:CONTEXT_LINES]:
        key, _colon, values = line.partition(":")
        said = tuple(value for part in values.split(",") if (value := part.strip()))
        if key.strip() and said:
            found[key.strip()] = said
    return found
