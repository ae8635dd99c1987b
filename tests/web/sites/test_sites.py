"""Adding, connecting, configuring and letting go of sites."""

from __future__ import annotations

import importlib
import io
import re

import pytest
from sqlalchemy import delete, func, insert, select

from app.db import sites as rows
from app.db import standings
from app.db.tables import metadata
from app.db.tables import sites as site_table
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.platform import ConnectField, Step
from app.domain.time import HOUR
from app.services.people import links
from app.services.pipeline import enforce, intake, scan
from app.services.review import verdicts
from app.services.rules import policies
from app.services.sites import connecting, sites
from app.services.telling import clocks
from tests.support.core import Bench, PaperPlatform, PaperSettings
from tests.web.visitor import PASSWORD, Owner, acting_site, decided


def code_on(page: str) -> str:
    found = re.search(r"picward1_[\w-]+", page)
    return found[0] if found else ""


def test_a_site_is_added_and_its_code_shown_to_this_browser_only(owner: Owner, bench: Bench) -> None:
    assert "Paper" in owner.get("/sites/add").text
    answer = owner.post("/sites/add", platform="paper", name="Shop <1>", private_network="on")
    row = sites.listing(bench.core)[0]
    assert answer.location == f"/sites/{row.id}/connect"
    page = owner.get(answer.location).text
    site = sites.get(bench.core, row.id)
    assert code_on(page) == connecting.pairing_code(bench.core, site)
    assert (site.name, site.settings) == ("Shop <1>", PaperSettings(private_network=True))
    assert "Shop &lt;1&gt;" in page
    owner.client.delete_cookie("picward_code", path=answer.location)
    assert code_on(owner.get(answer.location).text) == ""


def test_the_page_tells_when_the_site_has_connected_and_hides_the_code(owner: Owner, bench: Bench) -> None:
    path = owner.post("/sites/add", platform="paper", name="Shop").location
    site = sites.get(bench.core, path.split("/")[2])
    state = f"/sites/{site.id}/state"
    assert owner.get(state).json == {"state": "pairing"}
    connecting.admit(bench.core, "paper", bench.signed(site, b""))
    assert owner.get(state).json == {"state": "active"}
    page = owner.get(path).text
    assert "Paper is patient" in page
    assert code_on(page) == ""


def test_a_new_code_replaces_the_old_one(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    path = owner.post(f"/sites/{site.id}/code").location
    renewed = sites.get(bench.core, site.id)
    assert renewed.secrets != site.secrets
    assert code_on(owner.get(path).text) == connecting.pairing_code(bench.core, renewed)


def test_platforms_that_ask_for_an_address_are_tested_before_they_are_stored(
    owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaperPlatform, "connect_fields", (ConnectField("drawer_path", "Drawer path"),))
    assert "Drawer path" in owner.get("/sites/add?platform=paper").text
    empty = owner.post("/sites/add", platform="paper", name="Shop")
    assert (empty.status_code, "connect-drawer_path-error" in empty.text) == (422, True)
    bench.platform.trouble["check"] = PlatformRefused("there is no such drawer")
    wrong = owner.post("/sites/add", platform="paper", name="Shop", **{"connect-drawer_path": "/left"})
    assert wrong.status_code == 422
    assert "there is no such drawer" in wrong.text
    assert 'value="/left"' in wrong.text
    assert sites.listing(bench.core) == []
    bench.platform.trouble.clear()
    answer = owner.post("/sites/add", platform="paper", name="Shop", **{"connect-drawer_path": "/left"})
    row = sites.listing(bench.core)[0]
    assert (answer.location, row.state) == (f"/sites/{row.id}/connect", "active")
    assert "Paper is patient" in owner.get(answer.location).text
    assert owner.post(f"/sites/{row.id}/code").status_code == 403


KEY_FIELDS = (
    ConnectField("drawer", "Drawer"),
    ConnectField("key", "Key", "Paste it here.", secret=True),
    ConnectField("papers", "Papers", secret=True, multiline=True, optional=True),
    ConnectField("colour", "Colour", default="grey"),
)


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the platform ask for an address, secrets and more."""
    monkeypatch.setattr(PaperPlatform, "connect_fields", KEY_FIELDS)
    monkeypatch.setattr(PaperPlatform, "key_of", lambda self, connection: connection["drawer"])
    monkeypatch.setattr(PaperPlatform, "steps", lambda self, site: (Step("Oil the lock.", f"oil {site.key}"), Step("Wait.")))


def typed(**values: str) -> dict[str, str]:
    return {f"connect-{name}": value for name, value in values.items()}


@pytest.mark.usefixtures("keyed")
def test_secrets_are_stored_apart_and_never_sent_back_into_the_page(owner: Owner, bench: Bench) -> None:
    page = owner.get("/sites/add?platform=paper").text
    assert 'type="password"' in page
    assert 'value="grey"' in page
    secret = typed(drawer="left", key="sesame-1", papers="the-papers")
    bench.platform.trouble["check"] = PlatformRefused("the key does not fit")
    wrong = owner.post("/sites/add", platform="paper", **secret)
    assert wrong.status_code == 422
    assert "the key does not fit" in wrong.text
    assert 'value="left"' in wrong.text
    assert not [word for word in ("sesame-1", "the-papers") if word in wrong.text]
    missing = owner.post("/sites/add", platform="paper", **typed(key="sesame-1"))
    assert "connect-drawer-error" in missing.text
    assert "sesame-1" not in missing.text
    bench.platform.trouble.clear()
    answer = owner.post("/sites/add", platform="paper", **secret)
    site = sites.get(bench.core, answer.location.split("/")[2])
    assert dict(site.connection) == {"drawer": "left", "colour": "grey"}
    assert dict(site.credentials) == {"key": "sesame-1", "papers": "the-papers"}
    assert site.key == "left"
    done = owner.get(answer.location).text
    assert "Oil the lock." in done
    assert ">oil left</textarea>" in done
    assert not [word for word in ("sesame-1", "the-papers") if word in done + owner.get(f"/sites/{site.id}").text]


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(
    ("content", "stored"),
    [(b"\xef\xbb\xbf{}\n", "{}"), (b"\xff\xfe\x00", None), (b"x" * 100_001, None), (b"", "")],
    ids=["text", "bytes", "too long", "empty"],
)
def test_a_long_secret_may_come_as_a_file(owner: Owner, bench: Bench, content: bytes, stored: str | None) -> None:
    application = owner.client.application
    application.config["MAX_CONTENT_LENGTH"] = application.config["MAX_FORM_MEMORY_SIZE"] = 1_000_000
    form = {"form_token": owner.form_token, "platform": "paper", **typed(drawer="left", key="k")}
    answer = owner.client.post("/sites/add", data={**form, "connect-papers": (io.BytesIO(content), "key.json")})
    if stored is None:
        assert (answer.status_code, "connect-papers-error" in answer.text) == (422, True)
        assert sites.listing(bench.core) == []
    else:
        assert sites.get(bench.core, answer.location.split("/")[2]).credentials.get("papers", "") == stored


@pytest.mark.usefixtures("keyed")
def test_connecting_again_is_tested_and_keeps_the_secrets_that_are_not_typed(owner: Owner, bench: Bench) -> None:
    secret = typed(drawer="left", key="old", papers="the-papers")
    site_id = owner.post("/sites/add", platform="paper", **secret).location.split("/")[2]
    path = f"/sites/{site_id}/reconnect"
    page = owner.get(path).text
    assert 'value="left"' in page
    assert "old" not in re.sub(r"<[^>]*>", "", page).split()
    assert "the-papers" not in page
    bench.platform.trouble["check"] = PlatformRefused("still not")
    assert "still not" in owner.post(path, **typed(drawer="left", key="new")).text
    assert sites.get(bench.core, site_id).credentials["key"] == "old"
    bench.platform.trouble.clear()
    assert owner.post(path, **typed(drawer="right", key="new")).status_code == 422, "it leads to another site"
    assert owner.post(path, **typed(drawer="left", key="new")).location == f"/sites/{site_id}?said=connected"
    assert dict(sites.get(bench.core, site_id).credentials) == {"key": "new", "papers": "the-papers"}
    assert owner.post(f"/sites/{site_id}/code").status_code == 403


def test_a_platform_that_installs_itself_has_nothing_to_type(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PaperPlatform, "installs_itself", True)
    page = owner.get("/sites/add?platform=paper").text
    assert "Install the Picward app at Paper." in page
    assert "<form" not in page.split("<main")[1]
    assert owner.post("/sites/add", platform="paper").status_code == 200
    assert sites.listing(bench.core) == []


def test_platforms_stand_side_by_side_with_what_each_does(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PaperPlatform, "summary", "Looks at every sheet.")
    page = owner.get("/sites/add").text
    assert "Looks at every sheet." in page
    assert page.split("<ol", 1)[1].split("</ol>")[0].count("<li>") == 3, "three steps at most"


def test_a_paired_site_is_connected_again_by_a_new_code(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    assert owner.get(f"/sites/{site.id}/reconnect").location == f"/sites/{site.id}/connect"


def test_a_site_is_erased_once_its_name_was_typed(owner: Owner, bench: Bench) -> None:
    site, other = acting_site(bench), acting_site(bench)
    decided(bench, site, "a", 0.9)
    decided(bench, other, "b", 0.9)
    path = f"/sites/{site.id}/erase"
    for name in ("", "paper", "Something else"):
        answer = owner.post(path, name=name)
        assert (answer.status_code, "name-error" in answer.text) == (422, True)
    assert len(sites.listing(bench.core)) == 2
    assert owner.post(path, name=f" {site.name} ").location == "/sites?said=erased"
    assert [row.id for row in sites.listing(bench.core)] == [other.id]
    assert sites.summary(bench.core, other.id)["checked"] == 1
    with bench.core.db.read() as connection:
        for table in metadata.sorted_tables:
            if "site_id" in table.c and table.name != "audit":
                left = connection.execute(select(func.count()).select_from(table).where(table.c.site_id == site.id))
                assert left.scalar_one() == 0, table.name


def test_the_figures_of_a_site_are_what_happened(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    waiting = decided(bench, site, "waits", 0.4)
    decided(bench, site, "blocked", 0.9)
    decided(bench, site, "fine", 0.0)
    seen = sites.summary(bench.core, site.id)
    assert (seen["checked"], seen["blocked"], seen["waiting"], seen["queued"]) == (3, 1, 1, 0)
    verdicts.resolve(bench.core, waiting, verdicts.Verdict.BLOCK, "Ada")
    seen = sites.summary(bench.core, site.id)
    assert (seen["checked"], seen["blocked"], seen["waiting"]) == (3, 2, 0)
    bench.platform.images["late"] = b"late"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d", "late"))
    bench.clock.pass_seconds(120)
    seen = sites.summary(bench.core, site.id)
    assert (seen["queued"], seen["oldest_queued_seconds"]) == (1, 120)
    page = owner.get(f"/sites/{site.id}").text
    assert "oldest 2 minutes" in page


def test_what_was_counted_before_is_counted_by_the_migration(bench: Bench) -> None:
    site = acting_site(bench)
    waiting = decided(bench, site, "waits", 0.4)
    decided(bench, site, "blocked", 0.9)
    verdicts.resolve(bench.core, waiting, verdicts.Verdict.ALLOW, "Ada")
    with bench.core.db.write() as connection:
        before = standings.counts(connection, site.id)
        connection.execute(delete(metadata.tables["standings"]))
        assert not any(standings.counts(connection, site.id).values())
        connection.exec_driver_sql(importlib.import_module("app.db.migrations.versions.0003_roles_and_invitations")._STANDINGS)
        assert standings.counts(connection, site.id) == before == {"allow": 1, "review": 0, "block": 1}


def test_what_is_there_is_counted_looked_at_with_a_budget_and_stopped(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    for number in range(5):
        bench.platform.images[str(number)] = b"x"
    path = f"/sites/{site.id}/scan"
    assert "Nobody has asked for it yet." in owner.get(path).text
    assert owner.post(path, count="1").location == f"{path}?said=counting"
    running = owner.get(path).text
    assert 'http-equiv="refresh"' in running
    assert "progress.js" in running
    scan.step(bench.core, site.id, lambda: False)
    counted = owner.get(path).text
    assert "5 pictures seen, 5 of them unknown to Picward." in counted
    assert 'http-equiv="refresh"' not in counted
    for budget in ("0", "-1", "many", "1e9", "9" * 40, "٣"):
        wrong = owner.post(path, budget=budget)
        assert (wrong.status_code, "budget-error" in wrong.text) == (422, True), budget
    assert owner.post(path, budget="2").location == f"{path}?said=asked"
    scan.step(bench.core, site.id, lambda: False)
    assert "2 pictures seen, 2 queued." in owner.get(path).text
    assert "asked again, it goes on from there" in owner.get(path).text
    owner.post(path)
    owner.post(f"{path}/stop")
    scan.step(bench.core, site.id, lambda: False)
    assert "2 pictures seen, 2 queued." in owner.get(path).text
    owner.post(path)
    scan.step(bench.core, site.id, lambda: False)
    assert "Finished." in owner.get(path).text


def test_who_may_only_look_gets_no_buttons(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.trouble["apply"] = PlatformRefused("not there")
    decided(bench, site, "a", 0.9)
    link = links.invite(bench.core, "eva@example.org", "reader", [site.id], "Ada").removeprefix("http://picward.test")
    client = owner.client.application.test_client()
    client.post(link, data={"name": "Eva", "password": PASSWORD})
    for path in ("/sites", f"/sites/{site.id}"):
        page = client.get(path).text
        assert "Needs you" in page
        assert re.findall(r'<form[^>]*action="([^"]*)"', page) == ["/sign-out"]
        assert "/sites/add" not in page
        assert "/rules" not in page


def test_an_unknown_platform_cannot_be_added(owner: Owner) -> None:
    assert owner.get("/sites/add?platform=nothing").status_code == 404
    assert owner.post("/sites/add", platform="nothing").status_code == 404


def test_the_list_tells_of_a_clock_that_was_wrong_for_a_day(owner: Owner, bench: Bench) -> None:
    assert "clock" not in owner.get("/sites").text
    clocks.tell_jump(bench.core, -2 * HOUR)
    assert "clock was set back by 2 hours" in owner.get("/sites").text
    bench.clock.pass_seconds(86_400)
    assert clocks.trouble(bench.core) == ""


def test_the_list_shows_health(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "waits", 0.4)
    bench.platform.trouble["check"] = PlatformUnavailable("nobody is at home")
    assert owner.post(f"/sites/{site.id}/check").location == f"/sites/{site.id}"
    for page in (owner.get("/sites").text, owner.get(f"/sites/{site.id}").text):
        assert "nobody is at home" in page
        assert f'<a href="/review?site={site.id}">1</a>' in page
    bench.platform.trouble.clear()
    assert owner.post(f"/sites/{site.id}/check").location == f"/sites/{site.id}?said=checked"
    assert "nobody is at home" not in owner.get("/sites").text


def test_a_new_site_says_that_it_only_watches(owner: Owner, bench: Bench) -> None:
    watching, acting = bench.site(), acting_site(bench)
    assert "A new site only watches." in owner.get(f"/sites/{watching.id}").text
    assert "only watches" not in owner.get(f"/sites/{acting.id}").text
    policies.save(bench.core, watching.id, [{"category": "*", "review": 0.5, "mode": "review"}], "owner")
    assert "only watches" not in owner.get(f"/sites/{watching.id}").text


def test_pause_resume_and_disconnect(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    owner.post(f"/sites/{site.id}/pause")
    assert sites.get(bench.core, site.id).state == "paused"
    owner.post(f"/sites/{site.id}/resume")
    assert sites.get(bench.core, site.id).state == "active"
    assert "stay hidden" in owner.get(f"/sites/{site.id}/disconnect").text
    assert owner.post(f"/sites/{site.id}/disconnect").location == "/sites?said=disconnected"
    assert sites.listing(bench.core) == []


def test_a_scan_is_asked_for(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    woken = len(bench.woken)
    owner.post(f"/sites/{site.id}/scan")
    progress = scan.last(bench.core, site.id)
    assert progress is not None
    assert not progress.done
    assert len(bench.woken) > woken


def test_parked_actions_are_retried_or_put_away(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.trouble["apply"] = PlatformRefused("the editor may not do this")
    decided(bench, site, "a", 0.9)
    decided(bench, site, "b", 0.9)
    second, first = enforce.parked(bench.core, site.id)
    page = owner.get(f"/sites/{site.id}").text
    assert "the editor may not do this" in page
    bench.platform.trouble.clear()
    owner.post(f"/sites/{site.id}/parked/{first.id}/retry")
    enforce.run_next(bench.core)
    assert bench.platform.hidden == {"a"}
    owner.post(f"/sites/{site.id}/parked/{second.id}/dismiss")
    assert enforce.parked(bench.core, site.id) == []
    assert owner.post(f"/sites/{site.id}/parked/{second.id}/dismiss").status_code == 404


def test_a_message_is_chosen_by_the_address_and_never_written_by_it(owner: Owner, bench: Bench) -> None:
    page = owner.get("/sites?said=<script>alert(1)</script>").text
    assert "alert(1)" not in page


def test_hundreds_of_sites_are_found_by_name_and_by_page(bench: Bench, owner: Owner) -> None:
    assert "Find sites" not in owner.get("/sites").text, "nobody searches among one"
    first = bench.site()
    with bench.core.db.write() as connection:
        known = dict(connection.execute(select(site_table).where(site_table.c.id == first.id)).one()._mapping)
        many = [{**known, "id": f"st_{n}", "name": f"Shop number {n}", "key": f"{n}.shop.example"} for n in range(45)]
        connection.execute(insert(site_table), many)
        rows.change(connection, "st_40", problem="It does not answer.")

    def shown(address: str) -> list[str]:
        return re.findall(r'href="/sites/(st_[^"/]+)"', owner.get(address).text)

    page = owner.get("/sites").text
    assert shown("/sites")[0] == "st_40", "those in trouble come first"
    assert 'rel="next" href="/sites?page=1"' in page and 'rel="prev"' not in page
    seen = [site for number in range(3) for site in shown(f"/sites?page={number}")]
    assert len(seen) == len(set(seen)) == 46
    assert 'rel="next"' not in owner.get("/sites?page=2").text
    assert shown("/sites?q=number+7") == ["st_7"] and shown("/sites?q=33.shop") == ["st_33"]
    assert set(shown("/sites?q=NUMBER+1")) == {"st_1", *(f"st_{n}" for n in range(10, 20))}
    assert shown("/sites?q=%25") == [] and "No such site" in owner.get("/sites?q=%25").text
    assert owner.get("/sites?page=-1").status_code == owner.get(f"/sites?page={10**30}").status_code == 200
