"""Activity: the record, filtered; how it stands; and legal holds on it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from curator.audit import holds, read
from curator.audit.export import begin_export, lines
from curator.audit.read import Entry, Filter
from curator.audit.record import Action
from curator.audit.standing import record_standing
from curator.console.forms import Form
from curator.console.render import HEADERS, done, page
from curator.errors import BadInput, NotServed
from curator.people.roles import Permission
from curator.web.guard import RecordKeeper, RecordReader
from curator.web.service import Service

_PAGE = 36
"""Each has its details beneath it: a page stays below 100 KB."""
_HERE = "/-/activity"
Text = Annotated[str, Query(max_length=200)]
_FIELDS = (
    ("Row", "seq"),
    ("Request", "id"),
    ("Kind", "kind"),
    ("Repository", "repo"),
    ("Asked for as", "revision"),
    ("Commit", "commit"),
    ("File", "path"),
    ("Content", "blob"),
    ("Bytes", "size"),
    ("About", "subject"),
    ("Outcome", "outcome"),
    ("Rules", "rules"),
    ("Decision", "decision"),
    ("Told", "sentence"),
    ("Team", "team"),
    ("Project", "project"),
    ("Token", "token"),
    ("Job", "job"),
    ("Address", "address"),
    ("Client", "user_agent"),
)


def activity_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database = service.database

    @router.get(_HERE)
    async def activity(
        request: Request,
        caller: RecordReader,
        q: Text = "",
        action: Text = "",
        actor: Text = "",
        team: Text = "",
        repo: Text = "",
        since: Text = "",
        until: Text = "",
        after: Annotated[int | None, Query(ge=1, le=(1 << 63) - 1)] = None,
    ) -> HTMLResponse:
        asked = {"action": action, "actor": actor, "team": team, "repo": repo, "since": since, "until": until}
        named = {name: value.strip() for name, value in asked.items() if value.strip()}
        problem = ""

        def rows() -> list[Entry]:
            nonlocal problem
            try:
                wanted = Filter.read(**named)
                with database.read() as session:
                    return [read.find(session, q.strip())] if q.strip() else read.page(session, wanted, after, _PAGE)
            except (BadInput, NotServed) as error:
                problem = error.sentence
                return []

        found, standing = await asyncio.gather(asyncio.to_thread(rows), asyncio.to_thread(record_standing, database))
        further = len(found) == _PAGE
        return page(
            request,
            caller,
            "activity.html",
            entries=[(one, _details(one)) for one in found],
            problem=problem,
            standing=standing,
            verifying=service.verifying.running,
            keep_days=service.settings.record_days,
            asked=asked | {"q": q},
            narrowed=bool(named or q.strip()),
            actions=[("", "Everything"), *((one.value, one.value.replace("-", " ")) for one in Action)],
            next_href=f"{_HERE}?{urlencode({**named, 'after': found[-1].seq})}" if further else "",
            first_href=f"{_HERE}?{urlencode(named)}" if after is not None else "",
            export_href=f"{_HERE}/export{_query(named)}",
        )

    @router.get(f"{_HERE}/export")
    async def export(
        caller: RecordReader,
        action: Text = "",
        actor: Text = "",
        team: Text = "",
        repo: Text = "",
        since: Text = "",
        until: Text = "",
    ) -> StreamingResponse:
        """What the API exports: browsers that are signed in show it no token."""
        wanted = Filter.read(action=action, actor=actor, team=team, repo=repo, since=since, until=until)
        last = await asyncio.to_thread(begin_export, database, wanted, caller.name)
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="record.jsonl"'}
        made = lines(database, service.seal, wanted, last)
        return StreamingResponse(made, media_type="application/jsonl", headers=headers)

    @router.post(f"{_HERE}/verify")
    async def verify(request: Request, caller: RecordReader, form: Form) -> RedirectResponse:
        del caller, form
        begun = service.verifying.begin()
        said = (
            "The record is being verified: this page shows how it ended." if begun else "It is being verified already."
        )
        return done(request, _HERE, said)

    @router.get(f"{_HERE}/holds")
    async def listed(
        request: Request, caller: RecordReader, after: Annotated[str | None, Query(max_length=64)] = None
    ) -> HTMLResponse:
        kept = await database.ask(lambda session: holds.listed(session, after, _PAGE))
        return page(
            request,
            caller,
            "holds.html",
            holds=kept,
            may_keep=caller.may(Permission.KEEP_RECORD),
            keep_days=service.settings.record_days,
            next_href=f"{_HERE}/holds?{urlencode({'after': kept[-1].id})}" if len(kept) == _PAGE else "",
            first_href=f"{_HERE}/holds" if after is not None else "",
        )

    @router.post(f"{_HERE}/holds")
    async def place(request: Request, caller: RecordKeeper, form: Form) -> RedirectResponse:
        values = {name: str(form.get(name, "")).strip() for name in ("reason", "repo", "actor", "team")}
        since = read.moment(str(form.get("since", "")).strip(), end=False)
        until = read.moment(str(form.get("until", "")).strip(), end=True)
        hold = await asyncio.to_thread(
            lambda: holds.place(database, by=caller.name, **values, since=since, until=until)
        )
        return done(request, f"{_HERE}/holds", f"A legal hold is on {hold.about}.")

    @router.post(f"{_HERE}/holds/{{hold_id}}/end")
    async def end(hold_id: str, request: Request, caller: RecordKeeper, form: Form) -> RedirectResponse:
        reason = str(form.get("reason", ""))
        hold = await asyncio.to_thread(holds.end, database, hold_id, reason=reason, by=caller.name)
        return done(request, f"{_HERE}/holds", f"The legal hold on {hold.about} is ended.")

    return router


def _query(named: dict[str, str]) -> str:
    return f"?{urlencode(named)}" if named else ""


def _details(entry: Entry) -> list[tuple[str, object]]:
    """What the row says, where it says something."""
    values = asdict(entry)
    return [(title, values[name]) for title, name in _FIELDS if values[name] not in {None, ""}]
