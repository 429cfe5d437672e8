"""Sign-in of pipelines, links to choose a password, and sessions of the console."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from curator.api.documents.people import OneUser
from curator.api.documents.sign_in import Changed, EndedSession, EndedThere, JobsToken, Link, NewPassword, Sessions
from curator.errors import BadInput, NotAllowed, UnknownToken
from curator.people import accounts, linking, sessions
from curator.people.caller import ANONYMOUS, Caller
from curator.people.roles import Permission
from curator.people.users import find_user
from curator.web.by import by
from curator.web.documents import problems
from curator.web.guard import OPEN, Administrator, Owner
from curator.web.service import Service

_LONGEST_BODY = 20_000
_SHOWN_ONCE = {"Cache-Control": "no-store"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string", "minLength": 1, "maxLength": 16_384}},
                }
            }
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}
_LOGOUT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["logout_token"],
                    "properties": {"logout_token": {"type": "string", "minLength": 1, "maxLength": 16_384}},
                }
            }
        },
    }
}
Login = Annotated[str, Path(min_length=1, max_length=64, description="A person, by login.")]
SessionId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="A session, as its list names it.")]
OfUser = Annotated[str | None, Query(min_length=1, max_length=64, description="Another's, for administrators.")]
Json = dict[str, object]


def sign_in_api(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["sign-in"])
    sign_in, database = service.sign_in, service.database

    @router.post(
        "/sign-in/pipeline",
        dependencies=[OPEN],
        operation_id="sign_in_pipeline",
        response_model=JobsToken,
        responses=problems(401, 403, 429) | {502: {"description": "The issuer of the token does not answer."}},
        openapi_extra=_BODY,
    )
    async def pipeline(request: Request, response: Response) -> Json | Response:
        """Give a job a token for its identity token, sent as JSON or as a form; bare to whoever accepts plain text.

        A job may show the same identity token again for as long as that is valid."""
        made = await sign_in.job_token(_identity_token(await request.body()), by(request, ANONYMOUS))
        if request.headers.get("accept", "").startswith("text/plain"):
            return PlainTextResponse(f"{made.text}\n", headers=_SHOWN_ONCE)
        response.headers.update(_SHOWN_ONCE)
        return made.as_json()

    @router.post(
        "/sign-in/logout",
        dependencies=[OPEN],
        operation_id="end_provider_sessions",
        response_model=EndedThere,
        responses=problems(403, 429) | {502: {"description": "The identity provider does not answer."}},
        openapi_extra=_LOGOUT,
    )
    async def logged_out(request: Request, response: Response) -> Json:
        """End what the identity provider says has ended there (OpenID Connect Back-Channel Logout): it sends a form
        with a `logout_token`."""
        response.headers.update(_SHOWN_ONCE)
        token = _field(await request.body(), "logout_token")
        try:
            return {"ended": await sign_in.logged_out(token, by(request, ANONYMOUS))}
        except UnknownToken as refused:
            # As the specification has it (section 2.8): 400, whatever is wrong.
            raise BadInput(refused.sentence) from None

    @router.post("/users/{login}/invitation", operation_id="invite_user", response_model=Link, responses=problems(404))
    async def invite(request: Request, response: Response, caller: Administrator, login: Login) -> Json:
        """Make a link by which a person chooses a password, once and within a day. An older one ends."""
        if service.settings.oidc_only:
            raise BadInput(f"Nobody has a password here: people sign in by {service.settings.oidc_title}")
        link = await database.change(lambda session: accounts.invite(session, login, by(request, caller)))
        response.headers.update(_SHOWN_ONCE)
        return {
            "user": link.user,
            "link": f"{service.settings.url}/-/choose-password/{link.secret}",
            "ends_at": link.ends_at.isoformat(timespec="seconds"),
        }

    @router.post("/users/{login}/identity-link", operation_id="link_user", response_model=Link, responses=problems(404))
    async def invite_to_link(request: Request, response: Response, caller: Administrator, login: Login) -> Json:
        """Make a link by which a person who has a password here has the account known to the identity provider, once
        and within a day: who opens it must sign in there. An older link ends."""
        issuer = service.settings.oidc_issuer
        link = await database.change(lambda session: linking.invite(session, login, issuer, by(request, caller)))
        response.headers.update(_SHOWN_ONCE)
        return {
            "user": link.user,
            "link": f"{service.settings.url}/-/link-account/{link.secret}",
            "ends_at": link.ends_at.isoformat(timespec="seconds"),
        }

    @router.delete(
        "/users/{login}/identity", operation_id="unlink_user", response_model=OneUser, responses=problems(404)
    )
    async def unlink(request: Request, caller: Administrator, login: Login) -> Json:
        """Let whom the identity provider speaks of be this person no longer; all sessions of the person end."""
        return {
            "user": (
                await database.change(lambda session: linking.unlink(session, login, by(request, caller)))
            ).as_json()
        }

    @router.get("/sessions", operation_id="list_sessions", response_model=Sessions, responses=problems(404))
    async def listed(caller: Owner, user: OfUser = None) -> Json:
        """List one's own sessions of the console, or another's."""

        def read(session: Session) -> list[Json]:
            whose = _whose(session, caller, user)
            return [one.as_json() for one in sessions.sittings(session, caller, whose)]

        return {"sessions": await database.ask(read)}

    @router.delete("/sessions/{session_id}", operation_id="end_session", response_model=EndedSession)
    async def ended(request: Request, caller: Owner, session_id: SessionId) -> Json:
        """End a session: one's own, or as an administrator any."""

        def end(session: Session) -> None:
            row = sessions.find(session, session_id)
            if not sessions.is_of(row, caller) and not caller.may(Permission.ADMINISTER):
                # Not a word of whether somebody else has one of that name.
                raise sessions.NoSession(f"There is no session {session_id!a}: it has ended already, or never was")
            sessions.end(session, row, "ended", by(request, caller))

        await database.change(end)
        return {"ended": session_id}

    @router.post("/account/password", operation_id="change_password", response_model=Changed, responses=problems(429))
    async def password(request: Request, caller: Owner, wanted: NewPassword) -> Json:
        """Change one's own password; other sessions end."""
        await sign_in.change_password(caller, wanted.old, wanted.new, by(request, caller))
        return {"done": "The password was changed, and other sessions have ended."}

    return router


def _whose(session: Session, caller: Caller, user: str | None) -> str | None:
    if user is None:
        return None
    if not caller.may(Permission.ADMINISTER):
        raise NotAllowed("Sessions of others are for administrators: leave the user out for your own")
    return find_user(session, user).id


def _field(body: bytes, name: str) -> str:
    """Of a form. Raises `BadInput`."""
    try:
        return parse_qs(body[:_LONGEST_BODY].decode())[name][0]
    except (ValueError, KeyError):
        raise BadInput(f"Send a form with a field `{name}`, as an identity provider does") from None


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
