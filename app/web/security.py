"""What every answer carries, and how a request becomes a `Delivery`."""

from __future__ import annotations

import ipaddress
import logging
from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.domain.errors import DeliveryTooLarge
from app.domain.events import Delivery
from app.services.core import Core

log = logging.getLogger(__name__)

FORM_FIELDS = 1000
"""Fields of one form: the longest of ours marks a few hundred pictures, and each costs more to read than to send."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it browsers send “Origin: null” with our own forms, which then look forged.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class _Fields(FormDataParser):
    """Read no form of more fields than `max_form_parts`, however it is encoded: werkzeug counts those of multipart only."""

    def parse(self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None) -> Any:
        if mimetype == "application/x-www-form-urlencoded" and self.max_form_parts is not None:
            body = stream.read()
            if body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class Received(Request):
    """A request whose forms are bounded."""

    form_data_parser_class = _Fields


def register(application: Flask) -> None:
    application.request_class = Received
    application.config["MAX_FORM_PARTS"] = FORM_FIELDS

    @application.after_request
    def _secure(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if encrypted():
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def core() -> Core:
    """Return the core that this application was made around."""
    found: Core = current_app.extensions["core"]
    return found


def encrypted() -> bool:
    """Tell whether people reach this Picward by https: its public address says so, or this very request."""
    return request.is_secure or core().public_url.startswith("https:")


def unnamed_proxy() -> bool:
    """Tell whether this came through a proxy that PICWARD_PROXIES does not count: everybody seems to be at one address.

    Such a proxy is on this machine or its network. Anybody on the internet can send its headers, to be counted nowhere.
    """
    forwarded = request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded") or request.headers.get("X-Real-IP")
    return bool(forwarded) and not current_app.config["PROXIES"] and _is_near(request.remote_addr or "")


def _is_near(address: str) -> bool:
    try:
        return not ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:  # a socket in the file system
        return True


def address() -> str:
    """Give the address of who asks, "" where it is one that everybody shares."""
    if not unnamed_proxy():
        return request.remote_addr or ""
    if not current_app.extensions.get("unnamed_proxy_told"):
        current_app.extensions["unnamed_proxy_told"] = True
        log.warning(
            "A proxy stands in front that Picward was not told of, so that all visitors seem to be at one address: "
            "set PICWARD_PROXIES to the number of proxies (1 for one), and let it set X-Forwarded-For"
        )
    return ""


def number(text: str, otherwise: int = 0) -> int:
    """Read a number that somebody sent; `otherwise` for what is none, or more than both databases hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else otherwise


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
