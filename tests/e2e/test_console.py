"""The console in a real Chromium: first run, a review by keys alone, undo; small screens, no scripts, both colour schemes."""

from __future__ import annotations

import io
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import select
from werkzeug.serving import make_server

from app.db.tables import audit
from app.domain.detector import Judgement
from app.domain.platform import Site
from app.services import enforce, people, review, sites
from app.web.application import make_application
from tests.support.core import Bench, ToldJudge
from tests.web.visitor import PASSWORD, acting_site, decided

pytestmark = pytest.mark.e2e

api: Any = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

AUDIT = (Path(__file__).parents[1] / "web" / "page_audit.js").read_text(encoding="utf-8")


class PaintingJudge(ToldJudge):
    """Make previews that a browser can draw."""

    def judge(self, data: bytes, wanted: Any) -> Judgement:
        return replace(super().judge(data, wanted), preview=lambda: _painted(data))


def _painted(data: bytes) -> tuple[bytes, bytes]:
    picture = Image.new("RGB", (320, 240), "#7aa")
    ImageDraw.Draw(picture).ellipse((60 + data[-1] % 60, 40, 220, 200), fill="#c63")
    files = io.BytesIO(), io.BytesIO()
    picture.save(files[0], "WEBP")
    picture.filter(ImageFilter.GaussianBlur(16)).save(files[1], "WEBP")
    return files[0].getvalue(), files[1].getvalue()


@pytest.fixture
def painted(bench: Bench) -> Bench:
    judge = PaintingJudge()
    return Bench(replace(bench.core, judge=lambda: judge), bench.platform, judge, bench.clock, bench.woken)


@pytest.fixture
def address(painted: Bench) -> Iterator[str]:
    """Serve the console on a free port of this machine."""
    server = make_server("127.0.0.1", 0, make_application(painted.core, max_body_bytes=100_000), threaded=True)
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
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


class Visit:
    """Hold a page whose scripts and policies must not complain."""

    def __init__(self, browser: Any, address: str, **how: Any) -> None:
        self.context = browser.new_context(base_url=address, **how)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if "Security Policy" in said.text else None)

    def sign_in(self, bench: Bench) -> Visit:
        link = people.setup_link(bench.core)
        if link is not None:
            people.create_owner(bench.core, link.rsplit("/", 1)[1], "ada@example.org", "Ada", PASSWORD)
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile("/sites"))
        return self

    def audit(self) -> list[str]:
        found: list[str] = self.page.evaluate(AUDIT)
        return [f"{self.page.url}: {text}" for text in found]


def queue(bench: Bench, site: Site, *names: str) -> list[int]:
    return [decided(bench, site, name, 0.4) for name in names]


def is_focused(page: Any, name: str) -> None:
    """Wait until the queue takes keys and this picture has the focus ("" for none)."""
    api.expect(page.get_by_text("next, previous")).to_be_visible()
    page.wait_for_function(
        "name => (document.activeElement.closest('article')?.querySelector('h2').innerText ?? '') === name", arg=name
    )


def test_from_the_set_up_link_to_a_reviewed_and_undone_picture(browser: Any, address: str, painted: Bench) -> None:
    bench = painted
    visit = Visit(browser, address, permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    link = people.setup_link(bench.core)
    assert link is not None
    page.goto(link.removeprefix("http://picward.test"))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()

    api.expect(page.get_by_role("heading", level=1)).to_have_text("Connect your first site")
    page.get_by_role("link", name="Paper").click()
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_role("button", name="Make the pairing code").click()
    row = sites.listing(bench.core)[0]
    code = sites.pairing_code(bench.core, sites.get(bench.core, row.id))
    api.expect(page.get_by_label("Pairing code")).to_have_value(code)
    page.get_by_role("button", name="Copy the code").click()
    api.expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code

    sites.admit(bench.core, "paper", bench.signed(sites.get(bench.core, row.id), b""))
    api.expect(page.get_by_text("Paper is patient")).to_be_visible(timeout=10_000)
    page.get_by_role("link", name="Open this site's page").click()
    api.expect(page.get_by_text("A new site only watches.")).to_be_visible()
    page.get_by_role("link", name="Policy").click()
    page.get_by_role("group", name="Nudity").get_by_label("What happens").select_option("Act")
    page.get_by_role("button", name="Save as version 2").click()
    api.expect(page.get_by_text("Saved.")).to_be_visible()

    queue(bench, sites.get(bench.core, row.id), "one", "two", "three")
    page.get_by_role("link", name="Review").click()
    keys = page.keyboard
    api.expect(page.get_by_text("next, previous")).to_be_visible()
    keys.press("a")
    is_focused(page, "one")
    assert review.count_waiting(bench.core) == 3, "a key judged what was not in focus"
    keys.press("j")
    keys.press("k")
    is_focused(page, "one")
    keys.press("a")
    api.expect(page.get_by_role("status").first).to_contain_text("Approved: one")
    is_focused(page, "two")
    keys.press("r")
    api.expect(page.get_by_role("status").first).to_contain_text("Rejected: two")
    is_focused(page, "three")
    assert enforce.run_next(bench.core)
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"two"}
    keys.press("u")
    api.expect(page.get_by_role("status").first).to_contain_text("Approved: two")
    is_focused(page, "three")
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == set()
    assert review.count_waiting(bench.core) == 1
    keys.press("a")
    api.expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert visit.complaints == []


def test_keys_are_left_alone_while_typing_and_with_modifiers(browser: Any, address: str, painted: Bench) -> None:
    queue(painted, acting_site(painted), "one")
    acting_site(painted)
    visit = Visit(browser, address).sign_in(painted)
    visit.page.goto("/review")
    api.expect(visit.page.get_by_text("next, previous")).to_be_visible()
    visit.page.keyboard.press("j")
    is_focused(visit.page, "one")
    visit.page.keyboard.press("Alt+a")
    visit.page.get_by_label("Site", exact=True).focus()
    for key in "arj":
        visit.page.keyboard.press(key)
    visit.page.wait_for_timeout(200)
    assert review.count_waiting(painted.core) == 1


def test_a_clear_look_is_asked_for_and_written_down(browser: Any, address: str, painted: Bench) -> None:
    queue(painted, acting_site(painted), "one")
    visit = Visit(browser, address).sign_in(painted)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/review")
    picture = page.get_by_role("img", name="Preview of one, blurred")
    api.expect(picture).to_have_js_property("naturalWidth", 320)
    assert not any("clear" in url for url in asked)
    api.expect(page.get_by_text("next, previous")).to_be_visible()
    page.keyboard.press("j")
    with page.expect_response(re.compile("clear=1")) as shown:
        page.keyboard.press("v")
    assert shown.value.status == 200
    api.expect(page.get_by_role("button", name="Blur again")).to_be_visible()
    page.keyboard.press("v")
    api.expect(picture).to_be_visible()
    with painted.core.db.read() as connection:
        trail = connection.execute(select(audit.c.actor).where(audit.c.action == "preview.revealed")).scalars().all()
    assert trail == ["Ada"]
    page.keyboard.press("a")
    api.expect(page.get_by_role("status").first).to_contain_text("Approved: one")
    assert visit.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_every_page_can_be_read_labelled_and_fits(browser: Any, address: str, painted: Bench, width: int, scheme: str) -> None:
    site = acting_site(painted)
    waiting = queue(painted, site, "one", "two-with-a-rather-long-file-name-" + "x" * 60 + ".jpg")[0]
    pairing = sites.add(painted.core, "paper", "Second shop", "Ada")
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    wrong = []
    for path in ("/sign-in", "/setup/none"):
        visit.page.goto(path)
        wrong += visit.audit()
    visit.sign_in(painted)
    done = review.resolve(painted.core, decided(painted, site, "judged", 0.4), review.Verdict.BLOCK, "Ada")
    for path in (
        "/sites",
        "/sites/add",
        "/sites/add?platform=paper",
        f"/sites/{pairing.id}/connect",
        f"/sites/{site.id}",
        f"/sites/{site.id}/settings",
        f"/sites/{site.id}/rules",
        f"/sites/{site.id}/disconnect",
        f"/review?done={done}",
        "/decisions",
        f"/decisions/{waiting}",
        "/decisions/999",
    ):
        visit.page.goto(path)
        wrong += visit.audit()
    assert wrong == []
    assert visit.complaints == []


def test_the_keyboard_alone_reaches_everything_and_its_focus_is_seen(browser: Any, address: str, painted: Bench) -> None:
    queue(painted, acting_site(painted), "one")
    page = Visit(browser, address).sign_in(painted).page
    page.goto("/review")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.replace(/\\s+/g, ' ').trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert reached == ["Reveal one", "one", "Approve", "Reject", "Reject and never again"]


def test_reviewing_needs_no_javascript(browser: Any, address: str, painted: Bench) -> None:
    queue(painted, acting_site(painted), "one", "two")
    page = Visit(browser, address, java_script_enabled=False).sign_in(painted).page
    page.goto("/review")
    page.get_by_role("button", name="Reveal one").click()
    api.expect(page.get_by_role("img", name="Preview of one", exact=True)).to_be_visible()
    page.goto("/review")
    page.get_by_role("button", name="Approve").first.click()
    api.expect(page.get_by_role("status").first).to_contain_text("Approved: one")
    page.get_by_role("button", name="Undo: reject instead").click()
    api.expect(page.get_by_role("status").first).to_contain_text("Rejected: one")
    assert review.count_waiting(painted.core) == 1
