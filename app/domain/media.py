"""Images as the platforms name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Context = Mapping[str, tuple[str, ...]]
"""What the platform says about an image, for exemptions and reviewers: `{"role": ("author",), "product_type": ("Swimwear",)}`."""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """One version of one image. Equal refs are the same pixels and are judged once.

    `id` is the platform's own and stays when the image is replaced; `version` changes with the bytes (a sha256, a
    generation, a CDN version). `source` says where the bytes are, in the platform's own terms. `parent` is the listing or
    post that a hide may be about. `created_at` is when it came to the platform, in UTC microseconds, 0 when unknown.
    """

    id: str
    version: str
    source: str = field(default="", compare=False)
    parent: str = field(default="", compare=False)
    context: Context = field(default_factory=dict, compare=False, hash=False)
    created_at: int = field(default=0, compare=False)


NAME_KEYS = ("title", "file", "name")
"""Where a platform may say the name that people know an image by, the best first."""


def name_of(media: MediaRef) -> str:
    """Name an image as people know it; by its id when the platform tells no name."""
    return next((values[0] for key in NAME_KEYS if (values := media.context.get(key))), media.id)


@dataclass(frozen=True, slots=True)
class Region:
    """A box in an image by fractions of its width and height, 0.0 to 1.0, from the top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a scan: the images, the cursor that continues after them ("" at the end), and the total if known.

    With `wait_seconds` the platform is still preparing the listing: go on from the cursor after that time. `shown` names the
    images of a parent that people can see there, by the parent's id, where that tells a hide from none.
    """

    media: tuple[MediaRef, ...]
    cursor: str = ""
    total: int | None = None
    wait_seconds: float = 0.0
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
