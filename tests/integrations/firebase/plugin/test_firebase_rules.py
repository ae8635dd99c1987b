"""The security rules, applied to what people try; and the client sample, run with a stand-in for the web SDK."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integrations.firebase.plugin.rules import Rules

FOLDER = Path(__file__).parents[4] / "plugins/firebase"
STORAGE, IN_PLACE, FIRESTORE = (
    Rules((FOLDER / "rules" / name).read_text()) for name in ("storage.rules", "storage-in-place.rules", "firestore.rules")
)
METHODS = ("get", "list", "create", "update", "delete")
NOBODY = None


def person(uid: str, **claims: Any) -> SimpleNamespace:
    return SimpleNamespace(uid=uid, token=claims)


def uploaded(**over: Any) -> SimpleNamespace:
    return SimpleNamespace(**({"size": 5000, "contentType": "image/png", "metadata": None} | over))


def asked(
    rules: Rules,
    method: str,
    name: str,
    auth: Any = None,
    new: Any = None,
    there: Any = None,
    bucket: str = "demo-test.appspot.com",
) -> bool:
    request = SimpleNamespace(auth=auth, resource=new)
    return rules.allows(method, f"/b/{bucket}/o/{name}", request=request, resource=there)


@pytest.mark.parametrize("auth", [NOBODY, person("u1"), person("u2"), person("u1", admin=True)])
@pytest.mark.parametrize("rules", [STORAGE, IN_PLACE], ids=["pending and public", "in place"])
def test_nobody_reaches_the_quarantine_or_what_no_rule_names(rules: Rules, auth: Any) -> None:
    for name in ("quarantine/a/b.png", "quarantine/u1", "elsewhere/u1/a.png", "a.png", "pending/u1", "users/u1"):
        for method in METHODS:
            assert not asked(rules, method, name, auth, uploaded(), None if method == "create" else uploaded()), (method, name)


def test_what_is_pending_can_be_created_by_its_owner_and_nothing_else() -> None:
    name = "pending/u1/2026/a.png"
    assert asked(STORAGE, "create", name, person("u1"), uploaded())
    assert asked(STORAGE, "create", name, person("u1", uploadBanned=False), uploaded())
    refused = {
        "nobody": (NOBODY, uploaded(), None),
        "another": (person("u2"), uploaded(), None),
        "banned": (person("u1", uploadBanned=True), uploaded(), None),
        "over another file": (person("u1"), uploaded(), uploaded()),
        "too large": (person("u1"), uploaded(size=10 * 1024 * 1024), None),
        "a page": (person("u1"), uploaded(contentType="text/html"), None),
        "a drawing with scripts": (person("u1"), uploaded(contentType="image/svg+xml"), None),
        "no type": (person("u1"), uploaded(contentType=None), None),
    }
    for reason, (auth, new, there) in refused.items():
        assert not asked(STORAGE, "create", name, auth, new, there), reason
    for method in ("get", "list", "update", "delete"):
        for auth in (NOBODY, person("u1"), person("u2")):
            assert not asked(STORAGE, method, name, auth, uploaded(), uploaded()), method


def test_what_is_public_can_be_read_and_never_written() -> None:
    for name in ("public/u1/a.png", "blurred/u1/a.png"):
        for auth in (NOBODY, person("u1")):
            assert asked(STORAGE, "get", name, auth, None, uploaded())
            for method in ("list", "create", "update", "delete"):
                assert not asked(STORAGE, method, name, auth, uploaded(), None if method == "create" else uploaded())


def test_in_place_a_picture_is_read_once_it_is_approved_and_nobody_approves_their_own() -> None:
    name = "users/u1/a.png"
    for metadata, seen in (({"moderation": "approved"}, True), ({"moderation": "rejected"}, False), ({}, False), (None, False)):
        assert asked(IN_PLACE, "get", name, NOBODY, None, uploaded(metadata=metadata)) is seen
    owner = person("u1")
    for metadata, taken in ((None, True), ({}, True), ({"ownerUid": "u1"}, True), ({"moderation": "approved"}, False)):
        assert asked(IN_PLACE, "create", name, owner, uploaded(metadata=metadata)) is taken
    assert not asked(IN_PLACE, "create", name, owner, uploaded(), uploaded())
    assert not asked(IN_PLACE, "update", name, owner, uploaded(metadata={"moderation": "approved"}), uploaded())
    assert asked(IN_PLACE, "delete", name, owner, None, uploaded())
    assert not asked(IN_PLACE, "delete", name, person("u2"), None, uploaded())


def test_a_document_is_followed_by_who_uploaded_the_picture_only() -> None:
    def may(method: str, auth: Any, there: Any) -> bool:
        known = {"request": SimpleNamespace(auth=auth), "resource": there}
        return FIRESTORE.allows(method, "/databases/(default)/documents/moderation/abc", **known)

    told = SimpleNamespace(data={"name": "pending/u1/a.png", "status": "rejected"})
    assert may("get", person("u1"), told)
    assert may("get", person("u1"), None), "there is none before the first decision"
    assert not may("get", person("u2"), told)
    assert not may("get", NOBODY, told)
    assert not may("get", NOBODY, None)
    assert not may("get", person("u1"), SimpleNamespace(data={}))
    listed = SimpleNamespace(data={"name": "pending/u1/a.png", "status": "rejected", "owner": "u1"})
    assert may("list", person("u1"), listed) and not may("list", person("u2"), listed) and not may("list", NOBODY, listed)
    assert not any(may("list", one, told) for one in (person("u1"), NOBODY)), "it does not say yet whose it is"
    assert not any(may(method, person("u1"), listed) for method in ("create", "update", "delete"))


def test_a_rule_that_is_misread_is_refused() -> None:
    text = (FOLDER / "rules/storage.rules").read_text()
    for broken in (text.replace("allow get, list", "allow peek, list"), text[:-4], text.replace("&&", "&", 1), text + "}"):
        with pytest.raises((AssertionError, IndexError)):
            Rules(broken)
    widened = Rules(text.replace("allow get, list, update, delete: if false", "allow get: if request.auth.uid == uid"))
    assert asked(widened, "get", "pending/u1/a.png", person("u1"), None, uploaded())


# What the sample takes from the web SDK; `globalThis.sdk` says what happens and hears what was called.
WEB_SDK = {
    "auth": "export const getAuth = () => ({ currentUser: { uid: 'u1' } });",
    "firestore": """
        export const getFirestore = () => 'firestore';
        export const doc = (...path) => path;
        export const onSnapshot = (document, next) => {
          sdk.document = document;
          sdk.next = (data) => next({ data: () => data });
          return () => { sdk.ended = true; };
        };""",
    "storage": """
        export const getStorage = () => 'storage';
        export const ref = (storage, name = '') => ({ bucket: 'demo-test.appspot.com', name });
        export const uploadBytes = async (...words) => { sdk.uploaded = words; };
        export const getDownloadURL = async ({ name }) => `https://storage.example/${name}`;""",
}
DRIVER = """
globalThis.crypto ??= (await import("node:crypto")).webcrypto;  // Debian 12's Node has it, but not as browsers do
globalThis.sdk = {};
const { upload, follow } = await import("./upload.js");
const name = await upload({}, { type: "image/png" });
const shown = [];
const end = await follow({}, name, (picture) => shown.push(picture));
const rejected = { status: "rejected", categories: ["violence.graphic"] };
for (const data of [undefined, rejected, { status: "approved", categories: [] }]) {
  await sdk.next(data);
}
end();
process.stdout.write(JSON.stringify({ name, shown, document: sdk.document, settings: sdk.uploaded[2], ended: sdk.ended }));
"""


def test_the_client_sample_uploads_follows_and_shows(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed; tests/support/install.sh installs it on Debian")
    shutil.copy(FOLDER / "client/upload.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    sdk = tmp_path / "node_modules/firebase"
    sdk.mkdir(parents=True)
    (sdk / "package.json").write_text('{"type": "module", "exports": {"./*": "./*.js"}}')
    for name, text in WEB_SDK.items():
        (sdk / f"{name}.js").write_text(text)
    (tmp_path / "driver.js").write_text(DRIVER)
    subprocess.run(["node", "--check", tmp_path / "upload.js"], check=True, timeout=30)
    done = subprocess.run(["node", "driver.js"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    folder, uid, file = said["name"].split("/")
    assert (folder, uid, len(file)) == ("pending", "u1", 36)
    id = hashlib.sha256(f"demo-test.appspot.com/{said['name']}".encode()).hexdigest()
    assert said["document"] == ["firestore", "moderation", id]
    assert said["settings"] == {"contentType": "image/png", "cacheControl": "private, max-age=0"}
    assert [picture["status"] for picture in said["shown"]] == ["pending", "rejected", "approved"]
    assert said["shown"][2]["url"] == f"https://storage.example/public/u1/{file}"
    assert said["ended"]
    # The rules let exactly this upload pass, and nobody read it before it is approved.
    assert asked(STORAGE, "create", said["name"], person("u1"), uploaded())
    assert not asked(STORAGE, "get", said["name"], person("u1"), None, uploaded())
    assert asked(STORAGE, "get", f"public/u1/{file}", person("u2"), None, uploaded())
