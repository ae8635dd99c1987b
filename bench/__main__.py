"""`make bench`: measure everything, print it, and write the table of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

MODULES = ("bench.intake", "bench.latency", "bench.idle", "bench.shopify", "bench.firebase", "bench.pages")
"""What prints a list of rows; each runs in a process of its own."""

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def main() -> None:
    rows = [*_detection(), *(row for module in MODULES for row in _figures(module))]
    lines = ["| what | Picward | beside | ratio | goal | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        met = "–" if row["goal"] == "–" else "yes" if row["met"] else "**no**"
        lines.append(f"| {row['what']} | {row['ours']} | {row['beside']} | {row['ratio']:.2f} | {row['goal']} | {met} |")
    table = "\n".join(lines)
    print(table)
    text = PAGE.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n{_machine()}\n\n{table}\n{END}{tail}")


def _machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("onnxruntime", "numpy", "pillow", "flask", "nudenet"))
    return (
        f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, {versions}; load average before the run {os.getloadavg()[0]:.1f}."
    )


def _run(module: str, *words: str) -> Any:
    print(f"measuring {module} …", file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _figures(module: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _run(module)
    return rows


def _detection() -> list[dict[str, Any]]:
    found = _run("bench.detection")
    return [
        _compared("Judging ready bytes, all cores", found["pipeline"], "bare decode + session.run"),
        _compared("12-megapixel JPEG", found["twelve"], "nudenet detect()"),
        *(_compared(f"1024 px JPEG, {case}", figures, "nudenet detect()") for case, figures in _cases(found["shop"])),
        *(
            _compared(f"200 mixed pictures, all cores, {case}", figures, "nudenet detect()")
            for case, figures in _cases(found["mixed"])
        ),
    ]


def _cases(found: dict[str, Any] | str) -> list[tuple[str, Any]]:
    """Give the cases of a comparison, or why there is none."""
    return [("not compared", found)] if isinstance(found, str) else list(found.items())


def _compared(what: str, figures: dict[str, Any] | str, beside: str) -> dict[str, Any]:
    if isinstance(figures, str):
        return {"what": what, "ours": figures, "beside": beside, "ratio": float("nan"), "goal": "–", "met": False}
    speeds = [f"{value:g} pictures/s" for name, value in figures.items() if name.endswith(" pictures/s") and "best" not in name]
    return {
        "what": what,
        "ours": speeds[0],
        "beside": f"{beside} {speeds[1]}",
        "ratio": figures["ratio"],
        "goal": f">= {figures['goal']:.2f}" if figures["goal"] else "–",
        "met": figures["reached"],
    }


if __name__ == "__main__":
    main()
