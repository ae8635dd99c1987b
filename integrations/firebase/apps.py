"""The Admin SDK's apps, made when a site is first used, one per site and process; and what its errors mean to us.

Importing this loads neither firebase_admin nor gRPC: a machine without a Firebase site pays nothing for them, and no client
exists before a fork.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app.domain.errors import CredentialsExpired, PicwardError, PlatformClosed, PlatformRefused, PlatformUnavailable
from app.domain.platform import Site
from integrations.firebase.settings import Config
from integrations.kit.answers import RETRY_AFTER_SECONDS, code

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
"""How long one call may connect, and be silent. A call that failed is repeated by the core, with its back-off."""

BYTES_SECONDS = 60.0
"""How long a download or a copy inside the bucket may be silent; 20 MB over a slow line take less."""

TIMEOUT = (CONNECT_SECONDS, ANSWER_SECONDS)

MAX_APPS = 200
"""How many sites' apps a process keeps; an app costs about 0.2 MB, with Firestore 2 MB."""

NO_BUCKET_TRACES = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
"""What google-cloud-storage 3.17 reads before each call (its _opentelemetry_tracing.py)."""

_EMULATORS = (
    "STORAGE_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "FIREBASE_DATABASE_EMULATOR_HOST",
    "FIREBASE_AUTH_EMULATOR_HOST",
)


MAX_REFUSAL_CHARACTERS = 10_000
"""How much of a refusal's text is read for its reason; Google's have a few hundred characters."""


class Overtaken(Exception):
    """A precondition did not hold: another generation took the place, or the object is gone. Never leaves this package."""


class BucketMissing(PlatformRefused):
    """There is no bucket of that name."""


class Held(PlatformRefused):
    """A hold or a retention policy keeps an object in its place; what it is called and who may read it can be changed."""


_apps: OrderedDict[tuple[object, ...], Any] = OrderedDict()
_lock = threading.Lock()


def app_of(site: Site, config: Config) -> Any:
    """Return this process's firebase_admin app for a site, without any call. Raise `PlatformRefused` for unusable credentials."""
    key = (os.getpid(), *_identity(site), config.token_url, *(os.environ.get(name) for name in _EMULATORS))
    with _lock:
        if key in _apps:
            _apps.move_to_end(key)
            return _apps[key]
        made = _apps[key] = _make(site, config, f"picward-{os.getpid()}-{len(_apps)}-{hash(key)}")
        while len(_apps) > MAX_APPS:
            import firebase_admin

            firebase_admin.delete_app(_apps.popitem(last=False)[1])
        return made


def _identity(site: Site) -> tuple[object, ...]:
    settings = site.settings.model_dump()
    return (site.key, site.connection.get("project"), site.credentials.get("service_account"), settings.get("database_url"))


def _make(site: Site, config: Config, name: str) -> Any:
    # Otherwise google-cloud-storage asks for the bucket's location beside the first call, only to put it into traces, with
    # retries of its own and a permission that the account need not have.
    os.environ.setdefault(NO_BUCKET_TRACES, "true")
    try:
        import firebase_admin
    except ImportError:
        raise PlatformRefused(
            "The Admin SDK of Firebase is missing. Install Picward with it: make install WITH=firebase"
        ) from None
    options = {
        "projectId": str(site.connection.get("project", "")),
        "storageBucket": site.key,
        "databaseURL": site.settings.model_dump().get("database_url") or None,
        "httpTimeout": ANSWER_SECONDS,
    }
    options = {key: value for key, value in options.items() if value is not None}
    return firebase_admin.initialize_app(_credential(site.credentials, config), options, name=name)


def _credential(credentials: Mapping[str, Any], config: Config) -> Any:
    from firebase_admin.credentials import ApplicationDefault, Base, Certificate

    typed = str(credentials.get("service_account") or "")
    if typed:
        try:
            read = json.loads(typed)
            if said := _other_than_key(read):
                raise PlatformRefused(said)
            # An owner could name any address in the key file, inside this network too: only the operator says where to ask.
            return Certificate({**read, "token_uri": config.token_url, "universe_domain": "googleapis.com"})
        except (ValueError, TypeError, KeyError, RecursionError):
            raise PlatformRefused("The service account is not the JSON of a service account's key.") from None
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        from google.auth.credentials import AnonymousCredentials

        class Nobody(Base):  # type: ignore[misc]  # firebase_admin has no types
            def get_credential(self) -> Any:
                return AnonymousCredentials()  # type: ignore[no-untyped-call]

        # The SDK asks for a credential even where an emulator needs none.
        return Nobody()
    return ApplicationDefault()


def _other_than_key(read: Any) -> str:
    """Say what a JSON file is that is taken for a service account's key, "" for one that may be a key."""
    kind = read.get("type") if isinstance(read, dict) else None
    if kind in ("external_account", "impersonated_service_account"):
        # It names files, programs and addresses of the machine it is used on: only who runs that may say which.
        return (
            "This is a configuration of Workload Identity Federation and no key. Put the file on Picward's machine, name it in "
            "GOOGLE_APPLICATION_CREDENTIALS, and leave the service account empty."
        )
    if kind == "authorized_user":
        return "These are a person's own credentials. Make a key of a service account: connect.sh does with --key."
    if isinstance(read, dict) and "project_info" in read:
        return "This is google-services.json, which every copy of your app holds. Make a key of a service account instead."
    return ""


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Translate what the SDK raises inside into our errors; `what` names who was asked. Texts hold no address and no token."""
    try:
        yield
    except (PicwardError, Overtaken):
        raise
    except Exception as error:
        raise translated(error, what) from None


def translated(error: Exception, what: str) -> PicwardError:
    """Turn an error of Google's into ours. An unknown one counts as temporary: it is retried, and shows in the log."""
    import requests
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError

    if isinstance(error, DefaultCredentialsError):
        return CredentialsExpired("This machine has no Google credentials of its own; enter a service account's key.")
    if isinstance(error, RefreshError):
        if error.retryable:
            return PlatformUnavailable(f"{what}: Google gave no token just now.")
        if re.search("short-lived token|reasonable timeframe", str(error)):
            return PlatformClosed(
                "Google refuses what this machine signs, since its clock is wrong: let it follow a time server."
            )
        if "account not found" in str(error):
            return CredentialsExpired("The service account was deleted; enter the key of another one.")
        return CredentialsExpired("Google no longer accepts the service account's key; enter a new one.")
    if isinstance(error, GoogleAPICallError):
        return _refusal(error, what)
    if isinstance(error, requests.TooManyRedirects):
        return PlatformRefused(f"{what} sends us on to another address, which is not followed.")
    if isinstance(error, requests.Timeout | RetryError | TimeoutError):
        return PlatformUnavailable(f"{what} did not answer in time.")
    if isinstance(error, requests.RequestException | GoogleAuthError | OSError) and not isinstance(error, ValueError):
        return PlatformUnavailable(f"{what} cannot be reached or broke off its answer.")
    return _admin(error, what) or PlatformUnavailable(f"{what} answered what cannot be read ({type(error).__name__}).")


def _refusal(error: Any, what: str) -> PicwardError:
    status = int(error.code or 0)
    said = _said(error)
    if status == 401:
        return CredentialsExpired(f"{what} no longer accepts the credentials; enter a new service account's key.")
    if status == 403 and not said:
        return PlatformClosed(f"{what} is behind a wall that keeps Picward out (403).")
    if status == 403:
        held = re.search(r"is under active [\w -]*hold|retention policy", reason_of(error), re.IGNORECASE)
        return (Held if held else PlatformRefused)(f"{what} refused (403): {said}.")
    if status in (408, 425, 429) or status >= 500 or not said:
        # Google explains every refusal in JSON. What comes without was said by somebody on the way.
        if 300 <= status < 400:
            return PlatformRefused(f"{what} sends us on to another address, which is not followed.")
        return PlatformUnavailable(f"{what} asked us to come back later ({status}).", _retry_after(error))
    missing = status == 404 and "bucket does not exist" in reason_of(error)
    return (BucketMissing if missing else PlatformRefused)(f"{what} refused ({status}): {said}.")


KNOWN: tuple[tuple[str, str], ...] = (
    (r"bucket does not exist", "the bucket does not exist"),
    (r"is under active [\w -]*hold", "the object is under a hold"),
    (r"retention policy", "the bucket's retention policy forbids it"),
    (r"requester pays", "the bucket lets its readers pay, which Picward cannot do"),
    (r"billing", "the project's billing account is closed"),
    (r"KMS key", "the key that encrypts the bucket cannot be used"),
    (r"has not been used in project|API .*is disabled", "the API is not switched on in the project"),
    (r"public access prevention", "public access prevention forbids that everybody may read it"),
    (r"constraints/[\w.]+", "a policy of the organisation forbids it"),
    (r"uniform bucket-level access", "the bucket has no access lists of single objects"),
)
"""What Google's texts say that owners can do something about, in our words."""

_PERMISSION = re.compile(
    r"\b((?:storage|datastore|firebase[a-z]*|cloudmessaging|serviceusage)\.[A-Za-z]{1,30}\.[A-Za-z]{1,30})\b"
)
_CONSTRAINT = re.compile(r"\bconstraints/([A-Za-z0-9_.]{1,80})")
_IN_PLAIN_TEXT = re.compile(r"^No such object|pre-?conditions? |do(?:es)? not have storage\.", re.IGNORECASE)


def _said(error: Any) -> str:
    """Say why Google refused, in our words with its code or the permission that is missing; "" when it does not explain."""
    text = reason_of(error)
    if not text:
        return ""
    if permission := _PERMISSION.search(text):
        return f"the account lacks the permission {permission[1]}"
    if constraint := _CONSTRAINT.search(text):
        return f"the organisation's policy {constraint[1]} forbids it"
    words = next((words for pattern, words in KNOWN if re.search(pattern, text, re.IGNORECASE)), "")
    return words or code(str(_first(error).get("reason", ""))) or "it gave no code"


def _first(error: Any) -> Mapping[str, Any]:
    """Give the first explanation of a refusal; of uploads and downloads the SDK leaves it in the answer's body."""
    found = error.errors
    if not found and isinstance(getattr(error.response, "text", None), str):
        try:
            body = json.loads(error.response.text[:MAX_REFUSAL_CHARACTERS])
            found = body["error"].get("errors") or [body["error"]]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}
    first = next(iter(found or ()), None)
    return first if isinstance(first, Mapping) else {}


def reason_of(error: Any) -> str:
    """Return Google's own words for a refusal, never to be shown as they are; "" when somebody on the way refused."""
    import requests

    if not isinstance(error.response, requests.Response):
        return str(error.message or "")
    said = str(_first(error).get("message") or "")
    text = error.response.text[:MAX_REFUSAL_CHARACTERS].strip() if not said else ""
    # Downloads are refused in plain text. A page, or a word that Google does not use, was said by somebody on the way.
    plain = not text.startswith(("<", "{")) and (
        _IN_PLAIN_TEXT.search(text) or any(re.search(pattern, text, re.IGNORECASE) for pattern, _ in KNOWN)
    )
    return text if plain else said


def explained(error: Any) -> bool:
    """Tell whether a refusal came from Google itself, with its reason."""
    return bool(reason_of(error))


def _retry_after(error: Any) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("retry-after", "")).strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:12])
    else:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS)


def _admin(error: Exception, what: str) -> PicwardError | None:
    """Translate what the Admin SDK's auth, db and messaging raise."""
    from firebase_admin import exceptions

    if not isinstance(error, exceptions.FirebaseError):
        return None
    if error.code == exceptions.UNAUTHENTICATED:
        return CredentialsExpired(f"{what} no longer accepts the credentials; enter a new service account's key.")
    refused = (exceptions.PERMISSION_DENIED, exceptions.INVALID_ARGUMENT, exceptions.FAILED_PRECONDITION, exceptions.NOT_FOUND)
    if error.code in refused:
        return PlatformRefused(f"{what} refused: {error.code.lower().replace('_', ' ')}.")
    return PlatformUnavailable(f"{what} cannot do it now ({error.code.lower().replace('_', ' ')}).")
