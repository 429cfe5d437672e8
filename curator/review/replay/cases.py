"""What is replayed: decisions with the requests that they answered, or those that are the newest of each commit; in
batches, so that a hundred thousand of them need no more memory than a hundred."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlmodel import col

from curator.admission.tables import DecisionRow
from curator.audit.record import Action
from curator.audit.tables import AuditRow

_ASKED = (Action.DOWNLOAD.value, Action.REFUSE.value)
_AT_ONCE = 200
_FETCHED = 2_000


@dataclass(frozen=True, slots=True)
class Use:
    """Requests of one kind that a decision answered."""

    team: str
    project: str
    served: bool
    """Whether they were given what they asked for."""
    path: str | None
    """The file; None where a commit was asked for."""
    count: int


@dataclass(frozen=True, slots=True)
class Case:
    """A decision that is tried again."""

    decision: str
    uses: tuple[Use, ...] = ()
    """None where it is tried for its own audience, whoever asks."""


def of_requests(connection: Connection, since: dt.datetime) -> Iterator[list[Case]]:
    """Decisions that requests since then were answered by; those about the same facts one after the other."""
    asked = (
        select(
            col(AuditRow.decision).label("decision"),
            col(AuditRow.team).label("team"),
            col(AuditRow.project).label("project"),
            col(AuditRow.action).label("action"),
            col(AuditRow.path).label("path"),
            func.count().label("requests"),
        )
        .where(col(AuditRow.at) >= since, col(AuditRow.action).in_(_ASKED), col(AuditRow.decision).is_not(None))
        .group_by(
            col(AuditRow.decision),
            col(AuditRow.team),
            col(AuditRow.project),
            col(AuditRow.action),
            col(AuditRow.path),
        )
        .subquery()
    )
    statement = (
        select(asked.c.decision, asked.c.team, asked.c.project, asked.c.action, asked.c.path, asked.c.requests)
        .join(DecisionRow, col(DecisionRow.id) == asked.c.decision, isouter=True)
        .order_by(col(DecisionRow.facts_id), asked.c.decision)
    )
    rows = _stream(connection, statement)
    return _batches(Case(decision, tuple(map(_use, of))) for decision, of in groupby(rows, key=lambda row: str(row[0])))


def of_catalogue(connection: Connection) -> Iterator[list[Case]]:
    """The newest decision about each commit for each audience, whether it still holds or not."""
    newest = (
        select(func.max(col(DecisionRow.id)).label("decision"))
        .group_by(col(DecisionRow.snapshot_id), col(DecisionRow.audience))
        .subquery()
    )
    statement = (
        select(col(DecisionRow.id))
        .join(newest, newest.c.decision == col(DecisionRow.id))
        .order_by(col(DecisionRow.facts_id), col(DecisionRow.id))
    )
    return _batches(Case(str(row[0])) for row in _stream(connection, statement))


def cases_in_all(connection: Connection, since: dt.datetime | None) -> int:
    """How many decisions there are to try: those of the catalogue, or that requests since then were answered by."""
    if since is None:
        pairs = select(col(DecisionRow.snapshot_id), col(DecisionRow.audience)).distinct().subquery()
        return int(connection.execute(select(func.count()).select_from(pairs)).scalar_one())
    asked = (col(AuditRow.at) >= since, col(AuditRow.action).in_(_ASKED))
    return int(connection.execute(select(func.count(col(AuditRow.decision).distinct())).where(*asked)).scalar_one())


def without_a_decision(connection: Connection, since: dt.datetime) -> int:
    """Requests that were refused before there was a decision: there is nothing to try again."""
    statement = (
        select(func.count())
        .select_from(AuditRow)
        .where(col(AuditRow.at) >= since, col(AuditRow.action).in_(_ASKED), col(AuditRow.decision).is_(None))
    )
    return int(connection.execute(statement).scalar_one())


def _use(row: Any) -> Use:
    _, team, project, action, path, count = row
    return Use(team, project, action == Action.DOWNLOAD, path, count)


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    return iter(connection.execution_options(yield_per=_FETCHED).execute(statement))


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
