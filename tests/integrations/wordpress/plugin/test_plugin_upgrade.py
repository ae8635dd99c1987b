"""Files that version 0.1.0 hid with pictures that they do not belong to go back to their owners when the plugin is updated."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture, sha256
from tests.integrations.wordpress.plugin.test_plugin_owners import named, on_disk, picture_named

pytestmark = pytest.mark.e2e

# What 0.1.0 did with sizes of another extension: an entry like any other in the journal of the hidden picture, and a card in their place.
TAKE = (
    "foreach ( {files} as $file ) {{ $path = picward_absolute( $file ); $journal = picward_journal( {thief} );"
    " $entry = picward_save_original( {thief}, $path, false ); $journal['files'][ $file ] = $entry; picward_save_journal( {thief}, $journal );"
    " picward_put_file( $path, picward_draw_card( $entry['width'], $entry['height'], $entry['type'] ), $entry['mode'] ); }}"
    "delete_post_meta( {thief}, '_picward_block' );"
)
UPDATED = "update_option( 'picward_schema', 1 ); delete_option( 'picward_settling' ); delete_option( 'picward_given_back' );"


def theft(site: WordPress, door: Door, stem: str) -> tuple[dict[str, Any], dict[str, Any], list[str], dict[str, bytes]]:
    """Give a hidden picture, the one that it took sizes from, the sizes, and all bytes as they were."""
    victim, thief = picture_named(site, door, f"{stem}.png", "admin"), picture_named(site, door, f"{stem}.jpg")
    before = on_disk(site, stem)
    sizes = sorted(named(site, victim) - {victim["file"]})
    assert door.decide(thief, "hide", "block").json()["state"] == "done"
    take(site, thief, sizes)
    now = on_disk(site, stem)
    assert len(sizes) >= 3
    assert not {name for name in sizes if now[name] == before[name]}, "the control: they are taken"
    return thief, victim, sizes, before


def take(site: WordPress, thief: dict[str, Any], files: list[str]) -> None:
    site.php(TAKE.format(files="json_decode( '" + json.dumps(files) + "' )", thief=thief["id"]))


def update(site: WordPress) -> None:
    """Let the plugin notice that it was updated, and the minute come."""
    site.php(UPDATED)
    site.php("picward_every_minute();")


def history(site: WordPress, media: dict[str, Any]) -> str:
    return site.php(f"echo json_encode( picward_history( {media['id']} ) );")


def test_taken_files_go_back_and_are_listed_once(site: WordPress, door: Door) -> None:
    thief, victim, sizes, before = theft(site, door, "taken")
    stats = {name: (site.uploads / name).stat().st_mode for name in sizes}
    update(site)
    now = on_disk(site, "taken")
    assert {name: now[name] for name in sizes} == {name: before[name] for name in sizes}
    assert {name: (site.uploads / name).stat().st_mode for name in sizes} == stats
    assert not {name for name in named(site, thief) if now[name] == before[name]}, "the picture itself stays hidden"
    for name in sizes:
        assert name.rsplit("/", 1)[1] in history(site, victim)
    admin = site.login("admin")
    page = admin.get(f"{site.url}/wp-admin/upload.php", timeout=60).text
    listed = f"{sizes[0].rsplit('/', 1)[1]} was hidden with picture {thief['id']} by mistake"
    assert all(f"{name.rsplit('/', 1)[1]} was hidden with picture" in page for name in sizes)
    assert listed not in site.login("author1").get(f"{site.url}/wp-admin/upload.php", timeout=60).text
    # Once: nothing is asked for any more, and what is dismissed stays dismissed.
    assert site.php("echo json_encode( get_option( 'picward_settling' ) );") == "false"
    link = page.split("picward_given_back_read")[1].split("_wpnonce=")[1].split('"')[0]
    admin.get(f"{site.url}/wp-admin/admin-post.php?action=picward_given_back_read&_wpnonce={link}", timeout=60)
    site.php("picward_every_minute();")
    assert listed not in admin.get(f"{site.url}/wp-admin/upload.php", timeout=60).text
    assert door.decide(thief, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "taken") == before


def test_what_the_owner_has_there_now_is_not_overwritten(site: WordPress, door: Door) -> None:
    thief, victim, sizes, before = theft(site, door, "newer")
    fresh = picture(111, 99, "PNG")
    (site.uploads / sizes[0]).write_bytes(fresh)
    (site.uploads / sizes[1]).unlink()
    update(site)
    now = on_disk(site, "newer")
    assert now[sizes[0]] == fresh
    assert {name: now[name] for name in sizes[1:]} == {name: before[name] for name in sizes[1:]}
    assert "could not be put back" in history(site, victim)
    assert [b for b in site.quarantined() if site.php(f"echo picward_blob_hash( '{b.stem}' );") == sha256(before[sizes[0]])], (
        "kept"
    )
    door.decide(thief, "restore", "allow")
    assert on_disk(site, "newer")[sizes[0]] == fresh


def test_taken_files_of_a_picture_that_is_hidden_itself_come_back_with_it(site: WordPress, door: Door) -> None:
    thief, victim, _, before = theft(site, door, "hidden")
    assert door.decide(victim, "hide", "block").json()["state"] == "done"
    update(site)
    assert not {name for name, data in on_disk(site, "hidden").items() if data == before[name]}, "nothing of it becomes public"
    assert door.decide(thief, "restore", "allow").json()["state"] == "done"
    now = on_disk(site, "hidden")
    assert {name for name in before if now[name] == before[name]} == named(site, thief)
    assert door.decide(victim, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "hidden") == before


def test_files_that_a_replacement_left_only_in_the_quarantine_go_back(site: WordPress, door: Door) -> None:
    thief, _, sizes, before = theft(site, door, "replaced")
    site.php(
        f"$j = picward_journal( {thief['id']} ); foreach ( {json.dumps(sizes)} as $f ) {{ $j['superseded'][] = $j['files'][ $f ]['blob']; unset( $j['files'][ $f ] ); }} picward_save_journal( {thief['id']}, $j );"
    )
    update(site)
    now = on_disk(site, "replaced")
    assert {name: now[name] for name in sizes} == {name: before[name] for name in sizes}


@pytest.mark.parametrize("ending", ["restore", "delete"])
def test_nobody_has_to_wait_for_the_update(site: WordPress, door: Door, ending: str) -> None:
    stem = f"early{ending}"
    thief, _, _, before = theft(site, door, stem)
    own = named(site, thief)
    if ending == "restore":
        assert door.decide(thief, "restore", "allow").json()["state"] == "done"
        assert on_disk(site, stem) == before
    else:
        assert door.decide(thief, "delete", "block", person="Ada").json()["state"] == "done"
        assert on_disk(site, stem) == {name: data for name, data in before.items() if name not in own}


def test_a_killed_update_goes_on_where_it_stopped(site: WordPress, door: Door) -> None:
    thefts = [theft(site, door, f"killed{i}") for i in range(3)]
    site.php(UPDATED)
    killed = 0
    for step in range(1, 40):
        # Each option or meta that is written is a step.
        out = site.php(
            f"$die = function ( $value ) {{ static $n = 0; if ( ++$n === {step} ) {{ posix_kill( getmypid(), 9 ); }} return $value; }};"
            "foreach ( array( 'pre_update_option', 'update_post_metadata', 'delete_post_metadata' ) as $hook ) { add_filter( $hook, $die ); }"
            "picward_settle_journals(); echo 'alive';",
            check=False,
        )
        killed += "alive" not in out
        if "alive" in out:
            break
    assert killed >= 3
    assert site.php("echo json_encode( get_option( 'picward_settling' ) );") == "false"
    for thief, victim, sizes, before in thefts:
        now = on_disk(site, victim["file"].rsplit("/", 1)[1].removesuffix(".png"))
        assert {name: now[name] for name in sizes} == {name: before[name] for name in sizes}
        assert not {name for name in named(site, thief) if now[name] == before[name]}
        assert all(name.rsplit("/", 1)[1] in history(site, victim) for name in sizes)


def test_a_picture_hidden_by_the_earlier_version_with_its_translation_comes_back(site: WordPress, door: Door) -> None:
    media = picture_named(site, door, "before.jpg")
    before = on_disk(site, "before")
    door.decide(media, "hide", "block")
    # 0.1.0 noted that it is hidden, and not for whom.
    site.php(f"delete_post_meta( {media['id']}, '_picward_block' );")
    assert door.decide(media, "restore", "allow").json()["state"] == "done"
    assert on_disk(site, "before") == before
