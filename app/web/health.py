"""Liveness and readiness: live is about this process, ready about what it needs. A balancer acts on the second only."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.services.telling import health
from app.web import problems
from app.web.security import core

room = Blueprint("health", __name__)


@room.get("/live")
def live() -> Response:
    return jsonify(status="live")


@room.get("/ready")
def ready() -> Response:
    """Answer 200 when the database answers and has this version's tables."""
    problem = health.readiness(core())
    return problems.answer(503, "Not ready", problem) if problem else jsonify(status="ready")
