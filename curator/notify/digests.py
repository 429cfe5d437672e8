"""What has collected for a person, as one mail at his hour."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from curator.database.engine import Database, new_id, now
from curator.notify.choices import Person
from curator.notify.events import Draft
from curator.notify.kinds import SUBJECTS, NoticeType
from curator.notify.outbox import send_out
from curator.notify.readers import may_know, person
from curator.notify.tables import NoticeReaderRow, NoticeRow
from curator.queue.work import Work

_MOST_PEOPLE = 200
_MOST_TAKEN = 1_000
_MOST_LINES = 30


def make_due(database: Database, url: str) -> list[Work]:
    """Make the digests whose hour has come; returns what the broker is to be told."""
    with database.read() as session:
        waiting = session.exec(
            select(NoticeReaderRow.user_id)
            .where(col(NoticeReaderRow.digest))
            .distinct()
            .order_by(NoticeReaderRow.user_id)
        ).all()
        due = [user_id for user_id in waiting if _is_due(session, user_id)][:_MOST_PEOPLE]
    works = []
    for user_id in due:
        # Each person's in a transaction of its own: no other writer waits for all of them.
        with database.write() as session:
            works += _make(session, user_id, url)
    return works


def _is_due(session: Session, user_id: str) -> bool:
    """Something lies there since before his hour was last; for whoever is gone it is time to clear it away."""
    who = person(session, user_id)
    if who is None:
        return True
    oldest = session.exec(_pending(user_id).limit(1)).first()
    return oldest is not None and oldest.at < who.choices.last_slot(now())


def _make(session: Session, user_id: str, url: str) -> list[Work]:
    who = person(session, user_id)
    rows = session.exec(_pending(user_id).limit(_MOST_TAKEN)).all()
    session.connection().execute(
        update(NoticeReaderRow)
        .where(
            col(NoticeReaderRow.user_id) == user_id,
            col(NoticeReaderRow.digest),
            col(NoticeReaderRow.notice_id).in_([row.id for row in rows]),
        )
        .values(digest=False)
    )
    kept = [row for row in rows if who is not None and may_know(who, row)]
    if who is None or not kept:
        return []
    notice = _notice(who, kept, url)
    session.add(notice)
    session.flush()
    return [send_out(session, notice, user_id=user_id)]


def _notice(who: Person, rows: Sequence[NoticeRow], url: str) -> NoticeRow:
    total = sum(row.count for row in rows)
    lines: list[str] = []
    for subject in SUBJECTS:
        of_it = [row for row in rows if row.type in subject.types]
        if not of_it:
            continue
        lines += ["", f"{subject.title} ({sum(row.count for row in of_it)})"]
        lines += [f"- {row.at:%m-%d %H:%M} {row.title}" for row in of_it[:_MOST_LINES]]
        if len(of_it) > _MOST_LINES:
            lines.append(f"- and {len(of_it) - _MOST_LINES} more")
    title = f"Your {who.choices.rhythm} digest: {total} {'notice' if total == 1 else 'notices'}"
    draft = Draft(NoticeType.DIGEST, now(), f"person:{who.name}", title, tuple(lines[1:]), "/-/notices")
    notice_id = new_id()
    return NoticeRow(
        id=notice_id,
        type=draft.type.value,
        at=draft.at,
        audience=draft.audience,
        last_at=draft.at,
        document=json.dumps(draft.document(notice_id, url)),
        title=title,
        body="\n".join(draft.lines),
        path=draft.path,
    )


def _pending(user_id: str) -> SelectOfScalar[NoticeRow]:
    return (
        select(NoticeRow)
        .join(NoticeReaderRow, col(NoticeReaderRow.notice_id) == NoticeRow.id)
        .where(NoticeReaderRow.user_id == user_id, col(NoticeReaderRow.digest))
        .order_by(col(NoticeRow.id))
    )
