"""Server-sent events, for whoever may see them, and for as long as they may."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse

from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.web.guard import May
from curator.web.live import LiveView, events

_ASK_AGAIN_S = 15.0
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # nginx and those that follow it hand on each event as it comes.
    "X-Accel-Buffering": "no",
}


def event_stream(view: LiveView, request: Request) -> StreamingResponse:
    """The state of things, now and whenever it changes. Raises `TooManyListeners`."""
    caller: Caller = request.state.caller
    whose = caller.user_id or caller.token_id or ""
    view.require_room(whose)
    return StreamingResponse(_stream(view, request, whose), media_type="text/event-stream", headers=_HEADERS)


async def _stream(view: LiveView, request: Request, whose: str) -> AsyncIterator[str]:
    may, asked = May(Permission.OWN_ACCOUNT), time.monotonic()
    caller: Caller = request.state.caller
    try:
        async for state in view.follow(whose):
            if time.monotonic() - asked > _ASK_AGAIN_S:
                # Whose session or token has ended meanwhile hears no more.
                caller = await may(request)
                asked = time.monotonic()
            yield events(state.for_caller(caller) if state is not None else None)
    except CuratorError:
        return
