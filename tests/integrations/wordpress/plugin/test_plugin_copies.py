"""Copies that other plugins make are hidden with the picture; what still shows it is found by asking as a visitor does."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from tests.integrations.wordpress.plugin.site import PLUGIN, Door, WordPress, picture
from tests.integrations.wordpress.plugin.test_plugin_admin import page
from tests.integrations.wordpress.plugin.test_plugin_hiding import uploaded

pytestmark = pytest.mark.e2e

COPIES = {
    "WebP Express": ("../webp-express/webp-images/uploads/{ym}/{n}.jpg.webp", "../webp-express/webp-images/doc-root/wp-content/uploads/{ym}/{n}-300x225.jpg.webp"),
    "Converter for Media": ("../uploads-webpc/uploads/{ym}/{n}.jpg.webp", "../uploads-webpc/uploads/{ym}/{n}-300x225.jpg.avif"),
    "Smush": ("{ym}/{n}.bak.jpg", "../smush-webp/{ym}/{n}.jpg.webp", "../smush-avif/{ym}/{n}-150x150.jpg.avif"),
    "ShortPixel": ("ShortpixelBackups/wp-content/uploads/{ym}/{n}.jpg", "{ym}/{n}.webp", "{ym}/{n}-300x225.avif"),
    "Imagify": ("backup/{ym}/{n}.jpg", "{ym}/{n}.jpg.webp", "{ym}/{n}-300x225.jpg.avif"),
    "EWWW Image Optimizer": ("../ewww/image-backup/uploads/{ym}/{n}.jpg",),
    "reSmush.it": ("{ym}/{n}-unsmushed.jpg",),
    "TinyPNG and others": ("{ym}/{n}.bak-orig.jpg", "{ym}/{n}.jpg.bak"),
    "Perfect Images, @2x": ("{ym}/{n}@2x.jpg", "{ym}/{n}-300x225@2x.jpg"),
    "Post Thumbnail Editor": ("{ym}/{n}-300x225-1700000000.jpg",),
    "Fly Dynamic Resizer": ("fly-images/{id}/{n}-400x300-c.jpg",),
    "Elementor": ("elementor/thumbs/{n}-r6k0v1x3d9q2.jpg",),
    "BFI Thumb": ("bfi_thumb/{n}-abc123.jpg",),
    "Beaver Builder": ("bb-plugin/cache/{n}-landscape-0a1b2c3d.jpg", "bb-plugin/cache/{n}-circle.jpg"),
    "Beaver Builder, before 1.6": ("fl-builder/cache/{n}-square.jpg",),
}  # fmt: skip


def test_the_table_of_copies_is_tested_whole() -> None:
    named = re.findall(r"^\t'([^']+)' +=> array\(", (PLUGIN / "includes/copies.php").read_text(), re.M)
    assert set(named) == set(COPIES) - {"Post Thumbnail Editor"}, "whose names begin like the picture's"


def laid(site: WordPress, media: dict[str, str], path: str, data: bytes) -> Path:
    """Put a copy where a plugin would."""
    folder, _, name = media["file"].rpartition("/")
    file = site.uploads / path.format(ym=folder, n=name.removesuffix(".jpg"), id=media["id"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def test_copies_of_other_plugins_are_hidden_and_come_back(site: WordPress, door: Door) -> None:
    media, data = uploaded(site, door, picture(800, 600), "copied-about.jpg"), picture(120, 90)
    files = {path: laid(site, media, path, data) for paths in COPIES.values() for path in paths}
    other = uploaded(site, door, picture(120, 90), "copied-about@3x.jpg")
    theirs = (site.uploads / other["file"]).read_bytes()
    neighbour = laid(site, media, "elementor/thumbs/{n}-two-r6k0v1x3d9q2.jpg", data)
    assert door.decide(media, "hide", "block").json()["state"] == "done"
    assert [path for path, file in files.items() if file.exists() and file.read_bytes() == data] == []
    assert (site.uploads / other["file"]).read_bytes() == theirs, "another attachment"
    assert neighbour.read_bytes() == data, "made of another file"
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert [path for path, file in files.items() if file.read_bytes() != data] == []


def test_a_copy_that_may_be_anothers_is_left_alone(site: WordPress, door: Door) -> None:
    media = uploaded(site, door, picture(60, 40), "ambiguous.jpg")
    copy = laid(site, media, COPIES["Elementor"][0], picture(30, 20))
    before = copy.read_bytes()
    site.php(
        "$id = wp_insert_post( array( 'post_type' => 'attachment', 'post_mime_type' => 'image/jpeg', 'post_title' => 'x', 'post_status' => 'inherit' ) ); update_post_meta( $id, '_wp_attached_file', '2001/01/ambiguous.jpg' );"
    )
    door.decide(media, "hide", "block")
    assert copy.read_bytes() == before


def test_what_still_shows_a_hidden_picture_is_said(site: WordPress, door: Door) -> None:
    media = uploaded(site, door, picture(800, 600), "converted.jpg")
    kept = site.root / "www/wp-content/kept.webp"
    kept.write_bytes(picture(400, 300, "WEBP"))
    router = site.root / "www/wp-content/mu-plugins"
    router.mkdir(exist_ok=True)
    # As a converter that the server asks first: browsers that take WebP get a copy from where nobody looks.
    (router / "converter.php").write_text(
        "<?php add_filter( 'pre_http_request', function ( $no, $args, $url ) { return false !== strpos( $url, 'converted' ) && false !== strpos( $args['headers']['Accept'], 'webp' )"
        " ? array( 'headers' => array(), 'body' => file_get_contents( WP_CONTENT_DIR . '/kept.webp' ), 'response' => array( 'code' => 200, 'message' => '' ), 'cookies' => array() ) : $no; }, 10, 3 );"
    )
    try:
        door.decide(media, "hide", "block")
        site.php("picward_visit_hidden();")
        public = site.meta(int(media["id"]), "_picward_still_public")
        assert media["url"] in public
        assert "still_public" in door("status").json()["problem_codes"]
        assert "still shown by a cache or converter" in page(site.login(), site, "upload.php")
    finally:
        (router / "converter.php").unlink()
    door.decide(media, "restore", "allow")
    door.decide(media, "hide", "block")
    assert json.loads(
        site.php("picward_visit_hidden(); echo json_encode( array( picward_planned_visits(), picward_count_still_public() ) );")
    ) == [[], 0]
    assert requests.get(media["url"], timeout=10).status_code == 200
