"""Who tried a door that is closed: on the record, for whoever wants to know who goes around the mirror's decisions.

One row tells of all that one caller asks at one kind of door for a minute, and the rows of a minute have a limit, so
that the record cannot be flooded; each request has its line in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from enum import StrEnum

from curator.audit.journal import Journal
from curator.audit.record import Action, AuditEvent
from curator.errors import UnknownToken
from curator.hub.request import Request
from curator.people.caller import ANONYMOUS, Caller
from curator.people.identity import Identity
from curator.types import RepoKind
from curator.web.asking import who

log = logging.getLogger(__name__)

_MINUTE_S = 60.0
_MOST_A_MINUTE = 1_000


class Door(StrEnum):
    """The kinds of closed addresses that bytes could go through."""

    GIT = "git"
    LFS = "lfs"
    XET = "xet"
    WRITE = "write"
    AROUND = "around"
    """Bytes of the Hub that no decision is about: conversions, kernels, buckets, comparisons."""


class ClosedDoors:
    """Belongs to one event loop."""

    def __init__(self, journal: Journal, identity: Identity) -> None:
        self._journal = journal
        self._identity = identity
        self._told: set[tuple[str | None, Door]] = set()
        self._since = time.monotonic()

    async def tried(self, request: Request, door: Door, audit_id: str, sentence: str, repo: str = "") -> None:
        """Put on the record that this caller was refused; once it is there, or is not wanted there."""
        caller = await asyncio.to_thread(self._caller, request)
        if time.monotonic() - self._since >= _MINUTE_S:
            self._told.clear()
            self._since = time.monotonic()
        asker = (caller.token_id or request.address, door)
        if asker in self._told:
            return
        if len(self._told) >= _MOST_A_MINUTE:
            log.warning("more than %d callers at closed doors in a minute: the rest is not recorded", _MOST_A_MINUTE)
            return
        self._told.add(asker)
        event = AuditEvent(
            id=audit_id,
            action=Action.REFUSE,
            **who(caller, request.address, request.headers.get("user-agent")),
            kind=_kind(request.address_asked),
            repo=repo,
            path=request.address_asked,
            outcome=f"closed-{door}",
            sentence=sentence,
        )
        try:
            await self._journal.record(event)
        except BaseException:
            # It is not on the record, so the next who asks has to put it there.
            self._told.discard(asker)
            raise

    def _caller(self, request: Request) -> Caller:
        """Who asks; these addresses are closed to everybody, so a token that is nobody's is no error."""
        try:
            return self._identity.caller(request.headers.get("authorization"))
        except UnknownToken:
            return ANONYMOUS


def _kind(address: str) -> RepoKind:
    """The kind of repository that an address names; one that names none is a model's, as at the Hub."""
    first = address.removeprefix("/api").split("/")[1:2]
    return next((kind for kind in RepoKind if first == [kind.plural]), RepoKind.MODEL)
