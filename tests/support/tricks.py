"""Pictures that show people something else than their stored numbers say, by format and trick."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from tests.unit.models.drawn import encoded, png_chunk

WIDTH, HEIGHT = 128, 96

Pixels = np.ndarray


def hidden() -> Pixels:
    """Draw what is to be hidden, grey levels of 0 to 255: large shapes, so that a lossy format keeps them."""
    y, x = np.indices((HEIGHT, WIDTH))
    disc = (x - 40) ** 2 + (y - 48) ** 2 < 30**2
    bars = (x > 80) & (y // 16 % 2 == 0)
    return np.where(disc | bars, 255, 0).astype(np.uint8)


def innocent() -> Image.Image:
    return Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))


def levels(low: int, high: int) -> Image.Image:
    """Draw the hidden shapes with two stored levels."""
    return Image.fromarray(np.where(hidden() > 0, high, low).astype(np.uint8)).convert("RGB")


def in_alpha(colour: tuple[int, int, int], least: int = 0) -> Image.Image:
    """Keep the shapes in the alpha channel, over one colour."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (*colour, 0))
    image.putalpha(Image.fromarray(np.maximum(hidden(), least).astype(np.uint8)))
    return image


def two_in_one(on_white: Image.Image, on_black: Image.Image) -> Image.Image:
    """Draw one grey picture that shows on white and another that shows on black, each at half its contrast."""
    light, dark = 127.5 + np.asarray(on_white, np.float64) / 2, np.asarray(on_black, np.float64) / 2
    alpha = 1 - (light - dark) / 255
    grey = np.divide(dark, alpha, out=np.zeros_like(dark), where=alpha > 0)
    made = Image.fromarray(grey.clip(0, 255).round().astype(np.uint8))
    made.putalpha(Image.fromarray((alpha * 255).round().astype(np.uint8)))
    return made


# Profiles ----------------------------------------------------------------------------------------------------------------

_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
_LEVELS = np.linspace(0.0, 1.0, 256)
SRGB_CURVE = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
NEGATIVE = 1 - _LEVELS**2.2
STEP = np.where(np.abs(np.arange(256) - 131) <= 1, 1.0, 0.0)
"""A curve that tells 130 to 132 from all other levels."""


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _curve(values: Pixels) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ", pcs: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
        **tags,
    }
    body, table, start = b"", struct.pack(">I", len(tags)), 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"test", 0x02400000, kind, space, pcs).ljust(36, b"\0")
    return (head + b"acsp").ljust(68, b"\0") + _fixed(*_D50) + bytes(48) + table + body


def matrix(*curves: Pixels, primaries: Sequence[Sequence[float]] = _PRIMARIES, extra: dict[bytes, bytes] | None = None) -> bytes:
    """Make a profile of three curves (one for all) and primaries; `extra` are other tags."""
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*xyz) for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= {name: _curve(curves[place % len(curves)]) for place, name in enumerate((b"rTRC", b"gTRC", b"bTRC"))}
    return profile(tags | (extra or {}), pcs=b"Lab " if extra else b"XYZ ")


def table(channels: int, *, negative: bool) -> bytes:
    """Make the tag A2B0: lightness is the mean of the channels, or its opposite."""
    same = bytes(range(256))
    corners = np.indices((2,) * channels).reshape(channels, -1).mean(axis=0)
    colours = b"".join(bytes((round(light * 255), 128, 128)) for light in corners.tolist())
    numbers = bytes((channels, 3, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return b"mft1\0\0\0\0" + numbers + (same[::-1] if negative else same) * channels + colours + same * 3


PLAIN_PROFILE = matrix(SRGB_CURVE)
INVERTED = matrix(NEGATIVE)
SWAPPED = matrix(SRGB_CURVE, primaries=(_PRIMARIES[1], _PRIMARIES[2], _PRIMARIES[0]))
PICKS_A_LEVEL = matrix(STEP)
GREY_PICKS_A_LEVEL = profile({b"kTRC": _curve(STEP)}, space=b"GRAY")
LUT_NEGATIVE = profile({b"A2B0": table(3, negative=True)}, pcs=b"Lab ")
CMYK_NEGATIVE = profile({b"A2B0": table(4, negative=True)}, space=b"CMYK", pcs=b"Lab ", kind=b"prtr")
BROKEN = b"\0\0\2\0no profile" * 20


# Containers --------------------------------------------------------------------------------------------------------------


def png(image: Image.Image, *chunks: bytes, late: bytes = b"") -> bytes:
    data = encoded(image, "PNG")
    return data[:33] + b"".join(chunks) + data[33:-12] + late + data[-12:]


def gama(value: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def iccp(body: bytes) -> bytes:
    return png_chunk(b"iCCP", b"x\0\0" + zlib.compress(body))


def cicp(primaries: int, transfer: int) -> bytes:
    return png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


SRGB = png_chunk(b"sRGB", b"\0")
SWAPPED_CHRM = png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 30000, 60000, 15000, 6000, 64000, 33000))


def raw_png(rows: Pixels, depth: int, kind: int, *chunks: bytes) -> bytes:
    """Write rows of ready bytes, in a depth or with a key that Pillow does not write."""
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def four_bits_with_a_key() -> bytes:
    """Draw on white with white; the ground is the key. It shows on any page but a white one."""
    stored = np.where(hidden() > 0, 14, 15).astype(np.uint8)
    return raw_png(stored[:, ::2] << 4 | stored[:, 1::2], 4, 0, png_chunk(b"tRNS", b"\0\x0f"))


def sixteen_bits_with_a_key() -> bytes:
    stored = np.where(hidden() > 0, 0x8080, 0x8081).astype(">u2")
    return raw_png(stored, 16, 0, png_chunk(b"tRNS", b"\x80\x81"))


def sixteen_bit_colours_with_a_key() -> bytes:
    stored = np.where(hidden() > 0, 0x8080, 0x8081).astype(">u2")[:, :, None].repeat(3, axis=2)
    return raw_png(stored, 16, 2, png_chunk(b"tRNS", b"\x80\x81" * 3))


def palette_with_alpha() -> bytes:
    image = Image.fromarray((hidden() > 0).astype(np.uint8))
    image.putpalette([128, 128, 128] * 2)
    return encoded(image, "PNG", transparency=b"\0\xff")


def avif_says(primaries: int, transfer: int, image: Image.Image) -> bytes:
    data = encoded(image, "AVIF", quality=95)
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def bmp(image: Image.Image, *, header: int = 124, compression: int = 3, body: bytes = b"", masks: bool = True) -> bytes:
    """Write 32 bits with an alpha mask, or 24 with a profile."""
    flipped = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    bits = 32 if image.mode == "RGBA" else 24
    pixels = flipped.tobytes("raw", "BGRA" if bits == 32 else "BGR")
    head = struct.pack("<IiiHHIIiiII", header, WIDTH, HEIGHT, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
    head += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if masks else bytes(16)
    head += struct.pack("<I", 0x4D424544 if body else 0x73524742)
    head = head.ljust(112, b"\0") + struct.pack("<III", header + len(pixels), len(body), 0)
    head = head[:header].ljust(header, b"\0")
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(pixels) + len(body), 0, 0, start) + head + pixels + body


# Animations: the first frame is innocent ---------------------------------------------------------------------------------

_LONG = 60_000


def _moving(form: str, second: Image.Image) -> bytes:
    first = innocent().convert(second.mode)
    lossless = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "AVIF" else {}
    return encoded(first, form, save_all=True, append_images=[second], duration=[40, _LONG], loop=1, **lossless)


def gif_cleared(ground: int) -> bytes:
    """Fill the screen, clear it, and draw in the file's background colour: browsers clear to nothing."""
    full = zlib_free_lzw(np.full((HEIGHT, WIDTH), 1))
    shapes = zlib_free_lzw(np.where(hidden() > 0, 0, 3))
    colours = bytes((ground,) * 3) + bytes((128, 128, 128)) + bytes(3) + bytes((1, 2, 3))
    screen = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0x81, 0, 0) + colours
    frame = struct.pack("<cHHHHB", b",", 0, 0, WIDTH, HEIGHT, 0)
    first = b"\x21\xf9\x04" + struct.pack("<BHB", 2 << 2, 4, 0) + b"\0"
    second = b"\x21\xf9\x04" + struct.pack("<BHB", 1, 6_000, 3) + b"\0"
    return screen + first + frame + full + second + frame + shapes + b";"


def zlib_free_lzw(pixels: Pixels) -> bytes:
    """Write indices of 0 to 3 as LZW that never uses its dictionary."""
    bits, held, out = 0, 0, bytearray()

    def put(code: int) -> None:
        nonlocal bits, held
        held |= code << bits
        bits += 3
        while bits >= 8:
            out.append(held & 255)
            held >>= 8
            bits -= 8

    for place, index in enumerate(pixels.ravel().tolist()):
        if place % 2 == 0:
            put(4)
        put(index)
    put(5)
    if bits:
        out.append(held & 255)
    blocks = b"".join(bytes((len(part),)) + part for part in (bytes(out[at : at + 255]) for at in range(0, len(out), 255)))
    return b"\x02" + blocks + b"\0"


def apng(*frames: tuple[Image.Image, int, int]) -> bytes:
    """Put frames (picture, what becomes of it, how it is blended) into a PNG; the last one stays for a minute."""
    out = b"\x89PNG\r\n\x1a\n"
    number = 0
    for place, (image, dispose, blend) in enumerate(frames):
        data = encoded(image.convert("RGBA"), "PNG")
        at, pixels = 8, b""
        while at < len(data):
            size, kind = struct.unpack_from(">I4s", data, at)
            pixels += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
            at += 12 + size
        if place == 0:
            out += data[8:33] + png_chunk(b"acTL", struct.pack(">II", len(frames), 1))
        delay = 40 if place < len(frames) - 1 else _LONG
        control = struct.pack(">IIIIIHHBB", number, *image.size, 0, 0, delay, 1000, dispose, blend)
        out += png_chunk(b"fcTL", control)
        number += 1
        if place == 0:
            out += png_chunk(b"IDAT", pixels)
        else:
            out += png_chunk(b"fdAT", struct.pack(">I", number) + pixels)
            number += 1
    return out + png_chunk(b"IEND", b"")


def turned(form: str, turn: int = 6, **options: object) -> bytes:
    """Say in EXIF how the picture is turned; of AVIF Pillow makes the file's own boxes irot and imir instead."""
    exif = Image.Exif()
    exif[0x0112] = turn
    return encoded(levels(40, 220), form, exif=exif.tobytes(), **options)


def avif_with_exif(own: int = 1) -> bytes:
    """Say in EXIF that the picture is turned, whatever the file's own boxes say."""
    exif = Image.Exif()
    exif[0x0112], exif[0x0113] = own, 6
    data = encoded(levels(40, 220), "AVIF", exif=exif.tobytes())
    at = data.index(b"\x01\x13\0\3\0\0\0\1\0\6")
    return data[:at] + b"\x01\x12" + data[at + 2 :]


_COLR = b"\0\0\0\x14colrnclx\0\1\0\r\0\6\x80\0"


def avif_without_colour_box(primaries: int, transfer: int, image: Image.Image) -> bytes:
    """Leave what the colours mean to the pixels' own header, which a box would overrule."""
    data = bytearray(encoded(image, "AVIF", quality=95))
    at = data.index(b"colrnclx")
    data[at : at + 4] = b"free"
    start = data.index(b"mdat") + 4
    bits = int.from_bytes(data[start : start + 24], "big")
    for shift in range(24 * 8 - 24, -1, -1):
        if bits >> shift & 0xFFFFFF == 0x010D06:
            bits ^= (0x010D06 ^ (primaries << 16 | transfer << 8 | 6)) << shift
            data[start : start + 24] = bits.to_bytes(24, "big")
            return bytes(data)
    raise AssertionError("the header does not say what the colours mean")


GREY_ALPHA = in_alpha((128, 128, 128))
FAINT = levels(128, 131)
COLOURS = Image.fromarray(np.where(hidden()[:, :, None] > 0, (0, 0, 250), (0, 250, 0)).astype(np.uint8))


def lossy(image: Image.Image, form: str, **options: object) -> bytes:
    return encoded(image, form, quality=100, **({"subsampling": 0} if form == "JPEG" else {}), **options)


def cmyk() -> Image.Image:
    return levels(60, 200).convert("CMYK")


TRICKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "png: grey with alpha": ("png", lambda: encoded(GREY_ALPHA, "PNG")),
    "png: white with alpha": ("png", lambda: encoded(in_alpha((255, 255, 255)), "PNG")),
    "png: black with alpha": ("png", lambda: encoded(in_alpha((0, 0, 0), 100), "PNG")),
    "png: colours below alpha": (
        "png",
        lambda: encoded(Image.merge("RGBA", (*levels(0, 255).split(), Image.fromarray(hidden() // 2 + 30))), "PNG"),
    ),
    "png: grey and alpha": ("png", lambda: encoded(GREY_ALPHA.convert("LA"), "PNG")),
    "png: one on white, another on black": (
        "png",
        lambda: encoded(two_in_one(Image.fromarray(hidden()), Image.fromarray(hidden()[:, ::-1])), "PNG"),
    ),
    "png: palette with alpha": ("png", palette_with_alpha),
    "png: 4 bits with a key": ("png", four_bits_with_a_key),
    "png: 16 bits with a key": ("png", sixteen_bits_with_a_key),
    "png: 16-bit colours with a key": ("png", sixteen_bit_colours_with_a_key),
    "png: gAMA 5.0": ("png", lambda: png(levels(0, 3), gama(5))),
    "png: gAMA 0.1": ("png", lambda: png(levels(240, 255), gama(0.1))),
    "png: gAMA 5.0 on grey": ("png", lambda: png(levels(0, 3).convert("L"), gama(5))),
    "png: gAMA 5.0 on a palette": ("png", lambda: png(levels(0, 3).quantize(4), gama(5))),
    "png: gAMA 0": ("png", lambda: png(levels(40, 220), gama(0))),
    "png: gAMA after the pixels": ("png", lambda: png(levels(40, 220), late=gama(5))),
    "png: gAMA twice": ("png", lambda: png(levels(0, 3), gama(5), gama(0.45455))),
    "png: gAMA, sRGB wins": ("png", lambda: png(levels(40, 220), gama(5), SRGB)),
    "png: gAMA and cHRM swapped": ("png", lambda: png(COLOURS, gama(0.45455), SWAPPED_CHRM)),
    "png: cHRM alone": ("png", lambda: png(COLOURS, SWAPPED_CHRM)),
    "png: iCCP picks a level": ("png", lambda: png(FAINT, iccp(PICKS_A_LEVEL))),
    "png: iCCP inverted": ("png", lambda: png(levels(252, 255), iccp(INVERTED))),
    "png: iCCP swapped": ("png", lambda: png(COLOURS, iccp(SWAPPED))),
    "png: iCCP of tables": ("png", lambda: png(levels(60, 200), iccp(LUT_NEGATIVE))),
    "png: iCCP for grey": ("png", lambda: png(FAINT.convert("L"), iccp(GREY_PICKS_A_LEVEL))),
    "png: iCCP for grey on colours": ("png", lambda: png(levels(40, 220), iccp(GREY_PICKS_A_LEVEL))),
    "png: iCCP wins over sRGB": ("png", lambda: png(FAINT, SRGB, iccp(PICKS_A_LEVEL))),
    "png: iCCP wins over gAMA": ("png", lambda: png(levels(0, 3), gama(5), iccp(PLAIN_PROFILE))),
    "png: iCCP broken, gAMA counts": ("png", lambda: png(levels(0, 3), gama(5), iccp(BROKEN))),
    "png: iCCP on grey alpha": ("png", lambda: png(GREY_ALPHA, iccp(INVERTED))),
    "png: cICP linear": ("png", lambda: png(levels(0, 12), cicp(1, 8))),
    "png: cICP wins over iCCP": ("png", lambda: png(levels(40, 220), cicp(1, 13), iccp(INVERTED))),
    "png: cICP PQ": ("png", lambda: png(levels(120, 255), cicp(9, 16))),
    "png: turned": ("png", lambda: turned("PNG")),
    "png: animation": ("png", lambda: _moving("PNG", levels(0, 255))),
    "png: animation, alpha": ("png", lambda: apng((innocent(), 1, 0), (in_alpha((0, 0, 0)), 0, 0))),
    "png: animation, little by little": (
        "png",
        lambda: apng((in_alpha((0, 0, 0), 0), 1, 0), *[(in_alpha_of(28), 0, 1)] * 3),
    ),
    "png: animation, as before": (
        "png",
        lambda: apng((innocent(), 0, 0), (Image.new("RGB", (WIDTH, HEIGHT)), 2, 0), (in_alpha((255, 255, 255)), 0, 1)),
    ),
    "jpeg: profile picks a level": ("jpeg", lambda: lossy(FAINT, "JPEG", icc_profile=PICKS_A_LEVEL)),
    "jpeg: profile inverted": ("jpeg", lambda: lossy(levels(252, 255), "JPEG", icc_profile=INVERTED)),
    "jpeg: profile swapped": ("jpeg", lambda: lossy(COLOURS, "JPEG", icc_profile=SWAPPED)),
    "jpeg: profile of tables": ("jpeg", lambda: lossy(levels(60, 200), "JPEG", icc_profile=LUT_NEGATIVE)),
    "jpeg: profile of two kinds": (
        "jpeg",
        lambda: lossy(levels(60, 200), "JPEG", icc_profile=matrix(SRGB_CURVE, extra={b"A2B0": table(3, negative=True)})),
    ),
    "jpeg: grey, profile picks a level": ("jpeg", lambda: lossy(FAINT.convert("L"), "JPEG", icc_profile=GREY_PICKS_A_LEVEL)),
    "jpeg: profile for grey on colours": ("jpeg", lambda: lossy(levels(40, 220), "JPEG", icc_profile=GREY_PICKS_A_LEVEL)),
    "jpeg: profile broken": ("jpeg", lambda: lossy(levels(40, 220), "JPEG", icc_profile=BROKEN)),
    "jpeg: cmyk": ("jpeg", lambda: lossy(cmyk(), "JPEG")),
    "jpeg: cmyk, profile of tables": ("jpeg", lambda: lossy(cmyk(), "JPEG", icc_profile=CMYK_NEGATIVE)),
    "jpeg: cmyk, profile for colours": ("jpeg", lambda: lossy(cmyk(), "JPEG", icc_profile=INVERTED)),
    "jpeg: turned": ("jpeg", lambda: turned("JPEG")),
    "webp: grey with alpha": ("webp", lambda: encoded(GREY_ALPHA, "WEBP", lossless=True, exact=True)),
    "webp: profile picks a level": ("webp", lambda: encoded(FAINT, "WEBP", lossless=True, icc_profile=PICKS_A_LEVEL)),
    "webp: profile swapped": ("webp", lambda: encoded(COLOURS, "WEBP", lossless=True, icc_profile=SWAPPED)),
    "webp: not turned": ("webp", lambda: turned("WEBP")),
    "webp: not turned, lossless": ("webp", lambda: turned("WEBP", 5, lossless=True)),
    "webp: animation": ("webp", lambda: _moving("WEBP", levels(0, 255))),
    "webp: animation, alpha": ("webp", lambda: _moving("WEBP", GREY_ALPHA)),
    "avif: grey with alpha": ("avif", lambda: lossy(GREY_ALPHA, "AVIF")),
    "avif: profile inverted": ("avif", lambda: lossy(levels(252, 255), "AVIF", icc_profile=INVERTED)),
    "avif: profile swapped": ("avif", lambda: lossy(COLOURS, "AVIF", icc_profile=SWAPPED)),
    "avif: linear": ("avif", lambda: avif_says(1, 8, levels(0, 12))),
    "avif: gamma 2.8": ("avif", lambda: avif_says(1, 5, levels(60, 200))),
    "avif: PQ": ("avif", lambda: avif_says(9, 16, levels(120, 255))),
    "avif: two colour boxes": (
        "avif",
        lambda: avif_says(1, 8, levels(0, 12)) + struct.pack(">I4s", 28, b"free") + _COLR.replace(b"\r", b"\4"),
    ),
    "avif: turned": ("avif", lambda: turned("AVIF")),
    "avif: mirrored": ("avif", lambda: turned("AVIF", 2)),
    "avif: turned and mirrored": ("avif", lambda: turned("AVIF", 5)),
    "avif: turned and mirrored otherwise": ("avif", lambda: turned("AVIF", 7)),
    "avif: turned by EXIF alone": ("avif", avif_with_exif),
    "avif: turned by EXIF, otherwise by itself": ("avif", lambda: avif_with_exif(8)),
    "avif: no colour box": ("avif", lambda: avif_without_colour_box(1, 13, levels(40, 220))),
    "avif: no colour box, linear": ("avif", lambda: avif_without_colour_box(1, 8, levels(0, 12))),
    "avif: no colour box but one for nobody": (
        "avif",
        lambda: avif_without_colour_box(1, 8, levels(0, 12)) + struct.pack(">I4s", 28, b"free") + _COLR,
    ),
    "avif: no colour box, PQ": ("avif", lambda: avif_without_colour_box(9, 16, levels(120, 255))),
    "avif: animation": ("avif", lambda: _moving("AVIF", levels(0, 255))),
    "gif: with a key": ("gif", lambda: encoded(Image.open(BytesIO(palette_with_alpha())), "GIF")),
    "gif: animation": ("gif", lambda: _moving("GIF", levels(0, 255))),
    "gif: cleared, drawn in the ground's white": ("gif", lambda: gif_cleared(255)),
    "gif: cleared, drawn in the ground's grey": ("gif", lambda: gif_cleared(128)),
    "bmp: grey with alpha": ("bmp", lambda: bmp(GREY_ALPHA)),
    "bmp: alpha by masks alone": ("bmp", lambda: bmp(GREY_ALPHA, compression=0)),
    "bmp: profile picks a level": ("bmp", lambda: bmp(FAINT, compression=0, body=PICKS_A_LEVEL, masks=False)),
}


def in_alpha_of(most: int) -> Image.Image:
    """Draw the shapes in black, faint: laid over each other they are seen."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    image.putalpha(Image.fromarray((hidden() > 0).astype(np.uint8) * np.uint8(most)))
    return image
