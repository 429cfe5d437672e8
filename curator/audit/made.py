"""All that is made from the record: kept up with it, and made anew from its beginning."""

from __future__ import annotations

from sqlalchemy import delete
from sqlmodel import select

from curator.audit import traffic, uses
from curator.audit.follow import follow_together
from curator.audit.tables import AuditFollowerRow, AuditHeadRow
from curator.database.engine import Database
from curator.upkeep import keep_doing

FOLLOWERS = {made.FOLLOWER: made for made in (traffic, uses)}
_PAUSE_S = 1.0
_BATCH = 1_000


def catch_up(database: Database, batches: int | None = None) -> int:
    """Take all that is new, or so many batches of it; returns how many rows that were."""
    takes = {name: made.take for name, made in FOLLOWERS.items()}
    rows = done = 0
    while batches is None or done < batches:
        taken = follow_together(database, takes, _BATCH)
        rows, done = rows + taken, done + 1
        if taken < _BATCH:
            break
    return rows


async def keep_up(database: Database) -> None:
    """The same until cancelled, so slowly that it keeps nobody from writing."""
    await keep_doing(
        lambda: _PAUSE_S if catch_up(database, 1) < _BATCH else _PAUSE_S / 50,
        "what is made from the record cannot be kept up with it",
    )


def rebuild(database: Database) -> int:
    """Make all of it anew; returns from how many rows. Readers see what there was until a new batch is there."""
    with database.write() as session:
        for name, made in FOLLOWERS.items():
            for table in made.TABLES:
                session.connection().execute(delete(table))
            place = session.get(AuditFollowerRow, name)
            if place is not None:
                session.delete(place)
    return catch_up(database)


def behind(database: Database) -> dict[str, int]:
    """How many rows each has not yet taken."""
    with database.read() as session:
        head = session.exec(select(AuditHeadRow.seq)).one()
        places = {row.name: row.seq for row in session.exec(select(AuditFollowerRow))}
    return {name: head - places.get(name, 0) for name in FOLLOWERS}
