"""Every text of the plugin, in plugins/wordpress/picward/languages: the template, and the translations brought up to date.

`make strings` writes them after texts changed; what is new then waits for its translation.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PLUGIN = Path(__file__).parents[3] / "plugins/wordpress/picward"
FOLDER = PLUGIN / "languages"
TEMPLATE = FOLDER / "picward.pot"
LOCALES = ("de_DE", "es_ES", "fr_FR")

_PASSING = rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator|Language-Team): .*\n'
_TEXT = r"'((?:[^'\\]|\\.)*)'"
_CALL = re.compile(
    rf"\b(?:(?:__|_e|esc_html__|esc_html_e|esc_attr__)\( {_TEXT}, 'picward' \)|_n\( {_TEXT}, {_TEXT}, .+?, 'picward' \))"
)
_COMMENT = re.compile(r"translators: (.+?) \*/")


def found() -> Iterator[tuple[str | tuple[str, str], str, str]]:
    """Give each text, or its singular and plural, with the file that has it and the comment for translators."""
    for path in sorted(PLUGIN.rglob("*.php")):
        comment = ""
        for line in path.read_text().splitlines():
            for one, singular, plural in _CALL.findall(line):
                text = (_plain(singular), _plain(plural)) if singular else _plain(one)
                yield text, str(path.relative_to(PLUGIN)), comment
            said = _COMMENT.search(line)
            comment = said[1] if said else ""


def _plain(text: str) -> str:
    return re.sub(r"\\(['\\])", r"\1", text)


def template() -> Catalog:
    """Make the catalog of all texts, untranslated."""
    catalog = Catalog(project="Picward", version="", domain="picward", fuzzy=False)
    for text, file, comment in found():
        catalog.add(text, locations=[(file, None)], auto_comments=[f"translators: {comment}"] if comment else [])
    return catalog


def written(catalog: Catalog) -> bytes:
    """Write a catalog without anything that changes with the day."""
    catalog.header_comment = "# Texts of the Picward plugin for WordPress. GPL-2.0-or-later."
    out = io.BytesIO()
    write_po(out, catalog, width=120, omit_header=False, include_lineno=False, sort_output=True)
    return re.sub(_PASSING, b"", out.getvalue(), flags=re.M)


def translation(locale: str) -> Catalog:
    with (FOLDER / f"picward-{locale}.po").open("rb") as file:
        return read_po(file, locale=locale, domain="picward")


def main() -> None:
    texts = template()
    TEMPLATE.write_bytes(written(texts))
    for locale in LOCALES:
        catalog = translation(locale)
        catalog.update(texts, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        (FOLDER / f"picward-{locale}.po").write_bytes(written(catalog))
        catalog = translation(locale)
        catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # so that it changes with the texts only
        out = io.BytesIO()
        write_mo(out, catalog)
        (FOLDER / f"picward-{locale}.mo").write_bytes(_as_wordpress_reads(out.getvalue()))


def _as_wordpress_reads(mo: bytes) -> bytes:
    """Say where the table of hashes is, behind the translations, though it is empty: WordPress finds the end of those by it."""
    total, _, translations = struct.unpack_from("<3I", mo, 8)
    return mo[:24] + struct.pack("<I", translations + 8 * total) + mo[28:]


if __name__ == "__main__":
    main()
