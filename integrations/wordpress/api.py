"""The connector's half of the calls to the plugin: signed, and translated into the domain's errors."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.settings import NetworkedSettings
from integrations.kit import signing
from integrations.kit.answers import Answer, target
from integrations.kit.answers import code as code_as_quoted
from integrations.kit.http import Session, json_body
from integrations.kit.untrusted import Untrusted, read_json
from integrations.wordpress.media import read_media

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
        """Send one signed request and read its answer. Raise `MediaGone` for a 404 or 409 of the plugin itself.

        Whatever answers in the plugin's place is `PlatformClosed`, or `PlatformUnavailable` where it stands in the way of this
        one request only.
        """
        with self._obstacles(type):
            request, ours = self._signed(type, fields)
            answer = self._session().request("POST", self._url(type), **request, explain=lambda said: _explain(said, ours(said)))
            try:
                if ours(answer):
                    return read_json(answer.body)
            except DeliveryUnreadable:
                pass
            raise PlatformClosed(_in_place_of_the_plugin(answer))

    def open_bytes(self, id: str, sha256: str, limit: int = MAX_IMAGE_BYTES) -> BinaryIO:
        """Fetch an original of at most `limit` bytes. Raise `MediaGone` when the plugin says that it has other bytes by now."""
        with self._obstacles("bytes"):
            request, ours = self._signed("bytes", {"id": id, "sha256": sha256})
            explain = lambda said: _explain(said, ours(said))  # noqa: E731
            file = self._session().open_bytes("POST", self._url("bytes"), **request, limit=limit, explain=explain)
        found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a spooled file can be read into a buffer
        if not hmac.compare_digest(found, sha256):
            file.close()
            # The plugin compares before it sends: something in its place answered, or the file was written to meanwhile.
            raise PlatformUnavailable("The bytes that came are not those that were asked for.")
        file.seek(0)
        return file

    @contextmanager
    def _obstacles(self, type: str) -> Iterator[None]:
        """Take a second look at what stands in the way: a firewall may dislike one request and let the next one through, and then
        the site must not wait for it."""
        try:
            yield
        except PlatformClosed as error:
            if type == "status":
                raise
            self.ask("status")
            raise PlatformUnavailable(str(error)) from None

    def _session(self) -> Session:
        return Session(cast(NetworkedSettings, self.site.settings).private_network)

    def _url(self, type: str) -> str:
        rest_url = self.site.connection.get("rest_url")
        if not isinstance(rest_url, str) or not rest_url:
            raise PlatformRefused("The plugin has not connected yet: paste the pairing code there and press Connect.")
        return rest_url + _ROUTES + type

    def _signed(self, type: str, fields: Mapping[str, object]) -> tuple[_Request, Callable[[Answer], bool]]:
        """Sign a request, and give with it what tells whether an answer is the plugin's answer to this very one."""
        if not self.site.secrets:
            raise CredentialsExpired("The site has no signing secret; connect it again.")
        body = json_body({"v": VERSION, "to": "site", "type": type, "site": self.site.id, **fields})
        id = f"msg_{uuid.uuid4().hex}"
        try:
            headers = signing.sign(self.site.secrets[0], id, int(time.time()), body)
        except ValueError:
            raise CredentialsExpired("The site's signing secret is damaged; connect the site again.") from None
        return {"headers": {"content-type": "application/json", **headers}, "body": body}, partial(self._is_ours, id)

    def _is_ours(self, id: str, answer: Answer) -> bool:
        """Tell whether the plugin gave an answer: it is signed with the id of the request, so that no cache can give it again.

        Plugins before 0.2.0 sign nothing, and say nothing of it when they connect.
        """
        given = answer.headers.get("webhook-signature", "")
        if not given:
            return self.site.connection.get("answers") != "signed"
        try:
            at = int(answer.headers.get("webhook-timestamp", ""))
            signed = signing.sign(self.site.secrets[0], id, at, answer.body)["webhook-signature"]
        except ValueError:
            return False
        return hmac.compare_digest(signed.encode(), given.encode(errors="replace"))


SAID: Mapping[str, str] = {
    "picward_gone": "WordPress no longer has this picture.",
    "picward_changed": "The picture in WordPress has other bytes now.",
    "picward_order": "The plugin does not know what was asked for: update it.",
    "picward_offloaded": "The site's pictures lie on another server, where they cannot be hidden. Take the post offline instead.",
}
"""What the plugin's codes mean, in our words: whatever answers in the plugin's place may say anything."""


def _explain(answer: Answer, ours: bool) -> PicwardError | None:
    """Tell what the plugin said from what WordPress, a firewall or a web server in front of it said.

    Only the plugin's own codes say anything about a picture or an order. Everything else passes: an owner changes a rule, an
    update ends, a certificate is renewed.
    """
    code = _code(answer) if ours else ""
    if answer.status == 401 and _code(answer) == "picward_unauthorized":
        # Said unsigned, too: whoever is not proven to the plugin gets no proof of it.
        return CredentialsExpired(
            f"{answer.host} does not accept our signature: connect the site again, and compare the clocks of both."
        )
    if not code:
        # What is overloaded, or asks us to come back, is spoken of in general: see `kit.answers`.
        return None if answer.status in _COME_BACK or answer.status >= 500 else PlatformClosed(_in_place_of_the_plugin(answer))
    if answer.status in (404, 409):
        return MediaGone(SAID.get(code, "WordPress no longer has this version of the picture."), _instead(answer))
    if answer.status in (400, 403, 422):
        return PlatformRefused(SAID.get(code, f"{answer.host} refused the request ({answer.status}, {code})."))
    return None


def _instead(answer: Answer) -> MediaRef | None:
    """Read which version is there instead, where the plugin says so: it was written anew, and nobody told."""
    try:
        return read_media(read_json(answer.body).object("data").object("now"))
    except DeliveryUnreadable:
        return None


_COME_BACK = frozenset({408, 425, 429})


def _in_place_of_the_plugin(answer: Answer) -> str:
    """Say in an owner's words what answered in the plugin's place, and what to do about it."""
    host, status = answer.host, answer.status
    code = _wordpress_code(answer)
    if code == "rest_no_route":
        return f"The Picward plugin does not answer at {host}. Is it active?"
    if code:
        return f"A security plugin at {host} restricts the REST API ({status}); let /picward/v1/ through there."
    if 300 <= status < 400:
        return f"{host} sends us on to {target(answer)}. “Test again” in WordPress under Settings → Picward tells the address."
    if status == 401:
        return f"{host} asks for a password before the plugin is reached; let /picward/v1/ through."
    if status in (404, 410):
        return (
            f"The Picward plugin does not answer at {host}: the address of its REST API is another one by now, or the plugin is "
            "switched off. “Test again” in WordPress under Settings → Picward tells the address."
        )
    if status < 300:
        return (
            f"A page answers at {host} in the plugin's place: maintenance, a “coming soon” page or a check for robots. If an "
            "earlier version of the plugin was put back there, “Test again” in WordPress under Settings → Picward tells it."
        )
    return f"A firewall or a rule at {host} forbids the request ({status}); let /picward/v1/ through."


def _code(answer: Answer) -> str:
    """Read the plugin's code of an error, "" for anything else."""
    code = _wordpress_code(answer)
    return code if code in SAID or code in _OTHER_CODES else ""


def _wordpress_code(answer: Answer) -> str:
    """Read the code of an error of WordPress, or of a plugin in it; "" of a page."""
    try:
        return code_as_quoted(read_json(answer.body).label("code", 60))
    except DeliveryUnreadable:
        return ""


_OTHER_CODES = frozenset({"picward_unauthorized", "picward_quarantine", "picward_delete", "picward_hidden"})
