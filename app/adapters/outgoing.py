"""Call addresses outside: signed webhooks, and pictures that somebody names."""

from __future__ import annotations

from app.domain.time import SECOND

CALL_SECONDS = 20.0
"""How long an outgoing webhook, or a picture that somebody tries, may take in all: nobody waits longer for a page."""


def call_webhook(url: str, secret: str, id: str, at: int, body: bytes, *, private_network: bool) -> None:
    """Call an outgoing web address, signed; see `app.domain.ports.Webhook`."""
    from integrations.kit import signing
    from integrations.kit.http import Session  # a process that calls nobody starts without requests

    headers = {"content-type": "application/json", **signing.sign(secret, id, at // SECOND, body)}
    Session(private_network).request("POST", url, headers=headers, body=body, total_seconds=CALL_SECONDS)


def fetch_url(url: str, limit: int) -> bytes:
    """Fetch a picture that somebody named by its address, at most `limit` bytes; never from a private network."""
    from integrations.kit.http import Session

    with Session().open_bytes("GET", url, limit=limit, total_seconds=CALL_SECONDS) as source:
        return source.read()
