"""Switching the plugin off or deleting it makes nothing public. Last in the alphabet of this folder: it takes the plugin away."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import pytest
import requests

from tests.integrations.wordpress.plugin.site import PLUGIN, Door, WordPress, picture
from tests.integrations.wordpress.plugin.stand_in import Connector

pytestmark = pytest.mark.e2e

UNINSTALL = f"define( 'WP_UNINSTALL_PLUGIN', 'picward/picward.php' ); require '{PLUGIN}/uninstall.php';"


def test_off_and_deleted_hidden_stays_hidden_and_comes_back(site: WordPress, door: Door, connector: Connector) -> None:
    data = picture(700, 500)
    number = site.upload(data, "stay.jpg")["id"]
    media = door("list", after=number - 1, limit=1).json()["items"][0]
    before = site.files(number)
    door.decide(media, "hide", "block")
    hidden = site.served(list(before))
    blobs = site.quarantined()
    try:
        site.php("require_once ABSPATH . 'wp-admin/includes/plugin.php'; deactivate_plugins( 'picward/picward.php' );")
        assert site.served(list(before)) == hidden
        assert site.php("echo (int) wp_next_scheduled( 'picward_every_minute' );") == "0"
        # As WordPress does it: in a process where the plugin is not loaded.
        site.php(UNINSTALL)
        assert connector.events("site.removed")
        assert site.served(list(before)) == hidden
        assert site.quarantined() == blobs
        assert site.php("echo json_encode( get_option( 'picward_connection' ) );") == "false"
    finally:
        site.php("require_once ABSPATH . 'wp-admin/includes/plugin.php'; activate_plugin( 'picward/picward.php' );")
        site.php(f"picward_create_tables(); picward_connect( '{connector.code}' );")
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert site.files(number) == before


def test_who_asks_for_it_gets_all_data_deleted_but_nothing_made_public(site: WordPress, door: Door, connector: Connector) -> None:
    data = picture(300, 200)
    number = site.upload(data, "erase.jpg")["id"]
    media = door("list", after=number - 1, limit=1).json()["items"][0]
    door.decide(media, "hide", "block")
    try:
        site.php(
            "update_option( 'picward_delete_data', true ); require_once ABSPATH . 'wp-admin/includes/plugin.php'; deactivate_plugins( 'picward/picward.php' );"
        )
        site.php(UNINSTALL)
        assert requests.get(media["url"], timeout=10).content != data
        assert not site.quarantined()
        left = "global $wpdb; echo $wpdb->get_var( \"SELECT COUNT(*) FROM $wpdb->postmeta WHERE substr( meta_key, 1, 9 ) = '_picward_'\" ), '/', $wpdb->get_var( \"SELECT COUNT(*) FROM $wpdb->options WHERE substr( option_name, 1, 8 ) = 'picward_'\" );"
        assert site.php(left) == "0/0"
    finally:
        site.php("require_once ABSPATH . 'wp-admin/includes/plugin.php'; activate_plugin( 'picward/picward.php' );")
        site.php(f"picward_create_tables(); picward_connect( '{connector.code}' );")
