"""Pushes with verified tokens, and the back-fill of a large bucket, against the stand-in of Cloud Storage."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import load
from bench.processes import PICWARD, environment, free_port, picward, running
from bench.rows import Meaningless, Row, limited
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner

PROJECT, BUCKET = "demo-test", "demo-test.firebasestorage.app"
AUDIENCE = "https://picward.example/webhooks/firebase"
ACCOUNT = f"picward-push@{PROJECT}.iam.gserviceaccount.com"
SCHEDULED = 1000
PER_SECOND = 100.0
OBJECTS = 100_000
PUSH_MS, BACKFILL_SECONDS, BACKFILL_MB = 20, 60, 200
WEB_PROCESSES = 2


def rows() -> Iterator[Row]:
    yield from _pushes()
    yield from _backfill()


def _connected(folder: Path, storage: str, certificates: str = "") -> dict[str, str]:
    """Make an installation with one paused site, whose worker judges nothing meanwhile; give its environment."""
    env = environment(folder, free_port()) | {
        "STORAGE_EMULATOR_HOST": storage,
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:9",  # nothing is told here
        "NO_PROXY": "127.0.0.1",
        **({"PICWARD_FIREBASE_CERTIFICATES_URL": certificates} if certificates else {}),
    }
    picward(env, "migrate")
    typed = (f"project={PROJECT}", f"bucket={BUCKET}", f"audience={AUDIENCE}")
    told = picward(env, "sites", "add", "firebase", "--name", "Bench", *(word for one in typed for word in ("--set", one)))
    env["SITE"] = told.split()[0]
    picward(env, "sites", "pause", env["SITE"])
    return env


def _pushes() -> Iterator[Row]:
    signer = GoogleSigner()
    with tempfile.TemporaryDirectory() as name, CloudStorage(signer=signer) as gcs:
        gcs.bucket(BUCKET)
        env = _connected(Path(name), gcs.address, gcs.jwks_url)
        port = int(env["PICWARD_PORT"])
        with running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready"):
            for _ in range(2):  # the first warms up, and fetches
                run = load.opened(port, [_push(signer, n) for n in range(SCHEDULED)], PER_SECOND)
        if run.errors:
            raise Meaningless(f"{run.errors} pushes were not answered 202")
        shown = f"{run.p99:.1f} ms (p50 {run.p50:.1f})"
        yield limited("Verified pushes at 100/s, open loop, p99", shown, run.p99, PUSH_MS, "ms")
        yield Row(
            f"Fetches of Google's certificates for {2 * SCHEDULED} pushes",
            f"{signer.fetches} in {WEB_PROCESSES} web processes",
            "google-auth alone: one per push",
            round(signer.fetches / (2 * SCHEDULED), 2),
            "1 per process",
            0 < signer.fetches <= WEB_PROCESSES,
        )


def _push(signer: GoogleSigner, number: int) -> bytes:
    generation = str(time.time_ns() // 1000)
    said = {"bucket": BUCKET, "name": f"users/u{number % 50}/{generation}-{number}.jpg", "generation": generation}
    described = said | {
        "metageneration": "1",
        "contentType": "image/jpeg",
        "size": "204800",
        "md5Hash": "x" * 24,
        "etag": "x" * 700,
    }
    attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": BUCKET, "objectId": said["name"], "objectGeneration": generation}
    data = base64.b64encode(json.dumps(described).encode()).decode()
    message = {"attributes": attributes, "data": data, "messageId": generation}
    token = signer.id_token(AUDIENCE, ACCOUNT)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return load.request("/webhooks/firebase", headers, json.dumps({"message": message, "subscription": "s"}).encode())


@contextlib.contextmanager
def _large_bucket() -> Iterator[str]:
    """Serve many objects from a process of its own, so that its memory is not counted."""
    command = [sys.executable, "-m", "tests.integrations.firebase.stand_in.gcs", "--bucket", BUCKET, "--objects", str(OBJECTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _backfill() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, _large_bucket() as address:
        env = _connected(Path(name), address)
        started = time.perf_counter()
        process = subprocess.Popen([PICWARD, "scan", env["SITE"]], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        told = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        seconds, megabytes = time.perf_counter() - started, used.ru_maxrss / 1000
        if status or f"{OBJECTS} pictures seen, {OBJECTS} queued" not in told:
            raise Meaningless(f"the scan said {told!r}")
        what = f"Back-fill of {OBJECTS:,} listed objects into jobs"
        yield limited(what, f"{seconds:.0f} s", seconds, BACKFILL_SECONDS, "s")
        yield limited(f"{what}, peak memory", f"{megabytes:.0f} MB", megabytes, BACKFILL_MB, "MB")
