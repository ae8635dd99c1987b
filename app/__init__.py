"""Picward: a ward for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """Make the WSGI application from the environment's settings."""
    from app.factory import create_app as create  # importing app.domain must not load Flask

    return create()
