"""The reviewer's pages: the queue, one line of it, several at once, and what wants a second person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.background import BackgroundTask
from starlette.datastructures import QueryParams

from curator.console.forms import Form
from curator.console.render import done, page
from curator.console.verdict_form import ENDS, Fields
from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.policy.word import BadWord
from curator.review import deciding, lines, proposals, queue
from curator.review.card import Card, card
from curator.review.deciding import Desk, Done
from curator.review.lines import Named
from curator.review.mine import groups_of
from curator.review.opening import Opening
from curator.review.queue import SORTS, Filter, Queue
from curator.review.verdicts import Answer, Verdict
from curator.web import viewing
from curator.web.guard import Decider, Overseer
from curator.web.service import Service
from rules.circumstances import EVERYBODY

_PAGE = 40
_FILTERS = ("kind", "owner", "rule", "team", "publisher", "family", "repo")
_SORTED = {
    "score": "what matters most",
    "age": "what has waited longest",
    "people": "what most wait for",
    "risk": "what is riskiest",
    "last": "what was asked for last",
}
_DONE = {
    Answer.APPROVE: "approved",
    Answer.BLOCK: "blocked",
    Answer.REJECT: "left as it is",
    Answer.ASK: "asked back",
}


def review_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database, settings = service.database, service.settings
    hours = settings.review_hours

    def desk() -> Desk:
        return Desk(rule_set=service.rule_set(), limits=service.limits)

    @router.get("/-/review")
    async def the_queue(request: Request, caller: Overseer) -> HTMLResponse:
        query = request.query_params
        wanted, sort = _filter(query), query.get("sort", "score")
        sort = sort if sort in SORTS else "score"
        kept = {name: value for name in (*_FILTERS, "risk", "overdue", "sort") if (value := query.get(name))}
        narrowed = bool(kept.keys() - {"sort"})

        def read() -> dict[str, Any]:
            policy = service.rules.now().policy
            with database.read() as session:
                groups = groups_of(session, caller, policy)
                # Who looks for something particular looks among all, unless he says otherwise.
                usual = "false" if narrowed or not caller.may(Permission.DECIDE) else "true"
                mine = bool(groups) and query.get("mine", usual) == "true"
                of = replace(wanted, owners=groups) if mine else wanted
                found = queue.page(session, of, review_hours=hours, sort=sort, after=query.get("after"), limit=_PAGE)
                return {
                    "queue": found,
                    "groups": sorted(groups),
                    "mine": mine,
                    "owners": queue.owners(session),
                    "proposals": proposals.waiting(session),
                }

        values = await asyncio.to_thread(read)
        if values["groups"]:
            kept["mine"] = str(values["mine"]).lower()
        after = values["queue"].next
        return page(
            request,
            caller,
            "review.html",
            **values,
            wanted=wanted,
            sort=sort,
            sorts=[(key, _SORTED[key]) for key in SORTS],
            hours=hours,
            query=urlencode(kept),
            narrowed=narrowed,
            others=urlencode({name: value for name, value in kept.items() if name != "mine"}),
            next_href=f"?{urlencode(kept | {'after': after})}" if after else "",
            may_decide=caller.may(Permission.DECIDE),
        )

    @router.get("/-/review/groups")
    async def grouped(request: Request, caller: Overseer) -> HTMLResponse:
        by = "family" if request.query_params.get("by") == "family" else "publisher"
        return page(
            request,
            caller,
            "review_groups.html",
            groups=await database.ask(lambda session: queue.groups(session, Filter(), by, review_hours=hours)),
            by=by,
        )

    @router.get("/-/review/several")
    async def several(request: Request, caller: Decider) -> HTMLResponse:
        query = request.query_params
        named = [(one, "") for one in query.getlist("item")]
        of = Filter(publisher=query.get("publisher", "")[:200], family=query.get("family", "")[:200])
        left = 0
        if not named and (of.publisher or of.family):
            found = await asyncio.to_thread(_all_of, of)
            named, left = [(line.id, "") for line in found.lines], found.total - len(found.lines)
        fields = Fields.usual(frozenset({EVERYBODY}), settings.exception_days)
        return await _several(request, caller, named, fields, left=left)

    @router.post("/-/review/several")
    async def answer_several(request: Request, caller: Decider, form: Form) -> Response:
        named = [_seen(str(one)) for one in form.getlist("item")]
        fields = Fields.of(form)
        return await _answered(request, caller, named, fields, str(form.get("do", "")), "/-/review")

    @router.post("/-/review/proposals/{proposal_id}")
    async def second(request: Request, proposal_id: str, caller: Decider, form: Form) -> Response:
        agrees = form.get("do") == "agree"
        said = str(form.get("reason", ""))[:4_000]
        made = await asyncio.to_thread(
            lambda: deciding.second(database, proposal_id, caller.name, said, desk(), agrees=agrees)
        )
        return _gone_on(request, [made], "/-/review", f"{made.commit.repo}: {made.said}")

    @router.get("/-/review/{item_id}")
    async def one(request: Request, item_id: str, caller: Overseer) -> HTMLResponse:
        return await _one(request, caller, item_id)

    @router.post("/-/review/{item_id}")
    async def answer_one(request: Request, item_id: str, caller: Decider, form: Form) -> Response:
        named = [(item_id, str(form.get("decision", ""))[:64])]
        return await _answered(request, caller, named, Fields.of(form), str(form.get("do", "")), "")

    async def _answered(
        request: Request, caller: Caller, named: list[tuple[str, str]], fields: Fields, do: str, after: str
    ) -> Response:
        """Do what a form says, or show it again with what it would do or what is wrong with it."""
        again = _several if after else _one_again
        if do not in set(Answer):
            return await again(request, caller, named, fields)
        answer = Answer(do)
        try:
            verdict = fields.verdict(answer, caller.name, settings.exception_days)
            lines = [Named(item_id, seen) for item_id, seen in named]
            following = after or await asyncio.to_thread(_next, named[0][0], request.query_params, caller)
            made = await asyncio.to_thread(lambda: deciding.decide(database, lines, verdict, desk()))
        except CuratorError as error:
            return await again(request, caller, named, fields, error)
        names = made[0].commit.repo if len(made) == 1 else f"{len(made)} repositories"
        proposed = [one.proposal for one in made if one.proposal is not None]
        said = f"{names}: {_DONE[answer]}."
        if proposed:
            said = f"{names}: you approve, and another reviewer must agree."
        return _gone_on(request, made, following, said)

    def _gone_on(request: Request, made: list[Done], path: str, said: str) -> Response:
        response = done(request, path, said)
        works = [work for one in made for work in one.works]
        response.background = BackgroundTask(service.sender.send, works)
        return response

    async def _one_again(
        request: Request,
        caller: Caller,
        named: list[tuple[str, str]],
        fields: Fields,
        error: CuratorError | None = None,
    ) -> HTMLResponse:
        return await _one(request, caller, named[0][0], fields, error)

    async def _one(
        request: Request,
        caller: Caller,
        item_id: str,
        fields: Fields | None = None,
        error: CuratorError | None = None,
    ) -> HTMLResponse:
        def read() -> tuple[Card, Fields, Opening | None, str]:
            view = viewing.desk(service, caller)
            with database.read() as session:
                found = card(session, item_id, view, review_hours=hours)
                wait = frozenset({one.audience for one in found.requests} | {one for _, one in found.silent})
                filled = fields or Fields.usual(wait, settings.exception_days)
                try:
                    verdict = filled.verdict(Answer.APPROVE, caller.name, settings.exception_days)
                    verdict = verdict if verdict.reason.strip() else filled_in(verdict)
                    (made,) = deciding.preview(session, [Named(found.line.id)], verdict, desk())
                except CuratorError as wrong:
                    return found, filled, None, wrong.sentence
                return found, filled, made, ""

        found, filled, made, wrong = await asyncio.to_thread(read)
        return page(
            request,
            caller,
            "review_item.html",
            error.status if error is not None else 200,
            card=found,
            fields=filled,
            plan=made,
            wrong=wrong,
            error=error.sentence if error is not None else "",
            ends=ENDS,
            hours=hours,
            query=request.url.query,
            may_decide=caller.may(Permission.DECIDE),
        )

    async def _several(
        request: Request,
        caller: Caller,
        named: list[tuple[str, str]],
        fields: Fields,
        error: CuratorError | None = None,
        left: int = 0,
    ) -> HTMLResponse:
        """`left`: how many more there are than are decided about at once."""
        if not named:
            raise BadWord("Nothing is chosen: go back to the queue and choose what you decide about")

        def read(session: Session) -> list[tuple[queue.Line, Opening | None, str]]:
            rows: list[tuple[queue.Line, Opening | None, str]] = []
            for item_id, _ in named[: lines.MOST_AT_ONCE]:
                line = queue.find(session, item_id, review_hours=hours)
                try:
                    verdict = filled_in(fields.verdict(Answer.APPROVE, caller.name, settings.exception_days))
                    (made,) = deciding.preview(session, [Named(item_id)], verdict, desk())
                    rows.append((line, made, ""))
                except CuratorError as wrong:
                    rows.append((line, None, wrong.sentence))
            return rows

        return page(
            request,
            caller,
            "review_several.html",
            error.status if error is not None else 200,
            rows=await database.ask(read),
            left=left,
            fields=fields,
            error=error.sentence if error is not None else "",
            ends=ENDS,
        )

    def _all_of(wanted: Filter) -> Queue:
        with database.read() as session:
            return queue.page(session, wanted, review_hours=hours, limit=lines.MOST_AT_ONCE)

    def _next(item_id: str, query: QueryParams, caller: Caller) -> str:
        """The line that matters most after this one, of those that were looked through; else the queue."""
        wanted, sort = _filter(query), query.get("sort", "score")
        policy = service.rules.now().policy
        with database.read() as session:
            if query.get("mine") == "true":
                wanted = replace(wanted, owners=groups_of(session, caller, policy))
            sort = sort if sort in SORTS else "score"
            found = queue.page(session, wanted, review_hours=hours, sort=sort, limit=2).lines
        kept = f"?{query}" if str(query) else ""
        return next((f"/-/review/{line.id}{kept}" for line in found if line.id != item_id), f"/-/review{kept}")

    return router


def filled_in(verdict: Verdict) -> Verdict:
    """The same with a reason, to see what it would do before one is written."""
    return replace(verdict, reason=verdict.reason.strip() or "-")


def _filter(query: Any) -> Filter:
    """What stands in the address; what has no meaning there narrows nothing down."""
    words: dict[str, Any] = {name: str(query.get(name, "")).strip()[:96] for name in _FILTERS}
    risk = query.get("risk", "1")
    wanted = Filter(risk=int(risk) if risk in {"1", "2", "3", "4"} else 1, overdue=query.get("overdue") == "yes")
    return replace(wanted, **words)


def _seen(text: str) -> tuple[str, str]:
    """`ITEM` or `ITEM:DECISION`."""
    item_id, _, decision = text[:140].partition(":")
    return item_id, decision
