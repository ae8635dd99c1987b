"""The queue, one by one and as a list; verdicts, previews and the page of a decision."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from app.db.tables import audit
from app.domain.decisions import Action, Verdict
from app.domain.media import Region
from app.domain.roles import Role
from app.domain.signals import Signal
from app.services.people import sessions
from app.services.pipeline import enforce
from app.services.review import queue, showing, verdicts
from app.services.rules import policies
from app.services.sites import sites
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided, judged

OURS = {"Sec-Fetch-Site": "same-origin"}


def shown(page: str) -> str:
    """Name the picture that the page is about, "" for none."""
    found = re.search(r'<h2 id="name">([^<]+)<', page)
    return found[1] if found else ""


def listed(page: str) -> list[str]:
    return re.findall(r'<h2 id="d\d+"><a [^>]*>([^<]+)<', page)


def reveals(bench: Bench) -> list[str]:
    with bench.core.db.read() as connection:
        query = select(audit.c.text).where(audit.c.action == "preview.revealed")
        return list(connection.execute(query.order_by(audit.c.id)).scalars())


def another(bench: Bench, application: Flask, name: str, role: Role = Role.REVIEWER) -> Owner:
    """Sign another person in."""
    token = sessions.open_session(bench.core, invited(bench, name, role))
    client = application.test_client()
    client.set_cookie("picward", token)
    signed_in = sessions.signed_in(bench.core, token)
    assert signed_in is not None
    return Owner(client, signed_in.form_token)


def invited(bench: Bench, name: str, role: Role) -> int:
    from app.db import people as rows

    with bench.core.db.write() as connection:
        return rows.add(connection, f"{name.lower()}@example.org", name, "-", role, bench.core.now())


def settle(bench: Bench) -> None:
    while enforce.run_next(bench.core):
        pass


def test_the_next_picture_comes_with_its_reasons(owner: Owner, bench: Bench) -> None:
    site, other = acting_site(bench), acting_site(bench)
    decided(bench, site, "one", 0.4)
    decided(bench, other, "two", 0.5)
    decided(bench, site, "blocked", 0.9)
    page = owner.get("/review").text
    assert shown(page) == "one"
    assert "Nudity 0.40, review from 0.30" in page
    assert "score 0.40, threshold 0.30" in page
    assert "2 pictures wait" in page
    assert listed(owner.get("/review/list").text) == ["one", "two"]
    assert listed(owner.get(f"/review/list?site={other.id}").text) == ["two"]
    assert owner.get("/review?site=st_none").status_code == 404
    assert owner.get("/review/list?site=st_none").status_code == 404


def test_a_verdict_goes_on_to_the_next_one_and_can_be_undone(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    first = decided(bench, site, "one", 0.4)
    decided(bench, site, "two", 0.4)
    answer = owner.post(f"/decisions/{first}/verdict", verdict="block", rejection="6", back="review")
    resolved = showing.recent(bench.core)[0].decision
    assert (resolved.verdict, resolved.person, resolved.supersedes) == (Verdict.BLOCK, "Ada", first)
    assert resolved.reasons[0].category == "weapons.other"
    page = owner.get(answer.location).text
    assert shown(page) == "two"
    assert "Rejected:" in page and "Undo my last verdict" in page
    settle(bench)
    assert bench.platform.hidden == {"one"}
    answer = owner.post("/review/undo", back="review")
    assert "as it was before" in owner.get(answer.location).text
    settle(bench)
    assert bench.platform.hidden == set()
    assert showing.count_waiting(bench.core) == 2
    assert shown(owner.get(answer.location).text) == "one"
    assert "nothing of yours" in owner.get(owner.post("/review/undo").location).text


def test_the_undo_bar_goes_after_half_a_minute_and_the_key_stays(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    owner.post(f"/decisions/{waiting}/verdict", verdict="allow", back="review")
    assert 'data-flash="30"' in owner.get("/review").text
    bench.clock.pass_seconds(31)
    page = owner.get("/review").text
    assert "data-flash" not in page and "Undo my last verdict" in page


def test_skipped_pictures_come_back_when_asked_for(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    owner.get("/review")
    page = owner.get(owner.post(f"/review/{waiting}/skip", back="review").location).text
    assert "You skipped 1 picture" in page
    assert shown(owner.get(owner.post("/review/again").location).text) == "one"


def test_the_order_is_remembered(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    rules = [{"category": "*", "review": 0.3, "mode": "review"}]
    policies.save(bench.core, site.id, rules, "owner")
    for name, category in (("mild", "gambling"), ("serious", "violence.graphic")):
        bench.platform.images[name] = name.encode()
        bench.judge.tell(name.encode(), category, 0.5)
        judged(bench, site, name)
    assert listed(owner.get("/review/list").text) == ["serious", "mild"]
    owner.post("/review/order", order="oldest", back="list")
    assert listed(owner.get("/review/list").text) == ["mild", "serious"]
    assert owner.post("/review/order", order="newest").status_code == 400


def test_the_list_goes_on_page_by_page(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.console.review.queue.PAGE", 2)
    site = acting_site(bench)
    for name in "abc":
        decided(bench, site, name, 0.4)
    page = owner.get("/review/list").text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert listed(page) + listed(owner.get(following[1].replace("&amp;", "&")).text) == ["a", "b", "c"]
    assert listed(owner.get("/review/list?after=9-x").text) == ["a", "b"]


def test_two_reviewers_never_get_the_same_picture(owner: Owner, application: Flask, bench: Bench) -> None:
    site = acting_site(bench)
    first = decided(bench, site, "one", 0.4)
    decided(bench, site, "two", 0.4)
    eva = another(bench, application, "Eva")
    assert shown(owner.get("/review").text) == "one"
    assert shown(eva.get("/review").text) == "two"
    assert "being reviewed by Ada" in eva.get("/review/list").text
    page = eva.get(f"/review/{first}").text
    assert "Ada is looking at this picture now" in page
    assert shown(eva.client.post(f"/review/{first}", data={"form_token": eva.form_token, "take_over": "1"}).text) == "one"


def test_a_verdict_after_the_lease_was_lost_is_kept_and_can_be_given_all_the_same(
    owner: Owner, application: Flask, bench: Bench
) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    eva = another(bench, application, "Eva")
    owner.get("/review")
    bench.clock.pass_seconds(queue.LEASE_MINUTES * 60 + 1)
    assert shown(eva.get("/review").text) == "one"
    answer = owner.post(f"/decisions/{waiting}/verdict", verdict="block", rejection="2", back="review")
    assert answer.status_code == 409
    assert "Eva is looking at this picture now" in answer.text
    assert 'name="rejection" value="2"' in answer.text
    assert showing.count_waiting(bench.core) == 1
    owner.post(f"/decisions/{waiting}/verdict", verdict="block", rejection="2", back="review", take_over="1")
    assert showing.recent(bench.core)[0].decision.person == "Ada"
    told = eva.get(eva.post(f"/decisions/{waiting}/verdict", verdict="allow", back="review").location).text
    assert "Your verdict was not used" in told


def test_a_lease_is_kept_by_activity_and_given_back_at_sign_out(owner: Owner, application: Flask, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    eva = another(bench, application, "Eva")
    owner.get("/review")
    bench.clock.pass_seconds(queue.LEASE_MINUTES * 60 - 1)
    assert owner.post(f"/review/{waiting}/keep").status_code == 204
    bench.clock.pass_seconds(queue.LEASE_MINUTES * 60 - 1)
    assert eva.post(f"/review/{waiting}/keep").status_code == 409
    assert "Nothing waits for you" in eva.get("/review").text
    owner.post("/sign-out")
    assert shown(eva.get("/review").text) == "one"


def test_an_escalated_picture_leaves_the_reviewers_queue(owner: Owner, application: Flask, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    eva = another(bench, application, "Eva")
    eva.get("/review")
    assert "Escalated" in eva.get(eva.post(f"/review/{waiting}/escalate", note="Is that legal?", back="review").location).text
    assert "Nothing waits" in eva.get("/review").text
    assert eva.post(f"/decisions/{waiting}/verdict", verdict="allow").status_code == 403
    assert "/verdict" not in eva.get(f"/decisions/{waiting}").text
    page = owner.get("/review").text
    assert shown(page) == "one" and "Eva: Is that legal?" in page
    assert owner.post(f"/review/{waiting}/escalate", note="x" * 501).status_code == 422


def test_deleting_is_offered_only_where_the_owner_opted_in(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    blocked = decided(bench, site, "one", 0.9)
    assert "Reject and delete for good" not in owner.get(f"/decisions/{blocked}").text
    assert owner.post(f"/decisions/{blocked}/verdict", verdict="block", delete="1").status_code == 422
    sites.save_settings(bench.core, site.id, {"delete_blocked": True}, "owner")
    assert "Reject and delete for good" in owner.get(f"/decisions/{blocked}").text
    deleted = owner.post(f"/decisions/{blocked}/verdict", verdict="block", delete="1").location.split("?")[0]
    settle(bench)
    assert bench.platform.applied[-1].action is Action.DELETE
    answer = owner.post(f"{deleted}/undo")
    assert answer.status_code == 409 and "deleted for good" in answer.text


def test_never_again_puts_the_picture_on_the_list_and_undo_takes_it_off(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    waiting = decided(bench, site, "one", 0.4)
    owner.post(f"/decisions/{waiting}/verdict", verdict="block", never_again="1", back="review")
    assert sites.summary(bench.core, site.id)["hashes"] == {"block": 1}
    owner.post("/review/undo")
    assert sites.summary(bench.core, site.id)["hashes"] == {}


@pytest.mark.parametrize("back", ["review", "list", ""])
def test_a_second_verdict_for_the_same_decision_is_told_kindly(owner: Owner, bench: Bench, back: str) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    verdicts.resolve(bench.core, waiting, Verdict.ALLOW, "Eva")
    answer = owner.post(f"/decisions/{waiting}/verdict", verdict="block", back=back)
    assert answer.status_code == 303
    assert "Your verdict was not used" in owner.get(answer.location).text
    assert showing.recent(bench.core)[0].decision.person == "Eva"


@pytest.mark.parametrize("verdict", ["", "review", "ALLOW", "explode"])
def test_other_verdicts_are_refused(owner: Owner, bench: Bench, verdict: str) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    assert owner.post(f"/decisions/{waiting}/verdict", verdict=verdict).status_code == 400
    assert showing.count_waiting(bench.core) == 1


def test_unknown_reasons_are_refused(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    assert owner.post(f"/decisions/{waiting}/verdict", verdict="block", rejection="12").status_code == 422


def test_any_decision_can_be_turned_and_undone_later(owner: Owner, bench: Bench) -> None:
    blocked = decided(bench, acting_site(bench), "one", 0.9)
    assert "Approve and restore" in owner.get(f"/decisions/{blocked}").text
    restored = owner.post(f"/decisions/{blocked}/verdict", verdict="allow").location
    settle(bench)
    assert bench.platform.hidden == set()
    page = owner.get(restored).text
    assert "Your verdict is in force." in page and "Reject and hide" in page
    assert "This decision was replaced." in owner.get(f"/decisions/{blocked}").text
    undone = owner.post(restored.split("?")[0] + "/undo").location
    settle(bench)
    assert bench.platform.hidden == {"one"}
    assert "as it was before" in owner.get(undone).text
    assert owner.post(f"/decisions/{blocked}/undo").status_code == 409


def test_the_preview_is_blurred_unless_asked_for_from_our_own_page(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    path = f"/decisions/{waiting}/preview"
    blurred = owner.get(path)
    assert (blurred.data, blurred.mimetype) == (b"blurred", "image/webp")
    assert blurred.headers["Cache-Control"] == "no-store"
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Referer": "http://evil.example/"}):
        assert owner.get(f"{path}?clear=1", headers=headers).status_code == 403
        assert owner.get(f"{path}?part=1", headers=headers).status_code == 403
    assert reveals(bench) == []
    assert owner.get(f"{path}?clear=1", headers=OURS).data == b"clear"
    assert reveals(bench) == ["Looked at the clear picture"]
    assert "Looked at the clear picture" in owner.get(f"/decisions/{waiting}").text


def test_readers_see_no_clear_picture(application: Flask, owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    reader = another(bench, application, "Rita", Role.READER)
    assert reader.get(f"/decisions/{waiting}/preview").data == b"blurred"
    assert reader.get(f"/decisions/{waiting}/preview?clear=1", headers=OURS).status_code == 403
    page = reader.get(f"/decisions/{waiting}").text
    assert "Show the picture" not in page and "/verdict" not in page
    assert reveals(bench) == []


def test_revealing_works_without_javascript(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    for path in (f"/decisions/{waiting}/reveal", f"/review/{waiting}"):
        assert "?clear=1" in owner.post(path).text.split("data-blurred")[0]
        assert "?clear=1" not in owner.get(path.removesuffix("/reveal")).text.split("data-blurred")[0]


def test_pictures_without_a_preview_show_that(owner: Owner, bench: Bench) -> None:
    allowed = decided(bench, acting_site(bench), "fine", 0.1)
    answer = owner.get(f"/decisions/{allowed}/preview")
    assert (answer.status_code, answer.mimetype) == (404, "image/svg+xml")
    assert "No preview is kept" in owner.get(f"/decisions/{allowed}").text


def abuse(bench: Bench) -> int:
    site = bench.site()
    policies.save(bench.core, site.id, [{"category": "csae", "review": 0.1, "mode": "review"}], "owner")
    bench.platform.images["secret-name"] = b"x"
    bench.judge.sees[hashlib.sha256(b"x").hexdigest()] = (Signal("told", "1", "csae.known_hash", 0.9),)
    return judged(bench, site, "secret-name")


def test_restricted_categories_are_never_shown(owner: Owner, bench: Bench) -> None:
    waiting = abuse(bench)
    for page in (owner.get("/review").text, owner.get("/review/list").text, owner.get(f"/decisions/{waiting}").text):
        assert "This category is never shown." in page
        assert "/preview" not in page
    assert owner.get(f"/decisions/{waiting}/preview").status_code == 404
    assert owner.get(f"/decisions/{waiting}/preview?clear=1", headers=OURS).status_code == 404


def test_restricted_pictures_exist_for_restricted_reviewers_only(owner: Owner, application: Flask, bench: Bench) -> None:
    waiting = abuse(bench)
    eva = another(bench, application, "Eva")
    paths = ("/review", "/review/list", "/decisions", "/decisions?q=secret-name", "/history", "/decisions/export.csv")
    for path in (*paths, "/decisions/export.json", "/decisions?verdict=review", "/history?q=secret-name", "/sites"):
        assert "secret-name" not in eva.get(path).text.replace("q=secret-name", "").replace('value="secret-name"', ""), path
    for path in ("", "/preview", "/statement", "/statement.json"):
        assert eva.get(f"/decisions/{waiting}{path}").status_code == 404
    for path in ("/verdict", "/undo", "/reveal"):
        assert eva.post(f"/decisions/{waiting}{path}", verdict="allow").status_code == 404
    for path in ("", "/keep", "/skip", "/escalate"):
        assert eva.post(f"/review/{waiting}{path}").status_code == 404
    assert '<span class="count">' not in eva.get("/decisions").text
    rosa = another(bench, application, "Rosa", Role.RESTRICTED)
    assert shown(rosa.get("/review").text) == "secret-name"
    for path in ("/decisions", "/history", "/decisions/export.csv"):
        assert "secret-name" in rosa.get(path).text


def test_severe_pictures_need_two_people(owner: Owner, application: Flask, bench: Bench) -> None:
    waiting = abuse(bench)
    rosa = another(bench, application, "Rosa", Role.RESTRICTED)
    page = owner.get(owner.post(f"/decisions/{waiting}/verdict", verdict="block", back="review").location).text
    assert "A second person must agree" in page and "Nothing waits for you" in page
    assert owner.post(f"/decisions/{waiting}/verdict", verdict="block").status_code == 409
    assert "Ada would reject" in rosa.get("/review").text
    rosa.post(f"/decisions/{waiting}/verdict", verdict="block", back="review")
    final = showing.recent(bench.core, restricted=True)[0].decision
    assert final.verdict is Verdict.BLOCK and "Ada and Rosa" in final.reasons[0].text
    assert final.restricted


def test_regions_are_drawn_without_inline_style(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.images["x"] = b"x"
    signal = Signal("told", "1", "sexual.explicit_nudity", 0.4)
    bench.judge.sees[hashlib.sha256(b"x").hexdigest()] = (replace(signal, region=Region(0.1, 0.25, 0.5, 0.333)),)
    waiting = judged(bench, site, "x")
    for page in (owner.get(f"/decisions/{waiting}").text, owner.get("/review").text):
        assert '<rect x="10.0" y="25.0" width="50.0" height="33.3"' in " ".join(page.split())
        assert "style=" not in page
        assert "<script>" not in page
    assert "Only the part that scored" in owner.get("/review").text


def test_what_platforms_say_is_only_text(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "<img src=x onerror=alert(1)>", 0.4)
    for path in ("/review", "/review/list", "/decisions", f"/decisions/{waiting}", "/history", "/sites"):
        assert "<img src=x" not in owner.get(path).text


def test_a_whole_listing_is_hidden_at_once_and_comes_back_at_once(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    gallery = gallery_of(bench, site, ("front", 0.4), ("side", 0.4), ("back", 0.1))
    page = owner.get(f"/review/{gallery['front']}").text
    assert "Hide the listing (3 pictures)" in page and page.count('name="also"') == 1
    owner.post(f"/decisions/{gallery['front']}/verdict", verdict="block", listing="1", back="review")
    settle(bench)
    assert bench.platform.hidden == {"front", "side", "back"}
    assert "Many pictures decided at once" in owner.get("/review").text
    owner.post("/review/undo")
    settle(bench)
    assert bench.platform.hidden == set()
    assert showing.count_waiting(bench.core) == 2


def gallery_of(bench: Bench, site: object, *pictures: tuple[str, float]) -> dict[str, int]:
    from app.domain.jobs import Priority
    from app.domain.platform import Site
    from app.services.pipeline import moderate
    from app.services.pipeline.moderate import Moderator

    assert isinstance(site, Site)
    for name, score in pictures:
        bench.platform.images[name] = f"picture {name}".encode()
        bench.platform.parents[name] = "product:1"
        bench.judge.tell(bench.platform.images[name], "sexual.explicit_nudity", score)
        with bench.core.db.write() as connection:
            moderate.add_job(connection, site.id, bench.platform.ref(name), Priority.UPLOAD, bench.core.now())
    moderator = Moderator(bench.core)
    while moderator.run_next():
        pass
    settle(bench)
    return {item.decision.media.id: item.decision.id for item in showing.recent(bench.core)}


def test_marked_pictures_are_judged_after_a_confirmation(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    ids = [decided(bench, site, name, 0.4) for name in ("one", "two", "three")]
    form = {"form_token": owner.form_token, "also": [str(id) for id in ids[:2]], "verdict": "block", "rejection": "4"}
    page = owner.client.post("/review/many", data=form).text
    assert "Reject 2 pictures?" in page and "Hate symbol" in page and "three" not in page
    assert showing.count_waiting(bench.core) == 3
    owner.client.post("/review/many", data={**form, "confirmed": "1", "back": "list"})
    settle(bench)
    assert bench.platform.hidden == {"one", "two"}
    decided_now = [item.decision for item in showing.recent(bench.core, verdict="block")]
    assert len({decision.batch for decision in decided_now}) == 1 and decided_now[0].batch
    batch = decided_now[0].batch
    page = owner.get(f"/review/batches/{batch}").text
    assert "2 of 2 done" in page and "Hidden" in page
    page = owner.post(f"/review/batches/{batch}/undo").text
    assert "Undo 2 decisions?" in page and "2 pictures are shown again." in page
    bench.platform.drift["one"] = "someone made it private"
    answer = owner.post(f"/review/batches/{batch}/undo", confirmed="1")
    settle(bench)
    assert bench.platform.hidden == {"one"}
    assert "Changed at the site meanwhile" in owner.get(answer.location).text
    assert showing.count_waiting(bench.core) == 3


def test_marking_nothing_or_what_is_not_there_does_nothing(owner: Owner, bench: Bench) -> None:
    waiting = decided(bench, acting_site(bench), "one", 0.4)
    assert "Nothing was chosen" in owner.get(owner.post("/review/many", verdict="allow").location).text
    owner.post("/review/many", verdict="allow", also="999", confirmed="1")
    owner.post("/review/many", verdict="allow", also="x", confirmed="1")
    assert owner.post(f"/decisions/{waiting}/verdict", verdict="allow", also="999").status_code == 404
    assert owner.get("/review/batches/none").status_code == 404
    assert showing.count_waiting(bench.core) == 1


def test_keys_can_be_changed_and_must_make_sense(owner: Owner, bench: Bench) -> None:
    decided(bench, acting_site(bench), "one", 0.4)
    assert '"approve": "a"' in owner.get("/review").text.replace("&#34;", '"')
    assert owner.post("/review/keys", approve="y", reveal="space").status_code == 303
    assert '"approve": "y"' in owner.get("/review").text.replace("&#34;", '"')
    for wrong in ({"approve": "r"}, {"approve": "5"}, {"approve": ""}, {"approve": "ab"}):
        answer = owner.post("/review/keys", **wrong)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    owner.post("/review/keys", usual="1")
    assert '"approve": "a"' in owner.get("/review").text.replace("&#34;", '"')
