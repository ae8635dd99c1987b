"""The Flask application: rooms are registered here and nowhere else."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from app.domain.limits import LARGEST_ID
from app.services.core import Core
from app.web import api, console, door, embedded, health, problems, security, texts, webhooks


class _Number(IntegerConverter):
    """Numbers in addresses that both databases can hold; larger ones name nothing, so that they are 404."""

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int | None = LARGEST_ID) -> None:
        super().__init__(map, fixed_digits, min, max)


def make_application(core: Core, *, max_body_bytes: int, proxies: int = 0) -> Flask:
    """Make the application around one process's core."""
    application = Flask(__name__)
    application.url_map.converters["int"] = _Number
    application.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    application.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    application.config["PROXIES"] = proxies
    application.extensions["core"] = core
    problems.register(application)
    security.register(application)
    texts.register(application)
    for room in (webhooks.room, door.room, health.room, api.room, embedded.room, console.room):
        application.register_blueprint(room)
    if proxies:
        application.wsgi_app = ProxyFix(application.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    return application
