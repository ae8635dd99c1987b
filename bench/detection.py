"""How fast pictures are judged, each figure beside its limit or a peer in the same run.

Ratios count: the sides take turns, and a ratio is the median over the turns, since machines are noisy.
"""

from __future__ import annotations

import os

# Before numpy is imported: its matrix products are small, and threads of theirs would fight with ours for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from io import BytesIO

from PIL import Image

from bench import pictures
from bench.rows import TO_KNOW, Missing, Row
from models.image import Picture, read
from models.judge import LocalJudge
from models.nudenet.detector import tensor_of
from models.registry import Machine, cards, load

CORES = os.cpu_count() or 1
JUDGES = CORES + 1
"""Threads in which a worker judges, if its owner does not say otherwise."""

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


def in_process() -> Work:
    """Judge with the decode in this process, and nothing on the way to the views, as the sandbox's peer."""

    class Here(LocalJudge):
        def _decode(self, data: bytes) -> Picture:
            return read(data, self._limits)

    judge = Here()
    return lambda data: judge.judge(data, WANTED)


def peer(threads: int | None = None) -> Work:
    """Give nudenet's own detector, which needs OpenCV."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import cv2
        import onnxruntime
        from nudenet import NudeDetector
    except ImportError:
        raise Missing("The peer is not here: pip install nudenet opencv-python-headless") from None
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
    what: str,
    sides: dict[str, Work],
    data: Sequence[bytes],
    threads: tuple[int, int],
    turns: int,
    goal: float | None = None,
) -> Row:
    """Run two sides in turns; the ratio is how many times as fast the first is."""
    names, works = tuple(sides), tuple(sides.values())
    times: tuple[list[float], list[float]] = ([], [])
    for side in (0, 1):
        seconds(works[side], data[:4], threads[side])
    for turn in range(turns):
        for side in (0, 1) if turn % 2 == 0 else (1, 0):
            times[side].append(seconds(works[side], data, threads[side]))
    ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
    first, second = (round(len(data) / statistics.median(taken), 1) for taken in times)
    return Row(
        what,
        f"{first:g} pictures/s",
        f"{names[1]} {second:g} pictures/s",
        round(ratio, 2),
        f">= {goal:.2f}" if goal else TO_KNOW,
        goal is None or ratio >= goal,
    )


def pipeline(turns: int = 21) -> Iterator[Row]:
    """Compare judging ready bytes on all cores with the bare decode and run."""
    data = [pictures.shop_size(seed) for seed in range(24)]
    sides = {"judge": ours(), "bare decode + session.run": bare()}
    yield compared("Judging ready bytes, all cores", sides, data, (JUDGES, JUDGES), turns, 0.90)


def twelve(turns: int = 11) -> Iterator[Row]:
    """Compare 12-megapixel JPEGs, one at a time, with the peer as it comes."""
    sides = {"judge": ours(), PEER: peer()}
    data = [pictures.twelve_megapixels(seed) for seed in range(4)]
    yield compared("12-megapixel JPEG", sides, data, (1, 1), turns, 1.8)


def shop(turns: int = 11) -> Iterator[Row]:
    """Compare 1024 px JPEGs, one at a time: the peer held to one thread, and the peer as it comes."""
    held, free = peer(threads=1), peer()
    data = [pictures.shop_size(seed) for seed in range(10)]
    # Twice our cores: to know.
    with_threads = compared(f"1024 px JPEG, peer on {CORES} threads", {"judge": ours(), PEER: free}, data, (1, 1), turns)
    import cv2

    cv2.setNumThreads(1)
    yield compared("1024 px JPEG, peer on one thread", {"judge": ours(), PEER: held}, data, (1, 1), turns, 1.0)
    yield with_threads


def mixed(turns: int = 5) -> Iterator[Row]:
    """Compare 200 mixed pictures on all cores; the peer has one call at a time with its own threads, as its users call it."""
    other = peer()
    data = list(pictures.mixed())
    what = "200 mixed pictures, all cores, peer"
    yield compared(f"{what} as it comes", {"judge": ours(), PEER: other}, data, (CORES, 1), turns, 1.5)
    sides = {"judge": ours(), PEER: other}
    yield compared(f"{what} called from {CORES} threads", sides, data, (CORES, CORES), max(3, turns // 2))


def sandbox(turns: int = 21) -> Iterator[Row]:
    """Compare judging opaque pictures, decoded in the sandbox, with the same decoded in this process."""
    data = [pictures.shop_size(seed) for seed in range(24)]
    sides = {"judge": ours(), "decoded in process": in_process()}
    yield compared("Decoding in the sandbox, all cores", sides, data, (JUDGES, JUDGES), turns, 0.97)


def transparent(turns: int = 11) -> Iterator[Row]:
    """Compare pictures that are seen on white and on black with the same pictures, opaque."""
    photos = [pictures.photo(800, 600, seed) for seed in range(12)]
    opaque = [pictures.encoded(photo, "PNG") for photo in photos]
    cut_out = {same: pictures.encoded(pictures.cut_out(photo), "PNG") for same, photo in zip(opaque, photos, strict=True)}
    judge = ours()
    sides: dict[str, Work] = {"transparent": lambda data: judge(cut_out[data]), "opaque": judge}
    yield compared("Transparent PNGs, two looks each, all cores", sides, opaque, (CORES, CORES), turns)


PEER = "nudenet detect()"
COMPARISONS: dict[str, Callable[[], Iterator[Row]]] = {
    "pipeline": pipeline,
    "sandbox": sandbox,
    "transparent": transparent,
    "twelve": twelve,
    "shop": shop,
    "mixed": mixed,
}


def rows() -> Iterator[Row]:
    """Each comparison has a process of its own, so that none inherits another's warm heap."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for name in COMPARISONS:
            yield from pool.submit(_compare, name).result()


def _compare(name: str) -> list[Row]:
    return list(COMPARISONS[name]())
