"""What an AVIF says its colours are: in its boxes, and in the headers of its AV1 pictures, which count where no box does.

Sources: ISO/IEC 14496-12 (iinf, iloc, stco), ISO/IEC 23008-12 (colr), the AV1 bitstream specification, sections 4.10.5, 5.3, 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

Code = tuple[int, int]
"""H.273's numbers of primaries and transfer."""

_MOST = 1_000
"""Pictures in one file; the largest common photo is put together of 48 tiles."""

_DEPTH = 8
"""Boxes inside each other; the way to a track's frames has five."""

_UNITS = 16
"""Units at the beginning of a picture, its header among them. The standard has two, and readers skip all others."""

_HEADER_BYTES = 512
"""Read of a header; one with all 32 operating points has less than 400."""

_INSIDE = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"meta": 4}
"""Boxes on the way to where pictures are, and the bytes before what is in them."""

_HEADER = 1


def boxes_say(data: bytes) -> set[Code]:
    """Collect what everything says that looks like a colour box of the kind nclx, also where no reader looks for one."""
    said: set[Code] = set()
    at = data.find(b"colrnclx")
    while 0 <= at <= len(data) - 12 and len(said) < 3:
        said.add(unpack_from(">HH", data, at + 8))
        at = data.find(b"colrnclx", at + 8)
    return said


def pictures_say(data: bytes) -> set[Code]:
    """Collect what the headers of all pictures in the file say. Raise `ValueError` or `struct.error` for what cannot be read.

    A picture whose header is not where it should be counts as that: a reader may find it all the same.
    """
    pictures: set[int] = set()
    places: list[tuple[int, int]] = []
    starts: set[int] = set()
    for kind, at in _boxes(data, 0, len(data)):
        if kind == b"infe" and (item := _picture(data, at)) is not None:
            pictures.add(item)
        elif kind == b"iloc":
            places += _items(data, at)
        elif kind in (b"stco", b"co64") and _number(data, at + 4, 4):
            starts.add(_number(data, at + 8, 4 if kind == b"stco" else 8))
        if len(places) > _MOST or len(starts) > _MOST:
            raise ValueError("there are too many pictures")
    starts |= {start for item, start in places if item in pictures}
    if not starts:
        raise ValueError("there is no picture")
    headers = {_header(data, start) for start in starts}
    return {code for header in headers if (code := _colours(_Bits(header))) is not None}


def _boxes(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int]]:
    """Walk the boxes on the way to pictures, and those in them: the kind, and where what it holds begins."""
    if depth > _DEPTH:
        raise ValueError("there are too many boxes inside each other")
    while at + 8 <= end:
        size, kind = unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            size = _number(data, body, 8)
            body += 8
        stop = min(at + size, end) if size else end
        if stop < body:
            raise ValueError("a box is smaller than its head")
        yield kind, body
        inside = (8 if _number(data, body, 1) else 6) if kind == b"iinf" else _INSIDE.get(kind)
        if inside is not None:
            yield from _boxes(data, body + inside, stop, depth + 1)
        at = stop


def _picture(data: bytes, at: int) -> int | None:
    """Read an item's number where it is an AV1 picture; Exif and what is put together of others are none."""
    version = _number(data, at, 1)
    wide = 4 if version == 3 else 2
    item, kind = _number(data, at + 4, wide), data[at + 6 + wide : at + 10 + wide]
    return item if version >= 2 and kind == b"av01" else None


def _items(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Say where items begin; beyond the file for one that is in pieces or in another box."""
    version, sizes = _number(data, at, 1), _number(data, at + 4, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    count = _number(data, at + 6, wide)
    if count > _MOST:
        raise ValueError("there are too many items")
    at += 6 + wide
    for _ in range(count):
        item = _number(data, at, wide)
        at += wide
        elsewhere = _number(data, at, 2) & 15 if version else 0
        at += 4 if version else 2
        base, extents = _number(data, at, base_size), _number(data, at + base_size, 2)
        at += base_size + 2
        if extents:
            start = base + _number(data, at + index_size, offset_size)
            yield item, start if extents == 1 and not elsewhere else len(data)
        at += extents * (index_size + offset_size + length_size)


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise ValueError("a box ends early")
    return int.from_bytes(data[at : at + size], "big")


def _header(data: bytes, at: int) -> bytes:
    """Find the sequence header of a picture. Raise `ValueError` for one that is not among the first units."""
    for _ in range(_UNITS):
        first = _number(data, at, 1)
        at += 2 if first & 4 else 1
        size = len(data) - at
        if first & 2:
            size, at = _leb128(data, at)
        if first >> 3 & 15 == _HEADER:
            return data[at : at + min(size, _HEADER_BYTES)]
        at += size
    raise ValueError("a picture has no header")


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of up to 8 bytes, and say where it ends."""
    value = 0
    for place in range(8):
        byte = _number(data, at + place, 1)
        value |= (byte & 127) << 7 * place
        if not byte & 128:
            return value, at + place + 1
    raise ValueError("a size does not end")


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def __call__(self, count: int) -> int:
        if count > self._left:
            raise ValueError("a header ends early")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1


def _colours(bits: _Bits) -> Code | None:
    """Read a sequence header up to its colour description; None where it has none."""
    profile = bits(3)
    bits(1)
    reduced = bits(1)
    if reduced:
        bits(5)
    else:
        _timing(bits)
    wide, high = bits(4) + 1, bits(4) + 1
    bits(wide), bits(high)
    if not reduced and bits(1):
        bits(7)
    bits(3)
    if not reduced:
        _tools(bits)
    bits(3)
    deep = bits(1)
    if profile == 2 and deep:
        bits(1)
    if profile != 1:
        bits(1)
    return (bits(8), bits(8)) if bits(1) else None


def _timing(bits: _Bits) -> None:
    model = delay = 0
    if bits(1):
        bits(64)
        if bits(1):
            zeros = 0
            while not bits(1):
                zeros += 1
            bits(zeros if zeros < 32 else 0)
        model = bits(1)
        if model:
            delay = bits(5) + 1
            bits(42)
    shown = bits(1)
    for _ in range(bits(5) + 1):
        bits(12)
        if bits(5) > 7:
            bits(1)
        if model and bits(1):
            bits(2 * delay + 1)
        if shown and bits(1):
            bits(4)


def _tools(bits: _Bits) -> None:
    bits(4)
    ordered = bits(1)
    if ordered:
        bits(2)
    if bits(1) or bits(1):
        bits(0 if bits(1) else 1)
    if ordered:
        bits(3)
