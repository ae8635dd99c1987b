"""Guessing is slowed down, wherever it comes from, and locks nobody out; what is costly is bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.db.tables import audit, sign_in_tries
from app.domain.errors import SettingsInvalid, SignInRefused, TooBusy, TooManyRequests
from app.domain.limits import ENTRY, EntryLimits, explained
from app.services.people import devices, links, passwords, sessions, tokens, tries
from app.services.people.passwords import Gate
from tests.support.core import Bench

WORD = "correct horse battery"
ANN = "ann@example.org"


@pytest.fixture
def ann(bench: Bench) -> int:
    link = links.setup_link(bench.core)
    assert link is not None
    return links.create_owner(bench.core, link.rsplit("/", 1)[1], ANN, "Ann", WORD)


class Hasher:
    """Count what is hashed, and how much of it at a time, in the place of the real one."""

    def __init__(self) -> None:
        self.lock, self.now, self.most, self.all = threading.Lock(), 0, 0, 0
        self.held = threading.Event()
        self.held.set()

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, stored: str, password: str) -> bool:
        with self.lock:
            self.now, self.all = self.now + 1, self.all + 1
            self.most = max(self.most, self.now)
        self.held.wait(30)
        threading.Event().wait(0.01)
        with self.lock:
            self.now -= 1
        if stored != f"hash of {password}":
            raise passwords.Argon2Error
        return True


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hasher]:
    made = Hasher()
    monkeypatch.setattr(passwords, "_hasher", made)
    passwords._nobody.cache_clear()
    yield made
    passwords._nobody.cache_clear()


def guess(bench: Bench, email: str = ANN, password: str = "wrong", address: str = "198.51.100.7", device: str = "") -> str:  # noqa: S107
    try:
        sessions.sign_in(bench.core, email, password, address, device=device)
    except SignInRefused:
        return "wrong"
    except TooManyRequests as error:
        assert error.retry_after > 0
        return "wait"
    except TooBusy:
        return "busy"
    return "in"


def test_parallel_tries_pass_no_limit_and_cost_no_more_than_two_hashes_at_a_time(bench: Bench, hasher: Hasher, ann: int) -> None:
    with ThreadPoolExecutor(50) as pool:
        found = Counter(pool.map(lambda number: guess(bench, password=f"guess {number}"), range(50)))
    assert found == {"wrong": ENTRY.account_tries, "wait": 50 - ENTRY.account_tries}
    assert hasher.all == ENTRY.account_tries, "who has to wait costs no hash"
    assert 0 < hasher.most <= ENTRY.hashes_at_once


def test_the_queue_is_short_and_what_was_not_looked_at_is_no_wrong_password(
    bench: Bench, hasher: Hasher, ann: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_turn", Gate(EntryLimits(hashes_at_once=2, hashes_waiting=3, hash_wait_seconds=0.3)))
    hasher.held.clear()
    everywhere = [f"203.0.{number}.1" for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(guess, bench, f"p{number}@example.org", "x", address) for number, address in enumerate(everywhere)]
        while sum(one.done() for one in asked) < 10:
            threading.Event().wait(0.01)
        hasher.held.set()
        found = Counter(one.result() for one in asked)
    assert found == {"wrong": 2, "busy": 10}
    assert hasher.most == 2
    with bench.core.db.read() as connection:
        counted = [tuple(row) for row in connection.execute(select(sign_in_tries.c.key, sign_in_tries.c.count))]
    assert sum(count for key, count in counted if key.startswith("from:")) == 2


def test_a_pause_doubles_is_told_and_is_not_made_longer_by_asking(bench: Bench, hasher: Hasher, ann: int) -> None:
    for _ in range(ENTRY.account_tries):
        assert guess(bench) == "wrong"
    told = []
    for _ in range(4):
        with pytest.raises(TooManyRequests) as slowed:
            sessions.sign_in(bench.core, ANN, WORD, "198.51.100.7")
        told.append(slowed.value.retry_after)
        assert [guess(bench) for _ in range(3)] == ["wait"] * 3
        bench.clock.pass_seconds(slowed.value.retry_after)
        assert guess(bench) == "wrong"
    assert told == [2, 4, 8, 16]
    for _ in range(20):
        bench.clock.pass_seconds(ENTRY.longest_pause_seconds)
        assert guess(bench) != "busy"
    with pytest.raises(TooManyRequests) as slowed:
        sessions.sign_in(bench.core, ANN, WORD, "198.51.100.7")
    assert slowed.value.retry_after <= ENTRY.longest_pause_seconds
    bench.clock.pass_seconds(slowed.value.retry_after)
    assert guess(bench, password=WORD) == "in", "slowed down, and never locked out"


ATTACKS = {
    "one address": ["198.51.100.7"] * 60,
    "one network": [f"198.51.100.{number}" for number in range(60)],
    "one IPv6 household": [f"2001:db8:1:1::{number:x}" for number in range(60)],
    "one IPv6 range": [f"2001:db8:1:{number:x}::1" for number in range(60)],
    "an IPv4 address as IPv6": ["::ffff:198.51.100.7"] * 60,
    "many networks": [f"10.{number}.0.1" for number in range(60)],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_whoever_guesses_one_name_is_slowed_down_and_its_person_comes_in(
    bench: Bench, hasher: Hasher, ann: int, attack: str
) -> None:
    token = sessions.sign_in(bench.core, ANN, WORD, "203.0.113.9")
    device = devices.remember(bench.core, "", ann)
    found = Counter(guess(bench, address=address) for address in ATTACKS[attack])
    assert found["wait"] > 30 and found["wrong"] <= ENTRY.everywhere_tries, found
    assert guess(bench, password=WORD, address="203.0.113.77") == "in", "a network that the account knows"
    assert guess(bench, password=WORD, address=ATTACKS[attack][0], device=device) == "in", "a device that it knows"
    assert sessions.signed_in(bench.core, token) is not None


@pytest.mark.parametrize(
    ("attack", "most"),
    [
        ("one address", ENTRY.address_tries),
        ("one network", ENTRY.network_tries),
        ("one IPv6 household", ENTRY.address_tries),
        ("one IPv6 range", ENTRY.network_tries),
        ("an IPv4 address as IPv6", ENTRY.address_tries),
    ],
)
def test_whoever_tries_many_names_is_slowed_down(bench: Bench, hasher: Hasher, ann: int, attack: str, most: int) -> None:
    found = [guess(bench, f"p{number}@example.org", address=address) for number, address in enumerate(ATTACKS[attack])]
    assert Counter(found) == {"wrong": most, "wait": 60 - most}


def test_an_address_that_everybody_shares_is_counted_against_nobody(bench: Bench, hasher: Hasher, ann: int) -> None:
    for number in range(60):
        assert guess(bench, f"p{number}@example.org", address="") == "wrong"
    assert guess(bench, password=WORD, address="") == "in"


def test_a_device_has_its_own_budget_and_a_forged_one_none(bench: Bench, hasher: Hasher, ann: int) -> None:
    device = devices.remember(bench.core, "", ann)
    assert Counter(guess(bench, device=device) for _ in range(10)) == {"wrong": ENTRY.account_tries, "wait": 5}
    assert guess(bench, password=WORD, address="203.0.113.9") == "in"
    for forged in ("x", device[:-4] + "AAAA", "é", "", device[:40]):
        assert devices.known(bench.core, forged, ann) == ""
    assert devices.known(bench.core, device, ann + 1) == ""
    assert devices.known(bench.core, devices.remember(bench.core, device, ann + 1), ann), "it remembers several people"
    bench.clock.pass_seconds(ENTRY.known_days * 86_400)
    assert devices.known(bench.core, device, ann) == ""


def test_wrong_passwords_are_forgotten_and_right_ones_not_counted(bench: Bench, hasher: Hasher, ann: int) -> None:
    for _ in range(30):
        assert guess(bench, password=WORD) == "in"
    for _ in range(ENTRY.account_tries - 1):
        assert guess(bench) == "wrong"
    assert guess(bench, password=WORD) == "in"
    for _ in range(ENTRY.account_tries):
        assert guess(bench) == "wrong"
    assert guess(bench) == "wait"
    bench.clock.pass_seconds(ENTRY.recovery_minutes * 60 * ENTRY.account_tries)
    for _ in range(ENTRY.account_tries):
        assert guess(bench) == "wrong"
    bench.clock.pass_seconds(ENTRY.recovery_minutes * 60 * 60)
    sessions.forget_old(bench.core)
    with bench.core.db.read() as connection:
        assert connection.execute(select(sign_in_tries)).all() == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", ("198.51.100.7", "198.51.100.0/24", "198.51.100.0/24")),
        ("::ffff:198.51.100.7", ("198.51.100.7", "198.51.100.0/24", "198.51.100.0/24")),
        ("2001:db8:1:2:3::4", ("2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/64", "fe80::/48")),
        ("", ("", "", "")),
        ("unix:", ("", "", "")),
    ],
)
def test_what_an_address_counts_as(address: str, expected: tuple[str, str, str]) -> None:
    found = tries.origin(address)
    assert (found.address, found.home, found.range) == expected


COMMON = [
    "1234567890", "password123", "Password2026!", "qwertyuiop", "QWERTYUIOP", "aaaaaaaaaaaaaaa", "121212121212", "0123456789",
    "!!dragon!!1", "iloveyou1234", "picward2026", "annabella@example.org", "Annabella Smith", "annabella!1",
]  # fmt: skip


@pytest.mark.table("passwords that guessers try first")
@pytest.mark.parametrize("password", COMMON)
def test_what_guessers_try_first_is_no_new_password(bench: Bench, ann: int, password: str) -> None:
    link = links.invite(bench.core, "annabella@example.org", "reviewer", [], "Ann").rsplit("/", 1)[1]
    reset = links.reset_link(bench.core, ann, "Ann").rsplit("/", 1)[1]
    with pytest.raises(SettingsInvalid) as joining:
        links.accept(bench.core, link, "Annabella Smith", password)
    assert set(joining.value.fields) == {"password"} and "choose another" in joining.value.fields["password"]
    if "anna" not in password.casefold():
        with pytest.raises(SettingsInvalid):
            links.reset(bench.core, reset, password)
        with pytest.raises(SettingsInvalid):
            sessions.change_password(bench.core, "", ann, WORD, password, "")


@pytest.mark.parametrize("password", [WORD, "another long password", "dragon 7391-0462-85", "x8Kq!mmmmm2v", "пароль-и-ещё-один"])
def test_other_passwords_are_taken(password: str) -> None:
    assert passwords.problem(password, ("ann@example.org", "Ann")) == ""


def test_the_list_is_there_bounded_and_says_where_it_is_from() -> None:
    assert 20_000 < len(passwords.common()) < 50_000
    assert all(word == word.casefold() for word in passwords.common())
    with passwords.gzip.open(passwords.COMMON, "rt") as file:
        head = file.read(5000)
    assert "zxcvbn" in head and "Django" in head and "MIT License" in head


def test_the_limits_explain_themselves() -> None:
    for name, unit, default, reason in explained(EntryLimits):
        assert unit and default > 0 and reason.endswith(".")
        assert getattr(ENTRY, name) == default


def lines(bench: Bench, prefix: str = "access.") -> list[tuple[str, str, str]]:
    with bench.core.db.read() as connection:
        rows = connection.execute(select(audit.c.actor, audit.c.action, audit.c.text).order_by(audit.c.id)).all()
    return [(actor, action.removeprefix(prefix), text) for actor, action, text in rows if action.startswith(prefix)]


def test_sign_ins_and_refusals_have_one_line_each_and_nothing_that_was_typed(
    bench: Bench, hasher: Hasher, ann: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    guess(bench, password="typed-by-mistake")
    guess(bench, "my-password-in-the-wrong-field")
    guess(bench, "another-one-there")
    guess(bench, password=WORD, device=devices.remember(bench.core, "", ann))
    assert lines(bench) == [
        ("Somebody", "refused", "A wrong password for Ann from 198.51.100.0/24"),
        ("Ann", "signed_in", "Signed in from 198.51.100.0/24"),
    ]
    told = [record.getMessage() for record in caplog.records if record.name == "app.services.people.access"]
    assert told == [
        "Somebody: A wrong password for Ann from 198.51.100.0/24 (198.51.100.7)",
        "Somebody: No account has this e-mail, from 198.51.100.0/24 (198.51.100.7)",
        "Somebody: No account has this e-mail, from 198.51.100.0/24 (198.51.100.7)",
        "Ann: Signed in from 198.51.100.0/24 (198.51.100.7)",
    ]
    assert "typed-by-mistake" not in caplog.text and "wrong-field" not in caplog.text


def test_strangers_do_not_fill_the_trail(bench: Bench, hasher: Hasher, ann: int) -> None:
    for number in range(200):
        guess(bench, f"p{number}@example.org", address=f"10.0.{number % 2}.1")
    assert Counter(action for _, action, _ in lines(bench)) == {"refused": 2}


def test_a_token_has_one_line_a_day_and_one_for_each_further_network(bench: Bench, ann: int) -> None:
    _, token = tokens.make(bench.core, "nightly", ["read"], "Ann")
    for _ in range(3):
        for address in ("198.51.100.7", "198.51.100.8", "203.0.113.1"):
            tokens.prove(bench.core, token, address)
            bench.clock.pass_seconds(70)
    used = ["from 198.51.100.0/24", "from 203.0.113.0/24"]
    assert [text for _, _, text in lines(bench)] == [f"The token “nightly” was used {where}" for where in used]
    bench.clock.pass_seconds(86_400)
    for number in range(100):
        tokens.prove(bench.core, token, f"10.0.{number}.1")
    assert len(lines(bench)) == 2 + tokens.NETWORKS
