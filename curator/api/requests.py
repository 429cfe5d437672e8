"""Exceptions that developers ask for: asked, listed, answered back and withdrawn."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from curator.admission.gate import StillJudged
from curator.api.words import Names, WaitSeconds, page_json
from curator.database.engine import now
from curator.people.roles import Permission
from curator.policy.word import read_until
from curator.review import requests
from curator.review.asking import Asking, Wish
from curator.review.requests import KeptRequest, Wanted
from curator.types import RepoKind
from curator.web.guard import Asker, audience_asked
from curator.web.service import Service

StateAsked = Literal[
    "all",
    "waiting",
    "open",
    "asked-back",
    "second",
    "approved",
    "rejected",
    "withdrawn",
    "overtaken",
    "expired",
]
Page = Annotated[int, Query(ge=1, le=200)]
Id = Annotated[str, Field(max_length=64)]


class WantedException(BaseModel):
    """What somebody asks for: an exception from a decision, or from the one about a repository at a revision."""

    model_config = ConfigDict(extra="forbid")

    decision: Id | None = None
    repository: Annotated[str, Field(max_length=200)] | None = None
    kind: RepoKind = RepoKind.MODEL
    revision: Annotated[str, Field(max_length=255)] = "main"
    reason: Annotated[str, Field(max_length=4_000)]
    until: Annotated[str, Field(max_length=64)] | None = None
    """`90d`, the end of a day such as `2027-01-31`, or a moment."""
    rules: Names = ()
    files: Names = ()
    team: Annotated[str, Field(max_length=64)] | None = None
    project: Annotated[str, Field(max_length=64)] | None = None


class Said(BaseModel):
    """An answer to a reviewer's question."""

    model_config = ConfigDict(extra="forbid")

    said: Annotated[str, Field(max_length=4_000)]


class OneRequest(BaseModel):
    """A request, and whether it joined one that was there."""

    request: dict[str, Any]
    joined: bool = False
    page: str
    """Where it is shown."""


class ManyRequests(BaseModel):
    """A page of requests."""

    requests: list[dict[str, Any]]
    next: str | None


def request_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/requests")
    database = service.database
    asking = Asking(service.settings, database, service.resolver, service.gate)

    def shown(request: KeptRequest, *, joined: bool = False) -> OneRequest:
        page = f"{service.settings.url}/-/requests/{request.id}"
        return OneRequest(request=request.as_json(), joined=joined, page=page)

    @router.post("", status_code=201, response_model=OneRequest)
    async def ask(wanted: WantedException, caller: Asker, wait: WaitSeconds = 60.0) -> Any:
        audience = audience_asked(caller, wanted.team, wanted.project)
        wish = Wish(wanted.decision or "", wanted.repository or "", wanted.kind, wanted.revision)
        try:
            ruling = await asking.ruling(wish, audience, wait)
        except StillJudged as state:
            said = f"{state.commit} is not judged yet ({state}): ask again when it is, if it is refused then"
            return JSONResponse({"error": said, "exit_code": 3}, 202)
        full = Wanted(
            ruling=ruling,
            by=caller.name,
            audience=audience,
            reason=wanted.reason,
            rules=wanted.rules,
            files=wanted.files,
            until=read_until(wanted.until, now()) if wanted.until is not None else None,
        )
        asked = await asyncio.to_thread(requests.ask, database, full, service.limits)
        return shown(asked.request, joined=asked.joined)

    @router.get("", response_model=ManyRequests)
    async def listed(
        caller: Asker,
        state: StateAsked = "all",
        repo: Annotated[str | None, Query(max_length=200)] = None,
        mine: bool = True,
        after: Annotated[str | None, Query(max_length=64)] = None,
        limit: Page = 50,
    ) -> Any:
        by = caller.name if mine or not caller.may(Permission.SEE_ALL) else None

        def read() -> list[dict[str, Any]]:
            with database.read() as session:
                kept = requests.listed(session, by=by, state=state, repo=repo, after=after, limit=limit)
            return [one.as_json() for one in kept]

        return page_json("requests", await asyncio.to_thread(read), limit)

    @router.get("/{request_id}", response_model=OneRequest)
    async def one(request_id: str, caller: Asker) -> Any:
        return shown(await asyncio.to_thread(requests.shown_to, database, request_id, caller))

    @router.post("/{request_id}/replies", response_model=OneRequest)
    async def reply(request_id: str, said: Said, caller: Asker) -> Any:
        await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        return shown(await asyncio.to_thread(requests.reply, database, request_id, caller.name, said.said))

    @router.delete("/{request_id}", response_model=OneRequest)
    async def withdraw(request_id: str, caller: Asker) -> Any:
        await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        return shown(await asyncio.to_thread(requests.withdraw, database, request_id, caller.name))

    return router
