"""From a notice to inboxes, mails and webhooks: in batches, whatever the number of people.

Whoever makes a notice writes only that it is to go out. Who is told is found without a transaction of a writer, and
written in one that is short and moves on how far the notice has come: a crash in between loses nobody and tells nobody
twice, and of two processes at it one finds that the other was quicker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlmodel import Session, col, select

from curator.database.engine import Database
from curator.notify import mailboxes, webhooks
from curator.notify.choices import Person
from curator.notify.kinds import Way
from curator.notify.outbox import made
from curator.notify.readers import candidates, mailboxes_for, repos_in, way_for
from curator.notify.tables import BEGUN, DeliveryRow, NoticeReaderRow, NoticeRow, WebhookRow

_PEOPLE = 500
"""Who are looked at in a batch."""
_NOTICES = 50
"""That a batch may bring on their way."""


@dataclass(slots=True)
class _Part:
    """What one notice brings to the next people."""

    notice_id: str
    since: str
    until: str | None
    """None: there is nobody after them."""
    readers: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)


def spread(database: Database, *, mails: bool) -> int:
    """A batch; returns how many notices it brought on their way, which is 0 when nothing is to go out."""
    with database.read() as session:
        parts = _plan(session, mails=mails)
    if parts:
        with database.write_rows() as connection:
            _write(connection, parts)
    return len(parts)


def _plan(session: Session, *, mails: bool) -> list[_Part]:
    waiting = select(NoticeRow).where(col(NoticeRow.told_to) >= BEGUN).order_by(col(NoticeRow.id)).limit(_NOTICES)
    notices = session.exec(waiting).all()
    hooks = webhooks.active(session) if notices else []
    boxes = mailboxes.readers(session) if notices and mails else {}
    parts: list[_Part] = []
    left = _PEOPLE
    for notice in notices:
        part, looked_at = _part(session, notice, left, mails=mails)
        if part.since == BEGUN:
            _to_places(session, part, notice, hooks, boxes)
        parts.append(part)
        left -= looked_at
        if left <= 0:
            break
    return parts


def _part(session: Session, notice: NoticeRow, most: int, *, mails: bool) -> tuple[_Part, int]:
    """To the next people."""
    data: dict[str, Any] = json.loads(notice.document)["data"]
    since = notice.told_to or BEGUN
    people = candidates(session, notice, since, most)
    part = _Part(notice.id, since, people[-1].id if len(people) == most else None)
    for person in people:
        way = way_for(person, notice, data)
        if way is Way.OFF:
            continue
        by_mail = mails and bool(person.email)
        part.readers.append(
            {"user_id": person.id, "notice_id": notice.id, "read_at": None, "digest": by_mail and way is Way.DIGEST}
        )
        if by_mail and way is Way.NOW:
            part.deliveries.append(made(notice.id, user_id=person.id))
    return part, len(people)


def _to_places(
    session: Session, part: _Part, notice: NoticeRow, hooks: Sequence[WebhookRow], boxes: Mapping[str, Person]
) -> None:
    """To webhooks and the mailboxes of teams, which are few."""
    data: dict[str, Any] = json.loads(notice.document)["data"]
    repos = repos_in(data)
    wanted = (hook for hook in hooks if webhooks.wants(hook, notice, repos))
    part.deliveries += [made(notice.id, webhook_id=hook.id) for hook in wanted]
    for box in mailboxes_for(session, notice, boxes, data) if boxes else ():
        way = way_for(box, notice, data)
        if way is Way.NOW:
            part.deliveries.append(made(notice.id, user_id=box.id))
        elif way is Way.DIGEST:
            # Nobody reads it in the console: it is read as soon as it is sent.
            row = {"user_id": box.id, "notice_id": notice.id, "read_at": notice.at, "digest": True}
            part.readers.append(row)


def _write(connection: Connection, parts: Sequence[_Part]) -> None:
    readers: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for part in parts:
        moved = connection.execute(
            update(NoticeRow)
            .where(col(NoticeRow.id) == part.notice_id, col(NoticeRow.told_to) == part.since)
            .values(told_to=part.until)
        )
        if moved.rowcount == 1:
            readers += part.readers
            deliveries += part.deliveries
    if readers:
        connection.execute(insert(NoticeReaderRow), readers)
    if deliveries:
        connection.execute(insert(DeliveryRow), deliveries)
