"""Fetch a picture that somebody names by its address."""

from __future__ import annotations

FETCH_SECONDS = 20.0
"""How long the fetch of a picture that somebody tries may take in all: nobody waits longer for a page."""


def fetch_url(url: str, limit: int) -> bytes:
    """Fetch a picture that somebody named by its address, at most `limit` bytes; never from a private network."""
    from integrations.kit.http import Session

    with Session().open_bytes("GET", url, limit=limit, total_seconds=FETCH_SECONDS) as source:
        return source.read()
