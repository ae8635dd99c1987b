"""The command line, in this process, on a database of its own."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import app.factory
from app.cli import main
from app.domain.platform import ConnectField
from tests.support.core import PaperPlatform


class TypedPaper(PaperPlatform):
    connect_fields: ClassVar[tuple[ConnectField, ...]] = (ConnectField("shelf", "Shelf"),)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PICWARD_DATA_DIR", str(tmp_path / "var"))

    def call(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    call("migrate")
    return call


@pytest.fixture
def site(run, monkeypatch: pytest.MonkeyPatch) -> str:  # type: ignore[no-untyped-def]
    """Connect a site of paper, by a value that is typed, with a picture in it; give its id."""
    paper = TypedPaper()
    make_core = app.factory.make_core
    monkeypatch.setattr(app.factory, "make_core", lambda config: replace(make_core(config), platforms={paper.slug: paper}))
    paper.images["one"] = b"pixels"
    return str(run("sites", "add", paper.slug, "--set", "shelf=top").output.split()[0])


def test_the_doctor_finds_nothing_wrong_on_a_fresh_installation(run, site: str) -> None:  # type: ignore[no-untyped-def]
    output = run("doctor").output
    assert "✗" not in output
    assert "✓ Detector nudenet" in output
    assert site in output


def test_the_doctor_says_what_is_missing_and_what_to_do(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "var/picward.db").unlink()
    assert "Run “picward migrate”" in run("doctor", code=1).output


def test_a_lost_key_is_told_and_no_other_is_made(run, site: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    key = tmp_path / "var/vault.key"
    kept = key.read_bytes()
    key.unlink()
    for command in ("migrate", "prepare", "doctor"):
        told = run(command, code=1).output
        assert "vault.key is missing" in told and "PICWARD_SECRET_KEY" in told and not key.exists()
    key.write_bytes(kept)
    assert site in run("doctor").output, "the control: it is the right one"
    key.chmod(0o644)
    run("doctor")
    assert f"chmod 600 {key}" in caplog.text, "everybody on this machine could read it"


def test_a_database_that_is_away_is_told_without_a_traceback(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for file in (tmp_path / "var").glob("picward.db*"):
        file.unlink()
    (tmp_path / "var/picward.db").mkdir()
    output = run("sites", "list", code=1).output
    assert "The database is busy or away. unable to open database file" in output


def test_wrong_settings_are_named_without_a_traceback(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PICWARD_PORT", "0")
    monkeypatch.setenv("PICWARD_SECRET_KEY", "zz")
    output = run("sites", "list", code=1).output
    assert "PICWARD_PORT: " in output
    assert "PICWARD_SECRET_KEY: " in output


def test_a_taken_port_is_said_and_not_retried_for_ever(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("app.supervisor.STABLE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PICWARD_PORT", str(taken.getsockname()[1]))
        assert "Set PICWARD_PORT to another" in run("serve", code=1).output


def test_the_database_is_nobody_elses(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "var").iterdir()}
    assert "picward.db" in modes
    assert set(modes.values()) == {0}


def test_rules_are_changed_one_at_a_time_and_never_is_a_score(run, site: str) -> None:  # type: ignore[no-untyped-def]
    run("policy", "set", site, "weapons", "--mode", "review", "--review", "0.4")
    run("policy", "set", site, "sexual.explicit_nudity", "--block", "never")
    shown = run("policy", "show", site).output
    assert "Policy v3" in shown
    assert "weapons                          review   review ≥ 0.40  block never" in shown
    assert "sexual.explicit_nudity           shadow   review ≥ 0.35  block never" in shown
    assert "is not in the range" in run("policy", "set", site, "weapons", "--review", "7", code=2).output
    assert "there is no category" in run("policy", "set", site, "nonsense", code=1).output


def test_a_list_made_of_pictures_can_be_imported(run, site: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    Image.effect_noise((300, 200), 90).convert("RGB").save(tmp_path / "one.png")
    made = run("hashes", "of", str(tmp_path / "one.png"), "--note", "ours").output
    (tmp_path / "list.csv").write_text(made)
    assert "2 of 2 entries were new" in run("hashes", "import", str(tmp_path / "list.csv")).output
    (tmp_path / "list.csv").write_text("kind,hash\nsha256,xyz\n")
    assert "Line 2" in run("hashes", "import", str(tmp_path / "list.csv"), code=1).output


def test_a_dry_scan_counts_and_a_scan_queues(run, site: str) -> None:  # type: ignore[no-untyped-def]
    assert "1 would be queued" in run("scan", site, "--dry-run").output
    assert "1 queued" in run("scan", site).output


def test_sites_are_paused_resumed_and_removed(run, site: str) -> None:  # type: ignore[no-untyped-def]
    run("sites", "pause", site)
    assert "paused" in run("sites", "list").output
    run("sites", "resume", site)
    run("sites", "remove", site, "--yes")
    assert run("sites", "list").output == ""
    assert "There is no site" in run("sites", "check", site, code=1).output


def test_a_disconnected_site_can_be_erased(run, site: str) -> None:  # type: ignore[no-untyped-def]
    run("sites", "remove", site, "--yes")
    run("sites", "erase", site, "--yes")
    run("scan", site, code=1)
    assert "no site" in run("sites", "erase", "st_0000000000000000", "--yes", code=1).output


@pytest.mark.parametrize("word", ["read-again", "replay"])
def test_a_delivery_that_is_not_stored_cannot_be_read_again_by_either_word(run, word: str) -> None:  # type: ignore[no-untyped-def]
    assert "not stored any more" in run(word, "7", code=1).output
    assert (f"  {word} " in run("--help").output) is (word == "read-again")


def test_an_empty_file_is_no_value(run, site: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A platform may take an empty value for the credentials of this machine."""
    empty = tmp_path / "key.json"
    empty.write_text("\n")
    assert "key.json is empty" in run("sites", "add", "paper", "--set", f"shelf=@{empty}", code=2).output
