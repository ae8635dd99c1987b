"""Which platforms the contract suite holds to the interface: ours, those of other distributions, and the example."""

from __future__ import annotations

import functools
import importlib
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from app.domain.platform import Platform
from integrations import registry
from tests.contract.sample import Sample

SAMPLES_GROUP = "picward.samples"
"""Where another distribution names the sample of its platform: `slug = "package.module:SAMPLE"`."""

EXAMPLE = Path(__file__).parents[2] / "examples" / "toybox"


@dataclass(frozen=True, slots=True)
class Held:
    platform: type[Platform]
    sample: Sample


@dataclass(frozen=True, slots=True)
class Suite:
    """Hold what can be tested, and in words what cannot, both by slug."""

    fit: Mapping[str, Held]
    unfit: Mapping[str, str]


@functools.cache
def held_to_it() -> Suite:
    """Find every platform with its sample, once. The example is one of them here, and nowhere else in the process."""
    with tempfile.TemporaryDirectory() as scratch, installed(EXAMPLE, Path(scratch)):
        found = registry.discover()
        offered = {entry.name: entry.load for entry in metadata.entry_points(group=SAMPLES_GROUP)}
        suite = sampled(found.platforms, lambda slug: offered[slug]() if slug in offered else _ours(slug))
    return Suite(suite.fit, {**suite.unfit, **{slug: f"It cannot be used: {why}" for slug, why in found.broken.items()}})


def sampled(platforms: Mapping[str, type[Platform]], load: Callable[[str], object]) -> Suite:
    """Load the sample of each platform. One that is missing or broken is named, and the others go on."""
    fit: dict[str, Held] = {}
    unfit: dict[str, str] = {}
    for slug, platform in platforms.items():
        try:
            sample = load(slug)
        except (Exception, SystemExit) as error:
            unfit[slug] = f"Its sample cannot be loaded: {type(error).__name__}: {error}"
            continue
        if not isinstance(sample, Sample):
            unfit[slug] = "What it offers as its sample is no instance of tests.contract.sample.Sample."
        elif getattr(sample, "slug", None) != slug:
            unfit[slug] = f"Its sample is one of {getattr(sample, 'slug', None)!r}."
        else:
            fit[slug] = Held(platform, sample)
    return Suite(fit, unfit)


def _ours(slug: str) -> object:
    name = f"tests.integrations.{slug}.contract"
    if util.find_spec(f"tests.integrations.{slug}") is None or util.find_spec(name) is None:
        raise LookupError(f"there is neither tests/integrations/{slug}/contract.py nor an entry point in {SAMPLES_GROUP}")
    return importlib.import_module(name).SAMPLE


@contextmanager
def installed(source: Path, scratch: Path) -> Iterator[None]:
    """Let a distribution be found as if pip had installed it, with the entry points of its pyproject.toml."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    info = scratch / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
        for group, named in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text("\n".join(points))
    before = list(sys.path)
    sys.path += [str(scratch), str(source)]
    try:
        yield
    finally:
        sys.path[:] = before
