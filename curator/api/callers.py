"""Who calls the mirror's own addresses, and what he must be to do so: dependencies of the routes."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from curator.errors import NotAllowed
from curator.people.identity import Identity
from curator.people.tokens import Caller, Role


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
