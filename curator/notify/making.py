"""From the record to notices: each event once, in one transaction with how far it came; then to whom it concerns."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from curator.audit import uses
from curator.audit.follow import ahead, follow, is_behind, move_on
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.notify import gathering
from curator.notify.drafts import Draft
from curator.notify.events import TOLD, notices_of
from curator.notify.knowing import asks_who_pulled, known_of
from curator.notify.spreading import spread
from curator.notify.tables import NoticeRow

log = logging.getLogger("curator.notices")

FOLLOWER = "notices"
_ROWS = 1_000
_MOST_TOLD = 50
_LONGEST_NAP_S = 0.05
_AGAINST = frozenset({"hold", "block"})


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes them; one process of a server does, and the database sees to it that two would not make one twice."""

    database: Database
    url: str
    """Of the console, for links."""
    mails: bool
    """Whether there is a server for mail."""

    def step(self) -> None:
        """Take what is new on the record, end what has collected, and bring all of it to those whom it concerns."""
        while self._take():
            pass
        self._close()
        while True:
            began = time.monotonic()
            if not spread(self.database, mails=self.mails):
                return
            # Others who write come between the batches.
            time.sleep(min(time.monotonic() - began, _LONGEST_NAP_S))

    def _take(self) -> bool:
        """The next rows; what they mean is found out before anybody is kept waiting. Whether there are many more:
        some there always are while somebody downloads, and what is made is to be brought to people."""
        if not is_behind(self.database, FOLLOWER):
            return False
        with self.database.read() as session:
            since, to, told = _next(session)
        if to == since:
            return False
        if any(asks_who_pulled(row) for row in told):
            while follow(self.database, uses.FOLLOWER, uses.take, _ROWS) == _ROWS:
                pass
        with self.database.read() as session:
            drafts = _drafts(session, told)
        with self.database.write() as session:
            mine = move_on(session, FOLLOWER, since, to)
            notices = gathering.keep(session, drafts, self.url) if mine and drafts else []
        _log(notices)
        return to - since >= _ROWS or len(told) == _MOST_TOLD

    def _close(self) -> None:
        with self.database.read() as session:
            due = session.exec(select(NoticeRow.id).where(col(NoticeRow.open_until) <= now()).limit(1)).first()
        if due is not None:
            with self.database.write() as session:
                notices = gathering.closed(session)
            _log(notices)


def _log(notices: Sequence[NoticeRow]) -> None:
    for notice in notices:
        log.info("%s", notice.document)


def _next(session: Session) -> tuple[int, int, Sequence[AuditRow]]:
    """So many rows that few of them matter: whoever keeps the notices of them is quick."""
    since, to, rows = ahead(session, FOLLOWER, _ROWS, TOLD)
    if len(rows) > _MOST_TOLD:
        return since, (rows[_MOST_TOLD].seq or since) - 1, rows[:_MOST_TOLD]
    return since, to, rows


def _drafts(session: Session, told: Sequence[AuditRow]) -> list[Draft]:
    changed = {row.decision for row in told if row.action == Action.CHANGE and row.decision}
    drafts: list[Draft] = []
    for row in told:
        if row.action == Action.DECIDE and (row.outcome not in _AGAINST or row.decision in changed):
            continue
        drafts += notices_of(row, known_of(session, row))
    return drafts
