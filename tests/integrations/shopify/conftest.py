from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.shopify.contract import shopify as running_shopify
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import Shopify


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    # A budget that no test meets by chance; those about it have their own.
    with running_shopify(bucket=1_000_000) as running:
        yield running


@pytest.fixture
def place(shopify: Shopify) -> Place:
    """Give a connected shop whose merchant granted everything that any setting needs."""
    return opened(shopify)
