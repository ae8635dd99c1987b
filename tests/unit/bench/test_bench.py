from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as program
from bench.parts import chosen, parts
from bench.rows import HEAD, Row, limited
from tests.unit.bench.fakes import write

FAILING = {
    "raising": "ValueError: the disk is full",
    "exiting": "SystemExit: nothing waits",
    "killed": "its process ended with status -9 before it was done",
    "leaving": "its process ended with status 0 before it was done",
    "broken": "ModuleNotFoundError: No module named 'no_such_module'",
}


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "fakes").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fakes"))
    return write(tmp_path / "fakes")


@pytest.mark.parametrize("name", FAILING)
def test_a_part_that_fails_takes_nothing_away_and_the_next_is_measured(
    name: str, fakes: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {part: fakes[part] for part in (name, "good")}
    outcome = program.measure(wanted, tmp_path / "kept", "A machine.")
    assert outcome.failed == {name: FAILING[name]}
    assert [row.what for row in outcome.rows][-2:] == ["first", "second"]
    assert len(outcome.rows) == (2 if name == "broken" else 3)
    table = (tmp_path / "kept" / "table.md").read_text()
    assert table == capsys.readouterr().out
    assert table.splitlines()[2:] == [*HEAD.splitlines(), *(row.markdown() for row in outcome.rows)]
    kept = [json.loads(line) for line in (tmp_path / "kept" / "rows.jsonl").read_text().splitlines()]
    assert [row["what"] for row in kept] == [row.what for row in outcome.rows]
    assert kept[-1]["part"] == "good"
    assert program.conclude(outcome) == 1
    assert f"failed: {name}: {FAILING[name]}" in capsys.readouterr().err


def test_a_row_is_kept_while_its_part_still_runs(fakes: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent is interrupted at the first row: what was measured is in the files."""

    class Interrupting(Row):
        def markdown(self) -> str:
            raise KeyboardInterrupt if self.what == "second" else AssertionError

    made = []

    def row(**said: object) -> Row:
        made.append(said["what"])
        return (Interrupting if said["what"] == "second" else Row)(**said)  # type: ignore[arg-type]

    monkeypatch.setattr(program, "Row", row)
    with pytest.raises(KeyboardInterrupt):
        program.measure({"good": fakes["good"]}, tmp_path / "kept", "A machine.")
    assert made == ["first", "second"]
    assert "| first |" in (tmp_path / "kept" / "table.md").read_text()
    assert json.loads((tmp_path / "kept" / "rows.jsonl").read_text())["what"] == "first"


def test_a_missing_tool_is_said_and_is_no_failure(
    fakes: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = program.measure({name: fakes[name] for name in ("toolless", "good")}, tmp_path, "A machine.")
    assert [row.what for row in outcome.rows] == ["without the tool", "first", "second"]
    assert program.conclude(outcome) == 0
    said = capsys.readouterr()
    assert "left out: toolless, or what was left of it: Chromium is not installed; install it" in said.err
    assert "noise" not in said.out


def test_a_goal_that_was_not_met_is_said_again_at_the_end(
    fakes: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = program.measure({"slow": fakes["slow"]}, tmp_path, "A machine.")
    assert program.conclude(outcome) == 0
    said = capsys.readouterr()
    assert "| slow | 9 s | limit 2 s | 4.50 | <= 1.00 | **no** |" in said.out
    assert said.err.splitlines()[-1] == "goal not met: slow: 9 s, limit 2 s"


@pytest.mark.parametrize(
    ("names", "words", "written"),
    [
        (["good"], [], True),
        (["good"], ["good"], False),
        (["good", "toolless"], [], False),
        (["good", "raising"], [], False),
    ],
)
def test_only_a_whole_run_is_written_into_the_page(
    names: list[str], words: list[str], written: bool, fakes: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Figures\n{program.BEGIN}\nold\n{program.END}\nmore\n")
    monkeypatch.setattr(program, "PAGE", page)
    monkeypatch.setattr(program, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(program, "parts", lambda: {name: fakes[name] for name in names})
    assert program.main(words) == ("raising" in names)
    assert ("| second |" in page.read_text()) is written
    assert ("old" in page.read_text()) is not written
    assert page.read_text().endswith(f"{program.END}\nmore\n")


def test_an_unknown_part_measures_nothing_and_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["nonsense"]) == 2
    assert "There is no part “nonsense”. There are: detection, " in capsys.readouterr().err


def test_a_rooms_parts_are_found_by_their_files(tmp_path: Path) -> None:
    for name in ("one/bench.py", "two/bench_intake.py", "two/bench_latency.py", "three/contract.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert parts(tmp_path) == {
        "detection": "bench.detection",
        "claims": "bench.claims",
        "postgresql": "bench.postgresql",
        "one": "tests.integrations.one.bench",
        "two.intake": "tests.integrations.two.bench_intake",
        "two.latency": "tests.integrations.two.bench_latency",
        "idle": "bench.idle",
        "pages": "bench.pages",
    }
    assert list(chosen(parts(tmp_path), ["intake", "one"])) == ["one", "two.intake"]
    assert list(chosen(parts(tmp_path), ["two"])) == ["two.intake", "two.latency"]
    assert chosen(parts(tmp_path), []) == parts(tmp_path)


@pytest.mark.parametrize(("name", "module"), parts().items())
def test_every_part_offers_rows(name: str, module: str) -> None:
    import importlib

    assert callable(importlib.import_module(module).rows)


def test_a_value_is_compared_with_its_limit() -> None:
    assert limited("Time", "3 s", 3, 2, "s") == Row("Time", "3 s", "limit 2 s", 1.5, "<= 1.00", False)
    assert limited("Time", "2 s", 2, 2, "s").met
