"""What is on its way: each delivery is made in the transaction of its notice, and ends sent or dead, and visible.

A crash loses none; at worst one is sent again, with the same `webhook-id`, by which receivers know it.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.database.engine import Database, new_id, now
from curator.errors import BadInput, CuratorError
from curator.notify.tables import DeliveryRow, NoticeRow
from curator.queue.work import Work, ask_for

DELIVER = "curator.deliver"
PAUSES_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 36_000)
"""After the first failure, the second, ...: about a day in all."""
_JITTER = 0.2
_LONGEST_PAUSE_S = 86_400
MOST_REPLAYED = 1_000


class NoSuchDelivery(CuratorError):
    """A delivery was named that is not there, or no more."""

    status = 404


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery, with the notice that it brings."""

    row: DeliveryRow
    notice: NoticeRow

    def as_json(self) -> dict[str, Any]:
        row = self.row
        return {
            "id": row.id,
            "notice": row.notice_id,
            "type": self.notice.type,
            "title": self.notice.title,
            "webhook": row.webhook_id,
            "user": row.user_id,
            "state": row.state,
            "attempts": row.attempts,
            "created_at": row.created_at.isoformat(timespec="seconds"),
            "next_at": row.due_at.isoformat(timespec="seconds") if row.state == "waiting" else None,
            "ended_at": row.ended_at.isoformat(timespec="seconds") if row.ended_at else None,
            "status": row.status,
            "answer": row.answer,
            "error": row.error,
        }


def send_out(session: Session, notice: NoticeRow, *, webhook_id: str | None = None, user_id: str | None = None) -> Work:
    """Put a notice on its way, in the caller's transaction."""
    moment = now()
    row = DeliveryRow(
        id=f"msg_{new_id()}",
        notice_id=notice.id,
        webhook_id=webhook_id,
        user_id=user_id,
        state="waiting",
        due_at=moment,
        created_at=moment,
    )
    session.add(row)
    return ask_for(session, DELIVER, row.id)


def sent(session: Session, row: DeliveryRow, status: int | None, answer: str | None) -> None:
    row.state, row.ended_at, row.attempts = "sent", now(), row.attempts + 1
    row.status, row.answer, row.error = status, answer, None
    session.add(row)


def failed(
    session: Session,
    row: DeliveryRow,
    error: str,
    *,
    status: int | None = None,
    answer: str | None = None,
    asked_s: float = 0.0,
    for_good: bool = False,
) -> bool:
    """The attempt failed; whether there is to be another, at `row.due_at`. `asked_s`: how long it asks to wait."""
    row.attempts += 1
    row.status, row.answer, row.error = status, answer, error
    session.add(row)
    if for_good or row.attempts > len(PAUSES_S):
        give_up(session, row, error)
        return False
    row.due_at = now() + dt.timedelta(seconds=max(_pause_s(row.attempts), min(asked_s, _LONGEST_PAUSE_S)))
    return True


def give_up(session: Session, row: DeliveryRow, error: str) -> None:
    """No more attempts; it stays to be seen, and may be replayed."""
    row.state, row.ended_at, row.error = "dead", now(), error
    session.add(row)


def replay(session: Session, delivery_id: str) -> Work:
    """Send it once more, with the same id. Raises `NoSuchDelivery`, and `BadInput` for one that is under way."""
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise NoSuchDelivery(f"There is no delivery {delivery_id[:80]!a} here: deliveries are kept for 90 days")
    if row.state == "waiting":
        raise BadInput(f"{delivery_id} is still under way: its next attempt is at {row.due_at:%H:%M} UTC")
    return _again(session, row)


def replay_since(session: Session, webhook_id: str, since: dt.datetime, *, dead_only: bool) -> list[Work]:
    """Send a webhook's deliveries since a moment once more, the oldest first; at most `MOST_REPLAYED`."""
    states = ("dead",) if dead_only else ("dead", "sent")
    rows = session.exec(
        select(DeliveryRow)
        .where(
            DeliveryRow.webhook_id == webhook_id,
            col(DeliveryRow.created_at) >= since,
            col(DeliveryRow.state).in_(states),
        )
        .order_by(col(DeliveryRow.id))
        .limit(MOST_REPLAYED)
    ).all()
    return [_again(session, row) for row in rows]


def listed(
    database: Database,
    *,
    webhook_id: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """The newest first; `after` is the id of the last one of the page before."""
    query = select(DeliveryRow, NoticeRow).join(NoticeRow, col(NoticeRow.id) == DeliveryRow.notice_id)
    if webhook_id is not None:
        query = query.where(DeliveryRow.webhook_id == webhook_id)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if after is not None:
        query = query.where(col(DeliveryRow.id) < after)
    with database.read() as session:
        found = session.exec(query.order_by(col(DeliveryRow.id).desc()).limit(limit)).all()
    return [Delivery(row, notice) for row, notice in found]


def _again(session: Session, row: DeliveryRow) -> Work:
    row.state, row.attempts, row.due_at, row.ended_at = "waiting", 0, now(), None
    session.add(row)
    return ask_for(session, DELIVER, row.id)


def _pause_s(attempts: int) -> float:
    """With jitter, so that what failed together does not come back together."""
    pause = PAUSES_S[min(attempts, len(PAUSES_S)) - 1]
    return pause * (1 - _JITTER + 2 * _JITTER * secrets.randbelow(1_000) / 1_000)
