"""The frames of GIF and PNG animations as a browser puts them together.

Pillow reads single pictures well, and its animations differ from a browser's where people have something to hide: it fills
what a GIF clears with the file's background colour, and halves what is half transparent in a PNG. So each frame is cut out
as a file of its own, which Pillow decodes, and is laid on the canvas here. Sources: GIF89a (CompuServe, 1990) section 23;
PNG (W3C, third edition) section 13.2.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from struct import pack, unpack, unpack_from

from PIL import Image

Box = tuple[int, int, int, int]
_CLEAR, _RESTORE = 2, 3


@dataclass(frozen=True, slots=True)
class Patch:
    """Hold one frame: where it lies, what becomes of its place after it (2 cleared, 3 as before), and how to decode it."""

    box: Box
    disposal: int
    replaces: bool
    file: Callable[[], bytes]


def frames(
    patches: Iterator[Patch], form: str, size: tuple[int, int], plain: Callable[[Image.Image], Image.Image]
) -> Iterator[Image.Image]:
    """Compose frame after frame on one canvas, which the caller must not keep. `plain` makes a decoded frame RGBA."""
    canvas = Image.new("RGBA", size)
    for patch in patches:
        x, y, right, bottom = patch.box
        width, height = right - x, bottom - y
        if width * height > size[0] * size[1]:
            raise ValueError("a frame is larger than the picture")
        with Image.open(BytesIO(patch.file()), formats=(form,)) as opened:
            drawn = plain(opened)
        if drawn.size != (width, height):
            raise ValueError("a frame has another size than it says")
        before = canvas.crop(patch.box) if patch.disposal == _RESTORE else None
        if patch.replaces:
            canvas.paste(drawn, (x, y))
        elif x < size[0] and y < size[1]:
            canvas.alpha_composite(drawn.crop((0, 0, min(width, size[0] - x), min(height, size[1] - y))), (x, y))
        yield canvas
        if before is not None:
            canvas.paste(before, (x, y))
        elif patch.disposal == _CLEAR:
            canvas.paste((0, 0, 0, 0), patch.box)


def gif_patches(data: bytes) -> Iterator[Patch]:
    """Cut a GIF into its frames. A file that ends early gives what it has, the last one perhaps undecodable."""
    flags = data[10] if len(data) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    table, bits = data[13:at], flags & 7
    control = b"\0\0\0\0"
    while at < len(data) and data[at] != 0x3B:
        start = at
        if data[start] not in (0x2C, 0x21):
            at += 1
            continue
        if data[start] == 0x21:
            at = _after_blocks(data, start + 2)
            if data[start + 1 : start + 3] == b"\xf9\x04":
                control = data[start + 3 : start + 7]
            continue
        if start + 10 > len(data):
            return
        x, y, width, height, own = unpack_from("<HHHHB", data, start + 1)
        pixels = start + 10 + (3 << (own & 7) + 1 if own & 0x80 else 0)
        at = _after_blocks(data, pixels + 1)
        colours, size = (data[start + 10 : pixels], own & 7) if own & 0x80 else (table, bits)
        yield Patch(
            (x, y, x + width, y + height),
            control[0] >> 2 & 7,
            False,
            _gif(width, height, colours, size, control if control[0] & 1 else b"", own & 0x40, data[pixels:at]),
        )
        control = b"\0\0\0\0"


def _gif(width: int, height: int, colours: bytes, bits: int, control: bytes, laced: int, pixels: bytes) -> Callable[[], bytes]:
    def file() -> bytes:
        screen = pack("<6sHHBBB", b"GIF89a", width, height, (0x80 | bits) if colours else 0, 0, 0)
        seen = b"\x21\xf9\x04\x01\0\0" + control[3:4] + b"\0" if control else b""
        return screen + colours + seen + pack("<cHHHHB", b",", 0, 0, width, height, laced) + pixels + b";"

    return file


def _after_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1


def png_patches(data: bytes) -> Iterator[Patch]:
    """Cut an animated PNG into its frames, the default picture first when it is none of them."""
    (header,) = unpack("13s", data[16:29])
    shared, parts, control = b"", [], b""
    at = 8
    while at + 8 <= len(data):
        size, kind = unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind in (b"PLTE", b"tRNS"):
            shared += _chunk(kind, body)
        elif kind == b"IDAT":
            parts.append(body)
        elif kind == b"fdAT":
            parts.append(body[4:])
        elif kind in (b"fcTL", b"IEND"):
            if parts:
                yield _png(header, shared, control, parts)
                parts = []
            if kind == b"IEND":
                return
            control = body if len(body) == 26 else b""
        at += 12 + size
    if parts:
        yield _png(header, shared, control, parts)


def _png(header: bytes, shared: bytes, control: bytes, parts: list[bytes]) -> Patch:
    width, height = unpack_from(">II", header)
    x = y = blend = 0
    # What is no frame is shown alone, where animations are not known.
    disposal = 1
    if control:
        width, height, x, y, _, _, disposal, blend = unpack(">4xIIIIHHBB", control)
    pixels = list(parts)

    def file() -> bytes:
        chunks = [_chunk(b"IHDR", pack(">II", width, height) + header[8:]), shared]
        return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, *(_chunk(b"IDAT", part) for part in pixels), _chunk(b"IEND", b"")])

    return Patch((x, y, x + width, y + height), disposal + 1 if disposal else 0, blend == 0, file)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))
