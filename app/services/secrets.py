"""Secrets that we hand out: how they are made, and what is kept of them."""

from __future__ import annotations

import base64
import hashlib
import secrets

SIGNING_BYTES = 32
"""Standard Webhooks 1.0.0 wants 24 to 64 bytes."""


def digest(token: str) -> str:
    """Turn a token into what is stored of it (SHA-256, hex): a copy of the database opens nothing.

    The tokens are random and long, so that no salt and no slow hash is needed; passwords have `people.passwords`.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def new_signing_secret() -> str:
    """Make a secret for signed webhooks, as Standard Webhooks 1.0.0 writes it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SIGNING_BYTES)).decode()
