// SPDX-License-Identifier: Apache-2.0
import { defineInt, defineSecret, defineString } from "firebase-functions/params";
import * as logger from "firebase-functions/logger";
import { onObjectFinalized, onObjectMetadataUpdated } from "firebase-functions/v2/storage";

import { forward, listed } from "./forward.js";

const url = defineString("PICWARD_URL", {
  label: "Address of your Picward connector",
  description: "Where events are posted to, as the connector's console shows it.",
  input: {
    text: {
      example: "https://picward.example/webhooks/firebase",
      nonEmpty: true,
      // Plain HTTP is for the emulator: an event names pictures and people.
      validationRegex: "^(https://|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?/)",
      validationErrorMessage: "The address starts with https://.",
    },
  },
});
const bucket = defineString("PICWARD_BUCKET", {
  label: "Bucket to watch",
  description:
    "The bucket that the app uploads to. A project's default is PROJECT.firebasestorage.app, an older one PROJECT.appspot.com.",
  input: { resource: { type: "storage.googleapis.com/Bucket" } },
});
const include = defineString("PICWARD_INCLUDE", {
  label: "Only these prefixes",
  description: "Comma-separated, like uploads/,avatars/. Empty: the whole bucket.",
  default: "",
});
const exclude = defineString("PICWARD_EXCLUDE", {
  label: "Not these prefixes",
  description: "Comma-separated. Picward's own quarantine has to be among them.",
  default: "quarantine/",
});
const contentTypes = defineString("PICWARD_CONTENT_TYPES", {
  label: "Only these content types",
  description:
    "Comma-separated beginnings, like image/. Empty: all. The uploader chooses the type: a filter here is a way around the check.",
  default: "",
});
const maxBytes = defineInt("PICWARD_MAX_BYTES", {
  label: "Largest object, in bytes",
  description:
    "Larger ones are not sent, so nobody looks at them. 0: no limit; what the connector cannot read, a person looks at.",
  default: 0,
});
const secret = defineSecret("PICWARD_SECRET", {
  label: "Signing secret",
  description: "The secret that the connector showed for this site; it starts with whsec_.",
});

const options = {
  bucket,
  secrets: [secret],
  // What the connector could not take is delivered again by Eventarc, for up to a day.
  retry: true,
  memory: "256MiB",
  timeoutSeconds: 60,
  maxInstances: 10,
};

const handler = (type) => (event) =>
  forward(type, event.data, {
    url: url.value(),
    secret: secret.value(),
    include: listed(include.value()),
    exclude: listed(exclude.value()),
    contentTypes: listed(contentTypes.value()),
    maxBytes: maxBytes.value(),
    logger,
  });

/** Tell the connector that an object, or a new version of one, is there. */
export const picwardFinalized = onObjectFinalized(options, handler("object.finalized"));

/** Tell the connector that what is said of an object changed: its type can make a picture of it. */
export const picwardUpdated = onObjectMetadataUpdated(options, handler("object.updated"));
