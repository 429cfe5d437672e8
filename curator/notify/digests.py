"""What has collected for a person, as one mail at his hour."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from curator.database.engine import Database, made_at, new_id, now
from curator.notify.choices import Person
from curator.notify.drafts import Draft
from curator.notify.kinds import SUBJECTS, NoticeType
from curator.notify.outbox import send_out
from curator.notify.readers import is_mailbox, may_know, reader, readers_of
from curator.notify.tables import NoticeReaderRow, NoticeRow

_PAGE = 500
_MOST_TAKEN = 1_000
_MOST_LINES = 30


def make_due(database: Database, url: str) -> int:
    """Make the digests whose hour has come; returns how many that were."""
    with database.read() as session:
        due = list(_due(session))
    return sum(_make(database, user_id, url) for user_id in due)


def _due(session: Session) -> Iterator[str]:
    """For whom something lies there since before his hour was last; for whoever is gone it is time to clear it away."""
    after = ""
    while True:
        waiting = (
            sa.select(col(NoticeReaderRow.user_id), sa.func.min(col(NoticeReaderRow.notice_id)))
            .where(col(NoticeReaderRow.digest), col(NoticeReaderRow.user_id) > after)
            .group_by(col(NoticeReaderRow.user_id))
            .order_by(col(NoticeReaderRow.user_id))
            .limit(_PAGE)
        )
        oldest = {row[0]: row[1] for row in session.connection().execute(waiting)}
        people = readers_of(session, list(oldest))
        moment = now()
        for user_id, notice_id in oldest.items():
            who = people.get(user_id)
            if who is None or made_at(notice_id) < who.choices.last_slot(moment):
                yield user_id
        if len(oldest) < _PAGE:
            return
        after = max(oldest)


def _make(database: Database, user_id: str, url: str) -> bool:
    """One person's, in a transaction of its own: no other writer waits for all of them."""
    with database.read() as session:
        who = reader(session, user_id)
        rows = session.exec(_pending(user_id).limit(_MOST_TAKEN)).all()
    kept = [row for row in rows if who is not None and may_know(who, row)]
    notice = _notice(who, kept, url) if who is not None and kept else None
    with database.write() as session:
        taken = session.connection().execute(
            update(NoticeReaderRow)
            .where(
                col(NoticeReaderRow.user_id) == user_id,
                col(NoticeReaderRow.digest),
                col(NoticeReaderRow.notice_id).in_([row.id for row in rows]),
            )
            .values(digest=False)
        )
        if taken.rowcount < len(rows):
            # Another process was at it, and made it.
            session.rollback()
            return False
        if notice is not None:
            session.add(notice)
            session.flush()
            send_out(session, notice.id, user_id=user_id)
    return notice is not None


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
    counted = f"{total} {'notice' if total == 1 else 'notices'}"
    if is_mailbox(who.id):
        (team,) = who.teams
        title, audience, path = (
            f"The {who.choices.rhythm} digest of {team}: {counted}",
            f"mailbox:{team}",
            "/-/requests",
        )
    else:
        title, audience, path = f"Your {who.choices.rhythm} digest: {counted}", f"person:{who.name}", "/-/notices"
    draft = Draft(NoticeType.DIGEST, now(), audience, title, tuple(lines[1:]), path)
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
