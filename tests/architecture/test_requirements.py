"""The lock: what is installed answers pyproject.toml, is known by its hash, and is the same wherever it is installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.test_door import make_says

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
WANTED = {
    # The tests need what all extras bring; nothing else is installed with an extra.
    "picward": [],
    **{extra: lines for extra, lines in EXTRAS.items() if extra != "test"},
    "test": [line for lines in EXTRAS.values() for line in lines],
}
MACHINES = [
    {
        "python_version": version,
        "python_full_version": f"{version}.9",
        "sys_platform": system.lower(),
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for version, (system, machine) in product(
        ("3.11", "3.12", "3.13", "3.14"), (("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"))
    )
]


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    marker: Marker | None

    def counts(self, machine: Mapping[str, str]) -> bool:
        return self.marker is None or self.marker.evaluate(dict(machine))


def pins(lock: str) -> list[Pin]:
    """Read a lock. Raise `ValueError` for a line that is not one version of one package with sha256 hashes."""
    found = []
    for entry in re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", lock, flags=re.M)).splitlines():
        said, *hashes = re.split(r"\s*--hash=", entry)
        if not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes):
            raise ValueError(f"{said}: no sha256")
        requirement = Requirement(said)
        (one,) = requirement.specifier
        if requirement.url or one.operator != "==" or "*" in one.version:
            raise ValueError(f"{said}: not one version")
        found.append(Pin(canonicalize_name(requirement.name), one.version, requirement.marker))
    return found


def unanswered(lock: str, wanted: list[str]) -> set[str]:
    """Say what requirements, and all that these bring by what is installed here, miss in a lock on any machine."""
    missing: set[str] = set()
    locked = pins(lock)
    for machine in MACHINES:
        versions: dict[str, str] = {}
        for pin in locked:
            if pin.counts(machine) and versions.setdefault(pin.name, pin.version) != pin.version:
                missing.add(f"{pin.name} has two versions")
        waiting, seen = [(Requirement(line), machine) for line in wanted], set()
        while waiting:
            requirement, around = waiting.pop()
            if requirement.marker is not None and not requirement.marker.evaluate(dict(around)):
                continue
            name = canonicalize_name(requirement.name)
            if name not in versions or not requirement.specifier.contains(versions[name], prereleases=True):
                missing.add(f"{requirement} is answered by {versions.get(name)}")
            for extra in ("", *requirement.extras):
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    waiting += [(brought, {**machine, "extra": extra}) for brought in brings(name)]
    return missing


def brings(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in distribution(name).requires or ()]
    except PackageNotFoundError:  # another system's
        return []


def lock_of(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def wanted(name: str) -> list[str]:
    return [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"], *WANTED[name]]


def test_there_is_a_lock_for_all_that_can_be_installed() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == set(WANTED)
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_answers_the_project_on_every_machine(name: str) -> None:
    assert unanswered(lock_of(name), wanted(name)) == set()


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_names_no_server_and_allows_nothing_else(name: str) -> None:
    lines = [line for line in lock_of(name).splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if "://" in line or line.startswith("-") or " @ " in line]
    assert "://" not in lock_of(name)


@pytest.mark.parametrize("name", sorted(set(WANTED) - {"test"}))
def test_what_is_tested_is_what_is_installed(name: str) -> None:
    assert set(map(str, pins(lock_of(name)))) <= set(map(str, pins(lock_of("test"))))


def test_this_environment_came_from_the_lock() -> None:
    """Otherwise what packages bring, which is read from those installed here, is another version's."""
    locked = {pin.name: pin.version for pin in pins(lock_of("test")) if pin.marker is None or pin.marker.evaluate()}
    assert {name: distribution(name).version for name in locked} == locked, "renew it: make install WITH=test"


HASH = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        (("flask==", "flask-gone=="), "flask<4,>=3.1 is answered by None"),
        (("click==", "click==1."), "click<9,>=8.2 is answered by 1."),
        (("werkzeug==", "werkzeug-gone=="), "werkzeug>=3.1.0 is answered by None"),
        (("setuptools==", "setuptools-gone=="), "setuptools>=77 is answered by None"),
        (("numpy==2.", "numpy==2.0 ; sys_platform == 'plan9' \\\n    --hash=HASH\nnumpy-gone==2."), "is answered by None"),
        (("flask==", "flask==2.0 \\\n    --hash=HASH\nflask=="), "flask has two versions"),
    ],
)
def test_a_lock_that_misses_something_is_found_out(spoiled: tuple[str, str], says: str) -> None:
    lock = lock_of("picward")
    broken = lock.replace(spoiled[0], spoiled[1].replace("HASH", HASH))
    assert broken != lock
    assert any(says in line for line in unanswered(broken, wanted("picward")))


@pytest.mark.parametrize(
    "line", ["flask==3.1.3", f"flask>=3 --hash={HASH}", f"flask==3.* --hash={HASH}", "flask==3.1 --hash=md5:00"]
)
def test_a_line_without_one_version_and_its_hashes_is_found_out(line: str) -> None:
    with pytest.raises(ValueError, match="flask"):
        pins(f"{line}\n")


def test_whatever_is_installed_here_comes_from_the_lock() -> None:
    """A package of ours, which lies here, brings nothing along."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    said = [line for page in pages for line in page.read_text().splitlines() if "pip install" in line]
    said += [line for target in ("run", "test", "lint", "demo") for line in make_says(target) if "pip install" in line]
    said += [line for line in make_says("install", "WITH=postgres") if "pip install" in line]
    assert len(said) > 10
    assert [line for line in said if "--require-hashes -r requirements/" not in line and "--no-deps" not in line] == []
