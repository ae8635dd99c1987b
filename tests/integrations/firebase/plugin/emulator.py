"""The Firebase CLI's Functions and Storage emulators around a copy of the forwarder, on loopback ports of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from bench.processes import free_port
from tests.support.instance import wait_for

RULES_JAR = "cloud-storage-rules-runtime-v1.1.3.jar"
"""What firebase-tools 15.34.2 looks for before it starts `java`; that it is empty nobody notices."""

RULES_RUNTIME = """#!/usr/bin/env node
// Stands in for the rules runtime, a Java program: one JSON object a line each way. It permits everything.
if (process.argv.includes("-version")) { process.stderr.write('openjdk version "21.0.5" 2024-10-15\\n'); process.exit(0); }
const say = (value) => process.stdout.write(JSON.stringify({ status: "ok", errors: [], warnings: [], ...value }) + "\\n");
let rest = "";
process.stdin.on("data", (data) => {
  const lines = (rest + data).split("\\n");
  rest = lines.pop();
  for (const line of lines.filter(Boolean)) {
    const { id, action } = JSON.parse(line);
    say({ id, result: action === "verify" ? { permit: true } : { rulesVersion: 2 } });
  }
});
say({ id: -1 });
"""


@contextmanager
def emulators(installed: Path, package: Path, env: dict[str, str], scratch: Path) -> Iterator[str]:
    """Run them with the forwarder's parameters in `env`; give the Storage emulator's address."""
    project, shims = scratch / "project", scratch / "shims"
    shutil.copytree(package, project / "functions", ignore=shutil.ignore_patterns("node_modules"))
    (project / "functions/node_modules").symlink_to(installed / "node_modules")
    params = {name: value for name, value in env.items() if name.startswith("PICWARD_") and name != "PICWARD_SECRET"}
    params |= {
        "FUNCTION_DEFAULT_REGION": "us-central1",
        "PICWARD_INCLUDE": "",
        "PICWARD_CONTENT_TYPES": "",
        "PICWARD_MAX_BYTES": "0",
    }
    (project / "functions/.env.demo-test").write_text("".join(f"{name}={value}\n" for name, value in params.items()))
    (project / "functions/.secret.local").write_text(f"PICWARD_SECRET={env['PICWARD_SECRET']}\n")
    (project / "storage.rules").write_text("rules_version = '2';\nservice firebase.storage {}\n")
    ports = {name: free_port() for name in ("functions", "storage", "hub", "logging", "eventarc", "tasks")}
    config = {
        "functions": [{"source": "functions", "codebase": "default"}],
        "storage": {"rules": "storage.rules"},
        "emulators": {name: {"host": "127.0.0.1", "port": port} for name, port in ports.items()} | {"ui": {"enabled": False}},
    }
    (project / "firebase.json").write_text(json.dumps(config))
    shims.mkdir()
    (shims / RULES_JAR).touch()
    (shims / "java").write_text(RULES_RUNTIME)
    (shims / "java").chmod(0o755)
    program = installed / "node_modules/firebase-tools/lib/bin/firebase.js"
    command = ["node", str(program), "emulators:start", "--only", "functions,storage", "--project", "demo-test"]
    surroundings = {
        "PATH": f"{shims}:{os.environ['PATH']}",
        "HOME": str(scratch),
        "FIREBASE_EMULATORS_PATH": str(shims),
        # Else the discovery of functions listens on every interface.
        "FIREBASE_FUNCTIONS_DISCOVERY_OUTPUT_PATH": str(scratch),
        "CI": "true",
    }
    address = f"http://127.0.0.1:{ports['storage']}"
    log = scratch / "emulators.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=project, env=surroundings, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(lambda: b"All emulators ready" in log.read_bytes() or process.poll() is not None, "the emulators", 180, log)
        assert requests.get(address, timeout=10).status_code, log.read_text()
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
