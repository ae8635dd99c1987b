// SPDX-License-Identifier: Apache-2.0
// What the functions do, without Firebase: choose, sign, post. Signed as https://www.standardwebhooks.com describes.
import { createHash, createHmac } from "node:crypto";

/** How long the connector has for its answer, in milliseconds; it only stores the event. */
export const TIMEOUT = 10_000;

/** How many bytes a signing secret has at least; Standard Webhooks says 24 to 64. */
const MIN_SECRET_BYTES = 24;

/** What is sent of an object. Its download token is not: whoever has it can read the picture. */
export const FIELDS = [
  "bucket", "name", "generation", "metageneration", "contentType", "contentEncoding", "size", "md5Hash", "crc32c",
  "cacheControl", "metadata", "timeCreated", "updated",
];
const TOKENS = "firebaseStorageDownloadTokens";
const NUMBERS = new Set(["generation", "metageneration", "size"]);
const LATER = new Set([408, 425, 429]);

/** Read a comma-separated parameter. */
export function listed(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}

/** Tell why an object is not sent; "" when it is. */
export function skipped(type, object, { include, exclude, contentTypes, maxBytes }) {
  const begins = (text) => (prefix) => text.startsWith(prefix);
  if (object.name.endsWith("/") && Number(object.size) === 0) return "a folder's marker";
  if (include.length && !include.some(begins(object.name))) return "outside the included prefixes";
  if (exclude.some(begins(object.name))) return "under an excluded prefix";
  if (contentTypes.length && !contentTypes.some(begins((object.contentType ?? "").toLowerCase()))) return "another content type";
  if (maxBytes > 0 && Number(object.size) > maxBytes) return "too large";
  return "";
}

/** Make the signed request about an object, at a time in Unix seconds. Every retry of one event has the same id. */
export function request(type, object, secret, now) {
  const data = {};
  for (const field of FIELDS) {
    if (object[field] !== undefined) data[field] = NUMBERS.has(field) ? String(object[field]) : object[field];
  }
  if (data.metadata) {
    const { [TOKENS]: _, ...metadata } = data.metadata;
    data.metadata = metadata;
  }
  const body = JSON.stringify({ v: 1, to: "connector", type, data });
  const told = [type, data.bucket, data.name, data.generation];
  if (type === "object.updated") told.push(data.metageneration); // one generation can be changed often
  const digest = createHash("sha256").update(told.join("\n")).digest("hex");
  const id = `obj_${digest.slice(0, 40)}`;
  const mac = createHmac("sha256", key(secret)).update(`${id}.${now}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "user-agent": "picward-forwarder/0.1.0",
    "webhook-id": id,
    "webhook-timestamp": String(now),
    "webhook-signature": `v1,${mac}`,
  };
  return { headers, body };
}

/** Post an event to the connector; throw when it should be delivered again. */
export async function forward(type, object, { url, secret, logger, ...filters }) {
  const about = { type, bucket: object.bucket, name: object.name, generation: String(object.generation) };
  const reason = skipped(type, object, filters);
  if (reason) {
    logger.debug(`Not sent: ${reason}.`, about);
    return;
  }
  const { headers, body } = request(type, object, secret, Math.floor(Date.now() / 1000));
  let status;
  try {
    // A redirect would carry the signed event to somebody else.
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT) });
    status = answer.status;
    await answer.body?.cancel();
  } catch (error) {
    // The cause may name the address with everything in it: say only what kind it is.
    const kind = error.cause?.code ?? error.name;
    logger.warn("The connector did not answer; the event will be delivered again.", { ...about, error: kind });
    throw new Error(`The connector did not answer (${kind}).`);
  }
  if (status >= 200 && status < 300) {
    logger.debug("Sent.", { ...about, status });
  } else if (status >= 500 || LATER.has(status)) {
    logger.warn("The connector cannot take the event now; it will be delivered again.", { ...about, status });
    throw new Error(`The connector answered ${status}.`);
  } else {
    const hint = status === 401 ? "PICWARD_SECRET is not this site's secret, or the bucket is not connected" : "check PICWARD_URL";
    logger.error(`The connector refused the event: ${hint}.`, { ...about, status });
  }
}

function key(secret) {
  const text = secret.trim();
  const found = Buffer.from(text.replace(/^whsec_/, ""), "base64");
  if (!text.startsWith("whsec_") || found.length < MIN_SECRET_BYTES) {
    throw new Error("PICWARD_SECRET is not a signing secret: it starts with whsec_ and is shown by the connector.");
  }
  return found;
}
