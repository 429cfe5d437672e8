"""The catalogue, and all that is known of a commit."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from curator.admission.catalogue import search
from curator.admission.catalogue.said import LONGEST_SEARCH, Sort
from curator.admission.catalogue.said import Query as Wanted
from curator.admission.dossier import dossier, known_commit
from curator.admission.kinds import check_kind
from curator.api.documents.catalogue import CatalogueFacets, CatalogueList, CatalogueVerdict, DossierAnswer
from curator.people.caller import Caller
from curator.types import RepoId, RepoKind
from curator.web.documents import problems
from curator.web.guard import Viewer
from curator.web.service import Service
from curator.web.viewing import NeverJudged, desk, viewpoint

_PATIENCE_S = 30.0
"""For counts: a program has asked for them alone."""

After = Annotated[str | None, Query(min_length=1, max_length=900, description="`next` of the page before this one.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many, at most.")]
Search = Annotated[str, Query(max_length=LONGEST_SEARCH, description="Part of the name, in any letter case.")]
Value = Annotated[str | None, Query(max_length=200)]
Sha = Annotated[str, Path(pattern="^[0-9a-f]{40}$", description="A commit.")]
Named = Annotated[str, Path(min_length=1, max_length=193, description="A repository, `ORG/NAME`.")]


def catalogue_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["catalogue"])

    @router.get("/catalog", operation_id="list_catalog", response_model=CatalogueList)
    async def listed(
        caller: Viewer,
        search_for: Annotated[Search, Query(alias="search")] = "",
        kind: RepoKind | None = None,
        verdict: CatalogueVerdict | None = None,
        task: Value = None,
        licence: Value = None,
        publisher: Value = None,
        size: Value = None,
        format: Value = None,  # noqa: A002 - it is the parameter's name
        team: Value = None,
        sort: Sort = Sort.NAME,
        after: After = None,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        """List repositories with what was decided about them, for whoever asks; whoever sees all sees it for all."""
        wanted = Wanted(search_for, kind, verdict, task, licence, publisher, size, format, team, sort)

        def read() -> dict[str, Any]:
            view = viewpoint(service, caller)
            with service.database.read() as session:
                page = search.page(session, wanted, view, after, limit)
            return {"repositories": [item.as_json() for item in page.items], "next": page.next}

        return await asyncio.to_thread(read)

    @router.get("/catalog/facets", operation_id="count_catalog", response_model=CatalogueFacets | None)
    async def facets(
        caller: Viewer,
        search_for: Annotated[Search, Query(alias="search")] = "",
        kind: RepoKind | None = None,
        verdict: CatalogueVerdict | None = None,
        task: Value = None,
        licence: Value = None,
        publisher: Value = None,
        size: Value = None,
        format: Value = None,  # noqa: A002 - it is the parameter's name
        team: Value = None,
    ) -> dict[str, Any] | None:
        """Count repositories by task, licence, publisher and so on: each facet under all filters but its own."""
        wanted = Wanted(search_for, kind, verdict, task, licence, publisher, size, format, team)

        def read() -> dict[str, Any] | None:
            counted = service.facets.of(wanted, viewpoint(service, caller), _PATIENCE_S)
            return counted.as_json() if counted is not None else None

        return await asyncio.to_thread(read)

    def read_dossier(caller: Caller, kind: RepoKind, repo: str, sha: str | None) -> dict[str, Any]:
        check_kind(service.settings, kind)
        named, own = RepoId.parse(repo, kind), desk(service, caller)
        with service.database.read() as session:
            commit = known_commit(session, named, sha, own)
            found = dossier(session, commit, own) if commit is not None else None
        if found is None:
            raise NeverJudged(named, sha)
        return found.as_json()

    @router.get(
        "/repositories/{kind}/{repo:path}/commits/{sha}",
        operation_id="get_dossier",
        response_model=DossierAnswer,
        responses=problems(404),
    )
    async def of_commit(caller: Viewer, kind: RepoKind, repo: Named, sha: Sha) -> dict[str, Any]:
        """Lay open all that is known of a commit, as far as whoever asks may see it. Nothing is judged for it."""
        return await asyncio.to_thread(read_dossier, caller, kind, repo, sha)

    @router.get(
        "/repositories/{kind}/{repo:path}/commits",
        operation_id="get_newest_dossier",
        response_model=DossierAnswer,
        responses=problems(404),
    )
    async def newest(caller: Viewer, kind: RepoKind, repo: Named) -> dict[str, Any]:
        """The same of the commit that `main` stands for, or else of the one that was judged last."""
        return await asyncio.to_thread(read_dossier, caller, kind, repo, None)

    return router
