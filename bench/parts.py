"""The parts of `make bench`: modules that offer `rows()`. Each runs in a process of its own, and a platform's are in its room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

ROOMS = Path(__file__).parents[1] / "tests" / "integrations"


def parts(rooms: Path = ROOMS) -> dict[str, str]:
    """Find the modules by name: our own, `<slug>` for a room's bench.py, and `<slug>.<name>` for its bench_<name>.py."""
    found = {"detection": "bench.detection", "claims": "bench.claims", "postgresql": "bench.postgresql"}
    for path in sorted(rooms.glob("*/bench*.py")):
        slug, own = path.parent.name, path.stem.removeprefix("bench").removeprefix("_")
        found[f"{slug}.{own}" if own else slug] = f"tests.integrations.{slug}.{path.stem}"
    return found | {"idle": "bench.idle", "pages": "bench.pages"}


def chosen(all_of_them: Mapping[str, str], words: Sequence[str]) -> dict[str, str]:
    """Give the parts with one of the words in their dotted name, or all. Raise ValueError for a word that none has."""
    found = {name: {name, *name.split(".")} for name in all_of_them}
    if unknown := [word for word in words if not any(word in known for known in found.values())]:
        raise ValueError(f"There is no part “{unknown[0]}”. There are: {', '.join(all_of_them)}")
    return {name: module for name, module in all_of_them.items() if not words or found[name] & set(words)}
