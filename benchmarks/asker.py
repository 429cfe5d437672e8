"""Asks for small answers as fast as they come, over keep-alive connections, and says how long each took.

    python -m benchmarks.asker URL [--method HEAD] [--connections 16] [--seconds 5] [--token T]

For HEAD, where wrk 4.1 waits for a body that never comes and counts nothing. One thread and epoll: about 10 us a
request, so its own CPU is printed beside the figures, to see that it is not what was measured.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

_MOST_HEAD_BYTES = 64 << 10
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Rate:
    """How fast small answers came."""

    requests: int
    requests_s: float
    p50_ms: float
    p99_ms: float
    client_cpu: float
    """Share of one core that the client itself used."""


def ask(url: str, *, method: str, connections: int, seconds: float, token: str | None) -> Rate:
    """Ask in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.asker", url, "--method", method]
    command += ["--connections", str(connections), "--seconds", str(seconds)] + (["--token", token] if token else [])
    out = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    if out.returncode:
        raise RuntimeError(f"{method} {url} could not be measured: {out.stderr.strip()}")
    return Rate(**json.loads(out.stdout))


def _run(url: str, request: bytes, *, has_body: bool, connections: int, seconds: float) -> Rate:
    parts = urlsplit(url)
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    sent: dict[int, float] = {}
    waiting: dict[int, bytes] = {}
    for _ in range(connections):
        sock = socket.create_connection((parts.hostname or "", parts.port or 80), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[sock.fileno()] = sock
        poll.register(sock, select.EPOLLIN)
    took: list[float] = []
    clock = time.perf_counter
    began, cpu = clock(), time.process_time()
    for number, sock in sockets.items():
        sent[number] = clock()
        sock.send(request)
    end = began + seconds
    # A server that needs longer than that for one answer is waited for: it too is to have a figure.
    while clock() < end or (len(took) < connections and clock() < began + _PATIENCE_S):
        for number, _ in poll.poll(1.0):
            sock = sockets[number]
            data = waiting.pop(number, b"") + sock.recv(_MOST_HEAD_BYTES)
            if not data:
                raise SystemExit("the server hung up")
            if not _complete(data, has_body=has_body):
                waiting[number] = data
                continue
            if not data.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server answers {data[:200].decode('latin-1')!r}")
            now = clock()
            took.append(now - sent[number])
            sent[number] = now
            sock.send(request)
    passed = clock() - began
    used = time.process_time() - cpu
    if not took:
        raise SystemExit(f"no answer came within {passed:.0f} s")
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1e3 for share in (0.5, 0.99))
    return Rate(len(took), len(took) / passed, p50, p99, used / passed)


def _complete(data: bytes, *, has_body: bool) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    if not has_body:
        return True
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return bool(found) and len(body) >= int(rest.partition(b"\r\n")[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asker", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--method", default="HEAD")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--token")
    given = parser.parse_args()
    parts = urlsplit(given.url)
    lines = [f"{given.method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "User-Agent: asker"]
    lines += [f"Authorization: Bearer {given.token}"] if given.token else []
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    rate = _run(
        given.url,
        request,
        has_body=given.method != "HEAD",
        connections=given.connections,
        seconds=given.seconds,
    )
    print(json.dumps(asdict(rate)))


if __name__ == "__main__":
    main()
