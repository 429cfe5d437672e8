"""What is on its way: each delivery is made in the transaction that finds who is to get it, and ends sent or dead.

It is tried by one at a time, for as long as his lease is (`due_at`). A crash loses none; at worst one is sent again,
with the same `webhook-id`, by which receivers know it.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert
from sqlmodel import Session, col, select

from curator.database.engine import Database, new_id, now
from curator.errors import BadInput, CuratorError
from curator.notify.tables import DeliveryRow, NoticeRow

PAUSES_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 36_000)
"""After the first failure, the second, ...: about a day in all."""
_JITTER = 0.2
_LEASE = dt.timedelta(seconds=120)
"""More than the slowest receiver or mail server is waited for."""
_LONGEST_PAUSE_S = 86_400
MOST_REPLAYED = 1_000
_DUE = (
    select(col(DeliveryRow.id))
    .where(col(DeliveryRow.state) == "waiting", col(DeliveryRow.due_at) <= bindparam("moment"))
    .limit(1)
)
_MAIL_DUE = _DUE.where(col(DeliveryRow.webhook_id).is_(None))
_WEBHOOK_DUE = _DUE.where(col(DeliveryRow.webhook_id) > "")


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


def send_out(session: Session, notice_id: str, *, webhook_id: str | None = None, user_id: str | None = None) -> str:
    """Put a notice on its way, in the caller's transaction; returns the id of the delivery."""
    row = made(notice_id, webhook_id=webhook_id, user_id=user_id)
    session.connection().execute(insert(DeliveryRow), [row])
    return str(row["id"])


def made(notice_id: str, *, webhook_id: str | None = None, user_id: str | None = None) -> dict[str, Any]:
    """The columns of a delivery that is to be tried now."""
    moment = now()
    return {
        "id": f"msg_{new_id()}",
        "notice_id": notice_id,
        "webhook_id": webhook_id,
        "user_id": user_id,
        "state": "waiting",
        "attempts": 0,
        "due_at": moment,
        "created_at": moment,
    }


def is_any_due(database: Database, *, mails: bool) -> bool:
    """Whether the time of a delivery has come: of a mail, or of one to any webhook."""
    return database.value_of(_MAIL_DUE if mails else _WEBHOOK_DUE, moment=now()) is not None


def some_due(session: Session, *, mails: bool, but: Collection[str] = ()) -> DeliveryRow | None:
    """A delivery whose time has come: a mail, or one to a webhook that is not among those left alone (`but`)."""
    due = select(DeliveryRow).where(DeliveryRow.state == "waiting", col(DeliveryRow.due_at) <= now())
    if mails:
        due = due.where(col(DeliveryRow.webhook_id).is_(None))
    else:
        due = due.where(col(DeliveryRow.webhook_id) > "", col(DeliveryRow.webhook_id).not_in(list(but)))
    return session.exec(due.order_by(col(DeliveryRow.due_at)).limit(1)).first()


def begin(session: Session, row: DeliveryRow) -> bool:
    """Nobody else tries it for as long as the lease is; the caller has just read it, as a writer.

    False: it was begun so often, with nothing noted after it, that it is given up.
    """
    if row.attempts > len(PAUSES_S):
        give_up(session, row, "Whoever delivered it died, each time")
        return False
    row.due_at, row.attempts = now() + _LEASE, row.attempts + 1
    session.add(row)
    return True


def is_held(row: DeliveryRow, begun: DeliveryRow) -> bool:
    """Whether whoever began it holds it, still."""
    return row.state == "waiting" and row.due_at == begun.due_at


def sent(session: Session, row: DeliveryRow, status: int | None, answer: str | None) -> None:
    row.state, row.ended_at = "sent", now()
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


def replay(session: Session, delivery_id: str) -> str:
    """Send it once more, with the same id. Raises `NoSuchDelivery`, and `BadInput` for one that is under way."""
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise NoSuchDelivery(f"There is no delivery {delivery_id[:80]!a} here: deliveries are kept for 90 days")
    if row.state == "waiting":
        raise BadInput(f"{delivery_id} is still under way: its next attempt is at {row.due_at:%H:%M} UTC")
    return _again(session, row)


def replay_since(session: Session, webhook_id: str, since: dt.datetime, *, dead_only: bool) -> list[str]:
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


def _again(session: Session, row: DeliveryRow) -> str:
    row.state, row.attempts, row.due_at, row.ended_at = "waiting", 0, now(), None
    session.add(row)
    return row.id


def _pause_s(attempts: int) -> float:
    """With jitter, so that what failed together does not come back together."""
    pause = PAUSES_S[min(attempts, len(PAUSES_S)) - 1]
    return pause * (1 - _JITTER + 2 * _JITTER * secrets.randbelow(1_000) / 1_000)
