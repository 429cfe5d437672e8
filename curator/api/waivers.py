"""Waivers: given, listed, taken back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlmodel import Session

from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.api.documents.words import PlanOnly, WaiverEnded, WaiverGiven, Waivers, WaiverWithUses
from curator.api.words import Desk, Names, State, Word, page_json
from curator.policy import waivers
from curator.policy.word import BadWord
from curator.review import waiving
from curator.review.waiving import Request, Which
from curator.types import RepoId, RepoKind, Revision
from curator.web.documents import STILL_SCANNED, problems
from curator.web.guard import Decider, Puller, reach
from curator.web.parameters import After, Id, PageSize, Repository, WaitSeconds
from rules.circumstances import EVERYBODY, Audience

_GLOB = frozenset("*?[]!")


class WantedWaiver(Word):
    """What is to be waived: of a decision, or of the one about a repository at a revision."""

    decision: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    repository: Annotated[str, Field(min_length=1, max_length=193)] | None = None
    kind: RepoKind = RepoKind.MODEL
    revision: Annotated[str, Field(min_length=1, max_length=255)] = "main"
    rules: Names = ()
    findings: Names = ()
    files: Names = ()
    fingerprints: Names = ()
    preview: bool = False
    """Only to see what it would cover."""


def waiver_routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/waivers", tags=["waivers"])

    @router.get("", operation_id="list_waivers", response_model=Waivers)
    async def listed(
        caller: Puller,
        state: State = "active",
        repo: Repository | None = None,
        after: After = None,
        limit: PageSize = 100,
    ) -> dict[str, Any]:
        """List waivers, the newest first."""

        def read() -> list[dict[str, Any]]:
            with desk.database.read() as session:
                kept = waivers.listed(
                    session, state=state, repo=repo, reach=reach(caller), after=after, limit=limit + 1
                )
            return [one.as_json() for one in kept]

        return page_json("waivers", await asyncio.to_thread(read), limit)

    @router.get("/{waiver_id}", operation_id="get_waiver", response_model=WaiverWithUses)
    async def one(waiver_id: Id, caller: Puller) -> dict[str, Any]:
        """Show a waiver of any time, and what it was used for."""
        own = reach(caller)

        def read(session: Session) -> dict[str, Any]:
            kept = waivers.find(session, waiver_id)
            if own is not None and not kept.waiver.scope.covers(own):
                raise waivers.no_such_waiver(waiver_id)
            return {"waiver": kept.as_json(), "uses": waiving.uses(session, waiver_id, own)}

        return await desk.database.ask(read)

    @router.post(
        "",
        operation_id="give_waiver",
        status_code=201,
        response_model=WaiverGiven,
        responses={200: {"model": PlanOnly, "description": "A preview: nothing was done."}}
        | STILL_SCANNED
        | problems(404),
    )
    async def give(wanted: WantedWaiver, caller: Decider, wait: WaitSeconds = 60.0) -> JSONResponse:
        """Waive what stands against a commit, or see first what that would cover (`preview`)."""
        try:
            decision = wanted.decision or await _decision_about(desk, wanted, wait)
        except StillJudged as state:
            return JSONResponse({"error": f"{state.commit} is still being scanned: {state}"}, 202, {"Retry-After": "5"})
        request = Request(
            decision=decision,
            which=Which(wanted.rules, wanted.findings, wanted.files, wanted.fingerprints),
            scope=wanted.scope(),
            reason=wanted.reason,
            by=caller.name,
            expires_at=wanted.expires_at(),
        )
        if wanted.preview:
            return JSONResponse({"plan": await asyncio.to_thread(_preview, desk, request)})
        kept, made, reopened = await asyncio.to_thread(
            lambda: waiving.waive(desk.database, request, desk.rule_set(), desk.limits)
        )
        return desk.then_judged({"waiver": kept.as_json(), "plan": made.as_json()}, reopened, 201)

    @router.delete("/{waiver_id}", operation_id="end_waiver", response_model=WaiverEnded)
    async def take_back(waiver_id: Id, caller: Decider) -> JSONResponse:
        """Take a waiver back; it stays in the record."""
        kept, reopened = await asyncio.to_thread(
            lambda: waiving.take_back(desk.database, waiver_id, caller.name, desk.rule_set())
        )
        return desk.then_judged({"waiver": kept.as_json()}, reopened)

    return router


async def _decision_about(desk: Desk, wanted: WantedWaiver, wait_s: float) -> str:
    """The decision for those that the waiver is for. Of a branch, it is about the upstream's commit."""
    if wanted.repository is None:
        raise BadWord("Name a repository, or a decision, of which something is to be waived")
    repo = RepoId.parse(wanted.repository, wanted.kind)
    check_kind(desk.settings, repo.kind)
    snapshot = await desk.resolver.resolve(repo, Revision.parse(wanted.revision))
    ruling = await desk.gate.decide(snapshot, wait_s, _audience(wanted))
    return ruling.id


def _audience(wanted: WantedWaiver) -> Audience:
    """The team and the project, where one of each is named and not a glob."""
    scope = wanted.scope()
    team, project = (
        globs[0] if len(globs) == 1 and not _GLOB.intersection(globs[0]) else ""
        for globs in (scope.teams, scope.projects)
    )
    return Audience(team, project) if team or project else EVERYBODY


def _preview(desk: Desk, request: Request) -> dict[str, Any]:
    rule_set = desk.rule_set()
    with desk.database.read() as session:
        return waiving.plan(session, request, rule_set, desk.limits).as_json()
