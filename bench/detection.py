"""How fast pictures are judged, each figure beside its limit or a peer in the same run; prints JSON.

    python -m bench.detection [pipeline twelve shop mixed sandbox transparent]

Ratios count: the sides take turns, and a ratio is the median over the turns, since machines are noisy.
"""

from __future__ import annotations

import os

# Before numpy is imported: its matrix products are small, and threads of theirs would fight with ours for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from bench import pictures
from models.decoder import decode
from models.judge import LocalJudge
from models.nudenet.detector import tensor_of
from models.registry import Machine, cards, load
from models.sandbox import Answer, Sandbox

CORES = os.cpu_count() or 1
WANTED = ("nudenet",)

Work = Callable[[bytes], object]


def bare() -> Work:
    """Do the least that judging needs: decode to the model's size and run the model; nothing before, between or after."""
    model = load(cards()["nudenet"], Machine()).model  # type: ignore[attr-defined]

    def run(data: bytes) -> object:
        image = Image.open(BytesIO(data))
        longer = max(image.size)
        image.draft("RGB", (max(1, image.width * 480 // longer), max(1, image.height * 480 // longer)))
        small = image.convert("RGB").resize(
            (max(1, round(image.width * 320 / max(image.size))), max(1, round(image.height * 320 / max(image.size)))),
            Image.Resampling.BILINEAR,
            reducing_gap=2.0,
        )
        return model.infer([tensor_of(small, 320)])

    return run


def ours() -> Work:
    judge = LocalJudge()
    return lambda data: judge.judge(data, WANTED)


def inside() -> Work:
    """Judge with the decode in this process, as the sandbox's peer."""

    class Here(Sandbox):
        def run(self, task: str, data: bytes, arguments: Mapping[str, Any]) -> Answer:
            return decode(data, dict(arguments))

    judge = LocalJudge(sandbox=Here())
    return lambda data: judge.judge(data, WANTED)


def peer(threads: int | None = None) -> Work | None:
    """Give nudenet's own detector, or None when OpenCV is not installed (pip install opencv-python-headless)."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import cv2
        import onnxruntime
        from nudenet import NudeDetector
    except ImportError:
        return None
    detector = NudeDetector()
    if threads is not None:
        cv2.setNumThreads(threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        detector.onnx_session = onnxruntime.InferenceSession(cards_path(), options, providers=["CPUExecutionProvider"])
    else:
        cv2.setNumThreads(CORES)
    return lambda data: detector.detect(data)


def cards_path() -> str:
    from models.store import find

    return str(find(cards()["nudenet"].file, None))


def seconds(work: Work, data: Sequence[bytes], threads: int) -> float:
    """Take the time that `threads` threads need for all of the data."""
    if threads == 1:
        start = time.perf_counter()
        for each in data:
            work(each)
        return time.perf_counter() - start
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(work, data))
        return time.perf_counter() - start


def compared(
    sides: dict[str, Work], data: Sequence[bytes], threads: dict[str, int], turns: int, goal: float | None
) -> dict[str, Any]:
    """Run two sides in turns; the ratio is how many times as fast the first is."""
    (first, one), (second, other) = sides.items()
    times: dict[str, list[float]] = {first: [], second: []}
    for work, name in ((one, first), (other, second)):
        seconds(work, data[:4], threads[name])
    for turn in range(turns):
        order = [(first, one), (second, other)]
        for name, work in order if turn % 2 == 0 else reversed(order):
            times[name].append(seconds(work, data, threads[name]))
    ratio = statistics.median(b / a for a, b in zip(times[first], times[second], strict=True))
    return {
        **{f"{name} pictures/s": round(len(data) / statistics.median(taken), 1) for name, taken in times.items()},
        **{f"{name} best pictures/s": round(len(data) / min(taken), 1) for name, taken in times.items()},
        "threads": threads,
        "ratio": round(ratio, 2),
        "ratio of best": round(min(times[second]) / min(times[first]), 2),
        "goal": goal,
        "reached": goal is None or ratio >= goal,
    }


def pipeline(turns: int = 21) -> dict[str, Any]:
    """Compare judging ready bytes on all cores with the bare decode and run."""
    data = [pictures.shop_size(seed) for seed in range(24)]
    threads = {"judge": CORES, "bare": CORES}
    return compared({"judge": ours(), "bare": bare()}, data, threads, turns, 0.90)


def twelve(turns: int = 11) -> dict[str, Any] | str:
    """Compare 12-megapixel JPEGs, one at a time, with the peer as it comes."""
    other = peer()
    if other is None:
        return NO_PEER
    data = [pictures.twelve_megapixels(seed) for seed in range(4)]
    return compared({"judge": ours(), "nudenet": other}, data, {"judge": 1, "nudenet": 1}, turns, 1.8)


def shop(turns: int = 11) -> dict[str, Any] | str:
    """Compare 1024 px JPEGs, one at a time: the peer held to one thread, and the peer as it comes."""
    held, free = peer(threads=1), peer()
    if held is None or free is None:
        return NO_PEER
    data = [pictures.shop_size(seed) for seed in range(10)]
    threads = {"judge": 1, "nudenet": 1}
    with_threads = compared({"judge": ours(), "nudenet": free}, data, threads, turns, None)  # twice our cores: to know
    import cv2

    cv2.setNumThreads(1)
    return {
        "peer on one thread": compared({"judge": ours(), "nudenet": held}, data, threads, turns, 1.0),
        f"peer on {CORES} threads": with_threads,
    }


def mixed(turns: int = 5) -> dict[str, Any] | str:
    """Compare 200 mixed pictures on all cores; the peer has one call at a time with its own threads, as its users call it."""
    other = peer()
    if other is None:
        return NO_PEER
    data = list(pictures.mixed())
    together = compared({"judge": ours(), "nudenet": other}, data, {"judge": CORES, "nudenet": 1}, turns, 1.5)
    same = compared({"judge": ours(), "nudenet": other}, data, {"judge": CORES, "nudenet": CORES}, max(3, turns // 2), None)
    return {"peer as it comes": together, f"peer called from {CORES} threads": same}


def sandbox(turns: int = 21) -> dict[str, Any]:
    """Compare judging opaque pictures, decoded in the sandbox, with the same decoded in this process."""
    data = [pictures.shop_size(seed) for seed in range(24)]
    return compared({"sandbox": ours(), "in process": inside()}, data, {"sandbox": CORES, "in process": CORES}, turns, 0.97)


def transparent(turns: int = 11) -> dict[str, Any]:
    """Compare pictures that are seen on white and on black with the same pictures, opaque."""
    photos = [pictures.photo(800, 600, seed) for seed in range(12)]
    opaque = [pictures.encoded(photo, "PNG") for photo in photos]
    cut_out = {same: pictures.encoded(pictures.cut_out(photo), "PNG") for same, photo in zip(opaque, photos, strict=True)}
    judge = ours()
    sides: dict[str, Work] = {"transparent": lambda data: judge(cut_out[data]), "opaque": judge}
    return compared(sides, opaque, {"transparent": CORES, "opaque": CORES}, turns, None)


NO_PEER = "The peer is not here: pip install nudenet opencv-python-headless"
ALL: dict[str, Callable[[], object]] = {
    "pipeline": pipeline,
    "twelve": twelve,
    "shop": shop,
    "mixed": mixed,
    "sandbox": sandbox,
    "transparent": transparent,
}


def main(names: Iterable[str]) -> None:
    """Print the figures; each comparison has a process of its own, so that none inherits another's warm heap."""
    chosen = list(names) or list(ALL)
    if len(chosen) == 1:
        print(json.dumps({"cores": CORES, "numpy": np.__version__, chosen[0]: ALL[chosen[0]]()}, indent=2))
        return
    figures: dict[str, object] = {}
    for name in chosen:
        done = subprocess.run([sys.executable, "-m", "bench.detection", name], stdout=subprocess.PIPE, check=True)
        figures |= json.loads(done.stdout)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
