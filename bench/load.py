"""Send ready requests to a loopback port: as fast as answers come (closed loop), or on a schedule (open loop).

Open-loop latency is counted from the scheduled time, so that a stalled server does not hide what waits behind the stall.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """Hold what a run gave: answers per second, latencies in ms by percentile, and how many were not 202."""

    per_second: float
    p50: float
    p99: float
    errors: int


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Put a request's bytes together."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed(port: int, requests: Sequence[bytes], connections: int = 16) -> Load:
    return _run(port, requests, connections, None)


def opened(port: int, requests: Sequence[bytes], per_second: float, connections: int = 24) -> Load:
    return _run(port, requests, connections, per_second)


def _run(port: int, requests: Sequence[bytes], connections: int, per_second: float | None) -> Load:
    latencies: list[float] = []
    errors: list[str] = []
    turns = itertools.count()
    lock = threading.Lock()
    start = time.perf_counter() + 0.2

    def send() -> None:
        line: socket.socket | None = None
        while True:
            with lock:
                turn = next(turns)
            if turn >= len(requests):
                return
            due = start + turn / per_second if per_second else max(start, time.perf_counter())
            if (ahead := due - time.perf_counter()) > 0:
                time.sleep(ahead)
            try:
                if line is None:
                    line = socket.create_connection(("127.0.0.1", port))
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.sendall(requests[turn])
                answer = line.recv(4096)
                while b"\r\n\r\n" not in answer or not answer.rstrip().endswith((b"}", b"ok")):
                    more = line.recv(4096)
                    if not more:
                        raise OSError("closed")
                    answer += more
                if b" 202 " not in answer[:20]:
                    errors.append(answer[:60].decode())
                latencies.append(time.perf_counter() - due)
                if b"onnection: close" in answer:
                    line.close()
                    line = None
            except OSError as error:
                errors.append(str(error))
                line = None

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    latencies.sort()

    def percentile(share: float) -> float:
        return 1000 * latencies[min(len(latencies) - 1, int(len(latencies) * share))] if latencies else float("nan")

    return Load(len(latencies) / took, percentile(0.5), percentile(0.99), len(errors))
