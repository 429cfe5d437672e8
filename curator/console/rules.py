"""The rules as pages: which are in force, how they are written, and how they came to be."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from curator.console.render import HEADERS, page
from curator.people.roles import Permission
from curator.policy import drafts, rule_sets
from curator.review import publishing, ruling
from curator.web.guard import Puller, RuleTrier
from curator.web.parameters import After, Id
from curator.web.service import Service

_PAGE = 50


def rules_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database, settings = service.database, service.settings

    @router.get("/-/rules")
    async def in_force(request: Request, caller: Puller) -> HTMLResponse:
        who = caller.user_id or caller.token_id

        def look(session: Session) -> tuple[object, object, object]:
            mine = drafts.draft_of(session, who) if who and caller.may(Permission.TRY_RULES) else None
            return publishing.status(session, settings, database), ruling.in_force(session), mine

        standing, found, draft = await database.ask(look)
        return page(request, caller, "rules.html", standing=standing, found=found, draft=draft)

    @router.get("/-/rules/text")
    async def text(request: Request, caller: Puller, digest: Id | None = None) -> HTMLResponse:
        def look(session: Session) -> tuple[object, str | None]:
            now = rule_sets.in_force(session)
            wanted = digest or now
            return (rule_sets.find(session, wanted) if wanted is not None else None), now

        row, now = await database.ask(look)
        return page(request, caller, "rules_text.html", row=row, digest_in_force=now)

    @router.get("/-/rules/text/{digest}.yaml")
    async def download(caller: Puller, digest: Id) -> Response:
        del caller
        row = await database.ask(lambda session: rule_sets.find(session, digest))
        return _file(row.source, f"{row.digest[:12]}.yaml")

    @router.get("/-/rules/draft.yaml")
    async def download_draft(caller: RuleTrier) -> Response:
        who = drafts.whose(caller)
        draft = await database.ask(lambda session: drafts.draft_of(session, who))
        if draft is None:
            raise drafts.NoDraft("You have no draft of rules here")
        return _file(draft.source, "rules.yaml")

    @router.get("/-/rules/history")
    async def history(request: Request, caller: Puller, after: After = None) -> HTMLResponse:
        changes = await database.ask(lambda session: rule_sets.history(session, _PAGE, after))
        following = changes[-1].id if len(changes) == _PAGE else None
        now = await database.ask(rule_sets.in_force)
        return page(
            request,
            caller,
            "rules_history.html",
            changes=changes,
            following=following,
            first=after is None,
            digest_in_force=now,
        )

    @router.get("/-/rules/changes/{change_id}")
    async def change(request: Request, caller: Puller, change_id: Id) -> HTMLResponse:
        def look(session: Session) -> tuple[object, object]:
            found = rule_sets.change_of(session, change_id)
            if found is None:
                raise rule_sets.NoRuleSet(f"There is no change of rules {change_id[:64]!a}")
            return found, rule_sets.difference(session, found.before, found.digest)

        found, differs = await database.ask(look)
        return page(request, caller, "rules_change.html", change=found, difference=differs)

    return router


def _file(source: str, name: str) -> Response:
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(source, 200, headers, "application/yaml")
