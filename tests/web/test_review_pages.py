"""The queue, verdicts, previews and the history of decisions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.db.tables import audit
from app.domain.decisions import Action, Verdict
from app.domain.media import Region
from app.domain.signals import Signal
from app.services import enforce, policies, review, sites
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided, judged

OURS = {"Sec-Fetch-Site": "same-origin"}


def names(page: str) -> list[str]:
    return re.findall(r'<h2 id="d\d+-name"><a [^>]*>([^<]+)<', page)


def reveals(bench: Bench) -> int:
    with bench.core.db.read() as connection:
        return len(connection.execute(select(audit.c.id).where(audit.c.action == "preview.revealed")).all())


def test_the_queue_shows_what_waits_with_its_reasons(owner: Owner, bench: Bench) -> None:
    site, other = acting_site(bench), acting_site(bench)
    decided(bench, site, "one", 0.4)
    decided(bench, other, "two", 0.5)
    decided(bench, site, "blocked", 0.9)
    page = owner.get("/review").text
    assert names(page) == ["one", "two"]
    assert "Nudity 0.40, review from 0.30" in page
    assert "waiting <time datetime=" in page
    assert names(owner.get(f"/review?site={other.id}").text) == ["two"]
    assert owner.get("/review?site=st_none").status_code == 404


def test_a_verdict_goes_on_to_the_next_one_and_can_be_undone(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    first, second = decided(bench, site, "one", 0.4), decided(bench, site, "two", 0.4)
    answer = owner.post(f"/decisions/{first}/verdict", verdict="block", back="review", next=str(second))
    resolved = review.recent(bench.core)[0].decision
    assert (resolved.verdict, resolved.person, resolved.supersedes) == (Verdict.BLOCK, "Ada", first)
    assert answer.location == f"/review?at={second}&done={resolved.id}#d{second}"
    page = owner.get(answer.location).text
    assert names(page) == ["two"]
    assert f'id="d{second}" tabindex="-1"' in page
    assert "Undo: approve instead" in page
    enforce.run_next(bench.core)
    assert bench.platform.hidden == {"one"}
    owner.post(f"/decisions/{resolved.id}/verdict", verdict="allow", back="review")
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == set()


def test_deleting_is_offered_only_where_the_owner_opted_in(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    blocked = decided(bench, site, "one", 0.9)
    assert "Reject and delete for good" not in owner.get(f"/decisions/{blocked}").text
    assert owner.post(f"/decisions/{blocked}/verdict", verdict="block", delete="1").status_code == 422
    sites.save_settings(bench.core, site.id, {"delete_blocked": True}, "owner")
    assert "Reject and delete for good" in owner.get(f"/decisions/{blocked}").text
    owner.post(f"/decisions/{blocked}/verdict", verdict="block", delete="1")
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.applied[-1].action is Action.DELETE


def test_never_again_puts_the_picture_on_the_list(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    waiting = decided(bench, site, "one", 0.4)
    owner.post(f"/decisions/{waiting}/verdict", verdict="block", never_again="1", back="review")
    assert sites.summary(bench.core, site.id)["hashes"] == {"block": 1}
    resolved = review.recent(bench.core)[0].decision
    owner.post(f"/decisions/{resolved.id}/verdict", verdict="allow", never_again="1")
    assert sites.summary(bench.core, site.id)["hashes"] == {}


@pytest.mark.parametrize("back", ["review", ""])
def test_a_second_verdict_for_the_same_decision_is_told_kindly(owner: Owner, bench: Bench, back: str) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    review.resolve(bench.core, waiting, Verdict.ALLOW, "Eva")
    answer = owner.post(f"/decisions/{waiting}/verdict", verdict="block", back=back)
    assert answer.status_code == 303
    page = owner.get(answer.location).text
    assert "meanwhile. Your verdict was not used" in page
    assert review.recent(bench.core)[0].decision.person == "Eva"


@pytest.mark.parametrize("verdict", ["", "review", "ALLOW", "explode"])
def test_other_verdicts_are_refused(owner: Owner, bench: Bench, verdict: str) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    assert owner.post(f"/decisions/{waiting}/verdict", verdict=verdict).status_code == 400
    assert review.count_waiting(bench.core) == 1


def test_any_decision_can_be_turned_later(owner: Owner, bench: Bench) -> None:
    blocked = decided(bench, acting_site(bench), "one", 0.9)
    assert bench.platform.hidden == {"one"}
    assert "Approve and restore" in owner.get(f"/decisions/{blocked}").text
    restored = owner.post(f"/decisions/{blocked}/verdict", verdict="allow").location
    enforce.run_next(bench.core)
    assert bench.platform.hidden == set()
    page = owner.get(restored).text
    assert "Your verdict is in force." in page
    assert "Reject and hide" in page
    assert "This decision was replaced." in owner.get(f"/decisions/{blocked}").text


def test_the_preview_is_blurred_unless_asked_for_from_our_own_page(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    path = f"/decisions/{waiting}/preview"
    blurred = owner.get(path)
    assert (blurred.data, blurred.mimetype) == (b"blurred", "image/webp")
    assert blurred.headers["Cache-Control"] == "no-store"
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Referer": "http://evil.example/"}):
        assert owner.get(f"{path}?clear=1", headers=headers).status_code == 403
    assert reveals(bench) == 0
    clear = owner.get(f"{path}?clear=1", headers=OURS)
    assert clear.data == b"clear"
    assert reveals(bench) == 1
    assert "Looked at the clear picture" in owner.get(f"/decisions/{waiting}").text


def test_revealing_works_without_javascript(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    assert "?clear=1" in owner.post(f"/decisions/{waiting}/reveal").text.split("data-blurred")[0]
    assert "?clear=1" not in owner.get(f"/decisions/{waiting}").text.split("data-blurred")[0]


def test_pictures_without_a_preview_show_that(owner: Owner, bench: Bench) -> None:
    allowed = decided(bench, acting_site(bench), "fine", 0.1)
    answer = owner.get(f"/decisions/{allowed}/preview")
    assert (answer.status_code, answer.mimetype) == (404, "image/svg+xml")
    assert "No preview is kept" in owner.get(f"/decisions/{allowed}").text


def test_restricted_categories_are_never_shown(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, [{"category": "csae", "review": 0.1, "mode": "review"}], "owner")
    bench.platform.images["x"] = b"x"
    bench.judge.sees[hashlib.sha256(b"x").hexdigest()] = (Signal("told", "1", "csae.suspected", 0.9),)
    waiting = judged(bench, site, "x")
    for page in (owner.get("/review").text, owner.get(f"/decisions/{waiting}").text):
        assert "This category is never shown." in page
        assert "/preview" not in page


def test_regions_are_drawn_without_inline_style(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.images["x"] = b"x"
    signal = Signal("told", "1", "sexual.explicit_nudity", 0.4)
    bench.judge.sees[hashlib.sha256(b"x").hexdigest()] = (replace(signal, region=Region(0.1, 0.25, 0.5, 0.333)),)
    page = owner.get(f"/decisions/{judged(bench, site, 'x')}").text
    assert '<rect x="10.0" y="25.0" width="50.0" height="33.3"' in page
    assert "style=" not in page
    assert "<script>" not in page


def test_decisions_are_filtered_and_paged(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.console.decisions.PAGE", 2)
    site, other = acting_site(bench), acting_site(bench)
    for name, place, score in (("a", site, 0.9), ("b", other, 0.1), ("c", site, 0.4), ("d", site, 0.1)):
        decided(bench, place, name, score)

    def listed(path: str) -> list[str]:
        return re.findall(r'<a href="/decisions/\d+">(\w+)<', owner.get(path).text)

    assert listed("/decisions") == ["d", "c"]
    older = re.search(r'rel="next" href="([^"]+)"', owner.get("/decisions").text)
    assert older is not None
    assert listed(older[1].replace("&amp;", "&")) == ["b", "a"]
    assert listed("/decisions?verdict=block") == ["a"]
    assert listed(f"/decisions?site={other.id}") == ["b"]
    assert listed("/decisions?verdict=nonsense&before=-3") == ["d", "c"]
    assert "Hidden" in owner.get("/decisions?verdict=block").text
    assert owner.get("/decisions?site=st_none").status_code == 404


def test_what_platforms_say_is_only_text(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "<img src=x onerror=alert(1)>", 0.4)
    for path in ("/review", "/decisions", f"/decisions/{waiting}", "/sites"):
        assert "<img src=x" not in owner.get(path).text


def test_only_a_persons_verdict_is_announced(owner: Owner, bench: Bench) -> None:
    blocked = decided(bench, acting_site(bench), "one", 0.9)
    assert "Undo" not in owner.get(f"/review?done={blocked}").text
    assert owner.get("/review?done=999&stale=999&at=x").status_code == 200
