// SPDX-License-Identifier: Apache-2.0
// The entry for a folder that is deployed itself (a copied functions/ folder, kits:install --directory). A kit that is installed
// from a registry gets its region from the file that the Firebase CLI writes around it, and starts at index.js.
import { setGlobalOptions } from "firebase-functions/v2/options";
import { defineString } from "firebase-functions/params";

const region = defineString("FUNCTION_DEFAULT_REGION", {
  label: "Region of the functions",
  description: "Best the bucket's own region; europe-west1 for example.",
  default: "us-central1",
  input: {
    text: {
      nonEmpty: true,
      validationRegex: "^[a-z]+-[a-z]+[0-9]+$",
      validationErrorMessage: "A region looks like europe-west1.",
    },
  },
});

setGlobalOptions({ region });

export * from "./index.js";
