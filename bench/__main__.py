"""`make bench`: show and keep each row as it comes; a whole run is written into docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.parts import chosen, parts
from bench.rows import HEAD, TO_KNOW, Row

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
KEPT = ROOT / "build" / "bench"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


@dataclass
class Outcome:
    """Hold what a run gave: rows, and the parts that were left out or failed with the reasons."""

    rows: list[Row] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def main(words: Sequence[str]) -> int:
    """Measure the parts that the words choose, or all; only a whole run is written into docs/performance.md."""
    try:
        wanted = chosen(parts(), words)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    machine = _machine()
    try:
        outcome = measure(wanted, KEPT, machine)
    except KeyboardInterrupt:
        print(f"Stopped. What was measured is in {KEPT.relative_to(ROOT)}.", file=sys.stderr)
        return 130
    if not words and not outcome.missing and not outcome.failed:
        text = PAGE.read_text()
        table = "\n".join([HEAD, *(row.markdown() for row in outcome.rows)])
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{head}{BEGIN}\n{machine}\n\n{table}\n{END}{tail}")
    return conclude(outcome)


def measure(wanted: Mapping[str, str], kept: Path, machine: str) -> Outcome:
    """Run the parts one after the other. Each row is printed and kept in `kept` at once, so that no later part can lose it."""
    kept.mkdir(parents=True, exist_ok=True)
    outcome = Outcome()
    with (kept / "table.md").open("w") as table, (kept / "rows.jsonl").open("w") as lines:

        def show(text: str) -> None:
            for file in (sys.stdout, table):
                print(text, file=file, flush=True)

        show(f"{machine}\n\n{HEAD}")
        for name, module in wanted.items():
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            last: dict[str, Any] = {}
            with subprocess.Popen([sys.executable, "-m", "bench.part", module], cwd=ROOT, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                for last in map(json.loads, process.stdout):
                    if "row" in last:
                        outcome.rows.append(Row(**last["row"]))
                        show(outcome.rows[-1].markdown())
                        print(json.dumps({"part": name, **last["row"]}), file=lines, flush=True)
            if "missing" in last:
                outcome.missing[name] = last["missing"]
            elif "done" not in last:
                died = f"its process ended with status {process.returncode} before it was done"
                outcome.failed[name] = last.get("failed", died)
    return outcome


def conclude(outcome: Outcome) -> int:
    """Say what did not go well, on standard error; 1 when a part failed."""
    for row in outcome.rows:
        if row.goal != TO_KNOW and not row.met:
            print(f"goal not met: {row.what}: {row.ours}, {row.beside}", file=sys.stderr)
    for name, why in outcome.missing.items():
        print(f"left out: {name}, or what was left of it: {why}", file=sys.stderr)
    for name, why in outcome.failed.items():
        print(f"failed: {name}: {why}", file=sys.stderr)
    return 1 if outcome.failed else 0


def _machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("onnxruntime", "numpy", "pillow", "flask", "nudenet"))
    return (
        f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, {versions}; load average before the run {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
