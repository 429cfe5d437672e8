"""Takes into the catalogue what was decided before there was one: a few commits at a time, from where it was left."""

from __future__ import annotations

import json

from sqlmodel import Session, col, func, select

from curator.admission.catalogue.keep import decided
from curator.admission.catalogue.tables import CatalogueFillRow
from curator.admission.tables import DecisionRow
from curator.database.engine import Database
from curator.upkeep import keep_doing
from rules.decision import Decision

_AT_ONCE = 50
_PAUSE_S = 0.02
"""Between transactions, so that whoever wants to write is let in."""


async def fill(database: Database) -> None:
    """Until all is taken; what cannot be reached for a moment is tried again."""
    await keep_doing(lambda: None if fill_some(database) else _PAUSE_S, "the catalogue cannot be filled")


def fill_some(database: Database) -> bool:
    """Take the next few commits; whether that was all."""
    with database.read() as session:
        place = session.get(CatalogueFillRow, 1)
        if place is None or place.done:
            return True
    with database.write() as session:
        place = session.get_one(CatalogueFillRow, 1)
        snapshots = session.exec(
            select(DecisionRow.snapshot_id)
            .where(DecisionRow.snapshot_id > place.snapshot_id)
            .distinct()
            .order_by(col(DecisionRow.snapshot_id))
            .limit(_AT_ONCE)
        ).all()
        for snapshot_id in snapshots:
            _take(session, snapshot_id)
            place.snapshot_id = snapshot_id
        place.done = len(snapshots) < _AT_ONCE
        session.add(place)
        return place.done


def _take(session: Session, snapshot_id: int) -> None:
    newest = (
        select(func.max(DecisionRow.id))
        .where(DecisionRow.snapshot_id == snapshot_id)
        .group_by(col(DecisionRow.audience))
    )
    for row in session.exec(select(DecisionRow).where(col(DecisionRow.id).in_(newest))):
        decided(session, row, Decision.from_json(json.loads(row.decision)))
    session.flush()
