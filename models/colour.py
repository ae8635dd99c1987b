"""What a picture's stored numbers mean as colours: ICC profiles, and what PNG, AVIF, HEIC and BMP say without one.

The rules are Chromium's, and tests/e2e/test_looks.py holds them against a real one: in a PNG cICP wins over iCCP, that over
sRGB, that over gAMA; what stands after the pixels, or has a wrong checksum, does not count; cHRM counts only with gAMA; a
profile for another kind of picture is as none. Sources: PNG (W3C, third edition) section 11.3.2, ICC.1:2022, ITU-T H.273.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from struct import error as StructError
from struct import pack, unpack_from
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from models import avif

_MILD_GREY, _MILD = 24, 64
"""Levels of 256 by which a mild profile moves a grey, and any colour in the mean of its channels. Display P3 moves greys by 0
and colours by 54, Adobe RGB by 9 and 58, gamma 1.8 by 19. A mild one may be applied to the picture made small, and hides
nothing from who reads the file without it."""

_NOTHING = 3
"""Levels of 256 below which a profile is sRGB."""

_MOST_PROFILE = 4_000_000
"""Bytes of a profile; large printers' ones have 2 to 3 MB."""

_LUT_TAGS = (b"A2B0", b"A2B1")
"""A profile's tables, in the order in which Chromium looks for them; they win over matrix and curves."""

_PLAIN_TRANSFERS = frozenset({0, 1, 2, 3, 6, 13, 14, 15})
"""H.273's transfer characteristics that browsers show as sRGB."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}

_BT709 = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES = {
    0: _BT709,
    1: _BT709,
    2: _BT709,
    5: (0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (0.3127, 0.3290, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (0.3127, 0.3290, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""White, red, green and blue by H.273's number; the others are of film and cinema, and go to a person."""

_SPACES = {"RGB": (b"RGB ",), "L": (b"GRAY", b"RGB "), "CMYK": (b"CMYK",)}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Say how a file wants its numbers read: an ICC profile, b"" for sRGB; `strange` says in words what we cannot follow."""

    profile: bytes = b""
    strange: str = ""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Hold a profile made ready for pictures of one mode. `nothing` says that it is sRGB, `strange` what we cannot follow."""

    transform: Any
    mild: bool = True
    nothing: bool = False
    strange: str = ""

    def apply(self, image: Image.Image) -> Image.Image:
        """Give an RGB or RGBA picture in sRGB."""
        if self.nothing:
            return image.convert("RGBA" if image.mode in ("RGBA", "LA") else "RGB")
        alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
        plain = image.convert(self.transform.input_mode)
        shown: Image.Image = ImageCms.applyTransform(plain, self.transform)  # type: ignore[assignment]
        if alpha is not None:
            shown.putalpha(alpha)
        return shown


def meaning_of(data: bytes, form: str, opened: Image.Image) -> Meaning:
    """Find how a browser would read the colours of a file that Pillow has opened. Raise nothing for what is in it."""
    try:
        if form == "PNG":
            return _of_png(data, opened)
        if form == "GIF":
            return Meaning()
        if form == "BMP":
            return _of_bmp(data)
        if profile := opened.info.get("icc_profile"):
            return _usable(profile, opened.mode) or Meaning()
        if form == "HEIF":
            said = opened.info.get("nclx_profile") or {}
            return _of_code(said.get("color_primaries", 2), said.get("transfer_characteristics", 2))
        if form == "AVIF":
            return _of_avif(data)
    except (StructError, LookupError, ValueError, TypeError, AttributeError, zlib.error):
        return Meaning(strange=_UNREADABLE)
    return Meaning()


_UNREADABLE = "The picture's colour profile cannot be read as a browser reads it, so people may see other colours."
_TWO_WAYS = "The picture's colour profile can be read in two ways that look different."


def _family(mode: str) -> str:
    """Name the kind of profile that fits a mode."""
    return "CMYK" if mode == "CMYK" else "L" if mode in ("1", "L", "LA", "La") or mode.startswith("I;16") else "RGB"


def _usable(profile: bytes, mode: str) -> Meaning | None:
    """Take a profile that browsers would use; None for one that they ignore."""
    if len(profile) < 132 or profile[36:40] != b"acsp" or profile[16:20] not in _SPACES[_family(mode)]:
        return None
    if len(profile) > _MOST_PROFILE:
        return Meaning(strange=_UNREADABLE)
    cicp = next((body for name, body in _tags(profile) if name == b"cicp"), b"")
    if len(cicp) >= 12 and cicp[9] not in _PLAIN_TRANSFERS:
        return Meaning(profile, _UNREADABLE)
    return Meaning(profile)


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    for place in range(min(unpack_from(">I", profile, 128)[0], 100)):
        name, at, size = unpack_from(">4sII", profile, 132 + 12 * place)
        yield name, profile[at : at + size]


def _of_png(data: bytes, opened: Image.Image) -> Meaning:
    """Read the chunks before the pixels, each kind's first that is whole."""
    found: dict[bytes, bytes] = {}
    at = 8
    while at + 12 <= len(data):
        size, kind = unpack_from(">I4s", data, at)
        if kind in (b"IDAT", b"IEND"):
            break
        if kind in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM") and kind not in found:
            body = data[at + 8 : at + 8 + size]
            if data[at + 8 + size : at + 12 + size] == pack(">I", zlib.crc32(kind + body)):
                found[kind] = body
        at += 12 + size
    if len(code := found.get(b"cICP", b"")) == 4:
        return _of_code(code[0], code[1])
    if packed := found.get(b"iCCP"):
        name_end = packed.index(0)
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(packed[name_end + 2 :], _MOST_PROFILE + 1)
        used = _usable(profile, "RGB" if opened.mode == "P" else opened.mode)
        if used is not None:
            return used
    if b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return Meaning()
    gamma = unpack_from(">I", found[b"gAMA"])[0] / 100_000
    if not gamma:
        return Meaning()
    corners = _BT709
    if len(said := found.get(b"cHRM", b"")) == 32:
        corners = tuple(value / 100_000 for value in unpack_from(">8I", said))
    return Meaning(_made(corners, 1 / gamma))


def _of_bmp(data: bytes) -> Meaning:
    """Read the profile that a version 5 header points at; browsers ignore a version 4 header's gamma."""
    if unpack_from("<I", data, 14)[0] < 124 or data[70:74] != b"DEBM":
        return Meaning()
    at, size = unpack_from("<II", data, 14 + 112)
    return _usable(data[14 + at : 14 + at + size], "RGB") or Meaning()


def _of_avif(data: bytes) -> Meaning:
    """Follow boxes and pictures where they agree; where they say several things, one of them may be there to mislead."""
    boxes, pictures = avif.boxes_say(data), avif.pictures_say(data)
    meanings = {_of_code(*code) for code in boxes | pictures}
    unusual = meanings - {Meaning()}
    if len(unusual) > 1 or (unusual and boxes and not unusual <= {_of_code(*code) for code in boxes}):
        return Meaning(strange=_UNREADABLE)
    return unusual.pop() if unusual else Meaning()


def _of_code(primaries: int, transfer: int) -> Meaning:
    """Follow H.273's numbers where that is a matter of a matrix and a curve."""
    if transfer in _PLAIN_TRANSFERS or transfer > 18:
        gamma = None
    elif transfer in _GAMMAS:
        gamma = _GAMMAS[transfer]
    else:
        return Meaning(strange="The picture is made for other screens (HDR or cinema); on this one browsers change its colours.")
    corners = _PRIMARIES.get(primaries)
    if corners is None:
        return Meaning(strange=_UNREADABLE)
    if gamma is None and corners == _BT709:
        return Meaning()
    return Meaning(_made(corners, gamma))


def _made(corners: tuple[float, ...], gamma: float | None) -> bytes:
    """Make a profile of white, red, green and blue (x, y each) and an exponent, None for sRGB's curve."""
    levels = np.linspace(0.0, 1.0, 256)
    curve = _linear(levels) if gamma is None else levels ** min(gamma, 1e6)
    white, *primaries = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in zip(corners[::2], corners[1::2], strict=True))
    columns = np.stack(primaries, axis=1)
    columns = columns * np.linalg.solve(columns, white)
    adapted = _to_d50(white) @ columns
    samples = b"curv\0\0\0\0" + pack(">I", 256) + np.rint(curve * 65535).astype(">u2").tobytes()
    tags = [(b"wtpt", _xyz(_D50))]
    tags += [(name, _xyz(adapted[:, place])) for place, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, samples) for name in (b"rTRC", b"gTRC", b"bTRC")]
    body, table, start = b"", pack(">I", len(tags)), 132 + 12 * len(tags)
    for name, content in tags:
        table += name + pack(">II", start + len(body), len(content))
        body += content
    head = pack(">I4sI4s4s4s", start + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp"
    return head.ljust(68, b"\0") + _xyz(_D50)[8:] + bytes(48) + table + body


_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _to_d50(white: Floats) -> Floats:
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adapted: Floats = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD
    return adapted


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + np.rint(np.clip(values, -30_000, 30_000) * 65536).astype(">i4").tobytes()


def _linear(levels: Floats) -> Floats:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def rendering_of(meaning: Meaning, mode: str) -> Rendering | None:
    """Make a profile ready for pictures of a mode; None when their numbers are sRGB already."""
    return _rendering(meaning.profile, _family(mode)) if meaning.profile else None


@lru_cache(maxsize=16)
def _rendering(profile: bytes, family: str) -> Rendering | None:
    """Build a transform. A profile that a browser may use and we cannot is strange and moves nothing."""
    if family == "L" and profile[16:20] == b"RGB ":
        family = "RGB"
    tags = {name for name, _ in _tags(profile)}
    luts = [number for number, name in enumerate(_LUT_TAGS) if name in tags]
    try:
        # Browsers know nothing of the tables of floats, which littlecms would prefer.
        plain = _without(profile, b"D2B")
        transform = _transform(plain, family, luts[0] if luts else 0, exact=True)
        probe = _probe(family)
        moved = _moved(probe, transform)
        far = np.abs(moved - np.asarray(probe.convert("RGB"), np.int16))[0]
        strange = ""
        if luts and tags & {b"rTRC", b"kTRC"}:
            other = _moved(probe, _transform(_without(plain, b"A2B"), family, 0, exact=True))
            strange = _TWO_WAYS if np.abs(moved - other).mean(axis=-1).max() > _MILD else ""
    except (ImageCms.PyCMSError, StructError, OSError, ValueError, TypeError):
        return Rendering(None, nothing=True, strange=_UNREADABLE)
    # A table may do anything between the colours that were tried; a matrix and curves cannot.
    if luts or far[:256].max() > _MILD_GREY or far.mean(axis=1).max() > _MILD:
        return Rendering(transform, mild=False, strange=strange)
    return Rendering(_transform(plain, family, 0), nothing=bool(far.max() <= _NOTHING), strange=strange)


def _without(profile: bytes, start: bytes) -> bytes:
    """Rename the tags that begin so, which hides them."""
    changed = bytearray(profile)
    for place, (name, _) in enumerate(_tags(profile)):
        if name.startswith(start):
            changed[132 + 12 * place : 136 + 12 * place] = b"none"
    return bytes(changed)


_SRGB = ImageCms.createProfile("sRGB")


def _transform(profile: bytes, mode: str, intent: int, *, exact: bool = False) -> Any:
    """Build a transform. Unless it is exact, littlecms samples it at some points, between which something may hide."""
    flags = ImageCms.Flags.NOOPTIMIZE if exact else ImageCms.Flags.NONE
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    return ImageCms.buildTransform(source, _SRGB, mode, "RGB", renderingIntent=ImageCms.Intent(intent), flags=flags)


def _probe(family: str) -> Image.Image:
    """Lay out every grey, and a grid of colours."""
    if family == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    channels = len(family)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 255, 9 if channels == 3 else 5)] * channels), axis=-1).reshape(-1, channels)
    greys = np.arange(256)[:, None].repeat(channels, axis=1)
    return Image.fromarray(np.concatenate([greys, grid])[None].astype(np.uint8), family)


def _moved(probe: Image.Image, transform: Any) -> NDArray[np.int16]:
    shown: Image.Image = ImageCms.applyTransform(probe, transform)  # type: ignore[assignment]
    return np.asarray(shown, np.int16)
