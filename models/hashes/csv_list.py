"""Hash lists as CSV files."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import TypeVar

from app.domain.detector import OWN_CATEGORY, HashEntry, HashKind, ListKind
from app.domain.errors import HashListUnreadable
from app.domain.taxonomy import CATEGORIES

COLUMNS = ("kind", "hash", "list", "category", "note")
"""`kind` and `hash` are needed; `list` is block unless it says allow, and a category follows from the list."""

MAX_ROWS = 1_000_000
MAX_NOTE = 200

_Kind = TypeVar("_Kind", HashKind, ListKind)
_HEX = re.compile("[0-9a-f]{64}")


def parse(text: str, site_id: str = "") -> list[HashEntry]:
    """Read a list with a header row, commas or semicolons between. Raise `HashListUnreadable` that names the line."""
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    # Spreadsheets write semicolons where the comma is for decimals.
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        _check_header(names)
        entries: list[HashEntry] = []
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(entries) >= MAX_ROWS:
                raise HashListUnreadable(f"The list has more than {MAX_ROWS:,} hashes.")
            entries.append(_entry(names, row, reader.line_num, site_id))
    except csv.Error as error:
        raise HashListUnreadable(f"Line {reader.line_num}: {error}.") from None
    return entries


def _check_header(names: list[str]) -> None:
    wrong = [name for name in names if name not in COLUMNS]
    if wrong or "kind" not in names or "hash" not in names or len(set(names)) != len(names):
        raise HashListUnreadable(
            "Line 1 must name the columns: kind and hash, and if you like list, category and note"
            + (f"; “{wrong[0][:40]}” is none of them." if wrong else ".")
        )


def _entry(names: list[str], row: list[str], line: int, site_id: str) -> HashEntry:
    if len(row) != len(names):
        raise HashListUnreadable(f"Line {line}: it has {len(row)} columns where the header has {len(names)}.")
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=True)}
    kind = _one_of(HashKind, cells["kind"], line, "kind")
    list_ = _one_of(ListKind, cells.get("list") or ListKind.BLOCK, line, "list")
    value = cells["hash"].lower()
    if not _HEX.fullmatch(value):
        raise HashListUnreadable(f"Line {line}: the hash is not 64 hexadecimal digits.")
    category = cells.get("category") or OWN_CATEGORY[list_]
    if category not in CATEGORIES:
        raise HashListUnreadable(f"Line {line}: there is no category “{category[:60]}”.")
    if (list_ is ListKind.ALLOW) != (category == OWN_CATEGORY[ListKind.ALLOW]):
        raise HashListUnreadable(f"Line {line}: the category {category} does not go with the {list_} list.")
    note = cells.get("note", "")
    if len(note) > MAX_NOTE:
        raise HashListUnreadable(f"Line {line}: the note is longer than {MAX_NOTE} characters.")
    return HashEntry(kind, value, list_, category, note, site_id)


def _one_of(kinds: type[_Kind], word: str, line: int, column: str) -> _Kind:
    try:
        return kinds(word.lower())
    except ValueError:
        known = " or ".join(kinds)
        raise HashListUnreadable(f"Line {line}: the {column} is “{word[:40]}”; it must be {known}.") from None
