"""Lists of what is approved and what is blocked, and the collections that one may name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from curator.api.words import Desk, PageSize, State, Word, page_json
from curator.policy import lists
from curator.policy.collections import collections
from curator.review import listing
from curator.review.listing import Request
from curator.types import RepoKind
from curator.web.guard import Decider, Puller
from rules.circumstances import ListEffect


class WantedEntries(Word):
    """What is to be approved or blocked."""

    effect: ListEffect
    targets: Annotated[list[str], Field(min_length=1, max_length=100)]
    """`ORG/NAME`, `ORG/NAME@REV`, `ORG/NAME@A..B`, `ORG/*` or `collection:NAME`."""
    kind: RepoKind | None = None
    """None: models; every kind, where globs are blocked."""


def list_routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1")

    @router.get("/lists")
    async def listed(
        caller: Puller,
        state: State = "active",
        effect: ListEffect | None = None,
        repo: str | None = None,
        after: str | None = None,
        limit: PageSize = 100,
    ) -> dict[str, Any]:
        del caller

        def read() -> list[dict[str, Any]]:
            with desk.database.read() as session:
                kept = lists.listed(session, state=state, effect=effect, repo=repo, after=after, limit=limit)
            return [one.as_json() for one in kept]

        return page_json("entries", await asyncio.to_thread(read), limit)

    @router.get("/lists/{entry_id}")
    async def one(entry_id: str, caller: Puller) -> dict[str, Any]:
        del caller

        def read() -> dict[str, Any]:
            with desk.database.read() as session:
                return {"entry": lists.find(session, entry_id).as_json()}

        return await asyncio.to_thread(read)

    @router.post("/lists")
    async def say(wanted: WantedEntries, caller: Decider) -> JSONResponse:
        kind = wanted.kind or RepoKind.MODEL
        targets = [await desk.targets.read(text, kind) for text in dict.fromkeys(wanted.targets)]
        request = Request(
            effect=wanted.effect,
            targets=targets,
            kinds=_kinds(wanted),
            scope=wanted.scope(),
            reason=wanted.reason,
            by=caller.name,
            expires_at=wanted.expires_at(),
        )
        put = await asyncio.to_thread(lambda: listing.put(desk.database, request, desk.rule_set()))
        document = {
            "entries": [kept.as_json() for kept in put.entries],
            "notes": [target.note for target in targets if target.note],
            "still": [one.as_json() for one in put.still],
        }
        return desk.then_judged(document, put.reopened, 201)

    @router.delete("/lists/{entry_id}")
    async def take_back(entry_id: str, caller: Decider) -> JSONResponse:
        kept, reopened = await asyncio.to_thread(
            lambda: listing.take_back(desk.database, entry_id, caller.name, desk.rule_set())
        )
        return desk.then_judged({"entry": kept.as_json()}, reopened)

    @router.get("/collections")
    async def known_collections(caller: Puller) -> dict[str, Any]:
        del caller
        return {"collections": [one.as_json() for one in collections().values()]}

    return router


def _kinds(wanted: WantedEntries) -> tuple[str, ...]:
    if wanted.kind is not None:
        return (wanted.kind.value,)
    # Whoever blocks a publisher means all that he publishes; what is approved is not more than what was named.
    only_globs = all("*" in text and not text.startswith("collection:") for text in wanted.targets)
    if wanted.effect is ListEffect.BLOCK and only_globs:
        return tuple(kind.value for kind in RepoKind)
    return (RepoKind.MODEL.value,)
