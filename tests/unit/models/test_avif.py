"""What AVIFs say of their colours: every way in which the boxes and the AV1 header may say it, and files that are spoiled."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from typing import SupportsIndex, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.avif import boxes_say, pictures_say
from tests.support.tricks import avif_without_colour_box, levels
from tests.unit.models.drawn import animation, encoded, photo

LINEAR, PQ = (1, 8), (9, 16)
PLAIN = (1, 13)


class Bits:
    """Write a header bit by bit, as section 5.5 of the AV1 specification orders them."""

    def __init__(self) -> None:
        self._text = ""

    def __call__(self, value: int, count: int = 1) -> Bits:
        self._text += f"{value:0{count}b}" if count else ""
        return self

    def bytes(self) -> bytes:
        padded = self._text + "1" + "0" * (-(len(self._text) + 1) % 8)
        return int(padded, 2).to_bytes(len(padded) // 8, "big")


def header(
    code: tuple[int, int] | None,
    *,
    profile: int = 0,
    reduced: bool = True,
    timing: bool = False,
    uvlc: int = -1,
    delays: int = 0,
    points: int = 1,
    shown: bool = False,
    ids: bool = False,
    ordered: bool = True,
    tools: int = 1,
    deep: bool = False,
) -> bytes:
    """Write a sequence header. `uvlc` is the number of zeros before an interval, -1 for no equal one; `tools` 0 to 2 picks how
    the screen's tools are said."""
    bits = Bits()(profile, 3)(1)(reduced)
    if reduced:
        bits(5, 5)
    else:
        bits(timing)
        if timing:
            bits(1, 32)(25, 32)(uvlc >= 0)
            if uvlc >= 0:
                bits(0, uvlc)(1)(0, uvlc if uvlc < 32 else 0)
            bits(delays > 0)
            if delays:
                bits(delays - 1, 5)(3, 32)(9, 5)(9, 5)
        bits(shown)(points - 1, 5)
        for point in range(points):
            high = point % 2
            bits(0, 12)(9 if high else 5, 5)
            if high:
                bits(1)
            if delays:
                bits(1)(0, delays)(1, delays)(0)
            if shown:
                bits(1)(3, 4)
    bits(8, 4)(9, 4)(255, 9)(511, 10)
    if not reduced:
        bits(ids)
        if ids:
            bits(5, 4)(2, 3)
    bits(0, 3)
    if not reduced:
        bits(5, 4)(ordered)
        if ordered:
            bits(1, 2)
        # Chosen by the picture; said, with another choice; said to be off.
        bits(1) if tools == 0 else bits(0)(tools == 1)
        if tools < 2:
            bits(0)(1) if tools else bits(1)
        if ordered:
            bits(6, 3)
    bits(3, 3)(deep)
    if profile == 2 and deep:
        bits(1)
    if profile != 1:
        bits(0)
    bits(code is not None)
    if code is not None:
        bits(code[0], 8)(code[1], 8)(6, 8)
    return bits.bytes()


def leb128(value: int, bytes_: int = 1) -> bytes:
    return bytes(value >> 7 * place & 127 | (128 if place < bytes_ - 1 else 0) for place in range(bytes_))


def unit(kind: int, body: bytes, *, sized: bool = True, extended: bool = False, size_bytes: int = 1) -> bytes:
    start = bytes([kind << 3 | extended << 2 | sized << 1]) + (b"\0" if extended else b"")
    return start + (leb128(len(body), size_bytes) if sized else b"") + body


DELIMITER = unit(2, b"")
FRAME = unit(6, bytes(20))


def av1(code: tuple[int, int] | None = PLAIN) -> bytes:
    return DELIMITER + unit(1, header(code)) + FRAME


def box(kind: bytes, body: bytes, *, form: str = "") -> bytes:
    if form == "to the end":
        return struct.pack(">I4s", 0, kind) + body
    if form == "long":
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


Item = tuple[bytes, bytes]
"""A kind of item, and its bytes."""


def still(
    *items: Item,
    version: int = 0,
    sizes: tuple[int, int, int, int] = (4, 4, 0, 0),
    names: int = 2,
    form: str = "",
    extents: int = 1,
    elsewhere: int = 0,
    before: bytes = b"",
) -> bytes:
    """Write a still AVIF: `sizes` are the bytes of offset, length, base and index in iloc, `names` is the version of infe."""

    def meta(start: int) -> bytes:
        wide = ">I" if version == 2 else ">H"
        places, at = b"", start
        for number, (_, body) in enumerate(items, 1):
            places += struct.pack(wide, number)
            if version:
                places += struct.pack(">H", elsewhere)
            base = at // 2 if sizes[2] else 0
            places += struct.pack(">H", 0) + base.to_bytes(sizes[2], "big") + struct.pack(">H", extents)
            for _ in range(extents):
                places += bytes(sizes[3]) + (at - base).to_bytes(sizes[0], "big")
                places += len(body).to_bytes(sizes[1], "big") if sizes[1] else b""
            at += len(body)
        iloc = struct.pack(">B3xBB", version, sizes[0] << 4 | sizes[1], sizes[2] << 4 | (sizes[3] if version else 0))
        iloc += struct.pack(wide, len(items)) + places
        infes = b"".join(
            box(b"infe", struct.pack(">B3x", names) + struct.pack(">I" if names == 3 else ">H", number) + b"\0\0" + kind + b"\0")
            for number, (kind, _) in enumerate(items, 1)
        )
        iinf = bytes(4) + struct.pack(">H", len(items)) if names == 2 else b"\1\0\0\0" + struct.pack(">I", len(items))
        return box(b"meta", bytes(4) + box(b"iinf", iinf + infes) + box(b"iloc", iloc, form=form))

    head = box(b"ftyp", b"avif\0\0\0\0avifmif1") + before
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", b"".join(body for _, body in items))


def moving(body: bytes, kind: bytes = b"stco", before: bytes = b"") -> bytes:
    """Write an AVIF of one track whose frames begin with `body`, behind what stands before it."""
    number = ">I" if kind == b"stco" else ">Q"

    def moov(start: int) -> bytes:
        chunk = box(kind, bytes(4) + struct.pack(">I", 1) + struct.pack(number, start))
        for name in (b"stbl", b"minf", b"mdia", b"trak"):
            chunk = box(name, chunk)
        return box(b"moov", chunk)

    head = before or box(b"ftyp", b"avis\0\0\0\0avismif1")
    start = len(head) + len(moov(0)) + 8
    return head + moov(start) + box(b"mdat", body)


HEADERS = {
    "reduced": header(LINEAR),
    "deep": header(LINEAR, deep=True),
    "profile 1": header(LINEAR, profile=1),
    "profile 2, deep": header(LINEAR, profile=2, deep=True),
    "profile 2": header(LINEAR, profile=2),
    "whole": header(LINEAR, reduced=False),
    "no order": header(LINEAR, reduced=False, ordered=False),
    "frames have numbers": header(LINEAR, reduced=False, ids=True),
    "tools chosen": header(LINEAR, reduced=False, tools=0),
    "tools off": header(LINEAR, reduced=False, tools=2),
    "timed": header(LINEAR, reduced=False, timing=True),
    "timed equally": header(LINEAR, reduced=False, timing=True, uvlc=0),
    "timed equally by a long number": header(LINEAR, reduced=False, timing=True, uvlc=13),
    "timed equally by no number": header(LINEAR, reduced=False, timing=True, uvlc=40),
    "delayed": header(LINEAR, reduced=False, timing=True, delays=7),
    "shown late": header(LINEAR, reduced=False, shown=True),
    "all points": header(LINEAR, reduced=False, timing=True, uvlc=3, delays=32, points=32, shown=True, ids=True, tools=0),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_says_its_colours_whatever_stands_before(name: str) -> None:
    assert pictures_say(still((b"av01", DELIMITER + unit(1, HEADERS[name], size_bytes=3)))) == {LINEAR}


def test_the_longest_header_is_read_whole() -> None:
    assert 300 < len(HEADERS["all points"]) < 400


@pytest.mark.parametrize("reduced", [True, False])
def test_a_header_may_say_nothing(reduced: bool) -> None:
    assert pictures_say(still((b"av01", unit(1, header(None, reduced=reduced))))) == set()


LINEAR_PICTURE: Item = (b"av01", av1(LINEAR))
EXIF: Item = (b"Exif", b"\0\0\0\6Exif\0\0MM\0*" + bytes(30))
GRID: Item = (b"grid", bytes(8))

FILES = {
    "one item": still(LINEAR_PICTURE),
    "metadata beside it": still(EXIF, LINEAR_PICTURE, (b"mime", b"<x:xmpmeta/>")),
    "put together of two": still(GRID, LINEAR_PICTURE, LINEAR_PICTURE),
    "iloc 1": still(LINEAR_PICTURE, version=1),
    "iloc 1 with an index": still(LINEAR_PICTURE, version=1, sizes=(4, 4, 0, 4)),
    "iloc 2": still(LINEAR_PICTURE, version=2, names=3),
    "iloc with a base": still(EXIF, LINEAR_PICTURE, sizes=(4, 0, 8, 0)),
    "iloc of long numbers": still(LINEAR_PICTURE, sizes=(8, 8, 4, 0)),
    "a long box": still(LINEAR_PICTURE, form="long"),
    "a box before it": still(LINEAR_PICTURE, before=box(b"free", bytes(99), form="long")),
    "the last box is not closed": still(LINEAR_PICTURE) + box(b"free", b"abc", form="to the end"),
    "stco": moving(av1(LINEAR)),
    "co64": moving(av1(LINEAR), b"co64"),
    "no delimiter": still((b"av01", unit(1, header(LINEAR)))),
    "a unit with layers": still((b"av01", unit(1, header(LINEAR), extended=True))),
    "a header without a size": still((b"av01", DELIMITER + unit(1, header(LINEAR), sized=False))),
    "a size of many bytes": still((b"av01", unit(1, header(LINEAR), size_bytes=8))),
    "other units before it": still((b"av01", unit(5, b"it") + unit(15, bytes(300), size_bytes=2) + FRAME + av1(LINEAR))),
}


@pytest.mark.parametrize("name", FILES)
def test_pictures_are_found_wherever_a_reader_finds_them(name: str) -> None:
    assert pictures_say(FILES[name]) == {LINEAR}


def test_every_picture_is_asked() -> None:
    assert pictures_say(still((b"av01", av1(PLAIN)), (b"av01", av1(LINEAR)))) == {PLAIN, LINEAR}
    assert pictures_say(moving(av1(LINEAR), before=still((b"av01", av1(PQ))))) == {PQ, LINEAR}


DECOY: Item = (b"av01", av1(PLAIN))
FAR = unit(5, b"") * 20

UNCLEAR: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no boxes": lambda: b"hello, this is no AVIF",
    "no picture": lambda: still(EXIF),
    "names that tell no kind": lambda: still(DECOY, names=0),
    "a header behind many units": lambda: still(DECOY, (b"av01", FAR + av1(LINEAR))),
    "no header": lambda: still(DECOY, (b"av01", DELIMITER)),
    "a picture in two pieces": lambda: still(DECOY, extents=2),
    "a picture in another box": lambda: still(DECOY, version=1, elsewhere=1),
    "a picture beyond the end": lambda: still(DECOY)[: -len(DECOY[1])],
    "a size without an end": lambda: still(DECOY, (b"av01", b"\x12" + b"\xff" * 9)),
    "a header that ends early": lambda: still(DECOY, (b"av01", unit(1, header(LINEAR)[:4]))),
    "a box smaller than its head": lambda: box(b"meta", b"\0\0\0\0\0\0\0\3iloc"),
    "boxes inside each other": lambda: nested(30) + still(DECOY),
    "too many items": lambda: box(b"meta", bytes(4) + box(b"iloc", b"\0\0\0\0\x44\0\xff\xff" + bytes(9_000))),
    "many boxes of items": lambda: still(DECOY, before=box(b"iloc", iloc_of_nothing(900)) * 2),
    "too many tracks": lambda: many_tracks(1_100),
}


def nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(b"moov", inner)
    return inner


def iloc_of_nothing(items: int) -> bytes:
    return struct.pack(">B3xBBH", 0, 0x44, 0, items) + b"".join(
        struct.pack(">HHHII", item, 0, 1, item, 1) for item in range(items)
    )


def many_tracks(tracks: int) -> bytes:
    return b"".join(box(b"stco", struct.pack(">4xII", 1, track)) for track in range(tracks))


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_not_clear_is_said_to_be_unreadable(name: str) -> None:
    """A reader may find another picture than we do, so that nobody but a person can say how it looks."""
    with pytest.raises((ValueError, struct.error)):
        pictures_say(UNCLEAR[name]())


def test_the_decoy_alone_is_clear() -> None:
    """The control of the rows above."""
    assert pictures_say(still(DECOY)) == {PLAIN}


@pytest.mark.parametrize("hidden", [FRAME, FAR])
def test_a_decoy_hides_no_header_behind_other_units(hidden: bytes) -> None:
    """The real encoder's file, with units before its own header and a thumbnail that says the harmless thing."""
    data = avif_without_colour_box(*LINEAR, levels(0, 12))
    start = data.index(b"mdat") + 4
    size = struct.unpack_from(">I", data, start - 8)[0]
    item = hidden + data[start : start - 8 + size]
    try:
        assert pictures_say(still(DECOY, (b"av01", item))) == {PLAIN, LINEAR}
    except ValueError as error:
        assert hidden is FAR and str(error) == "a picture has no header"


def test_real_files_say_what_their_encoder_was_told() -> None:
    said = encoded(photo(64, 64), "AVIF", speed=10)
    assert (boxes_say(said), pictures_say(said)) == ({PLAIN}, {PLAIN})
    for code in (PLAIN, LINEAR, PQ):
        data = avif_without_colour_box(*code, levels(40, 220))
        assert (boxes_say(data), pictures_say(data)) == (set(), {code})
    assert pictures_say(animation(3, "AVIF")) == {PLAIN}


def test_colour_boxes_are_found_also_where_no_reader_looks() -> None:
    colours = [struct.pack(">8sHH", b"colrnclx", *code) for code in (LINEAR, PQ, (5, 5), (6, 6))]
    assert boxes_say(b"") == boxes_say(colours[0][:-1]) == boxes_say(b"colrprof" + bytes(9)) == set()
    assert boxes_say(b"x" + colours[0] + bytes(50) + colours[1]) == {LINEAR, PQ}
    assert len(boxes_say(b"".join(colours) * 1_000)) == 3


class Counted(bytes):
    """Count how often it is looked into, and how much is copied out of it."""

    looks = copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> int | bytes:  # type: ignore[override]
        found = super().__getitem__(key)
        Counted.looks += 1
        Counted.copied += len(cast(bytes, found)) if isinstance(key, slice) else 1
        return found


HOSTILE = {
    "items that all begin with delimiters": still(*[(b"av01", DELIMITER)] * 900, (b"av01", DELIMITER * 500_000)),
    "headers that claim the whole file": still(*[(b"av01", b"\x0a" + leb128(1 << 30, 5))] * 900, (b"free", bytes(1_000_000))),
    "sizes without an end": still(*[(b"av01", b"\x12" + b"\xff" * 100)] * 900),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_is_bounded_whatever_a_file_claims(name: str) -> None:
    Counted.looks = Counted.copied = 0
    with contextlib.suppress(ValueError, struct.error):
        pictures_say(Counted(HOSTILE[name]))
    assert 1_000 < Counted.looks < 100_000
    assert Counted.copied < 1_000_000


REAL = [
    encoded(photo(48, 48), "AVIF", speed=10),
    encoded(photo(48, 48).convert("RGBA"), "AVIF", speed=10),
    animation(3, "AVIF"),
    avif_without_colour_box(*LINEAR, levels(0, 12)),
    *FILES.values(),
]

FUZZ = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(
    st.sampled_from(REAL), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), max_size=8), st.floats(0, 1), st.booleans()
)
def test_spoiled_files_raise_what_is_said_and_nothing_else(
    data: bytes, edits: list[tuple[float, bytes]], cut: float, whole: bool
) -> None:
    changed = bytearray(data)
    for where, what in edits:
        # The boxes stand first, so most edits go there.
        at = int(where * where * len(changed))
        changed[at : at + len(what)] = what
    spoiled = bytes(changed if whole else changed[: int(cut * len(changed))])
    boxes_say(spoiled)
    try:
        said = pictures_say(spoiled)
    except (ValueError, struct.error):
        return
    assert all(0 <= number < 256 for code in said for number in code)


@FUZZ
@given(st.binary(max_size=600))
def test_random_bytes_after_a_start(rest: bytes) -> None:
    try:
        pictures_say(box(b"ftyp", b"avif\0\0\0\0avifmif1") + rest)
    except (ValueError, struct.error):
        return


def test_every_cut_of_a_file_is_read_or_refused() -> None:
    for name in ("iloc 2", "put together of two", "stco"):
        data, clear = FILES[name], 0
        for end in range(len(data)):
            try:
                clear += pictures_say(data[:end]) == {LINEAR}
            except (ValueError, struct.error):
                continue
        assert clear <= len(FRAME) + 3, "only what comes after the header may be missing"
