"""What was asked for, hour by hour, and of which repositories: sums of the record, made row by row (`follow`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func
from sqlmodel import Session, col, select

from curator.audit.adding import add_to
from curator.audit.record import Action
from curator.audit.tables import AuditRow, HourRow, TopRow, TrafficRow
from curator.database.days import day_of, read_day

FOLLOWER = "traffic"
TABLES = (HourRow, TrafficRow, TopRow)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for in an hour, or on a day, by what became of it."""

    begin: dt.datetime
    outcome: str
    """`served` for what was given, else the outcome that it was refused by: `hold`, `block`, `left-out`, ..."""
    requests: int
    bytes: int


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


def by_hour(session: Session, since: dt.datetime) -> list[Asked]:
    """From the begin of that hour on; hours in which nothing was asked are left out."""
    row = TrafficRow
    wanted = sa.select(col(row.hour), col(row.action), col(row.outcome), col(row.requests), col(row.bytes))
    rows = session.connection().execute(wanted.where(col(row.hour) >= _hour(since)))
    return [Asked(begin, _outcome(*of), requests, size) for begin, *of, requests, size in rows]


def by_day(session: Session, since: dt.datetime) -> list[Asked]:
    """The same from that hour on, by day (UTC): the database adds up."""
    row = TrafficRow
    of = (day_of(session, row.hour), col(row.action), col(row.outcome))
    wanted = sa.select(*of, func.sum(row.requests), func.sum(row.bytes)).where(col(row.hour) >= _hour(since))
    rows = session.connection().execute(wanted.group_by(*of))
    return [Asked(read_day(day), _outcome(*of), int(requests), int(size)) for day, *of, requests, size in rows]


def _outcome(action: str, outcome: str) -> str:
    return SERVED if action == Action.DOWNLOAD else outcome


def top_repositories(session: Session, since: dt.datetime, until: dt.datetime, limit: int = 10) -> list[Top]:
    """Those of which most files were given, from the begin of the first day (UTC) to the end of the last.

    Looked for among the first of each day. What is not among these was given less often in all than the last of each
    day together; if that many reach, no other can be meant, and else more of each day are looked at (the threshold
    algorithm: R. Fagin and others, Optimal aggregation algorithms for middleware, 2003).
    """
    first, last = since.astimezone(dt.UTC).date(), until.astimezone(dt.UTC).date()
    days = [first + dt.timedelta(days=one) for one in range((last - first).days + 1)]
    few = select(col(TopRow.day)).where(col(TopRow.day).between(first, last)).limit(_FEW).subquery()
    if session.exec(select(func.count()).select_from(few)).one() < _FEW:
        return _counted_all(session, first, last, limit)
    depth = _DEEPER * limit
    while len(days) * depth <= _MOST_CANDIDATES:
        candidates: dict[str, set[str]] = {}
        given: dict[dt.date, list[int]] = {}
        for day, kind, repo, downloads in _of_each_day(session, days, depth):
            candidates.setdefault(kind, set()).add(repo)
            given.setdefault(day, []).append(downloads)
        others = sum(min(counts) for counts in given.values() if len(counts) == depth)
        found = [top for kind, repos in candidates.items() for top in _sums(session, days, kind, repos)]
        found.sort(key=lambda top: (-top.downloads, top.kind, top.repo))
        if not others or (len(found) >= limit and found[limit - 1].downloads > others):
            return found[:limit]
        depth *= _DEEPER
    return _counted_all(session, first, last, limit)


_FEW = 20_000
"""These are added up in less time than others are looked for."""
_DEEPER = 5
_MOST_CANDIDATES = 10_000


def _of_each_day(session: Session, days: Sequence[dt.date], most: int) -> Sequence[Any]:
    """Day, kind, repository and how many files were given of it: of each day those of which most were."""
    named: dict[str, Any] = {f"day{place}": day for place, day in enumerate(days)}
    return session.connection().execute(_first_of(len(days)), named | {"most": most}).all()


@cache
def _first_of(days: int) -> sa.CompoundSelect[Any]:
    """One statement for all days, put together once: that takes longer than the database needs to answer it."""
    row = TopRow
    wanted = (col(row.day), col(row.kind), col(row.repo), col(row.downloads))
    parts = []
    for place in range(days):
        of_day = sa.select(*wanted).where(col(row.day) == sa.bindparam(f"day{place}"), col(row.downloads) > 0)
        first = of_day.order_by(col(row.downloads).desc()).limit(sa.bindparam("most", type_=sa.Integer))
        parts.append(sa.select(first.subquery()))
    return sa.union_all(*parts)


def _sums(session: Session, days: Sequence[dt.date], kind: str, repos: Collection[str]) -> list[Top]:
    sums = (func.sum(TopRow.downloads), func.sum(TopRow.bytes), func.sum(TopRow.refusals))
    of_them = (col(TopRow.day).in_(days), col(TopRow.kind) == kind, col(TopRow.repo).in_(repos))
    rows = session.execute(sa.select(col(TopRow.repo), *sums).where(*of_them).group_by(col(TopRow.repo)))
    return [Top(kind, row[0], *(int(value) for value in row[1:])) for row in rows]


def _counted_all(session: Session, first: dt.date, last: dt.date, limit: int) -> list[Top]:
    """The same by adding up all there is of these days."""
    downloads = func.sum(TopRow.downloads).label("downloads")
    sums = (downloads, func.sum(TopRow.bytes), func.sum(TopRow.refusals))
    of = (col(TopRow.kind), col(TopRow.repo))
    wanted = select(*of, *sums).where(col(TopRow.day).between(first, last))  # type: ignore[call-overload]
    ordered = wanted.group_by(*of).having(downloads > 0).order_by(downloads.desc(), *of).limit(limit)
    return [Top(row[0], row[1], *(int(value) for value in row[2:])) for row in session.execute(ordered)]


SERVED = "served"


def take(session: Session, rows: Sequence[AuditRow]) -> None:
    """Add what these rows of the record say."""
    hours: dict[dt.datetime, dict[str, Any]] = {}
    traffic: dict[tuple[dt.datetime, str, str], dict[str, Any]] = {}
    top: dict[tuple[dt.date, str, str], dict[str, Any]] = {}
    hour = end = dt.datetime.min.replace(tzinfo=dt.UTC)
    for row in rows:
        if not hour <= row.at < end:
            hour = _hour(row.at)
            end = hour + dt.timedelta(hours=1)
        of_hour = hours.get(hour) or hours.setdefault(hour, {"hour": hour, "first": row.seq})
        of_hour["last"] = row.seq
        if row.action not in _ASKED:
            continue
        served = row.action == Action.DOWNLOAD
        size = (row.size or 0) if served else 0
        key = (hour, row.action, row.outcome)
        sums = traffic.get(key) or traffic.setdefault(
            key, dict(zip(_TRAFFIC, key, strict=True)) | {"requests": 0, "bytes": 0}
        )
        sums["requests"] += 1
        sums["bytes"] += size
        if row.repo:
            of = (hour.date(), row.kind, row.repo)
            total = top.get(of) or top.setdefault(
                of, dict(zip(_TOP, of, strict=True)) | {"downloads": 0, "bytes": 0, "refusals": 0}
            )
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
