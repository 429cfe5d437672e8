"""Sign-in of pipelines, links to choose a password, and sessions of the console."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from curator.errors import BadInput, NotAllowed
from curator.people import accounts, sessions
from curator.people.by import By
from curator.people.caller import ANONYMOUS, Caller
from curator.people.roles import Permission
from curator.people.users import find_user
from curator.web.guard import OPEN, Administrator, Owner
from curator.web.service import Service

_LONGEST_BODY = 20_000
Login = Annotated[str, Path(min_length=1, max_length=64)]
SessionId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class PipelineToken(BaseModel):
    """What a job gets."""

    token: str
    job: str
    team: str
    project: str
    expires_at: str


class Link(BaseModel):
    """A link by which a person chooses a password; it is shown this once."""

    user: str
    link: str
    ends_at: str


class OneSession(BaseModel):
    """A session of the console."""

    id: str
    user: str
    way: str
    began_at: str
    seen_at: str
    ends_at: str
    address: str
    user_agent: str
    own: bool


class Sessions(BaseModel):
    """All that a person has."""

    sessions: list[OneSession]


class Done(BaseModel):
    """What was done, in words."""

    done: str


class NewPassword(BaseModel):
    """Another password of one's own."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(max_length=1_000)
    new: str = Field(max_length=1_000)


def sign_in_api(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1")
    sign_in, database = service.sign_in, service.database

    @router.post("/sign-in/pipeline", dependencies=[OPEN], response_model=PipelineToken)
    async def pipeline(request: Request) -> Response:
        """A token for the identity token of a job, sent as JSON or as a form; bare to whoever accepts plain text."""
        made = await sign_in.job_token(_identity_token(await request.body()), _by(request))
        headers = {"Cache-Control": "no-store"}
        if request.headers.get("accept", "").startswith("text/plain"):
            return PlainTextResponse(f"{made.text}\n", headers=headers)
        return JSONResponse(made.as_json(), headers=headers)

    @router.post("/users/{login}/invitation", response_model=Link)
    async def invite(request: Request, caller: Administrator, login: Login) -> JSONResponse:
        if service.settings.oidc_only:
            raise BadInput(f"Nobody has a password here: people sign in by {service.settings.oidc_title}")

        def made() -> accounts.Invitation:
            with database.write() as session:
                return accounts.invite(session, login, _by(request, caller))

        link = await asyncio.to_thread(made)
        address = f"{service.settings.url}/-/choose-password/{link.secret}"
        document = Link(user=link.user, link=address, ends_at=link.ends_at.isoformat(timespec="seconds"))
        return JSONResponse(document.model_dump(), headers={"Cache-Control": "no-store"})

    @router.get("/sessions", response_model=Sessions)
    async def listed(caller: Owner, user: Annotated[str | None, Query(max_length=64)] = None) -> Any:
        def read() -> list[dict[str, Any]]:
            with database.read() as session:
                whose = None
                if user is not None:
                    found = find_user(session, user) if caller.may(Permission.ADMINISTER) else None
                    if found is None:
                        raise NotAllowed("Sessions of others are for administrators: leave the user out for your own")
                    whose = found.id
                return [one.as_json() for one in sessions.sittings(session, caller, whose)]

        return {"sessions": await asyncio.to_thread(read)}

    @router.delete("/sessions/{session_id}", response_model=Done)
    async def ended(request: Request, caller: Owner, session_id: SessionId) -> Any:
        def end() -> None:
            with database.write() as session:
                row = sessions.find(session, session_id)
                if not sessions.is_of(row, caller) and not caller.may(Permission.ADMINISTER):
                    # Not a word of whether somebody else has one of that name.
                    raise sessions.NoSession(f"There is no session {session_id!a} of yours")
                sessions.end(session, row, "ended", _by(request, caller))

        await asyncio.to_thread(end)
        return {"done": "The session has ended."}

    @router.post("/account/password", response_model=Done)
    async def password(request: Request, caller: Owner, wanted: NewPassword) -> Any:
        await sign_in.change_password(caller, wanted.old, wanted.new, _by(request, caller))
        return {"done": "The password was changed, and other sessions have ended."}

    return router


def _identity_token(body: bytes) -> str:
    """From `{"token": ...}`, or from `token=...` as curl sends it. Raises `BadInput`."""
    try:
        text = body[:_LONGEST_BODY].decode()
        document = json.loads(text) if text.lstrip().startswith("{") else {n: v[0] for n, v in parse_qs(text).items()}
        token = document["token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token:
        raise BadInput('Send the identity token of the job as {"token": "..."}, or as a form with a field `token`')
    return token


def _by(request: Request, caller: Caller = ANONYMOUS) -> By:
    address = request.client.host if request.client is not None else None
    return By.caller(caller, address, request.headers.get("user-agent"))
