"""Bytes that become others: rewritten behind WordPress' back, edited in it, or uploaded to another site of the network."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture, sha256
from tests.integrations.wordpress.plugin.stand_in import Connector
from tests.integrations.wordpress.plugin.test_plugin_hiding import uploaded

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("asked", ["bytes", "hide"])
def test_bytes_rewritten_without_a_hook_are_named_and_reported_at_once(
    site: WordPress, door: Door, connector: Connector, asked: str
) -> None:
    media = uploaded(site, door, picture(300, 200), "rewritten.jpg")
    door("drain")
    told = len(connector.events("media.uploaded"))
    fresh = picture(300, 200)
    (site.uploads / media["file"]).write_bytes(fresh)
    if asked == "bytes":
        answer = door("bytes", id=media["id"], sha256=media["sha256"])
    else:
        answer = door.decide(media, "hide", "block", person="Ada")
    assert (answer.status_code, answer.json()["code"]) == (409, "picward_changed")
    assert (answer.json()["data"]["now"]["id"], answer.json()["data"]["now"]["sha256"]) == (media["id"], sha256(fresh))
    door("drain")
    assert [event["body"]["media"]["sha256"] for event in connector.events("media.uploaded")[told:]] == [sha256(fresh)]
    assert door("bytes", id=media["id"], sha256=sha256(fresh)).content == fresh


TURNED = (
    "wp_set_current_user( 1 ); require_once ABSPATH . 'wp-admin/includes/image.php'; require_once ABSPATH . 'wp-admin/includes/image-edit.php';"
    "$_REQUEST = array( 'do' => 'save', 'target' => 'all', 'history' => wp_slash( '[{\"r\":90}]' ) ); wp_save_image( NUMBER );"
)


def test_an_edit_of_a_big_picture_is_a_picture_of_its_own(site: WordPress, door: Door, connector: Connector) -> None:
    data = picture(2700, 1800, seed=31, quality=60)
    media = uploaded(site, door, data, "big-edit.jpg")
    number = int(media["id"])
    assert site.meta(number, "_wp_attached_file").endswith("-scaled.jpg")
    site.php(TURNED.replace("NUMBER", str(number)))
    edit = (site.uploads / site.meta(number, "_wp_attached_file")).read_bytes()
    assert edit != data
    door("drain")
    edited = connector.events("media.uploaded")[-1]["body"]["media"]
    assert (edited["sha256"], edited["width"]) == (sha256(edit), 1707)
    assert door("bytes", id=media["id"], sha256=sha256(edit)).content == edit
    before = site.files(number)
    assert door.decide(edited, "hide", "block").json()["state"] == "done"
    assert not set(site.served(list(before)).values()) & set(before.values())
    # The earlier version hid it as the picture that it was cut from: what was decided then can still be taken back.
    assert door.decide(media, "hide", "block").status_code == 409
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert site.files(number) == before


@pytest.fixture
def network(site: WordPress, connector: Connector) -> Iterator[int]:
    """Make the site the first of a network, with the plugin on all; give the number of a second one, connected, too."""
    extra = site.root / "config-extra.php"
    host = site.url.removeprefix("http://")
    constants = {"MULTISITE": "true", "SUBDOMAIN_INSTALL": "false", "DOMAIN_CURRENT_SITE": f"'{host}'", "PATH_CURRENT_SITE": "'/'", "SITE_ID_CURRENT_SITE": "1", "BLOG_ID_CURRENT_SITE": "1"}  # fmt: skip
    site.php(
        "require_once ABSPATH . 'wp-admin/includes/upgrade.php'; foreach ( $wpdb->tables( 'ms_global' ) as $t => $name ) { $wpdb->$t = $name; } install_network();"
        f"populate_network( 1, '{host}', 'admin@example.org', 'Net', '/', false );"
    )
    extra.write_text("<?php " + "".join(f"define( '{name}', {value} );" for name, value in constants.items()))
    try:
        second = site.php(
            "wp_set_current_user( 1 ); update_site_option( 'active_sitewide_plugins', array( 'picward/picward.php' => time() ) );"
            f"$id = wp_insert_site( array( 'domain' => '{host}', 'path' => '/second/', 'network_id' => 1, 'user_id' => 1 ) ); if ( is_wp_error( $id ) ) {{ exit( $id->get_error_message() ); }}"
            "$c = picward_connection(); switch_to_blog( $id ); picward_create_tables(); picward_save_connection( $c ); restore_current_blog(); echo $id;"
        )
        yield int(second)
    finally:
        extra.unlink()


def test_uploads_to_another_site_of_the_network_are_reported_and_its_tables_go_with_it(
    site: WordPress, network: int, connector: Connector
) -> None:
    site.php(
        f"switch_to_blog( {network} ); $up = wp_upload_bits( 'elsewhere.png', null, base64_decode( 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' ) );"
        "wp_insert_attachment( array( 'post_mime_type' => 'image/png', 'post_title' => 'x', 'post_status' => 'inherit' ), $up['file'] ); restore_current_blog();"
    )
    rows = "$n[] = $wpdb->get_col( 'SELECT payload FROM ' . picward_table( 'outbox' ) );"
    waiting = json.loads(site.php(f"{rows} switch_to_blog( {network} ); {rows} restore_current_blog(); echo json_encode( $n );"))
    assert waiting[0] == [], "the control: nothing of it is the first site's"
    assert (
        len(waiting[1]) == 1
        and f"sites/{network}/{time.strftime('%Y/%m')}/elsewhere.png" in json.loads(waiting[1][0])["media"]["url"]
    )
    tables = f"echo count( $wpdb->get_col( \"SHOW TABLES LIKE '{{$wpdb->base_prefix}}{network}\\_picward\\_%'\" ) );"
    assert site.php(tables) == "4"
    site.php(f"wp_set_current_user( 1 ); wp_delete_site( {network} );")
    assert site.php(tables) == "0"
    assert connector.events("site.removed")
