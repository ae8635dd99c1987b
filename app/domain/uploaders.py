"""Who put pictures at a platform: what can be said to them there, and what can be done about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.media import MediaRef


class Sanction(StrEnum):
    """What a platform can do about an uploader. SUSPEND ends by itself, BAN does not, and LIFT takes either back."""

    SUSPEND = "suspend"
    BAN = "ban"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class UploaderMessage:
    """Say something to an uploader. `id` is the idempotency key, `uploader` the platform's own name of them, `text` plain text
    of at most `MESSAGE_CHARACTERS`, and `media` the picture that it is about, if it is about one."""

    id: int
    uploader: str
    text: str
    media: MediaRef | None = None


MESSAGE_CHARACTERS = 1_500
"""The longest text for an uploader; chats take 2,000, and some of it is needed for what frames it."""


@dataclass(frozen=True, slots=True)
class SanctionOrder:
    """Order one sanction of an uploader. `id` is the idempotency key; `until`, in UTC microseconds, is when a SUSPEND ends, and
    0 for the others; `reason` is for the platform's own moderators."""

    id: int
    uploader: str
    sanction: Sanction
    until: int = 0
    reason: str = ""
