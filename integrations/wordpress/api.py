"""The connector's half of the calls to the plugin: signed, and translated into the domain's errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, TypedDict, cast

from app.domain.errors import (
    CredentialsExpired,
    DeliveryUnreadable,
    MediaGone,
    PicwardError,
    PlatformClosed,
    PlatformRefused,
    PlatformUnavailable,
)
from app.domain.limits import MAX_IMAGE_BYTES
from app.domain.platform import Site
from app.domain.settings import NetworkedSettings
from integrations.kit import signing
from integrations.kit.answers import Answer
from integrations.kit.http import Session, json_body
from integrations.kit.untrusted import Untrusted, read_json

VERSION = 1
"""The protocol's version, `v` in every body."""

_ROUTES = "picward/v1/"


class _Request(TypedDict):
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Plugin:
    """The plugin of one site, as seen from here."""

    site: Site

    def ask(self, type: str, **fields: object) -> Untrusted:
        """Send one signed request and read its answer. Raise `MediaGone` for a 404 or 409 of the plugin itself."""
        answer = self._session().request("POST", self._url(type), **self._signed(type, fields), explain=_explain)
        try:
            return read_json(answer.body)
        except DeliveryUnreadable:
            # A maintenance page or a full-page cache answers 200 with HTML; both pass.
            raise PlatformUnavailable(f"{answer.host} answered something that is not the plugin's.") from None

    def open_bytes(self, id: str, sha256: str, limit: int = MAX_IMAGE_BYTES) -> BinaryIO:
        """Fetch an original of at most `limit` bytes. Raise `MediaGone` unless it has exactly this sha256."""
        return self._session().open_bytes(
            "POST",
            self._url("bytes"),
            **self._signed("bytes", {"id": id, "sha256": sha256}),
            limit=limit,
            sha256=sha256,
            explain=_explain,
        )

    def _session(self) -> Session:
        return Session(cast(NetworkedSettings, self.site.settings).private_network)

    def _url(self, type: str) -> str:
        rest_url = self.site.connection.get("rest_url")
        if not isinstance(rest_url, str) or not rest_url:
            raise PlatformRefused("The plugin has not connected yet: paste the pairing code there and press Connect.")
        return rest_url + _ROUTES + type

    def _signed(self, type: str, fields: Mapping[str, object]) -> _Request:
        if not self.site.secrets:
            raise CredentialsExpired("The site has no signing secret; connect it again.")
        body = json_body({"v": VERSION, "to": "site", "type": type, "site": self.site.id, **fields})
        try:
            headers = signing.sign(self.site.secrets[0], f"msg_{uuid.uuid4().hex}", int(time.time()), body)
        except ValueError:
            raise CredentialsExpired("The site's signing secret is damaged; connect the site again.") from None
        return {"headers": {"content-type": "application/json", **headers}, "body": body}


SAID: Mapping[str, str] = {
    "picward_gone": "WordPress no longer has this picture.",
    "picward_changed": "The picture in WordPress has other bytes now.",
    "picward_order": "The plugin does not know what was asked for: update it.",
    "picward_offloaded": "The site's pictures lie on another server, where they cannot be hidden. Take the post offline instead.",
}
"""What the plugin's codes mean, in our words: whatever answers in the plugin's place may say anything."""


def _explain(answer: Answer) -> PicwardError | None:
    """Tell what the plugin said from what WordPress, a firewall or a web server in front of it said."""
    code = _code(answer)
    if answer.status in (404, 409):
        if not code.startswith("picward_"):
            # WordPress switches a plugin off while it updates it, so this may pass; taking it for a deleted picture
            # would lose the decision.
            return PlatformClosed(f"The Picward plugin does not answer at {answer.host}. Is it active?")
        return MediaGone(SAID.get(code, "WordPress no longer has this version of the picture."))
    if answer.status == 401 and not code.startswith("picward_"):
        return PlatformClosed(f"{answer.host} asks for a password before the plugin is reached; let /picward/v1/ through.")
    if answer.status == 403 and not code.startswith("picward_"):
        return PlatformClosed(f"A firewall or a rule at {answer.host} forbids the request (403); let /picward/v1/ through.")
    if answer.status == 401:
        return CredentialsExpired(
            f"{answer.host} does not accept our signature: connect the site again, and compare the clocks of both."
        )
    if answer.status in (400, 403, 422):
        known = f"{answer.status}, {code}" if code else str(answer.status)
        return PlatformRefused(SAID.get(code, f"{answer.host} refused the request ({known})."))
    return None


def _code(answer: Answer) -> str:
    """Read the plugin's code of an error, "" for anything else."""
    try:
        code = read_json(answer.body).label("code", 60)
    except DeliveryUnreadable:
        return ""
    return code if code in SAID or code in _OTHER_CODES else ""


_OTHER_CODES = frozenset({"picward_unauthorized", "picward_quarantine", "picward_delete", "picward_hidden"})
