"""What was withdrawn after it was served: the list, the one button that does it, and the page of each incident."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from curator.console.forms import Form
from curator.console.render import done, page
from curator.errors import BadInput, CuratorError
from curator.evidence import blast, incidents
from curator.evidence.incident import Incident, TeamState
from curator.evidence.subjects import read
from curator.notify.about import told_about
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.types import RepoKind
from curator.web.evidence import evidence_answer
from curator.web.guard import Asker, Owner, RecordReader, Responder
from curator.web.incidents import Preview, listed, own_team, preview, team_named, whole
from curator.web.parameters import Id
from curator.web.service import Service

_PAGE = 50
_RELATIVES = 30
_NOTICES = 30
STATES = {"open": "Open", "lifted": "Lifted", "all": "All"}
PASTED = ("subject", "repo", "commit", "publisher", "sha256")
"""Under which of these names an address may have what it is about."""


def incident_pages(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database = service.database

    @router.get("/-/incidents")
    async def all_of_them(request: Request, caller: Owner) -> HTMLResponse:
        query = request.query_params
        state = query.get("state", "open")
        state = state if state in STATES else "open"

        def find(session: Session) -> tuple[list[Incident], dict[str, tuple[int, int]]]:
            found = listed(session, caller, state, query.get("after"), _PAGE)
            return found, incidents.states_of(session, [one.id for one in found])

        found, cleaned = await database.ask(find)
        last = found[-1].id if len(found) == _PAGE else ""
        return page(
            request,
            caller,
            "incidents.html",
            incidents=found,
            cleaned=cleaned,
            state=state,
            states=STATES,
            sees_all=caller.may(Permission.SEE_ALL),
            may_respond=caller.may(Permission.RESPOND),
            next_href=f"?{urlencode({'state': state, 'after': last})}" if last else "",
        )

    @router.get("/-/incidents/new")
    async def new(request: Request, caller: Responder) -> HTMLResponse:
        return await _form(request, caller, _pasted(request.query_params), _kind(request.query_params.get("kind")))

    @router.post("/-/incidents/new")
    async def begin(request: Request, caller: Responder, form: Form) -> Response:
        written, kind, reason = str(form.get("subject", "")), _kind(str(form.get("kind", ""))), form.get("reason", "")

        def opened() -> incidents.Changed:
            with database.read() as session:
                subject = read(session, written, kind)
            return incidents.open_incident(database, subject, str(reason), caller.name, service.rule_set())

        try:
            made = await asyncio.to_thread(opened)
        except CuratorError as error:
            return await _form(request, caller, written, kind, str(reason), error)
        await asyncio.to_thread(service.sender.send, made.reopened.works)
        return done(
            request,
            f"/-/incidents/{made.incident.id}",
            f"From now on {made.incident.subject.said} is served to nobody. Whoever has it is being told.",
        )

    @router.get("/-/incidents/{incident_id}")
    async def one(request: Request, incident_id: Id, caller: Owner) -> HTMLResponse:
        return await _one(request, caller, incident_id)

    @router.post("/-/incidents/{incident_id}/lift")
    async def lift(request: Request, incident_id: Id, caller: Responder, form: Form) -> Response:
        reason = str(form.get("reason", ""))
        try:
            made = await asyncio.to_thread(
                lambda: incidents.lift(database, incident_id, reason, caller.name, service.rule_set())
            )
        except incidents.NoSuchIncident:
            raise
        except CuratorError as error:
            return await _one(request, caller, incident_id, error)
        await asyncio.to_thread(service.sender.send, made.reopened.works)
        said = f"It is lifted: {made.incident.subject.said} is decided about as before."
        return done(request, f"/-/incidents/{incident_id}", said)

    @router.post("/-/incidents/{incident_id}/teams")
    async def answered(request: Request, incident_id: Id, caller: Asker, form: Form) -> Response:
        team, note = form.get("team"), str(form.get("note", ""))

        def answer() -> TeamState:
            with database.read() as session:
                incidents.shown_to(session, incident_id, caller)
            named = team_named(caller, str(team) if team is not None else None)
            said: incidents.Said = "clean" if form.get("said") == "clean" else "acknowledge"
            return incidents.answer(database, incident_id, named, said, note, caller.name)

        made = await asyncio.to_thread(answer)
        whose = f"The team {made.team}" if made.team else "Those without a team"
        return done(request, f"/-/incidents/{incident_id}", f"{whose}: {made.state}.")

    @router.post("/-/evidence")
    async def evidence(request: Request, caller: RecordReader, form: Form) -> Response:
        del request
        named = {name: str(form.get(name, "")) for name in ("incident", "request", "subject")}
        kind = _kind(str(form.get("kind", "")))
        return await asyncio.to_thread(lambda: evidence_answer(service, caller.name, kind=kind, **named))

    async def _form(
        request: Request,
        caller: Caller,
        written: str,
        kind: RepoKind | None,
        reason: str = "",
        error: CuratorError | None = None,
    ) -> HTMLResponse:
        found: Preview | None = None
        if written.strip():
            try:
                found = await asyncio.to_thread(preview, database, written, kind)
            except CuratorError as problem:
                error = error or problem
        return page(
            request,
            caller,
            "incident_new.html",
            error.status if error is not None else 200,
            written=written,
            kind=kind,
            kinds=RepoKind,
            reason=reason,
            found=found,
            error=error.sentence if error is not None else "",
        )

    async def _one(
        request: Request, caller: Caller, incident_id: str, error: CuratorError | None = None
    ) -> HTMLResponse:
        sees_all, query = caller.may(Permission.SEE_ALL), request.query_params

        def find(session: Session) -> dict[str, Any]:
            known = whole(session, incident_id, caller)
            subject = known.incident.subject
            users = blast.users(session, subject, query.get("after"), _PAGE, own_team(caller))
            more = blast.cursor(subject, users[-1]) if len(users) == _PAGE else ""
            made = blast.relatives(session, subject, query.get("made"), _RELATIVES) if sees_all else []
            return {
                "known": known,
                "users": users,
                "next_users": f"?after={quote(more)}#users" if more else "",
                "descendants": made,
                "next_descendants": f"?made={quote(made[-1].descendant.cursor)}#descendants"
                if len(made) == _RELATIVES
                else "",
                "notices": told_about(session, incident_id, limit=_NOTICES) if sees_all else [],
            }

        return page(
            request,
            caller,
            "incident.html",
            error.status if error is not None else 200,
            **await database.ask(find),
            error=error.sentence if error is not None else "",
            sees_all=sees_all,
            may_respond=caller.may(Permission.RESPOND),
            may_answer=caller.may(Permission.ASK),
            may_take=caller.may(Permission.READ_RECORD),
            paged="after" in query or "made" in query,
        )

    return router


def _pasted(query: Any) -> str:
    """What an address names: `?repo=`, with `&commit=` or alone; `?publisher=`, `?sha256=`, `?commit=`."""
    named = {name: str(query.get(name, "")).strip()[:400] for name in PASTED}
    if named["repo"] and named["commit"]:
        return f"{named['repo']}@{named['commit']}"
    if named["publisher"]:
        return f"{named['publisher'].removesuffix('/*')}/*"
    return next((value for value in named.values() if value), "")


def _kind(text: str | None) -> RepoKind | None:
    if not text:
        return None
    try:
        return RepoKind(text)
    except ValueError:
        raise BadInput(f"{text[:40]!a} is no kind of repository: {', '.join(RepoKind)}") from None
