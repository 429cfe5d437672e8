"""What one process of a server does for notices: make them, and look at what nobody does who would say so."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import delete
from sqlmodel import col, select

from curator.database.engine import Database, now
from curator.notify import digests, ending, health
from curator.notify.delivering import deliverer_of
from curator.notify.lanes import Lanes
from curator.notify.making import Maker
from curator.notify.tables import DeliveryRow, NoticeReaderRow, NoticeRow, WebhookRow
from curator.settings import Settings
from curator.upkeep import keep_doing

log = logging.getLogger(__name__)

KEPT = dt.timedelta(days=90)
_MAKE_EVERY_S = 1.0
_DELIVER_EVERY_S = 0.5
_LOOK_EVERY_S = 30.0
_DAILY_S = 3_600.0
_BREAKER_EVERY_S = 2.0
_STILL_EVERY_S = 60.0
_MOST_DELETED = 500


@dataclass(slots=True)
class Watching:
    """Belongs to the process that `watches`; `follow` runs until cancelled."""

    settings: Settings
    database: Database
    maker: Maker = field(init=False)
    lanes: Lanes = field(init=False)

    def __post_init__(self) -> None:
        self.maker = Maker(self.database, self.settings.url, mails=self.settings.smtp_host is not None)
        self.lanes = Lanes(self.database, deliverer_of(self.settings, self.database))

    async def follow(self) -> None:
        """Each in its own time; a database that is away for a moment ends none of it."""
        try:
            await asyncio.gather(
                _every(_MAKE_EVERY_S, self.make),
                _every(_DELIVER_EVERY_S, self.deliver),
                _every(_LOOK_EVERY_S, self.look),
                _every(_DAILY_S, self.look_seldom),
            )
        finally:
            await asyncio.to_thread(self.lanes.close)

    def make(self) -> None:
        """What is new on the record."""
        self.maker.step()

    def deliver(self) -> None:
        """What is due to mailboxes and webhooks."""
        self.lanes.step()

    def look(self) -> None:
        """What a person would have to be told of within a minute."""
        settings = self.settings
        for name, folder in (("store", settings.store_folder), ("data", settings.data)):
            try:
                disk = health.disk_of(name, folder)
            except OSError as error:
                log.warning("the disk of the %s cannot be looked at: %s", name, error.strerror)
                continue
            reserve = settings.store_reserve_bytes if name == "store" else 0
            health.look_at_disk(self.database, disk, settings.disk_low_percent, reserve)
        health.look_for_workers(self.database)
        health.forget_upstream(self.database)
        digests.make_due(self.database, settings.url)

    def look_seldom(self) -> None:
        """What is soon enough within the hour."""
        health.note_scanners(self.database)
        ending.look(self.database, ending.read_days(self.settings.ending_days))
        while forget_old(self.database) == _MOST_DELETED:
            pass


@dataclass(slots=True)
class UpstreamWatch:
    """Each process with an upstream of its own says when that goes and comes; for all of them it is one change."""

    database: Database
    down: Callable[[], bool]
    """Whether this process leaves the upstream alone just now, since it failed too often."""
    _was_down: bool = field(default=False, init=False)
    _said_at: float = field(default=0.0, init=False)

    async def follow(self) -> None:
        """Until cancelled."""
        await _every(_BREAKER_EVERY_S, self.look)

    def look(self) -> None:
        down = self.down()
        if down != self._was_down:
            sentence = (
                "The Hub could not be reached several times in a row: what is in the cache is served, and nothing else"
                if down
                else "The Hub answers again"
            )
            health.report(self.database, health.UPSTREAM, bad=down, sentence=sentence)
            self._was_down, self._said_at = down, time.monotonic()
        elif down and time.monotonic() - self._said_at > _STILL_EVERY_S:
            health.still_bad(self.database, health.UPSTREAM)
            self._said_at = time.monotonic()


def forget_old(database: Database) -> int:
    """Delete notices of long ago with all that belongs to them; returns how many, at most `_MOST_DELETED`.

    The record keeps what happened; that somebody was told is kept for a while only.
    """
    oldest = now() - KEPT
    with database.read() as session:
        ids = session.exec(
            select(NoticeRow.id)
            .where(col(NoticeRow.id) < f"{int(oldest.timestamp() * 1_000):012x}")
            .order_by(col(NoticeRow.id))
            .limit(_MOST_DELETED)
        ).all()
        gone = session.exec(select(WebhookRow.id).where(col(WebhookRow.ended_at) < oldest)).all()
    if not ids and not gone:
        return 0
    with database.write() as session:
        connection = session.connection()
        connection.execute(delete(DeliveryRow).where(col(DeliveryRow.notice_id).in_(ids)))
        connection.execute(delete(NoticeReaderRow).where(col(NoticeReaderRow.notice_id).in_(ids)))
        connection.execute(delete(NoticeRow).where(col(NoticeRow.id).in_(ids)))
        # What was delivered there stays as long as its notice.
        named = select(DeliveryRow.webhook_id).where(col(DeliveryRow.webhook_id).is_not(None))
        connection.execute(delete(WebhookRow).where(col(WebhookRow.id).in_(gone), col(WebhookRow.id).not_in(named)))
    return len(ids)


async def _every(pause_s: float, verb: Callable[[], None]) -> None:
    def step() -> float:
        verb()
        return pause_s

    await keep_doing(step, f"notices: {verb.__name__} fails")
