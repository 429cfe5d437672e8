"""Exceptions that developers ask for: asked, listed, answered back and withdrawn."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from curator.admission.gate import StillJudged
from curator.api.documents.review import OneRequest, Requests
from curator.api.words import Names, page_json
from curator.database.engine import now
from curator.people.roles import Permission
from curator.policy.word import read_until
from curator.review import requests
from curator.review.asking import Asking, Wish
from curator.review.request import KeptRequest
from curator.review.requests import Wanted
from curator.types import RepoKind
from curator.web.documents import STILL_SCANNED, problems
from curator.web.guard import Asker, audience_asked
from curator.web.parameters import After, Id, PageSize, Repository, WaitSeconds
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
Text = Annotated[str, Field(min_length=1, max_length=4_000)]


class WantedException(BaseModel):
    """What somebody asks for: an exception from a decision, or from the one about a repository at a revision."""

    model_config = ConfigDict(extra="forbid")

    decision: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    repository: Annotated[str, Field(min_length=1, max_length=193)] | None = None
    kind: RepoKind = RepoKind.MODEL
    revision: Annotated[str, Field(min_length=1, max_length=255)] = "main"
    reason: Text
    until: Annotated[str, Field(max_length=64)] | None = None
    """`90d`, the end of a day such as `2027-01-31`, or a moment."""
    rules: Names = ()
    files: Names = ()
    team: Annotated[str, Field(max_length=64)] | None = None
    project: Annotated[str, Field(max_length=64)] | None = None


class Said(BaseModel):
    """An answer to a reviewer's question."""

    model_config = ConfigDict(extra="forbid")

    said: Text


def request_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/requests", tags=["requests"])
    database = service.database
    asking = Asking(service.settings, database, service.resolver, service.gate)

    def shown(request: KeptRequest, *, joined: bool = False) -> dict[str, Any]:
        page = f"{service.settings.url}/-/requests/{request.id}"
        return {"request": request.as_json(), "joined": joined, "page": page}

    @router.post(
        "",
        operation_id="ask_exception",
        status_code=201,
        response_model=OneRequest,
        responses=STILL_SCANNED | problems(404),
    )
    async def ask(wanted: WantedException, caller: Asker, wait: WaitSeconds = 60.0) -> Any:
        """Ask for an exception. What is allowed by now is answered with 409, and the sentence says so."""
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

    @router.get("", operation_id="list_requests", response_model=Requests)
    async def listed(
        caller: Asker,
        state: StateAsked = "all",
        repo: Repository | None = None,
        mine: Annotated[bool, Query(description="Only one's own; of all it takes `see-all`.")] = True,
        after: After = None,
        limit: PageSize = 50,
    ) -> Any:
        """List requests for exceptions, the newest first."""
        by = caller.name if mine or not caller.may(Permission.SEE_ALL) else None

        def read() -> list[dict[str, Any]]:
            with database.read() as session:
                kept = requests.listed(session, by=by, state=state, repo=repo, after=after, limit=limit + 1)
            return [one.as_json() for one in kept]

        return page_json("requests", await asyncio.to_thread(read), limit)

    @router.get("/{request_id}", operation_id="get_request", response_model=OneRequest)
    async def one(request_id: Id, caller: Asker) -> Any:
        """Show a request with its state and history."""
        return shown(await asyncio.to_thread(requests.shown_to, database, request_id, caller))

    @router.post("/{request_id}/replies", operation_id="reply_to_reviewer", response_model=OneRequest)
    async def reply(request_id: Id, said: Said, caller: Asker) -> Any:
        """Answer a reviewer's question: it waits for the reviewer again."""
        await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        return shown(await asyncio.to_thread(requests.reply, database, request_id, caller.name, said.said))

    @router.delete("/{request_id}", operation_id="withdraw_request", response_model=OneRequest)
    async def withdraw(request_id: Id, caller: Asker) -> Any:
        """Want it no longer; a request ends when nobody wants it."""
        await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        return shown(await asyncio.to_thread(requests.withdraw, database, request_id, caller.name))

    return router
