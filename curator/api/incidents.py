"""Incidents: block retroactively, see who is hit, follow the cleaning up, take evidence."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from curator.api.documents.incidents import (
    Affected,
    Descendants,
    IncidentChanged,
    Incidents,
    Notices,
    Preview,
    TeamAnswered,
    Users,
    WholeIncident,
)
from curator.api.words import reopened_json
from curator.evidence import blast, incidents
from curator.evidence.affected import Had, affected
from curator.evidence.incidents import Changed
from curator.evidence.subjects import read
from curator.notify.about import told_about
from curator.types import RepoKind
from curator.web.documents import problems
from curator.web.evidence import evidence_answer
from curator.web.guard import Asker, Overseer, Owner, Puller, RecordReader, Responder
from curator.web.incidents import listed, own_team, preview, team_named, whole
from curator.web.parameters import After, Id, PageSize
from curator.web.service import Service

_CONTENT = r"^(sha256:[0-9a-f]{64}|git-sha1:[0-9a-f]{40})$"
Named = Annotated[str, Field(min_length=1, max_length=400, examples=["acme/tiny", "acme/*", "sha256:4a1f..."])]
Why = Annotated[str, Field(min_length=1, max_length=2_000, examples=["the publisher's account was stolen"])]
Cursor = Annotated[str | None, Query(min_length=1, max_length=300, description="`next` of the page before this one.")]


class WantedIncident(BaseModel):
    """What is to be withdrawn, and why."""

    model_config = ConfigDict(extra="forbid")

    subject: Named
    """`ORG/NAME`, `ORG/NAME@COMMIT`, a commit, `ORG/*`, or a sha256."""
    kind: RepoKind | None = None
    reason: Why


class WantedEnd(BaseModel):
    """Why an incident is lifted."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


class Cleaning(BaseModel):
    """What a team says it did."""

    model_config = ConfigDict(extra="forbid")

    said: Literal["acknowledge", "clean"]
    team: Annotated[str, Field(max_length=64)] | None = None
    """None: that of whoever says it."""
    note: Annotated[str, Field(max_length=500)] = ""


class OneHad(BaseModel):
    """A commit that somebody has."""

    model_config = ConfigDict(extra="forbid")

    kind: RepoKind = RepoKind.MODEL
    repository: Annotated[str, Field(min_length=1, max_length=193)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class WhatIsHad(BaseModel):
    """What somebody has in their cache."""

    model_config = ConfigDict(extra="forbid")

    commits: Annotated[list[OneHad], Field(max_length=1_000)] = []
    contents: Annotated[list[Annotated[str, Field(pattern=_CONTENT)]], Field(max_length=5_000)] = []


def incident_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["incidents"])
    database = service.database

    def changed(done: Changed, status: int) -> JSONResponse:
        service.sender.send(done.reopened.works)
        document = {"incident": done.incident.as_json(), "reopened": reopened_json(done.reopened)}
        return JSONResponse(document, status)

    @router.get("/incidents", operation_id="list_incidents", response_model=Incidents)
    async def all_of_them(
        caller: Owner, state: Literal["open", "lifted", "all"] = "all", after: After = None, limit: PageSize = 50
    ) -> dict[str, Any]:
        """List incidents, the newest first; developers see those that concern their team."""
        documents = await database.ask(
            lambda session: [one.as_json() for one in listed(session, caller, state, after, limit)]
        )
        return {"incidents": documents, "next": documents[-1]["id"] if len(documents) == limit else None}

    @router.get("/incidents/preview", operation_id="preview_incident", response_model=Preview)
    async def before(
        caller: Responder,
        subject: Annotated[str, Query(min_length=1, max_length=400)],
        kind: RepoKind | None = None,
    ) -> dict[str, Any]:
        """Say who would be hit by a retroactive block; nothing is done."""
        del caller
        return (await asyncio.to_thread(preview, database, subject, kind)).as_json()

    @router.post(
        "/incidents",
        operation_id="open_incident",
        status_code=201,
        response_model=IncidentChanged,
        responses=problems(409),
    )
    async def begin(wanted: WantedIncident, caller: Responder) -> JSONResponse:
        """Block something retroactively: from now on it is served to nobody, and whoever has it is told."""

        def opened() -> JSONResponse:
            with database.read() as session:
                subject = read(session, wanted.subject, wanted.kind)
            rule_set = service.rule_set()
            return changed(incidents.open_incident(database, subject, wanted.reason, caller.name, rule_set), 201)

        return await asyncio.to_thread(opened)

    @router.post("/incidents/affected", operation_id="find_affected", response_model=Affected)
    async def which(wanted: WhatIsHad, caller: Puller) -> dict[str, Any]:
        """Say what of somebody's cache was withdrawn."""
        del caller
        commits = [Had(one.kind, one.repository, one.commit) for one in wanted.commits]
        return {
            "affected": await database.ask(
                lambda session: [one.as_json() for one in affected(session, commits, wanted.contents)]
            )
        }

    @router.get("/incidents/{incident_id}", operation_id="get_incident", response_model=WholeIncident, responses=_NONE)
    async def one(incident_id: Id, caller: Owner) -> dict[str, Any]:
        """Show an incident: who was hit, who asked again, and how far the teams are."""
        return await database.ask(lambda session: whole(session, incident_id, caller).as_json())

    @router.get(
        "/incidents/{incident_id}/users", operation_id="list_incident_users", response_model=Users, responses=_NONE
    )
    async def users(incident_id: Id, caller: Owner, after: Cursor = None, limit: PageSize = 50) -> dict[str, Any]:
        """List who was given it; developers see their own team."""

        def found() -> dict[str, Any]:
            with database.read() as session:
                subject = incidents.shown_to(session, incident_id, caller).subject
                known = blast.users(session, subject, after, limit, own_team(caller))
            following = blast.cursor(subject, known[-1]) if len(known) == limit else None
            return {"users": [one.as_json() for one in known], "next": following}

        return await asyncio.to_thread(found)

    @router.get(
        "/incidents/{incident_id}/descendants",
        operation_id="list_incident_descendants",
        response_model=Descendants,
        responses=_NONE,
    )
    async def relatives(
        incident_id: Id, caller: Overseer, after: Cursor = None, limit: PageSize = 50
    ) -> dict[str, Any]:
        """List models that were made from it, and how many have them."""
        del caller

        def found() -> dict[str, Any]:
            with database.read() as session:
                subject = incidents.find(session, incident_id).subject
                known = blast.relatives(session, subject, after, limit)
            following = known[-1].descendant.cursor if len(known) == limit else None
            return {"descendants": [one.as_json() for one in known], "next": following}

        return await asyncio.to_thread(found)

    @router.get(
        "/incidents/{incident_id}/notices",
        operation_id="list_incident_notices",
        response_model=Notices,
        responses=_NONE,
    )
    async def notices(incident_id: Id, caller: Overseer, after: After = None, limit: PageSize = 50) -> dict[str, Any]:
        """List who was told of it, and how far each notice has come."""
        del caller

        def found(session: Session) -> list[dict[str, Any]]:
            incidents.find(session, incident_id)
            return [one.as_json() for one in told_about(session, incident_id, after, limit)]

        documents = await database.ask(found)
        return {"notices": documents, "next": documents[-1]["id"] if len(documents) == limit else None}

    @router.post(
        "/incidents/{incident_id}/lift",
        operation_id="lift_incident",
        response_model=IncidentChanged,
        responses=problems(404, 409),
    )
    async def end(incident_id: Id, wanted: WantedEnd, caller: Responder) -> JSONResponse:
        """Lift an incident: rules and lists decide again, as before."""

        def lifted() -> JSONResponse:
            rule_set = service.rule_set()
            return changed(incidents.lift(database, incident_id, wanted.reason, caller.name, rule_set), 200)

        return await asyncio.to_thread(lifted)

    @router.post(
        "/incidents/{incident_id}/teams",
        operation_id="answer_incident",
        response_model=TeamAnswered,
        responses=_NONE,
    )
    async def answered(incident_id: Id, wanted: Cleaning, caller: Asker) -> dict[str, Any]:
        """Say that a team knows of it, or has deleted what it had."""
        team = team_named(caller, wanted.team)

        def said() -> dict[str, Any]:
            with database.read() as session:
                incidents.shown_to(session, incident_id, caller)
            made = incidents.answer(database, incident_id, team, wanted.said, wanted.note, caller.name)
            return {"team": made.as_json()}

        return await asyncio.to_thread(said)

    @router.get("/evidence", operation_id="take_evidence", response_class=StreamingResponse, responses=_NONE)
    async def evidence(
        caller: RecordReader,
        incident: Annotated[str, Query(max_length=64)] = "",
        request: Annotated[str, Query(max_length=64)] = "",
        subject: Annotated[str, Query(max_length=400)] = "",
        kind: RepoKind | None = None,
    ) -> StreamingResponse:
        """Take an evidence pack of an incident, of what a request is about, or of a repository, commit or sha256."""

        return await asyncio.to_thread(
            lambda: evidence_answer(
                service, caller.name, incident=incident, request=request, subject=subject, kind=kind
            )
        )

    return router


_NONE = problems(404)
