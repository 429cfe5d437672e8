"""A person's notices in the console: the newest first, read or not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from curator.database.engine import now
from curator.notify.tables import NoticeReaderRow, NoticeRow

MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Received:
    """One notice in somebody's inbox."""

    id: str
    type: str
    at: dt.datetime
    title: str
    text: str
    path: str
    count: int
    read_at: dt.datetime | None
    document: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "at": self.at.isoformat(timespec="seconds"),
            "title": self.title,
            "text": self.text,
            "link": json.loads(self.document)["link"],
            "count": self.count,
            "read_at": self.read_at.isoformat(timespec="seconds") if self.read_at else None,
        }


def received(
    session: Session, user_id: str, *, unread: bool = False, after: str | None = None, limit: int = 50
) -> list[Received]:
    """The newest first; `after` is the id of the last one of the page before."""
    query = (
        select(NoticeRow, NoticeReaderRow.read_at)
        .join(NoticeReaderRow, col(NoticeReaderRow.notice_id) == NoticeRow.id)
        .where(NoticeReaderRow.user_id == user_id)
    )
    if unread:
        query = query.where(col(NoticeReaderRow.read_at).is_(None))
    if after is not None:
        query = query.where(col(NoticeReaderRow.notice_id) < after)
    rows = session.exec(query.order_by(col(NoticeReaderRow.notice_id).desc()).limit(limit))
    return [
        Received(row.id, row.type, row.last_at, row.title, row.body, row.path, row.count, read_at, row.document)
        for row, read_at in rows
    ]


def unread_count(session: Session, user_id: str) -> int:
    """Up to `MOST_COUNTED`: more is simply many."""
    some = (
        select(NoticeReaderRow.notice_id)
        .where(NoticeReaderRow.user_id == user_id, col(NoticeReaderRow.read_at).is_(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    return session.exec(select(func.count()).select_from(some)).one()


def mark_read(session: Session, user_id: str, notice_ids: Collection[str] | None = None) -> int:
    """These, or all; how many that were."""
    change = update(NoticeReaderRow).where(
        col(NoticeReaderRow.user_id) == user_id, col(NoticeReaderRow.read_at).is_(None)
    )
    if notice_ids is not None:
        change = change.where(col(NoticeReaderRow.notice_id).in_(notice_ids))
    return int(session.connection().execute(change.values(read_at=now())).rowcount)
