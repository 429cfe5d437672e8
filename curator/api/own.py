"""The mirror's own addresses: health, and the one place that says what was found and why it was decided so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from curator.admission.choose import Chooser
from curator.admission.explain import explain_behind
from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.api.documents.decisions import Explanation
from curator.database.engine import Database
from curator.people.caller import Caller
from curator.policy import rule_sets
from curator.policy.watch import Standing, standing
from curator.settings import Settings
from curator.types import RepoId, RepoKind, Revision
from curator.web.documents import STILL_SCANNED, Answer, problems
from curator.web.explained import explained
from curator.web.guard import OPEN, Puller, audience_asked
from curator.web.parameters import EmptyName, Id, Repository, RevisionName, WaitSeconds

_HEALTH: list[str | Enum] = ["health"]
_DECISIONS: list[str | Enum] = ["decisions"]


@dataclass(frozen=True, slots=True)
class Own:
    """What these routes need."""

    settings: Settings
    database: Database
    chooser: Chooser


def own_routes(own: Own) -> APIRouter:
    """All of them."""
    router = APIRouter()

    async def explanation(decision_id: str, caller: Caller) -> dict[str, Any]:
        return await asyncio.to_thread(explained, own.database, own.settings, decision_id, caller)

    @router.get("/healthz", dependencies=[OPEN], operation_id="is_alive", response_model=Alive, tags=_HEALTH)
    async def healthz() -> dict[str, str]:
        """Say that the server answers."""
        return {"status": "alive"}

    @router.get(
        "/readyz",
        dependencies=[OPEN],
        operation_id="is_ready",
        response_model=Ready,
        responses={503: {"model": NotReady, "description": "It cannot serve for now, and why."}},
        tags=_HEALTH,
    )
    async def readyz() -> JSONResponse:
        """Say whether the server can serve: its database answers, and there are rules that can allow something."""
        try:
            rules, rule_set = await asyncio.to_thread(_rules, own)
        except SQLAlchemyError as error:
            return JSONResponse({"status": "not ready", "reason": f"the database: {type(error).__name__}"}, 503)
        if not rules.allowed:
            return JSONResponse({"status": "not ready", "reason": f"nothing is allowed. {rules.problem}"}, 503)
        document = {"status": "ready", "rule_set": rule_set}
        # The last good rules are in force: a server that is taken out for a slip in a file would help nobody.
        return JSONResponse(document | {"problem": rules.problem} if rules.problem else document)

    @router.get("/", dependencies=[OPEN])
    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", "").lower():
            return RedirectResponse(f"{own.settings.path_prefix}/-/", 303, {"Vary": "Accept"})
        url = own.settings.url
        return PlainTextResponse(
            f"Model Curator, a mirror of {own.settings.upstream}\n\nexport HF_ENDPOINT={url}\n\n"
            f"Why something is refused: {url}/-/decisions/<id>, or `curator rules explain ORG/NAME`.\n",
            headers={"Vary": "Accept"},
        )

    @router.get(
        "/api/curator/v1/decisions/{decision_id}",
        operation_id="get_decision",
        response_model=Explanation,
        response_model_exclude_unset=True,
        tags=_DECISIONS,
    )
    async def decision_document(decision_id: Id, caller: Puller) -> dict[str, Any]:
        """Explain a decision of any time: what each rule saw and said, and what would change it.

        One that is for another team or project is told to those alone who may see all."""
        return await explanation(decision_id, caller)

    @router.get(
        "/api/curator/v1/explain",
        operation_id="explain_repository",
        response_model=Explanation,
        responses=STILL_SCANNED | problems(404),
        tags=_DECISIONS,
    )
    async def explain(
        caller: Puller,
        repo: Repository,
        revision: RevisionName = "main",
        kind: RepoKind = RepoKind.MODEL,
        wait: WaitSeconds = 60.0,
        team: EmptyName = None,
        project: EmptyName = None,
    ) -> JSONResponse:
        """Explain what is decided about a repository now; it is judged for it if it was not."""
        check_kind(own.settings, kind)
        audience, asked = audience_asked(caller, team, project), Revision.parse(revision)
        try:
            choice = await own.chooser.choose(None, RepoId.parse(repo, kind), asked, wait, audience)
        except StillJudged as state:
            return JSONResponse({"error": f"{state.commit} is still being scanned: {state}"}, 202)
        document = await explanation(choice.ruling.id, caller)
        if choice.behind is not None:
            document |= {"behind": explain_behind(choice.behind, choice.snapshot.commit)}
        return JSONResponse(document)

    return router


class Alive(Answer):
    """The server answers."""

    status: Literal["alive"]


class Ready(Answer):
    """The server can serve."""

    status: Literal["ready"]
    rule_set: str | None
    problem: str | None = None


class NotReady(Answer):
    """The server cannot serve, and why."""

    status: Literal["not ready"]
    reason: str


def _rules(own: Own) -> tuple[Standing, str | None]:
    with own.database.read() as session:
        return standing(session, own.settings, own.database), rule_sets.in_force(session)
