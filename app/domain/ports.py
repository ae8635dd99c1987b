"""What the use cases need of the outside, as types; `app.adapters` has what fulfils them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.domain.platform import Credentials


class Vault(Protocol):
    """Encryption of what must not be readable in a copy of the database."""

    def lock(self, clear: bytes) -> bytes: ...

    def open(self, locked: bytes) -> bytes: ...


class Keeper(Credentials, Protocol):
    """Credentials encrypted at rest."""

    def lock(self, credentials: Mapping[str, Any]) -> bytes:
        """Encrypt credentials for their column."""

    def open(self, locked: bytes | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. `id` stays the same when it is sent again, so that receivers can tell."""

    to: tuple[str, ...]
    subject: str
    text: str
    id: str


class Webhook(Protocol):
    """Call an outgoing web address, signed as Standard Webhooks 1.0.0 describes."""

    def __call__(self, url: str, secret: str, id: str, at: int, body: bytes, *, private_network: bool) -> None:
        """Send; `at` is UTC microseconds. Raise `PlatformUnavailable` or `PlatformRefused` unless the answer is 2xx."""
