"""What was asked for, hour by hour, and of which repositories: sums of the record, made row by row (`follow`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func
from sqlmodel import Session, col, select

from curator.audit.adding import add_to
from curator.audit.record import Action
from curator.audit.tables import AuditRow, HourRow, TopRow, TrafficRow

FOLLOWER = "traffic"
TABLES = (HourRow, TrafficRow, TopRow)


@dataclass(frozen=True, slots=True)
class Hour:
    """What was asked for in an hour, by what became of it."""

    hour: dt.datetime
    """Its begin."""
    outcome: str
    """`served` for what was given, else the outcome that it was refused by: `hold`, `block`, `left-out`, ..."""
    requests: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"hour": self.hour.isoformat()}


@dataclass(frozen=True, slots=True)
class Top:
    """What was asked of a repository."""

    kind: str
    repo: str
    downloads: int
    bytes: int
    refusals: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def requests_by_outcome(session: Session, since: dt.datetime) -> list[Hour]:
    """By hour, the earliest first; hours in which nothing was asked are left out."""
    table = TrafficRow.__table__  # type: ignore[attr-defined]
    hours: dict[tuple[dt.datetime, str], tuple[int, int]] = {}
    for row in session.connection().execute(table.select().where(table.c.hour >= _hour(since))):
        key = (row.hour, SERVED if row.action == Action.DOWNLOAD else row.outcome)
        requests, size = hours.get(key, (0, 0))
        hours[key] = (requests + row.requests, size + row.bytes)
    return [Hour(*key, *sums) for key, sums in sorted(hours.items())]


def blocked_since(session: Session, since: dt.datetime) -> int:
    """How many requests were refused by a rule or a list that blocks, from the begin of that hour on."""
    wanted = select(func.coalesce(func.sum(TrafficRow.requests), 0)).where(
        col(TrafficRow.hour) >= _hour(since), TrafficRow.action == Action.REFUSE.value, TrafficRow.outcome == "block"
    )
    return int(session.exec(wanted).one())


def top_repositories(session: Session, since: dt.datetime, limit: int = 10) -> list[Top]:
    """Those of which most files were given, from the begin of that day (UTC) on.

    Looked for among the first of each day. What is not among these was given less often in all than the last of each
    day together; if that many reach, no other can be meant, and else more of each day are looked at (the threshold
    algorithm: R. Fagin and others, Optimal aggregation algorithms for middleware, 2003).
    """
    first = since.astimezone(dt.UTC).date()
    few = select(col(TopRow.day)).where(col(TopRow.day) >= first).limit(_FEW).subquery()
    if session.exec(select(func.count()).select_from(few)).one() < _FEW:
        return _counted_all(session, first, limit)
    days = list(_days(session, first))
    depth = _DEEPER * limit
    while len(days) * depth <= _MOST_CANDIDATES:
        candidates: dict[str, set[str]] = {}
        others = 0
        for day in days:
            begin = _of_a_day(session, day, depth)
            for kind, repo, _ in begin:
                candidates.setdefault(kind, set()).add(repo)
            others += begin[-1][2] if len(begin) == depth else 0
        found = [top for kind, repos in candidates.items() for top in _sums(session, days, kind, repos)]
        found.sort(key=lambda top: (-top.downloads, top.kind, top.repo))
        if not others or (len(found) >= limit and found[limit - 1].downloads > others):
            return found[:limit]
        depth *= _DEEPER
    return _counted_all(session, first, limit)


_FEW = 20_000
"""These are added up in less time than others are looked for."""
_DEEPER = 5
_MOST_CANDIDATES = 10_000


def _days(session: Session, first: dt.date) -> Iterator[dt.date]:
    """From this day on, those on which something was asked."""
    day = session.exec(select(func.min(TopRow.day)).where(col(TopRow.day) >= first)).one()
    while day is not None:
        yield day
        day = session.exec(select(func.min(TopRow.day)).where(col(TopRow.day) > day)).one()


def _of_a_day(session: Session, day: dt.date, most: int) -> Sequence[tuple[str, str, int]]:
    """Kind, repository and how many files were given of it; the most first."""
    wanted = select(TopRow.kind, TopRow.repo, TopRow.downloads).where(TopRow.day == day, TopRow.downloads > 0)
    return session.exec(wanted.order_by(col(TopRow.downloads).desc()).limit(most)).all()


def _sums(session: Session, days: Sequence[dt.date], kind: str, repos: Collection[str]) -> list[Top]:
    sums = (func.sum(TopRow.downloads), func.sum(TopRow.bytes), func.sum(TopRow.refusals))
    of_them = (col(TopRow.day).in_(days), col(TopRow.kind) == kind, col(TopRow.repo).in_(repos))
    rows = session.execute(sa.select(col(TopRow.repo), *sums).where(*of_them).group_by(col(TopRow.repo)))
    return [Top(kind, row[0], *(int(value) for value in row[1:])) for row in rows]


def _counted_all(session: Session, first: dt.date, limit: int) -> list[Top]:
    """The same by adding up all there is of these days."""
    downloads = func.sum(TopRow.downloads).label("downloads")
    sums = (downloads, func.sum(TopRow.bytes), func.sum(TopRow.refusals))
    of = (col(TopRow.kind), col(TopRow.repo))
    wanted = select(*of, *sums).where(col(TopRow.day) >= first)  # type: ignore[call-overload]
    ordered = wanted.group_by(*of).having(downloads > 0).order_by(downloads.desc(), *of).limit(limit)
    return [Top(row[0], row[1], *(int(value) for value in row[2:])) for row in session.execute(ordered)]


SERVED = "served"


def take(session: Session, rows: Sequence[AuditRow]) -> None:
    """Add what these rows of the record say."""
    hours: dict[dt.datetime, dict[str, Any]] = {}
    traffic: dict[tuple[dt.datetime, str, str], dict[str, Any]] = {}
    top: dict[tuple[dt.date, str, str], dict[str, Any]] = {}
    for row in rows:
        hour = _hour(row.at)
        hours.setdefault(hour, {"hour": hour, "first": row.seq})["last"] = row.seq
        if row.action not in _ASKED:
            continue
        served = row.action == Action.DOWNLOAD
        size = (row.size or 0) if served else 0
        key = (hour, row.action, row.outcome)
        sums = traffic.setdefault(key, dict(zip(_TRAFFIC, key, strict=True)) | {"requests": 0, "bytes": 0})
        sums["requests"] += 1
        sums["bytes"] += size
        if row.repo:
            of = (hour.date(), row.kind, row.repo)
            start = dict(zip(_TOP, of, strict=True)) | {"downloads": 0, "bytes": 0, "refusals": 0}
            total = top.setdefault(of, start)
            total["downloads" if served else "refusals"] += 1
            total["bytes"] += size
    add_to(session, HourRow, [hours[key] for key in sorted(hours)], newest=("last",))
    add_to(session, TrafficRow, [traffic[key] for key in sorted(traffic)], sums=("requests", "bytes"))
    add_to(session, TopRow, [top[key] for key in sorted(top)], sums=("downloads", "bytes", "refusals"))


_ASKED = frozenset({Action.DOWNLOAD.value, Action.REFUSE.value})
_TRAFFIC = ("hour", "action", "outcome")
_TOP = ("day", "kind", "repo")


def _hour(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
