"""What one has asked for, and the page on which one asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from curator.admission import decisions, snapshots
from curator.admission.gate import StillJudged
from curator.console.forms import Form
from curator.console.render import done, page
from curator.console.verdict_form import ENDS
from curator.database.engine import now
from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.policy.word import read_until
from curator.review import queue, requests
from curator.review.asking import Asking, Wish
from curator.review.request import KeptRequest
from curator.review.requests import Wanted
from curator.review.waiving import standing_against
from curator.types import RepoKind
from curator.web.guard import Asker
from curator.web.service import Service
from rules.evaluate import Reason

_PAGE = 40
_WAIT_S = 20.0


@dataclass(slots=True)
class Fields:
    """As they stand in the form."""

    decision: str = ""
    repository: str = ""
    kind: str = RepoKind.MODEL.value
    revision: str = "main"
    reason: str = ""
    until: str = "90d"

    @classmethod
    def of(cls, form: FormData | Any) -> Fields:
        kind = str(form.get("kind", RepoKind.MODEL.value))
        return cls(
            decision=str(form.get("decision", ""))[:64],
            repository=str(form.get("repository", ""))[:193],
            kind=kind if kind in set(RepoKind) else RepoKind.MODEL.value,
            revision=str(form.get("revision", "main"))[:255] or "main",
            reason=str(form.get("reason", ""))[:4_000],
            until=(str(form.get("until_day", "")) or str(form.get("until", "90d")))[:64],
        )


@dataclass(frozen=True, slots=True)
class About:
    """What the decision that the refusal named is about, shown beside the form."""

    repository: str
    kind: str
    commit: str
    outcome: str
    reasons: tuple[Reason, ...]


def request_pages(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database = service.database
    asking = Asking(service.settings, database, service.resolver, service.gate)

    @router.get("/-/requests")
    async def mine(request: Request, caller: Asker) -> HTMLResponse:
        query = request.query_params
        others = query.get("of") == "all" and caller.may(Permission.SEE_ALL)
        state = "all" if query.get("state") == "all" else "waiting"

        def read(session: Session) -> list[KeptRequest]:
            by = None if others else caller.name
            after = query.get("after")
            return requests.listed(session, by=by, state=state, after=after, limit=_PAGE)

        found = await database.ask(read)
        kept = {"of": "all" if others else "mine", "state": state}
        last = found[-1].id if len(found) == _PAGE else ""
        return page(
            request,
            caller,
            "requests.html",
            found=found,
            others=others,
            state=state,
            may_see_all=caller.may(Permission.SEE_ALL),
            next_href=f"?{urlencode(kept | {'after': last})}" if last else "",
        )

    @router.get("/-/requests/new")
    async def new(request: Request, caller: Asker) -> HTMLResponse:
        fields = Fields.of(request.query_params)
        return await _form(request, caller, fields)

    @router.post("/-/requests/new")
    async def ask(request: Request, caller: Asker, form: Form) -> Response:
        fields = Fields.of(form)
        wish = Wish(fields.decision, fields.repository, RepoKind(fields.kind), fields.revision)
        try:
            until = read_until(fields.until, now()) if fields.until.strip() else None
            ruling = await asking.ruling(wish, caller.audience, _WAIT_S)
            wanted = Wanted(ruling=ruling, by=caller.name, audience=caller.audience, reason=fields.reason, until=until)
            asked = await asyncio.to_thread(requests.ask, database, wanted, service.limits)
        except StillJudged as state:
            said = f"{state.commit} is not judged yet ({state}): ask when it is, if it is refused then"
            return await _form(request, caller, fields, said, 409)
        except CuratorError as error:
            return await _form(request, caller, fields, error.sentence, error.status)
        said = (
            "You have joined what others of your team ask for."
            if asked.joined
            else "Your request waits for a reviewer."
        )
        return done(request, f"/-/requests/{asked.request.id}", said)

    @router.get("/-/requests/{request_id}")
    async def one(request: Request, request_id: str, caller: Asker) -> HTMLResponse:
        return await _one(request, caller, request_id)

    @router.post("/-/requests/{request_id}")
    async def answered(request: Request, request_id: str, caller: Asker, form: Form) -> Response:
        await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        try:
            if form.get("do") == "withdraw":
                await asyncio.to_thread(requests.withdraw, database, request_id, caller.name)
                return done(request, f"/-/requests/{request_id}", "You want it no longer.")
            said = str(form.get("said", ""))[:4_000]
            await asyncio.to_thread(requests.reply, database, request_id, caller.name, said)
        except CuratorError as error:
            return await _one(request, caller, request_id, error)
        return done(request, f"/-/requests/{request_id}", "The reviewers see what you have written.")

    async def _one(
        request: Request, caller: Caller, request_id: str, error: CuratorError | None = None
    ) -> HTMLResponse:
        found = await asyncio.to_thread(requests.shown_to, database, request_id, caller)
        return page(
            request,
            caller,
            "request.html",
            error.status if error is not None else 200,
            kept=found,
            mine=any(requester.name == caller.name for requester in found.requesters),
            item=await database.ask(lambda session: queue.item_of(session, found.commit.repo) or "")
            if caller.may(Permission.SEE_ALL) and found.is_open
            else "",
            error=error.sentence if error is not None else "",
        )

    async def _form(
        request: Request, caller: Caller, fields: Fields, error: str = "", status: int = 200
    ) -> HTMLResponse:
        about = await asyncio.to_thread(_about, fields.decision) if fields.decision else None
        return page(
            request,
            caller,
            "request_new.html",
            status,
            fields=fields,
            about=about,
            error=error,
            ends=ENDS,
            kinds=RepoKind,
        )

    def _about(decision_id: str) -> About | None:
        with database.read() as session:
            found = decisions.find(session, decision_id)
            if found is None:
                return None
            ruling, _ = found
            commit = snapshots.get(session, ruling.snapshot_id).commit
        reasons = standing_against(ruling.decision.reasons)
        return About(str(commit.repo), commit.repo.kind.value, commit.sha, ruling.outcome.value, reasons)

    return router
