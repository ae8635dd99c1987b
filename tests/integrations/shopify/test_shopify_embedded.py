"""Our pages inside a shop's admin: let in by a session token at every request, framed by that shop only."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.domain.decisions import Verdict
from app.domain.platform import SiteState
from app.domain.presets import PRESETS
from app.domain.settings import declare
from app.services.pipeline import enforce, scan
from app.services.review import showing
from app.services.rules import policies
from app.services.sites import sites
from app.services.trying.backtest import Change
from integrations.shopify import PLATFORM
from tests.integrations.shopify.embedding import ONE, TWO, Admin, opened_admin
from tests.integrations.shopify.stand_in import CLIENT_ID, answers
from tests.integrations.shopify.test_shopify_state import refusing
from tests.support.core import Bench
from tests.web.visitor import become_owner

RETRY = "X-Shopify-Retry-Invalid-Session-Request"
PAGES = ("", "/settings", "/review", "/history")


@pytest.fixture
def admin(bench: Bench) -> Iterator[Admin]:
    with opened_admin(bench) as made:
        yield made


def test_the_first_visit_connects_the_shop_and_later_ones_only_look(admin: Admin) -> None:
    first = admin.open()
    assert first.status_code == 200
    (row,) = sites.listing(admin.bench.core)
    assert (row.key, row.state, row.platform) == (ONE, SiteState.ACTIVE, "shopify")
    credentials = sites.get(admin.bench.core, row.id).credentials
    assert admin.open("/settings").status_code == 200
    assert sites.get(admin.bench.core, row.id).credentials == credentials
    assert len(sites.listing(admin.bench.core)) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_framed_by_its_shop_and_keeps_nothing_in_the_browser(admin: Admin, page: str) -> None:
    answer = admin.open(page)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    policy = {
        name: rest for name, _, rest in (rule.partition(" ") for rule in answer.headers["Content-Security-Policy"].split("; "))
    }
    assert policy["frame-ancestors"] == f"https://{ONE} https://admin.shopify.com"
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy["script-src"])
    assert nonce
    assert policy["script-src"] == f"'nonce-{nonce[1]}' https://cdn.shopify.com"
    assert policy["default-src"] == "'none'"
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    scripts = re.findall(r"<script([^>]*)>", answer.text)
    assert scripts[0] == ' src="https://cdn.shopify.com/shopifycloud/app-bridge.js"'
    assert answer.text.index("shopify-api-key") < answer.text.index("<script")
    assert f'content="{CLIENT_ID}"' in answer.text
    assert all("cdn.shopify.com" in script or f'nonce="{nonce[1]}"' in script for script in scripts)
    assert not re.search(r"\son\w+=", answer.text)
    assert nonce[1] not in admin.open(page).text


BAD_TOKENS: dict[str, dict[str, Any]] = {
    "forged": {"secret": "not the secret of this app, and as long"},
    "expired": {"exp": 1_000_000_000},
    "of another app": {"aud": "f" * 32},
    "of no shop": {"dest": "https://evil.example", "iss": "https://evil.example/admin"},
    "of two shops": {"iss": f"https://{TWO}/admin"},
    "not yet valid": {"nbf": 9_000_000_000},
    "without a user": {"sub": None},
}


@pytest.mark.parametrize("how", BAD_TOKENS)
def test_a_bad_token_shows_nothing_and_connects_nothing(admin: Admin, how: str) -> None:
    token = admin.token(**BAD_TOKENS[how])
    for page in PAGES:
        answer = admin.open(page, token=token)
        assert answer.status_code == 302
        assert urlsplit(answer.headers["Location"]).path == "/embedded/shopify/renew"
        assert token not in answer.headers["Location"]
    assert admin.send("scan", token=token).status_code == 401
    assert sites.listing(admin.bench.core) == []


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 9000])
def test_nonsense_is_no_token(admin: Admin, token: str) -> None:
    assert admin.open(token=token).status_code in (302, 401)
    answer = admin.client.post(
        "/embedded/shopify/scan", json={}, headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    )
    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")
    assert answer.json == {"type": "about:blank", "title": "Not accepted", "status": 401}


CLOCKS = {"behind": (-120, "seconds behind"), "ahead": (300, "seconds ahead of")}


@pytest.mark.parametrize("how", CLOCKS)
def test_a_wrong_clock_is_told_and_does_not_send_visitors_round_and_round(admin: Admin, how: str) -> None:
    """App Bridge comes back with a fresh token of Shopify's clock each time; ours is another."""
    wrong, words = CLOCKS[how]

    def token() -> str:
        theirs = int(time.time()) - wrong
        return admin.token(nbf=theirs, iat=theirs, exp=theirs + 60)

    asked: dict[str, str] = {}
    hops = 0
    while (answer := admin.open(token=token(), **asked)).status_code == 302 and hops < 5:
        hops += 1
        reload = parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"][0]
        asked = {"renewed": parse_qs(urlsplit(reload).query)["renewed"][0]}
    assert (answer.status_code, hops) == (401, 0 if how == "behind" else 1)
    assert words in answer.text and "NTP" in answer.text and "shopify-reload" not in answer.text
    if how == "behind":
        fetched = admin.send("scan", token=token())
        assert fetched.status_code == 401 and RETRY not in fetched.headers and "clock" in fetched.json["detail"]
    assert sites.listing(admin.bench.core) == []


def test_a_page_that_was_open_for_long_is_only_sent_for_a_fresh_token(admin: Admin) -> None:
    old = int(time.time()) - 3_600
    for renewed in ({}, {"renewed": str(old)}):
        assert admin.open(token=admin.token(nbf=old, iat=old, exp=old + 60), **renewed).status_code == 302


def test_a_visit_without_a_token_comes_back_with_one(admin: Admin) -> None:
    answer = admin.open("/review", token="", locale="de")
    location = urlsplit(answer.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert asked["shop"] == ONE
    back, _, renewed = asked["shopify-reload"].partition("&renewed=")
    assert back == f"/embedded/shopify/review?embedded=1&shop={ONE}&host=YWRtaW4&locale=de" and int(renewed) > 1_700_000_000
    page = admin.client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert f"frame-ancestors https://{ONE} https://admin.shopify.com" in page.headers["Content-Security-Policy"]
    assert page.text.count("<script") == 1
    assert 'src="https://cdn.shopify.com/shopifycloud/app-bridge.js"' in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    "shop",
    [
        "evil.example",
        "evil.example *",
        "one.myshopify.com.evil.example",
        "x;script-src *",
        "one.myshopify.com\r\nX: y",
        "*",
        "A" * 9000,
    ],
)
def test_what_is_no_shop_is_used_nowhere(admin: Admin, shop: str) -> None:
    for page in (*PAGES, "/renew"):
        answer = admin.client.get(f"/embedded/shopify{page}", query_string={"shop": shop, "shopify-reload": "/embedded/shopify"})
        assert answer.status_code == 401
        assert "Location" not in answer.headers
        assert "evil" not in str(answer.headers)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "back",
    ["", "https://evil.example/", "//evil.example", "/\\evil.example", "/sign-in", "/embedded/shopify/../../sign-in",
     "/embedded/shopify.evil.example", "/embedded/shopify/renew?x=1", "javascript:alert(1)", "/embedded/shopify\tx"],
)  # fmt: skip
def test_a_token_is_never_led_elsewhere(admin: Admin, back: str) -> None:
    answer = admin.client.get("/embedded/shopify/renew", query_string={"shop": ONE, "shopify-reload": back})
    assert answer.status_code == 401


def test_a_shop_that_cannot_be_connected_says_so_in_its_frame(admin: Admin) -> None:
    admin.shopify.shops[ONE].script(answers.UNAVAILABLE, times=None, to="token")
    answer = admin.open()
    assert answer.status_code == 502
    assert "The shop could not be connected" in answer.text
    assert f"frame-ancestors https://{ONE}" in answer.headers["Content-Security-Policy"]
    admin.shopify.shops[ONE].script(None, to="token")


def test_a_platform_without_pages_has_none(admin: Admin, bench: Bench) -> None:
    site = bench.site()
    signed = {"picward-site": site.id, "secret": site.secrets[0]}
    for method, path in (("GET", ""), ("GET", "/settings"), ("POST", "/verdict"), ("POST", "/settings"), ("POST", "/scan")):
        answer = admin.client.open(f"/embedded/paper{path}", method=method, headers=signed, json={})
        assert answer.status_code in (404, 405), (method, path)
    assert admin.client.get("/embedded/nowhere").status_code == 404
    assert admin.client.get("/embedded/shopify/nowhere").status_code == 404


def test_settings_are_rendered_from_their_declaration_and_saved_by_fetch(admin: Admin) -> None:
    site = admin.site()
    page = admin.open("/settings").text
    for field in sites.read_settings(admin.bench.core, site)["declaration"]:
        assert (f'name="{field["name"]}"' in page) is (field["changed_by"] == "platform")
    assert "<form data-save-bar" in page
    saved = admin.send("settings", {"values": {"hide_by": "unpublish", "tag": "held"}})
    assert (saved.status_code, saved.json["values"]["hide_by"]) == (200, "unpublish")
    assert sites.get(admin.bench.core, site.id).settings.tag == "held"
    wrong = admin.send("settings", {"values": {"tag": "a,b", "nonsense": 1}})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"tag", "nonsense"})
    who = [who for _, who, text in sites.trail(admin.bench.core, site.id) if "tag: " in text]
    assert who
    assert who[0].startswith("at the site: Shopify user ")


OWNERS = {
    "mode": "flag",
    "delete_blocked": True,
    "preview_days": 365,
    "tell_emails": ["victim@example.com"],
    "tell_webhook": "http://127.0.0.1:1/",
    "tell_hidden": False,
    "tell_parked": False,
    "tell_waiting_hours": 0,
    "tell_trouble": False,
    "original_bytes": True,
    "actions_per_hour": 1_000,
    "shown_again": "hide",
}


def test_what_is_an_owners_is_shown_and_refused(admin: Admin) -> None:
    site = admin.site()
    declaration = declare(PLATFORM.Settings)
    assert set(OWNERS) == {field["name"] for field in declaration if field["changed_by"] == "owner"}
    fixed = admin.open("/settings").text.partition('id="fixed"')[2]
    shown = {field["name"] for field in declaration if field["changed_by"] == "owner" and field["title"] in fixed}
    assert shown == {name for name in OWNERS if not name.startswith("tell_")}, "who is told of what is the owner's own"
    assert f"/sites/{site.id}/settings" in fixed
    for name, value in OWNERS.items():
        refused = admin.send("settings", {"values": {name: value, "tag": "held"}})
        assert (refused.status_code, set(refused.json["fields"])) == (403, {name})
        assert sites.get(admin.bench.core, site.id).settings == site.settings
    lines = [text for _, who, text in sites.trail(admin.bench.core, site.id, 50) if who.startswith("at the site: ")]
    assert len([text for text in lines if text.startswith("Refused")]) == len(OWNERS)


def test_a_hidden_product_comes_back_by_undo(admin: Admin) -> None:
    shop = admin.shopify.shops[ONE]
    decision = admin.judged(shop, 0.9)
    product = next(iter(shop.products.values()))
    assert product.status == "DRAFT"
    home = admin.open().text
    assert f'data-decision="{decision}"' in home
    answer = admin.send("verdict", {"decision_id": decision, "verdict": "allow"})
    assert answer.status_code == 200
    while enforce.run_next(admin.bench.core):
        pass
    assert product.status == "ACTIVE"
    assert "Nothing is hidden." in admin.open().text
    again = admin.send("verdict", {"decision_id": decision, "verdict": "block"})
    assert again.status_code == 409


def test_the_review_page_shows_blurred_pictures_and_logs_a_clear_look(admin: Admin) -> None:
    shop = admin.shopify.shops[ONE]
    decision = admin.judged(shop, 0.4)
    page = admin.open("/review").text
    assert f'data-picture="/embedded/shopify/picture/{decision}"' in page
    blurred = admin.send(f"picture/{decision}")
    clear = admin.send(f"picture/{decision}", {"clear": True})
    assert (blurred.data, clear.data) == (b"blurred", b"clear")
    assert (blurred.mimetype, blurred.headers["Cache-Control"]) == ("image/webp", "no-store")
    found = showing.get(admin.bench.core, decision)
    looks = [entry for entry in showing.history(admin.bench.core, found.site_id, found.media.id) if "clear" in entry["text"]]
    assert len(looks) == 1
    assert admin.send("verdict", {"decision_id": decision, "verdict": "block"}).status_code == 200
    assert "Nothing waits for your decision." in admin.open("/review").text
    assert "Blocked" in admin.open("/history").text


def test_rules_are_chosen_by_trade_and_tried_first(admin: Admin) -> None:
    site = admin.site()
    before = policies.current(admin.bench.core, site.id)
    page = admin.open("/settings").text
    assert all(f'value="{preset}"' in page for preset in PRESETS)
    further = admin.send("policy", {"preset": "shop", "approach": "hide", "upon": before.version})
    assert (further.status_code, set(further.json["fields"])) == (403, {"approach"})
    wanted = {"preset": "shop", "upon": before.version}
    effect = admin.send("effect", wanted)
    assert (effect.status_code, effect.json["looked_at"]) == (200, 0)
    assert set(effect.json["changes"]) == set(Change)
    assert policies.current(admin.bench.core, site.id) == before
    saved = admin.send("policy", wanted)
    assert (saved.status_code, saved.json["version"]) == (200, before.version + 1)
    assert policies.current(admin.bench.core, site.id).rule_for("sexual.explicit_nudity").mode == "shadow"
    assert admin.send("policy", wanted).status_code == 422
    for wrong in ({"preset": "nonsense"}, {"approach": "nonsense"}, {"upon": "x"}):
        assert admin.send("policy", {**wanted, **wrong}).status_code == 422, wrong


@pytest.mark.parametrize(("category", "status"), [("csae.known_hash", 404), ("self_harm", 409)])
def test_what_needs_special_people_is_decided_in_the_console(admin: Admin, category: str, status: int) -> None:
    decision = admin.judged(admin.shopify.shops[ONE], 0.4, category)
    answer = admin.send("verdict", {"decision_id": decision, "verdict": "allow"})
    assert answer.status_code == status, answer.text
    assert showing.get(admin.bench.core, decision).verdict is Verdict.REVIEW
    assert (f'data-decision="{decision}"' in admin.open("/review").text) is (status == 409)
    if status == 404:
        assert admin.send(f"picture/{decision}").status_code == 404


def test_an_undo_is_of_the_own_shop_only(admin: Admin) -> None:
    decision = admin.judged(admin.shopify.shops[ONE], 0.4)
    answered = admin.send("verdict", {"decision_id": decision, "verdict": "block"}).json["decision_id"]
    admin.site(TWO)
    assert admin.send("undo", {"decision_id": answered}, shop=TWO).status_code == 404
    undone = admin.send("undo", {"decision_id": answered})
    assert undone.status_code == 200
    assert showing.get(admin.bench.core, undone.json["decision_id"]).verdict is Verdict.REVIEW
    assert admin.send("undo", {"decision_id": answered}).status_code == 409


def test_another_shop_sees_and_changes_nothing(admin: Admin) -> None:
    decision = admin.judged(admin.shopify.shops[ONE], 0.4)
    admin.site(TWO)
    for page in PAGES:
        text = admin.open(page, shop=TWO).text
        assert f'data-decision="{decision}"' not in text
        assert ONE not in text
    assert admin.send("verdict", {"decision_id": decision, "verdict": "allow"}, shop=TWO).status_code == 404
    assert admin.send(f"picture/{decision}", {"clear": True}, shop=TWO).status_code == 404
    assert showing.get(admin.bench.core, decision).verdict is Verdict.REVIEW


def test_the_back_fill_is_asked_for_and_followed(admin: Admin) -> None:
    site = admin.site()
    assert admin.send("progress").json == {"begun": False}
    begun = admin.send("scan").json
    assert (begun["begun"], begun["done"]) == (True, False)
    asked = [who for _, who, text in sites.trail(admin.bench.core, site.id) if "already there" in text]
    assert asked


def test_a_cookie_of_the_console_opens_nothing(admin: Admin) -> None:
    owner = become_owner(admin.bench, admin.application)
    site = admin.site()
    answer = owner.client.post("/embedded/shopify/settings", json={"values": {"preview_days": 9}})
    assert answer.status_code == 401
    assert sites.get(admin.bench.core, site.id).settings.preview_days == 30


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"verdict": "review", "decision_id": 1}', b'{"decision_id": "x"}', b"\xff"])
def test_what_a_page_never_sends_is_refused(admin: Admin, body: bytes) -> None:
    admin.site()
    bearer = {"Authorization": f"Bearer {admin.token()}"}
    answer = admin.client.post("/embedded/shopify/verdict", data=body, headers=bearer)
    assert answer.status_code == 422


def parked(admin: Admin) -> int:
    """Have a hide refused by Shopify, and give its decision."""
    shop = admin.shopify.shops[ONE]
    with refusing("productUpdate"):
        admin.judged(shop, 0.9)
    (waits,) = enforce.parked(admin.bench.core, admin.site().id)
    assert shop.listed(next(iter(shop.products.values()))), "the control: it was refused"
    return waits.decision_id


def test_what_was_refused_is_tried_again_with_one_press(admin: Admin) -> None:
    decision = parked(admin)
    product = next(iter(admin.shopify.shops[ONE].products.values()))
    page = admin.open().text
    assert f'data-retry="{decision}"' in page and f'href="shopify:admin/products/{product.number}"' in page
    admin.site(TWO)
    assert admin.send("retry", {"decision_id": decision}, shop=TWO).status_code == 404
    assert admin.send("retry", {"decision_id": decision}).json == {"retried": True}
    while enforce.run_next(admin.bench.core):
        pass
    assert product.status == "DRAFT"
    assert 'data-retry="' not in admin.open().text
    assert admin.send("retry", {"decision_id": decision}).json == {"retried": False}


def test_a_shop_that_only_watches_says_so_until_it_does_more(admin: Admin) -> None:
    site = admin.site()
    page = admin.open().text
    assert "Picward is watching only" in page and "First steps" in page and site.id in page.partition("First steps")[2]
    assert admin.send("scan").status_code == 200
    rules = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
    policies.save(admin.bench.core, site.id, rules, "owner")
    page = admin.open().text
    assert "watching only" not in page and "First steps" not in page and "Picward is watching" in page


def test_why_a_scan_stopped_is_said(admin: Admin) -> None:
    site = admin.site()
    admin.send("scan")
    running = admin.send("progress").json
    assert running["running"] and running["stopped"] == ""
    shop = admin.shopify.shops[ONE]
    body = {
        "data": {
            "bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [{"field": None, "message": "", "code": "INVALID"}]}
        }
    }
    shop.script(answers.as_json(200, body), times=None)
    scan.step(admin.bench.core, site.id, lambda: False)
    progress = admin.send("progress").json
    assert not progress["running"] and not progress["done"] and "INVALID" in progress["stopped"]
    assert "{problem}" in admin.open().text.partition("data-stopped")[2][:100]


def test_several_that_wait_can_be_decided_about_at_once(admin: Admin) -> None:
    shop = admin.shopify.shops[ONE]
    admin.judged(shop, 0.4)
    assert 'data-all="' not in admin.open("/review").text
    admin.judged(shop, 0.4)
    page = admin.open("/review").text
    assert page.count('data-verdict="allow"') == 2 and 'data-all="allow"' in page and 'data-all="block"' in page
    assert page.count('href="shopify:admin/products/') == 2
