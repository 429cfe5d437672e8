"""Tokens, and whoever asks: their own account."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from curator.api.documents.people import (
    Account,
    ChangedAccount,
    MadeToken,
    OneToken,
    OneUser,
    OwnRotation,
    Rotation,
    Tokens,
    WantedOwnToken,
    WantedToken,
)
from curator.api.people import Json, OnlyTeam, Search
from curator.api.words import page_json
from curator.database.engine import Database, now
from curator.people import account, tokens
from curator.people.roles import Role
from curator.people.token import Token
from curator.people.tokens import NewToken
from curator.policy.word import read_until
from curator.settings import Settings
from curator.web.by import by
from curator.web.documents import problems
from curator.web.guard import Administrator, Owner, SettingsViewer
from curator.web.parameters import After, Id, PageSize
from rules.circumstances import Audience

_OnlyOwner = Annotated[str | None, Query(min_length=1, max_length=64, description="Only of this person.")]


def token_routes(settings: Settings, database: Database) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1")
    most_days = settings.token_max_days

    @router.get("/tokens", operation_id="list_tokens", response_model=Tokens, tags=["tokens"])
    async def list_tokens(
        caller: SettingsViewer,
        state: Literal["active", "ended", "all"] = "active",
        owner: _OnlyOwner = None,
        team: OnlyTeam = None,
        search: Search = "",
        jobs: bool = False,
        after: After = None,
        limit: PageSize = 50,
    ) -> Json:
        """List tokens, the newest first, never their text; those of runs of pipelines only with `jobs`."""
        del caller
        found = await database.ask(
            lambda session: tokens.list_tokens(
                session,
                state=state,
                owner=owner,
                team=team,
                search=search,
                jobs=jobs,
                after=after or "",
                limit=limit + 1,
            )
        )
        return page_json("tokens", [one.as_json() for one in found], limit)

    @router.post(
        "/tokens",
        operation_id="create_token",
        status_code=201,
        response_model=MadeToken,
        responses=problems(404),
        tags=["tokens"],
    )
    async def make_token(wanted: WantedToken, caller: Administrator, request: Request, response: Response) -> Json:
        """Make a token for a person, or for a service. Its text is in this answer and nowhere else."""
        new = _wanted(wanted, wanted.owner)
        made = await database.change(lambda session: tokens.make_token(session, new, by(request, caller), most_days))
        return _made(made, response)

    @router.get("/tokens/{token_id}", operation_id="get_token", response_model=OneToken, tags=["tokens"])
    async def show_token(token_id: Id, caller: SettingsViewer) -> Json:
        """Show a token, without its text."""
        del caller
        return {"token": (await database.ask(lambda session: tokens.token_by_id(session, token_id))).as_json()}

    @router.delete("/tokens/{token_id}", operation_id="revoke_token", response_model=OneToken, tags=["tokens"])
    async def revoke_token(token_id: Id, caller: Administrator, request: Request) -> Json:
        """Revoke a token: it is worth nothing from this moment on. It stays in the record."""
        done = await database.change(lambda session: tokens.revoke(session, token_id, by(request, caller)))
        return {"token": done.as_json()}

    @router.post(
        "/tokens/{token_id}/rotate",
        operation_id="rotate_token",
        status_code=201,
        response_model=MadeToken,
        tags=["tokens"],
    )
    async def rotate_token(
        token_id: Id, wanted: Rotation, caller: Administrator, request: Request, response: Response
    ) -> Json:
        """Make a token anew; the old one ends after the grace. The new text is in this answer and nowhere else."""
        grace = dt.timedelta(hours=wanted.grace_hours)
        ends = read_until(wanted.until, now()) if wanted.until is not None else None
        made = await database.change(
            lambda session: tokens.rotate(session, token_id, grace, by(request, caller), ends, most_days)
        )
        return _made(made, response)

    @router.get("/account", operation_id="get_account", response_model=Account, responses=problems(404))
    async def show_account(caller: Owner) -> Json:
        """Show who asks, and as what."""

        def verb(session: Session) -> Json:
            token = tokens.token_by_id(session, caller.token_id) if caller.token_id is not None else None
            return {
                "user": account.own_user(session, caller).as_json(),
                "role": caller.role.value,
                "team": caller.team,
                "project": caller.project,
                "token": token.as_json() if token is not None else None,
            }

        return await database.ask(verb)

    @router.patch("/account", operation_id="change_account", response_model=OneUser, responses=problems(404))
    async def change_account(wanted: ChangedAccount, caller: Owner, request: Request) -> Json:
        """Change one's own name, or the team that one asks for in the console."""
        changed = await database.change(
            lambda session: account.change_own(
                session,
                caller,
                by(request, caller),
                full_name=wanted.full_name,
                team=wanted.team,
                project=wanted.project,
            )
        )
        return {"user": changed.as_json()}

    @router.get("/account/tokens", operation_id="list_own_tokens", response_model=Tokens, responses=problems(404))
    async def list_own_tokens(caller: Owner, after: After = None, limit: PageSize = 50) -> Json:
        """List one's own tokens, the newest first."""
        found = await database.ask(lambda session: account.own_tokens(session, caller, after or "", limit + 1))
        return page_json("tokens", [one.as_json() for one in found], limit)

    @router.post(
        "/account/tokens",
        operation_id="create_own_token",
        status_code=201,
        response_model=MadeToken,
        responses=problems(404),
    )
    async def make_own_token(wanted: WantedOwnToken, caller: Owner, request: Request, response: Response) -> Json:
        """Make a token for oneself: it may do no more, asks for no others, and lasts no longer than what one asks with.

        Its text is in this answer and nowhere else."""
        new = _wanted(wanted, None)
        made = await database.change(
            lambda session: account.make_own_token(session, caller, new, by(request, caller), most_days)
        )
        return _made(made, response)

    @router.delete("/account/tokens/{token_id}", operation_id="revoke_own_token", response_model=OneToken)
    async def revoke_own_token(token_id: Id, caller: Owner, request: Request) -> Json:
        """Revoke one of one's own tokens."""
        done = await database.change(
            lambda session: account.revoke_own_token(session, caller, token_id, by(request, caller))
        )
        return {"token": done.as_json()}

    @router.post(
        "/account/tokens/{token_id}/rotate",
        operation_id="rotate_own_token",
        status_code=201,
        response_model=MadeToken,
    )
    async def rotate_own_token(
        token_id: Id, wanted: OwnRotation, caller: Owner, request: Request, response: Response
    ) -> Json:
        """Make one of one's own tokens anew; the old one ends after the grace."""
        grace = dt.timedelta(hours=wanted.grace_hours)
        made = await database.change(
            lambda session: account.rotate_own_token(session, caller, token_id, grace, by(request, caller), most_days)
        )
        return _made(made, response)

    return router


def _wanted(wanted: WantedToken | WantedOwnToken, owner: str | None) -> NewToken:
    home = wanted.team is None and wanted.project is None
    return NewToken(
        name=wanted.name,
        role=Role(wanted.role),
        owner=owner,
        audience=None if home else Audience(wanted.team or "", wanted.project or ""),
        description=wanted.description,
        expires_at=read_until(wanted.until, now()) if wanted.until is not None else None,
    )


def _made(made: tuple[Token, str], response: Response) -> Json:
    # What has a secret in it is kept by nobody on the way.
    response.headers["Cache-Control"] = "no-store"
    return {"token": made[0].as_json(), "secret": made[1]}
