from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import integrations
from app.domain.decisions import Action
from app.domain.platform import Platform
from integrations import registry


def platform(slug: str = "elsewhere", **over: Any) -> type[Platform]:
    members = {"slug": slug, "name": "Elsewhere", "actions": frozenset(Action), **over}
    return type("Elsewhere", (Platform,), members | dict.fromkeys(Platform.__abstractmethods__, lambda *args: None))


def fails(error: BaseException) -> Callable[[], object]:
    def load() -> object:
        raise error

    return load


def test_every_package_of_ours_that_offers_a_platform_is_found() -> None:
    ours = {path.parent.name for path in Path(integrations.__path__[0]).glob("*/platform.py")}
    assert ours and ours <= set(registry.platforms())
    assert registry.broken() == {}
    for slug, found in registry.platforms().items():
        assert issubclass(found, Platform)
        assert found.slug == slug


def test_the_table_cannot_be_changed() -> None:
    assert isinstance(registry.platforms(), MappingProxyType)


def test_a_third_party_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "elsewhere", "elsewhere:PLATFORM"

        def load(self) -> object:
            return platform()

    def entry_points(group: str) -> list[Entry]:
        return [Entry()] if group == "picward.platforms" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    found = registry.collect([*registry._ours(), *registry._third_parties()])
    assert set(found.platforms) == {*registry.platforms(), "elsewhere"}


BROKEN: list[tuple[Callable[[], object], str]] = [
    (fails(ImportError("no module named stripes")), "stripes"),
    (fails(SystemExit(1)), "SystemExit"),
    (fails(SyntaxError("nonsense")), "nonsense"),
    (lambda: "text", "no subclass"),
    (lambda: object(), "no subclass"),
    (lambda: str, "no subclass"),
    (lambda: Platform, "it lacks admit"),
    (lambda: platform("another"), "slug"),
    (lambda: platform("Else-Where"), "slug"),
    (lambda: platform(name=""), "no name"),
    (lambda: platform(actions=frozenset({Action.HIDE})), "cannot restore"),
]


@pytest.mark.parametrize(("load", "says"), BROKEN)
def test_a_broken_one_is_reported_and_the_others_work(load: Callable[[], object], says: str) -> None:
    found = registry.collect([("elsewhere", load), ("good", lambda: platform("good"))])
    assert set(found.platforms) == {"good"}
    assert says in found.broken["elsewhere"]


def test_a_third_party_cannot_take_a_name_of_ours() -> None:
    first = platform()
    found = registry.collect([("elsewhere", lambda: first), ("elsewhere", platform)])
    assert found.platforms["elsewhere"] is first
    assert "another platform" in found.broken["elsewhere"]


def test_a_package_without_a_platform_is_no_failure() -> None:
    assert registry.collect([("kit", lambda: None)]).broken == {}
