"""How the service is, what happens in it at this moment, and the settings that it runs with."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from curator.api.documents.state import (
    ChangesDocument,
    ConfigurationDocument,
    LiveNowDocument,
    StateDocument,
    TrafficDocument,
)
from curator.database.engine import now
from curator.web.configuration import configuration
from curator.web.documents import API
from curator.web.guard import Overseer, Owner, SettingsViewer, Viewer
from curator.web.listening import event_stream
from curator.web.overview import Window, changes_for, traffic_of
from curator.web.service import Service
from curator.web.state import state_of


def state_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["state"])

    @router.get(f"{API}/state", operation_id="show_state", response_model=StateDocument)
    async def state(_: SettingsViewer) -> dict[str, Any]:
        """Say how the service is, and what somebody is to do something about."""
        at = now()
        made = await asyncio.to_thread(state_of, service.settings, service.database, service.sizes, at)
        return made.as_json()

    @router.get(f"{API}/traffic", operation_id="show_traffic", response_model=TrafficDocument)
    async def traffic(_: Overseer, window: Window = Window.FORTNIGHT) -> dict[str, Any]:
        """Show what was asked for in the last 24 hours, or 14 days, by what became of it."""
        return await service.database.ask(lambda session: traffic_of(session, window, now()).as_json())

    @router.get(f"{API}/changes", operation_id="list_changes", response_model=ChangesDocument)
    async def changes(caller: Viewer, limit: Annotated[int, Query(ge=1, le=50)] = 20) -> dict[str, Any]:
        """List what has changed of late; for whoever may not see all, of what they have pulled themselves."""
        return await service.database.ask(
            lambda session: {"changes": [one.as_json() for one in changes_for(session, caller, limit)]}
        )

    @router.get(f"{API}/settings", operation_id="show_settings", response_model=ConfigurationDocument)
    async def settings(_: SettingsViewer) -> dict[str, Any]:
        """Show each setting as it is in force, and where it was said."""
        return configuration(service.settings).as_json()

    @router.get(
        f"{API}/live",
        operation_id="show_live",
        response_model=LiveNowDocument,
        responses={200: {"content": {"text/event-stream": {}}, "description": "As JSON, or as events that go on."}},
    )
    async def live(request: Request, caller: Owner) -> Any:
        """Show what is judged and what arrives now; as events that go on, for `Accept: text/event-stream`.

        Whoever may not see all is shown what comes for themselves."""
        if "text/event-stream" in request.headers.get("accept", ""):
            return _stream(request)
        return (await service.live.get()).for_caller(caller).as_json()

    def _stream(request: Request) -> StreamingResponse:
        return event_stream(service.live, request)

    return router
