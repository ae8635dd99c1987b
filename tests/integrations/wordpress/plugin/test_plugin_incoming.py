"""“Hold until checked” from the first byte: an upload is never seen, nor what a killed process leaves of it."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture, sha256
from tests.integrations.wordpress.plugin.stand_in import Connector
from tests.integrations.wordpress.plugin.test_plugin_admin import media_of

pytestmark = pytest.mark.e2e

# What is public at each step: the upload itself, or sizes of it; when the request ends they are cards.
WATCH = """
function seen( $where ) { global $seen; $dir = wp_get_upload_dir(); $found = array();
  foreach ( (array) glob( $dir['path'] . '/NAME*' ) as $f ) { if ( hash_file( 'sha256', $f ) === 'HASH' || ( 'end' !== $where && basename( $f ) !== 'NAME.jpg' ) ) { $found[] = basename( $f ); } }
  $seen[ $where ] = $found; return $where; }
foreach ( array( 'wp_handle_upload', 'add_attachment', 'wp_generate_attachment_metadata', 'wp_update_attachment_metadata' ) as $hook ) {
  add_filter( $hook, function ( $v ) use ( $hook ) { seen( $hook ); if ( 'KILL' === $hook ) { posix_kill( getmypid(), 9 ); } return $v; }, PHP_INT_MAX ); }
add_action( 'shutdown', function () { global $seen; seen( 'end' ); echo json_encode( $seen ); }, PHP_INT_MAX );
require_once ABSPATH . 'wp-admin/includes/admin.php'; wp_set_current_user( get_user_by( 'login', 'WHO' )->ID );
copy( 'SOURCE', $t = wp_tempnam( 'x.jpg' ) ); $id = media_handle_sideload( array( 'name' => 'NAME.jpg', 'tmp_name' => $t ), 0 );
"""


def upload(site: WordPress, source: Path, name: str, who: str = "author1", kill: str = "") -> dict[str, Any]:
    """Upload in a process that looks at every step what visitors could see, and may die at one of them."""
    code = WATCH.replace("SOURCE", str(source)).replace("NAME", name).replace("HASH", sha256(source.read_bytes()))
    out = site.php(code.replace("WHO", site.info[who]["login"]).replace("KILL", kill or "never"), check=not kill)
    return {} if kill else dict(json.loads(out))


def waiting(site: WordPress) -> list[Path]:
    return [path for path in (site.uploads / "picward-quarantine/incoming").rglob("*") if path.is_file()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    path = tmp_path / "photo.jpg"
    # Above 2,560 pixels WordPress keeps the original beside what it shows.
    path.write_bytes(picture(2600, 400, exif=exif, quality=60))
    return path


@pytest.fixture
def held(site: WordPress, door: Door) -> Iterator[WordPress]:
    door.settings(mode="hold")
    yield site


def number_of(site: WordPress, name: str) -> int:
    return int(site.php(f"echo get_page_by_path( '{name}', OBJECT, 'attachment' )->ID ?? 0;"))


def test_an_upload_is_never_seen_and_loses_nothing(held: WordPress, door: Door, source: Path) -> None:
    plain = upload(held, source, "plain", who="admin")
    assert plain["wp_handle_upload"] == ["plain.jpg"], "the control: of those who are trusted it is seen at once"
    seen = upload(held, source, "unseen")
    assert set(seen) == {
        "wp_handle_upload",
        "add_attachment",
        "wp_generate_attachment_metadata",
        "wp_update_attachment_metadata",
        "end",
    }
    assert not any(seen.values()), "an unchecked picture was public"
    media = media_of(door, number_of(held, "unseen"))
    assert (media["sha256"], media["file"].rsplit("/", 1)[1]) == (sha256(source.read_bytes()), "unseen.jpg")
    assert door("bytes", id=media["id"], sha256=media["sha256"]).content == source.read_bytes()
    assert waiting(held) == []
    assert door.decide(media, "label", "allow").json()["state"] == "done"
    ours, theirs = held.files(int(media["id"])), held.files(number_of(held, "plain"))
    assert {name.replace("unseen", "plain"): data for name, data in ours.items()} == theirs
    meta = lambda name: held.meta(number_of(held, name), "_wp_attachment_metadata")  # noqa: E731
    assert json.dumps(meta("unseen")).replace("unseen", "plain") == json.dumps(meta("plain"))


def test_uploads_over_the_api_are_taken_aside_too(held: WordPress, door: Door) -> None:
    data = picture(400, 300)
    made = held.upload(data, "by-api.jpg")
    assert held.meta(made["id"], "_picward_hidden") == "held" and "picward" not in made["source_url"]
    assert requests.get(made["source_url"], timeout=10).content != data
    assert "incoming" not in json.dumps(made) and waiting(held) == []
    assert door("bytes", id=str(made["id"]), sha256=sha256(data)).content == data


@pytest.mark.parametrize("step", ["wp_handle_upload", "add_attachment", "wp_generate_attachment_metadata"])
def test_a_killed_upload_leaves_nothing_that_is_seen_or_unknown(
    held: WordPress, door: Door, connector: Connector, source: Path, step: str
) -> None:
    name = "killed-" + step.replace("_", "-")
    upload(held, source, name, kill=step)
    public = next(held.uploads.glob(f"*/*/{name}.jpg"))
    assert public.read_bytes() != source.read_bytes()
    held.php(
        "$wpdb->query( \"UPDATE {$wpdb->postmeta} SET meta_value = 1 WHERE meta_key = '_picward_noted'\" );"
        "foreach ( glob( picward_incoming_dir() . '/*/*' ) as $f ) { touch( $f, 1 ); } picward_every_minute();"
    )
    assert waiting(held) == []
    door("drain")
    told = [event["body"]["media"]["sha256"] for event in connector.events("media.uploaded")]
    if step == "wp_handle_upload":
        assert told == [] and not public.exists(), "it never came into the library"
        return
    assert told == [sha256(source.read_bytes())]
    media = media_of(door, number_of(held, name))
    assert public.read_bytes() != source.read_bytes() and held.meta(int(media["id"]), "_picward_hidden") == "held"
    assert door.decide(media, "label", "allow").json()["state"] == "done"
    assert public.read_bytes() == source.read_bytes()


def test_a_killed_upload_is_reported_in_every_mode(site: WordPress, door: Door, connector: Connector, source: Path) -> None:
    upload(site, source, "killed-plain", kill="wp_generate_attachment_metadata")
    site.php(
        "$wpdb->query( \"UPDATE {$wpdb->postmeta} SET meta_value = 1 WHERE meta_key = '_picward_noted'\" ); picward_every_minute();"
    )
    door("drain")
    assert [event["body"]["media"]["sha256"] for event in connector.events("media.uploaded")] == [sha256(source.read_bytes())]
    assert site.php("echo $wpdb->get_var( \"SELECT COUNT(*) FROM {$wpdb->postmeta} WHERE meta_key = '_picward_noted'\" );") == "0"


SETTLE = "picward_settle_left_uploads();"
NOTICE = (
    "$wpdb->query( \"UPDATE {$wpdb->postmeta} SET meta_value = 1 WHERE meta_key = '_picward_noted'\" ); picward_notice_left();"
)


def left_waiting(site: WordPress, source: Path, name: str) -> tuple[int, Path, dict[str, bytes]]:
    """Kill an upload whose sizes are made. Give its number, its public place, and the files that wait by their names."""
    upload(site, source, name, kill="wp_generate_attachment_metadata")
    files = {path.name: path.read_bytes() for path in waiting(site) if path.name != "belongs.json"}
    assert files[f"{name}.jpg"] == source.read_bytes() and len(files) > 2, "the control: it waits with its sizes"
    return number_of(site, name), next(site.uploads.glob(f"*/*/{name}.jpg")), files


@pytest.mark.parametrize("before", ["notice", "hide", "another-card", "empty-file"])
def test_what_lies_in_the_place_of_an_upload_that_waits_is_never_taken_for_it(
    held: WordPress, door: Door, connector: Connector, source: Path, before: str
) -> None:
    number, public, files = left_waiting(held, source, f"waits-{before}")
    if before == "notice":
        held.php(NOTICE)
        assert held.meta(number, "_picward_noted"), "it is reported when it was settled"
    elif before == "hide":
        held.php(f"picward_hide( {number} );")
        assert public.name in held.meta(number, "_picward_journal"), "the control: the card was taken for the original"
    else:
        public.write_bytes(picture(60, 40) if before == "another-card" else b"")
    held.php(SETTLE + NOTICE)
    assert waiting(held) == [] and not held.meta(number, "_picward_noted")
    assert not [name for name, data in files.items() if (public.parent / name).read_bytes() == data]
    door("drain")
    assert [event["body"]["media"]["sha256"] for event in connector.events("media.uploaded")] == [sha256(source.read_bytes())]
    assert door.decide(media_of(door, number), "restore", "allow").json()["state"] == "done"
    assert {name: (public.parent / name).read_bytes() for name in files} == files


def test_an_upload_that_cannot_be_put_in_its_place_waits_on(held: WordPress, door: Door, source: Path) -> None:
    number, public, files = left_waiting(held, source, "no-place")
    door.settings(mode="flag")
    public.unlink()
    free = held.php(f"echo wp_unique_filename( '{public.parent}', 'no-place.jpg' );")
    assert free == "no-place-1.jpg", "another upload would get the place"
    public.mkdir()
    held.php(SETTLE)
    assert source.read_bytes() in [path.read_bytes() for path in waiting(held)]
    public.rmdir()
    held.php(SETTLE)
    assert waiting(held) == [] and held.meta(number, "_picward_hidden") == ""
    assert {name: (public.parent / name).read_bytes() for name in files} == files


def test_an_upload_whose_card_is_hidden_already_goes_into_the_quarantine_in_every_mode(
    held: WordPress, door: Door, source: Path
) -> None:
    number, public, files = left_waiting(held, source, "hidden-already")
    held.php(f"picward_hide( {number} );")
    door.settings(mode="flag")
    held.php(SETTLE)
    assert waiting(held) == [] and held.meta(number, "_picward_hidden") == "held"
    assert public.read_bytes() != source.read_bytes()
    assert door.decide(media_of(door, number), "restore", "allow").json()["state"] == "done"
    assert {name: (public.parent / name).read_bytes() for name in files} == files


def test_uploads_without_a_card_are_held_and_come_back_each_to_its_own_place(held: WordPress, door: Door) -> None:
    pictures = [picture(120, 90, "TIFF"), picture(120, 90, "TIFF")]
    made = [held.upload(data, "scan.tiff", "image/tiff") for data in pictures]
    for data, one in zip(pictures, made, strict=True):
        assert requests.get(one["source_url"], timeout=10).status_code == 404
        assert media_of(door, one["id"])["sha256"] == sha256(data)
    for one in made:
        assert door.decide(media_of(door, one["id"]), "label", "allow").json()["state"] == "done"
    assert [requests.get(one["source_url"], timeout=10).content for one in made] == pictures
