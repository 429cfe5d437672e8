"""The console's own style and script, kept by browsers for good under a name that changes with the content."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from curator.console.render import HERE, asset
from curator.errors import NotServed
from curator.web.guard import OPEN

_SCRIPT = "text/javascript; charset=utf-8"
_TYPES = {"console.css": "text/css; charset=utf-8", "console.js": _SCRIPT, "rules.js": _SCRIPT}


def asset_routes() -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/static/{digest}/{name}", dependencies=[OPEN])
    async def static(digest: str, name: str) -> FileResponse:
        if name not in _TYPES:
            raise NotServed(f"The console has no file {name[:64]!a}")
        kept = "public, max-age=31536000, immutable" if asset(name).split("/")[3] == digest else "no-cache"
        return FileResponse(
            HERE / "static" / name,
            media_type=_TYPES[name],
            headers={"Cache-Control": kept, "X-Content-Type-Options": "nosniff"},
        )

    return router
