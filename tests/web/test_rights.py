"""Rights belong to the decision in force: every chain of decisions × every role × every entry, by every number of the chain."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import select, update

from app.db import pictures
from app.db.tables import decisions
from app.domain.decisions import Decision, Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.errors import DecisionUnknown, Escalated, PicwardError, SecondPersonNeeded
from app.domain.platform import Site
from app.domain.roles import RIGHTS, Right, Role
from app.domain.visibility import Visibility
from app.services.people import tokens
from app.services.pipeline import replay
from app.services.review import batches, queue, showing, verdicts
from app.services.rules import lists, policies
from app.web import embedded
from tests.support.core import Bench
from tests.web.house import House
from tests.web.visitor import Owner, acting_site, decided, settle

NAME, NOTE = "girl.jpg", "told by a hotline"
RULES = [
    {"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"},
    {"category": "csae.known_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
    {"category": "self_harm", "review": 0.5, "block": 0.9, "mode": "enforce"},
]


def now(bench: Bench, decision_id: int) -> Decision:
    return showing.current(bench.core, showing.get(bench.core, decision_id))


def listed(bench: Bench, decision_id: int, category: str) -> int:
    """Put the picture on everyone's block list, have it compared, judged and acted upon; give the decision in force."""
    sha256 = showing.get(bench.core, decision_id).sha256
    lists.import_entries(bench.core, [HashEntry(HashKind.SHA256, sha256, ListKind.BLOCK, category, NOTE)], "", "Ada")
    lists.compare(bench.core)
    settle(bench)
    return now(bench, decision_id).id


def resolved(bench: Bench, decision_id: int, verdict: Verdict) -> int:
    made = verdicts.resolve(bench.core, decision_id, verdict, "Rita", person_id=77)
    settle(bench)
    return made


def relaxed(bench: Bench, site: Site, decision_id: int) -> int:
    """Let a newer policy decide again."""
    policies.save(bench.core, site.id, [{**RULES[0], "review": 0.2}, *RULES[1:]], "owner")
    replay.replay_policy(bench.core, site.id)
    return now(bench, decision_id).id


Chain = Callable[[Bench, Site, str], list[int]]


def asked(bench: Bench, site: Site, category: str) -> list[int]:
    first = decided(bench, site, NAME, 0.4)
    return [first, listed(bench, first, category)]


def blocked(bench: Bench, site: Site, category: str) -> list[int]:
    first = decided(bench, site, NAME, 0.9)
    return [first, listed(bench, first, category)]


def approved(bench: Bench, site: Site, category: str) -> list[int]:
    first = decided(bench, site, NAME, 0.4)
    return [first, resolved(bench, first, Verdict.ALLOW), listed(bench, first, category)]


def rejected(bench: Bench, site: Site, category: str) -> list[int]:
    first = decided(bench, site, NAME, 0.4)
    undone = verdicts.undo(bench.core, resolved(bench, first, Verdict.BLOCK), "Rita")
    return [first, undone, listed(bench, first, category)]


def replayed(bench: Bench, site: Site, category: str) -> list[int]:
    first = decided(bench, site, NAME, 0.4)
    second = relaxed(bench, site, first)
    return [first, second, listed(bench, first, category)]


CHAINS: list[Chain] = [asked, blocked, approved, rejected, replayed]


@pytest.fixture
def place(bench: Bench, application: Flask, owner: Owner) -> tuple[House, Site]:
    site = acting_site(bench)
    policies.save(bench.core, site.id, RULES, "owner")
    return House(bench, application, owner, {}, {}), site


def state(bench: Bench, decision_id: int) -> tuple[int, Verdict, frozenset[str]]:
    found = now(bench, decision_id)
    return found.id, found.verdict, frozenset(bench.platform.hidden)


@pytest.mark.table("chains of decisions")
@pytest.mark.parametrize("role", [role for role in Role if Right.REVIEW_RESTRICTED not in RIGHTS[role]])
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.__name__)
def test_no_earlier_number_opens_a_restricted_picture(place: tuple[House, Site], chain: Chain, role: Role) -> None:
    house, site = place
    ids = chain(house.bench, site, "csae.known_hash")
    before = state(house.bench, ids[0])
    assert before[1] is Verdict.BLOCK and NAME in before[2] and now(house.bench, ids[0]).restricted
    visitor, entries = house.visitor(role), 0
    for decision_id in ids:
        for rule, method, _ in house.routes():
            if "decision_id" in rule.arguments:
                answer = house.ask(visitor, rule, method, {"decision_id": decision_id})
                assert answer.status_code in (403, 404), f"{method} {rule.rule} of {decision_id}: {answer.status_code}"
                entries += 1
        clear = visitor.get(f"/decisions/{decision_id}/preview?clear=1", headers={"Sec-Fetch-Site": "same-origin"})
        assert clear.status_code in (403, 404) and clear.mimetype != "image/webp"
    for page in ("/decisions", "/decisions?replaced=1", "/decisions?q=gir&replaced=1", "/history", "/review", "/review/list"):
        assert NAME not in visitor.get(page).text and NOTE not in visitor.get(page).text
    assert entries >= 10 * len(ids)
    settle(house.bench)
    assert state(house.bench, ids[0]) == before


@pytest.mark.table("chains of decisions")
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.__name__)
def test_programs_platforms_and_batches_reach_no_restricted_picture_either(
    place: tuple[House, Site], application: Flask, chain: Chain
) -> None:
    house, site = place
    bench = house.bench
    ids = chain(bench, site, "csae.known_hash")
    before = state(bench, ids[0])
    client = application.test_client()
    for number in range(2):
        _, token = tokens.make(bench.core, f"program {number}", list(tokens.Scope), "Ada")
        headers = {"Authorization": f"Bearer {token}"}
        for decision_id in ids:
            address = f"/api/v1/decisions/{decision_id}"
            assert client.get(address, headers=headers).status_code == 404
            assert client.post(f"{address}/verdict", json={"verdict": "allow"}, headers=headers).status_code == 404
            assert client.post(f"{address}/undo", headers=headers).status_code == 404
        for listing in (f"/sites/{site.id}/history?media_id={NAME}", f"/history?site={site.id}", "/decisions?replaced=true"):
            text = client.get(f"/api/v1{listing}", headers=headers).text
            assert NAME not in text and NOTE not in text
    plain = Visibility((site.id,))
    for decision_id in ids:
        with application.app_context(), pytest.raises(DecisionUnknown):
            embedded._own(site, decision_id)
        for alone in (True, False):
            with pytest.raises(PicwardError):
                verdicts.resolve(bench.core, decision_id, Verdict.ALLOW, "Shopkeeper", within=plain, alone=alone)
        with pytest.raises(PicwardError):
            verdicts.undo(bench.core, decision_id, "Shopkeeper", plain)
        assert showing.preview(bench.core, decision_id, "Ada", clear=True) is None
        assert not showing.has_preview(bench.core, showing.get(bench.core, decision_id))
    assert showing.history(bench.core, site.id, NAME) == []
    batches.run(bench.core, batches.give(bench.core, ids, Verdict.ALLOW, "Rita", 77), plain)
    batches.run(bench.core, batches.undo(bench.core, ids, "Rita", 77), plain)
    settle(bench)
    assert state(bench, ids[0]) == before


@pytest.mark.table("chains of decisions")
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.__name__)
def test_who_has_the_right_sees_and_two_of_them_decide(place: tuple[House, Site], chain: Chain) -> None:
    """The control: the entries that were tried do open for those who may."""
    house, site = place
    ids = chain(house.bench, site, "csae.known_hash")
    one, two = house.visitor(Role.RESTRICTED), house.visitor(Role.RESTRICTED)
    assert one.get(f"/decisions/{ids[-1]}").status_code == 200 and NOTE in one.get(f"/decisions/{ids[-1]}").text
    for visitor in (one, two):
        assert NAME in house.bench.platform.hidden
        assert visitor.post(f"/decisions/{ids[-1]}/verdict", verdict="allow").status_code == 303
        settle(house.bench)
    assert now(house.bench, ids[0]).verdict is Verdict.ALLOW and NAME not in house.bench.platform.hidden
    # Two people decided about this very match: it binds, however often the list is compared again.
    listed(house.bench, ids[0], "csae.known_hash")
    assert now(house.bench, ids[0]).verdict is Verdict.ALLOW


@pytest.mark.table("chains of decisions")
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.__name__)
def test_a_program_or_a_shopkeeper_is_never_one_of_two(place: tuple[House, Site], application: Flask, chain: Chain) -> None:
    house, site = place
    bench = house.bench
    ids = chain(bench, site, "self_harm")
    before = state(bench, ids[0])
    _, token = tokens.make(bench.core, "nightly", list(tokens.Scope), "Ada")
    for decision_id in ids:
        answer = application.test_client().post(
            f"/api/v1/decisions/{decision_id}/verdict",
            json={"verdict": "allow"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code in (403, 409)
        with pytest.raises(PicwardError):
            verdicts.resolve(bench.core, decision_id, Verdict.ALLOW, "Shopkeeper", within=Visibility((site.id,)), alone=True)
    with pytest.raises(SecondPersonNeeded):
        verdicts.resolve(bench.core, ids[-1], Verdict.ALLOW, "Shopkeeper", within=Visibility((site.id,)), alone=True)
    assert state(bench, ids[0]) == before
    with bench.core.db.read() as connection:
        assert queue.rows.opinions_of(connection, ids[-1]) == []


def test_the_bar_of_what_one_did_last_says_nothing_of_it_once_it_is_restricted(place: tuple[House, Site]) -> None:
    house, site = place
    first = decided(house.bench, site, NAME, 0.4)
    reviewer = house.visitor(Role.REVIEWER)
    assert reviewer.post(f"/decisions/{first}/verdict", verdict="allow", back="review").status_code == 303
    assert NAME in reviewer.get("/review").text, "the control"
    listed(house.bench, first, "csae.known_hash")
    assert NAME not in reviewer.get("/review").text


def test_what_was_escalated_waits_for_others_whichever_number_is_named(place: tuple[House, Site]) -> None:
    house, site = place
    first = decided(house.bench, site, NAME, 0.4)
    second = relaxed(house.bench, site, first)
    assert second != first
    queue.escalate(house.bench.core, second, "Ada", "for owners")
    reviewer = house.visitor(Role.REVIEWER)
    for decision_id in (first, second):
        assert reviewer.post(f"/decisions/{decision_id}/verdict", verdict="allow").status_code == 403
        with pytest.raises(Escalated):
            verdicts.resolve(house.bench.core, decision_id, Verdict.ALLOW, "P", within=Visibility((site.id,)))
    assert now(house.bench, first).id == second
    assert house.visitor(Role.RESTRICTED).post(f"/decisions/{first}/verdict", verdict="allow").status_code == 303


def test_a_stored_installation_is_healed_by_its_migration(place: tuple[House, Site]) -> None:
    """Earlier versions left the decisions before a restricted one open, and its preview where it was."""
    house, site = place
    bench = house.bench
    ids = blocked(bench, site, "csae.known_hash")
    sha256 = showing.get(bench.core, ids[0]).sha256
    with bench.core.db.write() as connection:
        connection.execute(update(decisions).where(decisions.c.id != ids[-1]).values(restricted=False, two_people=False))
        pictures.keep_preview(connection, site.id, sha256, b"clear", b"blurred", bench.clock())
    reviewer = house.visitor(Role.REVIEWER)
    assert reviewer.get(f"/decisions/{ids[0]}").status_code == 200, "the hole was not made"
    script = importlib.import_module("app.db.migrations.versions.0007_rights_follow_the_picture")
    with bench.core.db.write() as connection, Operations.context(MigrationContext.configure(connection)):
        script.upgrade()
    assert reviewer.get(f"/decisions/{ids[0]}").status_code == 404
    with bench.core.db.read() as connection:
        assert not pictures.has_preview(connection, site.id, sha256)
        flags = connection.execute(select(decisions.c.restricted, decisions.c.two_people)).all()
    assert {tuple(row) for row in flags} == {(True, True)}
