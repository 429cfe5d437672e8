"""Leased work: asked for, claimed by one worker, done or given to the next when that worker dies.

A broker carries only ids and may lose them: `due` finds what nobody is working on, so a lost broker or a killed worker
costs seconds and nothing else. Whoever lost his lease in the meantime can end nothing any more: what he would have
written is undone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from curator.database.engine import Database, now
from curator.queue.tables import WorkRow

MAX_ATTEMPTS = 3
_WAKE_AGAIN_S = 5.0
_WAKE_SELDOM_S = 60.0
"""Where no worker has come for long, messages would only pile up in the broker."""
_BACKOFF_S = (1.0, 4.0)
_DUE = (
    select(col(WorkRow.id))
    .where(col(WorkRow.state).in_(("waiting", "running")), col(WorkRow.due_at) <= bindparam("moment"))
    .limit(1)
)


class LeaseLost(Exception):
    """The work is somebody else's by now."""


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work that a worker holds, or that a broker is to be told of."""

    id: int
    task: str
    key: str
    attempts: int
    owner: str | None = None
    given_up: bool = False
    """That it was claimed in vain: whoever began it died, each time."""


def ask_for(session: Session, task: str, key: str) -> Work:
    """Have the work done, once: what is waiting or running is left alone, what had ended begins anew."""
    row = session.exec(select(WorkRow).where(WorkRow.task == task, WorkRow.key == key)).first()
    moment = now()
    if row is None:
        row = WorkRow(task=task, key=key, state="waiting", due_at=moment, created_at=moment)
    elif row.state in {"done", "failed"}:
        row.state, row.attempts, row.owner, row.error, row.created_at = "waiting", 0, None, None, moment
    else:
        return _work(row)
    row.due_at = moment + dt.timedelta(seconds=_WAKE_AGAIN_S)
    session.add(row)
    session.flush()
    return _work(row)


def claim(session: Session, work_id: int, owner: str, lease_s: float) -> Work | None:
    """Take the work, for as long as the lease is renewed; None if it is done, or somebody else's.

    What was begun too often is given up with this claim: whoever made it sees to what follows, in the same transaction.
    """
    moment = now()
    row = session.get(WorkRow, work_id, with_for_update=True)
    if row is None or row.state not in {"waiting", "running"}:
        return None
    if row.due_at > moment and (row.state == "running" or row.created_at > moment):
        # Somebody is at it, or it was put off.
        return None
    session.add(row)
    if row.attempts >= MAX_ATTEMPTS:
        row.state, row.owner = "failed", None
        row.error = row.error or f"it was begun {MAX_ATTEMPTS} times, and the worker died each time"
        return replace(_work(row), given_up=True)
    row.state, row.owner, row.attempts = "running", owner, row.attempts + 1
    row.due_at = moment + dt.timedelta(seconds=lease_s)
    return _work(row)


def renew(database: Database, owner: str, work_ids: Collection[int], lease_s: float) -> None:
    """Say that the worker is alive and at work on these."""
    with database.write() as session:
        session.execute(
            update(WorkRow)
            .where(col(WorkRow.id).in_(work_ids), col(WorkRow.owner) == owner, col(WorkRow.state) == "running")
            .values(due_at=now() + dt.timedelta(seconds=lease_s))
        )


def finish(session: Session, work: Work) -> None:
    """The work is done. Raises `LeaseLost`."""
    row = _held(session, work)
    row.state, row.owner, row.error = "done", None, None
    session.add(row)


def fail(session: Session, work: Work, sentence: str, *, passing: bool) -> bool:
    """The attempt failed: try again a little later if that can help, or give up and return False.

    Raises `LeaseLost`.
    """
    row = _held(session, work)
    row.owner, row.error = None, sentence
    again = passing and row.attempts < MAX_ATTEMPTS
    if again:
        row.state = "waiting"
        row.due_at = now() + dt.timedelta(seconds=_BACKOFF_S[min(row.attempts, len(_BACKOFF_S)) - 1])
    else:
        row.state = "failed"
    session.add(row)
    return again


def put_off(session: Session, work: Work, until: dt.datetime, sentence: str | None = None) -> None:
    """Not now: whoever does it has a schedule of his own. It begins anew then, however often that has been.

    Raises `LeaseLost`.
    """
    row = _held(session, work)
    row.state, row.owner, row.attempts, row.error = "waiting", None, 0, sentence
    row.due_at = row.created_at = until
    session.add(row)


def due(database: Database, limit: int = 1_000) -> list[Work]:
    """What a worker should be woken for: asked for a while ago and not begun, or held by a worker that died."""
    moment = now()
    # Nearly always there is nothing, and whoever only looks keeps no writer waiting.
    if database.value_of(_DUE, moment=moment) is None:
        return []
    overdue = (
        select(WorkRow)
        .where(col(WorkRow.state).in_(("waiting", "running")), WorkRow.due_at <= moment)
        .order_by(col(WorkRow.id))
        .limit(limit)
    )
    with database.write() as session:
        rows = session.exec(overdue).all()
        for row in rows:
            row.state, row.owner = "waiting", None
            waited_s = (moment - row.created_at).total_seconds()
            pause_s = min(max(waited_s / 2, _WAKE_AGAIN_S), _WAKE_SELDOM_S)
            row.due_at = moment + dt.timedelta(seconds=pause_s)
            session.add(row)
        return [_work(row) for row in rows]


def failure_of(session: Session, task: str, key: str) -> str | None:
    """Why the work was given up; None if it was not."""
    row = session.exec(select(WorkRow).where(WorkRow.task == task, WorkRow.key == key)).first()
    return (row.error or "it failed") if row is not None and row.state == "failed" else None


def _held(session: Session, work: Work) -> WorkRow:
    row = session.get_one(WorkRow, work.id, with_for_update=True)
    if (row.state, row.owner, row.attempts) != ("running", work.owner, work.attempts):
        raise LeaseLost(f"{work.task} {work.key}, attempt {work.attempts}")
    return row


def _work(row: WorkRow) -> Work:
    assert row.id is not None
    return Work(row.id, row.task, row.key, row.attempts, row.owner)
