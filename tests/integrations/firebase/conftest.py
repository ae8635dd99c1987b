from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.integrations.firebase.contract import SAMPLE, Bucket, storage
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner


@pytest.fixture(scope="session")
def signer() -> GoogleSigner:
    """Give one key for all tests that do not rotate it: making one takes a tenth of a second."""
    return GoogleSigner()


@pytest.fixture
def gcs(signer: GoogleSigner) -> Iterator[CloudStorage]:
    with storage(signer=signer) as stand_in:
        yield stand_in


@pytest.fixture
def place(gcs: CloudStorage) -> Bucket:
    """Give a bucket with a picture of a user in it."""
    return Bucket(gcs, SAMPLE.site())


@pytest.fixture(autouse=True)
def no_emulator_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith("_EMULATOR_HOST")]:
        monkeypatch.delenv(name)
