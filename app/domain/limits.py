"""What one picture, and one stranger at the door, may cost: each limit with its unit, default and reason."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import Field

MAX_IMAGE_BYTES = 20_000_000

LARGEST_ID = 2**63 - 1
"""The largest number that both databases hold: what is larger names nothing."""

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
"""A row's number that somebody sent."""


def _limit(default: Any, unit: str, reason: str) -> Any:
    return field(default=default, metadata={"unit": unit, "reason": reason})


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one picture may cost at most. Anything beyond becomes a review, never an allow."""

    max_image_bytes: int = _limit(
        MAX_IMAGE_BYTES, "bytes", "Phones' photos have 2 to 15 MB; the platforms refuse or shrink most that are larger."
    )
    max_pixels: int = _limit(
        50_000_000, "pixels", "The largest common photo is a phone's of 48 megapixels; a 1 MB file can claim 2,500."
    )
    max_decode_bytes: int = _limit(
        512_000_000, "bytes", "A decoder's memory at its peak: WebP needs 15 bytes for each pixel, a JPEG almost none."
    )
    max_metadata_bytes: int = _limit(
        1_000_000,
        "bytes of JPEG segments or GIF comments",
        "Pillow's time to open a JPEG grows with the square of its metadata: 20 MB take 3 s. What is over is cut out.",
    )
    max_parts: int = _limit(
        100_000, "segments, chunks or blocks", "Each costs Pillow a step in Python; a GIF of 20 MB has 80,000 blocks."
    )
    max_scans: int = _limit(
        100, "scans of a progressive JPEG", "A few bytes can make the decoder walk all pixels again; encoders use about 10."
    )
    max_frames: int = _limit(
        32, "frames looked at", "Each costs a run of the model, about 35 ms; an animation with more goes to review."
    )
    max_looks: int = _limit(
        96, "looks at all frames", "A frame is seen on white, black and grey, with and without its profile; each look is a run."
    )
    max_frames_decoded: int = _limit(
        1_000, "frames decoded", "Frames that look like the one before are not looked at again, but each costs 1 ms or more."
    )
    max_frame_pixels: int = _limit(
        100_000_000, "pixels of all decoded frames", "About 100 frames of 1000 x 1000, which take 2 s to decode."
    )
    max_seconds: float = _limit(
        10.0, "seconds", "Checked between the stages and frames, so that a slow file cannot hold a worker for minutes."
    )


@dataclass(frozen=True, slots=True)
class EntryLimits:
    """What strangers may cost at sign-in, and how soon a password is asked for again. Pauses slow guessing; nothing locks out."""

    hashes_at_once: int = _limit(
        2, "passwords hashed at a time in a process", "Each takes 64 MiB and a core for 50 ms (argon2id): 128 MiB at most."
    )
    hashes_waiting: int = _limit(
        16, "requests that wait for that", "A quarter of a web process's threads: the rest stay free for webhooks and pages."
    )
    hash_wait_seconds: float = _limit(
        5.0, "seconds that they wait", "People wait so long; then the page says 503 and when to retry."
    )
    account_tries: int = _limit(
        5, "wrong passwords of one account from one network or device", "More than typing needs, before the first pause."
    )
    address_tries: int = _limit(
        10, "wrong passwords from one address (IPv4, or IPv6 /64)", "A household behind one address, each mistyping a few times."
    )
    network_tries: int = _limit(
        50, "wrong passwords from one network (IPv4 /24, IPv6 /48)", "Whoever holds one such network tries from all of it."
    )
    everywhere_tries: int = _limit(
        20, "wrong passwords of one account from all places that it does not know", "What many machines may guess together."
    )
    first_pause_seconds: float = _limit(2.0, "seconds; each further try doubles it", "Typing takes longer; a program notices.")
    longest_pause_seconds: float = _limit(900.0, "seconds between tries at most", "Then an address has some 100 tries a day.")
    everywhere_pause_seconds: float = _limit(
        30.0, "seconds between tries from places that an account does not know", "Short: its person may be at a new place, too."
    )
    recovery_minutes: int = _limit(
        15, "minutes after which one wrong password is forgotten", "An evening clears what a day mistyped."
    )
    known_days: int = _limit(90, "days that a device or a network stays known", "A quarter: longer than a holiday.")
    session_days: int = _limit(
        14, "days that a sign-in lasts at most", "Half of the 30 that NIST SP 800-63B allows where a password is all there is."
    )
    proof_minutes: int = _limit(
        15, "minutes for which a typed password holds", "Several changes in a row ask once; a browser left alone opens nothing."
    )


ENTRY = EntryLimits()

FORM_BYTES = 100_000
"""Bytes that a form may have beside a picture: its context is some ten lines."""


def explained(limits: type[ImageLimits | EntryLimits]) -> tuple[tuple[str, str, Any, str], ...]:
    """List every limit as (name, unit, default, reason), for the operator's page and the documentation."""
    return tuple((each.name, each.metadata["unit"], each.default, each.metadata["reason"]) for each in fields(limits))
