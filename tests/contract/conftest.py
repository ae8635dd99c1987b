from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.decisions import Action
from app.domain.platform import Platform
from tests.contract.hostile import Server
from tests.contract.sample import Sample, StandIn
from tests.contract.samples import Held, held_to_it


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test for every platform that declares what the test is about; the others are no case of it."""
    if "slug" in metafunc.fixturenames:
        wanted = set(metafunc.fixturenames)
        slugs = [slug for slug, held in sorted(held_to_it().fit.items()) if _fits(held, wanted)]
        metafunc.parametrize("slug", slugs, scope="module")
    if "every_slug" in metafunc.fixturenames:
        metafunc.parametrize("every_slug", sorted({**held_to_it().fit, **held_to_it().unfit}))


def _fits(held: Held, fixtures: set[str]) -> bool:
    sample = held.sample
    can_delete = Action.DELETE in held.platform.actions
    return (
        (sample.webhooks or "sending" not in fixtures)
        and (sample.proves_bytes or "signed_bytes" not in fixtures)
        and (not sample.proves_bytes or "token" not in fixtures)
        and (sample.timestamped or "timestamped" not in fixtures)
        and (sample.site_secrets or "own_secrets" not in fixtures)
        and (sample.private_networks or "private" not in fixtures)
        and (sample.remote or "remote" not in fixtures)
        and (can_delete or "deleting" not in fixtures)
        and (sample.compares_orders or "comparing" not in fixtures)
        and (Action.LABEL in held.platform.actions or "labelling" not in fixtures)
        and (held.platform.listens or "listening" not in fixtures)
        and (held.platform.tells_uploaders or "telling" not in fixtures)
        and (bool(held.platform.sanctions) or "sanctioning" not in fixtures)
    )


@pytest.fixture
def platform(slug: str) -> Platform:
    held = held_to_it().fit[slug]
    return held.sample.made(held.platform)


@pytest.fixture
def sample(slug: str) -> Sample:
    return held_to_it().fit[slug].sample


@pytest.fixture
def sending(sample: Sample) -> Sample:
    """Give the sample of a platform that sends deliveries; test_a_platform_that_sends_nothing holds the others to it."""
    return sample


@pytest.fixture
def signed_bytes(sending: Sample) -> Sample:
    """Give the sample of a platform that signs the bytes it sends."""
    return sending


@pytest.fixture
def token(own_secrets: Sample) -> Sample:
    """Give the sample of a platform whose deliveries are proven by a token of their site, and nothing else."""
    return own_secrets


@pytest.fixture
def timestamped(sending: Sample) -> Sample:
    """Give the sample of a platform that signs the time."""
    return sending


@pytest.fixture
def own_secrets(sending: Sample) -> Sample:
    """Give the sample of a platform whose sites have signing secrets of their own."""
    return sending


@pytest.fixture
def private(remote: StandIn) -> StandIn:
    """Give the stand-in of a platform whose sites may be on the owner's own network."""
    return remote


@pytest.fixture
def deleting(sample: Sample) -> Sample:
    """Give the sample of a platform that can delete."""
    return sample


@pytest.fixture
def comparing(sample: Sample) -> Sample:
    """Give the sample of a platform whose side compares the numbers of orders."""
    return sample


@pytest.fixture
def labelling(place: StandIn) -> StandIn:
    """Give the stand-in of a platform that can be told of a verdict."""
    return place


@pytest.fixture
def listening(place: StandIn) -> StandIn:
    """Give the stand-in of a platform that is listened to."""
    return place


@pytest.fixture
def telling(place: StandIn) -> StandIn:
    """Give the stand-in of a platform that passes messages on to uploaders."""
    return place


@pytest.fixture
def sanctioning(place: StandIn) -> StandIn:
    """Give the stand-in of a platform that can do something about uploaders."""
    return place


@pytest.fixture
def place(sample: Sample, tmp_path: Path) -> Iterator[StandIn]:
    with sample.stand_in(tmp_path) as stand_in:
        yield stand_in


@pytest.fixture
def remote(sample: Sample, place: StandIn) -> StandIn:
    """Give the stand-in of a platform that is called over HTTP."""
    return place


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    if "slug" in request.fixturenames:
        for secret in held_to_it().fit[request.getfixturevalue("slug")].sample.secrets:
            for phase in ("setup", "call", "teardown"):
                for record in caplog.get_records(phase):
                    assert secret not in record.getMessage() + repr(record.__dict__)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point every proxy setting at a port where nothing listens: whoever heeds one fails."""
    for name in [*(name for name in os.environ if name.lower().endswith("_proxy")), "no_proxy", "NO_PROXY"]:
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()
