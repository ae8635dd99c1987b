"""The door for people: what CONTRIBUTING.md tells them to do exists, and nothing is installed without a yes."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    line.split()[0]
    for path in (ROOT / "tests").rglob("debian.txt")
    for line in path.read_text().splitlines()
    if line and not line.startswith("#")
]

TOOLS = "sh bash find cat chmod sed sort cut tr grep dirname mktemp mv rm mkdir tail sha256sum cp timeout"
"""What the scripts may call on any machine."""


def make_says(target: str, *words: str) -> list[str]:
    """Give the commands of a target, with what it depends on left out."""
    # `make test` runs this: the inner make must not take itself for a part of the outer one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", target, *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_command_that_the_page_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)", text))
    assert named >= {"test", "test-all", "lint", "bench", "matrix"}
    assert named <= targets
    for path in re.findall(r"`((?:tests|bench|docs|\.ci|app|integrations)/[\w/.-]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_hooks_before_a_commit_are_the_commands_of_make_lint() -> None:
    hooks = re.findall(r"entry: (.+?), language: system", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks == make_says("lint")[-len(hooks) :]
    assert len(hooks) == len(re.findall(r"- \{ id:", (ROOT / ".pre-commit-config.yaml").read_text())) > 0


def test_a_landing_leaves_out_only_what_is_marked_slow() -> None:
    landing, everything = (make_says(target)[-1].split() for target in ("test", "test-all"))
    assert [word for word in landing if word not in everything] == ["-m", '"not', 'slow"'][1:]
    assert 'TESTS="tests/unit -x"' in (ROOT / "Makefile").read_text()
    assert make_says("test", "TESTS=tests/unit -x")[-1].endswith("tests/unit -x")


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine where nothing is installed and where apt-get, npm and dpkg-query only write down that they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS.split():
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    bodies = {
        # Packages may be installed only while a policy keeps their services from starting.
        "apt-get": f'echo "$@" >> {tmp_path}/called; test -e {tmp_path}/policy-rc.d || test "$1" != install',
        "dpkg-query": "exit 1",
        "id": "echo 0",
    }
    for name, body in bodies.items():
        program(programs / name, body)
    return {
        "PATH": str(programs),
        "HOME": str(tmp_path),
        "PICWARD_TEST_CACHE": str(tmp_path / "cache"),
        "POLICY_RC_D": str(tmp_path / "policy-rc.d"),
    }


def called(tmp_path: Path) -> list[str]:
    return (tmp_path / "called").read_text().splitlines() if (tmp_path / "called").exists() else []


def install(machine: Mapping[str, str], **more: str) -> str:
    done = subprocess.run(
        ["sh", ROOT / "tests/support/install.sh"],
        env={**machine, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def answered(machine: Mapping[str, str], answer: str) -> str:
    """Sit at the terminal."""
    ours, theirs = pty.openpty()
    command = ["sh", ROOT / "tests/support/install.sh"]
    with subprocess.Popen(command, env=machine, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
    os.close(ours)
    assert process.returncode == 0
    return said.decode()


def test_without_a_terminal_nothing_is_installed_and_it_says_how(machine: dict[str, str], tmp_path: Path) -> None:
    said = install(machine)
    assert "PICWARD_INSTALL=yes make test" in said
    assert all(package in said for package in PACKAGES)
    assert "are skipped; each says why" in said
    assert not [line for line in called(tmp_path) if "install" in line]


@pytest.mark.parametrize("allowed", [{"PICWARD_INSTALL": "yes"}, {"CI": "true"}])
def test_a_yes_from_the_environment_installs_all_that_is_missing(
    allowed: dict[str, str], machine: dict[str, str], tmp_path: Path
) -> None:
    install(machine, **allowed)
    (line,) = [line for line in called(tmp_path) if line.startswith("install")]
    assert set(line.split()) >= set(PACKAGES)
    assert not (tmp_path / "policy-rc.d").exists()


def test_a_no_from_the_environment_wins_over_ci(machine: dict[str, str], tmp_path: Path) -> None:
    install(machine, PICWARD_INSTALL="no", CI="true")
    assert not [line for line in called(tmp_path) if line.startswith("install")]


@pytest.mark.parametrize(("answer", "installs"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(answer: str, installs: bool, machine: dict[str, str], tmp_path: Path) -> None:
    assert "Install them with apt-get? [y/N]" in answered(machine, answer)
    assert bool([line for line in called(tmp_path) if line.startswith("install")]) is installs


def test_who_is_not_root_is_told_the_command(machine: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin/id", "echo 1000")
    assert "sudo apt-get install --no-install-recommends" in install(machine, PICWARD_INSTALL="yes")
    assert not [line for line in called(tmp_path) if line.startswith("install")]


def test_a_program_that_is_there_needs_no_package(machine: dict[str, str], tmp_path: Path) -> None:
    for name in ("google-chrome", "node"):
        program(tmp_path / "bin" / name, "exit 1")
    install(machine, PICWARD_INSTALL="yes")
    (line,) = [line for line in called(tmp_path) if line.startswith("install")]
    assert not {"chromium", "nodejs"} & set(line.split())
    assert {"npm", "php-cli"} <= set(line.split())


def test_a_registry_that_does_not_answer_ends_with_a_sentence(machine: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin/npm", f'echo "$@" >> {tmp_path}/npm; echo ETIMEDOUT >&2; exit 1')
    said = install(machine, PICWARD_INSTALL="no")
    assert "ETIMEDOUT" in said
    rooms = [path.relative_to(ROOT) for path in sorted((ROOT / "tests/integrations").glob("*/install.sh"))]
    assert rooms and all(f"{room} could not fetch everything" in said for room in rooms)
    tries = (tmp_path / "npm").read_text().splitlines()
    assert len(tries) % 3 == 0 and tries.count(tries[0]) >= 1


def matrix(machine: Mapping[str, str], tmp_path: Path, *versions: str, failing: str = "none") -> tuple[int, str]:
    """Run the matrix where these Pythons are installed and `make` only writes down what it is asked."""
    for version in versions:
        program(tmp_path / f"bin/python{version}", f"echo {version}")
    program(tmp_path / "bin/python3.11", "echo 'python3.11: command not found' >&2; exit 127")  # as pyenv's shims do
    program(tmp_path / "bin/make", f'echo "$@" >> {tmp_path}/called; case "$*" in *{failing}*) exit 2 ;; esac')
    command = ["bash", ROOT / "tests/support/matrix.sh"]
    done = subprocess.run(command, env=machine, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_matrix_runs_what_is_installed_and_names_what_is_not(machine: dict[str, str], tmp_path: Path) -> None:
    status, said = matrix(machine, tmp_path, "3.12", "3.13")
    assert said.splitlines()[-4:] == [
        "Python 3.11: skipped, it is not installed",
        "Python 3.12: passed",
        "Python 3.13: passed",
        "Python 3.14: skipped, it is not installed",
    ]
    assert status == 0
    assert [line.split()[-1] for line in called(tmp_path)] == ["VENV=.venv-3.12", "VENV=.venv-3.13"]


def test_the_matrix_fails_with_a_version_and_goes_on(machine: dict[str, str], tmp_path: Path) -> None:
    status, said = matrix(machine, tmp_path, "3.12", "3.13", failing="venv-3.12")
    assert "Python 3.12: FAILED" in said and "Python 3.13: passed" in said
    assert status == 1


def test_a_matrix_of_nothing_is_no_success(machine: dict[str, str], tmp_path: Path) -> None:
    assert matrix(machine, tmp_path)[0] == 1
