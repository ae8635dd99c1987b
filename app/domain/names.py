"""Names of people: what a site claims about one, and which names look alike. Pure."""

from __future__ import annotations

import unicodedata
from functools import cache

CLAIM_CHARACTERS = 100
"""How much of a name that a site claims is kept: display names are shorter, and a line of the history has to stay one."""

NAME_CHARACTERS = 200
"""The longest name of an account: the width of its column, with room for what stands before a claim."""

AT_THE_SITE = "at the site: "
"""Stands before every name that a site told us: it proved that it is the site, and not who sits there."""

OURS = ("Picward", "platform", "worker", "policy", "the command line")
"""Who else acts in the history beside people; a policy's version follows its name."""

PROGRAM = "(program)"
"""Ends the name of every program in the history."""

# Characters of the categories Mn, Lo and So that show nothing: Default_Ignorable_Code_Point, and the blank of Braille.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)  # fmt: skip


def cleaned(name: str) -> str:
    """Make a name one line of visible characters: compatible forms made plain (NFKC), blanks collapsed, and no control, format or
    bidirectional character."""
    plain = unicodedata.normalize("NFKC", name)
    seen = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in plain if c not in _UNSEEN)
    return " ".join(seen.split())


def claim(name: str, otherwise: str = "an administrator") -> str:
    """Mark a name as what a site told us, bounded; `otherwise` stands for one without a visible character."""
    told = cleaned(name[: 4 * CLAIM_CHARACTERS])
    while told.casefold().startswith(AT_THE_SITE.strip()):  # the mark itself is none of a claim
        told = told[len(AT_THE_SITE.strip()) :].strip()
    return AT_THE_SITE + (told[:CLAIM_CHARACTERS].strip() or otherwise)


def is_claim(name: str) -> bool:
    """Tell whether a name is what a site told us."""
    return name.startswith(AT_THE_SITE)


def by(name: str) -> str:
    """Say by whom: “by Ada”, and of a claim “at the site: Ada”."""
    return name if is_claim(name) else f"by {name}"


def looks(name: str) -> frozenset[str]:
    """Reduce a name to what an eye keeps of it. Names that share one of these look alike.

    These are skeletons of Unicode Technical Standard 39 (§4), of the name and of its small letters, without case, blanks and
    punctuation.
    """
    plain = _bare(unicodedata.normalize("NFKC", name))
    return frozenset(_skeleton(text).casefold() for text in (plain, plain.casefold()))


def alike(name: str, other: str) -> bool:
    return not looks(name).isdisjoint(looks(other))


def is_reserved(name: str) -> bool:
    """Tell whether a name looks like something in the history that is no account: a claim, a program, or ourselves."""
    begin, end = looks(AT_THE_SITE) | looks("policy v"), looks(PROGRAM)
    return any(
        any(look.startswith(mark) for mark in begin) or any(look.endswith(mark) for mark in end) for look in looks(name)
    ) or any(alike(name, ours) for ours in OURS)


def _skeleton(text: str) -> str:
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFD", text)
    return _bare(unicodedata.normalize("NFD", "".join(prototypes.get(c, c) for c in decomposed)))


def _bare(text: str) -> str:
    return "".join(c for c in text if c not in _UNSEEN and unicodedata.category(c)[0] not in "CZP")


@cache
def _prototypes() -> dict[str, str]:
    """Give what each look-alike stands for.

    The package turns Unicode's table round as well: a look-alike lists its one prototype, a prototype all its look-alikes. Of
    two that list only each other either may stand for both.
    """
    from confusable_homoglyphs.confusables import confusables_data  # a megabyte, which few processes need

    table = {_undirected(one): [_undirected(other["c"]) for other in others] for one, others in confusables_data.items()}
    found = {}
    for one, others in table.items():
        if len(one) == 1 and len(others) == 1 and (len(others[0]) > 1 or len(table[others[0]]) > 1 or others[0] < one):
            found[one] = others[0]
    return found


def _undirected(text: str) -> str:
    return text.replace("\u200e", "")  # the table's mark around what is written from right to left
