"""Browsers that somebody signed in with: their tries are counted apart, so that whoever guesses elsewhere locks nobody out.

After OWASP's “Slow Down Online Guessing Attacks with Device Cookies”. A cookie opens nothing: it names a device and its people.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets

from app.domain.errors import VaultKeyWrong
from app.domain.limits import ENTRY
from app.domain.time import DAY
from app.services.core import Core

PEOPLE = 8
"""People that one device remembers; the one who was longest away is forgotten first."""

_PURPOSE = "device"


def known(core: Core, cookie: str, person_id: int) -> str:
    """Give the name of the device that a cookie stands for, "" unless this person signed in there lately."""
    name, people = _read(core, cookie)
    return name if core.now() - people.get(str(person_id), 0) < ENTRY.known_days * DAY else ""


def remember(core: Core, cookie: str, person_id: int) -> str:
    """Give the cookie of a device at which this person has just proven themselves."""
    name, people = _read(core, cookie)
    lately = sorted({**people, str(person_id): core.now()}.items(), key=lambda item: item[1])[-PEOPLE:]
    clear = json.dumps({"is": _PURPOSE, "name": name or secrets.token_hex(8), "people": dict(lately)})
    return base64.urlsafe_b64encode(core.vault.lock(clear.encode())).decode()


def _read(core: Core, cookie: str) -> tuple[str, dict[str, int]]:
    try:
        read = json.loads(core.vault.open(base64.urlsafe_b64decode(cookie.encode())))
        if read["is"] == _PURPOSE:
            return str(read["name"]), dict(read["people"])
    except (VaultKeyWrong, binascii.Error, ValueError, KeyError, TypeError):
        pass
    return "", {}
