"""The Flask application: rooms are registered here and nowhere else."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.services.core import Core
from app.web import console, door, health, problems, security, webhooks


def make_application(core: Core, *, max_body_bytes: int, proxies: int = 0) -> Flask:
    """Make the application around one process's core."""
    application = Flask(__name__)
    application.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    application.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    application.extensions["core"] = core
    problems.register(application)
    security.register(application)
    for room in (webhooks.room, door.room, health.room, console.room):
        application.register_blueprint(room)
    if proxies:
        application.wsgi_app = ProxyFix(application.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    return application
