"""Overwrites at any moment, with the real core: events late, twice and out of order, and only the newest upload counts."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.db.tables import enforcements, jobs
from app.domain.decisions import Verdict
from app.domain.platform import Site, VerificationKeys
from app.domain.time import SECOND
from app.services.pipeline import enforce, intake
from app.services.pipeline.moderate import Moderator
from app.services.review import verdicts
from app.services.rules import policies
from app.services.sites import connecting, sites
from integrations.firebase.naming import MODERATION
from integrations.firebase.platform import Firebase
from tests.integrations.firebase.actions import status
from tests.integrations.firebase.contract import BUCKET, PROJECT, PUBLIC_URL
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.objects import StoredObject, resource
from tests.integrations.firebase.test_firebase_intake import wrapped
from tests.support.core import Bench
from tests.support.surroundings import made

ROUNDS = 50
NAME = "users/u1/profile.png"
ACCOUNT = f"picward-push@{PROJECT}.iam.gserviceaccount.com"
ENFORCED: list[dict[str, Any]] = [{"category": "sexual.explicit_nudity", "review": 0.4, "block": 0.8, "mode": "enforce"}]


class Told:
    """Take what the bucket tells, to be delivered by the test in the order that it likes."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.stored: dict[tuple[str, int], bytes] = {}

    def take(self, event: str, found: StoredObject, others: Mapping[str, str], address: str) -> None:
        self.stored[found.name, found.generation] = found.data
        self.waiting.append((event, resource(found, address)))

    def close(self) -> None:
        pass


class World:
    """Be an app's bucket, its Picward, and the network between them."""

    def __init__(self, bench: Bench, gcs: CloudStorage, chance: random.Random) -> None:
        self.bench, self.gcs, self.chance = bench, gcs, chance
        keys = VerificationKeys(json.dumps(gcs.signer.key_set()), bench.core.now())
        self.platform = made(Firebase, public_url=PUBLIC_URL, verification_keys=keys)
        self.core = replace(bench.core, platforms={"firebase": self.platform})
        self.bucket = gcs.bucket(BUCKET)
        self.site = self._connect()
        self.told = gcs.notify(Told())  # type: ignore[arg-type, type-var]
        self.moderator = Moderator(self.core)

    def _connect(self) -> Site:
        site = connecting.add(self.core, "firebase", "App", "owner", {"project": PROJECT, "bucket": BUCKET})
        policies.save(self.core, site.id, ENFORCED, "owner")
        return sites.save_settings(self.core, site.id, {"tell": "nothing"}, "owner").site

    def upload(self, data: bytes, bad: bool) -> StoredObject:
        self.bench.judge.tell(data, "sexual.explicit_nudity.genitalia", 0.95 if bad else 0.01)
        return self.bucket.put(NAME, data, token=True)

    def deliver(self) -> bool:
        """Deliver some of what waits, in any order, some of it twice."""
        waiting, self.told.waiting = self.told.waiting, []
        self.chance.shuffle(waiting)
        for event, data in waiting:
            for _ in range(self.chance.choice((1, 1, 2))):
                now = self.core.now()
                token = self.gcs.signer.id_token(f"{PUBLIC_URL}/webhooks/firebase", ACCOUNT, issued_at=now // SECOND)
                delivery = wrapped(data, event)
                headers = delivery.headers | {"authorization": f"Bearer {token}"}
                intake.receive(self.core, "firebase", replace(delivery, headers=headers, received_at=now))
        return bool(waiting)

    def settle(self) -> None:
        for _ in range(200):
            moved = self.deliver()
            while self.moderator.run_next() or enforce.run_next(self.core):
                moved = True
            if not moved and not self.left():
                return
            self.bench.clock.pass_seconds(30)
        raise AssertionError("it does not come to rest")

    def left(self) -> int:
        """Count what the core still wants to do."""
        with self.core.db.read() as connection:
            return sum(
                connection.execute(select(func.count()).where(table.c.state.in_(("due", "busy")))).scalar_one()
                for table in (jobs, enforcements)
            )

    def upload_before(self, request: int, data: bytes, bad: bool) -> list[StoredObject]:
        """Upload just before the bucket takes that request from now on; give where the upload will be noted."""
        uploaded: list[StoredObject] = []
        left = request

        def before(_: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                uploaded.append(self.upload(data, bad))

        self.gcs.before = before
        return uploaded


@pytest.fixture
def no_firestore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")


@pytest.mark.usefixtures("no_firestore")
def test_whatever_is_overwritten_when_only_the_newest_generation_counts(bench: Bench, gcs: CloudStorage) -> None:
    chance = random.Random(20261122)
    world = World(bench, gcs, chance)
    cut_in = 0
    for number in range(ROUNDS):
        first, second = (f"round {number} upload {n}".encode() for n in (1, 2))
        bad = {first: chance.random() < 0.7, second: chance.random() < 0.5}
        world.upload(first, bad[first])
        uploaded = world.upload_before(chance.randint(1, 9), second, bad[second])
        world.settle()
        gcs.before = None
        cut_in += bool(uploaded)
        if not uploaded:
            uploaded.append(world.upload(second, bad[second]))
        world.settle()
        (newest,) = uploaded
        there = world.bucket.get(NAME)
        if bad[second]:
            assert there is None, f"round {number}: a blocked picture is still there"
            for token in newest.tokens:
                assert status(gcs.download_url(BUCKET, NAME, token)) in (403, 404)
            assert any(data == second for data in quarantined(world).values())
        else:
            assert there is not None and there.data == second and there.generation == newest.generation, f"round {number}"
            assert there.metadata[MODERATION] == "approved" and there.tokens == newest.tokens
        for data in quarantined(world).values():
            (signal,) = bench.judge.sees[hashlib.sha256(data).hexdigest()]
            assert signal.score > 0.9, f"round {number}: a picture that nobody blocked was hidden"
    assert cut_in > ROUNDS // 2, "the overwrites came too late to race with anything"
    for version, sha256 in judged(world):
        assert hashlib.sha256(world.told.stored[NAME, int(version)]).hexdigest() == sha256


def quarantined(world: World) -> dict[str, bytes]:
    names = [name for name in world.bucket.names() if name.startswith("quarantine/") and not name.endswith(".json")]
    return {name: world.bucket.get(name).data for name in names}  # type: ignore[union-attr]


def judged(world: World) -> list[tuple[str, str]]:
    query = "SELECT j.version, d.sha256 FROM decisions d JOIN jobs j ON j.id = d.job_id WHERE d.sha256 <> ''"
    with world.core.db.read() as connection:
        found = [(row[0], row[1]) for row in connection.execute(text(query))]
    assert len(found) >= ROUNDS
    return found


@pytest.mark.usefixtures("no_firestore")
def test_the_echoes_of_hiding_and_restoring_change_nothing(bench: Bench, gcs: CloudStorage) -> None:
    world = World(bench, gcs, random.Random(7))
    world.upload(b"bad", True)
    world.settle()
    assert world.bucket.get(NAME) is None
    with world.core.db.read() as connection:
        decision = connection.execute(text("SELECT max(id) FROM decisions")).scalar_one()
    verdicts.resolve(world.core, decision, Verdict.ALLOW, "owner")
    world.settle()
    there = world.bucket.get(NAME)
    assert there is not None and there.data == b"bad" and there.tokens
    with world.core.db.read() as connection:
        decided = connection.execute(text("SELECT verdict, person FROM decisions ORDER BY id")).all()
        states = connection.execute(text("SELECT DISTINCT state FROM enforcements")).scalars().all()
    assert [tuple(row) for row in decided] == [("block", ""), ("allow", "owner")]
    assert states == ["done"]
    assert bench.judge.looked == [hashlib.sha256(b"bad").hexdigest()]


@pytest.mark.usefixtures("no_firestore")
def test_a_late_delete_of_an_older_upload_does_not_end_the_newer_one(bench: Bench, gcs: CloudStorage) -> None:
    world = World(bench, gcs, random.Random(1))
    world.upload(b"first", False)
    world.settle()
    world.bucket.remove(NAME)
    (deleted,), world.told.waiting = world.told.waiting, []
    world.upload(b"second, bad", True)
    world.deliver()
    world.told.waiting = [deleted]
    world.settle()
    assert world.bucket.get(NAME) is None, "the newer upload was not judged"
    with world.core.db.read() as connection:
        states = connection.execute(select(jobs.c.state).order_by(jobs.c.id)).scalars().all()
    assert states == ["gone", "done"]
