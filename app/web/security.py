"""What every answer carries, and how a request becomes a `Delivery`."""

from __future__ import annotations

from flask import Flask, Request, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.domain.errors import DeliveryTooLarge
from app.domain.events import Delivery
from app.services.core import Core

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it browsers send “Origin: null” with our own forms, which then look forged.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def register(application: Flask) -> None:
    @application.after_request
    def _secure(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def core() -> Core:
    """Return the core that this application was made around."""
    found: Core = current_app.extensions["core"]
    return found


def delivery(received: Request) -> Delivery:
    """Read a request exactly as it came. Raise `DeliveryTooLarge`, also for a body without a declared length."""
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = received.get_data(cache=False)
    except RequestEntityTooLarge:
        raise DeliveryTooLarge(f"The body is larger than {limit} bytes.") from None
    # Werkzeug cuts a body without a declared length off at the limit, silently.
    if received.content_length is None and len(body) >= limit and received.environ["wsgi.input"].read(1):
        raise DeliveryTooLarge(f"The body is larger than {limit} bytes.")
    headers = {name.lower(): value for name, value in received.headers.items()}
    return Delivery(received.method, received.full_path.rstrip("?"), headers, body, core().now())
