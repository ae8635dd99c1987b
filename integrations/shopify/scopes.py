"""Which permissions the app needs in a shop, and for what."""

from __future__ import annotations

from collections.abc import Collection

from integrations.shopify.settings import HideBy, Settings

REQUIRED = "write_products"
"""Reading products and their media is part of it."""

FOR_FILES = ("write_files",)
FOR_CHANNELS = ("read_publications", "write_publications")


def needed(settings: Settings) -> tuple[str, ...]:
    """List the scopes that a shop's settings need."""
    channels = FOR_CHANNELS if settings.hide_by is HideBy.UNPUBLISH else ()
    files = FOR_FILES if settings.hide_by is HideBy.DETACH or settings.delete_blocked else ()
    return (REQUIRED, *channels, *files)


def missing(granted: Collection[str], settings: Settings) -> tuple[str, ...]:
    """List what a shop's settings need and was not granted."""
    return lacking(needed(settings), granted)


def lacking(wanted: Collection[str], granted: Collection[str]) -> tuple[str, ...]:
    """List what is wanted and was not granted; write access includes reading."""
    return tuple(scope for scope in wanted if scope not in granted and f"write_{scope.removeprefix('read_')}" not in granted)


def of_token(text: object) -> tuple[str, ...]:
    """Split the scopes that come with a token."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else ()


def ask_for(scopes: Collection[str], glue: str = ", ") -> str:
    """Word the request for missing ones."""
    return (
        f"The app lacks the permission {glue.join(scopes)}. Open Picward in the shop's admin and grant it, or choose another "
        "way of hiding in the settings; then try again."
    )
