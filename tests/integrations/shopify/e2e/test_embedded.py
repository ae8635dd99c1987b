"""Our pages in a frame of the shop's admin, in a real Chromium: another origin around them, no cookies, no token but the visit's.

Shopify's two scripts cannot be reached from here; `stand_ins/` has what Playwright serves in their place.
"""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from werkzeug.serving import make_server

from app.domain.detector import Judgement
from app.services.pipeline import enforce
from app.services.review import showing
from app.services.rules import policies
from app.services.sites import sites
from tests.integrations.shopify.embedding import ONE, Admin, opened_admin
from tests.integrations.shopify.test_shopify_state import refusing
from tests.support.core import Bench, ToldJudge
from tests.support.instance import wait_for

pytestmark = pytest.mark.e2e

api: Any = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

STAND_INS = Path(__file__).parent / "stand_ins"
SHOPS_ADMIN = "https://admin.shopify.com"
MOST_TOKENS = 5
"""How often a test gives a token, so that a bad one does not lead round in circles for ever."""


class PaintingJudge(ToldJudge):
    """Make previews that a browser can draw."""

    def judge(self, data: bytes, wanted: Any) -> Judgement:
        return replace(super().judge(data, wanted), preview=lambda listed: (_webp("#c63"), _webp("#7aa")))


def _webp(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(data, "WEBP")
    return data.getvalue()


@pytest.fixture
def admin(bench: Bench) -> Iterator[Admin]:
    judge = PaintingJudge()
    painted = Bench(replace(bench.core, judge=lambda: judge), bench.platform, judge, bench.clock, bench.woken)
    with opened_admin(painted) as made:
        yield made


@pytest.fixture
def address(admin: Admin) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, admin.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        # The page around ours is served in the place of an address of the internet; ours is on this machine.
        local = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", local]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@dataclass
class Framed:
    """Hold a tab that shows a page of some origin with ours in a frame."""

    admin: Admin
    address: str
    context: Any
    tab: Any
    complaints: list[str] = field(default_factory=list)
    given: int = 0

    def open(self, page: str, token: str, around: str = SHOPS_ADMIN, width: str = "900") -> Any:
        """Load the page around ours; give our frame."""
        within = f"{self.address}/embedded/shopify{page}?embedded=1&shop={ONE}&host=YWRtaW4&id_token={quote(token)}"
        outer = f'<!doctype html><title>around</title><iframe name="app" width="{width}" height="700" src="{within}"></iframe>'
        self.context.route(f"{around}/**", lambda route: route.fulfill(content_type="text/html", body=outer))
        self.tab.goto(f"{around}/store/one/apps/picward")
        return self.tab.frame(name="app")


@pytest.fixture
def framed(admin: Admin, address: str, browser: Any) -> Iterator[Callable[..., Framed]]:
    """Make a tab in which `tokens()` gives the session tokens of the admin around us."""
    contexts = []

    def make(tokens: Callable[[], str | None]) -> Framed:
        context = browser.new_context()
        contexts.append(context)
        made = Framed(admin, address, context, context.new_page())
        made.tab.set_default_timeout(20_000)

        def give() -> str | None:
            made.given += 1
            return tokens()

        context.expose_function("sessionToken", give)
        for name, file in (("app-bridge", "app_bridge"), ("polaris-1", "polaris")):
            context.route(f"https://cdn.shopify.com/shopifycloud/{name}.js", _serving(STAND_INS / f"{file}.js"))
        made.tab.on("console", lambda said: made.complaints.append(said.text) if said.type in ("error", "warning") else None)
        return made

    yield make
    for context in contexts:
        context.close()


def _serving(script: Path) -> Callable[[Any], None]:
    return lambda route: route.fulfill(content_type="text/javascript", body=script.read_text())


def settled(admin: Admin) -> None:
    while enforce.run_next(admin.bench.core):
        pass


def test_the_shop_is_connected_and_the_page_works_in_its_frame(framed: Callable[..., Framed], admin: Admin) -> None:
    decision = admin.judged(admin.shopify.shops[ONE], 0.9)
    product = next(iter(admin.shopify.shops[ONE].products.values()))
    assert product.status == "DRAFT"
    tab = framed(admin.token)
    frame = tab.open("", admin.token())
    api.expect(frame.locator("[data-picture]").first).to_have_js_property("naturalWidth", 64)
    assert frame.url.startswith(tab.address)
    frame.locator(f"s-button[data-decision='{decision}']").click()
    frame.wait_for_selector("output")
    assert frame.locator("output").first.inner_text() == "It comes back as it was."
    settled(admin)
    assert product.status == "ACTIVE"
    assert tab.context.cookies() == []
    assert tab.complaints == []


def test_a_page_without_a_token_comes_back_with_one(framed: Callable[..., Framed], admin: Admin) -> None:
    tab = framed(admin.token)
    frame = tab.open("/settings", "")
    frame.wait_for_selector("form[data-save-bar]")
    assert "/embedded/shopify/settings" in frame.url
    frame.locator("s-app-nav s-link").nth(2).click()
    frame.wait_for_selector("s-page[heading=History]")
    assert tab.complaints == []


def test_settings_are_saved_with_a_token_that_is_fetched_anew(framed: Callable[..., Framed], admin: Admin) -> None:
    first = admin.token()
    tokens = iter([admin.token(exp=1_000_000_000)])
    tab = framed(lambda: next(tokens, None) or admin.token())
    frame = tab.open("/settings", first)
    frame.wait_for_selector("s-text-field[name=tag] input")
    assert frame.locator("[name=preview_days]").count() == 0
    assert "Keep previews for (days): 30" in frame.locator("#fixed").inner_text()
    frame.locator("s-text-field[name=tag] input").fill("held")
    frame.locator("s-switch[name=judge_drafts] input").uncheck()
    frame.locator("s-text-area[name=sales_channels] textarea").fill("Online Store\nPoint of Sale")
    frame.evaluate("document.querySelector('form[data-save-bar]').requestSubmit()")
    frame.wait_for_selector("output")
    settings: Any = admin.site().settings
    assert (settings.tag, settings.judge_drafts) == ("held", False)
    assert settings.sales_channels == ("Online Store", "Point of Sale")
    assert tab.given == 2
    frame.locator("s-text-field[name=tag] input").fill("a,b")
    frame.evaluate("document.querySelector('form[data-save-bar]').requestSubmit()")
    frame.wait_for_selector("s-text-field[name=tag][error]")
    assert not frame.locator("#settings-said").get_attribute("hidden")
    assert settings == admin.site().settings


def test_a_picture_is_revealed_by_a_button_and_judged(framed: Callable[..., Framed], admin: Admin) -> None:
    decision = admin.judged(admin.shopify.shops[ONE], 0.4)
    tab = framed(admin.token)
    frame = tab.open("/review", admin.token())
    api.expect(frame.locator("[data-picture]").first).to_have_js_property("naturalWidth", 64)
    found = showing.get(admin.bench.core, decision)
    looks = lambda: [e for e in showing.history(admin.bench.core, found.site_id, found.media.id) if "clear" in e["text"]]  # noqa: E731
    assert looks() == []
    frame.locator("[data-reveal]").click()
    frame.wait_for_selector("[data-reveal][hidden]", state="attached")
    assert len(looks()) == 1
    frame.locator("s-button[data-verdict=block]").click()
    api.expect(frame.locator("[role=status]")).to_have_text("Rejected; it is being hidden.")
    settled(admin)
    product = next(iter(admin.shopify.shops[ONE].products.values()))
    assert product.status == "DRAFT"
    frame.locator("s-button[data-undo]").click()
    api.expect(frame.locator("[role=status]")).to_have_text("Undone; it waits again.")
    settled(admin)
    assert product.status == "ACTIVE"
    frame.locator("s-button[data-verdict=allow]").click()
    api.expect(frame.locator("[role=status]")).to_have_text("Approved.")
    assert showing.recent(admin.bench.core, found.site_id)[0].decision.verdict == "allow"
    assert tab.complaints == []


def test_all_of_a_page_are_decided_about_and_what_was_refused_is_tried_again(framed: Callable[..., Framed], admin: Admin) -> None:
    shop = admin.shopify.shops[ONE]
    admin.judged(shop, 0.4)
    admin.judged(shop, 0.4)
    tab = framed(admin.token)
    frame = tab.open("/review", admin.token())
    with refusing("productUpdate"):
        frame.locator("[data-all=block]").click()
        api.expect(frame.locator("[role=status]")).to_have_text(["Rejected; it is being hidden."] * 2)
        settled(admin)
    assert {product.status for product in shop.products.values()} == {"ACTIVE"}
    frame = tab.open("", admin.token())
    for button in frame.locator("[data-retry]").all():
        button.click()
    api.expect(frame.locator("[role=status]", has_text="It is tried again.")).to_have_count(2)
    settled(admin)
    assert {product.status for product in shop.products.values()} == {"DRAFT"}
    assert tab.complaints == []


def test_no_page_is_wider_than_its_window(framed: Callable[..., Framed], admin: Admin) -> None:
    admin.judged(admin.shopify.shops[ONE], 0.4)
    tab = framed(admin.token)
    for page in ("", "/review", "/history", "/settings"):
        frame = tab.open(page, admin.token(), width="100%")
        frame.wait_for_selector("s-page")
        for width in (1_280, 360):
            tab.tab.set_viewport_size({"width": width, "height": 800})
            frame.wait_for_function("width => innerWidth <= width", arg=width)
            assert frame.evaluate("document.documentElement.scrollWidth") <= width, page
    assert tab.complaints == []


def test_rules_are_tried_before_they_are_used(framed: Callable[..., Framed], admin: Admin) -> None:
    admin.judged(admin.shopify.shops[ONE], 0.4)
    site = admin.site()
    before = policies.current(admin.bench.core, site.id)
    tab = framed(admin.token)
    frame = tab.open("/settings", admin.token())
    frame.locator("s-select[name=preset] select").select_option("lingerie")
    frame.locator("#policy-try").click()
    api.expect(frame.locator("#policy-effect")).to_be_visible()
    api.expect(frame.locator("[data-change=settle]")).to_have_text("1 would wait no longer")
    api.expect(frame.locator("[data-change=hide]")).to_be_hidden()
    assert policies.current(admin.bench.core, site.id) == before
    frame.locator("#policy-save").click()
    frame.wait_for_selector("output")
    saved = policies.current(admin.bench.core, site.id)
    assert saved.version == before.version + 1
    assert [(rule.mode, rule.review) for rule in saved.rules if rule.category == "sexual.explicit_nudity"] == [("enforce", 0.5)]
    assert tab.complaints == []


def test_a_forged_token_shows_nothing(framed: Callable[..., Framed], admin: Admin) -> None:
    forged = admin.token(secret="not the secret of this app, and as long")
    left = [forged] * MOST_TOKENS
    tab = framed(lambda: left.pop() if left else None)
    tab.open("", forged)
    wait_for(lambda: tab.tab.wait_for_timeout(50) or tab.given > MOST_TOKENS, "the last forged token to be refused")
    frame = tab.tab.frame(name="app")
    assert "/embedded/shopify/renew" in frame.url
    api.expect(frame.locator("s-page")).to_have_count(0)
    assert sites.listing(admin.bench.core) == []


def test_another_origin_cannot_frame_our_pages(framed: Callable[..., Framed], admin: Admin) -> None:
    tab = framed(admin.token)
    tab.open("", admin.token(), around="https://evil.example")
    tab.tab.wait_for_load_state()
    assert any("frame-ancestors" in text for text in tab.complaints)
    assert [frame.url for frame in tab.tab.frames[1:] if frame.url.startswith(tab.address)] == []
