"""kill -9 of any process, 20 times under load: nothing lost, nothing decided twice, nothing hidden without a way back."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
import requests
from PIL import Image

from app.domain.jobs import SHARE
from integrations.kit import signing
from tests.integrations.wordpress.pairing import connect
from tests.integrations.wordpress.stand_in import Attachment, PluginStandIn
from tests.support.instance import Instance, wait_for

PER_SECOND = 8
VICTIMS = ("worker", "web worker", "worker", "web master", "worker", "web worker", "worker", "web master", "worker", "supervisor")
VICTIMS *= 2
"""Twenty; few supervisors, for after one everything has to start anew, which takes its time."""

KILLS = len(VICTIMS)

pytestmark = [pytest.mark.e2e, pytest.mark.chaos]


class Sender:
    """Send like the plugin's outbox: each event again and again, under one id, until it is accepted; every fifth twice."""

    def __init__(self, url: str, stand_in: PluginStandIn) -> None:
        self._url, self._stand_in = url, stand_in
        self.accepted: set[int] = set()
        self.stop = threading.Event()
        self._lines = [threading.Thread(target=self._run, args=(n,)) for n in range(3)]

    def start(self) -> None:
        for line in self._lines:
            line.start()

    def end(self) -> None:
        self.stop.set()
        for line in self._lines:
            line.join()

    def _run(self, line: int) -> None:
        number = line
        while not self.stop.is_set():
            attachment = Attachment(1000 + number, picture(number), parent=None)
            self._stand_in.attachments[attachment.id] = attachment
            self._deliver(attachment)
            if number % 5 == 0:
                self._deliver(attachment)
            number += len(self._lines)
            time.sleep(len(self._lines) / PER_SECOND)

    def _deliver(self, attachment: Attachment) -> None:
        body = json.dumps(
            {"v": 1, "to": "connector", "type": "media.uploaded", "site": self._stand_in.site_id, "media": attachment.described()}
        ).encode()
        while True:
            headers = signing.sign(self._stand_in.secret, f"ev_{attachment.id}", int(time.time()), body)
            with contextlib.suppress(requests.RequestException):
                answer = requests.post(
                    f"{self._url}/webhooks/wordpress",
                    body,
                    headers={**headers, "picward-site": self._stand_in.site_id},
                    timeout=5,
                )
                if answer.status_code == 202:
                    self.accepted.add(attachment.id)
                    return
                assert answer.status_code in (500, 502, 503), answer.text
            time.sleep(0.2)


def picture(number: int) -> bytes:
    chance = random.Random(number)
    image = Image.new("RGB", (160, 120), tuple(chance.randint(0, 255) for _ in range(3)))
    image.putpixel((number % 160, number % 120), (255, 255, 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def listed(number: int) -> bool:
    return number % 3 == 0


def test_kill_nine_of_any_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(20)
    instance = Instance(tmp_path, lease_seconds="3", log_level="ERROR")
    with PluginStandIn("", "", {}) as stand_in:
        try:
            instance.start()
            known = tmp_path / "list.csv"
            rows = [f"sha256,{hashlib.sha256(picture(n)).hexdigest()}" for n in range(0, 3000, 3)]
            known.write_text("\n".join(["kind,hash", *rows]))
            instance.cli("hashes", "import", str(known))
            connect(instance, stand_in)
            sender = Sender(instance.url, stand_in)
            sender.start()
            for role in VICTIMS:
                time.sleep(chance.uniform(0.3, 1.1))
                shares(instance)
                os.kill(wait_for(lambda role=role: instance.processes().get(role), f"a {role} to kill"), signal.SIGKILL)
                if role == "supervisor":
                    assert instance.process is not None
                    instance.process.wait(5)
                    instance.start()
            sender.end()
            accepted = sender.accepted
            assert len(accepted) > KILLS
            wait_for(lambda: settled(instance), "all work to end", 120, instance.log)
            check(instance, stand_in, accepted)
        finally:
            instance.stop()


def settled(instance: Instance) -> bool:
    open_work = instance.rows(
        "SELECT (SELECT count(*) FROM jobs WHERE state IN ('due', 'busy')) + "
        "(SELECT count(*) FROM enforcements WHERE state IN ('due', 'busy'))"
    )
    return bool(open_work[0][0] == 0)


IN_FRONT = ("SELECT media_id FROM jobs WHERE place > 0", "SELECT media_id FROM enforcements WHERE place > 0")


def shares(instance: Instance) -> None:
    """Hold what stands in front of the workers, at any moment, to the site's share, and to one row of a picture."""
    for query in IN_FRONT:
        ahead = instance.rows(query)
        assert len(ahead) == len(set(ahead)) <= SHARE, query


def check(instance: Instance, stand_in: PluginStandIn, accepted: set[int]) -> None:
    assert [instance.rows(query) for query in IN_FRONT] == [[], []], "what has ended holds a place in front"
    jobs = dict(instance.rows("SELECT media_id, count(*) FROM jobs GROUP BY media_id"))
    assert {int(media_id) for media_id in jobs} >= accepted, "an accepted delivery was lost"
    assert set(jobs.values()) == {1}, "a delivery was counted twice"
    decided = dict(instance.rows("SELECT j.media_id, count(*) FROM decisions d JOIN jobs j ON j.id = d.job_id GROUP BY 1"))
    assert set(decided) == set(jobs), "a picture was never decided"
    assert set(decided.values()) == {1}, "a picture was decided twice"
    verdicts = dict(instance.rows("SELECT j.media_id, d.verdict FROM decisions d JOIN jobs j ON j.id = d.job_id"))
    assert {int(media_id) for media_id, verdict in verdicts.items() if verdict == "block"} == {
        int(media_id) for media_id in jobs if listed(int(media_id) - 1000)
    }
    assert "review" not in verdicts.values(), "a kill must not be held against a picture"
    hides = instance.rows("SELECT media_id, undo FROM enforcements WHERE action = 'hide' AND state = 'done'")
    assert {str(a.id) for a in stand_in.attachments.values() if a.hidden} == {media_id for media_id, _ in hides}
    assert len(hides) > KILLS / 3
    assert all(undo and json.loads(undo) for _, undo in hides), "something is hidden without a way back"
    assert {int(media_id) for media_id, _ in hides} == {int(m) for m, verdict in verdicts.items() if verdict == "block"}
