"""`make strings`: every text of the pages, in app/web/locale/picward.pot.

Three kinds: what templates and Python mark (Babel finds it), what is declared elsewhere and shown by pages (settings,
categories, platforms), and what errors say in constant words.
"""

from __future__ import annotations

import ast
import dataclasses
import io
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from app.domain import choices, errors
from app.domain.presets import PRESETS
from app.domain.rejections import REJECTIONS
from app.domain.settings import SiteSettings, declare
from app.domain.taxonomy import CATEGORIES
from app.services.people import passwords, tokens
from app.services.review import keys
from app.web.texts import LOCALE
from integrations.registry import platforms

ROOT = Path(__file__).parents[2]
POT = LOCALE / "picward.pot"

_METHODS = [("**/templates/**.html", "jinja2"), ("*/pages/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {pattern: {"newstyle_gettext": "true", "silent": "false"} for pattern, kind in _METHODS if kind == "jinja2"}
_KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "lazy": None, "marked": None, "ngettext": (1, 2)}
_ERRORS = {name for name in vars(errors) if isinstance(getattr(errors, name), type)} | {"refuse"}


def marked() -> Iterator[tuple[str, Any]]:
    """Give what templates and the web's Python mark."""
    for room in ("app/web", "integrations"):
        found = extract_from_dir(ROOT / room, _METHODS, _OPTIONS, _KEYWORDS)
        for file, _line, message, _comments, _context in sorted(found, key=lambda item: (item[0], item[1], str(item[2]))):
            yield f"{room}/{file}", message


_TABLES = {
    "app/domain/taxonomy.py": (CATEGORIES,),
    "app/domain/choices.py": (choices.GROUPS, declare(choices.Choices)),
    "app/domain/presets.py": (PRESETS,),
    "app/domain/rejections.py": (REJECTIONS,),
    "app/services/review/keys.py": (keys.ACTIONS,),
    "app/services/people/passwords.py": ({"choices": {"short": passwords.TOO_SHORT, "long": passwords.TOO_LONG}},),
    "app/services/people/tokens.py": ({"choices": tokens.SCOPES},),
}
"""Tables whose words pages show."""

_SPOKEN = {"title", "about", "why", "description", "summary", "hiding"}
"""What such a row calls its words; `choices` maps keys to words."""


def declared() -> Iterator[tuple[str, str]]:
    """Give what is declared in tables and by platforms, and shown by pages."""
    for place, tables in _TABLES.items():
        yield from ((place, text) for table in tables for text in _words(table))
    # What a platform of somebody else's shows when it declares no settings of its own.
    yield from (("app/domain/settings.py", text) for text in _words(declare(SiteSettings)))
    for slug, platform in sorted(platforms().items()):
        spoken = {name: getattr(platform, name, "") for name in _SPOKEN}
        for text in _words([spoken, platform.connect_fields, declare(platform.Settings)]):
            yield f"integrations/{slug}", text


def _words(told: Any) -> Iterator[str]:
    """Give the words of rows, however they are nested."""
    if dataclasses.is_dataclass(told):
        told = {field.name: getattr(told, field.name) for field in dataclasses.fields(told)}
    if isinstance(told, Mapping):
        for name, value in told.items():
            if name in _SPOKEN and isinstance(value, str):
                yield value
            elif name == "choices":
                yield from value.values()
            else:
                yield from _words(value)
    elif isinstance(told, list | tuple):
        for one in told:
            yield from _words(one)


def refused() -> Iterator[tuple[str, str]]:
    """Give what our errors say where they say it in constant words."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value in _said(node):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield str(path.relative_to(ROOT)), value.value


def _said(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name in _ERRORS:
            fields = [value for given in node.args if isinstance(given, ast.Dict) for value in given.values]
            return [*node.args[:1], *fields]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        target = node.targets[0].value
        if isinstance(target, ast.Name) and target.id == "wrong":
            return [node.value]
    return []


def template() -> bytes:
    """Give the catalogue that translations are made from; without dates and lines, so that it changes with the texts only."""
    catalogue = Catalog(project="Picward", charset="utf-8")
    for place, message in (*marked(), *declared(), *refused()):
        if message and (message if isinstance(message, str) else message[0]).strip():
            catalogue.add(message, locations=[(place, 1)])
    for message in catalogue:
        message.locations = sorted(set(message.locations))
    file = io.BytesIO()
    write_po(file, catalogue, width=120, omit_header=True, sort_output=True, include_lineno=False)
    return file.getvalue()


if __name__ == "__main__":
    for room in sorted(ROOT.glob("tests/integrations/*/strings.py")):  # a plugin speaks for itself
        runpy.run_module(f"tests.integrations.{room.parent.name}.strings", run_name="__main__")
    POT.write_bytes(template())
