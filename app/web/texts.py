"""The texts of all pages, through one catalogue: gettext's, in `locale/`.

English is in the code. A translation is a folder `locale/<language>/LC_MESSAGES` with `picward.po` and what is compiled of it.
Messages are whole sentences with named placeholders, and a percent sign in one is written twice.
"""

from __future__ import annotations

import gettext as catalogues
from functools import cache
from pathlib import Path

from flask import Flask, g, has_request_context, request
from markupsafe import Markup, escape

LOCALE = Path(__file__).parent / "locale"

SOURCE = "en"
"""The language that the code is written in."""


@cache
def languages() -> tuple[str, ...]:
    """List the languages that pages can be shown in; the first is the code's own."""
    return (SOURCE, *sorted(path.parent.parent.name for path in LOCALE.glob("*/LC_MESSAGES/picward.mo")))


@cache
def catalogue(language: str) -> catalogues.NullTranslations:
    return catalogues.translation("picward", LOCALE, [language], fallback=True)


def language() -> str:
    """Choose the language of this request: the best of what the browser asks for."""
    if not has_request_context():
        return SOURCE
    if "language" not in g:
        g.language = request.accept_languages.best_match(languages()) or SOURCE
    chosen: str = g.language
    return chosen


def _found(message: str) -> str:
    return catalogue(language()).gettext(message)


def _counted(singular: str, plural: str, count: int) -> str:
    return catalogue(language()).ngettext(singular, plural, count)


def _(message: str, **values: object) -> str:
    """Translate a message into the reader's language, its placeholders filled in."""
    return _found(message) % values


def ngettext(singular: str, plural: str, count: int, **values: object) -> str:
    """Translate a message about a number of things; `%(num)s` is the number."""
    return _counted(singular, plural, count) % {"num": count, **values}


def say(text: str) -> str:
    """Translate a text that is declared elsewhere (a setting's title, a category, a platform), as it stands."""
    return _found(text) if text else ""


def marked(message: str) -> str:
    """Mark a message for the catalogue that is said later, by `_` or `ngettext`."""
    return message


class Lazy:
    """A message that is translated when it is shown: for tables at module level."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return _(self.message)

    def __html__(self) -> Markup:
        return escape(str(self))


lazy = Lazy


def register(application: Flask) -> None:
    """Provide the templates with `_`, `ngettext`, `{% trans %}` and the page's language."""
    application.jinja_env.add_extension("jinja2.ext.i18n")
    application.jinja_env.install_gettext_callables(_found, _counted, newstyle=True)  # type: ignore[attr-defined]
    application.jinja_env.globals["language"] = language
