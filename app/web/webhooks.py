"""Where platforms' webhooks come in."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app.services.pipeline import intake
from app.web.security import core, delivery

room = Blueprint("webhooks", __name__)


@room.post("/webhooks/<slug>")
def receive(slug: str) -> tuple[Response, int]:
    """Answer 202 once the delivery is durable; a repeat of a known one is answered the same."""
    core().platform(slug)
    intake.receive(core(), slug, delivery(request))
    return jsonify(status="accepted"), 202
