"""Rules written in the browser: checked while one types, tried, and published with what they will change in view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from curator.console.forms import Form
from curator.console.render import done, page
from curator.database.engine import Found, now
from curator.errors import BadInput, CuratorError
from curator.people.caller import Caller
from curator.policy import drafts, rule_sets
from curator.policy.drafts import Draft
from curator.review import drafting, publishing
from curator.review.consequences import consequences
from curator.review.replay import trials
from curator.review.replay.run import Wanted
from curator.web.guard import RuleTrier, RuleWriter
from curator.web.in_turn import in_turn
from curator.web.parameters import After, Id
from curator.web.service import Service
from rules.editing import CannotEdit, with_dry_run
from rules.model import starter_policy

_PAGE = 50
_DAYS = 90.0
_AGAIN_S = "2"


def rules_editing_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database, settings = service.database, service.settings

    async def read_rules(verb: Callable[[Session], Found]) -> Found:
        def look() -> Found:
            with database.read() as session:
                return verb(session)

        return await in_turn(look)

    def editor(request: Request, caller: Caller, draft: Draft, status: int = 200, **more: Any) -> HTMLResponse:
        values: dict[str, Any] = {
            "draft": draft,
            "checked": drafting.check(draft.source),
            "tested": None,
            "problem": "",
            "source": str(settings.rules) if settings.rules else None,
        }
        return page(request, caller, "rules_edit.html", status, **values | more)

    @router.get("/-/rules/edit")
    async def edit(request: Request, caller: RuleTrier) -> HTMLResponse:
        who = drafts.whose(caller)
        draft = await database.ask(lambda session: drafts.draft_of(session, who) or _of_those_in_force(session))
        return await in_turn(editor, request, caller, draft)

    @router.post("/-/rules/edit")
    async def edited(request: Request, caller: RuleTrier, form: Form) -> Response:
        who, do = drafts.whose(caller), str(form.get("do", "save"))
        source, begun = _text(form.get("source")), str(form.get("edited_from", ""))
        draft = await database.change(lambda session: drafts.save(session, who, source, begun))
        tested = None
        try:
            match do.partition(":"):
                case ("save" | "check", _, _):
                    pass
                case ("test", _, _):
                    checked = await in_turn(drafting.check, source)
                    if checked.policy is not None:
                        policy = checked.policy
                        tested = await database.ask(lambda session: drafting.test(session, policy))
                case ("catalogue" | "requests", _, _):
                    asked = Wanted(source, _DAYS, do == "catalogue")
                    trial = await asyncio.to_thread(trials.begin, database, settings.data, caller.name, asked)
                    return done(request, f"/-/rules/trials/{trial.id}")
                case ("review", _, _):
                    return done(request, "/-/rules/publish")
                case ("try" | "enforce", _, rule):
                    changed = await in_turn(with_dry_run, source, rule, on=do.startswith("try"))
                    draft = await database.change(lambda session: drafts.save(session, who, changed, begun))
                case _:
                    raise BadInput(f"The editor has no button {do[:40]!a}")
        except (CuratorError, CannotEdit) as error:
            # What was typed stays in view.
            status = error.status if isinstance(error, CuratorError) else 400
            problem = str(error)
            return await in_turn(lambda: editor(request, caller, draft, status, problem=problem))
        return await in_turn(lambda: editor(request, caller, draft, tested=tested))

    @router.post("/-/rules/check")
    async def checked(request: Request, caller: RuleTrier, form: Form) -> HTMLResponse:
        """The part of the page that says what is wrong, for the script; what was typed is kept."""
        who, source = drafts.whose(caller), _text(form.get("source"))
        begun = str(form.get("edited_from", ""))
        await database.change(lambda session: drafts.save(session, who, source, begun))
        found = await in_turn(drafting.check, source)
        return page(request, caller, "rules_checked.html", checked=found)

    @router.post("/-/rules/discard")
    async def discard(request: Request, caller: RuleTrier, form: Form) -> Response:
        del form
        who = drafts.whose(caller)
        await database.change(lambda session: drafts.discard(session, who))
        return done(request, "/-/rules", "Your draft is gone. The rules in force are as they were.")

    @router.get("/-/rules/trials")
    async def listed(request: Request, caller: RuleTrier, after: After = None) -> HTMLResponse:
        found = await database.ask(lambda session: trials.listed(session, after, _PAGE))
        following = found[-1].id if len(found) == _PAGE else None
        return page(request, caller, "rules_trials.html", trials=found, following=following, first=after is None)

    @router.get("/-/rules/trials/{trial_id}")
    async def trial(request: Request, caller: RuleTrier, trial_id: Id) -> HTMLResponse:
        found = await database.ask(lambda session: trials.find(session, trial_id))
        response = page(request, caller, "rules_trial.html", trial=found, result=found.result)
        if found.state == "running":
            response.headers["Refresh"] = _AGAIN_S
        return response

    @router.post("/-/rules/trials/{trial_id}/cancel")
    async def cancel(request: Request, caller: RuleTrier, form: Form, trial_id: Id) -> Response:
        del caller, form
        await asyncio.to_thread(trials.cancel, database, trial_id)
        return done(request, f"/-/rules/trials/{trial_id}", "The trial was ended.")

    @router.get("/-/rules/publish")
    async def publishing_page(request: Request, caller: RuleTrier) -> HTMLResponse:
        return await _publishing(request, caller, "")

    @router.post("/-/rules/publish")
    async def publish(request: Request, caller: RuleWriter, form: Form) -> Response:
        who, digest = drafts.whose(caller), str(form.get("digest", ""))
        draft = await database.ask(lambda session: drafts.draft_of(session, who))
        if draft is None:
            raise drafts.NoDraft("You have no draft of rules here: begin one")
        try:
            shown = await in_turn(drafting.check, draft.source)
            if shown.policy is not None and shown.policy.digest != digest:
                raise BadInput("The draft has changed since this page was made: look at it again")
            change = await asyncio.to_thread(
                lambda: publishing.publish(
                    database,
                    service.sender,
                    settings,
                    source=draft.source,
                    file="the draft",
                    author=caller.name,
                    reason=str(form.get("reason", "")),
                    edited_from=draft.edited_from,
                    draft_of=who,
                )
            )
        except CuratorError as error:
            return await _publishing(request, caller, error.sentence, str(form.get("reason", "")), error.status)
        return done(request, "/-/rules", f"The rules '{change.name}' ({change.digest[:12]}) are in force.")

    async def _publishing(
        request: Request, caller: Caller, problem: str, reason: str = "", status: int = 200
    ) -> HTMLResponse:
        who = drafts.whose(caller)

        def look(session: Session) -> tuple[Any, Any, Any]:
            draft = drafts.draft_of(session, who)
            if draft is None:
                raise drafts.NoDraft("You have no draft of rules here: begin one with Edit")
            return draft, consequences(session, draft.source), rule_sets.in_force(session)

        draft, what, digest = await read_rules(look)
        return page(
            request,
            caller,
            "rules_publish.html",
            status,
            draft=draft,
            what=what,
            digest_in_force=digest,
            problem=problem,
            reason=reason,
            source=str(settings.rules) if settings.rules else None,
        )

    @router.get("/-/rules/rollback/{digest}")
    async def rolling_back(request: Request, caller: RuleTrier, digest: Id) -> HTMLResponse:
        return await _rolling_back(request, caller, digest, "")

    @router.post("/-/rules/rollback/{digest}")
    async def roll_back(request: Request, caller: RuleWriter, form: Form, digest: Id) -> Response:
        do, reason = str(form.get("do", "")), str(form.get("reason", ""))
        try:
            if do in ("catalogue", "requests"):
                row = await database.ask(lambda session: rule_sets.find(session, digest))
                asked = Wanted(row.source, _DAYS, do == "catalogue")
                trial = await asyncio.to_thread(trials.begin, database, settings.data, caller.name, asked)
                return done(request, f"/-/rules/trials/{trial.id}")
            change = await asyncio.to_thread(
                lambda: publishing.roll_back(database, service.sender, digest=digest, author=caller.name, reason=reason)
            )
        except CuratorError as error:
            return await _rolling_back(request, caller, digest, error.sentence, error.status)
        return done(request, "/-/rules", f"The rules '{change.name}' ({change.digest[:12]}) are in force again.")

    async def _rolling_back(
        request: Request, caller: Caller, digest: str, problem: str, status: int = 200
    ) -> HTMLResponse:
        def look(session: Session) -> tuple[Any, Any, Any]:
            row = rule_sets.find(session, digest)
            return row, consequences(session, row.source), rule_sets.in_force(session)

        row, what, now = await read_rules(look)
        return page(
            request,
            caller,
            "rules_rollback.html",
            status,
            row=row,
            what=what,
            digest_in_force=now,
            problem=problem,
            source=str(settings.rules) if settings.rules else None,
        )

    return router


def _of_those_in_force(session: Session) -> Draft:
    """What one begins from."""
    digest = rule_sets.in_force(session)
    source = rule_sets.source_of(session, digest) if digest is not None else starter_policy().source
    return Draft(source, digest or "", now())


def _text(value: object) -> str:
    """What a text area has, with the line ends that files have; browsers send others (HTML, form submission)."""
    return str(value or "").replace("\r\n", "\n")
