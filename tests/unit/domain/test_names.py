"""Names: which look alike, which are taken by others than people, and what becomes of one that a site claims."""

from __future__ import annotations

import unicodedata

import pytest

from app.domain import names

ALIKE = [
    "Olivia  Owner", " olivia owner", "OLIVIA OWNER", "Olivia Оwner", "Οlivia Owner", "0livia 0wner",
    "OIivia Owner", "O1ivia Owner",
    "Olivia\u200bOwner", "Olivia\u00a0Owner", "Olivia\u3164Owner", "Oli\u00advia Owner",
    "Ｏｌｉｖｉａ Ｏｗｎｅｒ", "𝐎livia Owner", "Ⲟlivia Owner", "Olıvia Owner",
    "Olivia Owner.", "Olivia-Owner", "Olivia Ownеr", "Olivia Oᴡner",
    "\u202eOlivia Owner",
    "Olivia Owner\ufe0f", "Οlιvια Owner", "Olivia\u2800Owner", "OliviaOwner",
]  # fmt: skip


@pytest.mark.table("names that look like another")
@pytest.mark.parametrize("other", ALIKE, ids=ascii)
def test_names_that_look_alike_are_known(other: str) -> None:
    assert names.alike("Olivia Owner", other) and names.alike(other, "Olivia Owner")


@pytest.mark.parametrize("other", ["Oliver Owner", "Olivia Ower", "Olívia Owner", "Owner Olivia", "Olivia Owner II", "李雷"])
def test_other_names_are_other_names(other: str) -> None:
    assert not names.alike("Olivia Owner", other)


def test_two_letters_that_look_like_one() -> None:
    assert names.alike("Tom", "Torn")


@pytest.mark.table("names that look like another")
@pytest.mark.parametrize(
    "name",
    ["at the site: Bob", "At  the sіte Bob", "policy v3", "Policy", "Pіcward", "Bob (program)", "Bob (prоgram)", "worker",
     "Platform", "the command  line", "AT THE SITE"],
    ids=ascii,
)  # fmt: skip
def test_what_acts_beside_people_lends_its_name_to_nobody(name: str) -> None:
    assert names.is_reserved(name)


@pytest.mark.parametrize("name", ["Ada", "Bob at home", "Pollycarp", "Site Manager", "程序"])
def test_people_have_names_of_their_own(name: str) -> None:
    assert not names.is_reserved(name)


@pytest.mark.table("names that look like another")
@pytest.mark.parametrize(
    ("told", "claim"),
    [
        ("Olivia Owner", "at the site: Olivia Owner"),
        ("  a\u202eb\nc\x07\u200f ", "at the site: ab c"),
        ("at the site: at the site: Bob", "at the site: Bob"),
        ("", "at the site: an administrator"),
        ("\u3164\u200b", "at the site: an administrator"),
        ("x" * 5_000, "at the site: " + "x" * names.CLAIM_CHARACTERS),
        ("\ufdfa" * 200, None),  # one character that NFKC makes 18 of
    ],
    ids=ascii,
)
def test_a_claim_is_one_bounded_line_that_says_what_it_is(told: str, claim: str | None) -> None:
    made = names.claim(told)
    assert claim is None or made == claim
    assert names.is_claim(made) and names.is_reserved(made)
    assert len(made) <= len(names.AT_THE_SITE) + names.CLAIM_CHARACTERS
    assert made.isprintable() and not any(unicodedata.category(c)[0] == "C" for c in made)


def test_the_table_of_look_alikes_leads_to_one_prototype() -> None:
    table = names._prototypes()
    assert len(table) > 5_000
    assert {table[c] for c in "ΟОՕ0"} == {"O"} and {table[c] for c in "I1|"} == {"l"} and table["m"] == "rn"
    assert [c for c, prototype in table.items() if prototype in table] == []
