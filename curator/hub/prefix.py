"""The mirror below a path of its host, `https://host/hf`, whether or not the reverse proxy takes the path off."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


def below_prefix(application: ASGIApp, prefix: str) -> ASGIApp:
    """The application, which sees addresses without the prefix; `prefix` is empty or begins with a slash.

    An address that comes without the prefix is taken as it is: the proxy has seen to it already.
    """
    if not prefix:
        return application
    start = prefix.encode()

    async def stripped(scope: Scope, receive: Receive, send: Send) -> None:
        raw_path = scope.get("raw_path", b"")
        if scope["type"] == "http" and (raw_path == start or raw_path.startswith(start + b"/")):
            path = scope["path"].removeprefix(prefix) or "/"
            scope = {**scope, "raw_path": raw_path.removeprefix(start) or b"/", "path": path}
        await application(scope, receive, send)

    return stripped
