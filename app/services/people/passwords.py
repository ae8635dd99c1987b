"""Passwords: which ones are taken, how they are stored, whether one matches, and how many are hashed at a time."""

from __future__ import annotations

import gzip
import re
import secrets
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from math import ceil
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from app.domain.errors import TooBusy
from app.domain.limits import ENTRY, EntryLimits

SHORTEST = 10
"""Characters at least. NIST SP 800-63B asks for 8; a few more cost a password manager nothing."""

LONGEST = 1000
"""Characters at most: more than anybody types, few enough to be hashed at once."""

COMMON = Path(__file__).with_name("common_passwords.txt.gz")

TOO_SHORT, TOO_LONG = "is too short", "is too long"
TOO_COMMON = "is one of the first that guessers try: choose another"
TOO_NEAR = "is your own name, your e-mail or this program's name: choose another"

ATTACHED = 6
"""Digits and signs before or after a common word that do not make it uncommon: password2026!"""

FEWEST_DIFFERENT = 4
"""Different characters at least: aaaaaaaaaaaa and 1212121212 stand for all of their kind."""


class Gate:
    """Let a few passwords be hashed at a time, a few more wait for it, and nobody wait for long."""

    def __init__(self, limits: EntryLimits) -> None:
        self._limits = limits
        self._free = threading.BoundedSemaphore(limits.hashes_at_once)
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a turn, and hold it within the block. Raise `TooBusy` when the queue is full or the wait is over."""
        limits = self._limits
        with self._lock:
            if self._inside >= limits.hashes_at_once + limits.hashes_waiting:
                raise self._busy()
            self._inside += 1
        try:
            if not self._free.acquire(timeout=limits.hash_wait_seconds):
                raise self._busy()
            try:
                yield
            finally:
                self._free.release()
        finally:
            with self._lock:
                self._inside -= 1

    def _busy(self) -> TooBusy:
        return TooBusy("Many people are signing in at this moment.", ceil(self._limits.hash_wait_seconds))


_hasher = PasswordHasher()
_turn = Gate(ENTRY)


@cache
def _nobody() -> str:
    """Return what is compared when there is no account, so that the time of an answer does not tell which e-mails exist."""
    return _hasher.hash(secrets.token_hex())


@cache
def common() -> frozenset[str]:
    """Read the passwords that are tried first, in lower case; the file's head says where they come from, and their licences."""
    with gzip.open(COMMON, "rt", encoding="utf-8") as lines:
        return frozenset(line.rstrip("\n") for line in lines if not line.startswith("# "))


def problem(password: str, about: Collection[str] = ()) -> str:
    """Explain what is wrong with a new password, "" when nothing is; `about` is what is known of its person.

    NIST SP 800-63B has it compared with what is commonly used, with repetitions, and with the names around it.
    """
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    folded = password.casefold()
    word = re.sub(r"^[\W\d_]*|[\W\d_]*$", "", folded)
    bare = len(folded) - len(word) <= ATTACHED
    near = {part.casefold() for name in (*about, "picward") for part in (name, name.partition("@")[0], *name.split())}
    if folded in near or (bare and word in near):
        return TOO_NEAR
    if len(set(folded)) < FEWEST_DIFFERENT or folded in common() or (bare and word in common()):
        return TOO_COMMON
    return ""


def store(password: str) -> str:
    """Make what is stored of a password (argon2id, with its parameters and salt). Raise `TooBusy`."""
    with _turn():
        return _hasher.hash(password)


def match(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; it takes as long when there is none. Raise `TooBusy`."""
    with _turn():
        try:
            return _hasher.verify(stored or _nobody(), password[:LONGEST]) and bool(stored)
        except (Argon2Error, InvalidHashError):
            return False
