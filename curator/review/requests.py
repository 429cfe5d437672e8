"""Exceptions as developers ask for them: asked, joined, answered back, withdrawn; and what became of each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from curator.admission import decisions, snapshots
from curator.admission.decisions import Ruling
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, new_id, now
from curator.errors import CuratorError, NotAllowed
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.policy.waivers import Limits
from curator.policy.word import BadWord, checked_end, checked_reason
from curator.review import waiting
from curator.review.request import Happened, KeptRequest, Requester
from curator.review.states import STILL_OPEN, State, Step
from curator.review.tables import RequesterRow, RequestEventRow, RequestRow
from curator.review.waiving import Which, covered_by, standing_against
from curator.types import Commit, RepoId, RepoKind
from rules.circumstances import Audience
from rules.evaluate import Outcome

_MOST_OPEN = 200
_MOST_FILES = 100
_NONE = "There is no request {!a}: `curator request list` shows yours"


class NoSuchRequest(CuratorError):
    """A request was named that was never made, or that is none of the caller's business."""

    status = 404


class AllowedByNow(CuratorError):
    """What somebody wants an exception for is allowed."""

    status = 409
    exit_code = 0


class Over(CuratorError):
    """The request has been answered, or has ended otherwise."""

    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who wants an exception from which decision, what for, and until when."""

    ruling: Ruling
    by: str
    audience: Audience
    """For whom he asks."""
    reason: str
    rules: tuple[str, ...] = ()
    """Empty: whatever stands against it."""
    files: tuple[str, ...] = ()
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was made, or joined."""

    request: KeptRequest
    joined: bool
    """Whether others of the same team and project have asked for the same before."""


def ask(database: Database, wanted: Wanted, limits: Limits) -> Asked:
    """Ask for an exception; whoever asks for what his team has asked for joins that.

    Raises `BadWord` and `AllowedByNow`.
    """
    reason = checked_reason(wanted.reason)
    moment = now()
    until = checked_end(wanted.until, moment)
    if until is not None and until > moment + dt.timedelta(days=limits.max_days + 1):
        raise BadWord(f"An exception lasts {limits.max_days} days at most: name an earlier day (--until)")
    if len(wanted.files) > _MOST_FILES:
        raise BadWord(f"Name {_MOST_FILES} files at most, or globs of them")
    with database.write() as session:
        commit, rules = _concerned(session, wanted)
        row = _same(session, commit.repo, wanted.audience, rules)
        joined = row is not None
        if row is None:
            _check_few(session, wanted.by)
            row = _new(wanted, commit, rules, moment)
            session.add(row)
            session.flush()
        elif wanted.ruling.id > row.decision:
            # What is wanted is the newest that anybody was refused.
            row.decision, row.commit, row.snapshot_id = wanted.ruling.id, commit.sha, wanted.ruling.snapshot_id
        mine = session.get(RequesterRow, (row.id, wanted.by))
        session.merge(
            RequesterRow(request_id=row.id, name=wanted.by, reason=reason, until=until, at=mine.at if mine else moment)
        )
        row.until = max(row.until, until) if row.until is not None and until is not None else None if joined else until
        if row.state == State.ASKED_BACK:
            row.state = State.OPEN
        step = Step.REPLY if mine else Step.JOIN if joined else Step.ASK
        note(session, row, step, wanted.by, reason)
        waiting.said_something(session, commit.repo, wanted.by, wanted.audience)
        waiting.refresh(session, commit.repo)
        record(session, row, Action.REQUEST, wanted.by, step.value, f"asks for an exception: {reason}")
        session.flush()
        return Asked(_kept(session, row), joined)


def reply(database: Database, request_id: str, by: str, said: str) -> KeptRequest:
    """Answer a reviewer's question, or add something: it waits for him again. Raises `NoSuchRequest`, `Over`."""
    text = checked_reason(said)
    with database.write() as session:
        row = _open_row(session, request_id)
        _check_requester(session, row, by)
        if row.state == State.ASKED_BACK:
            row.state = State.OPEN
        note(session, row, Step.REPLY, by, text)
        waiting.refresh(session, repo_of(row))
        record(session, row, Action.REQUEST, by, Step.REPLY.value, f"says of the request: {text}")
        session.flush()
        return _kept(session, row)


def withdraw(database: Database, request_id: str, by: str) -> KeptRequest:
    """Want it no longer; it ends when nobody does. Raises `NoSuchRequest`, `Over`."""
    with database.write() as session:
        row = _open_row(session, request_id)
        session.delete(_check_requester(session, row, by))
        session.flush()
        if session.exec(select(RequesterRow).where(RequesterRow.request_id == row.id)).first() is None:
            row.state = State.WITHDRAWN
        note(session, row, Step.WITHDRAW, by, "")
        waiting.refresh(session, repo_of(row))
        record(session, row, Action.REQUEST, by, Step.WITHDRAW.value, "wants the exception no longer")
        session.flush()
        return _kept(session, row)


def find(session: Session, request_id: str) -> KeptRequest:
    """A request of any time. Raises `NoSuchRequest`."""
    return _kept(session, _row(session, request_id))


def shown_to(database: Database, request_id: str, caller: Caller) -> KeptRequest:
    """A request that is this caller's business. Raises `NoSuchRequest` for any other, whether it is there or not."""
    with database.read() as session:
        request = find(session, request_id)
    if not caller.may(Permission.SEE_ALL) and not concerns(request, caller.name, caller.audience):
        raise NoSuchRequest(_NONE.format(request_id[:64]))
    return request


def concerns(request: KeptRequest, name: str, audience: Audience) -> bool:
    """Whether it is this person's business: he asks, or his team or project does."""
    own = bool(audience.team or audience.project) and request.audience == audience
    return own or any(one.name == name for one in request.requesters) or any(one.by == name for one in request.history)


def listed(
    session: Session,
    *,
    by: str | None = None,
    state: str = "all",
    repo: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[KeptRequest]:
    """Requests, newest first: `by` one person, or all; `state` is a `State`, `all`, or `waiting` for an answer."""
    statement = select(RequestRow).order_by(col(RequestRow.id).desc()).limit(limit)
    if by is not None:
        own = select(RequestEventRow.request_id).where(RequestEventRow.by == by, RequestEventRow.step.in_(_OWN_STEPS))  # type: ignore[attr-defined]
        statement = statement.where(col(RequestRow.id).in_(own))
    if state == "waiting":
        statement = statement.where(col(RequestRow.state).in_(STILL_OPEN))
    elif state != "all":
        statement = statement.where(RequestRow.state == state)
    if repo is not None:
        statement = statement.where(func.lower(RequestRow.repo) == repo.lower())
    if after is not None:
        statement = statement.where(col(RequestRow.id) < after)
    return _many(session, list(session.exec(statement)))


_OWN_STEPS = (Step.ASK.value, Step.JOIN.value)


def kept(session: Session, rows: Sequence[RequestRow]) -> list[KeptRequest]:
    """The same with requesters and histories."""
    return _many(session, rows)


def note(session: Session, row: RequestRow, step: Step, by: str, said: str) -> None:
    """Write a step into the request's history."""
    row.changed_at = now()
    session.add(row)
    session.add(RequestEventRow(id=new_id(), request_id=row.id, step=step.value, by=by, said=said, at=row.changed_at))


def record(session: Session, row: RequestRow, action: Action, by: str, outcome: str, sentence: str) -> None:
    """Put on the record what somebody says of a request."""
    append(
        session,
        AuditEvent(
            action=action,
            actor=by,
            team=row.team,
            project=row.project,
            kind=RepoKind(row.kind),
            repo=row.repo,
            commit=row.commit,
            outcome=outcome,
            decision=row.decision,
            rules=row.rules or None,
            subject=row.id,
            sentence=sentence,
        ),
    )


def repo_of(row: RequestRow) -> RepoId:
    return RepoId.parse(row.repo, RepoKind(row.kind))


def _concerned(session: Session, wanted: Wanted) -> tuple[Commit, tuple[str, ...]]:
    """The commit, and the rules that an exception is wanted from. Raises `BadWord`, `AllowedByNow`."""
    found = decisions.find(session, wanted.ruling.id)
    assert found is not None, "the gate has just given it"
    ruling, facts = found
    commit = snapshots.get(session, ruling.snapshot_id).commit
    against = standing_against(ruling.decision.reasons)
    if not against:
        raise AllowedByNow(f"{commit} is allowed: there is nothing to ask for, run the same command again")
    which = Which(rules=wanted.rules, files=wanted.files)
    reasons = (
        [one.reason for one in covered_by(session, ruling, facts, which, commit)]
        if wanted.rules or wanted.files
        else against
    )
    return commit, tuple(sorted({reason.rule for reason in reasons}))


def _same(session: Session, repo: RepoId, audience: Audience, rules: tuple[str, ...]) -> RequestRow | None:
    return next(
        (
            row
            for row in waiting.open_of(session, repo)
            if (row.team, row.project, row.rules) == (audience.team, audience.project, ",".join(rules))
        ),
        None,
    )


def _new(wanted: Wanted, commit: Commit, rules: tuple[str, ...], moment: dt.datetime) -> RequestRow:
    outcome = wanted.ruling.outcome
    return RequestRow(
        id=new_id(),
        kind=commit.repo.kind.value,
        repo=str(commit.repo),
        commit=commit.sha,
        snapshot_id=wanted.ruling.snapshot_id,
        decision=wanted.ruling.id,
        outcome="left-out" if outcome is Outcome.ALLOW else outcome.value,
        team=wanted.audience.team,
        project=wanted.audience.project,
        rules=",".join(rules),
        files=json.dumps(list(wanted.files)),
        until=wanted.until,
        state=State.OPEN.value,
        asked_at=moment,
        changed_at=moment,
    )


def _check_few(session: Session, by: str) -> None:
    waits = (
        select(func.count())
        .select_from(RequesterRow)
        .join(RequestRow, col(RequestRow.id) == col(RequesterRow.request_id))
        .where(RequesterRow.name == by, col(RequestRow.state).in_(STILL_OPEN))
    )
    if session.exec(waits).one() >= _MOST_OPEN:
        raise BadWord(f"{by} has {_MOST_OPEN} requests open: withdraw those that nobody wants any more")


def _row(session: Session, request_id: str) -> RequestRow:
    row = session.get(RequestRow, request_id)
    if row is None:
        raise NoSuchRequest(_NONE.format(request_id[:64]))
    return row


def _open_row(session: Session, request_id: str) -> RequestRow:
    row = _row(session, request_id)
    if State(row.state) not in STILL_OPEN:
        raise Over(f"The request {request_id} is over: {_kept(session, row).sentence}")
    return row


def _check_requester(session: Session, row: RequestRow, by: str) -> RequesterRow:
    mine = session.get(RequesterRow, (row.id, by))
    if mine is None:
        raise NotAllowed(f"{by} has not asked for this: only those who have may say so")
    return mine


def _kept(session: Session, row: RequestRow) -> KeptRequest:
    return _many(session, [row])[0]


def _many(session: Session, rows: Sequence[RequestRow]) -> list[KeptRequest]:
    ids = [row.id for row in rows]
    askers: dict[str, list[Requester]] = {}
    for one in session.exec(
        select(RequesterRow).where(col(RequesterRow.request_id).in_(ids)).order_by(col(RequesterRow.at))
    ):
        askers.setdefault(one.request_id, []).append(Requester(one.name, one.reason, one.until, one.at))
    steps: dict[str, list[Happened]] = {}
    for event in session.exec(
        select(RequestEventRow).where(col(RequestEventRow.request_id).in_(ids)).order_by(col(RequestEventRow.id))
    ):
        steps.setdefault(event.request_id, []).append(Happened(Step(event.step), event.by, event.said, event.at))
    return [
        KeptRequest(
            id=row.id,
            commit=Commit(repo_of(row), row.commit),
            decision=row.decision,
            outcome=row.outcome,
            audience=Audience(row.team, row.project),
            rules=tuple(filter(None, row.rules.split(","))),
            files=tuple(json.loads(row.files)),
            until=row.until,
            state=State(row.state),
            asked_at=row.asked_at,
            changed_at=row.changed_at,
            requesters=tuple(askers.get(row.id, ())),
            history=tuple(steps.get(row.id, ())),
        )
        for row in rows
    ]
