"""Short ways to say what is done to a directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.domain.decisions import Action, Receipt
from app.domain.media import MediaRef
from integrations.folder import orders
from integrations.folder.platform import Folder
from tests.contract.sample import enforcement
from tests.integrations.folder.contract import PIXELS, site
from tests.support.surroundings import made

PLATFORM = made(Folder)


def picture(id: str = "a.png", data: bytes = PIXELS) -> MediaRef:
    return MediaRef(id, hashlib.sha256(data).hexdigest())


def do(action: Action, directory: Path, media: MediaRef | None = None) -> Receipt:
    return PLATFORM.apply(site(directory), enforcement(action, media or picture()))


def quarantined(directory: Path) -> list[str]:
    place = directory.with_name(directory.name + ".quarantine")
    return sorted(path.suffix for path in place.iterdir() if path.name != orders.FOLDER) if place.exists() else []
