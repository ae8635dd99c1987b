"""What an earlier version wrote keeps working: an update changes nothing of what is hidden, and all of it comes back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.upgrade import today, world

CASES = sorted(Path(__file__).parent.glob("from_*"))
NEEDED = ("php", "apt-get", "dpkg-deb", "curl", "mariadbd", "mariadb")
WITH_WORDPRESS = pytest.param(True, marks=pytest.mark.e2e, id="with WordPress")


@dataclass
class Kept:
    """Hold a copy of what an earlier version left, opened by today's."""

    expected: dict[str, Any]
    data_dir: Path
    world: world.World
    core: Any
    called: list[tuple[Any, ...]]

    def look(self) -> dict[str, Any]:
        return {
            "places": self.world.all_that_is_there(),
            "actions": today.actions(self.core),
            "decisions": today.in_force(self.core),
        }


@pytest.fixture(scope="session")
def installed() -> Iterator[world.WordPress]:
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.skip(f"a real WordPress needs {', '.join(missing)}; make test installs them as root on Debian or Ubuntu")
    root = Path(tempfile.mkdtemp(prefix="pwu-"))
    blog = world.wordpress(root)
    try:
        blog.start()
        yield blog
    finally:
        blog.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def with_wordpress(request: pytest.FixtureRequest) -> bool:
    """Say whether WordPress is there; else it is a place that does not answer."""
    return bool(getattr(request, "param", False))


@pytest.fixture
def kept(
    case: Path, with_wordpress: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Kept]:
    blog = request.getfixturevalue("installed") if with_wordpress else None
    shutil.copytree(case / "data", tmp_path / "data")
    called: list[tuple[Any, ...]] = []
    with world.standing(case, tmp_path, blog) as places:
        world.move_database(tmp_path / "data/picward.db", places.places)
        expected = json.loads(world.moved((case / "expected.json").read_text(), places.places))
        for name, value in today.operator(places.shopify).items():
            monkeypatch.setenv(name, value)
        with today.opened(tmp_path / "data", expected["kept_at"], called) as core:
            yield Kept(expected, tmp_path / "data", places, core, called)


@pytest.fixture
def updated(kept: Kept) -> Kept:
    today.update(kept.core)
    return kept


def settled(look: dict[str, Any]) -> dict[str, Any]:
    """Leave out what another look at a hide that still holds changes: how often, and when the platform was written to last."""
    return {
        "places": untimed(look["places"]),
        "actions": [action[:-1] for action in look["actions"]],
        "decisions": look["decisions"],
    }


def untimed(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: untimed(value) for key, value in found.items() if key != "updated"}
    return [untimed(value) for value in found] if isinstance(found, list) else found


def test_there_is_a_case() -> None:
    assert "from_137e778" in [case.name for case in CASES]


@pytest.mark.parametrize("with_wordpress", [pytest.param(False, id="without WordPress"), WITH_WORDPRESS], indirect=True)
def test_neither_an_update_nor_the_first_start_changes_what_is_hidden(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.data_dir / "picward.db")) as db:
        before = db.execute("SELECT id, decision_id, action, state, attempts FROM enforcements ORDER BY id").fetchall()
        jobs = db.execute("SELECT count(*) FROM jobs").fetchone()
    places = kept.world.all_that_is_there()
    today.update(kept.core)
    at_first = kept.look()
    assert sorted(action[2:] for action in at_first["actions"]) == before
    assert at_first["places"] == places
    today.start_worker_once(kept.core, kept.data_dir)
    assert settled(kept.look()) == settled(at_first)
    with closing(sqlite3.connect(kept.data_dir / "picward.db")) as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == jobs
    # Whoever is there was asked, and the owner was told, signed as ever.
    assert today.in_trouble(kept.core) == ([] if kept.world.blog else ["Blog"])
    assert {(url, secret) for url, secret, *_ in kept.called} == {
        ("https://hooks.example/picward", kept.expected["webhook_secret"])
    }


def test_settings_policies_and_what_waits_mean_the_same(updated: Kept) -> None:
    now = today.state(updated.core)
    assert set(now) == set(updated.expected["state"])
    for name, before in updated.expected["state"].items():
        # A later version may have settings that this one had not.
        assert before["settings"].items() <= now[name]["settings"].items()
        assert before | {"settings": {}} == now[name] | {"settings": {}}


def test_people_programs_and_secrets_are_let_in_as_before(updated: Kept) -> None:
    then = today.at(updated.core, updated.expected["kept_at"] + 1_000_000)
    assert today.listed_accounts(then) == updated.expected["accounts"]
    assert today.signed_in(then, *updated.expected["person"]) == "Ada"
    assert today.let_in(then, updated.expected["token"]) == ["read", "review"]
    assert today.webhook_secret(then, "Pictures") == updated.expected["webhook_secret"]


def test_every_undo_is_kept(updated: Kept) -> None:
    found = today.in_force(updated.core)
    for name, hidden in updated.expected["undo"].items():
        assert {media: today.undo_of(updated.core, found[name, media]) for media in hidden} == hidden


@pytest.mark.parametrize(
    ("slug", "with_wordpress"),
    [("folder", False), ("shopify", False), ("firebase", False), pytest.param("wordpress", True, marks=pytest.mark.e2e)],
    indirect=["with_wordpress"],
)
def test_every_hidden_picture_comes_back_as_it_was(updated: Kept, slug: str) -> None:
    before = updated.expected["before"][slug]
    assert shown(updated.world, slug) != before
    found = today.in_force(updated.core)
    names = set(updated.expected["hidden"][slug])
    blocked = {key for key, decision in found.items() if key[0] in names and decision.verdict is today.Verdict.BLOCK}
    hidden = {(name, media) for name, several in updated.expected["hidden"][slug].items() for media in several}
    assert hidden <= blocked
    for key in sorted(hidden):
        today.approve(updated.core, found[key])
    assert shown(updated.world, slug) == before


def test_what_was_hidden_before_the_update_survives_a_move_of_the_quarantine(updated: Kept) -> None:
    """Its undo does not say yet where the bytes are, nor who could read them."""
    found, names = today.in_force(updated.core), updated.expected["hidden"]["firebase"]["App"]
    assert all("hidden" not in undo for undo in updated.expected["undo"]["App"].values())
    today.set_for(updated.core, "App", quarantine="elsewhere/")
    for media in names:
        today.approve(updated.core, found["App", media])
    assert updated.world.firebase.shown() == updated.expected["before"]["firebase"]


def shown(places: world.World, slug: str) -> dict[str, Any]:
    """Give what people see at a place, and whatever of ours is left there."""
    if slug == "folder":
        return world.files(places.folder)
    if slug == "shopify":
        return world.shown_in(places.shop)
    if slug == "firebase":
        return places.firebase.shown()
    assert places.blog is not None
    return world.uploads(places.blog)


def test_a_product_stays_hidden_until_its_last_picture_is_approved(updated: Kept) -> None:
    product = next(one for one in updated.world.shop.products.values() if one.title == "Two pictures")
    first, last = (
        decision
        for (_, media), decision in sorted(today.in_force(updated.core).items())
        if media.endswith(f"@{product.number}") and decision.verdict is today.Verdict.BLOCK
    )
    today.approve(updated.core, first)
    assert product.status == "DRAFT"
    today.approve(updated.core, last)
    assert product.status == "ACTIVE"


def test_the_first_of_two_opinions_still_counts(updated: Kept) -> None:
    found = today.in_force(updated.core)
    assert today.approve(updated.core, found["Pictures", "restricted.png"]) == 1
    assert today.approve(updated.core, found["App", "users/u2/restricted.png"]) == 2


def test_what_was_parked_can_be_tried_again_and_undone(updated: Kept) -> None:
    product = next(one for one in updated.world.shop.products.values() if one.title == "Parked")
    before = updated.expected["before"]["shopify"][product.gid]
    assert world.shown_in(updated.world.shop)[product.gid] == before
    today.retry_parked(updated.core)
    assert product.status == "DRAFT"
    decision = next(one for (_, media), one in today.in_force(updated.core).items() if media.endswith(f"@{product.number}"))
    today.approve(updated.core, decision)
    assert world.shown_in(updated.world.shop)[product.gid] == before


def test_what_waited_for_a_person_can_be_hidden_and_brought_back(updated: Kept) -> None:
    picture = updated.world.folder / "shop/waits.jpg"
    before = picture.read_bytes(), picture.stat().st_mtime_ns
    today.reject(updated.core, today.in_force(updated.core)["Pictures", "waits.jpg"])
    assert not picture.exists()
    today.approve(updated.core, today.in_force(updated.core)["Pictures", "waits.jpg"])
    assert (picture.read_bytes(), picture.stat().st_mtime_ns) == before
