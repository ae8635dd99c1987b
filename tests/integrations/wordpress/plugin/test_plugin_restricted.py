"""What is restricted, and what two people decide: nobody in wp-admin sees the one or brings back the other."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture
from tests.integrations.wordpress.plugin.stand_in import Connector
from tests.integrations.wordpress.plugin.test_plugin_admin import link, media_of, page

pytestmark = pytest.mark.e2e

BLOCKED = "upload.php?page=picward-review&view=blocked"
SEVERE = {"restricted": True, "two_people": True}
RIGHTS = {"restricted and two people's": SEVERE, "two people's": {"restricted": False, "two_people": True}}


class Hidden:
    """A hidden picture, and a person in wp-admin with the links that they were shown for it."""

    def __init__(self, site: WordPress, door: Door, **decided: Any) -> None:
        self.site, self.door, self.data = site, door, picture(900, 700)
        self.media = media_of(door, site.upload(self.data, "severe.jpg")["id"])
        assert door.decide(self.media, "hide", "block", **decided).json()["state"] == "done"
        self.session = site.login()
        html = page(self.session, site, BLOCKED)
        self.approve = link(html, self.media["id"], "approve")
        shown = re.search(rf'href="([^"]*picward_preview[^"]*id={self.media["id"]}&[^"]*)"', html)
        assert shown is not None
        self.preview = shown[1].replace("&#038;", "&").replace("&amp;", "&")

    @property
    def public(self) -> bool:
        return requests.get(self.media["url"], timeout=10).content == self.data

    def get(self, address: str) -> requests.Response:
        return self.session.get(address, timeout=60)


@pytest.mark.parametrize("rights", RIGHTS.values(), ids=RIGHTS.keys())
def test_nobody_here_brings_it_back_or_sees_what_is_restricted(site: WordPress, door: Door, rights: dict[str, bool]) -> None:
    hidden = Hidden(site, door)
    assert hidden.get(hidden.preview).headers["Content-Type"].startswith("image/"), "the control: until then it is shown"
    # A list finds it now, and the links that were shown before are followed.
    assert door.decide(hidden.media, "hide", "block", **rights).json()["state"] == "done"
    refused = hidden.get(hidden.approve)
    assert "two people decide about it, in Picward" in refused.text and not hidden.public
    assert hidden.get(hidden.preview).status_code == (403 if rights["restricted"] else 200)
    for view in (BLOCKED, f"post.php?post={hidden.media['id']}&action=edit"):
        html = page(hidden.session, site, view)
        with pytest.raises(AssertionError):
            link(html, hidden.media["id"], "approve")
        assert ("shown to nobody here" in html) is rights["restricted"]
    # Two people decided in Picward.
    assert door.decide(hidden.media, "restore", "allow", person="Ada", **rights).json()["state"] == "done"
    assert hidden.public


def test_an_earlier_approval_here_does_not_stand_against_such_a_list(site: WordPress, door: Door) -> None:
    hidden = Hidden(site, door)
    assert "1 picture approved" in hidden.get(hidden.approve).text and hidden.public
    assert door.decide(hidden.media, "hide", "block").json()["state"] == "drifted", "the control: it stands against a policy"
    assert hidden.public
    assert door.decide(hidden.media, "hide", "block", **SEVERE).json()["state"] == "done"
    assert not hidden.public


@pytest.mark.parametrize("asked", ["severe", "away", "older", "open"])
def test_what_an_earlier_version_hid_is_asked_about_first(site: WordPress, door: Door, connector: Connector, asked: str) -> None:
    hidden = Hidden(site, door, restricted=None, two_people=None)
    connector.rights = {"severe": SEVERE, "open": {"restricted": False, "two_people": False}}.get(asked, {})
    if asked == "away":
        connector.stop()
    seen, said = hidden.get(hidden.preview), hidden.get(hidden.approve).text
    if asked == "away":
        connector.start()
    closed = asked in ("severe", "away")
    assert (seen.status_code, hidden.public) == ((403, False) if closed else (200, True))
    assert {"severe": "two people decide", "away": "Try again"}.get(asked, "1 picture approved") in said
    if asked == "away":
        assert "1 picture approved" in hidden.get(hidden.approve).text, "nothing was remembered but the question"
