"""Tokens, and one's own account: a token is shown once, with the lines to paste."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from curator.console.forms import Form
from curator.console.people import PAGE, After, Search, next_page, role_of, said
from curator.console.render import done, page
from curator.database.engine import now
from curator.errors import CuratorError
from curator.people import account, teams, tokens
from curator.people.caller import Caller
from curator.people.roles import MAY, Permission, Role
from curator.people.token import Token
from curator.people.tokens import NewToken
from curator.policy.word import read_until
from curator.web.by import by
from curator.web.guard import Administrator, Owner, SettingsViewer
from curator.web.service import Service
from rules.circumstances import Audience

_GRACE = dt.timedelta(hours=24)
_TOKEN_ROLES = (Role.DEVELOPER, Role.ROBOT, Role.REVIEWER, Role.AUDITOR, Role.SECURITY, Role.ADMIN)
_ENDS = ((7, "in a week"), (30, "in a month"), (90, "in three months"))


def account_pages(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database, most_days = service.database, service.settings.token_max_days

    def shown_once(request: Request, caller: Caller, made: tuple[Token, str], back: str) -> HTMLResponse:
        token, secret = made
        return page(
            request, caller, "token_made.html", token=token, secret=secret, url=service.settings.url, leads_back=back
        )

    @router.get("/-/people/tokens")
    async def all_tokens(
        request: Request,
        caller: SettingsViewer,
        search: Search = "",
        state: Literal["active", "ended", "all"] = "active",
        jobs: bool = False,
        after: After = "",
    ) -> HTMLResponse:
        return await tokens_page(request, caller, search=search, state=state, jobs=jobs, after=after)

    async def tokens_page(
        request: Request,
        caller: Caller,
        *,
        search: str = "",
        state: str = "active",
        jobs: bool = False,
        after: str = "",
        wrong: CuratorError | None = None,
        typed: FormData | None = None,
    ) -> HTMLResponse:
        found = await database.ask(
            lambda session: tokens.list_tokens(
                session, state=state, search=search, jobs=jobs, after=after, limit=PAGE + 1
            )
        )
        shown = found[:PAGE]
        unmade = await database.ask(lambda session: teams.unmade(session, {one.team for one in shown}))
        last = shown[-1].id if len(found) > PAGE else None
        asked = {"search": search, "state": state, "jobs": "yes" if jobs else ""}
        return page(
            request,
            caller,
            "tokens.html",
            wrong.status if wrong is not None else 200,
            tokens=shown,
            unmade=unmade,
            search=search,
            state=state,
            jobs=jobs,
            most_days=most_days,
            next=next_page("/-/people/tokens", last, **asked),
            first=bool(after),
            administers=caller.may(Permission.ADMINISTER),
            wrong=wrong.sentence if wrong is not None else "",
            typed=typed or FormData(),
        )

    @router.post("/-/people/tokens")
    async def make_token(request: Request, caller: Administrator, form: Form) -> Response:
        try:
            wanted = _wanted(form, said(form, "owner") or None)
            made = await database.change(
                lambda session: tokens.make_token(session, wanted, by(request, caller), most_days)
            )
        except CuratorError as error:
            return await tokens_page(request, caller, wrong=error, typed=form)
        return shown_once(request, caller, made, "/-/people/tokens")

    @router.post("/-/people/tokens/{token_id}/revoke")
    async def revoke_token(request: Request, caller: Administrator, token_id: str, form: Form) -> Response:
        token = await database.change(lambda session: tokens.revoke(session, token_id, by(request, caller)))
        back = f"/-/people/users/{token.owner}" if said(form, "back") == "person" else "/-/people/tokens"
        return done(request, back, f"The token {token.name} is worth nothing from this moment on.")

    @router.post("/-/people/tokens/{token_id}/rotate")
    async def rotate_token(request: Request, caller: Administrator, token_id: str, form: Form) -> Response:
        del form
        made = await database.change(
            lambda session: tokens.rotate(session, token_id, _GRACE, by(request, caller), max_days=most_days)
        )
        return shown_once(request, caller, made, "/-/people/tokens")

    @router.get("/-/account")
    async def own_account(request: Request, caller: Owner, after: After = "") -> HTMLResponse:
        return await account_page(request, caller, after)

    async def account_page(
        request: Request,
        caller: Caller,
        after: str = "",
        wrong: CuratorError | None = None,
        typed: FormData | None = None,
    ) -> HTMLResponse:
        user, found = await database.ask(
            lambda session: (
                account.own_user(session, caller),
                account.own_tokens(session, caller, after, PAGE + 1),
            )
        )
        shown = found[:PAGE]
        return page(
            request,
            caller,
            "account.html",
            wrong.status if wrong is not None else 200,
            user=user,
            tokens=shown,
            next=next_page("/-/account", shown[-1].id if len(found) > PAGE else None),
            first=bool(after),
            role_choices=[(role.value, role.value) for role in _TOKEN_ROLES if MAY[role] <= MAY[caller.role]],
            team_choices=[("", "none"), *((team, team) for team in user.teams)],
            ends=[(f"{days}d", text) for days, text in _ENDS if days < most_days],
            most_days=most_days,
            wrong=wrong.sentence if wrong is not None else "",
            typed=typed or FormData(),
        )

    @router.post("/-/account")
    async def change_account(request: Request, caller: Owner, form: Form) -> Response:
        try:
            await database.change(
                lambda session: account.change_own(
                    session,
                    caller,
                    by(request, caller),
                    full_name=said(form, "full_name"),
                    team=said(form, "team"),
                    project=said(form, "project"),
                )
            )
        except CuratorError as error:
            return await account_page(request, caller, wrong=error)
        return done(request, "/-/account", "Your account was changed.")

    @router.post("/-/account/tokens")
    async def make_own_token(request: Request, caller: Owner, form: Form) -> Response:
        try:
            wanted = _wanted(form, None)
            made = await database.change(
                lambda session: account.make_own_token(session, caller, wanted, by(request, caller), most_days)
            )
        except CuratorError as error:
            return await account_page(request, caller, wrong=error, typed=form)
        return shown_once(request, caller, made, "/-/account")

    @router.post("/-/account/tokens/{token_id}/revoke")
    async def revoke_own_token(request: Request, caller: Owner, token_id: str, form: Form) -> Response:
        del form
        token = await database.change(
            lambda session: account.revoke_own_token(session, caller, token_id, by(request, caller))
        )
        return done(request, "/-/account", f"The token {token.name} is worth nothing from this moment on.")

    @router.post("/-/account/tokens/{token_id}/rotate")
    async def rotate_own_token(request: Request, caller: Owner, token_id: str, form: Form) -> Response:
        del form
        try:
            made = await database.change(
                lambda session: account.rotate_own_token(
                    session, caller, token_id, _GRACE, by(request, caller), most_days
                )
            )
        except CuratorError as error:
            return await account_page(request, caller, wrong=error)
        return shown_once(request, caller, made, "/-/account")

    return router


def _wanted(form: FormData, owner: str | None) -> NewToken:
    team, project, until = said(form, "team"), said(form, "project"), said(form, "until")
    # Where nothing is said, somebody else's token asks for his home, and a service's for nobody.
    home = "team" not in form or (owner is not None and not team and not project)
    audience = None if home else Audience(team, project)
    return NewToken(
        name=said(form, "name"),
        role=role_of(said(form, "role")),
        owner=owner,
        audience=audience,
        description=said(form, "description"),
        expires_at=read_until(until, now()) if until else None,
    )
