"""The GraphQL documents that we send: one file each, checked against Shopify's schema by the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def text(name: str) -> str:
    """Read a document by its name."""
    return Path(__file__).with_name(f"{name}.graphql").read_text(encoding="utf-8")
