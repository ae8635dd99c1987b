"""connect.sh with a stand-in for gcloud; where the real one is installed, it has to understand every command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.firebase.plugin import gcloud

SCRIPT = Path(__file__).parents[4] / "plugins/firebase/connect.sh"
BUCKET = "demo-test.firebasestorage.app"
URL = "https://picward.example/webhooks/firebase"
RUNTIME = "picward-runtime@demo-test.iam.gserviceaccount.com"
PUSHER = "picward-push@demo-test.iam.gserviceaccount.com"
PUBSUB = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
STORAGE = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"


class Project:
    """Be a Google Cloud project that only the stand-in knows."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        program = folder / "bin" / "gcloud"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {gcloud.__file__} "$@"\n')
        program.chmod(0o755)
        self.env = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "GCLOUD_STATE": str(self.file),
            "PICWARD_CONNECT_WAIT": "0",
            "HOME": str(folder),
        }

    def connect(self, *words: str, code: int = 0, **env: str) -> str:
        # Options given twice: the last one counts.
        command = ["bash", str(SCRIPT), "--project", "demo-test", "--bucket", BUCKET, "--url", URL, *words]
        done = subprocess.run(command, env=self.env | env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout + done.stderr

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.file.read_text()) if self.file.exists() else dict(gcloud.EMPTY)

    def change(self, **over: Any) -> None:
        self.file.write_text(json.dumps(self.state | over))

    def made(self) -> dict[str, Any]:
        """Give what the project holds, without what the stand-in wrote down for itself."""
        state = self.state
        things = {
            name: {key: one for key, one in thing.items() if key not in ("tried", "new")}
            for name, thing in state["things"].items()
        }
        policies = {name: sorted(roles) for name, roles in state["policies"].items() if roles}
        told = [{key: one for key, one in config.items() if key not in ("id", "bucket")} for config in state["notifications"]]
        return {"things": things, "policies": policies, "notifications": told, "services": sorted(state["services"])}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_first_run_makes_everything_and_a_second_nothing(project: Project, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    said = project.connect("--prefix", "pending/", "--deletions", "--key", str(key), "--strikes")
    assert f"Push account   {PUSHER}" in said
    made = project.made()
    assert made["notifications"] == [
        {
            "topic": "//pubsub.googleapis.com/projects/demo-test/topics/picward-uploads",
            "event_types": ["OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE"],
            "object_name_prefix": "pending/",
        }
    ]
    assert made["things"]["subscriptions/picward-push"]["pushConfig"] == {
        "pushEndpoint": URL,
        "oidcToken": {"serviceAccountEmail": PUSHER, "audience": URL},
    }
    assert made["policies"] == {
        "topics/picward-uploads": [["roles/pubsub.publisher", STORAGE]],
        "topics/picward-dead": [["roles/pubsub.publisher", PUBSUB]],
        "subscriptions/picward-push": [["roles/pubsub.subscriber", PUBSUB]],
        f"service-accounts/{PUSHER}": [["roles/iam.serviceAccountTokenCreator", PUBSUB]],
        f"buckets/gs://{BUCKET}": [["roles/storage.objectAdmin", f"serviceAccount:{RUNTIME}"]],
        "projects/demo-test": [
            ["roles/datastore.user", f"serviceAccount:{RUNTIME}"],
            ["roles/firebaseauth.admin", f"serviceAccount:{RUNTIME}"],
        ],
    }
    changes = project.state["changes"]
    created = next(call for call in project.state["calls"] if call[:4] == ["pubsub", "subscriptions", "create", "picward-push"])
    for flag in (
        "--ack-deadline=120",
        "--dead-letter-topic=picward-dead",
        "--max-delivery-attempts=100",
        "--expiration-period=never",
    ):
        assert flag in created
    assert oct(key.stat().st_mode & 0o777) == "0o600"
    again = project.connect("--prefix", "pending/", "--deletions", "--key", str(key), "--strikes")
    assert "nothing was changed" in again
    assert (project.state["changes"], project.made()) == (changes, made)


def as_an_earlier_version_made(things: dict[str, Any]) -> dict[str, Any]:
    """Ten attempts, and dead letters for seven days."""
    old = {"subscriptions/picward-push": {"deadLetterPolicy": {"maxDeliveryAttempts": "10"}}}
    old["subscriptions/picward-dead"] = {"messageRetentionDuration": "604800s"}
    return {name: thing | old.get(name, {}) for name, thing in things.items()}


def test_two_buckets_may_share_and_one_is_undone_without_the_other(project: Project) -> None:
    project.change(buckets={BUCKET: False, "demo-second": False})
    project.connect()
    first = project.made()
    project.connect("--bucket", "demo-second")
    said = project.connect("--bucket", "demo-second", "--undo")
    assert f"they serve {BUCKET}, too" in said and project.made() == first
    assert "they serve" not in project.connect("--undo") and not project.state["things"]


def test_an_empty_key_file_is_no_key(project: Project, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.touch()
    said = project.connect("--key", str(key), code=1, GCLOUD_NO_KEYS="1")
    assert "Connected" not in said and "Workload Identity Federation" in said
    key.touch()
    project.connect("--key", str(key))
    assert json.loads(key.read_text())["client_email"] == RUNTIME and oct(key.stat().st_mode & 0o777) == "0o600"
    key.write_text('{"private_key": "x", "client_email": "other@demo-test.iam.gserviceaccount.com"}')
    assert f"holds no key of {RUNTIME}" in project.connect("--key", str(key), code=1)


def test_dead_letters_are_pushed_again_on_demand_and_what_an_earlier_version_made_is_updated(project: Project) -> None:
    said = project.connect()
    assert f"connect.sh --project demo-test --bucket {BUCKET} --name picward --url {URL} --replay" in said
    made = project.made()
    push, dead = (made["things"][f"subscriptions/picward-{which}"] for which in ("push", "dead"))
    assert "pushConfig" not in dead and dead["messageRetentionDuration"] == f"{31 * 86_400}s"
    project.change(
        things=as_an_earlier_version_made(project.state["things"]),
        notifications=[one | {"event_types": ["OBJECT_FINALIZE"]} for one in project.state["notifications"]],
    )
    project.connect("--replay")
    assert project.state["things"]["subscriptions/picward-dead"]["pushConfig"] == push["pushConfig"]
    project.connect()
    assert project.state["things"]["subscriptions/picward-dead"].pop("pushConfig") == {}
    made["things"]["subscriptions/picward-dead"] |= {"pushConfig": {}}
    assert project.made() == made


def test_a_dry_run_prints_what_a_run_does(project: Project) -> None:
    dry = project.connect("--dry-run")
    assert project.state["changes"] == 0
    real = project.connect()
    printed = [line for line in dry.splitlines() if line.startswith("+ ")]
    assert printed == [line for line in real.splitlines() if line.startswith("+ ")]
    assert len(printed) == project.state["changes"] > 10


@pytest.mark.parametrize("failing", [6, 13])
def test_a_run_that_broke_off_goes_on(project: Project, tmp_path: Path, failing: int) -> None:
    assert "Run connect.sh again" in project.connect(code=1, GCLOUD_FAIL_AT=str(failing))
    project.connect()
    other = tmp_path / "other"
    other.mkdir()
    whole = Project(other)
    whole.connect()
    assert project.made() == whole.made()


def test_undo_removes_what_was_made_and_no_more(project: Project) -> None:
    owners = {
        "id": "900",
        "topic": "//pubsub.googleapis.com/projects/demo-test/topics/theirs",
        "event_types": ["OBJECT_FINALIZE"],
    }
    project.change(
        buckets={BUCKET: True, "demo-quarantine": True},
        notifications=[owners],
        policies={"projects/demo-test": [["roles/owner", "user:me@example.org"]]},
        things={"topics/theirs": {"labels": {}}},
    )
    before = project.made()
    project.connect("--quarantine", "demo-quarantine", "--messages")
    assert ["roles/storage.objectUser", f"serviceAccount:{RUNTIME}"] in project.state["policies"]["buckets/gs://demo-quarantine"]
    project.connect("--quarantine", "demo-quarantine", "--undo", "--dry-run")
    connected = project.made()
    project.connect("--quarantine", "demo-quarantine", "--undo")
    assert connected != project.made() == before | {"services": ["iam.googleapis.com", "pubsub.googleapis.com"]}
    changes = project.state["changes"]
    project.connect("--undo")
    assert project.state["changes"] == changes
    project.connect()
    project.change(buckets={}, notifications=[])
    project.connect("--undo")
    assert not project.state["things"].keys() - {"topics/theirs"}, "also when the bucket is gone"


def test_what_somebody_else_made_is_left_alone(project: Project) -> None:
    theirs = {"topics/picward-uploads": {"labels": {"team": "theirs"}}}
    project.change(things=theirs, services=["pubsub.googleapis.com", "iam.googleapis.com"])
    for words in ((), ("--undo",)):
        assert "was not made by this script" in project.connect(*words, code=1)
    assert project.state["things"] == theirs
    project.connect("--name", "picward2")
    assert "topics/picward2-uploads" in project.state["things"]


def test_a_missing_permission_is_not_taken_for_a_missing_topic(project: Project) -> None:
    project.connect()
    made, changes = project.made(), project.state["changes"]
    assert "PERMISSION_DENIED" in project.connect(code=3, GCLOUD_DENIED="1")
    assert (project.made(), project.state["changes"]) == (made, changes)


def test_a_new_account_is_waited_for(project: Project) -> None:
    said = project.connect(GCLOUD_FRESH="2")
    assert "not known everywhere yet" in said
    assert project.state["policies"][f"buckets/gs://{BUCKET}"]


def test_an_existing_account_is_used_and_kept(project: Project) -> None:
    email = "server@demo-test.iam.gserviceaccount.com"
    project.change(things={f"service-accounts/{email}": {"description": "theirs"}})
    project.connect("--account", email)
    assert ["roles/datastore.user", f"serviceAccount:{email}"] in project.state["policies"]["projects/demo-test"]
    assert f"service-accounts/{RUNTIME}" not in project.state["things"]
    project.connect("--account", email, "--undo")
    assert list(project.state["things"]) == [f"service-accounts/{email}"]
    assert not project.made()["policies"]


def test_a_new_address_or_prefix_replaces_the_old_one(project: Project) -> None:
    project.connect("--prefix", "pending/")
    project.connect("--prefix", "uploads/", "--url", "https://new.example/webhooks/firebase")
    assert [one["object_name_prefix"] for one in project.state["notifications"]] == ["uploads/"]
    config = project.state["things"]["subscriptions/picward-push"]["pushConfig"]
    assert config["pushEndpoint"] == config["oidcToken"]["audience"] == "https://new.example/webhooks/firebase"


@pytest.mark.parametrize(
    "words",
    [
        ("--bucket", "gs://demo"), ("--bucket", "../etc"), ("--bucket", "Demo"), ("--bucket", "a"), ("--bucket", "x;reboot"),
        ("--bucket", "$(touch pwned)"), ("--bucket", "demo bucket"), ("--bucket", "--undo"), ("--bucket", "demo\nother"),
        ("--url", "http://picward.example/webhooks/firebase"), ("--url", "https://localhost/webhooks"),
        ("--url", "https://user:pass@picward.example/"), ("--url", "https://picward.example/?a=1"),
        ("--project", "Demo"), ("--project", "demo'test"), ("--name", "a b"), ("--name", "x"), ("--prefix", "/pending"),
        ("--prefix", "a\tb"), ("--region", "europe"), ("--account", "me@example.org"),
        ("--account", "-x@y.iam.gserviceaccount.com"), ("--quarantine", BUCKET), ("--quarantine", "UPPER"),
        ("--verbose",), ("--key",), ("--replay", "--undo"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused_before_anything_is_asked(project: Project, words: tuple[str, ...]) -> None:
    assert "connect.sh: " in project.connect(*words, code=2)
    assert project.state["calls"] == []


def test_an_unknown_project_or_bucket_ends_the_run(project: Project) -> None:
    assert "no bucket demo-other" in project.connect("--bucket", "demo-other", code=1)
    assert "may not exist" in project.connect("--project", "demo-other", code=3)
    assert project.state["changes"] == 0


@pytest.mark.live
def test_the_real_gcloud_understands_every_command(project: Project, tmp_path: Path) -> None:
    """Runs where gcloud is installed; it needs no account: gcloud reads its arguments before it looks for one."""
    real = shutil.which("gcloud")
    if real is None:
        pytest.skip("gcloud is not installed")
    project.change(buckets={BUCKET: False, "demo-quarantine": True})
    words = ("--quarantine", "demo-quarantine", "--strikes", "--messages", "--region", "europe-west1", "--prefix", "pending/")
    project.connect(*words, "--key", str(tmp_path / "key.json"))
    project.change(things=as_an_earlier_version_made(project.state["things"]))
    project.connect(*words, "--url", "https://new.example/webhooks/firebase", "--replay")
    project.connect(*words)
    project.connect(*words, "--undo")
    env = {"PATH": os.environ["PATH"], "CLOUDSDK_CONFIG": str(tmp_path / "config"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    env |= {"CLOUDSDK_CORE_CHECK_GCE_METADATA": "false", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1"}
    # One call of each shape: the same words and the same options, whatever they are about.
    shapes = {
        tuple(re.findall(r"(?<!\S)(?:--)?[a-z]+(?:-[a-z]+)*(?=\s|=|$)", " ".join(call).replace("picward-", "picward."))): call
        for call in project.state["calls"]
    }
    assert len(shapes) > 20
    wrong = ["pubsub", "topics", "create", "one", "--no-such-option"]
    program = [shutil.which("python3") or sys.executable, str(Path(gcloud.__file__).with_name("real_gcloud.py"))]
    asked = json.dumps([*shapes.values(), wrong])
    library = Path(real).resolve().parents[1] / "lib"
    done = subprocess.run(
        [*program, str(library)], input=asked, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    said = done.stderr.split("\0")[1:]
    assert len(said) == len(shapes) + 1, done.stderr[-2000:]
    assert "unrecognized arguments: --no-such-option" in said[-1], "gcloud reads every word"
    for call, answer in zip(shapes.values(), said, strict=False):
        assert "You do not currently have an active account" in answer, (call, answer)


def test_the_script_is_sound_shell() -> None:
    checker = shutil.which("shellcheck")
    if checker is None:
        pytest.skip("shellcheck is not installed; tests/support/install.sh installs it on Debian")
    done = subprocess.run([checker, "--severity=style", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
