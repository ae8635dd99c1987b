from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_emulator_of_this_machine() -> None:
    """Keep the emulator that these tests start and name themselves."""
