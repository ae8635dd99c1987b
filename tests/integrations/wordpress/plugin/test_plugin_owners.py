"""Whose file is it: nothing that another attachment names is hidden, overwritten or deleted with a picture."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture
from tests.integrations.wordpress.plugin.test_plugin_hiding import duplicate, uploaded

pytestmark = pytest.mark.e2e

KINDS = {"jpg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png"), "webp": ("WEBP", "image/webp"), "gif": ("GIF", "image/gif")}

# What Polylang does: a file whose name, its size taken away, is some attachment's main file is not deleted.
KEEPS_SHARED_FILES = """<?php
add_filter( 'wp_delete_file', function ( $file ) {
	global $wpdb;
	$name = preg_replace( '#-\\d+x\\d+\\.([a-z]+)$#', '.$1', str_replace( trailingslashit( wp_upload_dir()['basedir'] ), '', (string) $file ) );
	return $wpdb->get_var( $wpdb->prepare( "SELECT post_id FROM $wpdb->postmeta WHERE meta_key = '_wp_attached_file' AND meta_value = %s", $name ) ) ? '' : $file;
} );
"""


def picture_named(site: WordPress, door: Door, name: str, who: str = "author1", width: int = 900) -> dict[str, Any]:
    kind, mime = KINDS[name.rsplit(".", 1)[1]]
    return uploaded(site, door, picture(width, width * 3 // 4, kind), name, mime, who)


def on_disk(site: WordPress, stem: str) -> dict[str, bytes]:
    """Read every public file that begins with a stem."""
    return {str(p.relative_to(site.uploads)): p.read_bytes() for p in site.uploads.rglob(f"{stem}*") if p.is_file()}


def named(site: WordPress, media: dict[str, Any]) -> set[str]:
    """List the files that WordPress itself knows of an attachment, by its meta and not by the plugin."""
    out = site.php(
        f"$f = get_post_meta( {media['id']}, '_wp_attached_file', true ); $m = wp_get_attachment_metadata( {media['id']}, true ); $d = dirname( $f );"
        "$n = array( basename( $f ), $m['original_image'] ?? '' ); foreach ( $m['sizes'] ?? array() as $s ) { $n[] = $s['file']; }"
        f"foreach ( (array) ( get_post_meta( {media['id']}, '_wp_attachment_backup_sizes', true ) ?: array() ) as $s ) {{ $n[] = $s['file']; }}"
        'echo json_encode( array_map( function ( $x ) use ( $d ) { return "$d/$x"; }, array_values( array_unique( array_filter( $n ) ) ) ) );'
    )
    return set(json.loads(out))


def delete(site: WordPress, media: dict[str, Any], who: str = "admin") -> None:
    answer = requests.delete(f"{site.rest}wp/v2/media/{media['id']}", params={"force": "true"}, auth=site.auth(who), timeout=60)
    assert answer.status_code == 200, answer.text


def described(door: Door, number: int | str) -> dict[str, Any]:
    return dict(door("list", after=int(number) - 1, limit=1).json()["items"][0])


must_use_plugins = count()


@contextmanager
def must_use_plugin(site: WordPress, code: str) -> Iterator[None]:
    # A name of its own: PHP looks only every 2 s whether a file that it has compiled was rewritten (opcache.revalidate_freq).
    path = site.root / f"www/wp-content/mu-plugins/owners-{next(must_use_plugins)}.php"
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    try:
        yield
    finally:
        path.unlink()


PAIRS = [("hero.jpg", "hero.png"), ("hero.png", "hero.jpg"), ("hero.jpg", "hero.webp"), ("hero.gif", "hero.jpg")]


@pytest.mark.parametrize(("bad", "good"), PAIRS, ids=["/".join(p) for p in PAIRS])
def test_equal_stems_are_two_pictures(site: WordPress, door: Door, bad: str, good: str) -> None:
    stem = f"{bad.replace('.', '')}-vs-{good.replace('.', '')}"
    victim = picture_named(site, door, f"{stem}.{good.split('.')[1]}", "admin")
    blocked = picture_named(site, door, f"{stem}.{bad.split('.')[1]}")
    theirs, ours = named(site, victim), named(site, blocked)
    before = on_disk(site, stem)
    stems = [{name.rsplit(".", 1)[0] for name in names} for names in (theirs, ours)]
    assert len(stems[0] & stems[1]) >= 3, "the control: main file and sizes collide but for the extension"

    assert door.decide(blocked, "hide", "block").json()["state"] == "done"
    now = on_disk(site, stem)
    assert {name for name in before if now[name] != before[name]} == ours
    assert door.decide(blocked, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, stem) == before

    assert door.decide(blocked, "hide", "block").json()["state"] == "done"
    delete(site, blocked, "author1")
    assert on_disk(site, stem) == {name: before[name] for name in theirs}


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_each_of_two_blocked_pictures_comes_back_by_itself(site: WordPress, door: Door, order: str) -> None:
    pair = {"a": picture_named(site, door, f"both{order}.jpg"), "b": picture_named(site, door, f"both{order}.png", "editor1")}
    files = {which: named(site, media) for which, media in pair.items()}
    before = on_disk(site, f"both{order}")
    assert len(before) == len(files["a"] | files["b"])
    for which in order:
        assert door.decide(pair[which], "hide", "block").json()["state"] == "done"
    assert not {n for n, data in on_disk(site, f"both{order}").items() if data == before[n]}
    first, second = "ab"
    assert door.decide(pair[first], "restore", "allow").json()["state"] == "done"
    now = on_disk(site, f"both{order}")
    assert {name for name in before if now[name] == before[name]} == files[first], "the other is still blocked"
    assert door.decide(pair[second], "restore", "allow").json()["state"] == "done"
    assert on_disk(site, f"both{order}") == before


def test_a_name_in_anothers_metadata_counts_whatever_it_looks_like(site: WordPress, door: Door) -> None:
    blocked = picture_named(site, door, "outspoken.jpg")
    other = picture_named(site, door, "quite-else.png", "admin")
    folder = (site.uploads / other["file"]).parent
    sizes = {
        "sizes": "outspoken-640x480.jpg",
        "backup": "outspoken-320x240.jpg",
        "source": "outspoken-160x120.jpg",
        "original": "outspoken-e1700000000123.jpg",
    }
    for file in sizes.values():
        (folder / file).write_bytes(picture(64, 48))
    site.php(
        f"$id = {other['id']}; $m = wp_get_attachment_metadata( $id, true ); $m['sizes']['odd'] = array( 'file' => '{sizes['sizes']}', 'width' => 640, 'height' => 480, 'mime-type' => 'image/jpeg', 'sources' => array( 'x' => array( 'file' => '{sizes['source']}' ) ) );"
        f"$m['original_image'] = '{sizes['original']}'; update_post_meta( $id, '_wp_attachment_metadata', $m ); update_post_meta( $id, '_wp_attachment_backup_sizes', array( 'odd-orig' => array( 'file' => '{sizes['backup']}' ) ) );"
    )
    left_over = folder / "outspoken-111x222.jpg"
    left_over.write_bytes(picture(111, 222))
    before = on_disk(site, "outspoken")
    assert door.decide(blocked, "hide", "block").json()["state"] == "done"
    now = on_disk(site, "outspoken")
    assert all(now[name] == before[name] for name in before if name.rsplit("/", 1)[1] in sizes.values())
    assert now[str(left_over.relative_to(site.uploads))] != before[str(left_over.relative_to(site.uploads))], (
        "the control: named by nobody"
    )
    delete(site, blocked)
    assert {name.rsplit("/", 1)[1] for name in on_disk(site, "outspoken")} == set(sizes.values())


STRAYS = {
    # name of what lies there, upload of another with the same stem, taken along with cat.jpg
    "size of an earlier theme": ("cat-77x55.jpg", "", True),
    "converter, extension appended": ("cat.jpg.webp", "cat.png", True),
    "converter, of a size": ("cat-300x225.jpg.webp", "cat.png", True),
    "edited and forgotten": ("cat-e1700000000123.jpg", "cat.png", True),
    "converter, extension replaced": ("cat.webp", "", True),
    "converter, size, replaced": ("cat-300x225.webp", "", True),
    "whose converter, nobody can say": ("cat.webp", "cat.png", False),
    "whose size, nobody can say": ("cat-300x225.avif", "cat.png", False),
    "size of the other": ("cat-77x55.png", "cat.png", False),
    "converter of the other": ("cat.png.webp", "cat.png", False),
    "converter of a size of the other": ("cat-300x225.png.webp", "cat.png", False),
    "another stem": ("cat-2.jpg", "", False),
    "longer stem": ("cats-77x55.jpg", "", False),
    "another format": ("cat-77x55.gif", "", False),
}


@pytest.mark.parametrize("case", STRAYS)
def test_a_file_that_nobody_names_is_taken_only_with_proof(site: WordPress, door: Door, case: str) -> None:
    stray, rival, taken = STRAYS[case]
    stem = f"stray{list(STRAYS).index(case)}cat"
    blocked = picture_named(site, door, f"{stem}.jpg")
    if rival:
        other = picture_named(site, door, rival.replace("cat", stem), "admin")
        assert other["file"].rsplit("/", 1)[1] == rival.replace("cat", stem), "the control: the same stem"
    path = (site.uploads / blocked["file"]).parent / stray.replace("cat", stem)
    assert not path.exists()
    path.write_bytes(data := picture(77, 55, KINDS.get(path.suffix[1:], ("JPEG", ""))[0]))
    try:
        assert door.decide(blocked, "hide", "block").json()["state"] == "done"
        assert (not path.exists() or path.read_bytes() != data) == taken
        assert door.decide(blocked, "restore", "allow").json()["state"] == "done"
        assert path.read_bytes() == data
    finally:
        path.unlink()


def test_a_file_of_two_is_hidden_until_the_last_block_is_gone(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "shared.jpg")
    other = described(door, duplicate(site, media))
    before = on_disk(site, "shared")
    assert door.decide(media, "hide", "block").json()["state"] == "done"
    for one in (media, other):
        assert site.meta(int(one["id"]), "_picward_hidden") == "hidden", "both show as hidden"
    assert door.decide(other, "hide", "block").json()["state"] == "done"
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert not {n for n, data in on_disk(site, "shared").items() if data == before[n]}, "the other is still blocked"
    assert site.meta(int(media["id"]), "_picward_hidden") == "hidden"
    answer = door.decide(other, "restore", "allow").json()
    assert answer["state"] == "done"
    assert on_disk(site, "shared") == before
    for one in (media, other):
        assert site.meta(int(one["id"]), "_picward_hidden") == ""


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "public"])
@pytest.mark.parametrize("gone", ["first", "second"])
@pytest.mark.parametrize("keeper", [KEEPS_SHARED_FILES, "<?php"], ids=["translation plugin", "none"])
def test_deleting_one_of_two_leaves_the_file_to_the_other(
    site: WordPress, door: Door, hidden: bool, gone: str, keeper: str
) -> None:
    stem = f"left{hidden:d}{gone}{len(keeper)}"
    media = picture_named(site, door, f"{stem}.jpg", width=2700)  # so big that WordPress keeps the original beside “-scaled”
    pair = {"first": media, "second": described(door, duplicate(site, media))}
    before = on_disk(site, stem)
    assert f"{stem}-scaled.jpg" in {name.rsplit("/", 1)[1] for name in before}
    with must_use_plugin(site, keeper):
        if hidden:
            assert door.decide(media, "hide", "block").json()["state"] == "done"
        delete(site, pair.pop(gone))
        rest = next(iter(pair.values()))
        if hidden:
            assert site.meta(int(rest["id"]), "_picward_hidden") == "hidden", "deleting a copy makes nothing public"
            assert not {n for n, data in on_disk(site, stem).items() if data == before.get(n)}
            assert described(door, rest["id"])["sha256"] == media["sha256"]
            assert door.decide(rest, "restore", "allow").json()["state"] == "done"
        assert on_disk(site, stem) == before
        blobs = len(site.quarantined())
        door.decide(rest, "hide", "block")
        delete(site, rest)
    assert not on_disk(site, stem), "with the last of them all goes"
    assert len(site.quarantined()) == blobs


CROP = (
    "wp_set_current_user( 1 ); require_once ABSPATH . 'wp-admin/includes/image.php'; require_once ABSPATH . 'wp-admin/includes/image-edit.php';"
    '$_REQUEST["history"] = wp_slash( \'[{{"c":{{"x":10,"y":10,"w":400,"h":300}}}}]\' ); $_REQUEST["target"] = "{target}"; wp_save_image( {id} );'
)


@pytest.mark.parametrize("keeper", [KEEPS_SHARED_FILES, "<?php"], ids=["translation plugin", "none"])
@pytest.mark.parametrize(("width", "target"), [(1200, "all"), (1200, "nothumb"), (1200, "thumbnail"), (2700, "all")])
def test_a_translation_that_was_cropped_is_another_picture(
    site: WordPress, door: Door, width: int, target: str, keeper: str
) -> None:
    stem = f"crop{width}{target}{len(keeper)}"
    first = picture_named(site, door, f"{stem}.jpg", width=width)
    second = duplicate(site, first)
    before = on_disk(site, stem)
    with must_use_plugin(site, keeper):
        site.php(CROP.format(id=second, target=target))
        crop = described(door, second)
        cropped = on_disk(site, stem).keys() - before.keys()
        assert cropped, "the control: the crop has files of its own"
        assert named(site, crop) & before.keys(), "the control: and still names the other's"
        same_file = target == "thumbnail"
        everything = on_disk(site, stem)
        assert door.decide(crop, "hide", "block").json()["state"] == "done"
        now = on_disk(site, stem)
        changed = {name for name in now if now[name] != everything[name]}
        # With another thumbnail only it is still the same file: both are hidden.
        assert changed == (set(everything) if same_file else cropped)
        assert site.meta(int(first["id"]), "_picward_hidden") == ("hidden" if same_file else "")
        delete(site, crop)
        assert door.decide(first, "restore", "allow").json()["state"] == "done"
        now = on_disk(site, stem)
        assert {name: now[name] for name in before} == before
        if not keeper.endswith(";\n"):
            assert set(now) == set(before)


def test_the_main_picture_is_hidden_although_a_crop_of_it_keeps_its_name(site: WordPress, door: Door) -> None:
    first = picture_named(site, door, "source.jpg", width=1200)
    second = duplicate(site, first)
    before = on_disk(site, "source")
    site.php(CROP.format(id=second, target="all"))
    crop = described(door, second)
    everything = on_disk(site, "source")
    assert named(site, crop) >= before.keys(), "the control: the crop keeps all of it as its backup"
    assert door.decide(first, "hide", "block").json()["state"] == "done"
    now = on_disk(site, "source")
    assert {name for name in now if now[name] != everything[name]} == before.keys()
    # The crop is public and outlives it: its backup stays what it is, hidden but not lost.
    delete(site, first)
    assert requests.get(crop["url"], timeout=30).content == everything[crop["file"]]
    now = on_disk(site, "source")
    assert not {name for name in before if now.get(name) == before[name]}, (
        "what was blocked does not become public by deleting it"
    )
    assert door.decide(crop, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "source") == everything


def test_our_own_deletions_ask_wordpress_filter(site: WordPress, door: Door) -> None:
    blocked = picture_named(site, door, "asked.jpg")
    path = (site.uploads / blocked["file"]).parent / "asked.jpg.webp"
    path.write_bytes(picture(30, 20, "WEBP"))
    door.decide(blocked, "hide", "block")
    card = path.read_bytes()
    keep = "<?php add_filter( 'wp_delete_file', function ( $file ) { return false === strpos( (string) $file, '.jpg.webp' ) ? $file : ''; } );"
    with must_use_plugin(site, keep):
        delete(site, blocked)
    assert path.read_bytes() == card, "somebody else said that it stays"
    path.unlink()


def test_what_cannot_be_given_back_is_named_to_the_connector_and_in_wp_admin(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "partly.jpg")
    before = on_disk(site, "partly")
    door.decide(media, "hide", "block")
    journal = json.loads(site.meta(int(media["id"]), "_picward_journal"))["files"]
    lost = sorted(name for name in before if name != media["file"])[0]
    name = lost.rsplit("/", 1)[1]
    blob = next(path for path in site.quarantined() if path.stem == journal[lost]["blob"])
    kept = blob.read_bytes()
    blob.unlink()
    answer = door.decide(media, "restore", "allow").json()
    assert answer["state"] == "drifted", "the owner has to see it"
    assert name in answer["detail"]
    assert (answer["why"], answer["lost"]) == (["lost"], [name])
    now = on_disk(site, "partly")
    assert {n for n in before if now[n] != before[n]} == {lost}, "one lost file does not keep the others"
    admin = site.login("admin")
    assert name in admin.get(f"{site.url}/wp-admin/post.php?post={media['id']}&action=edit", timeout=60).text
    assert "still in the quarantine" in admin.get(f"{site.url}/wp-admin/upload.php", timeout=60).text
    # The quarantine was put back from a backup: approving once more gives back the rest.
    blob.write_bytes(kept)
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "partly") == before
    assert site.meta(int(media["id"]), "_picward_journal") == ""


def owned(site: WordPress, media: dict[str, Any]) -> set[str]:
    return set(site.files(int(media["id"])))


def test_what_was_written_past_wordpress_counts_too(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "bysql.jpg")
    other = picture_named(site, door, "bysql-other.jpg", "admin")
    size = (site.uploads / media["file"]).parent / "bysql-123x45.jpg"
    size.write_bytes(picture(123, 45))
    name = str(size.relative_to(site.uploads))
    assert name in owned(site, media), "the control: nobody names it yet"
    # A new row is seen at once, a changed one after the day's work.
    made = site.php(
        "global $wpdb; $wpdb->insert( $wpdb->posts, array( 'post_type' => 'attachment', 'post_mime_type' => 'image/jpeg', 'post_status' => 'inherit', 'post_content' => '', 'post_title' => 'x', 'post_excerpt' => '', 'to_ping' => '', 'pinged' => '', 'post_content_filtered' => '' ) ); $id = $wpdb->insert_id;"
        f"$wpdb->insert( $wpdb->postmeta, array( 'post_id' => $id, 'meta_key' => '_wp_attached_file', 'meta_value' => '{name}' ) ); echo $id;"
    )
    assert name not in owned(site, media)
    site.php(
        f"global $wpdb; $wpdb->delete( $wpdb->postmeta, array( 'post_id' => {made} ) ); $wpdb->delete( $wpdb->posts, array( 'ID' => {made} ) );"
    )
    assert name in owned(site, media)
    site.php(
        f"global $wpdb; $meta = wp_get_attachment_metadata( {other['id']}, true ); $meta['sizes']['thumbnail']['file'] = '{size.name}';"
        f"$wpdb->update( $wpdb->postmeta, array( 'meta_value' => serialize( $meta ) ), array( 'post_id' => {other['id']}, 'meta_key' => '_wp_attachment_metadata' ) );"
    )
    assert name in named(site, other), "the control: the metadata was changed"
    site.php("picward_daily();")
    assert name not in owned(site, media)


def test_a_big_library_is_not_read_to_find_one_pictures_files(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "needle.jpg")
    count = (
        f"picward_attachment_files( {media['id']} ); picward_forget_claims(); $seen = 0; add_filter( 'query', function ( $sql ) use ( &$seen ) {{ ++$seen; return $sql; }} );"
        f"picward_attachment_files( {media['id']} ); global $wpdb; echo $seen, ' ', count( picward_folder_claims( dirname( get_post_meta( {media['id']}, '_wp_attached_file', true ) ), 'needle' )['attached'] );"
    )
    before = site.php(count)
    site.php(
        f"$file = get_post_meta( {media['id']}, '_wp_attached_file', true ); $meta = wp_get_attachment_metadata( {media['id']}, true );"
        "for ( $i = 0; $i < 300; $i++ ) { $id = wp_insert_post( array( 'post_type' => 'attachment', 'post_mime_type' => 'image/jpeg', 'post_status' => 'inherit', 'post_title' => 'x' ) );"
        " update_post_meta( $id, '_wp_attached_file', dirname( $file ) . \"/hay$i.jpg\" ); update_post_meta( $id, '_wp_attachment_metadata', array( 'file' => \"hay$i.jpg\", 'sizes' => array() ) ); }"
    )
    assert site.php(count) == before
    assert before.endswith(" 1"), "the meta of one attachment was read"


def test_nothing_is_deleted_while_the_database_does_not_say_who_has_a_share(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "busy.jpg")
    twin = duplicate(site, media)
    before = on_disk(site, "busy")
    door.decide(media, "hide", "block")
    out = site.php(
        f"add_filter( 'query', function ( $sql ) {{ return false !== strpos( $sql, picward_table( 'stems' ) ) ? 'SELECT broken' : $sql; }} ); $GLOBALS['wpdb']->suppress_errors(); var_dump( wp_delete_attachment( {media['id']}, true ) );"
    )
    assert "bool(false)" in out, "what others have a share in cannot be told: nothing is deleted"
    assert described(door, media["id"])["sha256"] == media["sha256"]
    delete(site, media)
    assert door.decide(described(door, twin), "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "busy") == before
