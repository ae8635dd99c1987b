from __future__ import annotations

import pytest
from flask import Flask

from app.web.application import make_application
from tests.support.core import Bench
from tests.web.house import House, furnish
from tests.web.visitor import Owner, become_owner

MAX_BODY = 4000


@pytest.fixture
def application(bench: Bench) -> Flask:
    made = make_application(bench.core, max_body_bytes=MAX_BODY)
    made.testing = True
    return made


@pytest.fixture
def owner(bench: Bench, application: Flask) -> Owner:
    """A signed-in owner without a site."""
    return become_owner(bench, application)


@pytest.fixture
def house(bench: Bench, application: Flask, owner: Owner) -> House:
    """Two sites with a row behind every argument that addresses have."""
    return furnish(bench, application, owner)
