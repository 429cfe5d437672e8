"""Who calls the mirror's own addresses, and what he must be allowed to: the one place where a route says so.

Default deny: the application does not start with a route that says neither `May(...)` nor `OPEN` (`all_guarded`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Annotated, get_origin
from urllib.parse import quote, unquote_plus

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from curator.audit.asking import asks
from curator.errors import BadInput, NotAllowed, UnknownToken
from curator.people.caller import ANONYMOUS, Caller
from curator.people.identity import Identity
from curator.people.roles import Permission, roles_that
from curator.people.sign_in import SignIn
from curator.types import check_no_token
from curator.web.asking import who
from curator.web.errors import SignInFirst
from curator.web.repeated import NAME
from rules.circumstances import EVERYBODY, Audience

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class May:
    """A dependency: whoever calls, who must be allowed to. Raises `UnknownToken`, `NotAllowed` and `BadInput`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Caller:
        # Said to whoever it is: the address is in the history of his browser, and in the logs on the way here.
        check_no_token(unquote_plus(f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"))
        try:
            caller = await who_calls(request)
        except UnknownToken:
            if _may_sign_in(request):
                raise _to_sign_in(request) from None
            raise
        request.state.caller = caller
        if not caller.may(self.permission):
            if caller == ANONYMOUS and _may_sign_in(request):
                raise _to_sign_in(request)
            roles = ", ".join(roles_that(self.permission))
            cure = "Set CURATOR_TOKEN to the token of somebody who has it, or ask an administrator"
            if caller.session_id is not None:
                cure = "Ask an administrator"
            raise NotAllowed(
                f"{caller.name} has the role {caller.role} and may not do this here: it wants one of {roles}. {cure}"
            )
        _said_once(request)
        address = request.client.host if request.client is not None else None
        asks.set(who(caller, address, request.headers.get("user-agent")))
        if (run := request.scope.get(NAME)) is not None:
            await run.begin(caller)
        if _wants_page(request):
            request.state.counts = await asyncio.to_thread(request.app.state.counting, caller)
        return caller


def _said_once(request: Request) -> None:
    """That no parameter of the API is said twice: of two values, one would be passed over. Raises `BadInput`."""
    route = request.scope.get("route")
    if not request.scope["path"].startswith("/api/") or not isinstance(route, APIRoute):
        return
    many = {one.alias for one in route.dependant.query_params if get_origin(one.field_info.annotation) in _LISTS}
    names = [name for name, _ in request.query_params.multi_items()]
    twice = next((name for name in names if names.count(name) > 1 and name not in many), None)
    if twice is not None:
        raise BadInput(f"{twice[:80]!a} is said twice: say it once")


_LISTS = (list, tuple, set, frozenset)


async def who_calls(request: Request) -> Caller:
    """Whoever it is: by a token; in the console, and nowhere else, also by a session. Raises `UnknownToken`.

    Programs show tokens, which no browser sends by itself, so that no other site can have the API do anything.
    """
    identity: Identity = request.app.state.identity
    authorization = request.headers.get("authorization")
    if authorization is None and (cookie := session_cookie(request)) is not None:
        sign_in: SignIn = request.app.state.sign_in
        caller = await asyncio.to_thread(sign_in.caller, cookie)
        if caller is not None:
            identity.seen.note(caller)
            return caller
    return await asyncio.to_thread(identity.caller, authorization)


def session_cookie(request: Request) -> str | None:
    """What stands for a session, if this is an address of the console."""
    if not request.scope["path"].startswith("/-/"):
        return None
    sign_in: SignIn = request.app.state.sign_in
    return request.cookies.get(sign_in.cookies.session)


def _may_sign_in(request: Request) -> bool:
    """Whether it is a person with a browser who asks for a page."""
    return _wants_page(request) and "authorization" not in request.headers


def _wants_page(request: Request) -> bool:
    """Whether it is a browser that asks for a page of the console."""
    return request.scope["path"].startswith("/-/") and "text/html" in request.headers.get("accept", "")


def _to_sign_in(request: Request) -> SignInFirst:
    root = getattr(request.app.state, "root", "")
    wanted = request.scope["path"] if request.method == "GET" else ""
    if wanted and (query := request.scope["query_string"].decode("ascii", "replace")):
        wanted = f"{wanted}?{query}"
    return SignInFirst(f"{root}/-/sign-in{f'?next={quote(wanted)}' if wanted else ''}")


async def _open() -> None:
    """Nothing is asked of whoever calls."""


OPEN = Depends(_open)
"""For a route that is for everybody, also for those whom the mirror does not know."""

Puller = Annotated[Caller, Depends(May(Permission.PULL))]
Viewer = Annotated[Caller, Depends(May(Permission.SEE_CATALOG))]
Asker = Annotated[Caller, Depends(May(Permission.ASK))]
Owner = Annotated[Caller, Depends(May(Permission.OWN_ACCOUNT))]
"""Of an account, his own."""
Overseer = Annotated[Caller, Depends(May(Permission.SEE_ALL))]
Decider = Annotated[Caller, Depends(May(Permission.DECIDE))]
RuleTrier = Annotated[Caller, Depends(May(Permission.TRY_RULES))]
RuleWriter = Annotated[Caller, Depends(May(Permission.WRITE_RULES))]
Responder = Annotated[Caller, Depends(May(Permission.RESPOND))]
RecordReader = Annotated[Caller, Depends(May(Permission.READ_RECORD))]
RecordKeeper = Annotated[Caller, Depends(May(Permission.KEEP_RECORD))]
SettingsViewer = Annotated[Caller, Depends(May(Permission.SEE_SETTINGS))]
Notifier = Annotated[Caller, Depends(May(Permission.NOTIFY))]
Administrator = Annotated[Caller, Depends(May(Permission.ADMINISTER))]


def permissions_of(route: APIRoute) -> frozenset[Permission] | None:
    """What a route wants of its callers; empty if it is open to everybody, None if it says nothing, which is a slip."""
    said = list(_calls(route.dependant))
    wanted = frozenset(call.permission for call in said if isinstance(call, May))
    return wanted if wanted or _open in said else None


def all_guarded(routes: Iterable[BaseRoute]) -> None:
    """Hold that every route says who may call it. Raises `RuntimeError`: a slip of ours, and nothing is served."""
    for route in routes:
        if not isinstance(route, APIRoute) or permissions_of(route) is None:
            raise RuntimeError(f"{getattr(route, 'path', route)} does not say who may call it")


def _calls(dependant: Dependant) -> Iterable[Callable[..., object] | None]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


def audience_asked(caller: Caller, team: str | None, project: str | None) -> Audience:
    """For whom a caller asks: his own team and project, or whichever he names if he may see all.

    Raises `NotAllowed` and `BadInput`.
    """
    own = caller.audience
    wanted = Audience(own.team if team is None else team, own.project if project is None else project)
    if wanted != own and not caller.may(Permission.SEE_ALL):
        raise NotAllowed(
            f"{caller.name} may ask for {_told(own)} only, and not for {_told(wanted)}: leave --team "
            "and --project out, or show the token of somebody who may see all"
        )
    for name in filter(None, (wanted.team, wanted.project)):
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name[:80]!a} is not the name of a team or project: letters, digits, '.', '_' and '-'")
    return wanted


def reach(caller: Caller) -> Audience | None:
    """For whom what he may see of others' is meant: for his own team and project; None: he sees all."""
    return None if caller.may(Permission.SEE_ALL) else caller.audience


def sees(caller: Caller, audience: Audience) -> bool:
    """Whether something that is for this audience concerns him; what is for everybody concerns all."""
    own = reach(caller)
    return own is None or (audience.team in {"", own.team} and audience.project in {"", own.project})


def _told(audience: Audience) -> str:
    return f"{audience}" if audience != EVERYBODY else "nobody's team"
