"""What a shop holds: products, their media and variants, and metafields. 30,000 images fit because an image is a few slots."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO, Any

from PIL import Image


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(1_024)
def looked_at(data: bytes) -> tuple[str, int, int]:
    """Give the format ("JPEG"), width and height of an image's bytes."""
    with Image.open(io.BytesIO(data)) as image:
        return image.format or "", image.width, image.height


def picture(number: int, width: int = 320, height: int = 240) -> bytes:
    """Make a small JPEG that differs from others by its number."""
    made = io.BytesIO()
    colour = (number * 37 % 256, number * 101 % 256, number * 17 % 256)
    image = Image.new("RGB", (width, height), colour)
    image.paste((255 - colour[0], colour[2], colour[1]), (number % 7 * 8, 8, width // 2, height // 2))
    image.save(made, "JPEG", quality=80)
    return made.getvalue()


@dataclass(slots=True, eq=False)
class Media:
    """Be one image of the shop's files; products and variants refer to it."""

    number: int
    name: str
    data: bytes
    version: str
    address: str
    created: int
    updated: int
    alt: str = ""
    status: str = "READY"
    unready_reads: int = 0

    @property
    def gid(self) -> str:
        return gid("MediaImage", self.number)

    @property
    def id(self) -> int:
        return self.number

    @property
    def ready(self) -> bool:
        return self.status == "READY"

    @property
    def mime(self) -> str:
        return "image/" + looked_at(self.data)[0].lower()

    @property
    def size(self) -> tuple[int, int]:
        return looked_at(self.data)[1:]

    @property
    def url(self) -> str:
        return f"{self.address}/{self.name}?v={self.version}"


@dataclass(slots=True, eq=False)
class Variant:
    number: int
    title: str
    product: Product = field(repr=False)
    media: list[Media] = field(default_factory=list)
    stock: int = 10

    @property
    def gid(self) -> str:
        return gid("ProductVariant", self.number)


@dataclass(slots=True, eq=False)
class Metafield:
    number: int
    owner: Product = field(repr=False)
    namespace: str
    key: str
    type: str
    value: str
    created: int
    updated: int

    @property
    def gid(self) -> str:
        return gid("Metafield", self.number)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(slots=True, eq=False)
class Product:
    number: int
    title: str
    handle: str
    status: str
    created: int
    updated: int
    tags: list[str] = field(default_factory=list)
    product_type: str = ""
    vendor: str = ""
    media: list[Media] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    publications: dict[str, str] = field(default_factory=dict)
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)

    @property
    def gid(self) -> str:
        return gid("Product", self.number)

    @property
    def id(self) -> int:
        return self.number


@dataclass(slots=True, eq=False)
class Subscription:
    """Be a webhook that an app asked one shop for."""

    number: int
    topic: str
    uri: str
    fields: list[str]

    @property
    def gid(self) -> str:
        return gid("WebhookSubscription", self.number)


@dataclass(eq=False)
class BulkOperation:
    """Be one bulk query; `asker` is the request that began it, with its scopes and version."""

    number: int
    query: str
    asker: Any = field(repr=False)
    created: int
    grouped: bool = False
    status: str = "CREATED"
    error: str = ""
    completed: int = 0
    objects: int = 0
    roots: int = 0
    size: int = 0
    url: str = ""
    partial_url: str = ""
    reads: int = 0
    file: IO[bytes] | None = None

    @property
    def gid(self) -> str:
        return gid("BulkOperation", self.number)


@dataclass(slots=True)
class Request:
    """Be one request that the API answered, for whoever counts them."""

    operation: str
    requested: int
    actual: int
    status: int
    variables: dict[str, Any]
    errors: tuple[str, ...] = ()
