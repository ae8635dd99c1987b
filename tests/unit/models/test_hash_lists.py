"""Hash lists: reading CSV, and matching."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.detector import MATCH_DISTANCE, Fingerprint, HashEntry, HashKind, ListKind
from app.domain.errors import HashListUnreadable
from models.hashes.csv_list import MAX_NOTE, parse
from models.hashes.index import Index
from models.hashes.pdq import turns_of

A, B = "ab" * 32, "0123456789abcdef" * 4


def fingerprint(pdq: str = "", sha256: str = "f" * 64) -> Fingerprint:
    return Fingerprint(sha256, pdq, 640, 480)


def flipped(value: str, bits: list[int]) -> str:
    number = int(value, 16)
    for bit in bits:
        number ^= 1 << bit
    return f"{number:064x}"


def test_a_whole_list_is_read() -> None:
    text = (
        "\ufeffkind,hash,list,category,note\r\n"
        f"sha256,{A.upper()},block,csae.known_hash,from the hotline\r\n"
        "\r\n"
        f'PDQ,{B},allow,,"our logo, large"\r\n'
        f"pdq,{A},,,\r\n"
    )
    assert parse(text, "site-1") == [
        HashEntry(HashKind.SHA256, A, ListKind.BLOCK, "csae.known_hash", "from the hotline", "site-1"),
        HashEntry(HashKind.PDQ, B, ListKind.ALLOW, "owner.allowed_hash", "our logo, large", "site-1"),
        HashEntry(HashKind.PDQ, A, ListKind.BLOCK, "owner.blocked_hash", "", "site-1"),
    ]


def test_columns_in_any_order_and_semicolons() -> None:
    assert parse(f"hash;kind\n{A};pdq\n") == [HashEntry(HashKind.PDQ, A, ListKind.BLOCK, "owner.blocked_hash")]
    assert parse("kind,hash") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Line 1"),
        (f"{A}\n", "Line 1"),
        ("hash\n", "Line 1"),
        ("kind,hash,colour\n", "colour"),
        ("kind,hash,hash\n", "Line 1"),
        (f"kind,hash\npdq,{A}\nmd5,{A}\n", "Line 3.*md5"),
        ("kind,hash\npdq,abc\n", "Line 2.*64"),
        (f"kind,hash\npdq,{'g' * 64}\n", "Line 2.*64"),
        (f"kind,hash\npdq,{A},x\n", "Line 2.*3 columns"),
        (f"kind,hash,list\npdq,{A},grey\n", "Line 2.*grey"),
        (f"kind,hash,category\npdq,{A},fun\n", "Line 2.*fun"),
        (f"kind,hash,list,category\npdq,{A},allow,csae.known_hash\n", "Line 2.*allow"),
        (f"kind,hash,list,category\npdq,{A},block,owner.allowed_hash\n", "Line 2.*block"),
        (f"kind,hash,note\npdq,{A},{'n' * (MAX_NOTE + 1)}\n", "Line 2.*note"),
        ('kind,hash\npdq,"abc\n', "Line 2"),
        ("kind,hash\npdq," + "a" * 200_000, "Line"),
    ],
)
def test_a_wrong_line_is_named(text: str, reason: str) -> None:
    with pytest.raises(HashListUnreadable, match=reason):
        parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "kind,hash\n" + text):
        with suppress(HashListUnreadable):
            assert isinstance(parse(whole), list)


def test_the_same_file_matches_exactly() -> None:
    index = Index([HashEntry(HashKind.SHA256, A, ListKind.BLOCK, "owner.blocked_hash", "never again")])
    (signal,) = index.match(fingerprint(sha256=A))
    assert (signal.category, signal.score, signal.note) == ("owner.blocked_hash", 1.0, "never again: the same file")
    assert index.match(fingerprint(sha256=B)) == () and len(index) == 1


@pytest.mark.parametrize("distance", range(0, MATCH_DISTANCE + 1))
def test_every_distance_up_to_the_limit_matches(distance: int) -> None:
    choose = random.Random(distance)
    value = f"{choose.getrandbits(256):064x}"
    index = Index([HashEntry(HashKind.PDQ, value, ListKind.BLOCK, "owner.blocked_hash")])
    (signal,) = index.match(fingerprint(flipped(value, choose.sample(range(256), distance))))
    assert signal.score >= 0.9 and f"{distance} of 256" in signal.note


def test_the_worst_spread_of_bits_is_found_and_one_more_is_not() -> None:
    index = Index([HashEntry(HashKind.PDQ, B, ListKind.BLOCK, "owner.blocked_hash")])
    spread = [64 * word + bit for word in range(4) for bit in range(8)]
    assert index.match(fingerprint(flipped(B, spread[:31])))
    assert not index.match(fingerprint(flipped(B, spread)))


def test_turned_pictures_match() -> None:
    index = Index([HashEntry(HashKind.PDQ, B, ListKind.BLOCK, "owner.blocked_hash")])
    for turn in turns_of(B):
        (signal,) = index.match(fingerprint(turn))
        assert signal.score == 1.0


def test_no_hash_below_the_quality_floor_matches() -> None:
    index = Index([HashEntry(HashKind.PDQ, "0" * 64, ListKind.BLOCK, "owner.blocked_hash")])
    assert index.match(fingerprint("")) == ()


def test_the_nearest_of_each_list_and_category_counts() -> None:
    index = Index(
        [
            HashEntry(HashKind.PDQ, flipped(B, [1, 2, 3]), ListKind.BLOCK, "owner.blocked_hash", "far"),
            HashEntry(HashKind.PDQ, flipped(B, [1]), ListKind.BLOCK, "owner.blocked_hash", "near"),
            HashEntry(HashKind.PDQ, B, ListKind.BLOCK, "terror.known_hash", "other"),
            HashEntry(HashKind.SHA256, A, ListKind.ALLOW, "owner.allowed_hash", "ours"),
        ]
    )
    signals = index.match(fingerprint(B, A))
    assert sorted(signal.category for signal in signals) == ["owner.allowed_hash", "owner.blocked_hash", "terror.known_hash"]
    assert next(signal for signal in signals if signal.category == "owner.blocked_hash").note.startswith("near")


def test_a_long_list_agrees_with_a_plain_scan() -> None:
    choose = random.Random(4)
    values = [f"{choose.getrandbits(256):064x}" for _ in range(70_000)]
    query = flipped(values[69_999], choose.sample(range(256), 20))
    entries = [HashEntry(HashKind.PDQ, value, ListKind.BLOCK, "owner.blocked_hash", str(row)) for row, value in enumerate(values)]
    index = Index(entries)
    plain = [row for row, value in enumerate(values) if (int(value, 16) ^ int(query, 16)).bit_count() <= MATCH_DISTANCE]
    (signal,) = index.match(fingerprint(query))
    assert plain == [69_999] and signal.note.startswith("69999:")


def test_a_wrong_value_is_refused() -> None:
    for value in ("abc", "z" * 64):
        with pytest.raises(HashListUnreadable):
            Index([HashEntry(HashKind.PDQ, value, ListKind.BLOCK, "owner.blocked_hash")])


@given(seed=st.integers(0, 10_000), entries=st.integers(0, 12), pictures=st.integers(0, 20))
def test_many_pictures_at_once_match_as_each_does_alone(seed: int, entries: int, pictures: int) -> None:
    dice = random.Random(seed)
    looks = [f"{dice.getrandbits(256):064x}" for _ in range(entries)]
    listed = [HashEntry(HashKind.PDQ, look, dice.choice([*ListKind]), "owner.blocked_hash") for look in looks]
    listed.append(HashEntry(HashKind.SHA256, A, ListKind.BLOCK, "csae.known_hash"))
    prints = []
    for number in range(pictures):
        pdq = ""
        if looks and dice.random() < 0.7:
            bits = dice.sample(range(256), dice.choice([0, 5, MATCH_DISTANCE, MATCH_DISTANCE + 1, 60]))
            pdq = dice.choice(turns_of(flipped(dice.choice(looks), bits)))
        elif dice.random() < 0.5:
            pdq = f"{dice.getrandbits(256):064x}"
        prints.append(fingerprint(pdq, A if dice.random() < 0.1 else f"{number:064x}"))
    index = Index(listed)
    alone = {number: found for number, one in enumerate(prints) if (found := index.match(one))}
    assert index.match_all(prints) == alone
