"""The plain ASGI lane of the Hub's addresses: parse, call, answer.

It stands in front of the framework because a framework's routing cannot tell an encoded slash from a plain one, and
costs several times the work of a small answer (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp, Receive, Scope, Send

from curator.database.engine import new_id
from curator.errors import CuratorError, DatabaseAway, NotAllowed, ReadOnly, UnknownToken, WrongMethod
from curator.hub.addresses import read_route
from curator.hub.admit import Refused
from curator.hub.answer import Answer
from curator.hub.closed import refuse_closed
from curator.hub.derived import Derived
from curator.hub.doors import ClosedDoors, Door
from curator.hub.files import Files
from curator.hub.hot import Hot, HotAnswers
from curator.hub.listings import Listings
from curator.hub.myself import Myself
from curator.hub.oci import GgufRegistry
from curator.hub.refs import History
from curator.hub.refusal import Refusal, refuse, refuse_error, refuse_git
from curator.hub.request import Request, read_headers, read_query
from curator.hub.routes import (
    AuthCheck,
    Closed,
    Git,
    Manifest,
    PathsInfo,
    RawFile,
    Registry,
    RegistryBlob,
    RepoCommits,
    RepoInfo,
    RepoRefs,
    RepoTree,
    ResolveFile,
    Route,
    SafetensorsMetadata,
    Search,
    TagsByType,
    Telemetry,
    WhoAmI,
    XetToken,
)
from curator.hub.search import Catalogue
from curator.hub.sending import send_answer, send_whole
from curator.people.caller import ANONYMOUS, Caller
from curator.people.identity import Identity
from curator.people.roles import Permission
from curator.policy.in_force import NothingInForce, RulesInForce
from rules.circumstances import Audience

log = logging.getLogger("curator.access")

_OWN_PREFIXES = (b"/api/curator/", b"/-/")
_OWN_PATHS = {b"/healthz", b"/readyz", b"/", b"/robots.txt", b"/favicon.ico"}
# Whoever asks for these is nobody until the record wants a name: what they were taken for says nothing of who they are.
_ASKED_OF_NOBODY = Telemetry | Closed | Git


@dataclass(frozen=True, slots=True)
class HubLane:
    """Answers what the Hub would, and hands the mirror's own addresses on."""

    files: Files
    listings: Listings
    history: History
    derived: Derived
    catalogue: Catalogue
    registry: GgufRegistry
    doors: ClosedDoors
    myself: Myself
    url: str
    """The address that clients use."""
    identity: Identity
    hot: HotAnswers
    rules: RulesInForce
    own: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_own(scope["raw_path"]):
            await self.own(scope, receive, send)
            return
        hot = self.hot.find(scope)
        if hot is not None and hot.whole is not None:
            await send_whole(hot.whole, scope, send)
            return
        began = time.monotonic()
        answer = await self._answered(scope, receive, hot)
        sent = await send_answer(answer, scope, send)
        if answer.quiet:
            return
        log.info(
            "%s %s %d %d bytes %.0f ms %s",
            scope["method"],
            scope["raw_path"].decode("ascii", "backslashreplace"),
            answer.status,
            sent,
            (time.monotonic() - began) * 1_000,
            answer.headers.get("X-Request-Id", "-"),
        )

    async def _answered(self, scope: Scope, receive: Receive, hot: Hot | None) -> Answer:
        """The answer to a request, whatever happens."""
        headers = read_headers(scope)
        try:
            if hot is not None and hot.again is not None:
                return await hot.again(_request(scope, receive, headers, hot.caller))
            return await self._made(scope, receive, headers)
        except Refused as refused:
            return refuse(refused.refusal)
        except UnknownToken as error:
            # The code is the one whose reason all clients print; 401 alone reads as a repository that is not there.
            return refuse(
                Refusal(
                    sentence=error.sentence,
                    outcome="error",
                    repo="token",
                    audit_id=new_id(),
                    status=error.status,
                )
            )
        except CuratorError as error:
            return refuse_error(error, _repo_of(scope["raw_path"]), new_id())
        except OperationalError as error:
            log.error("the database does not answer: %s", error.orig)  # noqa: TRY400 - where it was asked is no news
            return refuse_error(DatabaseAway(), "", new_id())
        except Exception:
            audit_id = new_id()
            log.exception("request %s failed", audit_id)
            sentence = f"The mirror failed inside: tell its administrator of request {audit_id}"
            return refuse_error(CuratorError(sentence), "", audit_id)

    async def _made(self, scope: Scope, receive: Receive, headers: dict[str, str]) -> Answer:
        """The answer made anew, and kept for the next who asks if it will hold."""
        made_in = self.hot.now()
        route = read_route(scope["raw_path"])
        caller = await self._caller(route, headers)
        answer = await self._route(_request(scope, receive, headers, caller), route)
        audience = None if isinstance(route, _ASKED_OF_NOBODY) else await self._audience(caller)
        if audience is not None:
            # Of the generation that the answer was made in, or neither is kept.
            self.hot.know(headers.get("authorization"), caller, audience, made_in)
            self.hot.keep(scope, answer, audience, made_in)
        return answer

    async def _audience(self, caller: Caller) -> Audience | None:
        """Whom decisions for this caller are made for; None where there are no rules, and nothing to be kept."""
        try:
            return (await self.rules.get()).audience(caller.audience)
        except NothingInForce:
            return None

    async def _caller(self, route: Route, headers: dict[str, str]) -> Caller:
        if isinstance(route, _ASKED_OF_NOBODY):
            return ANONYMOUS
        caller = await asyncio.to_thread(self.identity.caller, headers.get("authorization"))
        if not caller.may(Permission.PULL):
            raise NotAllowed(f"{caller.name} has the role {caller.role} and pulls nothing here: ask an administrator")
        return caller

    async def _route(self, request: Request, route: Route) -> Answer:
        if isinstance(route, Git):
            sentence = "This mirror does not serve git: use `hf download`, which it judges file by file."
            audit_id = new_id()
            await self.doors.tried(request, Door.LFS if route.lfs else Door.GIT, audit_id, sentence)
            return refuse_git(sentence, audit_id, lfs=route.lfs)
        if isinstance(route, Telemetry):
            return Answer(200)
        if isinstance(route, Closed):
            return await self._closed(request, route)
        if isinstance(route, PathsInfo) and request.method == "POST":
            return await self.listings.paths_info(request, route)
        if request.method not in {"GET", "HEAD"}:
            error = ReadOnly("This mirror is read-only: nothing can be written to the Hub through it")
            return await self._refused_at(
                Door.WRITE, request, refuse_error(error, _name(route), new_id()), _name(route)
            )
        match route:
            case ResolveFile():
                return await self.files.answer(request, route)
            case RepoInfo():
                return await self.listings.info(request, route)
            case RepoTree():
                return await self.listings.tree(request, route)
            case RepoRefs():
                return await self.history.refs(request, route)
            case RepoCommits():
                return await self.history.commits(request, route)
            case RawFile():
                return await self.derived.raw(request, route)
            case SafetensorsMetadata():
                return await self.derived.safetensors(request, route)
            case Search():
                return await self.catalogue.search(request, route)
            case TagsByType():
                return await self.catalogue.tags(route)
            case Registry() | Manifest() | RegistryBlob():
                return await self.registry.answer(request, route)
            case PathsInfo():
                raise WrongMethod("Ask for paths-info by POST, with a field 'paths' for each path")
            case AuthCheck():
                return await self.listings.auth_check(request, route)
            case WhoAmI():
                return await self.myself.answer(request.caller)
            case XetToken():
                sentence = f"{route.repo} is served over HTTP and not by Xet: set HF_HUB_DISABLE_XET=1"
                repo = str(route.repo)
                answer = refuse(Refusal(sentence=sentence, outcome="error", repo=repo, audit_id=new_id()))
                return await self._refused_at(Door.XET, request, answer, repo)

    async def _closed(self, request: Request, route: Closed) -> Answer:
        answer = refuse_closed(route.address, route.known, request.method, self.url)
        if request.method not in {"GET", "HEAD"} or (route.known is not None and route.known.writes):
            door = Door.WRITE
        elif route.known is not None and route.known.around:
            door = Door.AROUND
        else:
            return answer
        return await self._refused_at(door, request, answer)

    async def _refused_at(self, door: Door, request: Request, answer: Answer, repo: str = "") -> Answer:
        """The refusal, once it is on the record."""
        sentence = answer.headers.get("X-Error-Message", "")
        await self.doors.tried(request, door, answer.headers["X-Request-Id"], sentence, repo)
        return answer


def _request(scope: Scope, receive: Receive, headers: dict[str, str], caller: Caller) -> Request:
    return Request(
        method=scope["method"],
        raw_path=scope["raw_path"],
        query=read_query(scope),
        headers=headers,
        address=scope["client"][0] if scope.get("client") else None,
        caller=caller,
        receive=receive,
    )


def is_own(raw_path: bytes) -> bool:
    """Whether an address is the mirror's and not the Hub's: no name of the Hub can be `-`, and `api` is its own."""
    return raw_path in _OWN_PATHS or raw_path.startswith(_OWN_PREFIXES)


def _name(route: Route) -> str:
    """The repository that is asked for; empty if none is."""
    return str(getattr(route, "repo", ""))


def _repo_of(raw_path: bytes) -> str:
    """The repository an address speaks of, for the topic of a warning; empty if it cannot be told."""
    try:
        return _name(read_route(raw_path))
    except CuratorError:
        return ""
