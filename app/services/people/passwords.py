"""Passwords: how long they are, how they are stored, and whether one matches."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST = 10
"""Characters at least. NIST SP 800-63B asks for 8; a few more cost a password manager nothing."""

LONGEST = 1000
"""Characters at most: more than anybody types, few enough to be hashed at once."""

TOO_SHORT, TOO_LONG = "is too short", "is too long"

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Return what is compared when there is no account, so that the time of an answer does not tell which e-mails exist."""
    return _hasher.hash(secrets.token_hex())


def problem(password: str) -> str:
    """Explain what is wrong with a new password, "" when nothing is."""
    return TOO_SHORT if len(password) < SHORTEST else TOO_LONG if len(password) > LONGEST else ""


def store(password: str) -> str:
    """Make what is stored of a password (argon2id, with its parameters and salt)."""
    return _hasher.hash(password)


def match(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; it takes as long when there is none."""
    try:
        return _hasher.verify(stored or _nobody(), password[:LONGEST]) and bool(stored)
    except (Argon2Error, InvalidHashError):
        return False
