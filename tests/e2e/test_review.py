"""Reviewing in a real Chromium: thirty pictures by keys alone, mistakes undone, two reviewers, no scripts, small screens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from app.db.tables import audit
from app.domain.decisions import Verdict
from app.domain.detector import Judgement
from app.domain.media import Region
from app.domain.platform import Site
from app.domain.signals import Signal
from app.services.people import links
from app.services.pipeline import enforce
from app.services.review import queue, showing, verdicts
from app.services.sites import connecting
from models.preview import preview_of
from tests.support.browser import Visit, api, serving
from tests.support.core import Bench, ToldJudge
from tests.web.review.test_queue import gallery_of
from tests.web.visitor import PASSWORD, acting_site, decided

pytestmark = pytest.mark.e2e


class PaintingJudge(ToldJudge):
    """Make previews that a browser can draw, by the code that makes the real ones, and tell where it scored."""

    def tell(self, data: bytes, category: str, score: float) -> None:
        super().tell(data, category, score)
        box = Region(0.2, 0.2, 0.4, 0.5)
        self.sees = {sha: tuple(replace(one, region=box) for one in seen) for sha, seen in self.sees.items()}

    def judge(self, data: bytes, wanted: Any) -> Judgement:
        return replace(super().judge(data, wanted), preview=lambda listed: preview_of(painted_picture(data)))


def painted_picture(data: bytes) -> Image.Image:
    picture = Image.new("RGB", (320, 240), "#77aaaa")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((60 + data[-1] % 60, 40, 220, 200), fill="#cc6633")
    pen.rectangle((10, 180, 120 + data[-2] % 90, 230), fill="#224466")
    return picture


@pytest.fixture
def painted(bench: Bench) -> Bench:
    judge = PaintingJudge()
    return replace(bench, core=replace(bench.core, judge=lambda: judge), judge=judge)


@pytest.fixture
def address(painted: Bench) -> Iterator[str]:
    with serving(painted.core) as url:
        yield url


def waiting(bench: Bench, site: Site, *names: str) -> list[int]:
    return [decided(bench, site, name, 0.4) for name in names]


def settle(bench: Bench) -> None:
    while enforce.run_next(bench.core):
        pass


def shows(page: Any, name: str) -> None:
    """Wait until the queue shows this picture and takes keys."""
    api.expect(page.locator("#name")).to_have_text(name)
    page.wait_for_function("() => document.documentElement.dataset.ready === 'yes'")


def reveals(bench: Bench) -> list[str]:
    with bench.core.db.read() as connection:
        query = select(audit.c.text).where(audit.c.action == "preview.revealed")
        return list(connection.execute(query.order_by(audit.c.id)).scalars())


def colours(page: Any, selector: str) -> int:
    """Give how colourful a picture is as drawn: the widest distance between the channels of a pixel; 0 is grey."""
    drawn = page.evaluate(
        """async (selector) => {
          const image = document.querySelector(selector);
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
          let most = 0;
          for (let i = 0; i < data.length; i += 4)
            most = Math.max(most, Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]));
          return most;
        }""",
        selector,
    )
    return int(drawn)


def test_thirty_pictures_by_keys_alone_with_a_mistake_undone(browser: Any, address: str, painted: Bench) -> None:
    names = [f"p{number:02}" for number in range(30)]
    waiting(painted, acting_site(painted), *names)
    visit = Visit(browser, address).sign_in(painted)
    page, keys = visit.page, visit.page.keyboard
    page.goto("/review")
    for number, name in enumerate(names):
        shows(page, name)
        if number == 3:
            keys.press("6")
            api.expect(page.get_by_label("6 Weapon")).to_be_checked()
        keys.press("r" if number % 3 == 0 else "a")
        if number == 12:  # a slip: p12 was rejected
            shows(page, "p13")
            keys.press("u")
            shows(page, "p12")
            keys.press("a")
    api.expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    settle(painted)
    assert painted.platform.hidden == {name for number, name in enumerate(names) if number % 3 == 0 and number != 12}
    third = next(one.decision for one in showing.recent(painted.core) if one.decision.media.id == "p03")
    assert third.reasons[0].category == "weapons.other"
    assert visit.complaints == []


def test_the_clear_picture_is_shown_while_a_key_is_held_and_each_look_is_written_down(
    browser: Any, address: str, painted: Bench
) -> None:
    waiting(painted, acting_site(painted), "one")
    visit = Visit(browser, address).sign_in(painted)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/review")
    shows(page, "one")
    image = ".frame img"
    assert colours(page, image) <= 4, "what the server sends is grey"
    assert not any("clear" in url or "part" in url for url in asked)
    page.keyboard.down("Space")
    api.expect(page.locator(image)).to_have_attribute("data-shown", "yes")
    assert colours(page, image) > 60
    page.keyboard.up("Space")
    api.expect(page.get_by_role("img", name="Preview of one, blurred")).to_be_visible()
    assert colours(page, image) <= 4
    page.keyboard.down("p")
    page.wait_for_function("() => Math.abs(document.querySelector('.frame img').naturalWidth - 0.52 * 320) < 2")
    page.keyboard.up("p")
    page.get_by_role("button", name="Show the picture").click()
    api.expect(page.get_by_role("img", name="Preview of one", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show the picture").click()
    api.expect(page.get_by_role("img", name="Preview of one, blurred")).to_be_visible()
    assert reveals(painted) == [
        "Looked at the clear picture",
        "Looked at the part that scored",
        "Looked at the clear picture",
    ]
    assert visit.complaints == []


def test_keys_are_left_alone_while_typing_and_with_modifiers(browser: Any, address: str, painted: Bench) -> None:
    site = acting_site(painted)
    waiting(painted, site, "one")
    acting_site(painted)
    visit = Visit(browser, address).sign_in(painted)
    page = visit.page
    page.goto("/review")
    shows(page, "one")
    page.keyboard.press("Alt+a")
    page.keyboard.press("Control+r")
    shows(page, "one")
    page.get_by_label("Site", exact=True).focus()
    for key in "arj":
        page.keyboard.press(key)
    page.locator("main").focus()
    page.keyboard.press("e")
    api.expect(page.get_by_label("What should they know?")).to_be_focused()
    page.keyboard.type("are you sure?")
    api.expect(page.get_by_label("What should they know?")).to_have_value("are you sure?")
    assert showing.count_waiting(painted.core) == 1
    page.get_by_role("button", name="Escalate", exact=True).click()
    api.expect(page.get_by_role("status").first).to_contain_text("Escalated")


def test_chosen_keys_are_used(browser: Any, address: str, painted: Bench) -> None:
    waiting(painted, acting_site(painted), "one", "two")
    page = Visit(browser, address).sign_in(painted).page
    page.goto("/review/keys")
    page.get_by_label("Approve").fill("y")
    page.get_by_role("button", name="Keep these keys").click()
    api.expect(page.get_by_role("status")).to_contain_text("Your keys are kept.")
    page.goto("/review")
    shows(page, "one")
    page.keyboard.press("a")
    page.keyboard.press("y")
    shows(page, "two")


def test_a_listing_is_hidden_by_one_key_and_a_list_is_judged_at_once(browser: Any, address: str, painted: Bench) -> None:
    site = acting_site(painted)
    gallery_of(painted, site, ("front", 0.4), ("side", 0.4), ("back", 0.1))
    visit = Visit(browser, address).sign_in(painted)
    page = visit.page
    page.goto("/review")
    shows(page, "front")
    api.expect(page.get_by_role("heading", name="The same listing")).to_be_visible()
    page.keyboard.press("h")
    api.expect(page.get_by_role("status").first).to_contain_text("Many pictures decided at once")
    settle(painted)
    assert painted.platform.hidden == {"front", "side", "back"}
    page.keyboard.press("u")
    shows(page, "front")
    settle(painted)
    assert painted.platform.hidden == set()

    page.get_by_role("link", name="List").click()
    page.get_by_label("Mark all on this page").check()
    api.expect(page.get_by_text("Marked: 2")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.get_by_role("button", name="Reject the marked ones").click()
    page.get_by_role("button", name="Yes, reject 2 pictures").click()
    api.expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert showing.recent(painted.core, verdict="block")[0].decision.batch
    assert visit.complaints == []


def test_two_reviewers_at_once_and_a_lost_lease(browser: Any, address: str, painted: Bench) -> None:
    one = waiting(painted, acting_site(painted), "one", "two")[0]
    ada = Visit(browser, address).sign_in(painted)
    link = links.invite(painted.core, "eva@example.org", "reviewer", [], "Ada")
    links.accept(painted.core, link.rsplit("/", 1)[1], "Eva", PASSWORD)
    eva = Visit(browser, address)
    eva.page.goto("/sign-in")
    eva.page.get_by_label("E-mail").fill("eva@example.org")
    eva.page.get_by_label("Password").fill(PASSWORD)
    eva.page.keyboard.press("Enter")
    eva.page.wait_for_url("**/review")
    shows(eva.page, "one")
    ada.page.goto("/review")
    shows(ada.page, "two")
    ada.page.get_by_role("link", name="List").click()
    api.expect(ada.page.get_by_text("being reviewed by Eva")).to_be_visible()
    painted.clock.pass_seconds(queue.LEASE_MINUTES * 60 + 1)
    ada.page.get_by_role("link", name="one", exact=True).click()
    shows(ada.page, "one")
    eva.page.keyboard.press("2")
    eva.page.keyboard.press("r")
    api.expect(eva.page.get_by_role("alert")).to_contain_text("Ada is looking at this picture now")
    eva.page.get_by_role("button", name="Reject it all the same").click()
    api.expect(eva.page.get_by_role("status").first).to_contain_text("Rejected:")
    assert showing.current(painted.core, showing.get(painted.core, one)).reasons[0].category == "violence.graphic"
    ada.page.keyboard.press("a")
    api.expect(ada.page.get_by_text("Your verdict was not used")).to_be_visible()


def test_reviewing_needs_no_javascript(browser: Any, address: str, painted: Bench) -> None:
    waiting(painted, acting_site(painted), "one", "two")
    page = Visit(browser, address, java_script_enabled=False).sign_in(painted).page
    page.goto("/review")
    page.get_by_role("button", name="Show the picture").click()
    api.expect(page.get_by_role("img", name="Preview of one", exact=True)).to_be_visible()
    page.get_by_label("4 Hate symbol").check()
    page.get_by_role("button", name="Reject", exact=False).first.click()
    api.expect(page.get_by_role("status").first).to_contain_text("Rejected: one")
    page.get_by_role("button", name="Undo my last verdict").click()
    api.expect(page.locator("#name")).to_have_text("one")
    page.get_by_role("link", name="List").click()
    page.get_by_role("checkbox", name="Mark two").check()
    page.get_by_role("button", name="Approve the marked ones").click()
    page.get_by_role("button", name="Yes, approve 1 picture").click()
    assert showing.count_waiting(painted.core) == 1


def test_the_keyboard_alone_reaches_everything_and_its_focus_is_seen(browser: Any, address: str, painted: Bench) -> None:
    waiting(painted, acting_site(painted), "one")
    page = Visit(browser, address).sign_in(painted).page
    page.goto("/review")
    shows(page, "one")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        said = page.evaluate("document.activeElement.innerText || document.activeElement.value")
        reached.append(" ".join(said.split()))
        if reached[-1].startswith("Escalate"):
            break
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 1
    assert reached[:3] == ["Show the picture", "Only the part that scored", "Change the keys"]
    assert [name for name in reached if name[:7] in ("Approve", "Reject ", "Skip s", "Escalat")]
    assert reached[-1].startswith("Escalate")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_every_page_can_be_read_labelled_and_fits(browser: Any, address: str, painted: Bench, width: int, scheme: str) -> None:
    site = acting_site(painted)
    gallery = gallery_of(painted, site, ("front", 0.4), ("side", 0.4), ("back", 0.1))
    one = waiting(painted, site, "two-with-a-rather-long-file-name-" + "x" * 60 + ".jpg")[0]
    signal = Signal("told", "1", "self_harm", 0.5)
    painted.judge.sees = {sha: (*seen, signal) for sha, seen in painted.judge.sees.items()}
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme).sign_in(painted)
    page = visit.page
    wrong = []
    blocked = verdicts.resolve(painted.core, decided(painted, site, "judged", 0.4), Verdict.BLOCK, "Ada", rejection="1")
    connecting.add(painted.core, "paper", "The pottery of Ann and her sisters, with quite a long name", "Ada")
    paths = ["/review", f"/review/{one}", "/review/list", "/review/keys", "/decisions", "/decisions?person=Ada&replaced=1"]
    paths += [
        "/history",
        "/insights",
        f"/decisions/{blocked}",
        f"/decisions/{blocked}/statement",
        f"/decisions/{gallery['side']}",
    ]
    for path in paths:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        wrong += visit.audit()
    page.goto("/review/list")
    page.get_by_label("Mark all on this page").check()
    for role, name, title in (
        ("button", "Reject the marked ones", "Reject 3 pictures?"),
        ("button", "Yes, reject", "Review"),
        ("link", "Many pictures decided at once.", "Rejecting many at once"),
        ("button", "Undo all of it", "Undo 3 decisions?"),
        ("button", "Yes, undo", "Undoing many at once"),
    ):
        page.get_by_role(role, name=name).click()
        api.expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.wait_for_load_state()
        wrong += visit.audit()
    assert wrong == []
    assert visit.complaints == []
