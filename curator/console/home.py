"""Home: what needs me, what has changed, and how the service is."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from curator.audit import uses
from curator.audit.uses import Use
from curator.console.render import page
from curator.console.traffic import TrafficPictures, disk_of, pictures
from curator.database.engine import now
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.review import queue, requests
from curator.review.queue import Filter, Queue
from curator.review.request import KeptRequest
from curator.web.guard import Viewer
from curator.web.overview import Changed, Traffic, Window, changes_for, traffic_of
from curator.web.service import Service
from curator.web.state import State, state_of

_LINES = 5


@dataclass(frozen=True, slots=True)
class Mine:
    """What concerns the caller himself."""

    requests: tuple[KeptRequest, ...]
    uses: tuple[Use, ...]

    @property
    def waiting(self) -> int:
        return sum(one.is_open for one in self.requests)


@dataclass(frozen=True, slots=True)
class Overseen:
    """What concerns whoever may see all."""

    queue: Queue
    traffic: Traffic
    pictures: TrafficPictures
    blocked: int
    """Requests since midnight, UTC."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page speaks of."""

    mine: Mine | None
    """None for whoever may see all: his page is of that."""
    changes: tuple[Changed, ...]
    overseen: Overseen | None
    state: State | None


def home_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/")
    async def home(request: Request, caller: Viewer, window: Window = Window.FORTNIGHT) -> HTMLResponse:
        at = now()
        seen = await asyncio.to_thread(_seen, service, caller, window, at)
        return page(
            request,
            caller,
            "home.html",
            heading=_heading(seen),
            mine=seen.mine,
            changes=seen.changes,
            overseen=seen.overseen,
            state=seen.state,
            disk=disk_of(seen.state.store) if seen.state is not None else None,
            url=service.settings.url,
            asks_for_token=not service.settings.pulls_without_token,
            window=window.value,
            may_ask=caller.may(Permission.ASK),
            may_oversee=caller.may(Permission.SEE_ALL),
            has_account=caller.user_id is not None,
            knows_him=caller.token_id is not None or caller.user_id is not None,
        )

    return router


def _seen(service: Service, caller: Caller, window: Window, at: dt.datetime) -> Seen:
    state = None
    if caller.may(Permission.SEE_SETTINGS):
        state = state_of(service.settings, service.database, service.sizes, at)
    hours = service.settings.review_hours
    with service.database.read() as session:
        mine, overseen = None, None
        if caller.may(Permission.SEE_ALL):
            lines = queue.page(session, Filter(), review_hours=hours, limit=_LINES)
            traffic = traffic_of(session, window, at)
            overseen = Overseen(lines, traffic, pictures(traffic), _blocked_today(traffic, at))
        else:
            asked = requests.listed(session, by=caller.name, limit=_LINES) if caller.may(Permission.ASK) else []
            mine = Mine(tuple(asked), tuple(uses.uses_by(session, caller.name, limit=_LINES)))
        changes = tuple(changes_for(session, caller))
    return Seen(mine, changes, overseen, state)


def _blocked_today(traffic: Traffic, at: dt.datetime) -> int:
    """Both windows have all of this day (UTC)."""
    midnight = at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(place.requests["block"] for place in traffic.places if place.begin >= midnight)


def _heading(seen: Seen) -> str:
    """What needs whoever looks, in a sentence."""
    if seen.state is not None and seen.state.alarms:
        return "Something needs an administrator"
    if seen.overseen is not None:
        total, late = seen.overseen.queue.total, seen.overseen.queue.overdue
        if not total:
            return "Nothing waits for a decision"
        return f"{_waits(total)} for a decision" + (f", {late} for too long" if late else "")
    if seen.mine is not None and (count := seen.mine.waiting) > 0:
        return "1 request waits for an answer" if count == 1 else f"{count} requests wait for an answer"
    return "Models that your organisation allows"


def _waits(count: int) -> str:
    return "1 repository waits" if count == 1 else f"{count} repositories wait"
