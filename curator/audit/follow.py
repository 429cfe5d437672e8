"""What is made from the record, row by row and in its order: sums for the console, notices for people.

A follower takes rows in the transaction that remembers how far he has come, so none is taken twice or left out,
whatever dies in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import sqlalchemy as sa
from sqlmodel import Session, col, select

from curator.audit.tables import AuditFollowerRow, AuditRow
from curator.database.engine import Database

Take = Callable[[Session, Sequence[AuditRow]], None]
"""It reads the rows, by the names of their columns, and changes none."""
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]
_PLACE = sa.select(col(AuditFollowerRow.seq)).where(col(AuditFollowerRow.name) == sa.bindparam("follower"))
_NEWER = sa.select(_AUDIT.c.seq).where(_AUDIT.c.seq > sa.bindparam("place")).limit(1)


def follow(database: Database, name: str, take: Take, most: int = 1_000) -> int:
    """Have the follower take what is new, `most` rows in a transaction; returns how many rows that were."""
    if not is_behind(database, name):
        return 0
    with database.write() as session:
        return follow_in(session, name, take, most)


def is_behind(database: Database, name: str) -> bool:
    """Whether there are rows that the follower has not taken. Nearly always there are none, and whoever only looks
    keeps no writer waiting."""
    return database.value_of(_NEWER, place=database.value_of(_PLACE, follower=name) or 0) is not None


def follow_in(session: Session, name: str, take: Take, most: int = 1_000) -> int:
    """The same within the transaction of somebody who must not be ahead of this follower; it is a writer's."""
    place = session.get(AuditFollowerRow, name) or AuditFollowerRow(name=name, seq=0)
    after = sa.select(_AUDIT).where(_AUDIT.c.seq > place.seq).order_by(_AUDIT.c.seq).limit(most)
    # Past the object mapper, which takes longer for a row than all that is made of it.
    rows = cast("Sequence[AuditRow]", session.connection().execute(after).all())
    if rows:
        take(session, rows)
        place.seq = rows[-1].seq or place.seq
        session.add(place)
    return len(rows)


def ahead(session: Session, name: str, most: int) -> tuple[int, Sequence[AuditRow]]:
    """How far the follower is, and the next rows, for one who first finds out what they mean, and writes then."""
    place = session.get(AuditFollowerRow, name)
    since = place.seq if place is not None else 0
    rows = session.exec(select(AuditRow).where(col(AuditRow.seq) > since).order_by(col(AuditRow.seq)).limit(most)).all()
    return since, rows


def move_on(session: Session, name: str, since: int, to: int) -> bool:
    """He has taken the rows up to `to`, in the transaction of a writer; False: another process took them before."""
    place = session.get(AuditFollowerRow, name) or AuditFollowerRow(name=name, seq=0)
    if place.seq != since:
        return False
    place.seq = to
    session.add(place)
    return True
