"""Trials of drafts in the background: begun, followed, ended, and their results kept for a while.

One runs in a thread of the server process that was asked, and says in its row how far it is, so that every process can
tell. A server that ends takes its trial along: whoever looks is told that it has stopped.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, delete, select

from curator.database.engine import Database, new_id, now
from curator.errors import CuratorError
from curator.policy import rule_sets
from curator.review.replay.alone import take
from curator.review.replay.cases import cases_in_all
from curator.review.replay.run import Wanted, read_draft, replay
from curator.review.replay.tables import RuleTrialRow

log = logging.getLogger(__name__)

_KEPT = 50
_TOLD_EVERY_S = 0.5
_SILENT = dt.timedelta(seconds=30)


class NoTrial(CuratorError):
    """A trial was asked for that there is not, or no longer."""

    status = 404


class _Cancelled(Exception):
    """Somebody wants a trial to end."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as it is now."""

    id: str
    by: str
    digest: str
    catalogue: bool
    days: float
    against: str | None
    state: str
    """`running`, `done`, `failed`, `cancelled`, or `stopped` where the server that tried it has ended."""
    tried: int
    total: int
    begun_at: dt.datetime
    ended_at: dt.datetime | None
    problem: str | None
    result: dict[str, Any] | None

    @property
    def sentence(self) -> str:
        """How it stands."""
        match self.state:
            case "running":
                return f"{self.tried:,} of {self.total:,} decisions tried" if self.total else "It is being prepared"
            case "done":
                return str((self.result or {}).get("sentence", ""))
            case "failed":
                return self.problem or "It could not be brought to its end"
            case "cancelled":
                return "Somebody ended it"
            case _:
                return "The server that tried it has ended: begin it again"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "by": self.by,
            "digest": self.digest,
            "of": "catalogue" if self.catalogue else "requests",
            "days": None if self.catalogue else self.days,
            "against": self.against,
            "state": self.state,
            "sentence": self.sentence,
            "tried": self.tried,
            "total": self.total,
            "begun_at": self.begun_at.isoformat(timespec="seconds"),
            "ended_at": self.ended_at.isoformat(timespec="seconds") if self.ended_at else None,
            "problem": self.problem,
            "result": self.result,
        }


def begin(database: Database, data: Path, by: str, wanted: Wanted) -> Trial:
    """Begin to try a draft; what becomes of the catalogue is told against the rules in force.

    Raises `BadWord` for a draft that cannot be used, `ReplayRunning`, and what naming rules to compare with raises.
    """
    read_draft(wanted.source)
    with database.read() as session:
        if wanted.against is None and wanted.catalogue:
            # The newest decision about a commit may have been made under rules that were rolled back since.
            wanted = replace(wanted, against=rule_sets.in_force(session))
        if wanted.against is not None:
            rule_sets.parsed(rule_sets.find(session, wanted.against))
    lock = take(data)
    try:
        moment = now()
        row = RuleTrialRow(
            id=new_id(),
            by=by,
            source=wanted.source,
            catalogue=wanted.catalogue,
            days=wanted.days,
            against=wanted.against,
            state="running",
            begun_at=moment,
            seen_at=moment,
        )
        with database.write() as session:
            session.add(row)
            session.flush()
            newest = select(RuleTrialRow.id).order_by(col(RuleTrialRow.id).desc()).limit(_KEPT)
            session.exec(delete(RuleTrialRow).where(col(RuleTrialRow.id).not_in(session.exec(newest).all())))
        thread = threading.Thread(target=_work, args=(database, row.id, wanted, lock), name="trial", daemon=True)
        thread.start()
    except BaseException:
        os.close(lock)
        raise
    return _trial(row)


def find(session: Session, trial_id: str) -> Trial:
    """With its result. Raises `NoTrial`."""
    row = session.get(RuleTrialRow, trial_id)
    if row is None:
        raise NoTrial(f"There is no trial {trial_id[:64]!a}: the newest {_KEPT} are kept")
    return _trial(row)


def listed(session: Session, after: str | None = None, limit: int = 50) -> list[Trial]:
    """The newest first, without their results."""
    statement = select(RuleTrialRow).order_by(col(RuleTrialRow.id).desc()).limit(limit)
    if after is not None:
        statement = statement.where(col(RuleTrialRow.id) < after)
    return [_trial(row) for row in session.exec(statement)]


def of_draft(session: Session, digest: str) -> list[Trial]:
    """The trials of just this text, the newest first."""
    return [trial for trial in listed(session, limit=_KEPT) if trial.digest == digest]


def cancel(database: Database, trial_id: str) -> Trial:
    """Have a trial end, if it has not. Raises `NoTrial`."""
    with database.write() as session:
        find(session, trial_id)
        row = session.get_one(RuleTrialRow, trial_id)
        if row.state == "running":
            row.state, row.ended_at = "cancelled", now()
            session.add(row)
        return _trial(row)


def _work(database: Database, trial_id: str, wanted: Wanted, lock: int) -> None:
    told = 0.0

    def progress(tried: int) -> None:
        nonlocal told
        if time.monotonic() - told < _TOLD_EVERY_S:
            return
        told = time.monotonic()
        with database.write() as session:
            row = session.get(RuleTrialRow, trial_id)
            if row is None or row.state != "running":
                raise _Cancelled
            row.tried, row.seen_at = tried, now()
            session.add(row)

    try:
        with database.read() as session:
            since = None if wanted.catalogue else now() - dt.timedelta(days=wanted.days)
            total = cases_in_all(session.connection(), since)
        with database.write() as session:
            row = session.get_one(RuleTrialRow, trial_id)
            row.total = total
            session.add(row)
        result = replay(database, wanted, progress=progress)
        _end(database, trial_id, "done", result=json.dumps(result))
    except _Cancelled:
        pass
    except CuratorError as error:
        _end(database, trial_id, "failed", problem=error.sentence)
    except Exception:
        log.exception("a trial of rules failed")
        _end(
            database, trial_id, "failed", problem="The trial could not be brought to its end: the server's log says why"
        )
    finally:
        os.close(lock)


def _end(database: Database, trial_id: str, state: str, result: str | None = None, problem: str | None = None) -> None:
    with database.write() as session:
        row = session.get(RuleTrialRow, trial_id)
        if row is not None and row.state == "running":
            row.state, row.ended_at, row.result, row.problem = state, now(), result, problem
            row.tried = row.total if result is not None else row.tried
            session.add(row)


def _trial(row: RuleTrialRow) -> Trial:
    import hashlib

    silent = row.state == "running" and row.seen_at < now() - _SILENT
    return Trial(
        row.id,
        row.by,
        hashlib.sha256(row.source.encode()).hexdigest(),
        row.catalogue,
        row.days,
        row.against,
        "stopped" if silent else row.state,
        row.tried,
        row.total,
        row.begun_at,
        row.ended_at,
        row.problem,
        json.loads(row.result) if row.result else None,
    )
