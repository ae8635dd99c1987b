"""Reading pictures: formats, modes, orientation and animations."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import MediaUnreadable
from app.domain.limits import ImageLimits, explained
from models.colour import _PRIMARIES, _made
from models.image import NEUTRAL, VIEW_SIDE, Picture, read
from tests.support.tricks import INVERTED, PICKS_A_LEVEL
from tests.unit.models.drawn import animation, encoded, halves, photo

EVERY_FORMAT = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "HEIF")


def near(pixel: object, wanted: tuple[int, int, int], by: int = 12) -> bool:
    return bool(np.abs(np.asarray(pixel, np.int16) - np.array(wanted)).max() <= by)


@pytest.mark.parametrize("form", EVERY_FORMAT)
def test_every_format_is_read(form: str) -> None:
    picture = read(encoded(halves(800, 400), form))
    assert (picture.format, picture.width, picture.height) == (form, 800, 400)
    (view,) = picture.frames
    assert view.mode == "RGB" and view.size == (VIEW_SIDE, VIEW_SIDE // 2)
    assert near(view.getpixel((60, 60)), (250, 0, 0)) and near(view.getpixel((450, 60)), (0, 0, 250))
    assert not picture.unseen


@pytest.mark.parametrize("form", ["JPEG", "PNG", "AVIF", "HEIF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_is_applied(form: str, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    # Bytes, since only then does pillow_heif write the transformation that HEIF files have instead.
    picture = read(encoded(halves(), form, exif=exif.tobytes()))
    upright = (100, 200) if turn >= 5 else (200, 100)
    assert (picture.width, picture.height) == upright == picture.frames[0].size
    first_at_the_start = turn in (1, 4, 5, 6)
    pixel = picture.frames[0].getpixel((10, 10))
    assert near(pixel, (250, 0, 0) if first_at_the_start else (0, 0, 250))


def test_a_webp_is_not_turned() -> None:
    """Browsers show it as it is stored, whatever EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(encoded(halves(), "WEBP", exif=exif.tobytes())).frames[0].size == (200, 100)


def test_a_large_jpeg_gives_a_view_within_bounds() -> None:
    picture = read(encoded(photo(4000, 3000), "JPEG"))
    assert (picture.width, picture.height) == (4000, 3000)
    assert 480 <= max(picture.frames[0].size) <= VIEW_SIDE


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (512, 512), (513, 511)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    for form in ("PNG", "JPEG"):
        picture = read(encoded(Image.new("RGB", size, (9, 99, 199)), form))
        assert max(picture.frames[0].size) <= VIEW_SIDE and min(picture.frames[0].size) >= 1
        assert max(picture.scaled(320)[0].size) == 320


def grounds(picture: Picture) -> dict[str, object]:
    return {view.ground: view.image.getpixel((5, 5)) for view in picture.views}


SEEN_THROUGH = {"white": (255, 255, 255), "black": (0, 0, 0)}


def test_transparent_parts_are_seen_on_white_and_on_black() -> None:
    """The colours below them are nobody's sight; earlier versions knew the picture on grey."""
    hidden = Image.new("RGBA", (40, 40), (255, 0, 255, 0))
    for image in (hidden, hidden.resize((900, 900))):
        for form in ("PNG", "WEBP"):
            picture = read(encoded(image, form))
            assert grounds(picture) == SEEN_THROUGH
            assert picture.plain is not None and near(picture.plain.getpixel((5, 5)), NEUTRAL, 2)


def test_a_transparent_palette_is_seen_on_both() -> None:
    image = Image.new("P", (40, 40), 3)
    image.putpalette([255, 0, 255] * 4)
    assert grounds(read(encoded(image, "PNG", transparency=3))) == SEEN_THROUGH
    assert grounds(read(encoded(image, "PNG"))) == {"": (255, 0, 255)}


def test_an_opaque_picture_is_seen_once() -> None:
    almost = Image.merge("RGBA", (*photo().split(), Image.new("L", (640, 480), 252)))
    for image in (photo(), photo().convert("RGBA"), almost):
        picture = read(encoded(image, "PNG"))
        assert [view.words for view in picture.views] == [""] and picture.plain is None


def test_what_is_half_transparent_is_seen_on_grey_too() -> None:
    """Noise that cancels itself on grey alone would hide a picture on white and on black."""
    half = Image.merge("RGBA", (*photo().split(), Image.new("L", (640, 480), 128)))
    assert [view.words for view in read(encoded(half, "PNG")).views] == ["on white", "on black", "on grey"]


def test_a_phones_wide_colours_cost_no_second_look() -> None:
    """Display P3 is on every photo of some phones: shrunk first, converted then, seen once."""
    wide = _made(_PRIMARIES[12], None)
    picture = read(encoded(photo(4000, 3000), "JPEG", icc_profile=wide))
    assert [view.words for view in picture.views] == [""] and max(picture.frames[0].size) <= VIEW_SIDE
    assert picture.plain is not None


def test_an_unusual_profile_is_seen_with_and_without_it() -> None:
    picture = read(encoded(photo(), "JPEG", icc_profile=INVERTED))
    assert [view.words for view in picture.views] == ["", "without its colour profile"]
    assert picture.views[1].image.tobytes() == read(encoded(photo(), "JPEG")).frames[0].tobytes()


def test_a_profile_is_applied_before_the_picture_is_made_small() -> None:
    """A pattern of two levels is one level when it is small, and another picture to the profile."""
    pattern = np.where(np.indices((1200, 1200)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    data = encoded(Image.fromarray(pattern).convert("RGB"), "PNG", icc_profile=PICKS_A_LEVEL)
    view = read(data).frames[0]
    assert near(view.getpixel((100, 100)), (0, 0, 0), 3), "no pixel has the level that the profile shows"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_a_profile_that_cannot_be_used_goes_to_a_person(form: str) -> None:
    torn = INVERTED[:200] + b"\xff" * (len(INVERTED) - 200)
    picture = read(encoded(photo(), form, icc_profile=torn))
    assert "colour profile" in picture.unseen


def test_looks_are_bounded() -> None:
    frames = [Image.merge("RGBA", (*photo(64, 64, n).split(), Image.new("L", (64, 64), 128))) for n in range(12)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert len(read(data).views) == 36
    picture = read(data, ImageLimits(max_looks=10))
    assert len(picture.views) == 12 and picture.unseen == "Only the first 4 of 12 frames were looked at."


def test_grey_with_alpha() -> None:
    image = Image.merge("LA", (Image.new("L", (40, 40), 200), Image.new("L", (40, 40), 255)))
    assert near(read(encoded(image, "PNG")).frames[0].getpixel((5, 5)), (200, 200, 200), 1)


def test_one_colour_as_transparent() -> None:
    image = Image.new("RGB", (40, 40), (255, 0, 255))
    assert grounds(read(encoded(image, "PNG", transparency=(255, 0, 255)))) == SEEN_THROUGH


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None, :].repeat(20, 0)
    view = read(encoded(Image.fromarray(ramp), "PNG")).frames[0]
    assert [view.getpixel((x, 5))[0] for x in (0, 64, 128, 255)] == [0, 64, 128, 255]


def test_cmyk_and_black_and_white() -> None:
    assert near(read(encoded(halves().convert("CMYK"), "JPEG")).frames[0].getpixel((9, 9)), (250, 0, 0), 20)
    assert read(encoded(halves().convert("1"), "PNG")).frames[0].mode == "RGB"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_seen_whole_when_short(form: str) -> None:
    picture = read(animation(9, form))
    assert (picture.frame_count, len(picture.frames), picture.unseen) == (9, 9, "")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_a_long_animation_says_what_was_not_seen(form: str) -> None:
    picture = read(animation(40, form))
    assert len(picture.frames) == 32
    assert picture.unseen == "Only the first 32 of 40 frames were looked at."


def test_frames_that_look_the_same_cost_nothing() -> None:
    pictures = [halves() for _ in range(60)]
    pictures[50] = Image.new("RGB", (200, 100), (0, 200, 0))
    for number, image in enumerate(pictures):
        image.putpixel((0, 0), (number, 0, 0))
    data = encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=40)
    picture = read(data)
    assert picture.unseen == "" and picture.frame_count == 60
    assert any(near(frame.getpixel((50, 50)), (0, 200, 0)) for frame in picture.frames)


def test_frames_over_the_pixel_budget_are_told() -> None:
    picture = read(animation(10), ImageLimits(max_frame_pixels=64 * 64 * 4))
    assert picture.unseen == "Only the first 5 of 10 frames were looked at."


def test_a_broken_later_frame_is_told() -> None:
    noise = [Image.effect_noise((64, 64), 99).convert("RGB") for _ in range(6)]
    data = encoded(noise[0], "WEBP", save_all=True, append_images=noise[1:], lossless=True)
    third = [at for at in range(len(data)) if data.startswith(b"ANMF", at)][2]
    picture = read(data[: third + 60] + bytes(500) + data[third + 560 :])
    assert (picture.frame_count, len(picture.frames)) == (6, 2)
    assert picture.unseen == "Frame 3 of 6 could not be decoded; only the first 2 of 6 frames were looked at."


def test_a_gif_that_ends_early_is_told() -> None:
    data = animation(6, side=200)
    picture = read(data[: len(data) * 2 // 3])
    assert picture.frames and picture.unseen


def test_hidden_png_frames_are_counted() -> None:
    """An acTL chunk that claims one frame does not hide the others that fcTL chunks show."""
    data = animation(5, "PNG")
    at = data.index(b"acTL")
    claims_one = data[:at] + b"acTL" + (1).to_bytes(4, "big") + data[at + 8 :]
    import zlib

    body = claims_one[at : at + 12]
    claims_one = claims_one[: at + 12] + zlib.crc32(body).to_bytes(4, "big") + claims_one[at + 16 :]
    picture = read(claims_one)
    assert (picture.frame_count, len(picture.frames), picture.unseen) == (5, 5, "")


def test_no_time_left_is_unreadable() -> None:
    with pytest.raises(MediaUnreadable, match="took longer"):
        read(encoded(halves(), "PNG"), ImageLimits(max_seconds=-1.0))


def test_the_second_picture_of_a_phone_photo_is_left_alone() -> None:
    data = encoded(halves(), "MPO", save_all=True, append_images=[halves().rotate(180)])
    picture = read(data)
    assert (picture.format, picture.frame_count, picture.unseen) == ("JPEG", 1, "")


def test_the_limits_explain_themselves() -> None:
    for name, unit, default, reason in explained(ImageLimits):
        assert name.startswith("max_") and unit and default > 0 and reason.endswith(".")
        assert getattr(ImageLimits(), name) == default


def test_the_data_stays_as_it_came() -> None:
    data = encoded(halves(), "JPEG")
    assert read(data).data is data
    assert Image.open(BytesIO(data)).size == (200, 100)
