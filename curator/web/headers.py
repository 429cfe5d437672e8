"""What each answer of the mirror's own addresses tells a browser, whoever made it: pages, API, errors, redirects.

A page says what it allows itself; of everything else nothing runs, nothing stands in a frame, and nobody keeps it.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNLESS_SAID = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"private, no-store"),
)


def with_safe_headers(app: ASGIApp) -> ASGIApp:
    """The same application, each of whose answers has these headers where it says nothing else of them."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = list(message.get("headers", ()))
                names = {name.lower() for name, _ in said}
                message = {**message, "headers": [*said, *(one for one in UNLESS_SAID if one[0] not in names)]}
            await send(message)

        await app(scope, receive, sent if scope["type"] == "http" else send)

    return guarded
