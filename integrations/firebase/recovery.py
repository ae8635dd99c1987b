"""Put back what a Picward hid whose database and key are lost; run by hand, with the credentials of this machine or a key file.

    python -m integrations.firebase.recovery --project my-app-1a2b3 --bucket my-app-1a2b3.firebasestorage.app --dry-run

Nobody else can prove what the quarantine holds, so nothing of it is trusted: what comes back is open to nobody, and the Picward
that is connected now judges it as a new upload, and hides it again where it must.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.domain.errors import DeliveryUnreadable
from app.domain.platform import Site, SiteState
from integrations.firebase import journal as journals
from integrations.firebase import naming
from integrations.firebase.apps import Overtaken
from integrations.firebase.hiding import NAME
from integrations.firebase.settings import Settings
from integrations.firebase.storage import Blob, Store, private


def recover(store: Store, dry_run: bool = False) -> Iterator[str]:
    """Put every hidden picture back into its place, unless something is there; say of each what became of it."""
    for bucket, prefix in store.quarantines():
        for hidden in list(bucket.list_blobs(prefix=prefix)):
            folder, _, version = hidden.name.removeprefix(prefix).rpartition("/")
            said = str((hidden.metadata or {}).get(NAME, ""))
            name = naming.read_name(said, partial(_lies_in, folder))
            if name is not None and version.isdigit():
                yield f"{said}: {_put_back(store, hidden, name, dry_run)}"


def _lies_in(folder: str, name: str) -> bool:
    return naming.quarantine_folder(name) == folder


def _put_back(store: Store, hidden: Blob, name: str, dry_run: bool) -> str:
    written = store.get(journals.name_beside(hidden.name), hidden.bucket)
    try:
        journal = journals.unproven(store, written) if written is not None else None
    except (DeliveryUnreadable, Overtaken):
        journal = None
    if journal is None or not journal.fits(hidden):
        return "left, since what lies beside it does not describe it"
    if journal.name not in (name, store.public_name(name)):
        return "left, since it is said to be of another place"
    if store.get(journal.name) is not None:
        return f"left, since something is at {journal.name} again"
    if dry_run:
        return f"goes back to {journal.name}"
    try:
        fields = {**journal.put_back(), "metadata": {**journal.metadata, NAME: naming.written(name)}}
        back = store.copy(hidden, store.bucket, journal.name, fields, over=0)
        access = store.access(back)
        store.patch(back, {NAME: None, naming.TOKENS: None}, private(access) if access is not None else None)
        store.remove(hidden)
        store.remove(written)
    except Overtaken:
        return f"left, since something came to {journal.name} meanwhile"
    return f"is at {journal.name} again"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m integrations.firebase.recovery", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--quarantine", default="quarantine/", help="prefix of hidden pictures (default: quarantine/)")
    parser.add_argument("--quarantine-bucket", default="", help="bucket of hidden pictures, where it is another")
    parser.add_argument("--key", type=Path, help="key file of a service account")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    asked = parser.parse_args()
    site = Site(
        id="",
        platform="firebase",
        name="",
        state=SiteState.ACTIVE,
        secrets=(),
        connection={"project": asked.project},
        settings=Settings(quarantine=asked.quarantine, quarantine_bucket=asked.quarantine_bucket),
        key=asked.bucket,
        credentials={"service_account": asked.key.read_text("utf-8") if asked.key else ""},
    )
    for line in recover(Store(site), asked.dry_run):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
