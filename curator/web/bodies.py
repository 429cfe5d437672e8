"""How long a request to the mirror's own addresses may be, and how slow: nobody fills its memory, or keeps it waiting,
with a token or without."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4 << 20
"""The largest there are, rules of one MiB as JSON, have half of it."""
WHOLE_S = 60.0
"""In which a body is to be here."""
_SLOW = f"The body of a request is to be here within {WHOLE_S:.0f} s: send it again"
_SENTENCE = f"The body of a request has {MOST_BYTES} bytes at most: send less at once"


class _TooLong(Exception):
    """Whatever reads the body is to stop."""


def with_short_bodies(app: ASGIApp) -> ASGIApp:
    """The same application, which is handed no body of more than `MOST_BYTES`."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        taken, whole, late, begun = 0, False, False, False
        end = asyncio.get_running_loop().time() + WHOLE_S

        async def counted() -> Message:
            nonlocal taken, whole, late
            try:
                # What comes after it is that somebody has gone, which may be much later.
                async with asyncio.timeout_at(None if whole else end):
                    message = await receive()
            except TimeoutError:
                late = True
                raise _TooLong from None
            whole = not message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                raise _TooLong
            return message

        async def sent(message: Message) -> None:
            nonlocal begun
            if taken <= MOST_BYTES and not late:
                begun = True
                await send(message)

        with suppress(_TooLong):
            await app(scope, counted, sent)
        if taken > MOST_BYTES:
            await _refuse(send, 413, _SENTENCE)
        elif late and not begun:
            await _refuse(send, 408, _SLOW)

    return limited


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence, "exit_code": 2}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
