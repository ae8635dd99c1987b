"""The server on a real socket: routes to the API, the token endpoint, the CDN and the results of bulk operations."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.integrations.shopify import schema
from tests.integrations.shopify.stand_in import api, cdn, tokens
from tests.integrations.shopify.stand_in.answers import JSON, Answer
from tests.integrations.shopify.stand_in.cost import Bucket
from tests.integrations.shopify.stand_in.shop import Shop
from tests.integrations.shopify.stand_in.webhooks import Webhooks
from tests.support.serving import StandInServer

CLIENT_ID = "0123456789abcdef0123456789abcdef"
CLIENT_SECRET = "shpss_" + "c0ffee11" * 4
APP_NUMBER = 172_839_001

_NOT_FOUND = Answer(404, JSON, b'{"errors":"Not Found"}')


class Shopify:
    """Be Shopify for one app: any number of shops, the app's secrets, and the webhooks of all shops."""

    app_number = APP_NUMBER

    def __init__(
        self, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET, *, bucket: float = 2_000, restore_rate: float = 100
    ) -> None:
        self.client_id = client_id
        self.secrets = [client_secret]
        self.signing_secret = client_secret
        self.shops: dict[str, Shop] = {}
        self.webhooks = Webhooks(self)
        self.failures: list[BaseException] = []
        self._bucket = (bucket, restore_rate)
        self._ahead = 0.0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.origin = self.address + "/{shop}"

    def __enter__(self) -> Shopify:
        schema.load(schema.VERSIONS[-1])  # here, where a test can still be skipped when the schema cannot be had
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.webhooks.close()
        self._server.shutdown()
        self._server.server_close()
        if self.failures and exception[0] is None:
            raise self.failures[0]

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def open_shop(
        self, domain: str = "one.myshopify.com", *, scopes: Iterable[str] = ("write_products",), name: str = ""
    ) -> Shop:
        shop = Shop(
            self,
            domain,
            name or domain.partition(".")[0].title(),
            61_000_000_001 + len(self.shops),
            scopes,
            Bucket(*self._bucket),
        )
        self.shops[domain] = shop
        return shop

    def id_token(self, domain: str, *, secret: str | None = None, **over: Any) -> str:
        """Mint a session token as App Bridge hands it out; `over` replaces claims, None leaves one out, `secret` forges."""
        return tokens.id_token(self, domain, secret, over)

    def rotate_secret(self, new: str) -> None:
        """Add a secret. Shopify goes on signing with the old one for up to an hour."""
        self.secrets.insert(0, new)

    def use_new_secret(self) -> None:
        self.signing_secret = self.secrets[0]

    def revoke_old_secret(self) -> None:
        """Forget all secrets but the newest; tokens that were minted with them die."""
        self.use_new_secret()
        for old in self.secrets[1:]:
            for shop in self.shops.values():
                shop.grants.kill(old)
        del self.secrets[1:]

    # Routes

    def graphql(self, domain: str, version: str, token: str, body: bytes) -> Answer:
        shop = self.shops.get(domain)
        if shop is None:
            return _NOT_FOUND
        if shop.hang_seconds:
            shop.hung += 1
            time.sleep(shop.hang_seconds)
        return api.answer(shop, version, token, body)

    def token(self, domain: str, type_: str, body: bytes) -> Answer:
        shop = self.shops.get(domain)
        if shop is None:
            return _NOT_FOUND
        scripted = shop.scripts.next("token")
        if scripted is not None and not scripted.done:
            return scripted
        try:
            form = json.loads(body) if "json" in type_ else dict(parse_qsl(body.decode()))
            made = Answer(200, JSON, json.dumps(tokens.answer(shop, form)).encode())
        except (ValueError, AttributeError):
            made = Answer(400, JSON, b'{"error":"invalid_request"}')
        except tokens.TokenRefused as refused:
            made = Answer(
                400, JSON, json.dumps({"error": str(refused), "error_description": "The request was refused."}).encode()
            )
        return scripted or made

    def image(self, domain: str, name: str, query: str, accept: str) -> Answer:
        shop = self.shops.get(domain)
        return cdn.answer(shop, name, query, accept) if shop else _NOT_FOUND

    def bulk_file(self, key: str, wanted: str) -> Answer:
        """Give the result of a bulk operation, or the part of it that `Range: bytes=N-M` asks for."""
        operation = next((shop.bulk.files[key] for shop in self.shops.values() if key in shop.bulk.files), None)
        if operation is None or operation.file is None:
            return Answer(404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")
        scripted = operation.asker.shop.scripts.next("storage")
        if scripted is not None:
            return scripted
        headers = {"Content-Type": "application/jsonl", "Accept-Ranges": "bytes", "ETag": f'"{operation.number}"'}
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        first = int(part[1]) if part else 0
        last = min(int(part[2]) if part and part[2] else operation.size - 1, operation.size - 1)
        if first > last:
            return Answer(416, {"Content-Range": f"bytes */{operation.size}"})
        with operation.asker.shop.lock:
            operation.file.seek(first)
            data = operation.file.read(last - first + 1)
        if not part:
            return Answer(200, headers, data)
        return Answer(206, {**headers, "Content-Range": f"bytes {first}-{last}/{operation.size}"}, data)


class _Server(StandInServer):
    request_queue_size = 128
    block_on_close = False


_GRAPHQL = re.compile(r"/([\w.-]+)/admin/api/([\w-]+)/graphql\.json")
_TOKEN = re.compile(r"/([\w.-]+)/admin/oauth/access_token")
_IMAGE = re.compile(r"/cdn/([\w.-]+)/files/([\w.-]+)")
_BULK = re.compile(r"/storage/bulk/([\w-]+)\.jsonl")


def _handler(shopify: Shopify) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = urlsplit(self.path).path
            if found := _GRAPHQL.fullmatch(path):
                self._send(lambda: shopify.graphql(*found.groups(), self.headers.get("X-Shopify-Access-Token", ""), body))
            elif found := _TOKEN.fullmatch(path):
                self._send(lambda: shopify.token(found[1], self.headers.get("Content-Type", ""), body))
            else:
                self._send(lambda: _NOT_FOUND)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if found := _IMAGE.fullmatch(parts.path):
                self._send(lambda: shopify.image(*found.groups(), parts.query, self.headers.get("Accept", "")))
            elif found := _BULK.fullmatch(parts.path):
                self._send(lambda: shopify.bulk_file(found[1], self.headers.get("Range", "")))
            else:
                self._send(lambda: _NOT_FOUND)

        def _send(self, make: Any) -> None:
            try:
                answer = make()
            except Exception as failure:
                # A fault of the stand-in itself must not look like one of Shopify's: the test that caused it fails.
                shopify.failures.append(failure)
                answer = Answer(501, {"Content-Type": "text/plain"}, repr(failure).encode())
            if answer.status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):  # who was kept waiting for too long has hung up
                self.end_headers()
                self.wfile.write(answer.body)
            self.close_connection = self.close_connection or int(answer.headers.get("Content-Length", 0)) > len(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
