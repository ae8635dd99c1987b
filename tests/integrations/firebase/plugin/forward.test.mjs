// What of the forwarder is pure. FORWARDER names the folder of the package.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const { FIELDS, listed, request, skipped } = await import(pathToFileURL(path.join(process.env.FORWARDER, "forward.js")));

const SECRET = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXNlY3JldC0zMi1ieXQ=";
const OBJECT = {
  bucket: "demo-test.firebasestorage.app",
  name: "users/u1/Am Strand – für alle?.png",
  generation: "1795348800000001",
  metageneration: 1,
  contentType: "image/png",
  size: "133",
  etag: "CAE=",
  metadata: { ownerUid: "u1", firebaseStorageDownloadTokens: "9ded1d5f-0000-4000-8000-000000000000" },
};
const ALL = { include: [], exclude: [], contentTypes: [], maxBytes: 0 };

test("lists are read with blanks and empty parts", () => {
  assert.deepEqual(listed(" uploads/, avatars/ ,,"), ["uploads/", "avatars/"]);
  assert.deepEqual(listed(""), []);
});

test("everything is sent unless a filter says otherwise", () => {
  const reason = (over, object = {}, type = "object.finalized") => skipped(type, { ...OBJECT, ...object }, { ...ALL, ...over });
  assert.equal(reason({}), "");
  assert.equal(reason({}, { contentType: undefined, size: "99999999999" }), "");
  assert.equal(reason({ include: ["avatars/", "users/"] }), "");
  assert.notEqual(reason({ include: ["avatars/"] }), "");
  assert.notEqual(reason({ include: ["users/"], exclude: ["users/u1/"] }), "");
  assert.notEqual(reason({}, { name: "users/", size: "0" }), "");
  assert.equal(reason({ contentTypes: ["image/"] }, { contentType: "IMAGE/PNG" }), "");
  assert.notEqual(reason({ contentTypes: ["image/"] }, { contentType: undefined }), "");
  assert.equal(reason({ maxBytes: 133 }), "");
  assert.notEqual(reason({ maxBytes: 132 }), "");
  assert.equal(reason({ maxBytes: 1 }, {}, "object.updated"), "too large");
});

test("what is sent names no token and has its numbers as text", () => {
  const { v, to, type, data } = JSON.parse(request("object.finalized", OBJECT, SECRET, 1).body);
  assert.deepEqual([v, to, type], [1, "connector", "object.finalized"]);
  assert.deepEqual(data.metadata, { ownerUid: "u1" });
  assert.equal(data.metageneration, "1");
  assert.equal(data.etag, undefined);
  assert.ok(Object.keys(data).every((key) => FIELDS.includes(key)));
  assert.ok(OBJECT.metadata.firebaseStorageDownloadTokens, "the event itself is left as it was");
});

test("an event's id is the same at every retry and another for every generation", () => {
  const id = (over, type = "object.finalized", now = 1) => request(type, { ...OBJECT, ...over }, SECRET, now).headers["webhook-id"];
  assert.equal(id({}), id({ metageneration: 2 }, "object.finalized", 99));
  const ids = [id({}), id({ generation: "2" }), id({ name: "a" }), id({ bucket: "b" }), id({}, "object.updated"), id({ metageneration: "9" }, "object.updated")];
  assert.equal(new Set(ids).size, ids.length);
  assert.match(ids[0], /^obj_[0-9a-f]{40}$/);
});

test("a secret that is none is named, not shown", () => {
  for (const secret of ["", "whsec_", "whsec_c2hvcnQ=", "hunter2hunter2hunter2hunter2hunter2"]) {
    assert.throws(() => request("object.finalized", OBJECT, secret, 1), (error) => !error.message.includes("hunter2"));
  }
});
