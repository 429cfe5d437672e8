"""How many bytes came from the upstream into the store, hour by hour: what was given beyond these lay in it already."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading

from sqlmodel import Session, col, func, select

from curator.audit.adding import add_to
from curator.database.days import day_of, read_day
from curator.database.engine import Database, now
from curator.store.tables import FetchedRow

log = logging.getLogger(__name__)

_WRITE_EVERY_S = 5.0


class Fetched:
    """Counts for one process, and writes it down now and then; may be told from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, size: int) -> None:
        """So many bytes came; costs an addition."""
        with self._lock:
            self._bytes += size

    async def follow(self) -> None:
        """Write down what is new, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            # A database that is away for a moment must not end this, and the next time has it all.
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Write down what is new, if that can be done."""
        try:
            self.write()
        except Exception:
            log.exception("what came from the upstream could not be written down")

    def write(self) -> None:
        """Add what came since the last time to the sum of this hour."""
        with self._lock:
            size, self._bytes = self._bytes, 0
        if not size:
            return
        try:
            with self._database.write() as session:
                add_to(session, FetchedRow, [{"hour": hour_of(now()), "bytes": size}], sums=("bytes",))
        except Exception:
            self.add(size)
            raise


def by_hour(session: Session, since: dt.datetime) -> dict[dt.datetime, int]:
    """Bytes, from the hour of `since` on; hours in which nothing came are left out."""
    wanted = select(FetchedRow.hour, FetchedRow.bytes).where(col(FetchedRow.hour) >= hour_of(since))
    return dict(session.exec(wanted).all())


def by_day(session: Session, since: dt.datetime) -> dict[dt.datetime, int]:
    """The same from that hour on, by day (UTC)."""
    day = day_of(session, FetchedRow.hour)
    wanted = select(day, func.sum(FetchedRow.bytes)).where(col(FetchedRow.hour) >= hour_of(since)).group_by(day)
    return {read_day(text): int(size) for text, size in session.exec(wanted)}


def counted_since(session: Session) -> dt.datetime | None:
    """The first hour that anything is known of."""
    return session.exec(select(func.min(FetchedRow.hour))).one()


def hour_of(at: dt.datetime) -> dt.datetime:
    """The begin of the hour, UTC."""
    return at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
