"""Pages of a house with more sites than a list holds: each is found by its name, and no page lists or reads them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, insert, select
from werkzeug.test import TestResponse

from app.db import site_names
from app.db import sites as rows
from app.db.tables import policies as policy_table
from app.db.tables import sites as site_table
from app.domain.platform import Site, SiteState
from app.services.people import tokens
from app.services.sites import connecting, sites
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided

MANY = 150
PAGES = (
    *("/review", "/review/list", "/decisions", "/decisions?q=doubt", "/history", "/insights", "/people", "/people/invite"),
    *("/people/1", "/programs", "/account", "/sites"),
)
CHOOSING = ("/review", "/review/list", "/decisions", "/history", "/insights")


def multiply(bench: Bench, site: Site, count: int) -> list[str]:
    with bench.core.db.write() as connection:
        row = dict(connection.execute(select(site_table).where(site_table.c.id == site.id)).one()._mapping)
        policy = dict(connection.execute(select(policy_table).where(policy_table.c.site_id == site.id)).first()._mapping)  # type: ignore[union-attr]
        ids = [f"client_{number:04}" for number in range(count)]
        connection.execute(insert(site_table), [{**row, "id": id, "name": f"Client {id[7:]}", "key": ""} for id in ids])
        connection.execute(insert(policy_table), [{**policy, "site_id": id} for id in ids])
    return ids


@contextmanager
def watched(bench: Bench) -> Iterator[list[int]]:
    """Count what each statement is given."""
    seen: list[int] = []

    def executed(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement.count("?") + statement.count("%("))

    event.listen(bench.core.db.engine, "after_cursor_execute", executed)
    yield seen
    event.remove(bench.core.db.engine, "after_cursor_execute", executed)


@pytest.fixture
def many(owner: Owner, bench: Bench) -> Site:
    site = acting_site(bench)
    decided(bench, site, "doubt", 0.4)
    multiply(bench, site, MANY)
    return site


@pytest.mark.parametrize("path", PAGES)
def test_no_page_grows_with_the_sites(owner: Owner, bench: Bench, many: Site, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def every(*given: object) -> None:
        raise AssertionError("every site was read")

    monkeypatch.setattr(rows, "every", every)
    with watched(bench) as given:
        page = owner.get(path)
    assert page.status_code == 200
    assert len(re.findall(r"Client \d{4}", page.text)) <= sites.PAGE
    assert max(given) < MANY, "a statement names every site"


@pytest.mark.parametrize("path", CHOOSING)
def test_a_site_is_chosen_from_a_list_while_there_are_few(owner: Owner, bench: Bench, path: str) -> None:
    first, second = acting_site(bench), bench.site()
    page = owner.get(f"{path}?site={second.id}").text
    assert f'<option value="{second.id}" selected>' in page and f'<option value="{first.id}">' in page


@pytest.mark.parametrize("path", CHOOSING)
@pytest.mark.parametrize("said", ["client_0042", "Client 0042", "client 0042", "t 0042"])
def test_one_of_many_is_meant_by_its_id_or_its_name(owner: Owner, many: Site, path: str, said: str) -> None:
    page = owner.get(path, query_string={"site": said})
    assert page.status_code == 200
    assert re.search(r'<input id="site" name="site" type="search" value="Client 0042"', page.text)


@pytest.mark.parametrize("path", CHOOSING)
def test_words_that_several_sites_have_lead_to_each(owner: Owner, many: Site, path: str) -> None:
    page = owner.get(path, query_string={"site": "client 001", "days": "7"})
    links = re.findall(r'href="([^"]+site=client_\d+)"', page.text)
    assert "Which site?" in page.text and len(links) == 10
    assert all("days=7" in link for link in links)
    answer = owner.get(links[3].replace("&amp;", "&"))
    assert 'value="Client 0013"' in answer.text


@pytest.mark.parametrize("path", CHOOSING)
def test_a_name_that_no_site_has_is_said_to_have_none(owner: Owner, many: Site, path: str) -> None:
    answer = owner.get(path, query_string={"site": "nothing of the kind"})
    assert answer.status_code == 404 and "nothing of the kind" in answer.text


def chosen(page: TestResponse) -> list[str]:
    return re.findall(r'name="site" value="(client_\d+)" checked', page.text)


def test_sites_of_an_account_are_found_by_name_and_those_chosen_stay(owner: Owner, bench: Bench, many: Site) -> None:
    asked = {"email": "ben@example.org", "role": "reviewer", "scope": "some"}
    page = owner.post("/people/invite", **asked, find="client 002", search="1")
    assert page.status_code == 200 and page.text.count('name="site" value="client_002') == 10 and chosen(page) == []
    page = owner.post("/people/invite", **asked, site="client_0021", find="client 0105", search="1")
    assert chosen(page) == ["client_0021"] and 'name="site" value="client_0105"' in page.text
    assert 'value="ben@example.org"' in page.text
    made = owner.client.post(
        "/people/invite", data={**asked, "site": ["client_0021", "client_0105"], "form_token": owner.form_token}
    )
    assert made.status_code == 200 and "ben@example.org" in made.text
    assert "Client 0021, Client 0105" in owner.get("/people").text
    assert "No site has" in owner.post("/people/invite", **asked, find="nothing", search="1").text


def test_a_token_is_made_for_the_site_that_is_named(owner: Owner, bench: Bench, many: Site) -> None:
    refused = owner.post("/programs", name="nightly", scope="read", site="client 00", days="7")
    assert refused.status_code == 422 and "may be several sites" in refused.text
    made = owner.post("/programs", name="nightly", scope="read", site="client 0042", days="7")
    assert made.status_code == 200
    assert [token.site_id for token in tokens.listing(bench.core)] == ["client_0042"]


def test_a_removed_site_is_seen_by_nobody_however_many_there_are(owner: Owner, bench: Bench, many: Site) -> None:
    paths = ("/review/list", "/decisions", "/decisions?q=doubt")
    assert all(re.search(r'href="/(decisions|review)/\d+', owner.get(path).text) for path in paths)
    sites.disconnect(bench.core, many.id, "Ada")
    assert not any(re.search(r'href="/(decisions|review)/\d+', owner.get(path).text) for path in paths)
    assert owner.get(f"/review?site={many.id}").status_code == 404


def test_a_name_like_another_sites_is_found_among_all(bench: Bench) -> None:
    """A look-alike with other letters, one of a removed site, and what a site was called before."""
    first, second = bench.site(), bench.site()
    with bench.core.db.write() as connection:
        rows.change(connection, first.id, name="Acme Garden")
        for like in ("Acme Garden", "АCME  garden", "acme-garden"):
            assert site_names.taken(connection, second.id, like)
            assert not site_names.taken(connection, first.id, like)
        assert not site_names.taken(connection, second.id, "Acme Gardens")
        rows.change(connection, first.id, name="Other")
        assert not site_names.taken(connection, second.id, "Acme Garden")
        rows.change(connection, first.id, name="Acme Garden", state=SiteState.REMOVED)
        assert not site_names.taken(connection, second.id, "Acme Garden")


def test_every_way_to_name_a_site_keeps_what_it_looks_like(bench: Bench) -> None:
    site = connecting.add(bench.core, "paper", "Acme Garden", "Ada")
    other = bench.site()
    with bench.core.db.read() as connection:
        assert site_names.taken(connection, other.id, "acme garden")
        assert site_names.taken(connection, site.id, other.name)
