"""The worker: it works on where the machine has too little for something, and says so."""

from __future__ import annotations

import errno
import logging
import threading
from pathlib import Path

import pytest

from app.dispatch.worker import Worker
from app.domain.errors import ModelUnavailable
from app.services.trying import pictures
from tests.support.core import Bench
from tests.support.instance import wait_for

ANN = 1


@pytest.mark.parametrize(
    "raised",
    [
        ModelUnavailable("the weights are missing"),
        OSError(errno.EAGAIN, "Resource temporarily unavailable"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        MemoryError(),
        RuntimeError("can't start new thread"),
    ],
    ids=repr,
)
def test_a_detector_that_cannot_be_tried_keeps_no_worker_from_working(
    raised: Exception, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def check(detector: str) -> None:
        tried.append(detector)
        raise raised

    monkeypatch.setattr(bench.judge, "check", check)
    bench.judge.detectors = {"first": "1", "told": "1"}
    worker = Worker(bench.core, tmp_path, 1)
    thread = threading.Thread(target=worker.run)
    with caplog.at_level(logging.ERROR):
        thread.start()
        try:
            id_ = pictures.begin(bench.core, b"picture", ANN)
            wait_for(lambda: pictures.get(bench.core, id_, ANN).judged and len(tried) == 2, "the picture to be judged", 20)
        finally:
            worker.stop()
            thread.join()
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if line.startswith("pictures will go to review")]) == 2, said
