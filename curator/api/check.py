"""The gate for builds: many repositories asked about in one call, none of them downloaded."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from curator.admission.inquiry import Answer, Inquirer, Question, Verdict
from curator.admission.judge import policy_of
from curator.admission.words import names_of
from curator.api.documents.decisions import Check
from curator.database.engine import Database
from curator.policy import rule_sets
from curator.settings import Settings
from curator.types import RepoId, RepoKind, Revision, parse_path
from curator.web.guard import Puller, audience_asked
from rules.evaluate import Reason, Standing
from rules.model import Effect

SCHEMA = "curator.check/1"
MOST_MODELS = 500
MOST_WAIT_S = 60.0
"""Of one call; who wants to wait longer asks again."""


class Asked(BaseModel):
    """A repository at a revision, or one file of it."""

    model_config = ConfigDict(extra="forbid")

    repository: Annotated[str, Field(min_length=1, max_length=193, examples=["acme-research/tiny-bert"])]
    kind: RepoKind = RepoKind.MODEL
    revision: Annotated[str, Field(min_length=1, max_length=255)] = "main"
    path: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


class Inquiry(BaseModel):
    """What a build is about to pull."""

    model_config = ConfigDict(extra="forbid")

    models: Annotated[list[Asked], Field(min_length=1, max_length=MOST_MODELS)]
    wait: Annotated[float, Field(ge=0, le=MOST_WAIT_S)] = 0.0
    """Seconds to wait for what is being scanned."""
    team: Annotated[str, Field(max_length=64)] | None = None
    project: Annotated[str, Field(max_length=64)] | None = None
    """For whom, where that is not to be as the token says."""


def check_routes(settings: Settings, database: Database, inquirer: Inquirer) -> APIRouter:
    router = APIRouter(tags=["decisions"])

    @router.post(
        "/api/curator/v1/check",
        operation_id="check_repositories",
        response_model=Check,
        response_model_exclude_unset=True,
    )
    async def check(inquiry: Inquiry, caller: Puller) -> dict[str, Any]:
        """Say what a build may have, of up to 500 repositories or files: nothing is downloaded."""
        audience = audience_asked(caller, inquiry.team, inquiry.project)
        questions = [_question(asked) for asked in inquiry.models]
        # The same asked twice is one question.
        distinct = list(dict.fromkeys(questions))
        verdicts = dict(zip(distinct, await inquirer.inquire(distinct, inquiry.wait, audience), strict=True))
        document = await asyncio.to_thread(_document, settings, database, list(verdicts.values()))
        by_question = dict(zip(verdicts, document["models"], strict=True))
        return document | {"models": [by_question[question] for question in questions]}

    return router


def _question(asked: Asked) -> Question:
    path = parse_path(asked.path) if asked.path is not None else None
    return Question(RepoId.parse(asked.repository, asked.kind), Revision.parse(asked.revision), path)


def _document(settings: Settings, database: Database, verdicts: list[Verdict]) -> dict[str, Any]:
    """All verdicts as JSON, with the rules in force and those of them that a verdict names."""
    reasons = [reason for verdict in verdicts for reason in _reasons(verdict)]
    with database.read() as session:
        names = names_of(session, {one for reason in reasons for one in reason.by})
        # All were decided under the same, unless rules change faster than anybody can be asked.
        under = {verdict.choice.ruling.rule_set for verdict in verdicts if verdict.choice is not None}
        rule_set = under.pop() if len(under) == 1 else rule_sets.in_force(session)
        # Where there are no rules that can be used, no verdict names one.
        policy = policy_of(session, rule_set) if rule_set is not None and reasons else None
    named = {reason.rule for reason in reasons}
    rules = {
        one.rule.id: {
            "description": one.rule.description,
            "owner": one.rule.owner,
            "references": list(one.rule.references),
        }
        for one in (policy.rules if policy else ())
        if one.rule.id in named
    }
    models = [_model(settings, verdict, names) for verdict in verdicts]
    return {"schema": SCHEMA, "rule_set": rule_set, "rules": rules, "models": models}


def _model(settings: Settings, verdict: Verdict, names: dict[str, dict[str, Any]]) -> dict[str, Any]:
    choice, question = verdict.choice, verdict.question
    ruling = choice.ruling if choice else None
    behind = choice.behind if choice else None
    allowed = ruling is not None and choice is not None and choice.allowed
    document: dict[str, Any] = {
        "repository": str(question.repo),
        "kind": question.repo.kind.value,
        "revision": question.revision.text,
        "path": question.path,
        "outcome": verdict.answer.value,
        "sentence": verdict.sentence,
        "commit": verdict.commit.sha if verdict.commit else None,
        "decision": ruling.id if ruling else None,
        "details": f"{settings.url}/-/decisions/{ruling.id}" if ruling else None,
        "rules": _rules(verdict),
        "left_out": {path: _said(reason, names) for path, reason in ruling.excluded.items()} if ruling else {},
        "warnings": _of(verdict, Standing.ENFORCED, names, Effect.WARN) if allowed else [],
        "dry_run": _of(verdict, Standing.DRY_RUN, names),
        "waived": _of(verdict, Standing.WAIVED, names),
        "approved": [_said(one, names) for one in _reasons(verdict) if _is_approval(one)],
        "behind": None,
    }
    if behind is not None and choice is not None:
        document["behind"] = {
            "upstream_commit": behind.upstream.sha,
            "commits": behind.commits,
            "sentence": behind.sentence(choice.snapshot.commit),
        }
    if verdict.answer is Answer.SCANNING:
        document |= {"scanned": verdict.scanned, "total": verdict.total}
    return document


def _reasons(verdict: Verdict) -> tuple[Reason, ...]:
    return verdict.choice.ruling.decision.reasons if verdict.choice else ()


def _rules(verdict: Verdict) -> list[str]:
    """The rules that made the answer what it is."""
    choice, path = verdict.choice, verdict.question.path
    if choice is None or verdict.answer is Answer.ALLOWED:
        return []
    if choice.allowed:
        left_out = choice.ruling.excluded.get(path) if path is not None else None
        return [left_out.rule] if left_out is not None else []
    return list(choice.ruling.rules)


def _of(
    verdict: Verdict, standing: Standing, names: dict[str, dict[str, Any]], effect: Effect | None = None
) -> list[dict[str, Any]]:
    return [
        _said(reason, names)
        for reason in _reasons(verdict)
        if reason.standing is standing and effect in (None, reason.outcome)
    ]


def _is_approval(reason: Reason) -> bool:
    return bool(reason.by) and (reason.standing is Standing.APPROVED or reason.outcome is Effect.ALLOW)


def _said(reason: Reason, names: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "outcome": reason.outcome.value,
        "message": reason.message,
        "files": list(reason.files),
        "owner": reason.owner,
        "by": [names.get(one, {"id": one}) for one in reason.by],
    }
