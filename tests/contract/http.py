"""Plain HTTP, for what no client library shows: exact addresses, headers and bodies."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    base: str, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """Send exactly this path."""
    url = urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if "set-cookie" in headers:
            # The one header that is not joined by commas, and has one in its dates.
            headers["set-cookie"] = "\n".join(answer.msg.get_all("Set-Cookie", []))
        return Reply(answer.status, headers, answer.read())
    finally:
        connection.close()


def settled(
    base: str, path: str, method: str = "GET", headers: dict[str, str] | None = None, *, patience_s: float = 90
) -> Reply:
    """The answer once there is a decision: who is told that a commit is being scanned asks again, as a user does.

    The mirror itself waits for a judgement for as long as clients bear, which is too short on a busy machine.
    """
    deadline = time.monotonic() + patience_s
    while "is being scanned" in (reply := ask(base, path, method, headers)).headers.get("x-error-message", ""):
        assert time.monotonic() < deadline, reply.headers
    return reply


def raw_ask(base: str, request: bytes) -> bytes:
    """Send exactly these bytes, and read until the connection closes."""
    url = urlsplit(base)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received
