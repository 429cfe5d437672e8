"""The management API as pages: what there is, who may, and what is answered, from its own description."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from curator.console.render import HEADERS, page
from curator.web.guard import Puller
from curator.web.openapi import described_by


def api_pages() -> APIRouter:
    """The page, and what it is made from."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/api")
    async def reference(
        request: Request, caller: Puller, part: Annotated[str, Query(max_length=40)] = ""
    ) -> HTMLResponse:
        document = described_by(request).document
        by_tag: dict[str, list[dict[str, Any]]] = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                shown = {"method": method.upper(), "path": path, "operation": operation}
                by_tag.setdefault(operation["tags"][0], []).append(shown)
        shown_part = part if part in by_tag else ""
        return page(request, caller, "api.html", part=shown_part, by_tag=dict(sorted(by_tag.items())))

    @router.get("/-/api/openapi.json")
    async def description(request: Request, caller: Puller) -> JSONResponse:
        """What the API says of itself: browsers that are signed in show it no token."""
        del caller
        return JSONResponse(described_by(request).document, headers=HEADERS)

    return router
