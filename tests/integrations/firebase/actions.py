"""Short ways to say what is done to a picture in a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from app.domain.decisions import Action, Enforcement, Receipt, Verdict
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase.platform import Firebase
from integrations.firebase.settings import Settings
from tests.contract.sample import enforcement
from tests.integrations.firebase.contract import PUBLIC_URL
from tests.support.surroundings import made

PLATFORM = made(Firebase, public_url=PUBLIC_URL)


def do(action: Action, site: Site, media: MediaRef, undo: Mapping[str, Any] | None = None, **over: Any) -> Receipt:
    asked: Enforcement = replace(enforcement(action, media, undo), **over)
    return PLATFORM.apply(site, asked)


def approve(site: Site, media: MediaRef) -> Receipt:
    return do(Action.LABEL, site, media, verdict=Verdict.ALLOW)


def fetched(site: Site, media: MediaRef) -> bytes:
    with PLATFORM.fetch(site, media) as file:
        return file.read()


def listed(site: Site) -> list[MediaRef]:
    found: list[MediaRef] = []
    cursor = ""
    while True:
        page = PLATFORM.scan(site, cursor)
        found += page.media
        cursor = page.cursor
        if not cursor:
            return found


def set(site: Site, **settings: Any) -> Site:
    return replace(site, settings=Settings.model_validate(site.settings.model_dump() | settings))


def status(url: str) -> int:
    """Give what a browser gets at an address."""
    try:
        with urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
