"""Sign a notice and post it to its owner's web address."""

from __future__ import annotations

from app.domain.time import SECOND

CALL_SECONDS = 20.0
"""How long an outgoing webhook may take in all: whoever tests an address waits for it before a page."""


def call_webhook(url: str, secret: str, id: str, at: int, body: bytes, *, private_network: bool) -> None:
    """Call an outgoing web address, signed; see `app.domain.ports.Webhook`."""
    from integrations.kit import signing
    from integrations.kit.http import Session  # a process that calls nobody starts without requests

    headers = {"content-type": "application/json", **signing.sign(secret, id, at // SECOND, body)}
    Session(private_network).request("POST", url, headers=headers, body=body, total_seconds=CALL_SECONDS)
