"""The limits within which a picture is opened, each with its unit, default and reason; declared here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

MAX_IMAGE_BYTES = 20_000_000


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


def explained() -> tuple[tuple[str, str, Any, str], ...]:
    """List every limit as (name, unit, default, reason), for the operator's page and the documentation."""
    return tuple((each.name, each.metadata["unit"], each.default, each.metadata["reason"]) for each in fields(ImageLimits))
