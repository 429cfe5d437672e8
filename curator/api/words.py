"""What the routes of waivers and of lists have in common: for whom, why, until when, and in pages."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from curator.admission.gate import Gate
from curator.admission.reopening import Reopened
from curator.admission.resolve import Resolver
from curator.database.engine import Database, now
from curator.policy.waivers import Limits
from curator.policy.word import checked_scope, read_until
from curator.queue.celery import Sender
from curator.review.targets import Targets
from curator.settings import Settings
from rules.circumstances import Scope

Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...], Field(max_length=100)]
State = Literal["active", "ended", "all"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What these routes need."""

    settings: Settings
    database: Database
    sender: Sender
    gate: Gate
    resolver: Resolver
    targets: Targets
    rule_set: Callable[[], str]
    """The digest of the rules in force; asks the database."""

    def then_judged(self, document: dict[str, Any], reopened: Reopened, status: int = 200) -> JSONResponse:
        """The answer; when it is sent, the broker is told, which may be slow to answer."""
        after = BackgroundTask(self.sender.send, reopened.works)
        return JSONResponse(document | {"reopened": reopened_json(reopened)}, status, background=after)

    @property
    def limits(self) -> Limits:
        return Limits(self.settings.waiver_max_days, self.settings.waiver_without_end)


class Word(BaseModel):
    """Somebody's word."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=2_000, examples=["seen with the vendor, ticket 12"])]
    until: Annotated[str, Field(min_length=1, max_length=40, examples=["90d"])] | None = None
    """`90d`, the end of a day such as `2027-01-31`, or a moment."""
    teams: Names = ()
    projects: Names = ()

    def scope(self) -> Scope:
        return checked_scope(self.teams, self.projects)

    def expires_at(self) -> dt.datetime | None:
        return read_until(self.until, now()) if self.until is not None else None


def reopened_json(reopened: Reopened) -> dict[str, Any]:
    """How many decisions are made anew, of how many commits."""
    return {"decisions": reopened.decisions, "commits": reopened.commits, "judged_anew": len(reopened.sought)}


def page_json(
    name: str,
    documents: Sequence[dict[str, Any]],
    limit: int,
    place: Callable[[dict[str, Any]], str] = operator.itemgetter("id"),
) -> dict[str, Any]:
    """A page, and what to name as `after` for the next; None if this is the last.

    `documents` are what was found where one more than `limit` was asked for, so that no last page is empty; `place`
    says of the last of a page where the next begins.
    """
    shown = list(documents[:limit])
    return {name: shown, "next": place(shown[-1]) if len(documents) > limit else None}
