"""The password, typed again: in place, with all that was sent, so that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Response

from app.domain.errors import SignInRefused, TooBusy, TooManyRequests
from app.services.people.sessions import Ended, Person
from app.web import problems
from app.web.console import words

FIELD = "proof"

FILE_CHARACTERS = 100_000
"""The longest file that is kept with a form, as text: what a connect field takes. Others have to be chosen again."""


def asked(whose: Person, why: Ended | None, prove: Callable[[str], None]) -> Response | None:
    """Let `prove` look at the password that this form brings. Give the page that asks for it as long as it is not right.

    `why` is how the session ended, None while it lasts.
    """
    sent = request.form
    # No page that is made of what was sent may have the password in it.
    request.form = ImmutableMultiDict([item for item in sent.items(multi=True) if item[0] != FIELD])
    if FIELD not in sent:
        return _page(whose, why, "", 403)
    try:
        prove(sent[FIELD])
    except (SignInRefused, TooManyRequests, TooBusy) as error:
        return problems.told(_text(whose, why, words.trouble(error)), error)
    return None


def _page(whose: Person, why: Ended | None, problem: str, status: int) -> Response:
    return Response(_text(whose, why, problem), status, mimetype="text/html")


def _text(whose: Person, why: Ended | None, problem: str) -> str:
    kept, lost = _kept()
    return render_template("people/proof.html", field=FIELD, whose=whose, why=why, problem=problem, kept=kept, lost=lost)


def _kept() -> tuple[list[tuple[str, str]], list[str]]:
    """Give the fields that were sent, text files among them, and the names of files that have to be chosen again."""
    files, lost = {}, []
    for name, file in request.files.items():
        if not file.filename:
            continue
        try:
            text = file.stream.read(FILE_CHARACTERS + 1).decode("utf-8-sig")
        except UnicodeDecodeError:
            text = ""
        if text and len(text) <= FILE_CHARACTERS:
            files[name] = text
        else:
            lost.append(file.filename)
    fields = [item for item in request.form.items(multi=True) if item[0] not in files and item[0] != "form_token"]
    return [*fields, *files.items()], lost
