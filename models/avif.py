"""What an AVIF says its colours are: in its boxes, and in the headers of its AV1 pictures, which count where no box does.

Sources: ISO/IEC 14496-12 (iloc, stco), ISO/IEC 23008-12 (colr), the AV1 bitstream specification, section 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

Code = tuple[int, int]
"""H.273's numbers of primaries and transfer."""

_MOST = 1_000
"""Pictures in one file; the largest common photo is put together of 48 tiles."""

_INSIDE = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"meta": 4}
"""Boxes on the way to where pictures are, and the bytes before what is in them."""

_HEADER, _DELIMITER = 1, 2


def boxes_say(data: bytes) -> set[Code]:
    """Collect what everything says that looks like a colour box of the kind nclx, also where no reader looks for one."""
    said: set[Code] = set()
    at = data.find(b"colrnclx")
    while 0 <= at <= len(data) - 12 and len(said) < 3:
        said.add(unpack_from(">HH", data, at + 8))
        at = data.find(b"colrnclx", at + 8)
    return said


def pictures_say(data: bytes) -> set[Code]:
    """Collect what the headers of all pictures in the file say. Raise `ValueError` or `struct.error` for what cannot be read."""
    starts = set(_starts(data, 0, len(data)))
    if len(starts) > _MOST:
        raise ValueError("there are too many pictures")
    headers = {header for start in starts if (header := _header(data, start))}
    if not headers:
        raise ValueError("no picture has a header")
    return {code for header in headers if (code := _colours(_Bits(header))) is not None}


def _starts(data: bytes, at: int, end: int) -> Iterator[int]:
    """Say where the pictures begin: the items of a still one, the first frame of each track."""
    while at + 8 <= end:
        size, kind = unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = unpack_from(">Q", data, body)
            body += 8
        stop = min(at + size, end) if size else end
        if stop < body:
            raise ValueError("a box is smaller than its head")
        if kind in _INSIDE:
            yield from _starts(data, body + _INSIDE[kind], stop)
        elif kind == b"iloc":
            yield from _items(data, body)
        elif kind in (b"stco", b"co64") and unpack_from(">I", data, body + 4)[0]:
            yield unpack_from(">I" if kind == b"stco" else ">Q", data, body + 8)[0]
        at = stop


def _items(data: bytes, at: int) -> Iterator[int]:
    version, sizes = data[at], data[at + 4 : at + 6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    wide = 4 if version == 2 else 2
    count = _number(data, at + 6, wide)
    if count > _MOST:
        raise ValueError("there are too many items")
    at += 6 + wide
    for _ in range(count):
        at += wide
        inside = version and data[at + 1] & 15
        at += (2 if version else 0) + 2
        base, extents = _number(data, at, base_size), _number(data, at + base_size, 2)
        at += base_size + 2
        if extents and not inside:
            yield base + _number(data, at + index_size, offset_size)
        at += extents * (index_size + offset_size + length_size)


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise ValueError("a box ends early")
    return int.from_bytes(data[at : at + size], "big")


def _header(data: bytes, at: int) -> bytes:
    """Find the sequence header with which a picture begins; b"" for an item that is no picture."""
    while at + 2 <= len(data):
        kind, at = data[at] >> 3 & 15, at + (2 if data[at] & 4 else 1)
        size = shift = 0
        while True:
            if at >= len(data) or shift > 28:
                return b""
            size |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 128:
                break
        if kind == _HEADER:
            return data[at : at + size]
        if kind != _DELIMITER:
            return b""
        at += size
    return b""


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
