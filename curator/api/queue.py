"""The reviewer's queue: what waits, what an answer would do, and the answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.background import BackgroundTask

from curator.api.documents.review import Answered, Groups, Lines, OneLine, Proposals
from curator.api.words import Names, page_json
from curator.policy.word import BadWord, checked_scope
from curator.review import deciding, lines, proposals, queue
from curator.review.card import card
from curator.review.deciding import Desk
from curator.review.lines import Named
from curator.review.mine import groups_of
from curator.review.queue import Filter
from curator.review.verdicts import Answer, Reach, Verdict, end_of, usual_reach
from curator.web import viewing
from curator.web.documents import problems
from curator.web.guard import Decider, Overseer
from curator.web.parameters import After, Id, PageSize
from curator.web.service import Service

Text = Annotated[str, Query(max_length=200)]
Sort = Literal["score", "age", "people", "risk", "last"]


class Item(BaseModel):
    """A line of the queue, and the decision that the reviewer has seen there."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    """Its own, or that of a decision about the repository."""
    decision: Annotated[str, Field(max_length=64)] = ""


class WantedAnswer(BaseModel):
    """A reviewer's answer to one line or to several."""

    model_config = ConfigDict(extra="forbid")

    answer: Answer
    items: Annotated[list[Item], Field(max_length=lines.MOST_AT_ONCE)] = []
    publisher: Annotated[str, Field(max_length=200)] = ""
    """Instead of items: all of a publisher."""
    family: Annotated[str, Field(max_length=200)] = ""
    """Instead of items: all that were made from the same repository."""
    reach: Reach | None = None
    """This commit if nothing is said; an approval of what some rules say: the findings that it rests on."""
    teams: Names = ()
    projects: Names = ()
    rules: Names = ()
    reason: Annotated[str, Field(min_length=1, max_length=4_000)]
    until: Annotated[str, Field(max_length=64)] | None = None
    """`90d`, a day or a moment; the organisation's usual time if nothing is said, `never` for no end."""
    partly: bool = False
    preview: bool = False


class WantedSecond(BaseModel):
    """Whether somebody agrees to what another has approved."""

    model_config = ConfigDict(extra="forbid")

    agrees: bool
    reason: Annotated[str, Field(max_length=4_000)] = ""


def queue_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/review", tags=["review"])
    database, hours = service.database, service.settings.review_hours

    def desk() -> Desk:
        return Desk(rule_set=service.rule_set(), limits=service.limits)

    @router.get("", operation_id="list_queue", response_model=Lines)
    async def listed(
        caller: Overseer,
        sort: Sort = "score",
        kind: Literal["", "held", "requests"] = "",
        owner: Text = "",
        rule: Text = "",
        team: Text = "",
        publisher: Text = "",
        family: Text = "",
        repo: Text = "",
        risk: Annotated[int, Query(ge=1, le=4)] = 1,
        overdue: bool = False,
        mine: Annotated[bool, Query(description="Only what a rule owns whose `owner` is a team of yours.")] = False,
        after: After = None,
        limit: PageSize = 50,
    ) -> Any:
        """List what waits for a reviewer: held commits and requests, a line a repository."""
        wanted = Filter(
            kind=kind,
            owner=owner,
            rule=rule,
            team=team,
            publisher=publisher,
            family=family,
            repo=repo,
            risk=risk,
            overdue=overdue,
        )

        def read() -> dict[str, Any]:
            policy = service.rules.now().policy if mine else None
            with database.read() as session:
                own = groups_of(session, caller, policy) if policy is not None else None
                of = replace(wanted, owners=own)
                page = queue.page(session, of, review_hours=hours, sort=sort, after=after, limit=limit)
            return {
                "items": [line.as_json() for line in page.lines],
                "next": page.next,
                "total": page.total,
                "overdue": page.overdue,
            }

        return await asyncio.to_thread(read)

    @router.get("/groups", operation_id="group_queue", response_model=Groups)
    async def grouped(caller: Overseer, by: Literal["publisher", "family"] = "publisher") -> Any:
        """Say which publishers, or families of models, have the most lines in the queue."""
        del caller
        return await database.ask(
            lambda session: {
                "groups": [one.as_json() for one in queue.groups(session, Filter(), by, review_hours=hours)]
            }
        )

    @router.get("/proposals", operation_id="list_proposals", response_model=Proposals)
    async def proposed(caller: Overseer, after: After = None, limit: PageSize = 50) -> Any:
        """List what one reviewer has approved and another must agree to, the newest first."""
        del caller
        return page_json(
            "proposals",
            await database.ask(lambda session: [one.as_json() for one in proposals.waiting(session, after, limit + 1)]),
            limit,
        )

    @router.post("/proposals/{proposal_id}", operation_id="second_proposal", response_model=Answered)
    async def second(proposal_id: Id, wanted: WantedSecond, caller: Decider) -> Any:
        """Agree to what another reviewer has approved, or reject it."""
        done = await asyncio.to_thread(
            lambda: deciding.second(database, proposal_id, caller.name, wanted.reason, desk(), agrees=wanted.agrees)
        )
        return _then_judged(service, [done])

    @router.post("/answers", operation_id="answer_queue", response_model=Answered, responses=problems(404))
    async def answer(wanted: WantedAnswer, caller: Decider) -> Any:
        """Approve, block, reject or ask back: one line, several, or all of a publisher; or see first what it does."""
        verdict = Verdict(
            answer=wanted.answer,
            reason=wanted.reason,
            by=caller.name,
            reach=wanted.reach or usual_reach(wanted.answer, wanted.rules),
            scope=checked_scope(wanted.teams, wanted.projects),
            expires_at=end_of(wanted.until, service.settings.exception_days),
            rules=wanted.rules,
            partly=wanted.partly,
        )
        named = await asyncio.to_thread(_named, service, wanted)
        if wanted.preview:

            def read(session: Session) -> dict[str, Any]:
                return {
                    "done": [],
                    "plans": [one.as_json() for one in deciding.preview(session, named, verdict, desk())],
                }

            return await database.ask(read)
        done = await asyncio.to_thread(lambda: deciding.decide(database, named, verdict, desk()))
        return _then_judged(service, done)

    @router.get("/{item_id}", operation_id="get_queue_item", response_model=OneLine)
    async def one(item_id: Id, caller: Overseer) -> Any:
        """Show a line of the queue: what is otherwise than in what was approved last, why it is refused and on what
        evidence, who wants it and what for, and who uses it already."""

        def read() -> dict[str, Any]:
            view = viewing.desk(service, caller)
            with database.read() as session:
                return card(session, item_id, view, review_hours=hours).as_json()

        return await asyncio.to_thread(read)

    return router


def _named(service: Service, wanted: WantedAnswer) -> list[Named]:
    """The lines: as they are named, of a publisher, or of a family; a decision's id stands for its repository's."""
    database, hours = service.database, service.settings.review_hours
    if wanted.publisher or wanted.family:
        of = Filter(publisher=wanted.publisher, family=wanted.family)
        with database.read() as session:
            found = queue.page(session, of, review_hours=hours, limit=lines.MOST_AT_ONCE)
        if found.next is not None:
            raise BadWord(
                f"{wanted.publisher or wanted.family} has {found.total} lines, and {lines.MOST_AT_ONCE} are decided "
                "about at once: name so many as `items`, and then the next"
            )
        return [Named(line.id) for line in found.lines]
    return [Named(lines.item_named(database, one.id), one.decision) for one in wanted.items]


def _then_judged(service: Service, done: list[deciding.Done]) -> JSONResponse:
    """The answer; when it is sent, the broker is told, which may be slow to answer."""
    works = [work for one in done for work in one.works]
    after = BackgroundTask(service.sender.send, works)
    return JSONResponse({"done": [one.as_json() for one in done], "plans": []}, background=after)
