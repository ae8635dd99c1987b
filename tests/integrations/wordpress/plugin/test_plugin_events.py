"""An upload is told once, is never lost, and never waits for the connector."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import time

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture, sha256
from tests.integrations.wordpress.plugin.stand_in import Connector

pytestmark = pytest.mark.e2e


def test_a_raw_upload_is_one_event_with_what_the_connector_needs(site: WordPress, door: Door, connector: Connector) -> None:
    data = picture(1200, 900)
    made = site.upload(data, "strand.jpg")
    door("drain")
    events = connector.wait_for("media.uploaded")
    assert len(events) == 1
    assert not connector.bad
    media = events[0]["body"]["media"]
    assert media["id"] == str(made["id"])
    assert media["sha256"] == sha256(data)
    assert (media["mime"], media["bytes"], media["width"], media["height"]) == ("image/jpeg", len(data), 1200, 900)
    assert media["author"] == {"id": str(site.info["author1"]["id"]), "roles": ["author"]}
    assert media["parent"] is None
    assert requests.get(media["url"], timeout=10).content == data
    assert media["created"].endswith("Z")


def test_a_multipart_upload_to_a_post_names_its_parent(site: WordPress, door: Door, connector: Connector) -> None:
    auth = site.auth("author1")
    post = requests.post(site.rest + "wp/v2/posts", json={"title": "Trip", "status": "publish"}, auth=auth, timeout=30).json()
    answer = requests.post(
        site.rest + "wp/v2/media",
        files={"file": ("boat.png", picture(300, 200, "PNG"), "image/png")},
        data={"post": post["id"]},
        auth=auth,
        timeout=60,
    )
    assert answer.status_code == 201
    door("drain")
    (event,) = connector.wait_for("media.uploaded")
    assert event["body"]["media"]["parent"] == {"id": str(post["id"]), "type": "post", "status": "publish"}


def test_new_thumbnails_and_fields_are_no_news(site: WordPress, door: Door, connector: Connector) -> None:
    made = site.upload(picture(), "same.jpg")
    door("drain")
    connector.wait_for("media.uploaded")
    requests.post(f"{site.rest}wp/v2/media/{made['id']}", json={"alt_text": "a boat"}, auth=site.auth("author1"), timeout=30)
    site.php(
        f"require_once ABSPATH . 'wp-admin/includes/image.php'; $id = {made['id']};"
        "wp_update_attachment_metadata( $id, wp_generate_attachment_metadata( $id, get_attached_file( $id ) ) );"
    )
    door("drain")
    assert len(connector.events("media.uploaded")) == 1


def test_other_bytes_in_the_same_file_are_a_new_event(site: WordPress, door: Door, connector: Connector) -> None:
    made = site.upload(picture(), "replaced.jpg")
    door("drain")
    fresh = picture(500, 500)
    (site.uploads / site.meta(made["id"], "_wp_attached_file")).write_bytes(fresh)
    site.php(f"update_attached_file( {made['id']}, get_attached_file( {made['id']} ) );")
    door("drain")
    events = connector.wait_for("media.uploaded", 2)
    assert [e["body"]["media"]["sha256"] for e in events][1] == sha256(fresh)
    assert events[0]["id"] != events[1]["id"]


def test_text_and_video_are_not_reported_but_svg_is(site: WordPress, door: Door, connector: Connector) -> None:
    site.php(
        "foreach ( array( 'a.txt' => 'text/plain', 'b.mp4' => 'video/mp4', 'c.svg' => 'image/svg+xml' ) as $name => $mime ) {"
        " $up = wp_upload_bits( 'x.txt', null, '<svg/>' ); $to = dirname( $up['file'] ) . '/' . $name; rename( $up['file'], $to );"
        " wp_insert_attachment( array( 'post_mime_type' => $mime, 'post_title' => $name, 'post_status' => 'inherit' ), $to ); }"
    )
    door("drain")
    assert [e["body"]["media"]["mime"] for e in connector.events("media.uploaded")] == ["image/svg+xml"]


def test_the_live_kick_needs_nobody_to_ask(site: WordPress, connector: Connector) -> None:
    site.upload(picture(), "kick.jpg")
    assert connector.wait_for("media.uploaded", seconds=75)


def test_uploads_while_the_connector_is_down_are_kept_and_told_later(site: WordPress, door: Door, connector: Connector) -> None:
    connector.stop()
    hashes = set()
    for number in range(3):
        data = picture(seed=None)
        hashes.add(sha256(data))
        started = time.monotonic()
        site.upload(data, f"down-{number}.jpg")
        assert time.monotonic() - started < 5
    site.php("picward_drain( 20 );")
    assert "did not answer" in site.php(
        "global $wpdb; echo $wpdb->get_var( 'SELECT last_error FROM ' . picward_table( 'outbox' ) . ' ORDER BY attempts DESC' );"
    )
    assert site.php("picward_drain( 20 ); echo picward_outbox_state()['waiting'];") == "3"
    connector.start()
    # Rows that rest are tried at once when another gets through, or when the connector itself asks.
    site.php("picward_enqueue( 'probe', 'media.deleted', 0, array( 'media_id' => '1' ) ); picward_drain( 20 );")
    assert door("drain").json() == {"sent": 0, "waiting": 0}
    assert {e["body"]["media"]["sha256"] for e in connector.events("media.uploaded")} == hashes
    assert not connector.bad


def test_a_retry_has_the_same_id_and_a_fresh_time(site: WordPress, door: Door, connector: Connector) -> None:
    connector.status = 503
    site.upload(picture(), "again.jpg")
    assert door("drain").json()["waiting"] == 1
    time.sleep(1.1)
    connector.status = 0
    assert door("drain").json() == {"sent": 1, "waiting": 0}
    events = connector.events("media.uploaded")
    assert len({e["id"] for e in events}) == 1
    assert len({e["timestamp"] for e in events}) > 1


def test_a_hanging_connector_delays_no_upload(site: WordPress, door: Door, connector: Connector) -> None:
    site.upload(picture(), "warm.jpg")
    door("drain")
    started = time.monotonic()
    site.upload(picture(seed=1), "plain.jpg")
    usual = time.monotonic() - started
    connector.delay = 6
    started = time.monotonic()
    site.upload(picture(seed=2), "hang.jpg")
    assert time.monotonic() - started < usual + 2
    connector.delay = 0
    time.sleep(6)
    assert (
        site.php(
            "global $wpdb; $wpdb->query( 'UPDATE ' . picward_table( 'outbox' ) . ' SET locked_until = 0' ); echo picward_drain( 20, true )['waiting'];"
        )
        == "0"
    )
    assert len({e["id"] for e in connector.events("media.uploaded")}) == 3


def test_a_refusal_stops_the_outbox_and_says_so(site: WordPress, door: Door, connector: Connector) -> None:
    connector.status = 401
    site.upload(picture(), "refused-1.jpg")
    site.upload(picture(), "refused-2.jpg")
    site.php("picward_drain( 20, true );")
    before = len(connector.heard)
    site.php("picward_drain( 20, true );")
    assert len(connector.heard) == before, "nothing is sent after a refusal"
    assert "refuses this site" in site.login().get(site.url + "/wp-admin/upload.php", timeout=60).text
    connector.status = 0
    # A signed call from the connector proves that the secret is good again.
    assert door("drain").json()["waiting"] == 0


def test_what_the_connector_will_never_take_is_parked(site: WordPress, door: Door, connector: Connector) -> None:
    connector.status = 422
    site.upload(picture(), "parked.jpg")
    door("drain")
    connector.status = 0
    assert door("drain").json() == {"sent": 0, "waiting": 0}
    assert any("will not take" in text for text in door("status").json()["problems"])


def test_deleting_is_told(site: WordPress, door: Door, connector: Connector) -> None:
    made = site.upload(picture(), "gone.jpg")
    door("drain")
    requests.delete(f"{site.rest}wp/v2/media/{made['id']}", params={"force": "true"}, auth=site.auth("author1"), timeout=30)
    door("drain")
    (event,) = connector.events("media.deleted")
    assert event["body"]["media_id"] == str(made["id"])


def test_a_server_that_can_finish_the_answer_first_sends_at_once(site: WordPress, connector: Connector) -> None:
    # PHP-FPM and LiteSpeed have such a function; PHP's own server has none.
    extra = site.root / "config-extra.php"
    extra.write_text(
        "<?php define( 'DISABLE_WP_CRON', true ); if ( 'cli' !== PHP_SAPI ) { function fastcgi_finish_request() { flush(); } }"
    )
    try:
        site.upload(picture(), "inline.jpg")
        assert connector.wait_for("media.uploaded", seconds=2)
    finally:
        extra.unlink()


def test_a_pairing_code_and_a_quarantine_from_wp_config(site: WordPress, door: Door, connector: Connector) -> None:
    outside = site.root / "outside"
    extra = site.root / "config-extra.php"
    extra.write_text(
        f"<?php define( 'PICWARD_PAIRING_CODE', '{connector.code}' ); define( 'PICWARD_QUARANTINE_DIR', '{outside}' );"
    )
    inside = len(site.quarantined())
    try:
        made = site.upload(picture(), "outside.jpg")
        media = door("list", after=made["id"] - 1, limit=1).json()["items"][0]
        before = site.files(made["id"])
        assert door.decide(media, "hide", "block").json()["state"] == "done"
        assert len(list(outside.glob("??/*.bin"))) == len(before)
        assert len(site.quarantined()) == inside
        assert door.decide(media, "restore", "allow").json()["state"] == "done"
        assert site.files(made["id"]) == before
        page = site.login().get(site.url + "/wp-admin/options-general.php?page=picward", timeout=60).text
        assert "Connected" in page
        assert connector.secret not in page
    finally:
        extra.unlink()


def test_what_is_about_one_picture_is_sent_in_its_order(site: WordPress, door: Door, connector: Connector) -> None:
    """A verdict that rests after a failure is not passed by the undo that followed it; other pictures are not held up."""
    site.php(
        "global $wpdb; foreach ( array( array( 'first', 7001 ), array( 'second', 7001 ), array( 'other', 7002 ) ) as list( $key, $id ) ) {"
        "picward_enqueue( $key, 'verdict.given', $id, array( 'key' => $key ) ); }"
        "$wpdb->update( picward_table( 'outbox' ), array( 'next_at' => time() + 3 ), array( 'event_key' => 'first' ) );"
        "picward_drain( 1 );"
    )
    sent = lambda: [event["body"]["key"] for event in connector.events("verdict.given") if "key" in event["body"]]  # noqa: E731
    assert sorted(sent()) == ["first", "other", "second"], "the first success wakes what rests"
    assert sent().index("first") < sent().index("second")
