"""Both ends of a wire for tests of the stand-in itself: an app that calls a shop, and a server that keeps what it is sent."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tests.integrations.shopify.stand_in.shop import Shop


class Caller:
    """Speak to one shop as an app does."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.token = shop.issue_token()["access_token"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.origin = shop.shopify.origin.format(shop=shop.domain)

    def post(self, query: str, /, **variables: Any) -> requests.Response:
        url = f"{self.origin}/admin/api/2026-10/graphql.json"
        headers = {"X-Shopify-Access-Token": self.token}
        return self.session.post(url, json={"query": query, "variables": variables}, headers=headers, timeout=20)

    def ask(self, query: str, /, **variables: Any) -> Any:
        answer = self.post(query, **variables).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def trade(self, **form: Any) -> requests.Response:
        app = {"client_id": self.shop.shopify.client_id, "client_secret": self.shop.shopify.secrets[-1]}
        return self.session.post(f"{self.origin}/admin/oauth/access_token", json={**app, **form}, timeout=20)

    def exchange(self, id_token: str) -> requests.Response:
        return self.trade(
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=id_token,
            subject_token_type="urn:ietf:params:oauth:token-type:id_token",
            requested_token_type="urn:shopify:params:oauth:token-type:offline-access-token",
            expiring=1,
        )

    def refresh(self, token: str) -> requests.Response:
        return self.trade(grant_type="refresh_token", refresh_token=token)


class Receiver:
    """Keep what is posted, and answer with the next of `statuses`, then with 202."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/shopify"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
