from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from app.services.review import verdicts
from app.services.telling.insights import SERIES, Figures
from app.web.console.telling.insights import BARS_MOST, BOTTOM, HEIGHT, LEFT, PLOTS, WIDTH, plot
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided

TITLES = {about[0]: about for about in PLOTS}


def drawn(numbers: tuple[int, ...], name: str = "judged") -> object:
    return plot(Figures(20_000, len(numbers), {name: numbers}), *TITLES[name])


def test_every_series_is_drawn() -> None:
    assert {name for name, *_ in PLOTS} == {*SERIES, "waiting"}


@pytest.mark.parametrize("numbers", [(0,), (1,), (0, 0, 0), (3, 1, 7), tuple(range(30)), tuple(range(365)), (10**7, 1)])
def test_bars_stay_in_the_plot_and_say_what_is_counted(numbers: tuple[int, ...]) -> None:
    made = plot(Figures(20_000, len(numbers), {"judged": numbers}), *TITLES["judged"])
    assert made.total == sum(numbers) == sum(bar.count for bar in made.bars)
    assert len(made.bars) <= BARS_MOST
    for bar in made.bars:
        assert bar.x >= LEFT and bar.x + bar.width <= WIDTH
        assert bar.y >= 0 and bar.y + bar.height <= HEIGHT - BOTTOM + 0.02
    top = max(number for _, number in made.scale)
    assert top >= max(bar.count for bar in made.bars)
    tallest = max(made.bars, key=lambda bar: bar.count)
    assert tallest.count == 0 or tallest.height == max(bar.height for bar in made.bars)


def test_a_year_is_gathered_into_weeks_that_end_today() -> None:
    numbers = (*([0] * 358), *([1] * 7))
    made = plot(Figures(0, 365, {"judged": numbers}), *TITLES["judged"])
    assert made.weekly
    assert made.bars[-1].count == 7
    waits = plot(Figures(0, 365, {"waiting": tuple(range(365))}), *TITLES["waiting"])
    assert (waits.bars[-1].count, waits.total) == (364, 364), "what waits does not add up"


def test_the_page_tells_what_happened(owner: Owner, bench: Bench) -> None:
    site, other = acting_site(bench), acting_site(bench)
    waiting = decided(bench, site, "one", 0.4)
    decided(bench, site, "two", 0.9)
    decided(bench, other, "three", 0.9)
    verdicts.resolve(bench.core, waiting, verdicts.Verdict.ALLOW, "Ada")
    page = owner.get("/insights").text
    for svg in re.findall(r"<svg viewBox.*?</svg>", page, re.S):
        root = ElementTree.fromstring(svg)  # noqa: S314  our own page
        assert root.find("title") is not None
        assert root.find("desc") is not None
    assert page.count("As a table") == len(PLOTS)
    assert "not enough yet (n=1)" in page
    assert len(page.encode()) < 100_000
    assert '<h2 id="plot-judged">Judged <span class="quiet-text">3</span>' in page
    assert '<h2 id="plot-judged">Judged <span class="quiet-text">2</span>' in owner.get(f"/insights?site={site.id}&days=7").text
    assert owner.get("/insights?site=none").status_code == 404
    assert owner.get("/insights?days=9999999").status_code == 200
    assert len(owner.get("/insights?days=365").data) < 100_000


def test_with_enough_verdicts_a_share_and_its_range_are_shown(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    for number in range(20):
        waiting = decided(bench, site, str(number), 0.4)
        verdicts.resolve(bench.core, waiting, verdicts.Verdict.BLOCK if number < 15 else verdicts.Verdict.ALLOW, "Ada")
    page = owner.get("/insights").text
    assert "75 %" in page
    assert "53 to 89 %" in page
    assert "not enough" not in page


def test_nothing_yet_is_said(owner: Owner) -> None:
    page = owner.get("/insights").text
    assert "not enough yet (n=0)" in page
    assert "nothing yet" in page
