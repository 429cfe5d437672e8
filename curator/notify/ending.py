"""Waivers and approvals that are about to end are put on the record some days before, each of these days once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.notify.drafts import line
from curator.notify.marks import said_first
from curator.notify.tables import NoticeMarkRow
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.types import RepoKind

_MOST = 500


def look(database: Database, days: Sequence[int]) -> int:
    """Say of each that ends within so many days that it does, once for each of them; returns how many that were."""
    if not days:
        return 0
    moment = now()
    with database.read() as session:
        found = _ending(session, moment, moment + dt.timedelta(days=max(days)))
        new = [word for word in found if session.get(NoticeMarkRow, _key(word, _stage(word, moment, days))) is None]
    if not new:
        return 0
    with database.write() as session:
        return sum(_say(session, word, _stage(word, moment, days), moment) for word in new)


def read_days(text: str) -> tuple[int, ...]:
    """Of the setting `ending_days`."""
    return tuple(int(part) for part in text.split(",") if part.strip())


def _ending(session: Session, since: dt.datetime, until: dt.datetime) -> list[WaiverRow | ListEntryRow]:
    waivers = session.exec(
        select(WaiverRow)
        .where(col(WaiverRow.expires_at) > since, col(WaiverRow.expires_at) <= until, col(WaiverRow.ended_at).is_(None))
        .order_by(col(WaiverRow.expires_at))
        .limit(_MOST)
    ).all()
    approvals = session.exec(
        select(ListEntryRow)
        .where(
            col(ListEntryRow.expires_at) > since,
            col(ListEntryRow.expires_at) <= until,
            col(ListEntryRow.ended_at).is_(None),
            ListEntryRow.effect == "approve",
        )
        .order_by(col(ListEntryRow.expires_at))
        .limit(_MOST)
    ).all()
    return [*waivers, *approvals]


def _say(session: Session, word: WaiverRow | ListEntryRow, stage: int, moment: dt.datetime) -> bool:
    assert word.expires_at is not None
    if not said_first(session, _key(word, stage), word.expires_at.isoformat()):
        return False
    is_waiver = isinstance(word, WaiverRow)
    what = "waiver" if is_waiver else "approval"
    left = (word.expires_at - moment).total_seconds() / 86_400
    days = "today" if left < 1 else "in a day" if left < 2 else f"in {left:.0f} days"
    append(
        session,
        AuditEvent(
            action=Action.WAIVER_ENDING,
            actor="curator",
            kind=RepoKind(word.kind) if isinstance(word, WaiverRow) else None,
            repo=word.repo
            if isinstance(word, WaiverRow)
            else line(word.repositories.strip("[]").replace('"', ""), 200),
            outcome=what,
            rules=word.rules or None if isinstance(word, WaiverRow) else None,
            subject=word.id,
            sentence=f"The {what} {word.id} of {word.by} ends {days}, on {word.expires_at:%Y-%m-%d %H:%M} UTC; it was "
            f"given because: {line(word.reason, 300)}",
        ),
    )
    return True


def _stage(word: WaiverRow | ListEntryRow, moment: dt.datetime, days: Sequence[int]) -> int:
    """The nearest of the days that it is within: whoever was not there for the farther one hears of this one."""
    assert word.expires_at is not None
    left = word.expires_at - moment
    return min(day for day in days if left <= dt.timedelta(days=day))


def _key(word: WaiverRow | ListEntryRow, stage: int) -> str:
    return f"ending:{word.id}:{stage}"
