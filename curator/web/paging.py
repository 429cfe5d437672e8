"""Answers that come in pages name the next one also as a header (RFC 8288), where clients of many APIs look for it."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from curator.web.documents import API

_NEXT = b'"next":"'


def linked(app: ASGIApp, url: str) -> ASGIApp:
    """The same, where an answer of the API whose `next` is not null has `Link: <...>; rel="next"`.

    `url` is where the server is reached. Answers that come in several parts are streams, and no pages.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(API):
            await app(scope, receive, send)
            return
        begun: Message | None = None

        async def passed_on(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
                return
            if begun is not None:
                if not message.get("more_body") and (cursor := _cursor(message.get("body", b""))) is not None:
                    begun["headers"] = [*begun["headers"], (b"link", _link(url, scope, cursor))]
                await send(begun)
                begun = None
            await send(message)

        await app(scope, receive, passed_on)

    return call


def _cursor(body: bytes) -> str | None:
    if _NEXT not in body:
        return None
    try:
        document = json.loads(body)
    except ValueError:
        return None
    cursor = document.get("next") if isinstance(document, dict) else None
    return cursor if isinstance(cursor, str) else None


def _link(url: str, scope: Scope, cursor: str) -> bytes:
    asked = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1"), True) if pair[0] != "after"]
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return f'<{url}{path}?{urlencode([*asked, ("after", cursor)])}>; rel="next"'.encode()
