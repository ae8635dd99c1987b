"""No secret and no one-time link is in a log, at any level, whatever happens to the request that brings it."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from sqlalchemy import text as sql
from werkzeug.exceptions import HTTPException

from app.adapters import log as log_adapter
from app.adapters.log import OURS, Lines
from app.domain.errors import DatabaseUnavailable
from tests.web.house import House

MARK = "S3cretMarkOfThisTest0123456789abcdef"
HEADERS = {
    "Authorization": f"Bearer picward_{MARK}",
    "Cookie": f"other={MARK}",
    "secret": MARK,
    "webhook-signature": f"v1,{MARK}",
    "User-Agent": "a visitor",
}
FORM = {name: MARK for name in ("password", "old", "proof", "token", "secret", "connect-key", "code", "note")}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the log says at DEBUG, of everybody, as the program's own handler writes it."""
    text, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(text)
    handler.setFormatter(Lines())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)


def _requests(house: House) -> Iterator[tuple[str, str]]:
    marked = {"token": MARK, "session_id": MARK, "invitation_id": MARK, "tried_id": MARK}
    for rule in house.application.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        values = {name: house.own.get(name, "paper") for name in rule.arguments}
        path = house.application.url_map.bind("localhost").build(
            rule.endpoint, {**values, **{name: value for name, value in marked.items() if name in values}, "page": "settings"}
        )
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield method, path.partition("?")[0]


@pytest.mark.parametrize("failing", [None, RuntimeError(f"/setup/{MARK}"), DatabaseUnavailable("away")], ids=repr)
def test_no_route_logs_what_opens_something(house: House, written: io.StringIO, failing: Exception | None) -> None:
    application = house.application
    application.testing = False
    if failing is not None:
        for name, view in list(application.view_functions.items()):
            application.view_functions[name] = _failing(view, failing)
    asked = 0
    for method, path in _requests(house):
        for signed_in in (True, False):
            client = house.owner.client if signed_in else application.test_client()
            data: dict[str, Any] = {"form_token": house.owner.form_token, **FORM} if method != "GET" else {}
            client.open(path, method=method, headers=HEADERS, query_string={"token": MARK, "secret": MARK}, data=data)
            asked += 1
    text = written.getvalue()
    assert asked > 200, asked
    assert MARK not in text, [line for line in text.splitlines() if MARK in line][:5]
    assert "app.web.problems" in text, "nothing was logged, so that nothing was proven"
    if isinstance(failing, RuntimeError):
        assert "/setup/<token>" in text and "/setup/…" in text, "the route is named, and what raised too"


def _failing(view: Any, failing: Exception) -> Any:
    def failed(**_: Any) -> None:
        raise failing

    failed.needs = getattr(view, "needs", None)  # type: ignore[attr-defined]
    return failed


SAID = [
    f"GET /setup/{MARK} HTTP/1.1", f"/join/{MARK}?x=1", f"/reset/{MARK}", f"http://picward.test/enter/{MARK}", f"picward_{MARK}",
    f"the code picward1_{MARK}==", f"whsec_{base64.b64encode(MARK.encode()).decode()}", f"Authorization: Bearer {MARK}",
    f"authorization: basic {MARK}", f"/x?token={MARK}&a=1", f"/x?a=1&client_secret={MARK}", f"?X-Goog-Signature={MARK}",
    f"postgresql+psycopg://picward:{MARK}@db/picward",
]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_whoever_says_it_and_however_it_is_left_out(said: str, written: io.StringIO) -> None:
    log = logging.getLogger("somebody.else")
    log.debug("at %s", said)
    try:
        raise HTTPException(said)
    except HTTPException:
        log.exception("failed")
    text = written.getvalue()
    assert "somebody.else: at" in text and "Traceback" in text
    assert MARK not in text and base64.b64encode(MARK.encode()).decode() not in text


def test_a_line_is_one_line(written: io.StringIO) -> None:
    logging.getLogger("app").info("%s", "Ann\n2026-01-01 INFO 1 app: Forged\r\x1b[2J\u2028x")
    assert len(written.getvalue().splitlines()) == 1 and "\x1b" not in written.getvalue()


def test_what_was_called_is_not_told_by_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3 writes whole addresses at DEBUG, and an owner's webhook address may be all its secret."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    levels = {name: logging.getLogger(name).level for name in ("", *OURS)}
    try:
        log_adapter.start("DEBUG")
        assert logging.getLogger("app.services").isEnabledFor(logging.DEBUG)
        assert not urllib3.connectionpool.log.isEnabledFor(logging.INFO)
        assert isinstance(root.handlers[0].formatter, Lines)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def test_the_engine_keeps_what_a_statement_was_given(house: House) -> None:
    with pytest.raises(DatabaseUnavailable) as failed, house.bench.core.db.read() as connection:
        connection.execute(sql("SELECT :secret FROM nowhere"), {"secret": MARK})
    assert "nowhere" in str(failed.value.__cause__) and MARK not in str(failed.value.__cause__)
