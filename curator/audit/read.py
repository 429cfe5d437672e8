"""Reads the record: filtered, in pages, the newest first; and all of it in its order, to be exported."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from curator.audit import traffic
from curator.audit.prefixes import begins_with
from curator.audit.record import Action
from curator.audit.tables import AuditFollowerRow, AuditHeadRow, AuditRow, HourRow
from curator.audit.told import told
from curator.database.engine import Database, now
from curator.errors import BadInput, NotServed

_FEW = 30_000
_LAST = (1 << 63) - 1
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]
_AGO = re.compile(r"(\d{1,5})([hd])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the record."""

    seq: int
    id: str
    at: dt.datetime
    action: str
    actor: str
    team: str
    project: str
    kind: str
    repo: str
    revision: str | None
    commit: str | None
    path: str | None
    blob: str | None
    outcome: str
    decision: str | None
    rules: str | None
    subject: str | None
    size: int | None
    token: str | None
    job: str | None
    sentence: str | None
    address: str | None
    user_agent: str | None
    form: int
    chain: bytes

    @property
    def told(self) -> str:
        """What happened, in a sentence."""
        return told(self)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Of a row with these names."""
        return cls(**{name: row[name] for name in _NAMES})

    def as_json(self) -> dict[str, Any]:
        at = self.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        return asdict(self) | {"at": at, "chain": self.chain.hex()}


_NAMES = tuple(item.name for item in fields(Entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows; what is None or empty asks for nothing."""

    action: str = ""
    actor: str = ""
    team: str = ""
    repo: str = ""
    """`ORG/NAME`, or `ORG/*`."""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    """Not included."""

    @classmethod
    def read(
        cls, *, action: str = "", actor: str = "", team: str = "", repo: str = "", since: str = "", until: str = ""
    ) -> Self:
        """As somebody wrote it. Raises `BadInput`."""
        if action and action not in list(Action):
            raise BadInput(f"{action[:40]!a} is no action of the record: {', '.join(Action)}")
        if "*" in repo.removesuffix("/*") or repo == "/*":
            raise BadInput("Rows are found by ORG/NAME, or by ORG/* for all of a publisher")
        begins, ends = moment(since, end=False), moment(until, end=True)
        if begins is not None and ends is not None and begins >= ends:
            raise BadInput(f"Nothing can be since {since} and until {until}: the first is to be the earlier one")
        return cls(action=action, actor=actor, team=team, repo=repo, since=begins, until=ends)

    @property
    def by_time_only(self) -> bool:
        """Whether rows that follow each other in time are all there."""
        return not (self.action or self.actor or self.team or self.repo)

    def as_json(self) -> dict[str, Any]:
        document = {name: value for name, value in asdict(self).items() if value}
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in document.items()
        }


def moment(text: str, *, end: bool) -> dt.datetime | None:
    """`2026-11-26`, a moment of ISO 8601, or `12h` and `7d` for so long ago; a day is its begin, or its `end`."""
    if not text:
        return None
    if ago := _AGO.fullmatch(text):
        return now() - dt.timedelta(**{"hours" if ago[2] == "h" else "days": int(ago[1])})
    try:
        parsed = dt.datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=dt.UTC)
        whole_day = dt.timedelta(days=1) if end and _DAY.fullmatch(text) else dt.timedelta()
        return parsed.astimezone(dt.UTC) + whole_day
    except (ValueError, OverflowError):
        raise BadInput(f"{text[:40]!a} is no moment: write 2026-11-26, 2026-11-26T14:30Z, 12h or 7d") from None


def page(session: Session, wanted: Filter, after: int | None = None, limit: int = 50) -> list[Entry]:
    """The newest first; `after` is the `seq` of the last one that is known."""
    found: list[Entry] = []
    for low, high in reversed(_spans(session, wanted)):
        top = high if after is None else min(high, after - 1)
        if low <= top and len(found) < limit:
            rows = _select(session, wanted, low, top, newest_first=True).limit(limit - len(found))
            found += [Entry.of(row) for row in session.connection().execute(rows).mappings()]
    return found


def find(session: Session, row_id: str) -> Entry:
    """The row of a request, by its `X-Request-Id`. Raises `NotServed`."""
    row = session.connection().execute(sa.select(_AUDIT).where(_AUDIT.c.id == row_id)).mappings().first()
    if row is None:
        raise NotServed(f"The record has no row {row_id[:64]!a}: an id is what an answer has as X-Request-Id")
    return Entry.of(row)


def stream(database: Database, wanted: Filter, until: int, batch: int = 2_000) -> Iterator[Entry]:
    """All, in their order, up to the row `until`; a batch at once is in memory."""
    with database.read() as session:
        spans = _spans(session, wanted)
    for begin, high in spans:
        low = begin
        while low <= min(high, until):
            with database.read() as session:
                rows = _select(session, wanted, low, min(high, until), newest_first=False).limit(batch)
                found = [Entry.of(row) for row in session.connection().execute(rows).mappings()]
            yield from found
            if len(found) < batch:
                break
            low = found[-1].seq + 1


def head(session: Session) -> int:
    """The number of the newest row."""
    return session.exec(select(AuditHeadRow.seq)).one()


def _spans(session: Session, wanted: Filter) -> list[tuple[int, int]]:
    """Between which numbers all rows of a time are: as the sums of each hour know them (`traffic`), and those that are
    too new to be counted. In their order."""
    if wanted.since is None and wanted.until is None:
        return [(1, _LAST)]
    taken = session.get(AuditFollowerRow, traffic.FOLLOWER)
    known = taken.seq if taken is not None else 0
    hours = sa.select(func.min(HourRow.first), func.max(HourRow.last))
    if wanted.since is not None:
        hours = hours.where(col(HourRow.hour) > wanted.since - _HOUR)
    if wanted.until is not None:
        hours = hours.where(col(HourRow.hour) < wanted.until)
    # Nothing is counted of that time: as if there were no rows of it.
    first, last = (value or 0 for value in session.connection().execute(hours).one())
    return [*([(first, min(last, known))] if last else []), *_too_new(session, wanted, known)]


_HOUR = dt.timedelta(hours=1)
_ASKEW = dt.timedelta(days=1)
"""Rows are in the order in which they were written, and of clocks that differ; no clock is further behind others."""


def _too_new(session: Session, wanted: Filter, known: int) -> list[tuple[int, int]]:
    """The same among those that are not counted: few, but after an upgrade, when all are counted anew."""
    seq, at = _AUDIT.c.seq, _AUDIT.c.at
    low, high = known + 1, _LAST
    if wanted.since is not None:
        before = sa.select(seq).where(at < wanted.since - _ASKEW).order_by(at.desc()).limit(1)
        low = max(low, session.connection().execute(before).scalar() or 0)
    if wanted.until is not None:
        behind = sa.select(seq).where(at > wanted.until + _ASKEW).order_by(at).limit(1)
        high = session.connection().execute(behind).scalar() or high
    return [(low, high)] if low <= high else []


def _select(session: Session, wanted: Filter, low: int, high: int, *, newest_first: bool) -> sa.Select[Any]:
    """Such that the rarest of what is asked for is looked up, and the rest compared: SQLite does not know which is."""
    asked = [(_AUDIT.c[name], value) for name in _ASKED if (value := getattr(wanted, name))]
    seq, at = _AUDIT.c.seq, _AUDIT.c.at
    looked_up = set(range(len(asked)))
    if session.get_bind().dialect.name == "sqlite":
        counts = [_count(session, column, value, low, high) for column, value in asked]
        looked_up = {counts.index(min(counts))} if counts else set()
        for place in tuple(looked_up):
            if not asked[place][1].endswith(_ALL):
                continue
            # What is found of a publisher must be sorted: if it is much, the record is read from its end instead.
            if counts[place] >= _FEW:
                looked_up.clear()
            else:
                seq = _unindexed(seq)
        at = _unindexed(at)
    conditions = [seq >= low, seq <= high]
    if wanted.since is not None:
        conditions.append(at >= wanted.since)
    if wanted.until is not None:
        conditions.append(at < wanted.until)
    for place, (column, value) in enumerate(asked):
        conditions.append(_matches(session, column if place in looked_up else _unindexed(column), value))
    return sa.select(_AUDIT).where(*conditions).order_by(seq.desc() if newest_first else seq)


_ASKED = ("action", "actor", "team", "repo")
_ALL = "/*"


def _unindexed(column: Any) -> Any:
    """The column, in a form that SQLite looks up in no index (its manual on the optimizer, 2.1)."""
    return sa.literal_column(f'+audit."{column.name}"', column.type)


def _matches(session: Session, column: Any, value: str) -> ColumnElement[bool]:
    if value.endswith(_ALL):
        return begins_with(session, column, value[:-1])
    equal: ColumnElement[bool] = column == value
    return equal


def _count(session: Session, column: Any, value: str, low: int, high: int) -> int:
    """How many there are, if not many."""
    some = sa.select(sa.literal(1)).where(_matches(session, column, value))
    if not value.endswith(_ALL):
        some = some.where(_AUDIT.c.seq >= low, _AUDIT.c.seq <= high)
    few = some.limit(_FEW).subquery()
    return session.connection().execute(sa.select(func.count()).select_from(few)).scalar_one()
