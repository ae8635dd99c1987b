"""The stand-in for a site, paired with a real Picward."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import requests

from integrations.kit import signing
from tests.integrations.wordpress.stand_in import PluginStandIn
from tests.support.instance import Instance


def connect(instance: Instance, stand_in: PluginStandIn) -> None:
    """Do what the plugin does with a pairing code."""
    code = instance.cli("sites", "add", "wordpress", "--private-network").splitlines()[-1].removeprefix("picward1_")
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)))
    stand_in.site_id, stand_in.secret = told["site"], told["secret"]
    about = {
        "rest_url": f"{stand_in.address}/wp-json/",
        "home_url": stand_in.address,
        "name": "Blog",
        "wp": "6.1",
        "php": "8.2",
        "plugin": "0.1.0",
    }
    body = json.dumps({"v": 1, "to": "connector", "type": "connect", "site": stand_in.site_id, **about}).encode()
    headers = signing.sign(stand_in.secret, "connect-1", int(time.time()), body)
    answer = requests.post(
        f"{instance.url}/door/wordpress", body, headers={**headers, "picward-site": stand_in.site_id}, timeout=30
    )
    assert answer.status_code == 200, answer.text
