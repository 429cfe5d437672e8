"""How long a request to the mirror's own addresses may be: nobody fills its memory, with a token or without."""

from __future__ import annotations

import json
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4 << 20
"""The largest there are, rules of one MiB as JSON, have half of it."""
_SENTENCE = f"The body of a request has {MOST_BYTES} bytes at most: send less at once"


class _TooLong(Exception):
    """Whatever reads the body is to stop."""


def with_short_bodies(app: ASGIApp) -> ASGIApp:
    """The same application, which is handed no body of more than `MOST_BYTES`."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                raise _TooLong
            return message

        async def sent(message: Message) -> None:
            if taken <= MOST_BYTES:
                await send(message)

        with suppress(_TooLong):
            await app(scope, counted, sent)
        if taken > MOST_BYTES:
            await _refuse(send)

    return limited


async def _refuse(send: Send) -> None:
    body = json.dumps({"error": _SENTENCE, "exit_code": 2}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
