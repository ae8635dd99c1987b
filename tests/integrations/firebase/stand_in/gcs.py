"""A stand-in of Cloud Storage on a real socket, for google-cloud-storage and what Firebase's clients see of it.

Not there: soft delete, compose, batches, signed addresses, customer-held keys, IAM policies.
`python -m tests.integrations.firebase.stand_in.gcs --bucket NAME --objects 100000` serves many objects from a process of its own.
"""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote, unquote

from tests.integrations.firebase.stand_in import firebase_api, google, json_api, uploads
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.stand_in.json_api import MAX_PAGE
from tests.integrations.firebase.stand_in.objects import Bucket, Clock, Pace, StoredObject
from tests.integrations.firebase.stand_in.push import Push
from tests.integrations.firebase.stand_in.server import Refusal, Request, Route, StandIn
from tests.integrations.firebase.stand_in.uploads import Session

Rules = bool | Callable[[str, str, str], bool]


class CloudStorage(StandIn):
    """Be Cloud Storage, Firebase's download addresses, Google's certificates and its token endpoint at one address."""

    routes: ClassVar[tuple[Route, ...]] = (
        *google.ROUTES,
        *json_api.ROUTES,
        *uploads.ROUTES,
        *firebase_api.ROUTES,
        firebase_api.PUBLIC_ROUTE,
    )
    changing: ClassVar[frozenset[str]] = frozenset(
        {f"objects.{name}" for name in ("insert", "patch", "update", "delete", "copy", "rewrite", "move")}
        | {"acl.insert", "acl.delete", "firebase.upload"}
    )

    def __init__(
        self,
        *,
        signer: GoogleSigner | None = None,
        rewrite: Literal["replace", "merge"] = "replace",
        rewrite_chunk: int | None = None,
        bearer: str | Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__()
        self.buckets: dict[str, Bucket] = {}
        self.sessions: dict[str, Session] = {}
        self.rules: Rules = False
        self.rewrite = rewrite
        self.rewrite_chunk = rewrite_chunk
        self.page_size = MAX_PAGE
        self.bearer = bearer
        self.accounts = google.Accounts()
        self._signer = signer
        self._pushes: list[Push] = []
        self._clock = Clock()
        self.pace = Pace()

    def stop(self) -> None:
        for push in self._pushes:
            push.close()
        super().stop()

    @property
    def signer(self) -> GoogleSigner:
        with self.lock:
            # Making a key takes a tenth of a second; most tests sign nothing.
            self._signer = self._signer or GoogleSigner()
            return self._signer

    def environment(self) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": self.address}

    def bucket(self, name: str, *, uniform: bool = False, public: bool = False) -> Bucket:
        """Make a bucket, or give the one that is there."""
        with self.lock:
            if name not in self.buckets:
                known = (self._clock, self._emit, self.lock, self.pace)
                self.buckets[name] = Bucket(name, *known, uniform=uniform, public=public)
            return self.buckets[name]

    def found(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return self.buckets[name]

    def notify(self, push: Push) -> Push:
        """Tell this subscriber of everything from now on."""
        self._pushes.append(push)
        return push

    def permits(self, operation: str, bucket: str, name: str) -> bool:
        return self.rules(operation, bucket, name) if callable(self.rules) else self.rules

    def allowed(self, request: Request) -> None:
        if request.anonymous and "/storage/v1/" in request.path and not self._open_to_all(request):
            raise Refusal(401, "required", "Anonymous caller does not have storage.objects.get access to the object.")
        if self.bearer is None or "/storage/v1/" not in request.path:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        right = self.bearer(token) if callable(self.bearer) else token == self.bearer
        if scheme.lower() != "bearer" or not right:
            raise Refusal(401, "authError", "Invalid Credentials")

    def _open_to_all(self, request: Request) -> bool:
        if request.operation in ("buckets.testIamPermissions", "objects.insert"):  # a resumable upload's address is its proof
            return True
        found = re.fullmatch(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)", request.path)
        place = self.buckets.get(found[1]) if found and request.method == "GET" else None
        one = place.get(unquote(found[2])) if place and found else None
        return place is not None and one is not None and place.readable(one)

    def download_url(self, bucket: str, name: str, token: str) -> str:
        return f"{self.client_metadata_url(bucket, name)}?alt=media&token={token}"

    def client_metadata_url(self, bucket: str, name: str) -> str:
        """Give the address that a client's getDownloadURL() asks; it makes a token where the rules permit and there is none."""
        return f"{self.address}/v0/b/{bucket}/o/{quote(name, safe='')}"

    def public_url(self, bucket: str, name: str) -> str:
        return f"{self.address}/{bucket}/{quote(name)}"

    @property
    def certs_url(self) -> str:
        return self.address + google.CERTS

    @property
    def jwks_url(self) -> str:
        return self.address + google.JWKS

    @property
    def token_url(self) -> str:
        return self.address + google.TOKEN

    def service_account(
        self, email: str = "picward@demo-test.iam.gserviceaccount.com", project: str = "demo-test"
    ) -> dict[str, Any]:
        """Make a service account's key file whose token endpoint is this stand-in."""
        return self.accounts.key_file(email, project, self.token_url)

    def revoke(self, email: str) -> None:
        self.accounts.revoke(email)

    def issued(self, token: str) -> bool:
        """Tell whether the token endpoint gave out this bearer and nobody revoked it."""
        return self.accounts.issued(token)

    def _emit(self, event: str, found: StoredObject, others: Mapping[str, str]) -> None:
        for push in self._pushes:
            push.take(event, found, others, self.address)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--objects", type=int, default=0)
    parser.add_argument("--prefix", default="uploads/")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    gcs = CloudStorage()
    gcs.bucket(asked.bucket).fill(asked.prefix, asked.objects)
    gcs.start(asked.port)
    print(gcs.address, flush=True)  # noqa: T201
    threading.Event().wait()


if __name__ == "__main__":
    main()
