"""A request to the mirror's own addresses that is too long is told so, and is never in memory as a whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from curator.web import bodies
from curator.web.bodies import MOST_BYTES, with_short_bodies


class Said(BaseModel):
    text: str


def asked(chunks: int, size: int, content_type: bytes = b"application/json") -> tuple[int, int]:
    """The status of the answer, and how many chunks of the body were taken."""
    app = FastAPI()

    @app.post("/say")
    async def say(said: Said) -> int:
        return len(said.text)

    sent: list[dict[str, Any]] = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        body = b'{"text": "' + b"x" * (size - 12) + b'"}' if chunks == 1 else b"x" * size
        return {"type": "http.request", "body": body, "more_body": taken < chunks}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/say",
        "raw_path": b"/say",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", content_type)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }

    async def answered() -> None:
        await with_short_bodies(app)(scope, receive, send)

    asyncio.run(answered())
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    return start["status"], taken


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain", b"application/octet-stream"])
def test_a_body_without_an_end_is_given_up_after_a_few_megabytes(content_type: bytes) -> None:
    status, taken = asked(chunks=1_000_000, size=1 << 16, content_type=content_type)
    assert status == 413
    assert taken <= MOST_BYTES // (1 << 16) + 1


def test_what_is_as_long_as_it_may_be_is_answered() -> None:
    assert asked(chunks=1, size=MOST_BYTES) == (200, 1)


def test_a_body_that_does_not_come_is_waited_for_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WHOLE_S", 0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def read(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def answered() -> None:
        await with_short_bodies(read)({"type": "http"}, receive, send)

    asyncio.run(answered())
    assert [message["status"] for message in sent if "status" in message] == [408]
