"""Who calls the mirror's own addresses, and what he must be to do so: dependencies of the routes."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import Depends, Request

from curator.errors import BadInput, NotAllowed
from curator.people.identity import Identity
from curator.people.tokens import Caller, Role
from rules.circumstances import EVERYBODY, Audience

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


async def known_caller(request: Request) -> Caller:
    """Whoever may pull here. Raises `UnknownToken`."""
    identity: Identity = request.app.state.identity
    return await asyncio.to_thread(identity.caller, request.headers.get("authorization"))


async def administrator(caller: Annotated[Caller, Depends(known_caller)]) -> Caller:
    """Whoever may change what the mirror allows. Raises `UnknownToken` and `NotAllowed`."""
    if caller.role is not Role.ADMIN:
        raise NotAllowed(
            f"{caller.name} may not change this here: set CURATOR_TOKEN to the token of an administrator, made "
            "by `curator token create NAME --role admin`"
        )
    return caller


KnownCaller = Annotated[Caller, Depends(known_caller)]
Administrator = Annotated[Caller, Depends(administrator)]


def audience_asked(caller: Caller, team: str | None, project: str | None) -> Audience:
    """For whom a caller asks: his own team and project, or whichever he names if he is an administrator.

    Raises `NotAllowed` and `BadInput`.
    """
    own = caller.audience
    wanted = Audience(own.team if team is None else team, own.project if project is None else project)
    if wanted != own and caller.role is not Role.ADMIN:
        raise NotAllowed(
            f"{caller.name} may ask for {_told(own)} only, and not for {_told(wanted)}: leave --team "
            "and --project out, or show the token of an administrator"
        )
    for name in filter(None, (wanted.team, wanted.project)):
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name[:80]!a} is not the name of a team or project: letters, digits, '.', '_' and '-'")
    return wanted


def _told(audience: Audience) -> str:
    return f"{audience}" if audience != EVERYBODY else "nobody's team"
