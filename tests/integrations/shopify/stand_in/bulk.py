"""Bulk operations: begun, looked at, finished, and said so by a webhook."""

from __future__ import annotations

import secrets
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from tests.integrations.shopify import schema
from tests.integrations.shopify.stand_in import payloads
from tests.integrations.shopify.stand_in.jsonl import Writer
from tests.integrations.shopify.stand_in.model import BulkOperation

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.shop import Shop

MAX_RUNNING = 5
"""Bulk queries at once, per app and shop, since 2026-01."""

URL_SECONDS = 604_800
_RUNNING = ("CREATED", "RUNNING")


class BulkOperations:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.operations: dict[str, BulkOperation] = {}
        self.files: dict[str, BulkOperation] = {}
        self.polls = 2
        self.seconds: float | None = None

    def run(self, query: str, asker: Any, grouped: bool) -> BulkOperation | None:
        """Begin; give None when too many are running."""
        if sum(one.status in _RUNNING for one in self.operations.values()) >= MAX_RUNNING:
            return None
        operation = BulkOperation(self.shop.number_of("bulk"), query, asker, self.shop.now(), grouped)
        self.operations[operation.gid] = operation
        if self.seconds is not None:
            timer = threading.Timer(self.seconds, self._finish, [operation])
            timer.daemon = True
            timer.start()
        return operation

    def read(self, id: str) -> BulkOperation | None:
        """Look at an operation; it goes on as it is looked at."""
        operation = self.operations.get(id)
        if operation is not None and operation.status in _RUNNING:
            operation.reads += 1
            operation.status = "RUNNING"
            if self.seconds is None and operation.reads >= self.polls:
                self._finish(operation)
        return operation

    def cancel(self, id: str) -> BulkOperation | None:
        operation = self.operations.get(id)
        if operation is not None and operation.status in _RUNNING:
            operation.status = "CANCELED"
        return operation

    def finish_all(self) -> None:
        for operation in list(self.operations.values()):
            self._finish(operation)

    def fail_all(self, code: str) -> None:
        with self.shop.lock:
            for operation in self.operations.values():
                if operation.status in _RUNNING:
                    self._fail(operation, code)

    def _fail(self, operation: BulkOperation, code: str) -> None:
        operation.status, operation.error, operation.completed = "FAILED", code, self.shop.now()
        self.shop.send("bulk_operations/finish", payloads.bulk_operation(operation))

    def expire(self) -> None:
        self.files.clear()

    def _finish(self, operation: BulkOperation) -> None:
        with self.shop.lock:
            if operation.status not in _RUNNING:
                return
            needed = schema.scopes_of(operation.query, operation.asker.version)
            if any(not one & operation.asker.scopes for one in needed):
                self._fail(operation, "ACCESS_DENIED")
                return
            operation.file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the operation
            Writer(operation, operation.file).write()
            operation.size = operation.file.tell()
            operation.status, operation.completed = "COMPLETED", self.shop.now()
            if operation.size:  # an operation that finds nothing has no address
                key = secrets.token_urlsafe(24)
                self.files[key] = operation
                operation.url = (
                    f"{self.shop.shopify.address}/storage/bulk/{key}.jsonl?Expires={self.shop.now() + URL_SECONDS}&Signature=x%3D"
                )
            self.shop.send("bulk_operations/finish", payloads.bulk_operation(operation))
