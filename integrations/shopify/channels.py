"""Where a product is published, and when: the sales channels that a shopper can find it in."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.errors import MediaGone
from integrations.shopify.api import Admin, understood
from integrations.shopify.mark import State

MAX_PUBLICATIONS = 1_000
"""How many publications of a product are read; a shop has some dozens."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A sales channel, with the time at which the product is or will be published there, as Shopify writes it."""

    id: str
    title: str
    date: str


def read(admin: Admin, product: str) -> list[Publication]:
    """Read all publications of a product, scheduled ones too. Raise `MediaGone` when the product is no longer there."""
    found: list[Publication] = []
    after: str | None = None
    with understood():
        while True:
            data = admin.ask("publications", product=product, after=after)
            if "product" not in data:
                raise MediaGone("The product is no longer in the shop.")
            connection = data.object("product").object("resourcePublicationsV2")
            for node in connection.items("nodes", 50):
                publication = node.object("publication")
                title = publication.object("catalog").label("title") if "catalog" in publication else ""
                found.append(Publication(publication.text("id", 100), title, node.label("publishDate", 40)))
            page = connection.object("pageInfo")
            if not page.flag("hasNextPage") or len(found) >= MAX_PUBLICATIONS:
                return found
            after = page.text("endCursor", 500)


def published(state: State) -> dict[str, str]:
    """Read the publications of an earlier state, with their dates."""
    before = state.get("before")
    listed = before.get("publications") if isinstance(before, dict) else None
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return {str(row.get("id", "")): str(row.get("date", "")) for row in rows}
