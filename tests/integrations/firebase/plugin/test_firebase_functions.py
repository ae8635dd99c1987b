"""The forwarder with the real firebase-functions: what it declares, what it sends, and what it makes of every answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from app.domain.events import Delivery
from integrations.kit import signing
from tests.integrations.firebase.plugin.emulator import emulators
from tests.integrations.firebase.stand_in.firestore import npm_folder
from tests.integrations.firebase.stand_in.push import FORWARDED_FIELDS, forwarded_id
from tests.support.instance import wait_for

HERE = Path(__file__).parent
SOURCE = HERE.parents[3] / "plugins/firebase/functions"
SECRET = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXNlY3JldC0zMi1ieXQ="
BUCKET = "demo-test.firebasestorage.app"
TOKEN = "9ded1d5f-0000-4000-8000-000000000000"
OBJECT = {
    "kind": "storage#object",
    "bucket": BUCKET,
    "name": "users/u1/Am Strand – für alle?.png",
    "generation": "1795348800000001",
    "metageneration": "1",
    "contentType": "image/png",
    "size": "133",
    "md5Hash": "kF8MuJ5+CTJxvyhHS1xzRg==",
    "metadata": {"ownerUid": "u1", "firebaseStorageDownloadTokens": TOKEN},
}


class Connector:
    """Take what the forwarder posts and answer as it is told: a status, or "drop"."""

    def __init__(self) -> None:
        self.received: list[Delivery] = []
        self.answer: int | str = 202
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.append(Delivery("POST", self.path, headers, body, time.time_ns() // 1000))
                if outer.answer == "drop":
                    self.close_connection = True
                    return
                self.send_response(int(outer.answer))
                if outer.answer == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"done")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/firebase"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def verified(self) -> list[dict[str, Any]]:
        for delivery in self.received:
            signing.verify(delivery, [SECRET])
        return [json.loads(delivery.body) for delivery in self.received]


@pytest.fixture
def connector() -> Iterator[Connector]:
    made = Connector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package to where a user has it, with firebase-functions beside it."""
    installed = npm_folder("functions")
    folder = tmp_path_factory.mktemp("forwarder") / "functions"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(installed / "node_modules")
    return folder


@pytest.fixture
def env(connector: Connector) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GCLOUD_PROJECT": "demo-test",
        "FIREBASE_CONFIG": json.dumps({"projectId": "demo-test", "storageBucket": BUCKET}),
        "PICWARD_URL": connector.url,
        "PICWARD_BUCKET": BUCKET,
        "PICWARD_SECRET": SECRET,
        "PICWARD_EXCLUDE": "quarantine/",
    }


def run(package: Path, env: dict[str, str], function: str, *objects: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Run the function with an event for each object; give how each ended, and everything that was logged."""
    event = {"specversion": "1.0", "id": "1", "source": f"//storage.googleapis.com/projects/_/buckets/{BUCKET}", "type": "x"}
    lines = "\n".join(json.dumps(event | {"data": data}) for data in objects)
    command = ["node", HERE / "run_function.mjs", package / "index.js", function]
    done = subprocess.run(command, env=env, input=lines, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = [json.loads(line[1:]) for line in done.stdout.splitlines() if line.startswith("@")]
    return outcomes, done.stdout + done.stderr


def test_the_pure_parts(package: Path) -> None:
    command = ["node", "--test", "--test-reporter=tap", HERE / "forward.test.mjs"]
    env = {"PATH": os.environ["PATH"], "FORWARDER": str(package)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "# pass 5" in done.stdout


def test_an_upload_is_told_signed_and_without_its_token(package: Path, env: dict[str, str], connector: Connector) -> None:
    outcomes, logged = run(package, env, "picwardFinalized", OBJECT, OBJECT, OBJECT | {"name": "quarantine/a.png"})
    assert outcomes == [{"done": True}] * 3
    said = connector.verified()
    assert len(said) == 2
    assert said[0] == said[1]
    assert (said[0]["v"], said[0]["to"], said[0]["type"]) == (1, "connector", "object.finalized")
    expected = {key: value for key, value in OBJECT.items() if key in FORWARDED_FIELDS} | {"metadata": {"ownerUid": "u1"}}
    assert said[0]["data"] == expected
    id = forwarded_id("object.finalized", BUCKET, str(OBJECT["name"]), str(OBJECT["generation"]))
    assert {delivery.headers["webhook-id"] for delivery in connector.received} == {id}
    assert {delivery.path for delivery in connector.received} == {"/webhooks/firebase"}
    assert SECRET not in logged
    assert TOKEN not in logged


def test_a_change_of_the_type_is_told(package: Path, env: dict[str, str], connector: Connector) -> None:
    outcomes, _ = run(package, env, "picwardUpdated", OBJECT)
    assert outcomes == [{"done": True}]
    assert [one["type"] for one in connector.verified()] == ["object.updated"]


@pytest.mark.parametrize("answer", [408, 425, 429, 500, 503, "drop"])
def test_what_may_help_later_is_thrown_so_that_it_is_delivered_again(
    package: Path, env: dict[str, str], connector: Connector, answer: int | str
) -> None:
    connector.answer = answer
    outcomes, logged = run(package, env, "picwardFinalized", OBJECT)
    assert [outcome["done"] for outcome in outcomes] == [False]
    assert len(connector.received) == 1
    assert '"severity":"WARNING"' in logged
    assert SECRET not in logged


@pytest.mark.parametrize("answer", [302, 400, 401, 404, 413])
def test_a_refusal_is_logged_and_not_repeated(package: Path, env: dict[str, str], connector: Connector, answer: int) -> None:
    connector.answer = answer
    outcomes, logged = run(package, env, "picwardFinalized", OBJECT)
    assert outcomes == [{"done": True}]
    assert len(connector.received) == 1, "a redirect is not followed"
    assert '"severity":"ERROR"' in logged
    assert SECRET not in logged


def manifest(folder: Path, env: dict[str, str]) -> dict[str, Any]:
    """Read a codebase as the Firebase CLI does before it deploys."""
    written = folder / "manifest.json"
    program = folder / "node_modules/firebase-functions/lib/bin/firebase-functions.js"
    env = env | {"FUNCTIONS_MANIFEST_OUTPUT_PATH": str(written)}
    done = subprocess.run(["node", program], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(written.read_text())


def test_the_cli_finds_both_functions_their_trigger_and_their_parameters(package: Path, env: dict[str, str]) -> None:
    found = manifest(package, env)
    for name, event in (("picwardFinalized", "finalized"), ("picwardUpdated", "metadataUpdated")):
        endpoint = found["endpoints"][name]
        assert endpoint["eventTrigger"] == {
            "eventType": f"google.cloud.storage.object.v1.{event}",
            "eventFilters": {"bucket": "{{ params.PICWARD_BUCKET }}"},
            "retry": True,
        }
        assert endpoint["region"] == "{{ params.FUNCTION_DEFAULT_REGION }}"
        assert endpoint["secretEnvironmentVariables"] == [{"key": "PICWARD_SECRET"}]
    params = {param["name"]: param for param in found["params"]}
    assert params["PICWARD_SECRET"]["type"] == "secret"
    assert params["PICWARD_BUCKET"]["input"] == {"resource": {"type": "storage.googleapis.com/Bucket"}}
    assert all(param["label"] and param["description"] for param in params.values())


def test_it_installs_as_a_kit(package: Path, env: dict[str, str], tmp_path: Path) -> None:
    """What `functions:kits:install --package` writes around a package is an index that exports it, and the region."""
    described = json.loads((package / "package.json").read_text())
    (tmp_path / "package.json").write_text('{"name": "functions", "type": "module", "main": "index.js"}')
    (tmp_path / "index.js").write_text(f'export * from "{described["name"]}";\n')
    modules = tmp_path / "node_modules"
    modules.mkdir()
    for one in (package / "node_modules").resolve().iterdir():
        (modules / one.name).symlink_to(one)
    shutil.copytree(package, modules / described["name"], ignore=shutil.ignore_patterns("node_modules"))
    found = manifest(tmp_path, env)
    assert set(found["endpoints"]) == {"picwardFinalized", "picwardUpdated"}
    assert "FUNCTION_DEFAULT_REGION" not in {param["name"] for param in found["params"]}


def test_the_package_has_all_it_names_and_no_build_step() -> None:
    described = json.loads((SOURCE / "package.json").read_text())
    assert set(described["files"]) >= {described["main"], described["exports"]["."].removeprefix("./"), "forward.js", "README.md"}
    assert all((SOURCE / name).is_file() for name in described["files"])
    assert "Apache License" in (SOURCE / "LICENSE").read_text()
    assert described["license"] == "Apache-2.0"
    assert "scripts" not in described
    assert f'picward-forwarder/{described["version"]}"' in (SOURCE / "forward.js").read_text()


@pytest.mark.live
def test_the_functions_emulator_runs_it(package: Path, env: dict[str, str], connector: Connector, tmp_path: Path) -> None:
    """Upload to the Storage emulator and hear of it, through the Firebase CLI's own Functions emulator.

    Runs where PICWARD_FUNCTIONS_EMULATOR names a folder with firebase-tools in its node_modules (625 packages, some 312 MB):
    `npm install --prefix FOLDER --ignore-scripts firebase-tools@15.34.2 firebase-functions@7.4.0 firebase-admin@13`. The rules
    runtime, a Java program, is replaced by a shim that permits everything, so neither Java nor a download is needed.
    """
    installed = os.environ.get("PICWARD_FUNCTIONS_EMULATOR")
    if not installed:
        pytest.skip("PICWARD_FUNCTIONS_EMULATOR names no folder with firebase-tools")
    env = env | {"PICWARD_BUCKET": "demo-test.appspot.com"}
    with emulators(Path(installed), package, env, tmp_path) as storage:
        name = "users%2Fu1%2Fa.png"
        upload = f"{storage}/v0/b/demo-test.appspot.com/o?name={name}"
        answer = requests.post(upload, data=b"\x89PNG pixels", headers={"content-type": "image/png"}, timeout=30)
        assert answer.status_code == 200, answer.text
        wait_for(lambda: connector.received, "the forwarder's request", 60, tmp_path / "emulators.log")
    said = connector.verified()[0]
    assert (said["type"], said["data"]["bucket"], said["data"]["name"]) == (
        "object.finalized",
        "demo-test.appspot.com",
        "users/u1/a.png",
    )
    assert said["data"]["generation"] == answer.json()["generation"]
    assert "firebaseStorageDownloadTokens" not in said["data"].get("metadata", {})
