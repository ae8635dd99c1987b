from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.support.core import Bench


def test_a_process_that_answers_is_live_and_ready(application: Flask) -> None:
    client = application.test_client()
    assert (client.get("/live").status_code, client.get("/live").json) == (200, {"status": "live"})
    assert (client.get("/ready").status_code, client.get("/ready").json) == (200, {"status": "ready"})


def test_another_database_version_is_live_and_not_ready(application: Flask, bench: Bench) -> None:
    with bench.core.db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    client = application.test_client()
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert "picward migrate" in answer.json["detail"]
    assert client.get("/live").status_code == 200


def test_a_database_that_does_not_answer_is_not_ready(application: Flask, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def away() -> Iterator[None]:
        raise OperationalError("SELECT", {}, Exception("the password is hunter2"))
        yield

    monkeypatch.setattr(bench.core.db, "read", away)
    answer = application.test_client().get("/ready")
    assert answer.status_code == 503
    assert "hunter2" not in answer.text
