"""Lists of what is approved and what is blocked, and the collections that one may name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from curator.api.documents.words import Collections, Entries, EntriesMade, EntryEnded, OneEntry
from curator.api.words import Desk, State, Word, page_json
from curator.policy import lists
from curator.policy.collections import collections
from curator.review import listing
from curator.review.listing import Request
from curator.types import RepoKind
from curator.web.documents import problems
from curator.web.guard import Decider, Puller, reach
from curator.web.parameters import After, Id, PageSize, Repository
from rules.circumstances import ListEffect


class WantedEntries(Word):
    """What is to be approved or blocked."""

    effect: ListEffect
    targets: Annotated[list[Annotated[str, Field(min_length=1, max_length=400)]], Field(min_length=1, max_length=100)]
    """`ORG/NAME`, `ORG/NAME@REV`, `ORG/NAME@A..B`, `ORG/*` or `collection:NAME`."""
    kind: RepoKind | None = None
    """None: models; every kind, where globs are blocked."""


def list_routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["lists"])

    @router.get("/lists", operation_id="list_entries", response_model=Entries)
    async def listed(
        caller: Puller,
        state: State = "active",
        effect: ListEffect | None = None,
        repo: Repository | None = None,
        after: After = None,
        limit: PageSize = 100,
    ) -> dict[str, Any]:
        """List what is approved and what is blocked, the newest first."""

        def read() -> list[dict[str, Any]]:
            with desk.database.read() as session:
                kept = lists.listed(
                    session, state=state, effect=effect, repo=repo, reach=reach(caller), after=after, limit=limit + 1
                )
            return [one.as_json() for one in kept]

        return page_json("entries", await asyncio.to_thread(read), limit)

    @router.get("/lists/{entry_id}", operation_id="get_entry", response_model=OneEntry)
    async def one(entry_id: Id, caller: Puller) -> dict[str, Any]:
        """Show an entry of any time."""

        def read() -> dict[str, Any]:
            with desk.database.read() as session:
                kept = lists.find(session, entry_id)
            if (own := reach(caller)) is not None and not kept.entry.scope.covers(own):
                raise lists.no_such_entry(entry_id)
            return {"entry": kept.as_json()}

        return await asyncio.to_thread(read)

    @router.post(
        "/lists",
        operation_id="add_entries",
        status_code=201,
        response_model=EntriesMade,
        responses=problems(404),
    )
    async def say(wanted: WantedEntries, caller: Decider) -> JSONResponse:
        """Approve or block repositories, commits, publishers or collections: all of them, or none."""
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

    @router.delete("/lists/{entry_id}", operation_id="end_entry", response_model=EntryEnded)
    async def take_back(entry_id: Id, caller: Decider) -> JSONResponse:
        """Take an entry back; it stays in the record."""
        kept, reopened = await asyncio.to_thread(
            lambda: listing.take_back(desk.database, entry_id, caller.name, desk.rule_set())
        )
        return desk.then_judged({"entry": kept.as_json()}, reopened)

    @router.get("/collections", operation_id="list_collections", response_model=Collections)
    async def known_collections(caller: Puller) -> dict[str, Any]:
        """List the collections that an entry may name."""
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
