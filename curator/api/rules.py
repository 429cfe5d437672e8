"""The rules themselves: which are in force, which were, what differs, and to bring others into force."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from curator.api.documents.rules import RuleChange, RulesDifference, RulesHistory, RulesStatus, RulesText
from curator.api.words import page_json
from curator.database.engine import Database
from curator.people.roles import Permission
from curator.policy import rule_sets
from curator.queue.celery import Sender
from curator.review import publishing
from curator.settings import Settings
from curator.web.documents import problems
from curator.web.guard import May, RuleWriter
from curator.web.parameters import After, PageSize
from rules.document import MOST_LETTERS

_AT = "/api/curator/v1/rules"
_LONGEST_REASON = 500
_LONGEST_SOURCE = MOST_LETTERS


Digits = Annotated[str, Field(min_length=8, max_length=64, pattern="^[0-9a-f]+$")]
"""The first eight or more of a digest."""


class Publication(BaseModel):
    """Rules that are to be in force."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=_LONGEST_SOURCE)]
    reason: Annotated[str, Field(min_length=1, max_length=_LONGEST_REASON)]
    file: Annotated[str, Field(max_length=500)] = "rules.yaml"
    """What problems call it."""
    edited_from: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """The digest of the rules that these were made from: if others are in force by now, nothing is done."""


class Rollback(BaseModel):
    """Rules that were in force, and are to be again."""

    model_config = ConfigDict(extra="forbid")

    digest: Digits
    reason: Annotated[str, Field(min_length=1, max_length=_LONGEST_REASON)]


Json = dict[str, Any]


def rules_routes(settings: Settings, database: Database, sender: Sender) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["rules"])
    readers = [Depends(May(Permission.PULL))]

    @router.get(_AT, dependencies=readers, operation_id="get_rules", response_model=RulesStatus)
    async def status() -> Json:
        """Say which rules are in force, what is wrong, and how far the rest is judged anew."""
        return dict(await database.ask(lambda session: publishing.status(session, settings, database)))

    @router.get(f"{_AT}/history", dependencies=readers, operation_id="list_rule_changes", response_model=RulesHistory)
    async def history(after: After = None, limit: PageSize = 100) -> Json:
        """List which rules came into force when, by whom, and why, the newest first."""
        changes = await database.ask(lambda session: rule_sets.history(session, limit + 1, after))
        return page_json("changes", [one.as_json() for one in changes], limit)

    @router.get(
        f"{_AT}/diff",
        dependencies=readers,
        operation_id="compare_rules",
        response_model=RulesDifference,
        responses=problems(404),
    )
    async def diff(a: Digits, b: Digits) -> Json:
        """Say what differs between two sets of rules that are or were in force."""
        return dict(await database.ask(lambda session: rule_sets.difference(session, a, b).as_json()))

    @router.get(f"{_AT}/sets/{{digest}}", dependencies=readers, operation_id="get_rules_text", response_model=RulesText)
    async def show(digest: Digits) -> Json:
        """Give the text of rules that are or were in force."""
        row = await database.ask(lambda session: rule_sets.find(session, digest))
        return {
            "digest": row.digest,
            "name": row.name,
            "first_used_at": row.first_used_at.isoformat(timespec="seconds"),
            "source": row.source,
        }

    @router.post(_AT, operation_id="publish_rules", response_model=RuleChange)
    async def publish(caller: RuleWriter, wanted: Annotated[Publication, Body()]) -> Json:
        """Bring rules into force; what was asked for of late is judged anew."""
        done = await asyncio.to_thread(
            lambda: publishing.publish(
                database,
                sender,
                settings,
                source=wanted.source,
                file=wanted.file,
                author=caller.name,
                reason=wanted.reason,
                edited_from=wanted.edited_from,
            )
        )
        return done.as_json()

    @router.post(f"{_AT}/rollback", operation_id="roll_rules_back", response_model=RuleChange, responses=problems(404))
    async def rollback(caller: RuleWriter, wanted: Annotated[Rollback, Body()]) -> Json:
        """Bring rules into force again that were before."""
        done = await asyncio.to_thread(
            lambda: publishing.roll_back(
                database, sender, digest=wanted.digest, author=caller.name, reason=wanted.reason
            )
        )
        return done.as_json()

    return router
