"""A credential for firebase_admin against stand-ins: its storage and Firestore ask for one although nobody looks at it."""

from __future__ import annotations

from firebase_admin import credentials
from google.auth.credentials import AnonymousCredentials


class AnonymousCredential(credentials.Base):  # type: ignore[misc]
    def get_credential(self) -> AnonymousCredentials:
        return AnonymousCredentials()
