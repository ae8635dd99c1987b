"""Settings, insights and trying a picture in a real Chromium: small screens, no scripts, both colour schemes, the keyboard."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageFilter

from app.dispatch.worker import judge_next
from app.domain.choices import Approach, Level, read
from app.domain.detector import Judgement
from app.services.pipeline.moderate import Moderator
from app.services.review import verdicts
from app.services.rules import policies
from app.services.sites import sites
from app.services.trying import pictures
from tests.support.browser import Visit, api, serving
from tests.support.core import Bench, ToldJudge
from tests.web.visitor import acting_site, decided

pytestmark = pytest.mark.e2e


class PaintingJudge(ToldJudge):
    """Make previews that a browser can draw."""

    def judge(self, data: bytes, wanted: Any) -> Judgement:
        return replace(super().judge(data, wanted), preview=lambda listed: _painted(data))


def _painted(data: bytes) -> tuple[bytes, bytes]:
    picture = Image.linear_gradient("L").resize((320, 240)).rotate(data[-1] % 4 * 90).convert("RGB")
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
    with serving(painted.core) as url:
        yield url


def test_a_changed_setting_is_seen_before_it_is_saved_and_taken_back(browser: Any, address: str, painted: Bench) -> None:
    site = painted.site()
    for name, score in (("fine", 0.1), ("doubtful", 0.4), ("clear", 0.6)):
        decided(painted, site, name, score)
    visit = Visit(browser, address).sign_in(painted)
    page = visit.page
    page.goto(f"/sites/{site.id}/settings")
    page.get_by_label("Hide by itself").check()
    page.get_by_role("group", name="Nudity").get_by_label("Strict").check()
    page.get_by_role("button", name="Go on").click()
    api.expect(page.get_by_text("Would newly hide 1, release 0, send 1 to review, of 3 looked at.")).to_be_visible()
    api.expect(page.get_by_role("link", name="clear")).to_be_visible()
    assert policies.current(painted.core, site.id).version == 1
    page.get_by_role("button", name="Back").click()
    api.expect(page.get_by_label("Hide by itself")).to_be_checked()
    api.expect(page.get_by_role("group", name="Nudity").get_by_label("Strict")).to_be_checked()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Save as version 2").click()
    api.expect(page.get_by_text("Version 2 · in force")).to_be_visible()
    draft = read(policies.current(painted.core, site.id))
    assert (draft.approach, draft.levels["sexual.explicit_nudity"]) == (Approach.HIDE, Level.STRICT)
    page.get_by_role("button", name="Go back to it version 1").click()
    page.get_by_role("button", name="Save as version 3").click()
    api.expect(page.get_by_text("Version 3 · in force")).to_be_visible()
    assert read(policies.current(painted.core, site.id)).approach is Approach.WATCH
    assert visit.complaints == []


def test_typed_numbers_become_the_owners_own(browser: Any, address: str, painted: Bench) -> None:
    site = painted.site()
    page = Visit(browser, address).sign_in(painted).page
    page.goto(f"/sites/{site.id}/settings")
    nudity = page.get_by_role("group", name="Nudity")
    api.expect(nudity.get_by_label("Balanced")).to_be_checked()
    nudity.locator("summary").click()
    nudity.get_by_label("Ask from").fill("0.31")
    api.expect(nudity.get_by_label("Own numbers")).to_be_checked()
    page.get_by_role("button", name="Go on").click()
    api.expect(page.get_by_text("asks from 0.35 → 0.31")).to_be_visible()


def test_the_words_are_chosen_by_keys(browser: Any, address: str, painted: Bench) -> None:
    site = painted.site()
    page = Visit(browser, address).sign_in(painted).page
    page.goto(f"/sites/{site.id}/settings")
    nudity = page.get_by_role("group", name="Nudity")
    nudity.get_by_label("Balanced").focus()
    page.keyboard.press("ArrowRight")
    api.expect(nudity.get_by_label("Strict")).to_be_checked()
    assert page.evaluate("getComputedStyle(document.activeElement.nextElementSibling).outlineWidth") == "3px"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_picture_is_tried(browser: Any, address: str, painted: Bench, tmp_path: Any, scripts: bool) -> None:
    acting_site(painted)
    file = tmp_path / "wheel.png"
    Image.new("L", (8, 8), 90).save(file)
    painted.judge.tell(file.read_bytes(), "sexual.explicit_nudity", 0.7)
    visit = Visit(browser, address, java_script_enabled=scripts).sign_in(painted)
    page = visit.page
    page.goto("/try")
    page.get_by_label("A picture from this device").set_input_files(file)
    page.get_by_role("button", name="Look at it").click(no_wait_after=True)
    moderator = Moderator(painted.core)
    for _ in range(200):
        if judge_next(moderator):
            break
        page.wait_for_timeout(25)
    api.expect(page.get_by_text("Blocked", exact=True)).to_be_visible(timeout=10_000)
    api.expect(page.get_by_role("img", name="The picture that you try")).to_have_js_property("naturalWidth", 320)
    assert visit.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_every_page_can_be_read_labelled_and_fits(browser: Any, address: str, painted: Bench, width: int, scheme: str) -> None:
    site = acting_site(painted)
    for number in range(22):
        waiting = decided(painted, site, f"picture-{number}", 0.4)
        if number < 21:
            verdicts.resolve(painted.core, waiting, verdicts.Verdict.BLOCK if number % 3 else verdicts.Verdict.ALLOW, "Ada")
    decided(painted, site, "bad-with-a-rather-long-file-name-" + "x" * 60 + ".jpg", 0.9)
    sites.save_settings(painted.core, site.id, {"tell_webhook": "https://hooks.example.org/" + "x" * 80}, "Ada")
    policies.save(painted.core, site.id, [{"category": "*", "review": 0.5, "mode": "review"}], "Ada")
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme).sign_in(painted)
    with painted.core.db.read() as connection:
        me = connection.exec_driver_sql("SELECT id FROM people").scalar_one()
    tried = pictures.begin(painted.core, b"picture", me)
    painted.judge.tell(b"picture", "sexual.explicit_nudity", 0.7)
    judge_next(Moderator(painted.core))
    wrong = []
    for path in (
        f"/sites/{site.id}/settings",
        f"/sites/{site.id}/settings?preset=kids",
        f"/sites/{site.id}/rules",
        f"/sites/{site.id}/policy",
        "/insights",
        "/insights?days=365",
        "/try",
        f"/try/{tried}",
    ):
        visit.page.goto(path)
        for summary in visit.page.locator("main summary").all():
            if summary.is_visible():
                summary.click()
        wrong += visit.audit()
    visit.page.goto(f"/sites/{site.id}/settings")
    visit.page.get_by_label("Hide by itself").check()
    visit.page.get_by_role("group", name="Nudity").get_by_label("Strict").check()
    visit.page.get_by_role("button", name="Go on").click()
    api.expect(visit.page.get_by_role("heading", name="What you changed")).to_be_visible()
    wrong += visit.audit()
    assert wrong == []
    assert visit.complaints == []
