"""Patterns of object names, matched in time that grows with the name alone: uploaders choose names, owners choose patterns."""

from __future__ import annotations

import re
from functools import lru_cache

ANYTHING = "*"
OWNER = "{uid}"


class PathPattern:
    """Match names in which `*` stands for any characters, and `{uid}` for one part between slashes, which is captured.

    A pattern that ends in a slash means everything below it; a slash at its beginning means nothing. The states that a
    pattern can be in are the bits of one integer, so that a name of n characters costs n steps whatever the pattern is, where
    a regular expression with a few stars takes n to the power of their number (Thompson, Communications of the ACM 11 (6),
    1968; the bits: Baeza-Yates and Gonnet, ibid. 35 (10), 1992).
    """

    def __init__(self, path: str) -> None:
        path = path.lstrip("/")
        path = re.sub(r"\*+", ANYTHING, path + ANYTHING if path.endswith("/") else path)
        tokens = re.findall(r"\*|\{uid\}|.", path, re.DOTALL)
        self._end = len(tokens)
        self._literals: dict[str, int] = {}
        self._stars = self._owners = 0
        for state, token in enumerate(tokens):
            if token == ANYTHING:
                self._stars |= 1 << state
            elif token == OWNER:
                self._owners |= 1 << state
            else:
                self._literals[token] = self._literals.get(token, 0) | 1 << state
        self._captured = tokens.index(OWNER) if OWNER in tokens else None

    def matches(self, name: str) -> bool:
        """Tell whether the whole name fits."""
        return bool(self._fitting(name)[0] & 1)

    def owner_in(self, name: str) -> str:
        """Return what the first `{uid}` stands for, "" when the name does not fit or the pattern has none.

        Where a name can be read in several ways, each star takes as much as it can, the first one first.
        """
        if self._captured is None or not (fitting := self._fitting(name))[0] & 1:
            return ""
        state = at = 0
        while True:
            stays = at < len(name) and fitting[at + 1] >> state & 1
            if state == self._captured:
                begin = at
                while fitting[at + 1] >> state & 1:
                    at += 1
                return name[begin : at + 1]
            if self._stars >> state & 1:
                at, state = (at + 1, state) if stays else (at, state + 1)
            elif self._owners >> state & 1:
                at, state = (at + 1, state) if stays else (at + 1, state + 1)
            else:
                at, state = at + 1, state + 1

    def _fitting(self, name: str) -> list[int]:
        """Give for each place in a name the states from which the rest of it fits, as bits; the last place is its end."""
        fits = 1 << self._end
        fits |= self._stars & fits >> 1
        found = [fits]
        for character in reversed(name):
            after = fits >> 1
            fits = self._literals.get(character, 0) & after | self._stars & fits
            if character != "/":
                fits |= self._owners & (found[-1] | after)
            fits |= self._stars & fits >> 1  # a star may stand for nothing
            found.append(fits)
        return found[::-1]


@lru_cache(maxsize=1024)
def pattern(path: str) -> PathPattern:
    """Make the pattern of a path, once."""
    return PathPattern(path)
