"""Every text of the pages goes through the catalogue, and the catalogue has every text."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from jinja2 import Environment, nodes

from app.web import texts
from app.web.console import words
from tests.support import strings
from tests.web.house import House

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted([*ROOT.glob("app/web/templates/**/*.html"), *ROOT.glob("integrations/*/pages/**/*.html")])
SCRIPTS = sorted([*ROOT.glob("app/web/static/*.js"), *ROOT.glob("integrations/*/pages/*.js")])

SHOWN = {"aria-label", "alt", "placeholder", "title", "label", "data-said", "data-unsaid"}
"""Attributes that people see or hear."""

NOT_TEXT = {"script", "style", "code", "kbd", "svg"}
"""Elements whose content is no text: programs, commands, keys, drawings."""

VOID = {"input", "meta", "link", "br", "img", "hr", "path", "circle", "rect", "line", "wbr"}
"""Elements that never close."""

NAMES = {"Picward", "SHA-256", "CSV", "JSON", "API", "API v1", "OpenAPI", "PDQ"}

_WORD = re.compile(r"[^\W\d_]{2,}")
_HUMAN = re.compile(r"^[A-Z][a-z]+\b(?!_)|[a-z]{2,} [a-z]{2,}")
"""What people read, as opposed to a key: a capital letter first, or words with spaces between."""


_NO_WORDS = re.compile(r'\x00|https?://|aria-[a-z]+="[^"]*"|\b[a-z_]+(\.[a-z_]+)+\b')
"""What looks like words and is none: how addresses begin, attributes that a macro makes, keys with dots."""


class Reader(HTMLParser):
    """Collect the texts of a page, and those of attributes that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    @property
    def skipping(self) -> bool:
        return any(skip for _, skip in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        stored = known.get("lang") == "en" and tag != "html"
        if not self.skipping and not stored:
            self.found += [value for name, value in attrs if name in SHOWN and value]
        if tag not in VOID:
            self.open.append((tag, tag in NOT_TEXT or stored or known.get("translate") == "no"))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self.skipping and data.strip():
            self.found.append(" ".join(data.split()))


def read(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    return reader.found


def _environment() -> Environment:
    return Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)


def bare_texts(source: str) -> list[str]:
    """Give the texts of a template that stand outside the catalogue, as data or as a constant that is put out."""
    environment = _environment()
    source = re.sub(r"{% block width %}.*?{% endblock %}", "", source)  # stands in a class attribute of the page's frame
    skeleton, translated = "", False
    for _line, kind, value in environment.lex(source):
        if kind == "block_begin":
            skeleton += " "
        translated = {"trans": True, "endtrans": False}.get(value, translated) if kind == "name" else translated
        if kind == "data" and not translated:
            skeleton += value
        elif kind == "variable_begin":
            skeleton += "\x00"
    data = read(skeleton)
    for name in NAMES:
        data = [text for text in data if _WORD.search(_NO_WORDS.sub("", text).replace(name, ""))]
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    tree = environment.parse(source)
    constants = [text for node in tree.find_all((nodes.Output, nodes.Assign)) for text in _constants(node)]
    return data + [text for text in constants if _HUMAN.search(text) and text not in NAMES]


def _constants(node: nodes.Node) -> Iterator[str]:
    """Give string constants that can be put out: not what is looked up, compared, or said through the catalogue."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, nodes.Call):
        called = node.node.name if isinstance(node.node, nodes.Name) else ""
        # Not `url_for`, `_` and their like; a method is asked by key (`errors.get("role")`).
        if called not in ("_", "gettext", "ngettext", "url_for") and not (
            isinstance(node.node, nodes.Getattr) and not isinstance(node.node.node, nodes.Name)
        ):
            if isinstance(node.node, nodes.Getattr) and node.node.attr in ("get", "getlist", "may", "filename"):
                return
            for given in (*node.args, *(keyword.value for keyword in node.kwargs)):
                yield from _constants(given)
    elif isinstance(node, nodes.Filter):
        if node.node is not None:
            yield from _constants(node.node)
    elif isinstance(node, nodes.Compare | nodes.Getitem | nodes.Test | nodes.TemplateData):
        return
    elif isinstance(node, nodes.CondExpr):
        for branch in (node.expr1, node.expr2):
            if branch is not None:
                yield from _constants(branch)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from _constants(pair.value)
    else:
        for child in node.iter_child_nodes():
            yield from _constants(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_text_outside_the_catalogue(path: Path) -> None:
    assert bare_texts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "{{ 'Hello you' }}",
        "{{ 'Yes' if a else 'no thank you' }}",
        '<img alt="A cat">',
        '<a href="{{ x }}">Go on</a>',
        "{{ parts.send(url_for('x'), 'Try again') }}",
        "{% set title = 'Hello' %}",
        "{{ parts.field('name', _('Name'), hint='What you call it.') }}",
        "{{ 'At least %s characters.'|format(n) }}",
        "{% trans %}In{% endtrans %} out",
        "{{ _('x') }} waiting",
    ],
)
def test_text_outside_the_catalogue_is_found(source: str) -> None:
    assert bare_texts(source)


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ _('Hello you') }} · {{ name }}</p>",
        "{% trans n=1 %}Hello you{% endtrans %}",
        "<kbd>Enter</kbd> <code>picward link</code>",
        "{{ errors.get('Name') }}{{ a if b == 'Some text' }}",
        "<html lang='en'><title>{% block title %}Picward{% endblock %}</title>",
    ],
)
def test_what_is_in_the_catalogue_is_left_alone(source: str) -> None:
    assert bare_texts(source) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_no_texts_of_their_own(path: Path) -> None:
    """What a script says stands in the page, in a data attribute, where it can be translated."""
    source = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    said = re.findall(r"(?:textContent|innerText|innerHTML|ariaLabel)\s*=\s*([\"'`])(.+?)\1", source)
    assert [text for _quote, text in said if _HUMAN.search(text)] == []


def test_the_catalogue_is_up_to_date() -> None:
    assert strings.POT.read_bytes() == strings.template(), "run “make strings”"


def test_messages_can_be_filled_in() -> None:
    """A lone percent sign would break the page that shows it, in whichever language."""
    for place, message in strings.marked():
        for text in [message] if isinstance(message, str) else message:
            holes = dict.fromkeys(re.findall(r"%\((\w+)\)", text), 1)
            assert text % holes is not None, place


class Pseudo(gettext.NullTranslations):
    """Be a language that no page is written in: what the catalogue has is said between ⟦ and ⟧."""

    def __init__(self) -> None:
        super().__init__()
        with strings.POT.open("rb") as file:
            self.known = {one for message in read_po(file) if message.id for one in _ids(message.id)}

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧" if message in self.known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def _ids(message: Any) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    language = Pseudo()
    monkeypatch.setattr(texts, "catalogue", lambda _: language)
    monkeypatch.setattr(texts, "language", lambda: "xx")
    assert str(words.SAID["saved"]) == "⟦Saved.⟧"


def untranslated(page: str, data: set[str]) -> list[str]:
    """Give the texts of a page that did not come from the catalogue, apart from these data."""
    found = []
    for text in read(_without_marked(page)):
        for word in sorted(data | NAMES, key=len, reverse=True):
            text = text.replace(word, "")
        if _WORD.search(_NO_WORDS.sub("", text)):
            found.append(text)
    return found


def _without_marked(page: str) -> str:
    """Take away what stands between the marks, innermost first, but not the tags within it."""
    before = ""
    while before != page:
        before = page
        page = re.sub(r"⟦([^⟦⟧]*)⟧", lambda found: "".join(re.findall(r"<[^>]+>", found[1])), page)
    return page


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a translation of two messages, compiled as any other."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    german = Catalog(locale="de")
    german.add("Sign in", "Anmelden")
    german.add(("%(num)s day", "%(num)s days"), ("%(num)s Tag", "%(num)s Tage"))
    with (folder / "picward.mo").open("wb") as file:
        write_mo(file, german)
    monkeypatch.setattr(texts, "LOCALE", tmp_path)
    for cached in (texts.languages, texts.catalogue):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (texts.languages, texts.catalogue):
        cached.cache_clear()


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("wanted", "language", "said"),
    [
        ("de", "de", "Anmelden"),
        ("fr, de;q=0.8, en;q=0.5", "de", "Anmelden"),
        ("de-AT, de;q=0.9", "de", "Anmelden"),
        ("en, de;q=0.5", "en", "Sign in"),
        ("fr", "en", "Sign in"),
        ("", "en", "Sign in"),
        ("../../de;q=nonsense", "en", "Sign in"),
    ],
)
def test_pages_come_in_the_language_that_the_browser_asks_for(application: Flask, wanted: str, language: str, said: str) -> None:
    page = application.test_client().get("/sign-in", headers={"Accept-Language": wanted}).text
    assert f'<html lang="{language}">' in page
    assert f"<h1>{said}</h1>" in page
    assert "Password" in page, "what is not translated stays English"
    with application.test_request_context(headers={"Accept-Language": wanted}):
        assert words.span(3 * 86_400) == ("3 Tage" if language == "de" else "3 days")
        assert words.span(86_400) == ("1 Tag" if language == "de" else "1 day")


DATA = {
    *("Ada", "ada@example.org", "invited@example.org", "nightly", "Shop", "Paper site", "Paper", "Paper is patient"),
    *("waits-own", "parked-own", "waits-other", "parked-other", "not allowed there", "Somebody else", "picward.test"),
    *("owner", "UTC", "http", "1 ms", "A hidden picture lies face down.", "Ink", "What is written with."),
}
"""What the rows of the house are called: data, that no catalogue knows."""


@pytest.mark.usefixtures("pseudo")
def test_every_page_can_be_shown_in_another_language(house: House) -> None:
    """Stored words (reasons, the trail) stay English and say so in their `lang`; everything else comes from the catalogue."""
    wrong: dict[str, list[str]] = {}
    opened = 0
    for rule, method, _right in house.routes("GET"):
        of = {"decision_id": house.own["blocked_id"]} if "statement" in rule.rule else {}
        answer = house.ask(house.owner, rule, method, {**house.own, **of})
        if answer.mimetype == "text/html" and answer.status_code != 303:
            opened += 1
            names = {str(value) for values in (house.own, house.other) for value in values.values() if len(str(value)) > 3}
            if left := untranslated(answer.text, DATA | names):
                wrong[rule.rule] = left
    assert wrong == {}
    assert opened > 20


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on macOS"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Safari/537.36",
            "Samsung Internet on Android",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_browsers_have_the_names_that_people_know(agent: str, name: str) -> None:
    assert words.browser(agent) == name
