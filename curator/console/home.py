"""Home: what needs me."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from curator.console.render import page
from curator.web.guard import Viewer
from curator.web.service import Service


def home_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/")
    async def home(request: Request, caller: Viewer) -> HTMLResponse:
        return page(request, caller, "home.html", url=service.settings.url)

    return router
