"""Looks as they are kept: one of each commit, and when it was last confirmed."""

from __future__ import annotations

import datetime as dt
import json

from sqlmodel import Session, col, select

from curator.admission.look import Look
from curator.admission.tables import LookRow


def find(session: Session, snapshot_id: int) -> Look | None:
    row = session.get(LookRow, snapshot_id)
    return Look.from_json(json.loads(row.document)) if row else None


def keep(session: Session, snapshot_id: int, look: Look) -> bool:
    """Keep a look in the place of the one before; returns whether what is material differs from it."""
    row = session.get(LookRow, snapshot_id)
    digest = look.digest
    if row is None:
        row = LookRow(snapshot_id=snapshot_id, document="", digest="", complete=True, at=look.at, checked_at=look.at)
    differs = row.digest != digest
    row.document, row.digest, row.complete = json.dumps(look.as_json()), digest, look.is_complete
    row.at, row.checked_at = look.at if differs else row.at, look.at
    session.add(row)
    session.flush()
    return differs


def put_off(session: Session, snapshot_id: int, by: dt.timedelta) -> None:
    """Let it count as looked at so long ago, so that its turn comes before the others'."""
    row = session.get_one(LookRow, snapshot_id)
    row.checked_at -= max(by, dt.timedelta())
    session.add(row)


def is_due(session: Session, snapshot_id: int, *, retry: bool) -> bool:
    """Whether a look is wanted before the commit can be judged; with `retry`, also where the last one had gaps."""
    complete = session.exec(select(LookRow.complete).where(LookRow.snapshot_id == snapshot_id)).first()
    return complete is None or (retry and not complete)


def stamp(session: Session, snapshot_id: int) -> tuple[str, dt.datetime] | None:
    """Changes whenever the commit is looked at anew."""
    row = session.exec(
        select(LookRow.digest, LookRow.checked_at).where(col(LookRow.snapshot_id) == snapshot_id)
    ).first()
    return (row[0], row[1]) if row else None
