"""The lines of the queue, as whoever decides about them names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from curator.admission import decisions
from curator.database.engine import Database
from curator.policy.word import BadWord
from curator.review import waiting
from curator.review.queue import NotWaiting
from curator.review.tables import WaitingRow
from curator.review.verdicts import Answered
from curator.types import Commit, RepoId, RepoKind

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Named:
    """A line as a reviewer names it, and the decision that he has seen there; empty if he says nothing of that."""

    item_id: str
    decision: str = ""


def item_named(database: Database, name: str) -> str:
    """The id of a line, named by itself or by a decision. Raises `NotWaiting`."""
    with database.read() as session:
        if session.get(WaitingRow, name) is not None:
            return name
    return item_of_decision(database, name)


def item_of_decision(database: Database, decision_id: str) -> str:
    """The id of the line of the repository that a decision is about, made if there is none. Raises `NotWaiting`."""
    with database.write() as session:
        found = decisions.find(session, decision_id)
        if found is None:
            raise NotWaiting(f"There is no {decision_id[:64]!a} in the queue: `curator review list` shows what waits")
        ruling, facts = found
        repo = RepoId.parse(facts.repository, RepoKind(facts.kind.value))
        row = session.exec(
            select(WaitingRow).where(WaitingRow.kind == repo.kind.value, WaitingRow.repo == str(repo))
        ).first() or waiting.blank(repo)
        if not row.waits:
            waiting.describe(row, ruling, facts)
        session.add(row)
        session.flush()
        return row.id


def check_many(named: Sequence[Named]) -> None:
    if not named:
        raise BadWord("Nothing is chosen: choose what you decide about")
    if len(named) > MOST_AT_ONCE:
        raise BadWord(f"{len(named)} at once are too many: {MOST_AT_ONCE} at most")


def line(session: Session, named: Named) -> WaitingRow:
    row = session.get(WaitingRow, named.item_id)
    if row is None:
        raise NotWaiting(f"There is no {named.item_id[:64]!a} in the queue: `curator review list` shows what waits")
    if not row.waits and row.closed_at is not None:
        raise Answered(f"{row.repo} was {row.closed_as} by {row.closed_by} at {row.closed_at:%H:%M} UTC")
    if named.decision and named.decision != row.decision:
        raise Answered(f"{row.repo} has moved on since you looked: look at what is wanted now, and decide about that")
    return row


def repo_of(row: WaitingRow) -> RepoId:
    return RepoId.parse(row.repo, RepoKind(row.kind))


def commit_of(row: WaitingRow) -> Commit:
    return Commit(repo_of(row), row.commit)
