"""What the mirror knows of a commit, as its rules see it: for tests of rules that name a commit, and whoever asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from curator.admission import decisions
from curator.admission.choose import Chooser
from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.api.documents.decisions import KnownFacts as Document
from curator.database.engine import Database
from curator.settings import Settings
from curator.types import RepoId, RepoKind, Revision
from curator.web.documents import STILL_SCANNED, problems
from curator.web.guard import Puller
from curator.web.parameters import Repository, RevisionName, WaitSeconds


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What this route needs."""

    settings: Settings
    database: Database
    chooser: Chooser


def facts_routes(known: KnownFacts) -> APIRouter:
    """The one route: the facts of a commit, which is judged for it if it was not."""
    router = APIRouter(tags=["decisions"])

    def of_decision(decision_id: str) -> dict[str, Any] | None:
        with known.database.read() as session:
            found = decisions.find(session, decision_id)
        return found[1].as_json() if found is not None else None

    @router.get(
        "/api/curator/v1/facts",
        operation_id="get_facts",
        response_model=Document,
        responses=STILL_SCANNED | problems(404),
    )
    async def facts(
        caller: Puller,
        repo: Repository,
        revision: RevisionName = "main",
        kind: RepoKind = RepoKind.MODEL,
        wait: WaitSeconds = 60.0,
    ) -> JSONResponse:
        """Say what the mirror knows of a commit, as its rules see it; it is judged for it if it was not."""
        check_kind(known.settings, kind)
        try:
            asked = Revision.parse(revision)
            choice = await known.chooser.choose(None, RepoId.parse(repo, kind), asked, wait, caller.audience)
        except StillJudged as state:
            return JSONResponse({"error": f"{state.commit} is still being scanned: {state}"}, 202)
        commit = choice.snapshot.commit
        return JSONResponse(
            {
                "schema": "curator.facts/1",
                "repository": str(commit.repo),
                "kind": kind.value,
                "commit": commit.sha,
                "facts": await asyncio.to_thread(of_decision, choice.ruling.id),
            }
        )

    return router
