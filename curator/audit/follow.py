"""What is made from the record, row by row and in its order: sums for the console, notices for people.

A follower takes rows in the transaction that remembers how far he has come, so none is taken twice or left out,
whatever dies in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
_AFTER = sa.select(_AUDIT).where(_AUDIT.c.seq > sa.bindparam("place")).order_by(_AUDIT.c.seq)
_NEXT = _NEWER.order_by(_AUDIT.c.seq).limit(sa.bindparam("most", type_=sa.Integer)).subquery()
_SPAN = sa.select(sa.func.count(), sa.func.max(_NEXT.c.seq))
_AMONG = sa.and_(_AUDIT.c.seq <= sa.bindparam("last"), _AUDIT.c.action.in_(sa.bindparam("actions", expanding=True)))
_Rows = Sequence[AuditRow]


def follow(database: Database, name: str, take: Take, most: int = 1_000, actions: Collection[str] | None = None) -> int:
    """Have the follower take what is new, `most` rows in a transaction; returns how many rows that were.

    One who names `actions` is shown the rows of these alone: most of the record are downloads, and to read them only
    to pass them over is a good part of what a download costs.
    """
    if not is_behind(database, name):
        return 0
    with database.write() as session:
        return follow_in(session, name, take, most, actions)


def follow_together(database: Database, takes: Mapping[str, Take], most: int = 1_000) -> int:
    """The same for several, who are shown the same rows where they have come equally far: the most that one took."""
    if not any(is_behind(database, name) for name in takes):
        return 0
    with database.write() as session:
        at_hand: dict[int, _Rows] = {}
        return max(_follow(session, name, take, most, at_hand) for name, take in takes.items())


def is_behind(database: Database, name: str) -> bool:
    """Whether there are rows that the follower has not taken. Nearly always there are none, and whoever only looks
    keeps no writer waiting."""
    return database.value_of(_NEWER, place=database.value_of(_PLACE, follower=name) or 0) is not None


def follow_in(
    session: Session, name: str, take: Take, most: int = 1_000, actions: Collection[str] | None = None
) -> int:
    """The same within the transaction of somebody who must not be ahead of this follower; it is a writer's."""
    if actions is None:
        return _follow(session, name, take, most, {})
    place = _place(session, name)
    count, last = _span(session, place.seq, most)
    if count:
        # Past the object mapper, which takes longer for a row than all that is made of it.
        values = {"place": place.seq, "last": last, "actions": list(actions)}
        rows = cast("_Rows", session.connection().execute(_AFTER.where(_AMONG), values).all())
        if rows:
            take(session, rows)
        place.seq = last
        session.add(place)
    return count


def ahead(session: Session, name: str, most: int, actions: Collection[str]) -> tuple[int, int, _Rows]:
    """How far the follower is, how far he comes with the next rows, and those among them that are of these actions:
    for one who first finds out what they mean, and writes then."""
    since = session.connection().execute(_PLACE, {"follower": name}).scalar() or 0
    count, last = _span(session, since, most)
    if not count:
        return since, since, ()
    among = select(AuditRow).where(col(AuditRow.seq) > since).where(_AMONG).order_by(col(AuditRow.seq))
    return since, last, session.exec(among, params={"last": last, "actions": list(actions)}).all()


def move_on(session: Session, name: str, since: int, to: int) -> bool:
    """He has taken the rows up to `to`, in the transaction of a writer; False: another process took them before."""
    place = _place(session, name)
    if place.seq != since:
        return False
    place.seq = to
    session.add(place)
    return True


def _follow(session: Session, name: str, take: Take, most: int, at_hand: dict[int, _Rows]) -> int:
    """`at_hand` are the rows after a place, for the next who has come that far."""
    place = _place(session, name)
    rows = at_hand.get(place.seq)
    if rows is None:
        values = {"place": place.seq}
        rows = at_hand[place.seq] = cast("_Rows", session.connection().execute(_AFTER.limit(most), values).all())
    if rows:
        take(session, rows)
        place.seq = rows[-1].seq or place.seq
        session.add(place)
    return len(rows)


def _place(session: Session, name: str) -> AuditFollowerRow:
    return session.get(AuditFollowerRow, name) or AuditFollowerRow(name=name, seq=0)


def _span(session: Session, since: int, most: int) -> tuple[int, int]:
    """How many rows the next ones are, and the number of the last of them."""
    count, last = session.connection().execute(_SPAN, {"place": since, "most": most}).one()
    return count, last or since
