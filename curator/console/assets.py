"""The console's own style and script, kept by browsers for good under a name that changes with the content."""

from __future__ import annotations

import gzip
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from curator.console.render import HERE, asset
from curator.errors import NotServed
from curator.web.guard import OPEN

_SCRIPT = "text/javascript; charset=utf-8"
_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": _SCRIPT,
    "rules.js": _SCRIPT,
    "mark.svg": "image/svg+xml",
}


def asset_routes() -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/static/{digest}/{name}", dependencies=[OPEN])
    async def static(request: Request, digest: str, name: str) -> Response:
        if name not in _TYPES:
            raise NotServed(f"The console has no file {name[:64]!a}")
        kept = "public, max-age=31536000, immutable" if asset(name).split("/")[3] == digest else "no-cache"
        return _sent(request, name, {"Cache-Control": kept})

    @router.get("/favicon.ico", dependencies=[OPEN])
    async def mark(request: Request) -> Response:
        return _sent(request, "mark.svg", {"Cache-Control": "public, max-age=86400"})

    @router.get("/robots.txt", dependencies=[OPEN])
    async def robots() -> PlainTextResponse:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    return router


def _sent(request: Request, name: str, headers: dict[str, str]) -> Response:
    """A file, made small for whoever takes it so. Pages are not: beside what somebody else may have put into their
    address they carry secrets, and from the length of both together those could be guessed (BREACH)."""
    small = "gzip" in request.headers.get("accept-encoding", "")
    headers |= {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if small:
        headers["Content-Encoding"] = "gzip"
    return Response(_content(name, small), media_type=_TYPES[name], headers=headers)


@cache
def _content(name: str, small: bool) -> bytes:
    whole = (HERE / "static" / name).read_bytes()
    return gzip.compress(whole, mtime=0) if small else whole
