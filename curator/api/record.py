"""The record: read, exported, sealed, verified; and legal holds on it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from curator.api.documents.record import Asks, Begun, Holds, OneHold, OneRow, OneSeal, Rows, State, Uses
from curator.api.words import page_json
from curator.audit import holds, read, uses
from curator.audit.export import begin_export, lines
from curator.audit.read import Filter
from curator.audit.seals import newest_seal, seal_now, signer
from curator.audit.standing import record_standing
from curator.types import RepoKind
from curator.web.documents import problems
from curator.web.guard import Overseer, RecordKeeper, RecordReader
from curator.web.parameters import After, Id, PageSize
from curator.web.service import Service

Text = Annotated[str, Query(max_length=200)]
Seq = Annotated[int | None, Query(ge=1, le=(1 << 63) - 1, description="`next` of the page before this one.")]


class WantedHold(BaseModel):
    """What a legal hold is to be about; with nothing named, all of the record."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    repo: Annotated[str, Field(max_length=200)] = ""
    """A glob."""
    actor: Annotated[str, Field(max_length=200)] = ""
    team: Annotated[str, Field(max_length=200)] = ""
    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""


def asked_filter(
    action: Text = "", actor: Text = "", team: Text = "", repo: Text = "", since: Text = "", until: Text = ""
) -> Filter:
    """Which rows; `since` and `until` are `2026-11-26`, a moment, `12h` or `7d`."""
    return Filter.read(action=action, actor=actor, team=team, repo=repo, since=since, until=until)


Wanted = Annotated[Filter, Depends(asked_filter)]


def record_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["record"])
    database = service.database

    @router.get("/record", operation_id="list_record", response_model=Rows)
    async def listed(caller: RecordReader, wanted: Wanted, after: Seq = None, limit: PageSize = 50) -> dict[str, Any]:
        """List rows of the record, the newest first."""
        del caller
        found = await database.ask(
            lambda session: [one.as_json() | {"told": one.told} for one in read.page(session, wanted, after, limit + 1)]
        )
        return page_json("rows", found, limit, lambda row: str(row["seq"]))

    @router.get("/record/state", operation_id="get_record_state", response_model=State)
    async def state(caller: RecordReader) -> dict[str, Any]:
        """Say how the record stands: sealed, verified, and what was deleted."""
        del caller
        standing = await asyncio.to_thread(record_standing, database)
        more = {"verifying": service.verifying.running, "keep_days": service.settings.record_days}
        return standing.as_json() | more

    @router.get("/record/export", operation_id="export_record", response_class=StreamingResponse)
    async def export(caller: RecordReader, wanted: Wanted) -> StreamingResponse:
        """Export rows of the record as JSON lines, which `curator audit verify FILE` verifies."""
        until = await asyncio.to_thread(begin_export, database, wanted, caller.name)
        headers = {"Content-Disposition": 'attachment; filename="record.jsonl"', "X-Content-Type-Options": "nosniff"}
        made = lines(database, service.seal, wanted, until)
        return StreamingResponse(made, media_type="application/jsonl", headers=headers)

    @router.post("/record/verify", operation_id="verify_record", status_code=202, response_model=Begun)
    async def verify(caller: RecordReader) -> dict[str, Any]:
        """Begin to verify all of the record; how it ends, the state of the record says."""
        del caller
        return {"begun": service.verifying.begin(), "verifying": True}

    @router.get("/record/seal", operation_id="get_record_seal", response_model=OneSeal)
    async def seal(caller: RecordReader) -> dict[str, Any]:
        """Show the newest seal, to be kept elsewhere."""
        del caller

        def newest() -> dict[str, Any]:
            with database.read() as session:
                found = newest_seal(session)
            return {"seal": found.as_json() if found is not None else None}

        return await asyncio.to_thread(newest)

    @router.post("/record/seal", operation_id="seal_record", status_code=201, response_model=OneSeal)
    async def seal_it(caller: RecordReader) -> dict[str, Any]:
        """Seal the record as it is now, and show the seal."""
        del caller

        def sealed() -> dict[str, Any]:
            with_key = signer(database, service.seal)
            with database.write() as session:
                found = seal_now(session, with_key) or newest_seal(session)
            return {"seal": found.as_json() if found is not None else None}

        return await asyncio.to_thread(sealed)

    @router.get("/record/holds", operation_id="list_holds", response_model=Holds)
    async def held(caller: RecordReader, after: After = None, limit: PageSize = 50) -> dict[str, Any]:
        """List legal holds, the newest first."""
        del caller
        return page_json(
            "holds",
            await database.ask(lambda session: [one.as_json() for one in holds.listed(session, after, limit + 1)]),
            limit,
        )

    @router.post("/record/holds", operation_id="place_hold", status_code=201, response_model=OneHold)
    async def place(wanted: WantedHold, caller: RecordKeeper) -> dict[str, Any]:
        """Put a legal hold on part of the record: it is not deleted while the hold stands."""
        since, until = read.moment(wanted.since, end=False), read.moment(wanted.until, end=True)
        about = {"repo": wanted.repo, "actor": wanted.actor, "team": wanted.team}
        hold = await asyncio.to_thread(
            lambda: holds.place(database, reason=wanted.reason, by=caller.name, **about, since=since, until=until)
        )
        return {"hold": hold.as_json()}

    @router.delete("/record/holds/{hold_id}", operation_id="end_hold", response_model=OneHold, responses=problems(404))
    async def end(
        hold_id: Id, caller: RecordKeeper, reason: Annotated[str, Query(min_length=1, max_length=500)]
    ) -> dict[str, Any]:
        """End a legal hold."""
        hold = await asyncio.to_thread(holds.end, database, hold_id, reason=reason, by=caller.name)
        return {"hold": hold.as_json()}

    @router.get("/record/rows/{row_id}", operation_id="get_record_row", response_model=OneRow, responses=problems(404))
    async def one(row_id: Id, caller: RecordReader) -> dict[str, Any]:
        """Show the row of a request, by its X-Request-Id."""
        del caller

        def found() -> dict[str, Any]:
            with database.read() as session:
                entry = read.find(session, row_id)
            return {"row": entry.as_json() | {"told": entry.told}}

        return await asyncio.to_thread(found)

    @router.get("/uses", operation_id="list_uses", response_model=Uses)
    async def used(
        caller: Overseer,
        repo: Annotated[str, Query(min_length=1, max_length=193)],
        kind: RepoKind = RepoKind.MODEL,
        commit: Annotated[str | None, Query(max_length=64)] = None,
        after: Annotated[str | None, Query(max_length=200)] = None,
        limit: PageSize = 50,
    ) -> dict[str, Any]:
        """List who was given files of a repository, the latest first."""
        del caller
        return page_json(
            "uses",
            await database.ask(
                lambda session: [one.as_json() for one in uses.users_of(session, kind, repo, commit, after, limit + 1)]
            ),
            limit,
            uses.cursor_of,
        )

    @router.get("/asked", operation_id="list_asked", response_model=Asks)
    async def asked(
        caller: Overseer,
        repo: Annotated[str, Query(min_length=1, max_length=193)],
        commit: Annotated[str, Query(pattern="^[0-9a-f]{40}$")],
        kind: RepoKind = RepoKind.MODEL,
        after: Annotated[str | None, Query(max_length=200)] = None,
        limit: PageSize = 50,
    ) -> dict[str, Any]:
        """List who asked for a commit and was refused it or had to wait, the latest first."""
        del caller
        return page_json(
            "asked",
            await database.ask(
                lambda session: [one.as_json() for one in uses.asked_for(session, kind, repo, commit, after, limit + 1)]
            ),
            limit,
            uses.cursor_of,
        )

    return router
