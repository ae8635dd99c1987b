"""What only a directory does: symlinks, names, half-written files, mount points and races."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.decisions import Action
from app.domain.errors import MediaGone, PlatformClosed, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.settings import Mode
from integrations.folder import home, orders, platform, quarantine, tree
from integrations.folder.platform import Folder
from integrations.folder.settings import Settings
from tests.contract.sample import enforcement
from tests.integrations.folder.actions import do, picture, quarantined
from tests.integrations.folder.contract import LONG_AGO, PIXELS, site, write
from tests.support.surroundings import made

PLATFORM = made(Folder)


def listed(place: Site) -> list[MediaRef]:
    found: list[MediaRef] = []
    cursor = ""
    while True:
        page = PLATFORM.scan(place, cursor)
        found += page.media
        cursor = page.cursor
        if not cursor:
            return found


def ids(place: Site) -> list[str]:
    return [media.id for media in listed(place)]


@pytest.mark.usefixtures("settled")
def test_lists_pictures_by_name_whatever_they_are_called(directory: Path) -> None:
    for name in ("b.JPG", "a.txt", "a/z.png", "a/b/c.webp", "a-.png", "no-ending", "notes", ".hidden.png", "empty.gif"):
        write(directory / name, PIXELS if name == "no-ending" else b"")
    write(directory / os.fsdecode(b"caf\xe9.png"), PIXELS)
    write(directory / "line\nbreak %2f ü.png", PIXELS)
    place = site(directory)
    assert ids(place) == [
        ".hidden.png", "a/b/c.webp", "a/z.png", "a-.png", "b.JPG", "/caf%E9.png", "empty.gif", "line\nbreak %2f ü.png",
        "no-ending",
    ]  # fmt: skip
    for media in listed(place):
        media.id.encode()
        with PLATFORM.fetch(place, media) as file:
            assert hashlib.sha256(file.read()).hexdigest() == media.version
        undo = PLATFORM.apply(place, enforcement(Action.HIDE, media)).undo
        assert PLATFORM.apply(place, enforcement(Action.RESTORE, media, undo)).drifted == ""


@pytest.mark.usefixtures("settled")
def test_pages_meet_without_gap_or_repetition(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{folder}{number:02}.png" for folder in ("", "a/", "a/b/", "a.d/", "z/") for number in range(7)]
    for name in names:
        write(directory / name, name.encode())
    whole = ids(site(directory))
    assert sorted(whole) == sorted(names)
    for size in (1, 2, 3, 7, 34, 35, 36):
        monkeypatch.setattr(platform, "PAGE_SIZE", size)
        assert ids(site(directory)) == whole
    for media in listed(site(directory))[::3]:
        do(Action.HIDE, directory, media)
    monkeypatch.setattr(platform, "PAGE_SIZE", 4)
    assert ids(site(directory)) == whole


@pytest.mark.usefixtures("settled")
def test_never_follows_a_symlink(directory: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.png", PIXELS)
    (directory / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
    (directory / "linked").symlink_to(tmp_path / "outside")
    (directory / "loop").symlink_to(directory)
    os.mkfifo(directory / "pipe.png")
    place = site(directory)
    assert ids(place) == []
    for id in ("link.png", "linked/secret.png", "../outside/secret.png", "/..%2Foutside/secret.png", "/../outside/secret.png",
               "", ".", "a//b", "/", "//etc/passwd", "pipe.png", "a\x00b"):  # fmt: skip
        with pytest.raises(MediaGone):
            PLATFORM.fetch(place, picture(id))
        for action in (Action.HIDE, Action.RESTORE):
            with pytest.raises(MediaGone):
                do(action, directory, picture(id))
    assert (tmp_path / "outside" / "secret.png").exists()


def test_a_file_that_is_being_written_is_left_for_the_next_look(directory: Path) -> None:
    write(directory / "a.png", PIXELS)  # its mtime is long ago, as a copying tool leaves it
    assert ids(site(directory)) == []
    time.sleep(tree.SETTLE_SECONDS + 0.05)
    assert ids(site(directory)) == ["a.png"]
    with (directory / "a.png").open("ab") as file:
        file.write(b"more")
    assert ids(site(directory)) == []


@pytest.mark.usefixtures("settled")
def test_an_idle_directory_is_not_read_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        write(directory / f"{number}.png", PIXELS)
        write(directory / f"{number}.txt", b"text")
    before = listed(site(directory))
    read: list[int] = []
    digest = tree.digest

    def counted(fd: int) -> str:
        read.append(fd)
        return digest(fd)

    monkeypatch.setattr(tree, "digest", counted)
    assert listed(site(directory)) == before
    assert read == []
    write(directory / "7.png", PIXELS[:-1] + b"!")  # the same file, size and mtime as before
    assert len(listed(site(directory))) == 50
    assert len(read) == 1


def test_what_is_remembered_is_bounded(directory: Path) -> None:
    digests = tree.Digests(size=10)
    for number in range(30):
        write(directory / f"{number}.png", b"%d" % number)
        with (directory / f"{number}.png").open("rb") as file:
            digests.of(file.fileno(), b"x.png")
    assert len(digests._known) == 10


def test_the_quarantine_is_ours_alone(directory: Path) -> None:
    write(directory / "a.png", PIXELS)
    do(Action.HIDE, directory)
    place = directory.with_name("pictures.quarantine")
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    do(Action.HIDE, directory)
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_quarantine_that_is_a_symlink_is_not_used(directory: Path, tmp_path: Path) -> None:
    write(directory / "a.png", PIXELS)
    (tmp_path / "elsewhere").mkdir()
    directory.with_name("pictures.quarantine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, directory)
    assert (directory / "a.png").exists()


def test_the_same_picture_put_there_again_is_hidden_again(directory: Path) -> None:
    for _ in range(2):
        write(directory / "a.png", PIXELS)
        do(Action.HIDE, directory)
        assert not (directory / "a.png").exists()
    assert quarantined(directory) == [".bin", ".json"]
    do(Action.RESTORE, directory)
    assert (directory / "a.png").read_bytes() == PIXELS
    assert quarantined(directory) == []


def test_a_restore_makes_the_directories_that_went_away(directory: Path) -> None:
    media = picture("x/y/a.png")
    write(directory / "x/y/a.png", PIXELS)
    do(Action.HIDE, directory, media)
    (directory / "x/y").rmdir()
    (directory / "x").rmdir()
    do(Action.RESTORE, directory, media)
    assert (directory / "x/y/a.png").read_bytes() == PIXELS


@pytest.mark.parametrize("kind", ["file", "directory", "symlink", "file for its directory", "symlink for its directory"])
def test_a_restore_never_overwrites(directory: Path, kind: str) -> None:
    media = picture("x/a.png")
    place = directory / "x/a.png"
    write(place, PIXELS)
    do(Action.HIDE, directory, media)
    if kind == "file":
        write(place, b"theirs")
    elif kind == "directory":
        place.mkdir()
    elif kind == "symlink":
        place.symlink_to("/etc/passwd")
    else:
        place.parent.rmdir()
        write(place.parent, b"theirs") if kind.startswith("file") else place.parent.symlink_to("/etc")
    assert do(Action.RESTORE, directory, media).drifted
    assert quarantined(directory) == [".bin", ".json"]
    if kind == "file":
        assert place.read_bytes() == b"theirs"
        with PLATFORM.fetch(site(directory), media) as file:
            assert file.read() == PIXELS


@pytest.mark.usefixtures("settled")
def test_of_two_hidden_versions_the_later_is_listed(directory: Path) -> None:
    for data in (PIXELS, PIXELS + b"2"):
        write(directory / "a.png", data)
        do(Action.HIDE, directory, picture(data=data))
    assert listed(site(directory)) == [picture(data=PIXELS + b"2")]
    write(directory / "a.png", PIXELS + b"3")
    assert listed(site(directory)) == [picture(data=PIXELS + b"3")]


def test_delete_leaves_a_replacement_alone(directory: Path) -> None:
    write(directory / "a.png", b"theirs")
    do(Action.DELETE, directory)
    assert (directory / "a.png").read_bytes() == b"theirs"
    write(directory / "a.png", PIXELS)
    do(Action.DELETE, directory)
    assert not (directory / "a.png").exists() and quarantined(directory) == []


def test_a_file_that_takes_the_place_at_the_last_moment_is_given_back(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(directory / "a.png", PIXELS)
    rename = os.rename

    def late(source: Any, target: Any, **at: Any) -> None:
        if source == b"a.png":
            (directory / "a.png").unlink()
            write(directory / "a.png", b"theirs")
        rename(source, target, **at)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(MediaGone):
        do(Action.HIDE, directory)
    assert (directory / "a.png").read_bytes() == b"theirs"


@pytest.mark.usefixtures("two_filesystems")
def test_works_between_two_filesystems(directory: Path) -> None:
    write(directory / "a.png", PIXELS)
    (directory / "a.png").chmod(0o604)
    for _ in range(2):
        do(Action.HIDE, directory)
    assert [path.name for path in directory.iterdir()] == [home.MARK]
    for _ in range(2):
        assert do(Action.RESTORE, directory).drifted == ""
    status = (directory / "a.png").stat()
    assert ((directory / "a.png").read_bytes(), status.st_mode & 0o777, status.st_mtime_ns) == (PIXELS, 0o604, LONG_AGO)
    assert quarantined(directory) == [] and len(list(directory.iterdir())) == 2
    do(Action.HIDE, directory)
    write(directory / "a.png", b"theirs")
    assert do(Action.RESTORE, directory).drifted
    assert (directory / "a.png").read_bytes() == b"theirs"


def test_works_without_hard_links(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*args: Any, **more: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    write(directory / "a.png", PIXELS)
    do(Action.HIDE, directory)
    do(Action.RESTORE, directory)
    assert (directory / "a.png").read_bytes() == PIXELS and quarantined(directory) == []


@pytest.mark.parametrize("path", ["", "pictures", "./x", "~/x", "/", "//", "/x\x00", None, 7])
def test_a_path_that_cannot_be_meant_is_refused(path: Any) -> None:
    place = site(Path("/"))
    place = type(place)(**{**{f: getattr(place, f) for f in place.__slots__}, "connection": {"path": path}})
    with pytest.raises(PlatformRefused):
        PLATFORM.check(place)


def test_check_names_what_is_wrong(directory: Path) -> None:
    write(directory / "file", b"")
    (directory / "loop").symlink_to(directory / "loop")
    for missing in ("nowhere", "file", "loop"):
        with pytest.raises(PlatformRefused, match=missing):
            PLATFORM.check(site(directory / missing))
    with pytest.raises(PlatformUnavailable):
        PLATFORM.scan(site(directory / "nowhere"))


def test_hold_is_not_offered() -> None:
    with pytest.raises(ValidationError):
        Settings(mode=Mode.HOLD)
    assert not Settings(mode=Mode.FLAG).may_hide({})
    assert quarantine.SUFFIX == ".quarantine"


# --- a disk that is not mounted


def asked(place: Site) -> list[Any]:
    """Ask for everything that a platform is asked for; give what each attempt raised."""
    found: list[Any] = []
    attempts = (
        lambda: PLATFORM.scan(place),
        lambda: PLATFORM.fetch(place, picture()),
        lambda: do(Action.HIDE, Path(place.connection["path"])),
        lambda: do(Action.RESTORE, Path(place.connection["path"])),
    )
    for attempt in attempts:
        try:
            attempt()
            found.append(None)
        except Exception as error:
            found.append(type(error))
    return found


def test_an_empty_mount_point_is_a_directory_that_is_away(directory: Path) -> None:
    place = site(directory)
    PLATFORM.check(place)
    write(directory / "a.png", PIXELS)
    disk = directory.rename(directory.with_name("disk"))
    assert asked(place) == [PlatformClosed] * 4, "nothing is there"
    directory.mkdir()
    assert asked(place) == [PlatformClosed] * 4, "an empty place where it was"
    directory.rmdir()
    disk.rename(directory)
    assert PLATFORM.fetch(place, picture()).read() == PIXELS


def test_a_directory_that_was_emptied_is_there(directory: Path) -> None:
    place = site(directory)
    write(directory / "a.png", PIXELS)
    PLATFORM.check(place)
    (directory / "a.png").unlink()
    assert PLATFORM.scan(place).media == ()
    with pytest.raises(MediaGone):
        PLATFORM.fetch(place, picture())


def test_a_directory_from_before_there_was_a_mark_gets_one_while_it_holds_something(directory: Path) -> None:
    place = site(directory)
    assert asked(place) == [PlatformClosed] * 4
    write(directory / "a.png", PIXELS)
    assert PLATFORM.scan(place) is not None and (directory / home.MARK).exists()
    (directory / "a.png").unlink()
    assert PLATFORM.scan(place).media == ()


def test_one_file_that_cannot_be_read_is_not_the_whole_directory(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(directory / "a.png", PIXELS)

    def broken(*_: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(PlatformUnavailable) as raised:
        PLATFORM.fetch(site(directory), picture())
    assert not isinstance(raised.value, PlatformClosed)


def test_the_last_order_is_remembered_for_a_month(tmp_path: Path) -> None:
    directory = tmp_path / "pictures"
    write(directory / "a.png", PIXELS)
    do(Action.HIDE, directory)
    place = tmp_path / "pictures.quarantine" / orders.FOLDER
    kept = [path for path in place.iterdir() if not path.name.startswith(".")]
    assert len(kept) == 1
    for path in (*kept, place / ".swept"):
        os.utime(path, (time.time() - orders.KEPT_SECONDS - 1,) * 2)
    write(directory / "b.png", b"others")
    do(Action.HIDE, directory, picture("b.png", b"others"))
    assert [path for path in place.iterdir() if path in kept] == []
