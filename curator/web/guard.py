"""Who calls the mirror's own addresses, and what he must be allowed to: the one place where a route says so.

Default deny: the application does not start with a route that says neither `May(...)` nor `OPEN` (`all_guarded`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from curator.audit.asking import asks
from curator.errors import BadInput, NotAllowed
from curator.people.caller import Caller
from curator.people.identity import Identity
from curator.people.roles import Permission, roles_that
from curator.web.asking import who
from rules.circumstances import EVERYBODY, Audience

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class May:
    """A dependency: whoever calls, who must be allowed to. Raises `UnknownToken` and `NotAllowed`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Caller:
        identity: Identity = request.app.state.identity
        caller = await asyncio.to_thread(identity.caller, request.headers.get("authorization"))
        request.state.caller = caller
        if not caller.may(self.permission):
            roles = ", ".join(roles_that(self.permission))
            raise NotAllowed(
                f"{caller.name} has the role {caller.role} and may not do this here: it wants one of {roles}. Set "
                "CURATOR_TOKEN to the token of somebody who has it, or ask an administrator"
            )
        address = request.client.host if request.client is not None else None
        asks.set(who(caller, address, request.headers.get("user-agent")))
        return caller


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
