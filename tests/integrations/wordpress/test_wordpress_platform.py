"""What only WordPress does: bodies that come back to us, its listing, status and settings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.decisions import Action, Enforcement, Reason, Verdict
from app.domain.errors import DeliveryRefused, DeliveryUnreadable, MediaGone, PlatformClosed, PlatformRefused, PlatformUnavailable
from app.domain.events import AddressTold, Delivery, MediaDeleted, MediaUploaded
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.settings import ChangedBy, Mode, modes_of, validate, values_for
from app.services.sites.sites import stored
from integrations.kit import signing
from integrations.wordpress.platform import DRIFTED, PROBLEMS, WordPress
from integrations.wordpress.settings import Settings
from tests.contract.sample import Scripted, enforcement, finder
from tests.integrations.wordpress.contract import NOW, SAMPLE, SECRET, SITE
from tests.integrations.wordpress.stand_in import Attachment, PluginStandIn, Refusal
from tests.support.surroundings import made

PLATFORM = made(WordPress)


def upload(**over: Any) -> Delivery:
    recorded = SAMPLE.recordings()["media_uploaded"]
    body = json.loads(recorded.body)
    body["media"] |= over
    return SAMPLE.signed(recorded, body=json.dumps(body).encode())


@pytest.fixture
def plugin() -> Iterator[PluginStandIn]:
    with PluginStandIn(SITE, SECRET, {id: Attachment(id, b"\xff\xd8\xff %d" % id) for id in (3, 57, 412, 900)}) as stand_in:
        yield stand_in


def site_of(plugin: PluginStandIn, path: str = "/wp-json/", **over: Any) -> Site:
    connection = {"rest_url": plugin.address + path, "home_url": plugin.address}
    return SAMPLE.site(connection=connection, settings=Settings(private_network=True, **over))


def ref(plugin: PluginStandIn, id: int) -> MediaRef:
    return MediaRef(str(id), plugin.attachments[id].sha256)


def test_nothing_that_we_sent_to_the_plugin_is_let_in_again(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    reflected: list[Delivery] = []
    answer = plugin.answer

    def keep(type: str, request: Delivery) -> Any:
        reflected.append(replace(request, headers={**request.headers, "picward-site": SITE}))
        return answer(type, request)

    monkeypatch.setattr(plugin, "answer", keep)
    site = site_of(plugin)
    PLATFORM.check(site)
    PLATFORM.scan(site)
    PLATFORM.fetch(site, ref(plugin, 3)).close()
    PLATFORM.apply(site, enforcement(Action.HIDE, ref(plugin, 3)))
    PLATFORM.pulse(site)
    PLATFORM.settings_changed(site)
    assert len(reflected) == 6
    for delivery in reflected:
        assert signing.verify(delivery, site.secrets)
        for let_in in (PLATFORM.authenticate, PLATFORM.admit):
            with pytest.raises(DeliveryRefused):
                let_in(delivery, finder(site))


def test_and_nothing_of_the_plugins_is_let_in_there(plugin: PluginStandIn) -> None:
    for recorded in SAMPLE.recordings().values():
        with pytest.raises(Refusal):
            plugin.answer("decision", recorded)


@pytest.mark.parametrize("path", ["/wp-json/", "/?rest_route=/", "/index.php?rest_route=/"])
def test_works_with_every_kind_of_permalink(plugin: PluginStandIn, path: str) -> None:
    site = site_of(plugin, path)
    assert PLATFORM.check(site) == "WordPress 6.1.9, plugin 0.1.0, quarantine encrypted with sodium, 0 events waiting"
    with PLATFORM.fetch(site, ref(plugin, 57)) as file:
        assert file.read() == plugin.attachments[57].data


def test_the_listing_goes_page_by_page_and_leaves_odd_items_out(plugin: PluginStandIn) -> None:
    plugin.page_size = 2
    plugin.attachments[57].parent = (1, "x" * 41)
    first = PLATFORM.scan(site_of(plugin))
    assert ([media.id for media in first.media], first.cursor, first.total) == (["3"], "57", 4)
    second = PLATFORM.scan(site_of(plugin), first.cursor)
    assert ([media.id for media in second.media], second.cursor) == (["412", "900"], "")
    assert second.media[0].context["role"] == ("author",)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "0", "9" * 30, "٣", "1 "])
def test_an_odd_cursor_is_refused(plugin: PluginStandIn, cursor: str) -> None:
    with pytest.raises(PlatformRefused):
        PLATFORM.scan(site_of(plugin), cursor)


def test_a_listing_that_does_not_move_on_ends(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_list", lambda body: {"items": [], "next": 3, "total": 4})
    with pytest.raises(PlatformRefused):
        PLATFORM.scan(site_of(plugin), "3")


def test_a_decision_says_everything_the_plugin_shows(plugin: PluginStandIn) -> None:
    reasons = (Reason(Verdict.BLOCK, "sexual.explicit_nudity", "Nudity 0.91, block from 0.55"),)
    media = ref(plugin, 412)
    PLATFORM.apply(
        site_of(plugin),
        Enforcement(41, Action.HIDE, media, media.version, Verdict.BLOCK, reasons, "Ana Petrović", 1_795_348_800_123_456),
    )
    assert plugin.orders[-1] == {
        "v": 1, "to": "site", "type": "decision", "site": SITE, "enforcement": 41, "action": "hide", "id": "412",
        "sha256": media.version, "verdict": "block", "reasons": ["Nudity 0.91, block from 0.55"], "person": "Ana Petrović",
        "decided_at": "2026-11-22T12:00:00+00:00", "restricted": False, "two_people": False,
    }  # fmt: skip


def test_what_is_restricted_is_told_without_its_reasons(plugin: PluginStandIn) -> None:
    reasons = (Reason(Verdict.BLOCK, "csae.known_hash", "On a list: told by a hotline"),)
    media = ref(plugin, 412)
    severe = Enforcement(1, Action.HIDE, media, media.version, Verdict.BLOCK, reasons, restricted=True, two_people=True)
    PLATFORM.apply(site_of(plugin), severe)
    told = plugin.orders[-1]
    assert (told["restricted"], told["two_people"], told["reasons"]) == (True, True, [])


def test_a_persons_verdict_there_makes_ours_drift(plugin: PluginStandIn) -> None:
    plugin.attachments[412].by_person = True
    receipt = PLATFORM.apply(site_of(plugin), enforcement(Action.HIDE, ref(plugin, 412)))
    assert receipt.drifted == "Somebody decided otherwise in WordPress."
    assert not plugin.attachments[412].hidden


def test_files_that_could_not_be_given_back_are_named_and_nothing_else_is(plugin: PluginStandIn) -> None:
    plugin.attachments[412].lost = ("pool-300x200.jpg", "grün.WEBP", "S3CRET of the inside", "S3CRET/../x.jpg", "a b.png")
    receipt = PLATFORM.apply(site_of(plugin), enforcement(Action.RESTORE, ref(plugin, 412)))
    assert receipt.drifted == f"{DRIFTED['lost']} Not given back: pool-300x200.jpg, grün.WEBP."


def test_every_order_has_an_id_of_its_own(plugin: PluginStandIn) -> None:
    site = site_of(plugin)
    for _ in range(3):
        PLATFORM.apply(site, enforcement(Action.HIDE, ref(plugin, 412)))
        PLATFORM.settings_changed(site)
    assert len(plugin.seen) == 6


def test_check_refuses_a_quarantine_that_cannot_be_written(plugin: PluginStandIn) -> None:
    plugin.quarantine = {"cipher": "sodium", "writable": False}
    with pytest.raises(PlatformRefused, match="quarantine"):
        PLATFORM.check(site_of(plugin))


def test_check_names_what_is_wrong_there(plugin: PluginStandIn) -> None:
    plugin.quarantine = {"cipher": "none", "writable": True}
    plugin.problems = {"cron": "S3CRET"}
    line = PLATFORM.check(site_of(plugin))
    assert line.endswith("quarantine not encrypted, 0 events waiting. The site's scheduled tasks are late")
    plugin.problems = {"of a later plugin": "S3CRET"}
    assert PLATFORM.check(site_of(plugin)).endswith("The plugin's page in WordPress names what is to be put right")


def test_every_problem_of_the_plugin_has_words_here() -> None:
    plugin = Path(__file__).parents[3] / "plugins/wordpress/picward/includes"
    named = re.findall(r"\$problems\['(\w+)'\]", (plugin / "problems.php").read_text())
    assert set(named) == set(PROBLEMS)
    why = re.findall(r"\$why\[\] = '(\w+)'", (plugin / "restoring.php").read_text())
    why += re.findall(r"'why' +=> array\( '(\w+)' \)", (plugin / "decisions.php").read_text())
    assert set(why) == set(DRIFTED)


def test_the_pulse_drains_and_settings_are_handed_over(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PLATFORM.pulse(site_of(plugin)) is None
    assert plugin.drained == 1
    for sent, waiting in ((1, 0), (0, 3)):
        monkeypatch.setattr(plugin, "_drain", lambda body, sent=sent, waiting=waiting: {"sent": sent, "waiting": waiting})
        assert PLATFORM.pulse(site_of(plugin)) == 60
    site = site_of(plugin, mode=Mode.HOLD, trusted_roles=("editor",))
    PLATFORM.settings_changed(site)
    assert plugin.settings == values_for(site.settings, ChangedBy.PLATFORM)
    assert plugin.settings["mode"] == "hold" and "tell_webhook" not in plugin.settings
    assert plugin.settings["mode"] == "hold" and plugin.settings["trusted_roles"] == ["editor"]


def _json(code: str) -> bytes:
    return json.dumps({"code": code, "message": "S3CRET", "data": {"status": 401}}).encode()


OBSTACLES = {
    "the plugin is being updated": (404, {}, _json("rest_no_route"), "does not answer"),
    "a page that is not found": (404, {}, b"<html>not found</html>", "switched off"),
    "a page that is gone": (410, {}, b"", "switched off"),
    "a plugin that wants people signed in": (401, {}, _json("rest_not_logged_in"), "security plugin"),
    "a plugin that closes the REST API": (403, {}, _json("rest_disabled"), "security plugin"),
    "another plugin's 409": (409, {}, _json("conflict"), "security plugin"),
    "another plugin's 422": (422, {}, _json("invalid"), "security plugin"),
    "a code that only looks like ours": (404, {}, _json("picward_something"), "security plugin"),
    "a password": (401, {"WWW-Authenticate": "Basic"}, b"<html>", "password"),
    "a firewall": (403, {}, b"<html>Forbidden</html>", "firewall"),
    "ModSecurity": (406, {}, b"<h1>Not Acceptable!</h1>", "firewall"),
    "a teapot": (418, {}, b"", "firewall"),
    "a bad request": (400, {}, b"<html>400</html>", "firewall"),
    "a method that is not allowed": (405, {}, b"", "firewall"),
    "a body that a server dislikes": (413, {}, b"<html>", "firewall"),
    "legal reasons": (451, {}, b"<html>", "firewall"),
    "a move to https": (301, {"Location": "https://127.0.0.1/wp-json/"}, b"", "sends us on to https://127.0.0.1"),
    "a sign-in page": (302, {"Location": "/wp-login.php?S3CRET"}, b"", "sends us on to another page"),
    "a check for robots": (202, {"Content-Type": "text/html"}, b"<html><title>One moment</title>", "page answers"),
    "a maintenance page": (200, {"Content-Type": "text/html"}, b"<!doctype html>maintenance", "page answers"),
    "a page without a type": (200, {}, b"<html>soon</html>", "page answers"),
    "nothing at all": (200, {}, b"", "page answers"),
    "words": (200, {"Content-Type": "text/plain"}, b"error code: 1020", "page answers"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_whatever_answers_in_the_plugins_place_is_tried_again(plugin: PluginStandIn, name: str) -> None:
    status, headers, body, said = OBSTACLES[name]
    site, media = site_of(plugin), ref(plugin, 412)
    plugin.scripted = Scripted(status, headers, body)
    calls: tuple[Callable[[], object], ...] = (
        lambda: PLATFORM.check(site),
        lambda: PLATFORM.scan(site),
        lambda: PLATFORM.pulse(site),
        lambda: PLATFORM.settings_changed(site),
        lambda: PLATFORM.apply(site, enforcement(Action.HIDE, media)),
        lambda: PLATFORM.apply(site, enforcement(Action.RESTORE, media)),
    )
    for call in calls:
        with pytest.raises(PlatformClosed, match=said) as raised:
            call()
        assert "S3CRET" not in str(raised.value)
    with pytest.raises(PlatformUnavailable):
        PLATFORM.fetch(site, media)
    plugin.scripted = None
    assert PLATFORM.apply(site, enforcement(Action.HIDE, media)) and plugin.attachments[412].hidden


def test_what_a_plugin_that_signs_did_not_sign_is_not_its_answer(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.signs = True
    before, media = site_of(plugin), ref(plugin, 412)
    site = replace(before, connection={**before.connection, "answers": "signed"})
    assert PLATFORM.check(site) and PLATFORM.check(before)
    with pytest.raises(MediaGone):
        PLATFORM.fetch(site, MediaRef("4", "0" * 64))
    sent: list[tuple[dict[str, str], bytes]] = []
    sign = signing.sign

    def kept(secret: str, id: str, at: int, body: bytes) -> dict[str, str]:
        sent.append((sign(secret, id, at, body), body))
        return sent[-1][0]

    monkeypatch.setattr("tests.integrations.wordpress.stand_in.signing.sign", kept)
    PLATFORM.apply(site, enforcement(Action.HIDE, media))
    headers, body = next((h, b) for h, b in sent if b.startswith(b'{"state"'))
    monkeypatch.undo()
    gone = json.dumps({"code": "picward_gone", "data": {"status": 404}}).encode()
    for answer in (
        Scripted(200, dict(headers), body),  # a cache gives an earlier answer again
        Scripted(200, {}, body),
        Scripted(404, {}, gone),
        Scripted(404, {"webhook-signature": "v1,x", "webhook-timestamp": "soon"}, gone),
    ):
        plugin.scripted = answer
        for call in (lambda: PLATFORM.apply(site, enforcement(Action.RESTORE, media)), lambda: PLATFORM.check(site)):
            with pytest.raises(PlatformClosed):
                call()
        if answer.status == 404:
            with pytest.raises(PlatformUnavailable):
                PLATFORM.fetch(site, media)
    plugin.scripted = Scripted(404, {}, gone)
    with pytest.raises(MediaGone):
        PLATFORM.fetch(before, media)  # a plugin from before signs nothing


def test_what_a_firewall_dislikes_in_one_request_does_not_hold_the_site(
    plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = plugin.answer

    def dislike(type: str, request: Delivery) -> Any:
        if type == "decision":
            raise Refusal(403, "")
        return answer(type, request)

    monkeypatch.setattr(plugin, "answer", dislike)
    with pytest.raises(PlatformUnavailable) as raised:
        PLATFORM.apply(site_of(plugin), enforcement(Action.HIDE, ref(plugin, 412)))
    assert not isinstance(raised.value, PlatformClosed)
    assert plugin.orders[-1]["type"] == "status", "the second look"


def test_what_is_there_instead_is_named_and_judged_at_once(plugin: PluginStandIn) -> None:
    site, before = site_of(plugin), ref(plugin, 412)
    plugin.attachments[412].data += b" written anew by an optimiser"
    for call in (lambda: PLATFORM.fetch(site, before), lambda: PLATFORM.apply(site, enforcement(Action.HIDE, before))):
        with pytest.raises(MediaGone) as raised:
            call()
        assert raised.value.now is not None
        assert (raised.value.now.id, raised.value.now.version) == ("412", ref(plugin, 412).version)
    del plugin.attachments[412]
    with pytest.raises(MediaGone) as raised:
        PLATFORM.fetch(site, before)
    assert raised.value.now is None


def test_bytes_that_are_not_the_version_say_nothing_about_it(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    media = ref(plugin, 412)
    monkeypatch.setattr(plugin, "_bytes", lambda body: b"something else")
    with pytest.raises(PlatformUnavailable):
        PLATFORM.fetch(site_of(plugin), media)


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        ("https://blog.example/?rest_route=/", True),
        ("https://blog.example/api/", True),
        ("https://www.blog.example/wp-json/", True),
        ("https://blog.example/wp-json/", False),  # no news
        ("http://blog.example/api/", False),
        ("https://evil.example/wp-json/", False),
        ("https://blog.example@evil.example/wp-json/", False),
        ("https://blog.example/wp-json", False),
        ("", False),
        (7, False),
    ],
)
def test_each_event_tells_the_address_and_only_the_sites_own_is_believed(told: Any, believed: bool) -> None:
    recorded = SAMPLE.recordings()["media_deleted"]
    delivery = SAMPLE.signed(recorded, body=json.dumps(json.loads(recorded.body) | {"rest_url": told}).encode())
    expected = (AddressTold({"rest_url": told}),) if believed else ()
    assert PLATFORM.parse(delivery, SAMPLE.site()).events == (*expected, MediaDeleted("412"))


def test_what_the_owner_must_know_comes_in_the_plugins_words(plugin: PluginStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(type: str, request: Delivery) -> Any:
        raise Refusal(422, "picward_offloaded", "The pictures of this site lie on another server.")

    monkeypatch.setattr(plugin, "answer", refuse)
    with pytest.raises(PlatformRefused, match="lie on another server"):
        PLATFORM.apply(site_of(plugin), enforcement(Action.HIDE, ref(plugin, 412)))


def test_a_site_that_never_connected_is_refused_in_words() -> None:
    with pytest.raises(PlatformRefused, match="pairing code"):
        PLATFORM.check(SAMPLE.site(connection={}))
    with pytest.raises(PlatformRefused):
        PLATFORM.check(SAMPLE.site(secrets=()))
    with pytest.raises(PlatformRefused):
        PLATFORM.check(SAMPLE.site(secrets=("whsec_",)))


@pytest.mark.parametrize(
    ("over", "names"),
    [
        ({"id": "0"}, "id"), ({"id": "-1"}, "id"), ({"id": "../1"}, "id"), ({"id": None}, "id"), ({"id": True}, "id"),
        ({"sha256": "x"}, "sha256"), ({"sha256": "A" * 64}, "sha256"), ({"sha256": None}, "sha256"),
        ({"parent": []}, "parent"), ({"parent": {"id": "x", "type": "post"}}, "id"), ({"parent": {"id": 1}}, "type"),
        ({"author": "me"}, "author"), ({"author": {"id": 1, "roles": "author"}}, "roles"),
        ({"author": {"id": 1, "roles": [["author"]]}}, "roles"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(over: dict[str, Any], names: str) -> None:
    delivery = upload(**over)
    site = PLATFORM.authenticate(delivery, finder(SAMPLE.site()))
    with pytest.raises(DeliveryUnreadable, match=names):
        PLATFORM.parse(delivery, site)


def test_what_is_only_for_people_never_makes_a_delivery_unreadable() -> None:
    delivery = upload(id=412, title="\x00\ud800" + "x" * 9_000, url=None, mime=7, file=[], width="wide", created=None)
    (event,) = PLATFORM.parse(delivery, SAMPLE.site()).events
    assert isinstance(event, MediaUploaded)
    assert event.media.id == "412" and event.media.source == ""
    assert set(event.media.context) == {"title", "parent_type", "parent_status", "author", "role"}
    event.media.context["title"][0].encode()


def test_another_version_of_the_protocol_is_unreadable() -> None:
    recorded = SAMPLE.recordings()["site_removed"]
    for v in (0, 2, "1", None):
        delivery = SAMPLE.signed(recorded, body=json.dumps(json.loads(recorded.body) | {"v": v}).encode())
        with pytest.raises(DeliveryUnreadable, match="v is"):
            PLATFORM.parse(delivery, SAMPLE.site())


@pytest.mark.parametrize(
    ("mode", "roles", "may"),
    [
        (Mode.HIDE, ("author",), True),
        (Mode.HIDE, (), True),
        (Mode.HOLD, ("subscriber",), True),
        (Mode.HIDE, ("administrator",), False),
        (Mode.HIDE, ("author", "Administrator"), False),
        (Mode.FLAG, ("author",), False),
    ],
)
def test_pictures_of_trusted_roles_are_not_hidden_by_a_rule(mode: Mode, roles: tuple[str, ...], may: bool) -> None:
    assert Settings(mode=mode).may_hide({"role": roles}) is may


def test_a_new_site_trusts_nobody_and_one_from_before_keeps_what_it_had() -> None:
    new = validate(Settings, dict(Settings.starting))
    assert new.trusted_roles == () and stored(new) == {"trusted_roles": []}
    assert validate(Settings, {}).trusted_roles == ("administrator",)


def test_the_owner_may_trust_nobody() -> None:
    assert Settings(trusted_roles=()).may_hide({"role": ("administrator",)})


def test_clocks_that_differ_by_less_than_five_minutes_work() -> None:
    recorded = SAMPLE.recordings()["media_deleted"]
    early = replace(recorded, received_at=(NOW - 299) * 1_000_000)
    assert PLATFORM.authenticate(early, finder(SAMPLE.site()))


def test_the_plugins_pages_use_the_door_and_new_pictures_can_be_held() -> None:
    assert WordPress.uses_door
    assert Mode.HOLD in modes_of(WordPress.Settings)
