"""Live: what is being judged, what waits, and what arrives from the upstream, at this moment."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from curator.console.render import page
from curator.people.roles import Permission
from curator.web.guard import Owner
from curator.web.listening import event_stream
from curator.web.service import Service


def live_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/live")
    async def live(request: Request, caller: Owner) -> HTMLResponse:
        live = (await service.live.get()).for_caller(caller)
        return page(request, caller, "live.html", live=live, sees_all=caller.may(Permission.SEE_ALL))

    @router.get("/-/live/events")
    async def events(request: Request, _: Owner) -> StreamingResponse:
        return event_stream(service.live, request)

    return router
