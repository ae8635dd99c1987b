"""Who may change which setting: by every entry, and what an owner is asked about after an update."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import insert, select, update

from app.db import audit
from app.db import sites as site_rows
from app.db.tables import people as people_table
from app.domain.choices import Choices
from app.domain.errors import OwnerNeeded
from app.domain.platform import Site
from app.domain.roles import Role
from app.domain.settings import ChangedBy, SiteSettings, changed_by, sees
from app.services.people import accounts, links, sessions, tokens
from app.services.people.sessions import Person
from app.services.rules import policies
from app.services.sites import sites
from tests.support.core import Bench, PaperPlatform
from tests.web.visitor import Owner, acting_site


def test_what_says_nothing_is_the_owners() -> None:
    class Careless(SiteSettings):
        loud: bool = False

    assert changed_by(Careless, "loud") is ChangedBy.OWNER
    assert not sees(Careless, "loud", ChangedBy.PLATFORM) and sees(Careless, "mode", ChangedBy.PLATFORM)
    assert {changed_by(Choices, name) for name in Choices.model_fields if name != "approach"} == {ChangedBy.PLATFORM}
    assert changed_by(Choices, "approach") is ChangedBy.OWNER


def door(application: Flask, bench: Bench, site: Site, values: dict[str, Any]) -> int:
    headers = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": f"w-{json.dumps(values)}"}
    body = {"type": "settings.save", "values": values}
    return application.test_client().post("/door/paper/settings", json=body, headers=headers).status_code


def program(application: Flask, bench: Bench, site: Site, values: dict[str, Any], only: str) -> int:
    _, token = tokens.make(bench.core, f"t{len(tokens.listing(bench.core))}", ["read", "configure"], "Ada", site_id=only)
    headers = {"authorization": f"Bearer {token}"}
    path = f"/api/v1/sites/{site.id}/settings"
    return application.test_client().patch(path, json={"values": values}, headers=headers).status_code


def of_the_site(application: Flask, bench: Bench, site: Site, values: dict[str, Any]) -> int:
    return program(application, bench, site, values, site.id)


def of_all_sites(application: Flask, bench: Bench, site: Site, values: dict[str, Any]) -> int:
    return program(application, bench, site, values, "")


TO_OWNERS: list[tuple[str, Any]] = [
    ("private_network", True),
    ("tell_webhook", "http://127.0.0.1:1/"),
    ("tell_emails", ["victim@example.com"]),
    ("tell_trouble", False),
    ("mode", "flag"),
    ("delete_blocked", True),
    ("preview_days", 365),
]


@pytest.mark.parametrize(("name", "value"), TO_OWNERS, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("entry", [door, of_the_site])
def test_an_entry_of_the_site_changes_what_is_its_own_and_nothing_else(
    bench: Bench, application: Flask, owner: Owner, entry: Any, name: str, value: Any
) -> None:
    site = bench.site()
    lines = len(sites.trail(bench.core, site.id, 100))
    assert entry(application, bench, site, {name: value}) == 403
    assert entry(application, bench, site, {"ink": "red", name: value}) == 403
    assert sites.get(bench.core, site.id).settings == site.settings
    refused = sites.trail(bench.core, site.id, 100)[:-lines]
    assert [text for _, _, text in refused if text.startswith("Refused")] == [
        f"Refused, since only an owner may change it: {name}"
    ] * 2
    # The controls: what is its own, and an owner's program.
    assert entry(application, bench, site, {"ink": "red"}) == 200
    assert of_all_sites(application, bench, site, {name: value}) == 200
    assert sites.get(bench.core, site.id).settings != site.settings


SECRET = "who-is-told"


def test_the_site_is_told_what_it_works_by_and_nothing_of_what_is_the_owners_own(
    bench: Bench, application: Flask, owner: Owner
) -> None:
    site = bench.site(tell_webhook=f"https://{SECRET}.example/", tell_emails=[f"{SECRET}@example.org"], private_network=True)
    client = application.test_client()

    def said(entry: str, who: str = "") -> str:
        """Ask as the plugin does, or as a program of the site, or as an owner's."""
        headers = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": f"w-{entry}"}
        if entry.startswith("/door"):
            body = {"type": "connect"} if entry == "/door/paper" else {"type": "settings.save", "values": {"ink": "red"}}
            return client.post(entry, json=body, headers=headers).text
        _, token = tokens.make(bench.core, f"t{len(tokens.listing(bench.core))}", ["read"], "Ada", site_id=who)
        return client.get(f"/api/v1{entry}", headers={"authorization": f"Bearer {token}"}).text

    settings, history = f"/sites/{site.id}/settings", f"/history?site={site.id}"
    for entry in ("/door/paper", "/door/paper/settings", settings, history):
        text = said(entry, site.id)
        assert SECRET not in text, entry
        assert entry == history or ('"mode":"hide"' in text and "private_network" not in text and "tell_" not in text), entry
    for entry in (settings, history):
        assert SECRET in said(entry), "the control: an owner's program reads it"
    guest = site_guest(bench, application, site)
    for page in (f"/sites/{site.id}", "/history", f"/history?site={site.id}"):
        text = guest.get(page).get_data(as_text=True)
        assert "Settings: " in text and SECRET not in text, page
        assert SECRET in owner.get(page).text, "the control"


def site_guest(bench: Bench, application: Flask, site: Site) -> Any:
    """Let somebody in who is limited to a site, as its administrators are."""
    with bench.core.db.write() as connection:
        person = accounts.rows.add(connection, "0f@st_1", "at the site: Eve", "", Role.REVIEWER, 0, [site.id])
    client = application.test_client()
    client.set_cookie("picward", sessions.open_session(bench.core, person))
    return client


def test_a_program_of_one_site_does_not_change_how_far_its_rules_go(bench: Bench, application: Flask, owner: Owner) -> None:
    site = acting_site(bench)
    before = policies.current(bench.core, site.id)
    rules = [rule.model_dump(mode="json") for rule in before.rules]
    mine = tokens.make(bench.core, "mine", ["read", "configure"], "Ada", site_id=site.id)[1]
    every = tokens.make(bench.core, "every", ["read", "configure"], "Ada")[1]

    def save(token: str, changed: list[dict[str, Any]]) -> int:
        headers = {"authorization": f"Bearer {token}"}
        path = f"/api/v1/sites/{site.id}/policy"
        return application.test_client().post(path, json={"rules": changed}, headers=headers).status_code

    less = [{**rule, "mode": "shadow"} for rule in rules]
    more = [*rules, {"category": "weapons", "review": 0.1, "block": 0.2, "mode": "review"}]
    assert (save(mine, less), save(mine, more)) == (403, 403)
    assert policies.current(bench.core, site.id) == before
    assert sites.trail(bench.core, site.id)[0][1:] == (
        "mine (program)",
        "Refused, since only an owner may change how far the rules may go",
    )
    stricter = [{**rule, "review": 0.2} for rule in rules]
    assert (save(mine, stricter), save(every, less)) == (201, 201)


def test_a_person_who_is_limited_speaks_for_the_site(bench: Bench) -> None:
    """No role that configures can be limited today; one that comes later is refused all the same."""
    limited = Person(9, "grace@example.org", "Grace", Role.OWNER, "f", frozenset({"st_1"}))
    assert limited.side is ChangedBy.PLATFORM
    site = bench.site()
    with pytest.raises(OwnerNeeded):
        sites.save_settings(bench.core, site.id, {"private_network": True}, limited.name, side=limited.side)


def test_a_change_of_the_site_does_not_undo_one_that_an_owner_makes_meanwhile(
    bench: Bench, application: Flask, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = bench.site(private_network=True)
    read = sites.get_within

    def closed_meanwhile(core: Any, connection: Any, site_id: str) -> Site:
        site_rows.change(connection, site_id, settings={})
        monkeypatch.setattr(sites, "get_within", read)
        return read(core, connection, site_id)

    monkeypatch.setattr(sites, "get_within", closed_meanwhile)
    assert sites.save_settings(bench.core, site.id, {"ink": "red"}, "x", side=ChangedBy.PLATFORM).site.settings.ink == "red"  # type: ignore[attr-defined]
    assert not sites.get(bench.core, site.id).settings.private_network  # type: ignore[attr-defined]


def test_the_pages_say_who_may_change_what(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    page = owner.get(f"/sites/{site.id}/settings").text
    assert page.count("Can be changed at the site, too.") == 1
    token = tokens.make(bench.core, "t", ["read"], "Ada")[1]
    answer = application.test_client().get(f"/api/v1/sites/{site.id}/settings", headers={"authorization": f"Bearer {token}"})
    assert answer.json is not None
    said = {field["name"]: field["changed_by"] for field in answer.json["declaration"]}
    assert said["ink"] == "platform" and said["private_network"] == "owner"
    assert isinstance(bench.platform, PaperPlatform)


# An installation of an earlier version


def migrated(bench: Bench) -> None:
    """Take the column away that 0009 adds, and run it."""
    script = importlib.import_module("app.db.migrations.versions.0011_who_set_it")
    with bench.core.db.write() as connection, Operations.context(MigrationContext.configure(connection)):
        script.downgrade()
        script.upgrade()


def set_before(bench: Bench, site: Site, who: str, said: str, **values: Any) -> None:
    """Store settings and their line as an earlier version did."""
    with bench.core.db.write() as connection:
        row = site_rows.get(connection, site.id)
        assert row is not None
        site_rows.change(connection, site.id, settings={**row.settings, **values})
        audit.add(connection, bench.clock(), who, "settings.saved", said, site.id)


def test_an_owner_is_asked_what_a_site_set_for_itself(bench: Bench, owner: Owner) -> None:
    own, named, spoofed, set_back, quiet = (bench.site() for _ in range(5))
    set_before(bench, own, "Ada", "preview_days: 30 → 7", preview_days=7)
    set_before(bench, named, "the site's administrator", "preview_days: 30 → 365; ink: black → red", preview_days=365, ink="red")
    set_before(bench, spoofed, "Ada", "private_network: False → True", private_network=True)
    set_before(bench, spoofed, "Eve", "tell_webhook:  → https://stranger.example/", tell_webhook="https://stranger.example/")
    set_before(bench, set_back, "Eve", "mode: hide → flag", mode="flag")
    set_before(bench, set_back, "Ada", "mode: flag → hide")
    with bench.core.db.write() as connection:
        site_rows.change(connection, set_back.id, settings={})
    before = {site.id: sites.get(bench.core, site.id).settings for site in (own, named, spoofed, set_back, quiet)}
    migrated(bench)
    assert {site_id: sites.get(bench.core, site_id).settings for site_id in before} == before, "a live site works on"
    asked = {site_id: sites.unconfirmed(bench.core, site_id) for site_id in before}
    assert asked == {
        own.id: (), named.id: ("preview_days",), spoofed.id: ("private_network", "tell_webhook"), set_back.id: (), quiet.id: (),
    }  # fmt: skip
    page = owner.get(f"/sites/{spoofed.id}").text
    assert "Was this you?" in page and "This site is on my own network" in page
    assert "Was this you?" not in owner.get(f"/sites/{own.id}").text
    owner.post(f"/sites/{spoofed.id}/confirm/keep", name="private_network")
    assert sites.unconfirmed(bench.core, spoofed.id) == ("tell_webhook",)
    owner.post(f"/sites/{spoofed.id}/confirm/reset", name="tell_webhook")
    settings = sites.get(bench.core, spoofed.id).settings
    assert (settings.tell_webhook, settings.private_network) == ("", True)  # type: ignore[attr-defined]
    assert sites.unconfirmed(bench.core, spoofed.id) == ()
    assert ("Ada", "private_network: True") in [line[1:] for line in sites.trail(bench.core, spoofed.id)]


def test_an_owner_who_sets_it_is_asked_no_more(bench: Bench, owner: Owner) -> None:
    site = bench.site()
    set_before(bench, site, "Eve", "preview_days: 30 → 365", preview_days=365)
    migrated(bench)
    assert sites.unconfirmed(bench.core, site.id) == ("preview_days",)
    sites.save_settings(bench.core, site.id, {"preview_days": 10}, "Ada")
    assert sites.unconfirmed(bench.core, site.id) == ()


def test_accounts_that_look_alike_are_told_apart_and_go_on(bench: Bench, owner: Owner) -> None:
    password = "correct horse battery"
    link = links.invite(bench.core, "eve@example.org", "reviewer", [], "Ada").rsplit("/", 1)[1]
    eve = links.accept(bench.core, link, "Eve", password)
    row = {"role": "reviewer", "created_at": 1, "sites": ["st_1"]}
    with bench.core.db.write() as connection:
        connection.execute(update(people_table).where(people_table.c.id == eve).values(name="Аda"))
        connection.execute(insert(people_table).values(email="0f@st_1", name="Ada at Shop", password="", **row))
    migrated(bench)
    with bench.core.db.read() as connection:
        called = dict(connection.execute(select(people_table.c.email, people_table.c.name)).all())
    assert called == {
        "ada@example.org": "Ada (ada@example.org)",
        "eve@example.org": "Аda (eve@example.org)",
        "0f@st_1": "at the site: Ada at Shop",
    }
    assert [text for _, _, text in accounts.trail(bench.core) if "looks like it" in text]
    assert owner.get("/account").status_code == 200
    accounts.rename(bench.core, eve, "Eve")
    accounts.rename(bench.core, 1, "Ada")
