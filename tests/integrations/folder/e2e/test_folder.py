"""The folder platform with real processes: the demo as `make demo` runs it, and pictures that mean harm."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from bench.processes import free_port
from tests.support.instance import running, wait_for

pytestmark = pytest.mark.e2e


def test_the_demo_shows_the_main_job(tmp_path: Path) -> None:
    environment = {**os.environ, "PICWARD_DATA_DIR": str(tmp_path), "PICWARD_PORT": str(free_port())}
    command = [sys.executable, "plugins/folder/demo.py", "--once"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    table = done.stdout.split("─\n")[1].split("\n\n")[0]
    verdicts = {line.split()[0]: line.split()[1] for line in table.splitlines()}
    assert verdicts["poster.png"] == "block"
    assert verdicts["poster-resized-and-brighter.jpg"] == "block"
    assert verdicts["broken-off.jpg"] == "review"
    assert verdicts["garden.png"] == "allow"
    assert "looks the same" in done.stdout
    assert (tmp_path / "demo/pictures/poster.png").read_bytes() == (tmp_path / "demo/forbidden.png").read_bytes()


def png_claiming(width: int, height: int) -> bytes:
    """Write a PNG header that claims a size, and next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def hostile() -> dict[str, bytes]:
    jpeg = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(jpeg, "JPEG")
    plain = jpeg.getvalue()
    frames = [Image.effect_noise((300, 300), 80 + n) for n in range(60)]  # more than are looked at, and no two alike
    animation = io.BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:], duration=20)
    return {
        "bomb.png": png_claiming(50_000, 50_000),
        "truncated.jpg": plain[:-2000],
        "vector.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "garbage.jpg": os.urandom(50_000),
        "empty.jpg": b"",
        "long.gif": animation.getvalue(),
        "too-large.jpg": plain + bytes(21_000_000),
    }


def test_pictures_that_mean_harm_go_to_a_person_and_the_worker_lives(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    harmful = hostile()
    for name, data in harmful.items():
        (pictures / name).write_bytes(data)
    with running(tmp_path, log_level="WARNING") as picward:
        worker = wait_for(lambda: picward.processes().get("worker"), "the worker", 60, picward.log)
        picward.cli("sites", "add", "folder", "--set", f"path={pictures}")
        wait_for(lambda: len(picward.decisions()) >= len(harmful), "all verdicts", 90, picward.log)
        found = {item["media"]: item for item in picward.decisions()}
        assert {name: item["verdict"] for name, item in found.items()} == dict.fromkeys(harmful, "review")
        assert all(item["why"] for item in found.values())
        Image.effect_noise((64, 64), 90).save(pictures / "fine.png")
        wait_for(lambda: any(item["media"] == "fine.png" for item in picward.decisions()), "the next picture", 60, picward.log)
        assert picward.processes()["worker"] == worker
