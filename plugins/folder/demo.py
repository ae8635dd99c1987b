"""Show the main job without any account: `make demo` runs this.

Pictures are drawn into a directory, one of them is put on a block list, and Picward watches. Everything is done through
the command line that an owner has.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

WAIT_SECONDS = 60
"""How long the demo waits for its verdicts; a laptop needs about five seconds."""

Verdicts = Mapping[str, Mapping[str, Any]]


def main() -> None:
    """Draw, watch, print, and stay until Ctrl-C; with --once end after the table."""
    home = Path(os.environ.get("PICWARD_DATA_DIR", "var")).absolute() / "demo"
    shutil.rmtree(home, ignore_errors=True)
    pictures = home / "pictures"
    pictures.mkdir(parents=True)
    expected = _draw(home, pictures)
    os.environ |= {"PICWARD_DATA_DIR": str(home / "data"), "PICWARD_PORT": str(_port()), "PICWARD_LOG_LEVEL": "WARNING"}
    _picward("migrate")
    listed = _picward("hashes", "of", str(home / "forbidden.png"), "--note", "a poster that the owner does not want")
    (home / "list.csv").write_text(listed)
    _picward("hashes", "import", str(home / "list.csv"))
    _picward("sites", "add", "folder", "--name", "Demo", "--set", f"path={pictures}")
    serve = subprocess.Popen([_program(), "serve"])  # noqa: S603
    try:
        verdicts = _wait(expected)
        _say(_table(verdicts))
        blocked = verdicts["poster.png"]
        _say(f"{blocked['media']} is in the quarantine beside the directory now. A person says it is fine:")
        _picward("decisions", "resolve", str(blocked["id"]), "allow")
        _until(lambda: (pictures / blocked["media"]).exists())
        _say(f"and it is back, byte for byte: {pictures / blocked['media']}")
        if "--once" not in sys.argv:
            address = f"http://127.0.0.1:{os.environ['PICWARD_PORT']}"
            _say(f"\nThe console is at {address} (its set-up link is above); Ctrl-C ends the demo.")
            with contextlib.suppress(KeyboardInterrupt):
                serve.wait()
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.wait()


def _program() -> str:
    return str(Path(sys.executable).with_name("picward"))


def _picward(*words: str) -> str:
    return subprocess.run([_program(), *words], check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _port() -> int:
    """Take the usual port, or a free one when something else listens there."""
    for wanted in (int(os.environ.get("PICWARD_PORT", "8080")), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
    raise SystemExit("No port is free.")


def _draw(home: Path, pictures: Path) -> set[str]:
    chance = random.Random(7)  # noqa: S311
    forbidden = _scene(chance)
    forbidden.save(home / "forbidden.png")
    forbidden.save(pictures / "poster.png")
    copy = ImageEnhance.Brightness(forbidden.resize((640, 480))).enhance(1.1)
    copy.save(pictures / "poster-resized-and-brighter.jpg", quality=70)
    for name in ("hills.jpg", "harbour.webp", "garden.png"):
        _scene(chance).save(pictures / name)
    whole = (pictures / "hills.jpg").read_bytes()
    (pictures / "broken-off.jpg").write_bytes(whole[: len(whole) // 2])
    return {path.name for path in pictures.iterdir()}


def _scene(chance: random.Random) -> Image.Image:
    """Draw a landscape that nobody could object to."""
    width, height = 960, 720
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    sky, hill = [tuple(chance.randint(60, 235) for _ in range(3)) for _ in range(2)]
    for y in range(height):
        draw.line((0, y, width, y), fill=tuple(int(part * (0.5 + y / height / 2)) for part in sky))
    x, y, size = chance.randint(100, 800), chance.randint(60, 200), chance.randint(40, 90)
    draw.ellipse((x, y, x + size, y + size), fill=(255, 236, 170))
    for layer in range(4):
        phase, swing = chance.random() * 9, chance.randint(30, 110)
        edge = [(x, 260 + layer * 110 + swing * math.sin(x / 130 + phase)) for x in range(0, width + 1, 8)]
        shade = tuple(max(0, part - 38 * layer) for part in hill)
        draw.polygon([(0, height), *edge, (width, height)], fill=shade)
    for _ in range(40):
        x, y, side = chance.randint(0, width), chance.randint(400, height), chance.randint(6, 40)
        draw.rectangle((x, y, x + side, y + side * 2), fill=tuple(chance.randint(30, 230) for _ in range(3)))
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def _wait(expected: set[str]) -> Verdicts:
    found: dict[str, Mapping[str, Any]] = {}

    def settled() -> bool:
        lines = _picward("decisions", "list", "--json").splitlines()
        found.update({decision["media"]: decision for decision in map(json.loads, lines)})
        return expected <= set(found) and all(decision["state"] in ("done", "") for decision in found.values())

    _until(settled)
    return found


def _until(true: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"The demo did not come to its end within {WAIT_SECONDS} seconds; the lines above say more.")
        time.sleep(0.3)


def _table(verdicts: Verdicts) -> str:
    rows = [("picture", "verdict", "done", "why")]
    rows += [(name, item["verdict"], item["action"], item["why"]) for name, item in sorted(verdicts.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]
    return "\n".join(["", lines[0], "─" * 100, *lines[1:], ""])


if __name__ == "__main__":
    main()
