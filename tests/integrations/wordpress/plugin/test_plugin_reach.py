"""What stands between the connector and the site: the plugin's door stays open where it can, and wp-admin is red where it cannot."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture
from tests.integrations.wordpress.plugin.stand_in import Connector, call
from tests.integrations.wordpress.plugin.test_plugin_admin import page, press

pytestmark = pytest.mark.e2e

CLOSED = {
    "Disable REST API, Perfmatters, Force Login": "add_filter( 'rest_authentication_errors', function ( $r ) { return is_user_logged_in() ? $r : new WP_Error( 'rest_not_logged_in', 'Sign in.', array( 'status' => 401 ) ); } );",
    "answers before dispatch": "add_filter( 'rest_pre_dispatch', function () { return new WP_Error( 'rest_disabled', 'No.', array( 'status' => 403 ) ); }, 1 );",
    "forgets the routes of others": "add_filter( 'rest_endpoints', '__return_empty_array', PHP_INT_MAX );",
    "dies when the API starts": "add_action( 'rest_api_init', function () { status_header( 403 ); exit( 'no' ); }, 1 );",
    "takes the API away": "remove_action( 'parse_request', 'rest_api_loaded' ); add_action( 'init', function () { remove_action( 'parse_request', 'rest_api_loaded' ); } );",
    "sends visitors to sign in": "add_action( 'parse_request', function () { if ( ! is_user_logged_in() ) { auth_redirect(); } }, 1 );",
    "shows that it is coming soon": "add_action( 'wp_loaded', function () { if ( ! is_admin() && ! is_user_logged_in() ) { exit( '<html>soon</html>' ); } }, 1 );",
    "another prefix": "add_filter( 'rest_url_prefix', function () { return 'api'; } );",
}


@contextlib.contextmanager
def extension(site: WordPress, code: str, name: str = "Fort Knox") -> Iterator[None]:
    """Have a plugin that does something, for a while."""
    folder = site.root / "www/wp-content/mu-plugins"
    folder.mkdir(exist_ok=True)
    file = folder / "fort-knox.php"
    file.write_text(f"<?php /* Plugin Name: {name} */ {code}")
    prefix = "rest_url_prefix" in code
    try:
        if prefix:
            site.php("flush_rewrite_rules();")
        yield
    finally:
        file.unlink()
        if prefix:
            site.php("flush_rewrite_rules();")


@pytest.mark.parametrize("what", CLOSED)
def test_a_closed_api_stays_open_for_what_is_signed(site: WordPress, connector: Connector, what: str) -> None:
    with extension(site, CLOSED[what]):
        answer = call(site.rest, connector, "status")
        assert (answer.status_code, answer.json()["plugin"]) == (200, "0.1.0")
        others = requests.get(site.rest + "wp/v2/types", timeout=30, allow_redirects=False)
        assert others.status_code != 200 or "json" not in others.headers["Content-Type"], "the control: it is closed"
        stranger = requests.post(site.rest + "picward/v1/status", json={}, timeout=30, allow_redirects=False)
        assert b'"plugin"' not in stranger.content
        wrong = call(site.rest, connector, "status", tamper=True)
        assert b'"plugin"' not in wrong.content
    assert call(site.rest, connector, "status").status_code == 200


def test_plain_permalinks_are_no_end(site: WordPress, connector: Connector) -> None:
    site.php("update_option( 'permalink_structure', '' ); flush_rewrite_rules();")
    try:
        assert call(site.rest, connector, "status").status_code == 200, "at the address that was told before"
    finally:
        site.php("update_option( 'permalink_structure', '/%postname%/' ); flush_rewrite_rules();")


@pytest.mark.parametrize(
    "code", ["add_action( 'init', function () { if ( ! is_admin() && ! is_user_logged_in() && false !== strpos( $_SERVER['REQUEST_URI'], 'wp-json' ) ) { wp_die( 'Forbidden', '', array( 'response' => 403 ) ); } } );"]
)  # fmt: skip
def test_what_shuts_the_door_is_named_in_red_until_it_is_gone(site: WordPress, door: Door, code: str) -> None:
    session = site.login()
    health = "require_once ABSPATH . 'wp-admin/includes/admin.php'; echo picward_health_work()['status'];"
    with extension(site, code):
        assert door("status").status_code == 403
        for where in ("index.php", "upload.php", "options-general.php?page=picward"):
            html = page(session, site, where)
            assert "notice-error" in html and "“Fort Knox” restricts the REST API" in html and "HTTP 403" in html, where
        assert "picward-dot-cut-off" in html
        assert site.php(health) == "critical"
    assert door("status").status_code == 200
    assert "Fort Knox" not in page(session, site, "index.php")
    assert site.php(health) == "good"


def test_silence_after_an_upload_has_the_connector_call_back(site: WordPress, door: Door, connector: Connector) -> None:
    site.upload(picture(60, 40), "silence.jpg")
    door("drain")
    (event,) = connector.events("media.uploaded")
    assert event["body"]["rest_url"] == site.rest, "each event tells where the site is"
    hellos = lambda: [heard for heard in connector.heard if heard["body"]["type"] == "connect"]  # noqa: E731
    site.php("picward_watch_reach();")
    assert hellos() == [], "it has just been here"
    silent = f"picward_touch_reach( array( 'heard' => {int(time.time()) - 999}, 'sent' => {int(time.time()) - 300}, 'asked' => 0 ) ); picward_watch_reach();"
    connector.status, connector.detail = 502, "A firewall at blog.example forbids the request (406)."
    site.php(silent)
    site.php("picward_watch_reach();")
    assert len(hellos()) == 1, "not every minute"
    session = site.login()
    html = page(session, site, "upload.php")
    assert "notice-error" in html and "forbids the request (406)" in html
    # A proxy in front of a connector that is away knows nothing of the site.
    connector.detail = ""
    site.php(silent)
    assert "cannot reach this site" not in page(session, site, "upload.php")
    connector.status = 0
    html = press(session, site, page(session, site, "options-general.php?page=picward"), "picward_test")
    assert "reaches this site from outside" in html
    assert hellos()[-1]["body"]["rest_url"] == site.rest
