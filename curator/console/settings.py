"""Settings: each as it is in force, and where it was said."""

from __future__ import annotations

import asyncio
from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from curator.console.render import page
from curator.database.engine import now
from curator.web.configuration import configuration
from curator.web.guard import SettingsViewer
from curator.web.service import Service
from curator.web.state import state_of


def settings_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/settings")
    async def settings(request: Request, caller: SettingsViewer, show: str = "") -> HTMLResponse:
        at = now()
        state = await asyncio.to_thread(state_of, service.settings, service.database, service.sizes, at)
        found = configuration(service.settings)
        changed = [one for one in found.settings if one.changed]
        shown = changed if show == "changed" else found.settings
        return page(
            request,
            caller,
            "settings.html",
            topics=[(topic, list(some)) for topic, some in groupby(shown, lambda one: one.topic)],
            only_changed=show == "changed",
            total=len(found.settings),
            changed=len(changed),
            versions=found.versions,
            state=state,
        )

    return router
