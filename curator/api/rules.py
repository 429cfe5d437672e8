"""The rules themselves: which are in force, which were, what differs, and to bring others into force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from curator.admission import rejudgement
from curator.api.documents.rules import RuleChange, RulesDifference, RulesHistory, RulesStatus, RulesText
from curator.api.words import page_json
from curator.database.engine import Database
from curator.errors import BadInput, CuratorError
from curator.people.roles import Permission
from curator.policy import rule_sets
from curator.policy.rule_sets import Change
from curator.policy.watch import standing
from curator.queue.celery import Sender
from curator.queue.work import Work
from curator.settings import Settings
from curator.web.documents import problems
from curator.web.guard import May, RuleWriter
from curator.web.parameters import After, PageSize
from rules.model import PolicyError, parse_policy

_AT = "/api/curator/v1/rules"
_LONGEST_REASON = 500
_LONGEST_SOURCE = 1 << 20


class RulesElsewhere(CuratorError):
    """Rules were to be published where they come from a file."""

    status = 409


class WrongRules(CuratorError):
    """Rules were to be published that cannot be used."""

    status = 422
    exit_code = 1


Digits = Annotated[str, Field(min_length=8, max_length=64, pattern="^[0-9a-f]+$")]
"""The first eight or more of a digest."""


class Publication(BaseModel):
    """Rules that are to be in force."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=_LONGEST_SOURCE)]
    reason: Annotated[str, Field(min_length=1, max_length=_LONGEST_REASON)]
    file: Annotated[str, Field(max_length=500)] = "rules.yaml"
    """What problems call it."""


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

    async def read(verb: Callable[[Session], Any]) -> Any:
        def look() -> Any:
            with database.read() as session:
                return verb(session)

        return await asyncio.to_thread(look)

    async def change(verb: Callable[[Session], tuple[Change, list[Work]]]) -> Json:
        def write() -> Json:
            with database.write() as session:
                done, works = verb(session)
            sender.send(works)
            return done.as_json()

        return await asyncio.to_thread(write)

    @router.get(_AT, dependencies=readers, operation_id="get_rules", response_model=RulesStatus)
    async def status() -> Json:
        """Say which rules are in force, what is wrong, and how far the rest is judged anew."""

        def look(session: Session) -> Json:
            rules, last = standing(session, settings, database), rule_sets.last_change(session)
            row = rejudgement.newest(session)
            work: Json | None = None
            if row is not None:
                ended, said = row.ended_at is not None, rejudgement.summary(row)
                work = {"done": row.done, "total": row.total, "ended": ended, "sentence": said}
            return {
                "in_force": last.as_json() if last else None,
                "source": str(settings.rules) if settings.rules else None,
                "allowed": rules.allowed,
                "problem": rules.problem,
                "note": rules.note,
                "judged_anew": work,
            }

        return dict(await read(look))

    @router.get(f"{_AT}/history", dependencies=readers, operation_id="list_rule_changes", response_model=RulesHistory)
    async def history(after: After = None, limit: PageSize = 100) -> Json:
        """List which rules came into force when, by whom, and why, the newest first."""
        changes = await read(lambda session: rule_sets.history(session, limit, after))
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
        return dict(await read(lambda session: rule_sets.difference(session, a, b).as_json()))

    @router.get(f"{_AT}/sets/{{digest}}", dependencies=readers, operation_id="get_rules_text", response_model=RulesText)
    async def show(digest: Digits) -> Json:
        """Give the text of rules that are or were in force."""
        row = await read(lambda session: rule_sets.find(session, digest))
        return {
            "digest": row.digest,
            "name": row.name,
            "first_used_at": row.first_used_at.isoformat(timespec="seconds"),
            "source": row.source,
        }

    @router.post(_AT, operation_id="publish_rules", response_model=RuleChange)
    async def publish(caller: RuleWriter, wanted: Annotated[Publication, Body()]) -> Json:
        """Bring rules into force; what was asked for of late is judged anew."""
        if settings.rules is not None:
            raise RulesElsewhere(
                f"The rules of this mirror come from {settings.rules}, which is watched: change them there, or go back "
                "to earlier ones with `curator rules rollback`"
            )
        try:
            policy = parse_policy(wanted.source, wanted.file)
        except PolicyError as error:
            raise WrongRules(f"The rules are not published, because they cannot be used:\n{error}") from None
        reason = _reason(wanted.reason)

        def verb(session: Session) -> tuple[Change, list[Work]]:
            done = rule_sets.publish(session, policy, author=caller.name, reason=reason, origin=rule_sets.COMMAND)
            if done is None:
                raise BadInput(f"These rules ({policy.digest[:12]}) are in force already")
            return done

        return await change(verb)

    @router.post(f"{_AT}/rollback", operation_id="roll_rules_back", response_model=RuleChange, responses=problems(404))
    async def rollback(caller: RuleWriter, wanted: Annotated[Rollback, Body()]) -> Json:
        """Bring rules into force again that were before."""
        reason = _reason(wanted.reason)
        return await change(
            lambda session: rule_sets.roll_back(session, wanted.digest, author=caller.name, reason=reason)
        )

    return router


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise BadInput("A change of rules wants a reason, which is kept with it")
    return reason
