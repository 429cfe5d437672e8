"""Many notices that are alike and come within a short time are one: nobody reads the thirty-seventh.

A few go out one by one. When there are more within ten minutes, they are collected for a minute of quiet, or until the
ten minutes are over, and go out as one that has all of them in it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from curator.database.engine import new_id, now
from curator.notify.events import Draft, line
from curator.notify.kinds import NoticeType
from curator.notify.tables import NoticeRow

FEW = 5
WINDOW = dt.timedelta(minutes=10)
QUIET = dt.timedelta(minutes=1)
_MOST_ITEMS = 200
_MOST_LINES = 60
_MANY = {
    NoticeType.HELD: "{count} commits are held",
    NoticeType.BLOCKED: "{count} commits are blocked",
    NoticeType.RELEASED: "{count} commits that were held or blocked may be used now",
    NoticeType.REVERSED: "{count} commits are not allowed any more",
    NoticeType.ASKED: "{count} requests for exceptions",
    NoticeType.ENDING: "{count} waivers and approvals are about to end",
}


def keep(session: Session, drafts: Sequence[Draft], url: str) -> list[NoticeRow]:
    """Keep drafts of one type for one audience; returns those that go out now, each on its own."""
    first = drafts[0]
    if first.type not in _MANY:
        return [_alone(session, draft, url) for draft in drafts]
    if by_themselves := [draft for draft in drafts if draft.alone]:
        rest = [draft for draft in drafts if not draft.alone]
        return [*(_alone(session, draft, url) for draft in by_themselves), *(keep(session, rest, url) if rest else ())]
    moment = now()
    alike = (NoticeRow.type == first.type.value, NoticeRow.audience == first.audience)
    open_one = session.exec(select(NoticeRow).where(*alike, col(NoticeRow.open_until).is_not(None))).first()
    if open_one is None:
        since = _id_at(moment - WINDOW)
        recent = session.exec(
            select(func.count()).select_from(NoticeRow).where(*alike, col(NoticeRow.id) >= since)
        ).one()
        if recent + len(drafts) <= FEW:
            return [_alone(session, draft, url) for draft in drafts]
        open_one = _empty(first, moment)
    _collect(session, open_one, drafts, url)
    return []


def closed(session: Session) -> list[NoticeRow]:
    """Those that have collected long enough, and go out now."""
    due = select(NoticeRow).where(col(NoticeRow.open_until) <= now()).order_by(col(NoticeRow.id)).limit(100)
    rows = list(session.exec(due))
    for row in rows:
        row.open_until = None
        session.add(row)
    return rows


def _alone(session: Session, draft: Draft, url: str) -> NoticeRow:
    notice_id = new_id()
    row = NoticeRow(
        id=notice_id,
        type=draft.type.value,
        at=draft.at,
        ref=draft.ref,
        audience=draft.audience,
        last_at=draft.at,
        document=json.dumps(draft.document(notice_id, url)),
        title=draft.title,
        body="\n".join(draft.lines),
        path=draft.path,
    )
    session.add(row)
    session.flush()
    return row


def _empty(first: Draft, moment: dt.datetime) -> NoticeRow:
    return NoticeRow(
        id=new_id(),
        type=first.type.value,
        at=first.at,
        audience=first.audience,
        count=0,
        open_until=moment + QUIET,
        last_at=first.at,
        document="",
        title="",
        body="",
        path="/-/review" if first.type in {NoticeType.HELD, NoticeType.ASKED, NoticeType.ENDING} else "/-/notices",
    )


def _collect(session: Session, row: NoticeRow, drafts: Sequence[Draft], url: str) -> None:
    before: dict[str, Any] = json.loads(row.document) if row.document else {"data": {"items": []}}
    items = [*before["data"]["items"], *(dict(draft.data) | {"title": draft.title} for draft in drafts)]
    row.count += len(drafts)
    row.last_at = max(row.last_at, *(draft.at for draft in drafts))
    row.open_until = min(now() + QUIET, row.at + WINDOW)
    row.title = _MANY[NoticeType(row.type)].format(count=row.count)
    lines = row.body.split("\n") if row.body else []
    for draft in drafts:
        told = (f"- {draft.title}", *(f"  {said}" for said in draft.lines if said.startswith("- ")))
        lines += [line(one, 300) for one in told[:_MOST_LINES]]
    row.body = "\n".join(lines[:_MOST_LINES])
    more = row.count - min(len(items), _MOST_ITEMS)
    data = {"items": items[:_MOST_ITEMS], "count": row.count, "left_out": more}
    kept = Draft(NoticeType(row.type), row.at, row.audience, row.title, tuple(row.body.split("\n")), row.path, data)
    row.document = json.dumps(kept.document(row.id, url))
    session.add(row)
    session.flush()


def _id_at(moment: dt.datetime) -> str:
    """What ids of that moment begin with."""
    return f"{int(moment.timestamp() * 1_000):012x}"
