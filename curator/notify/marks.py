"""What was said last about something that is looked at again and again, so that it is said once."""

from __future__ import annotations

from sqlmodel import Session

from curator.database.engine import now
from curator.notify.tables import NoticeMarkRow


def said_first(session: Session, key: str, value: str) -> bool:
    """Note that this is said, in the caller's transaction; whether it is anything else than what was said last."""
    row = session.get(NoticeMarkRow, key)
    if row is not None and row.value == value:
        return False
    session.merge(NoticeMarkRow(key=key, value=value, at=now()))
    return True


def last_said(session: Session, key: str) -> NoticeMarkRow | None:
    return session.get(NoticeMarkRow, key)
