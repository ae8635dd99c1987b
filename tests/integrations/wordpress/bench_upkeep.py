"""Upkeep of many quiet WordPress sites, all of them one stand-in; see bench/upkeep.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.db import sites as rows_of_sites
from app.domain.events import Delivery
from app.domain.platform import SiteState
from app.services.core import Core
from app.services.sites import connecting, upkeep
from bench import upkeep as measured
from bench.rows import Row
from integrations.kit import signing
from tests.integrations.wordpress.stand_in import PluginStandIn


class Agency(PluginStandIn):
    """Answer for every site that has the one secret."""

    def answer(self, type: str, request: Delivery) -> tuple[dict[str, Any] | bytes]:
        signing.verify(request, [self.secret])
        body = json.loads(request.body)
        return (self._drain(body) if type == "drain" else self._list(body),)


def rows() -> Iterator[Row]:
    with Agency("", "", {}) as agency:
        yield from measured.rows(lambda core: _connected(core, agency))


def _connected(core: Core, agency: Agency) -> str:
    site = connecting.add(core, "wordpress", "Blog", "owner", private_network=True)
    agency.secret = site.secrets[0]
    connection = {"rest_url": f"{agency.address}/wp-json/", "home_url": agency.address}
    with core.db.write() as writing:
        rows_of_sites.change(writing, site.id, state=SiteState.ACTIVE, paired_at=core.now(), connection=connection)
        upkeep.follow(core, writing, site.id, at_once=True)
    return site.id
