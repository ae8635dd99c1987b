"""Hostile files: refused with a sentence or judged within bounds, never another exception."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import MediaUnreadable
from app.domain.limits import ImageLimits
from models.container import shell_of, sniff
from models.image import Picture, read
from tests.support.tricks import INVERTED
from tests.unit.models.drawn import animation, encoded, halves, photo, png_bomb, png_chunk, with_segments

LIMITS = ImageLimits()
JPEG = encoded(photo(320, 240), "JPEG")
PNG = encoded(halves(), "PNG")

REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"hello there", "no JPEG"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "no JPEG"),
    "html": (b"<!doctype html><html></html>", "no JPEG"),
    "tiff": (encoded(halves(), "TIFF"), "no JPEG"),
    "ico": (encoded(halves(64, 64), "ICO"), "no JPEG"),
    "bomb": (png_bomb(), "more than 50 megapixels"),
    "jpeg 65k": (JPEG.replace(struct.pack(">HH", 240, 320), struct.pack(">HH", 65_000, 65_000), 1), "more than 50 megapixels"),
    "gif 65k": (b"GIF89a" + struct.pack("<HH", 65_000, 65_000) + animation(2)[10:], "more than 50 megapixels"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "damaged"),
    "truncated png": (encoded(photo(), "PNG")[:9_000], "damaged"),
    "truncated webp": (encoded(photo(), "WEBP")[:900], "damaged"),
    "truncated heic": (encoded(photo(), "HEIF")[:900], "damaged"),
    "truncated avif": (encoded(photo(), "AVIF")[:900], "damaged"),
    "only a start": (b"\xff\xd8\xff", "ends before"),
    "webp over memory": (encoded(Image.new("RGB", (9_000, 5_000)), "WEBP", method=0), "MB of memory"),
    "too large": (bytes(LIMITS.max_image_bytes + 1), "limit"),
    "jpeg of junk": (b"\xff\xd8\xff\xe0" + struct.pack(">H", 2) + bytes(200_000) + JPEG[2:], "too many parts"),
    "jpeg of padding": (b"\xff\xd8" + b"\xff" * 200_000 + JPEG[2:], "too many parts"),
    "jpeg of tiny segments": (with_segments(JPEG, 120_000, 0, 0xE5, b""), "too many parts"),
    "png of tiny chunks": (PNG[:33] + png_chunk(b"teSt", b"") * 120_000 + PNG[33:], "parts"),
    "gif of tiny blocks": (animation(2)[:-1] + b"\x21\xfe" + b"\x01a" * 200_000 + b"\0;", "parts"),
    "png text bomb": (
        encoded(halves(), "PNG")[:33]
        + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000)))
        + encoded(halves(), "PNG")[33:],
        "damaged",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(MediaUnreadable, match=reason) as caught:
        read(data)
    assert str(caught.value).endswith(".") and "/" not in str(caught.value)


def progressive_with_scans(scans: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    data = encoded(photo(64, 64), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    assert read(progressive_with_scans(20)).width == 64
    with pytest.raises(MediaUnreadable, match="100 passes"):
        read(progressive_with_scans(120))


def test_metadata_over_the_limit_is_cut_out_and_the_picture_judged() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = with_segments(encoded(halves(), "JPEG", exif=exif), 300, marker=0xE3, start=b"Meta\0")
    assert len(data) > 19_000_000
    trimmed = shell_of(data, "JPEG", LIMITS).data
    assert len(trimmed) < 10_000
    assert (read(data).width, read(data).height) == (100, 200)


def test_a_profile_survives_the_cut_or_the_file_is_refused() -> None:
    """Browsers follow it, however much else there is."""
    data = with_segments(encoded(halves(), "JPEG", icc_profile=INVERTED), 100)
    assert [view.words for view in read(data).views] == ["", "without its colour profile"]
    with pytest.raises(MediaUnreadable, match="colour profile is larger"):
        read(with_segments(JPEG, 300, marker=0xE2, start=b"ICC_PROFILE\0"))


def test_twenty_megabytes_of_exif_are_cut_out() -> None:
    data = with_segments(JPEG, 300)
    assert len(shell_of(data, "JPEG", LIMITS).data) < len(JPEG) + 70_000
    assert read(data).width == 320


def test_colours_survive_the_cut() -> None:
    """APP14 says that the colours are inverted CMYK; without it the picture is a negative."""
    plain = encoded(halves().convert("CMYK"), "JPEG")
    cut = read(with_segments(plain, 40))
    assert cut.frames[0].getpixel((9, 9)) == read(plain).frames[0].getpixel((9, 9))


def test_large_gif_comments_are_cut_out() -> None:
    block = b"\xff" + b"c" * 255
    data = animation(3)
    commented = data[:-1] + b"\x21\xfe" + block * 6_000 + b"\0;"
    shell = shell_of(commented, "GIF", LIMITS)
    assert (len(shell.data), shell.frames) == (len(data), 3)
    assert read(commented).frame_count == 3


def test_three_thousand_frames_are_counted_and_not_decoded() -> None:
    one = encoded(Image.effect_noise((40, 40), 50).convert("P"), "GIF")
    start = 13 + 768
    picture = read(one[:start] + one[start:-1] * 3_000 + b";", ImageLimits(max_frames_decoded=100))
    assert picture.frame_count == 3_000
    assert picture.unseen == "Only the first 100 of 3000 frames were looked at."


def test_a_picture_with_a_page_behind_it_is_judged_as_a_picture() -> None:
    assert read(JPEG + b"<script>alert(1)</script>").width == 320
    with pytest.raises(MediaUnreadable):
        read(b"GIF89a/*" + JPEG)


def test_garbled_exif_does_not_hide_a_picture() -> None:
    data = with_segments(JPEG, 1, 200, start=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert read(data).width == 320


HUNGRY = {
    "png": lambda: encoded(Image.new("RGBA", (6_000, 6_000), (9, 9, 9, 99)), "PNG", compress_level=1),
    "webp": lambda: encoded(Image.new("RGB", (5_400, 5_400)), "WEBP", method=0),
    "progressive": lambda: encoded(Image.new("RGB", (7_000, 7_000)), "JPEG", progressive=True, subsampling=0),
    "bomb": png_bomb,
    "exif": lambda: with_segments(JPEG, 300),
}

CHILD = """
import sys
from pathlib import Path
from app.domain.errors import MediaUnreadable
from models.image import read
def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
data = Path(sys.argv[1]).read_bytes()
before = peak()
try:
    read(data)
except MediaUnreadable:
    pass
print((peak() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("name", HUNGRY)
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(HUNGRY[name]())
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 560


REAL = [
    JPEG,
    encoded(photo(64, 64), "JPEG", progressive=True),
    encoded(photo(48, 48), "PNG"),
    encoded(photo(48, 48).quantize(16), "PNG", transparency=2),
    encoded(photo(64, 64), "WEBP"),
    encoded(photo(64, 64), "AVIF", speed=10),
    encoded(photo(64, 64), "HEIF"),
    encoded(photo(48, 48), "BMP"),
    animation(4),
    animation(3, "WEBP"),
    animation(3, "PNG"),
]


def attempt(data: bytes) -> None:
    try:
        picture = read(data)
    except MediaUnreadable as error:
        assert str(error)
    else:
        assert isinstance(picture, Picture) and picture.frames
        assert all(frame.mode == "RGB" and max(frame.size) <= 512 for frame in picture.frames)
        # A still picture has up to four looks: on white and on black, with its colours managed and as they are stored.
        assert picture.frame_count <= len(picture.frames) <= 4 or picture.unseen or picture.frame_count > 1


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STARTS = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"RIFF\0\0\0\0WEBP",
    b"\0\0\0\x18ftypavif",
    b"\0\0\0\x18ftypheic",
]


@FUZZ
@given(st.sampled_from([b"", *STARTS]), st.binary(max_size=2_000))
def test_random_bytes(start: bytes, rest: bytes) -> None:
    attempt(start + rest)


@FUZZ
@given(
    st.sampled_from(REAL), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=8), st.floats(0.02, 1)
)
def test_mutated_files(data: bytes, edits: list[tuple[float, bytes]], cut: float) -> None:
    changed = bytearray(data)
    for where, what in edits:
        # Headers are where parsers differ, so most edits go there.
        at = int(where * where * len(changed))
        changed[at : at + len(what)] = what
    attempt(bytes(changed[: max(4, int(cut * len(changed) * 1.5))]))


def test_every_real_file_is_sniffed() -> None:
    assert {sniff(data) for data in REAL} == {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "BMP"}
