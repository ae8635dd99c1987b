"""The peer of the intake bench: a bare Flask handler that does nothing but one such insert and its durable commit."""

from __future__ import annotations

import os
import sqlite3
import threading

from flask import Flask, request

app = Flask(__name__)
_local = threading.local()
_columns = "id INTEGER PRIMARY KEY, site TEXT, delivery TEXT, at INTEGER, body BLOB, UNIQUE(site, delivery)"
_schema = f"CREATE TABLE IF NOT EXISTS deliveries({_columns})"


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["BARE_DB"], timeout=30, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            _local.connection.execute(f"PRAGMA {pragma}")
        _local.connection.execute(_schema)
    connection: sqlite3.Connection = _local.connection
    return connection


@app.get("/live")
def live() -> str:
    _connection()
    return "ok"


@app.post("/hook")
def hook() -> tuple[dict[str, str], int]:
    body = request.get_data()
    connection = _connection()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO deliveries(site, delivery, at, body) VALUES ('s', ?, 0, ?)", (request.headers["webhook-id"], body)
    )
    connection.execute("COMMIT")
    return {"status": "accepted"}, 202
