"""Walks over the outside of JPEG, PNG and GIF files, to bound what Pillow would do one Python step at a time.

A decoder in C is fast and bounded by pixels. Pillow's own parsers are neither: a 20 MB file of tiny segments, or of
metadata that is appended to itself, holds a thread for seconds before the first pixel. These walks are linear, stop early,
and cut metadata out, since a picture is worth judging without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import unpack_from

from app.domain.errors import MediaUnreadable
from app.domain.limits import ImageLimits

_MAX_JUNK = 65_536
"""Bytes between JPEG segments; real files have none, and Pillow skips them one at a time."""

_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Any marker inside a scan's data, where 0xFF is otherwise followed by a stuffed 0 or is a restart."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A file that is safe to hand to Pillow, and how many frames its outside shows (0: not counted)."""

    data: bytes
    frames: int = 0


def sniff(data: bytes) -> str:
    """Name the format that the first bytes declare, in Pillow's words, or "" when it is none that we read."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"BM"):
        return "BMP"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(int.from_bytes(data[:4], "big"), 128), 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
            return "HEIF"
    return ""


def shell_of(data: bytes, form: str, limits: ImageLimits) -> Shell:
    """Bound and trim a file's outside. Raise `MediaUnreadable` when it has more parts than any real picture."""
    if form == "JPEG":
        return _jpeg(data, limits)
    if form == "PNG":
        return _png(data, limits)
    if form == "GIF":
        return _gif(data, limits)
    if form == "BMP":
        return Shell(_bmp(data))
    return Shell(data)


def _jpeg(data: bytes, limits: ImageLimits) -> Shell:
    at, parts, junk, metadata, profile = 2, 0, 0, 0, 0
    kept: list[tuple[int, int]] = []
    first_exif, progressive = True, False
    while True:
        marker = data.find(b"\xff", at)
        if marker < 0:
            raise MediaUnreadable("The JPEG file ends before its picture begins.")
        junk += marker - at
        code_at = marker + 1
        while data[code_at : code_at + 1] == b"\xff":
            code_at += 1
            junk += 1
            if junk > _MAX_JUNK:
                break
        parts += 1
        if junk > _MAX_JUNK or parts > limits.max_parts:
            raise MediaUnreadable("The JPEG file's header is not like any real picture's: it has too many parts.")
        code = data[code_at] if code_at < len(data) else 0xD9
        if code == 0xD9:
            raise MediaUnreadable("The JPEG file ends before its picture begins.")
        if code <= 0x01 or 0xD0 <= code <= 0xD8:
            at = code_at + 1
            continue
        end = code_at + 1 + int.from_bytes(data[code_at + 1 : code_at + 3], "big")
        if code == 0xDA:
            kept.append((marker, len(data)))
            break
        # APP14 stays: it says how the colours are stored; so does a profile.
        droppable = (0xE1 <= code <= 0xEF and code != 0xEE) or code == 0xFE
        if droppable:
            metadata += end - marker
            if code == 0xE1 and first_exif and data.startswith(b"Exif\0", code_at + 3):
                # It has the orientation.
                first_exif, droppable = False, False
            if code == 0xE2 and data.startswith(b"ICC_PROFILE\0", code_at + 3):
                # Browsers show the colours that it says. Pillow's time for it is the square of its size.
                profile += end - marker
                droppable = False
                if profile > limits.max_metadata_bytes:
                    raise MediaUnreadable("The JPEG file's colour profile is larger than any real one.")
        if not droppable:
            kept.append((code_at - 1, end))
        progressive |= code in (0xC2, 0xC6, 0xCA, 0xCE)
        at = end
    if progressive:
        _count_scans(data, kept[-1][0], limits)
    if metadata <= limits.max_metadata_bytes and not junk:
        return Shell(data)
    return Shell(b"\xff\xd8" + b"".join(data[start:end] for start, end in kept))


def _count_scans(data: bytes, at: int, limits: ImageLimits) -> None:
    scans = 0
    while True:
        found = _JPEG_MARKER.search(data, at)
        if found is None or found[0] == b"\xff\xd9":
            return
        scans += found[0] == b"\xff\xda"
        if scans > limits.max_scans:
            raise MediaUnreadable(f"The JPEG file draws its picture in more than {limits.max_scans} passes.")
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def _png(data: bytes, limits: ImageLimits) -> Shell:
    at, parts, frames = 8, 0, 0
    while at + 8 <= len(data):
        size, kind = unpack_from(">I4s", data, at)
        parts += 1
        if parts > limits.max_parts:
            raise MediaUnreadable(f"The PNG file has more than {limits.max_parts:,} parts.")
        frames += kind == b"fcTL"
        if kind == b"IEND":
            break
        at += 12 + size
    return Shell(data, frames)


def _bmp(data: bytes) -> bytes:
    """Say that masks count where browsers follow an alpha mask that the header gives without saying so."""
    if len(data) >= 70 and data[14] >= 56 and data[28] == 32 and not any(data[30:34]) and any(data[66:70]):
        return data[:30] + b"\3\0\0\0" + data[34:]
    return data


def _gif(data: bytes, limits: ImageLimits) -> Shell:
    """Cut comments out when they are over the limit, and count the frames. A file that ends early is left to Pillow."""
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    parts, frames, comments = 0, 0, 0
    kept, kept_from = [], 0
    while at < len(data) and data[at] != 0x3B:
        start, kind = at, data[at]
        if kind == 0x2C:
            frames += 1
            flags = data[at + 9] if at + 9 < len(data) else 0
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        elif kind == 0x21:
            at += 2
        while at < len(data) and data[at] and kind in (0x2C, 0x21) and parts <= limits.max_parts:
            at += data[at] + 1
            parts += 1
        at += 1
        parts += 1
        if parts > limits.max_parts:
            raise MediaUnreadable(f"The GIF file has more than {limits.max_parts:,} parts.")
        if kind == 0x21 and data[start + 1 : start + 2] == b"\xfe":
            comments += at - start
            kept.append((kept_from, start))
            kept_from = at
    if comments <= limits.max_metadata_bytes:
        return Shell(data, frames)
    return Shell(b"".join(data[a:b] for a, b in [*kept, (kept_from, len(data))]), frames)
