from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.decisions import Action
from app.domain.platform import Platform
from integrations.registry import platforms
from tests.contract.hostile import Server
from tests.contract.sample import Sample, StandIn


def sample_of(slug: str) -> Sample:
    sample = importlib.import_module(f"tests.integrations.{slug}.contract").SAMPLE
    assert isinstance(sample, Sample) and sample.slug == slug
    return sample


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test for every platform that declares what the test is about; the others are no case of it."""
    if "slug" in metafunc.fixturenames:
        wanted = set(metafunc.fixturenames)
        slugs = [slug for slug in sorted(platforms()) if _fits(sample_of(slug), wanted)]
        metafunc.parametrize("slug", slugs, scope="module")


def _fits(sample: Sample, fixtures: set[str]) -> bool:
    can_delete = Action.DELETE in platforms()[sample.slug].actions
    return (
        (sample.webhooks or "sending" not in fixtures)
        and (sample.timestamped or "timestamped" not in fixtures)
        and (sample.site_secrets or "own_secrets" not in fixtures)
        and (sample.private_networks or "private" not in fixtures)
        and (sample.remote or "remote" not in fixtures)
        and (can_delete or "deleting" not in fixtures)
    )


@pytest.fixture
def platform(slug: str) -> Platform:
    return sample_of(slug).made(platforms()[slug])


@pytest.fixture
def sample(slug: str) -> Sample:
    return sample_of(slug)


@pytest.fixture
def sending(sample: Sample) -> Sample:
    """Give the sample of a platform that sends deliveries; test_a_platform_that_sends_nothing holds the others to it."""
    return sample


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
        for secret in sample_of(request.getfixturevalue("slug")).secrets:
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
