// SPDX-License-Identifier: Apache-2.0
// A sample for web apps (modular SDK 9 or newer): upload a picture, and follow what Picward says about it.
import { getAuth } from "firebase/auth";
import { doc, getFirestore, onSnapshot } from "firebase/firestore";
import { getDownloadURL, getStorage, ref, uploadBytes } from "firebase/storage";

/**
 * Upload a picture of the signed-in user to pending/.
 *
 * @param {import("firebase/app").FirebaseApp} app
 * @param {File} file
 * @returns {Promise<string>} the object's name, by which to follow it
 */
export async function upload(app, file) {
  const user = getAuth(app).currentUser;
  if (!user) throw new Error("Sign in first.");
  // A name that was never used: rules forbid to replace a file, and every picture is judged by itself.
  const name = `pending/${user.uid}/${crypto.randomUUID()}`;
  await uploadBytes(ref(getStorage(app), name), file, {
    contentType: file.type,
    // No browser and no cache keeps what is not judged yet.
    cacheControl: "private, max-age=0",
  });
  return name;
}

/**
 * Follow a picture: `show` is called with {status: "pending"} at once, and then with what Picward tells.
 *
 * status is "pending", "approved", "flagged" (shown, and under review), "rejected" or "deleted"; an approved picture has a url.
 *
 * @param {import("firebase/app").FirebaseApp} app
 * @param {string} name as upload() gave it
 * @param {(picture: {status: string, url?: string, categories: string[]}) => void} show
 * @param {(error: Error) => void} [failed]
 * @returns {Promise<() => void>} a function that ends it
 */
export async function follow(app, name, show, failed = console.error) {
  const storage = getStorage(app);
  const bucket = ref(storage).bucket;
  const picture = doc(getFirestore(app), "moderation", await documentId(bucket, name));
  return onSnapshot(
    picture,
    async (snapshot) => {
      const told = snapshot.data();
      if (!told) return show({ status: "pending", categories: [] });
      const { status, categories } = told;
      if (status !== "approved") return show({ status, categories });
      try {
        // Where the picture is now: in public/ once it is approved.
        const url = told.url || (await getDownloadURL(ref(storage, told.path || publicName(name))));
        show({ status, categories, url });
      } catch (error) {
        failed(error);
      }
    },
    failed,
  );
}

/** Give the id of a picture's document: SHA-256 of "bucket/name", in lower-case hex. */
export async function documentId(bucket, name) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${bucket}/${name}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function publicName(name) {
  return name.replace(/^pending\//, "public/");
}
