"""The sandbox: children that die, hang, lie or take too much harm one picture, and no worker."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.errors import MediaUnreadable, ModelUnavailable, SandboxFailed
from app.domain.limits import ImageLimits
from bench.processes import tree
from models.decoder import decoded
from models.image import read
from models.judge import LocalJudge
from models.sandbox import BOUNDS, TASKS, Sandbox, copied
from models.shared_file import KEPT_BYTES, SharedFile
from tests.unit.models import misbehaving
from tests.unit.models.drawn import animation, encoded, halves, photo

LIMITS = ImageLimits()
TRIED = {name: f"tests.unit.models.misbehaving:{name}" for name in misbehaving.TASKS}
SMALL = replace(BOUNDS, memory_bytes=300_000_000, cpu_seconds=1, wall_seconds=20.0, answer_bytes=1_000_000, tasks=1_000)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(SMALL, TRIED)
    yield made
    made.close()


def still_works(sandbox: Sandbox) -> None:
    facts, (array,) = sandbox.run("echo", b"abc", {"shape": [1, 3]})
    assert facts == {"size": 3, "said": {"shape": [1, 3]}} and array.tolist() == [[97, 98, 99]]


def test_a_task_gets_bytes_and_gives_facts_and_arrays(sandbox: Sandbox) -> None:
    still_works(sandbox)


@pytest.mark.parametrize("how", ["abort", "segfault", "exit", "kill_myself", "raises"])
def test_a_child_that_dies_is_replaced(sandbox: Sandbox, how: str) -> None:
    with pytest.raises(SandboxFailed, match="ended by it"):
        sandbox.run(how, b"", {})
    still_works(sandbox)


def test_memory_over_the_bound_is_refused(sandbox: Sandbox) -> None:
    facts, _ = sandbox.run("takes_memory", b"", {"bytes": 100_000_000})
    assert facts == {"took": 100_000_000}
    with pytest.raises(SandboxFailed, match="not enough memory"):
        sandbox.run("takes_memory", b"", {"bytes": 2_000_000_000})
    still_works(sandbox)


def test_processor_time_is_bounded(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="ended by it"):
        sandbox.run("spins", b"", {})
    still_works(sandbox)


def test_a_child_that_sleeps_is_stopped() -> None:
    made = Sandbox(replace(SMALL, wall_seconds=3.0), TRIED)
    still_works(made)
    with pytest.raises(SandboxFailed, match="took too long"):
        made.run("sleeps", b"", {})
    still_works(made)
    made.close()


def test_an_answer_by_drops_does_not_outlast_the_bound() -> None:
    made = Sandbox(replace(SMALL, wall_seconds=3.0), TRIED)
    still_works(made)
    with pytest.raises(SandboxFailed, match="took too long"):
        made.run("answers", b"", {"body": "{}", "size": 0, "drop": True})
    made.close()


NONSENSE = {
    "no JSON": ("{{{", 0),
    "nothing": ("", 0),
    "no object": ("[]", 0),
    "null": ("null", 0),
    "a deep hole": ("[" * 60_000, 0),
    "a huge number": ('{"facts": {}, "shapes": [[' + "9" * 5_000 + "]]}", 3),
    "no shapes": ('{"facts": {}}', 0),
    "facts that are none": ('{"facts": 7, "shapes": []}', 0),
    "shapes that are none": ('{"facts": {}, "shapes": "abc"}', 0),
    "a shape that is none": ('{"facts": {}, "shapes": [7]}', 0),
    "a negative side": ('{"facts": {}, "shapes": [[-1, -3]]}', 3),
    "a side of none": ('{"facts": {}, "shapes": [[0, 3]]}', 0),
    "a side that is true": ('{"facts": {}, "shapes": [[true, 3]]}', 3),
    "a side of a half": ('{"facts": {}, "shapes": [[1.5, 2]]}', 3),
    "too many sides": ('{"facts": {}, "shapes": [[1, 1, 1, 1, 1, 3]]}', 3),
    "sides whose product wraps": ('{"facts": {}, "shapes": [[4294967296, 4294967296]]}', 3),
    "less than it says": ('{"facts": {}, "shapes": [[1, 1]]}', 3),
    "more arrays than there are": ('{"facts": {}, "shapes": [' + ",".join(["[1]"] * 300) + "]}", 300),
    "more bytes than are allowed": ('{"facts": {}, "shapes": [[2000, 1000]]}', 2_000_000),
    "more facts than are allowed": (" " * 70_000, 0),
    "a memory that is none": ('{"memory": 1}', 0),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_answer_that_is_not_right_is_refused(sandbox: Sandbox, name: str) -> None:
    body, size = NONSENSE[name]
    with pytest.raises(SandboxFailed):
        sandbox.run("answers", b"", {"body": body, "size": size})
    still_works(sandbox)


def test_a_well_formed_answer_of_the_same_kind_is_taken() -> None:
    """The control of the rows above: it is what they say that is refused."""
    made = Sandbox(SMALL, TRIED)  # of its own: the child goes on sleeping after its answer
    facts, arrays = made.run("answers", b"", {"body": '{"facts": {"a": 1}, "shapes": []}', "size": 0})
    made.close()
    assert facts == {"a": 1} and arrays == []


def test_what_one_picture_broke_is_no_fault_of_the_next(sandbox: Sandbox) -> None:
    still_works(sandbox)
    assert sandbox.run("dies_later", b"", {}) == ({}, [])
    broken = sandbox._free[-1].pid
    time.sleep(0.3)
    still_works(sandbox)
    assert broken not in [child.pid for child in sandbox._free]


def has_no(error: Exception) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise error

    return refuse


SCARCE: dict[str, tuple[str, Callable[..., Any]]] = {
    "no processes": ("subprocess.Popen", has_no(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))),
    "no memory for a process": ("subprocess.Popen", has_no(OSError(errno.ENOMEM, "Cannot allocate memory"))),
    "no memory at all": ("subprocess.Popen", has_no(MemoryError())),
    "no sockets": ("socket.socketpair", has_no(OSError(errno.EMFILE, "Too many open files"))),
    "no files": ("SharedFile", has_no(OSError(errno.EMFILE, "Too many open files"))),
    "no children": ("exactly", lambda *_: bytes(8)),
    "a zygote that is gone": ("exactly", has_no(ConnectionError("the other side is gone"))),
}


def files_open() -> int:
    """Count this process's open files, once what earlier tests left to the collector is closed."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("what", SCARCE)
def test_a_machine_that_lacks_something_costs_reviews_and_no_file(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, lacking = SCARCE[what]
    made = Sandbox(SMALL, TRIED)
    before = files_open()
    with monkeypatch.context() as scarce:
        scarce.setattr(f"models.sandbox.{name}", lacking)
        for _ in range(3):
            with pytest.raises(SandboxFailed, match="could not be started"):
                made.run("echo", b"abc", {"shape": [3]})
        if "Popen" in name or "socketpair" in name:
            with pytest.raises(SandboxFailed, match="could not be started"):
                made.start()
            with pytest.raises(ModelUnavailable, match="could not be started"):
                LocalJudge(sandbox=made).check("nudenet")
    made.close()
    assert files_open() == before
    still_works(made)
    made.close()


def test_who_cannot_have_a_child_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Sandbox(SMALL, TRIED)
    still_works(made)
    zygote, child = made._zygote, made._free.pop()
    with monkeypatch.context() as scarce:
        scarce.setattr("models.sandbox.exactly", lambda *_: bytes(8))
        with pytest.raises(SandboxFailed, match="could not be started"):
            made.run("echo", b"abc", {"shape": [3]})
    assert made._zygote is zygote and child.ask("who", b"", {}, copied)[0] == {"pid": child.pid}
    made.close()
    child.close()


def test_no_file_is_left_open() -> None:
    made = Sandbox(SMALL, TRIED)
    before = files_open()
    for _ in range(3):
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda _: still_works(made), range(6)))
        made.close()
    assert files_open() == before


@pytest.mark.parametrize("sealed", [True, False])
def test_a_file_that_is_cut_short_does_not_end_the_worker(sealed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sealed:
        # As on a system that cannot seal: the control, for there the file is shorter afterwards.
        monkeypatch.setattr("models.shared_file.fcntl.fcntl", has_no(OSError(errno.EINVAL, "Invalid argument")))
    made = Sandbox(SMALL, TRIED)
    made.start()
    child = made._take()
    with pytest.raises((ConnectionError, ValueError)):
        child.ask("cuts_the_file", bytes(100_000), {}, copied)
    assert (os.fstat(child.file.file).st_size == 10) is not sealed
    child.end()
    still_works(made)
    made.close()


@pytest.mark.parametrize("sealed", [True, False])
def test_memory_that_a_large_picture_took_is_given_back(sealed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sealed:
        monkeypatch.setattr("models.shared_file.fcntl.fcntl", has_no(OSError(errno.EINVAL, "Invalid argument")))
    file = SharedFile(50_000_000)
    for size, kept in ((1_000_000, True), (KEPT_BYTES + 1, False)):
        file.write(bytes(size))
        assert os.fstat(file.file).st_blocks * 512 >= size
        assert len(file.read(size)) == size
        file.used(size)
        assert (os.fstat(file.file).st_blocks > 0) is kept
    file.write(b"abc")
    assert bytes(file.read(3)) == b"abc"
    file.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
@pytest.mark.parametrize("what", ["opens", "connects", "starts", "writes", "dumps", "signals", "reads_surroundings"])
def test_a_child_can_do_nothing_else(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICWARD_SECRET_KEY", "secret")
    if what == "signals" and os.geteuid():
        pytest.skip("only root's children become somebody else")
    question = {"what": what, "pid": os.getpid()}
    if what != "dumps":
        assert misbehaving.tries(b"", question)[0]["done"] is True, "the control: here it can be done"
    made = Sandbox(SMALL, TRIED)
    facts, _ = made.run("tries", b"", question)
    made.close()
    assert facts["done"] is False, facts


def test_kill_9_in_the_middle() -> None:
    made = Sandbox(SMALL, TRIED)
    made.start()
    assert made._zygote is not None
    zygote = made._zygote._process.pid
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(made.run, "sleeps", b"", {})
        while len(tree(zygote)) < 2:
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(tree(zygote)[1], signal.SIGKILL)
        with pytest.raises(SandboxFailed, match="ended by it"):
            running.result()
    still_works(made)
    made.close()


def test_the_zygote_is_replaced(sandbox: Sandbox) -> None:
    still_works(sandbox)
    zygote = sandbox._zygote
    assert zygote is not None
    zygote._process.kill()
    zygote._process.wait()
    still_works(sandbox)
    assert sandbox._zygote is not zygote


def test_a_child_is_replaced_after_some_tasks() -> None:
    made = Sandbox(replace(SMALL, tasks=2), TRIED)
    pids = [made.run("who", b"", {})[0]["pid"] for _ in range(4)]
    made.close()
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_threads_have_a_child_each(sandbox: Sandbox) -> None:
    gate = threading.Barrier(4)

    def ask(number: int) -> tuple[int, int]:
        gate.wait()
        facts, (array,) = sandbox.run("echo", bytes([number]) * 50_000, {"shape": [50_000]})
        return facts["size"], int(array.sum())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [(50_000, 50_000 * number) for number in range(4)]


def test_nothing_outlives_the_worker() -> None:
    """Kill -9 of a worker ends its zygote and children: they see that the other side is gone."""
    script = (
        "import os, sys; from models.sandbox import Sandbox; from tests.unit.models.test_sandbox import SMALL, TRIED;"
        "s = Sandbox(SMALL, TRIED); print(s.run('who', b'', {})[0]['pid'], s._zygote._process.pid, flush=True);"
        "sys.stdin.read()"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout is not None and worker.stdin is not None
    pids = [int(word) for word in worker.stdout.readline().split()]
    assert all(alive(pid) for pid in pids)
    worker.kill()
    worker.wait()
    worker.stdin.close()
    worker.stdout.close()
    until(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_signal_to_the_whole_group_lets_a_task_end(sandbox: Sandbox) -> None:
    """A service manager tells every process to stop; the worker finishes what it holds."""
    still_works(sandbox)
    child = sandbox._free[-1].pid
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(child, number)
    assert sandbox.run("who", b"", {})[0]["pid"] == child


def test_a_forked_worker_has_children_of_its_own(sandbox: Sandbox) -> None:
    still_works(sandbox)
    zygote = sandbox._zygote
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            sandbox.run("echo", b"abc", {"shape": [3]})
            assert sandbox._zygote is not zygote
            sandbox.close()
            os.write(into, b"well")
        finally:
            os._exit(0)
    os.close(into)
    assert os.read(out, 10) == b"well"
    os.close(out)
    os.waitpid(pid, 0)
    still_works(sandbox)
    assert sandbox._zygote is zygote


# Pictures ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


def test_every_task_is_there() -> None:
    from models.zygote import function_of

    for where in TASKS.values():
        assert callable(function_of(where))


FILES = {
    **{form: encoded(photo(), form) for form in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "HEIF")},
    "transparent": encoded(halves().convert("RGBA").resize((90, 50)), "WEBP", lossless=True),
    "animation": animation(4),
    "moving PNG": animation(4, "PNG"),
    "large": encoded(halves(5000, 4000), "PNG"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_child_sees_what_this_process_would(pictures: Sandbox, name: str) -> None:
    ours, theirs = read(FILES[name]), decoded(pictures, FILES[name], LIMITS)
    assert [(view.words, view.image.tobytes()) for view in theirs.views] == [
        (view.words, view.image.tobytes()) for view in ours.views
    ]
    for field in ("data", "format", "width", "height", "frame_count", "unseen"):
        assert getattr(ours, field) == getattr(theirs, field)


def test_what_is_refused_there_is_said_here(pictures: Sandbox) -> None:
    for data, why in ((b"", "empty"), (b"hello", "no JPEG"), (FILES["PNG"][:9_000], "damaged")):
        with pytest.raises(MediaUnreadable, match=why):
            decoded(pictures, data, LIMITS)


LIES: dict[str, tuple[dict[str, Any], list[list[int]]]] = {
    "no views": ({"format": "PNG", "width": 5, "height": 5, "views": []}, []),
    "a view without pixels": ({"views": [{"frame": 0, "ground": "", "stored": False}]}, []),
    "pixels without a view": ({"views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 4], [5, 5, 4]]),
    "a large view": ({"views": [{"frame": 0, "ground": "", "stored": False}]}, [[2, 600, 4]]),
    "a grey view": ({"views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5]]),
    "a view of three": ({"views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 3]]),
    "a ground of its own": ({"views": [{"frame": 0, "ground": "<b>", "stored": False}]}, [[5, 5, 4]]),
    "words for numbers": ({"width": "5", "views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 4]]),
    "a negative width": ({"width": -5, "views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 4]]),
    "a word of its own": ({"allow": True, "views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 4]]),
    "lines in a sentence": ({"refused": "a\nb"}, []),
    "a long sentence": ({"refused": "a" * 600}, []),
    "a line in what was unseen": ({"unseen": "a\x1b[2J", "views": [{"frame": 0, "ground": "", "stored": False}]}, [[5, 5, 4]]),
}


@pytest.mark.parametrize("name", LIES)
def test_a_child_that_lies_about_a_picture_is_a_failure(name: str) -> None:
    facts, shapes = LIES[name]

    class Lying(Sandbox):
        def _take(self) -> Any:
            return LyingChild()

    class LyingChild:
        asked, ended = 0, False

        def ask(self, task: str, data: bytes, arguments: Any, take: Any) -> Any:
            return take(facts, [np.zeros(shape, np.uint8) for shape in shapes])

        def end(self) -> None:
            self.ended = True

    with pytest.raises(SandboxFailed, match="nonsense"):
        decoded(Lying(), b"x", LIMITS)
    judgement = LocalJudge(sandbox=Lying()).judge(b"x", ["nudenet"])
    assert judgement.failures and judgement.signals == {} and judgement.preview(()) is None


def test_a_child_that_dies_is_a_review() -> None:
    made = Sandbox(SMALL, {"picture": TRIED["segfault"]})
    judgement = LocalJudge(sandbox=made).judge(FILES["JPEG"], ["nudenet"])
    made.close()
    assert judgement.failures == ("The process that opened the picture was ended by it.",) and judgement.signals == {}


def test_a_sandbox_that_cannot_start_is_a_review(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    judgement = LocalJudge(sandbox=Sandbox()).judge(FILES["JPEG"], ["nudenet"])
    assert judgement.failures == ("The process that opens pictures could not be started.",)


def test_nothing_is_asked_of_a_child_but_bytes_and_numbers() -> None:
    assert all(isinstance(value, int | float) for value in asdict(LIMITS).values())


def test_no_socket_of_the_network_is_used(sandbox: Sandbox) -> None:
    still_works(sandbox)
    assert sandbox._free[-1].talk.family == socket.AF_UNIX
    assert struct.calcsize(">II") == 8
