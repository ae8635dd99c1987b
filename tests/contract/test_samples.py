"""The suite itself: a platform that shows nothing of itself fails alone, and the example is found as pip would have it found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.platform import Platform
from integrations.registry import ENTRY_POINT_GROUP, platforms
from tests.contract.sample import Sample
from tests.contract.samples import EXAMPLE, SAMPLES_GROUP, held_to_it, sampled

ROOT = Path(__file__).parents[2]
GOOD = next(iter(held_to_it().fit.values()))


def exiting(slug: str) -> object:
    raise SystemExit("a script, and no module")


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (lambda slug: 1 / 0, "cannot be loaded: ZeroDivisionError: division by zero"),
        (exiting, "cannot be loaded: SystemExit: a script, and no module"),
        (lambda slug: None, "no instance of"),
        (lambda slug: type(GOOD.sample), "no instance of"),
        (lambda slug: GOOD.sample, f"is one of '{GOOD.sample.slug}'"),
    ],
)
def test_a_broken_sample_is_named_and_the_others_go_on(load: object, why: str) -> None:
    found: dict[str, type[Platform]] = {"broken": GOOD.platform, GOOD.sample.slug: GOOD.platform}

    def either(slug: str) -> object:
        return load(slug) if slug == "broken" else GOOD.sample  # type: ignore[operator]

    suite = sampled(found, either)
    assert list(suite.fit) == [GOOD.sample.slug]
    assert list(suite.unfit) == ["broken"] and why in suite.unfit["broken"]


def test_the_example_is_held_to_the_suite_and_is_no_platform_of_this_process() -> None:
    example = held_to_it().fit[EXAMPLE.name]
    assert isinstance(example.sample, Sample) and example.sample.webhooks and example.sample.remote
    assert EXAMPLE.name not in platforms()
    assert set(platforms()) < set(held_to_it().fit) and not held_to_it().unfit


BROKEN = {
    "nothing": ("", "neither tests/integrations/nothing/contract.py nor an entry point"),
    "crashing": (f"[{SAMPLES_GROUP}]\ncrashing = foreign.sample:SAMPLE\n", "ZeroDivisionError: division by zero"),
    "unloadable": ("", "cannot be used: ModuleNotFoundError"),
}


def test_platforms_without_a_good_sample_break_no_collection(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    for slug, (points, _) in BROKEN.items():
        info = tmp_path / f"foreign_{slug}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: foreign-{slug}\nVersion: 1\n")
        target = "foreign.absent" if slug == "unloadable" else "foreign"
        (info / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{slug} = {target}:{slug.title()}\n\n{points}")
    classes = (f"class {slug.title()}(Toybox):\n    slug = '{slug}'\n" for slug in BROKEN)
    (tmp_path / "foreign/__init__.py").write_text("from picward_toybox.platform import Toybox\n" + "".join(classes))
    (tmp_path / "foreign/sample.py").write_text("SAMPLE = 1 / 0\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(EXAMPLE)))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contract/test_declarations.py"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    failed = set(re.findall(r"^_+ (\S+) _+$", done.stdout, re.M))
    assert failed == {f"test_every_platform_can_be_used_and_has_a_sample[{slug}]" for slug in BROKEN}
    for _, why in BROKEN.values():
        assert why in done.stdout
    assert "docs/adding-a-platform.md" in done.stdout
