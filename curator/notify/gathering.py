"""Many notices that are alike and come within a short time are one: nobody reads the thirty-seventh.

A few go out one by one. When there are more within ten minutes, they are collected for a minute of quiet, or until the
ten minutes are over, and go out as one that has all of them in it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import insert
from sqlmodel import Session, col, select

from curator.database.engine import new_id, now
from curator.notify.drafts import Draft, line
from curator.notify.kinds import NoticeType
from curator.notify.tables import BEGUN, NoticeRow

FEW = 5
WINDOW = dt.timedelta(minutes=10)
QUIET = dt.timedelta(minutes=1)
_EVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
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
    """Keep drafts, a few statements for all of them; returns those that go out now, each on its own."""
    groups: dict[tuple[str, str], list[Draft]] = {}
    for draft in drafts:
        # What an incident says is never one of many: its page shows how far it has come.
        if not _of_incident(draft):
            groups.setdefault((draft.type.value, draft.audience), []).append(draft)
    moment = now()
    collecting, recent = _open(session), _recent(session, groups, moment)
    many = {
        key
        for key, alike in groups.items()
        if alike[0].type in _MANY and (key in collecting or recent.get(key, 0) + len(alike) > FEW)
    }
    for key in many:
        _collect(session, collecting.get(key) or _empty(groups[key][0], moment), groups[key], url)
    # Ids of one moment, in the order of what happened.
    ids = sorted(new_id() for _ in drafts)
    alone = [
        _alone(draft, notice_id, url)
        for draft, notice_id in zip(drafts, ids, strict=True)
        if _of_incident(draft) or (draft.type.value, draft.audience) not in many
    ]
    if alone:
        session.connection().execute(insert(NoticeRow), [row.model_dump() for row in alone])
    return alone


def _of_incident(draft: Draft) -> bool:
    return bool(draft.data.get("incident"))


def closed(session: Session) -> list[NoticeRow]:
    """Those that have collected long enough, and go out now."""
    due = select(NoticeRow).where(col(NoticeRow.open_until) <= now()).order_by(col(NoticeRow.id)).limit(100)
    rows = list(session.exec(due))
    for row in rows:
        row.open_until, row.told_to = None, BEGUN
        session.add(row)
    return rows


def _open(session: Session) -> dict[tuple[str, str], NoticeRow]:
    rows = session.exec(select(NoticeRow).where(col(NoticeRow.open_until) > _EVER))
    return {(row.type, row.audience): row for row in rows}


def _recent(
    session: Session, groups: Mapping[tuple[str, str], object], moment: dt.datetime
) -> dict[tuple[str, str], int]:
    """How many there were of each within the window."""
    key = (col(NoticeRow.type), col(NoticeRow.audience))
    wanted = (
        sa.select(*key, sa.func.count())
        .where(
            col(NoticeRow.type).in_({one for one, _ in groups}), col(NoticeRow.audience).in_({one for _, one in groups})
        )
        .where(col(NoticeRow.id) >= _id_at(moment - WINDOW))
        .group_by(*key)
    )
    return {(row[0], row[1]): row[2] for row in session.connection().execute(wanted)}


def _alone(draft: Draft, notice_id: str, url: str) -> NoticeRow:
    return NoticeRow(
        id=notice_id,
        type=draft.type.value,
        at=draft.at,
        ref=draft.ref,
        audience=draft.audience,
        told_to=BEGUN,
        last_at=draft.at,
        document=json.dumps(draft.document(notice_id, url)),
        title=draft.title,
        body="\n".join(draft.lines),
        path=draft.path,
    )


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
