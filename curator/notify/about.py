"""The notices about one thing, and how far each has come: read by those who may see everything."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, select

from curator.notify.tables import DeliveryRow, NoticeReaderRow, NoticeRow


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, to whom it went, and what became of it."""

    id: str
    type: str
    audience: str
    title: str
    at: dt.datetime
    people: int
    """In whose inbox it lies."""
    read: int
    sent: int
    """Mails and webhooks that took it."""
    waiting: int
    dead: int

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "audience": self.audience,
            "title": self.title,
            "at": self.at.isoformat(timespec="seconds"),
            "people": self.people,
            "read": self.read,
            "sent": self.sent,
            "waiting": self.waiting,
            "dead": self.dead,
        }


def told_about(session: Session, ref: str, after: str | None = None, limit: int = 50) -> list[Told]:
    """The notices whose `ref` this is, the oldest first."""
    wanted = select(NoticeRow).where(NoticeRow.ref == ref)
    if after is not None:
        wanted = wanted.where(col(NoticeRow.id) > after)
    rows = session.exec(wanted.order_by(col(NoticeRow.id)).limit(limit)).all()
    ids = [row.id for row in rows]
    readers = session.exec(
        select(NoticeReaderRow.notice_id, func.count(), func.count(col(NoticeReaderRow.read_at)))
        .where(col(NoticeReaderRow.notice_id).in_(ids))
        .group_by(col(NoticeReaderRow.notice_id))
    ).all()
    inboxes = {notice: (people, read) for notice, people, read in readers}
    states: Counter[tuple[str, str]] = Counter()
    for notice, state, many in session.exec(
        select(DeliveryRow.notice_id, DeliveryRow.state, func.count())
        .where(col(DeliveryRow.notice_id).in_(ids))
        .group_by(col(DeliveryRow.notice_id), col(DeliveryRow.state))
    ):
        states[notice, state] = many
    return [
        Told(
            row.id,
            row.type,
            row.audience,
            row.title,
            row.at,
            *inboxes.get(row.id, (0, 0)),
            states[row.id, "sent"],
            states[row.id, "waiting"],
            states[row.id, "dead"],
        )
        for row in rows
    ]
