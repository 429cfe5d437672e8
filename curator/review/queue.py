"""The queue as it is read: held commits and requests for exceptions, one line a repository, by a score that says what
it is made of: hours waited x people who wait x risk."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, SQLColumnExpression, case, cast, false, literal
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, func, or_, select

from curator.database.engine import now
from curator.errors import BadInput, CuratorError
from curator.policy.word import shown
from curator.review.tables import ProposalRow, RequestRow, WaitingRow
from curator.types import Commit, RepoId, RepoKind

SORTS = ("score", "age", "people", "risk", "last")
_MOST_DAYS = 30
"""Who was refused a held commit and has not come back within these waits for nothing; who has asked in words does."""
_CURSOR = re.compile(r"(\d{1,12})\.(\d{1,18})\.([0-9a-f]{32})", re.ASCII)
_WORD = re.compile(r"[^,]{1,96}")
_HOUR_S = 3_600
_MOST_GROUPS = 50


class NotWaiting(CuratorError):
    """A line of the queue was named that is not there."""

    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines; what is empty leaves none out."""

    kind: str = ""
    """`held`, or `requests`."""
    owner: str = ""
    rule: str = ""
    team: str = ""
    publisher: str = ""
    family: str = ""
    repo: str = ""
    risk: int = 1
    """At least."""
    overdue: bool = False
    owners: frozenset[str] | None = None
    """Those that one of these groups owns; None for all."""


@dataclass(frozen=True, slots=True)
class Line:
    """A repository that waits, or did."""

    id: str
    commit: Commit
    snapshot_id: int
    decision: str
    outcome: str
    publisher: str
    family: str
    rules: tuple[str, ...]
    owners: tuple[str, ...]
    teams: tuple[str, ...]
    held: bool
    requests: int
    people: int
    risk: int
    since: dt.datetime
    last: dt.datetime
    waits: bool
    closed_by: str
    closed_as: str
    closed_at: dt.datetime | None
    proposed_by: str
    """Who has approved it, where another must agree; empty if nobody has."""
    score: float
    overdue: bool

    @property
    def hours(self) -> float:
        """How long it has waited; with it, `people` and `risk`, one sees what the score is made of."""
        return (now() - self.since).total_seconds() / _HOUR_S

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "decision": self.decision,
            "outcome": self.outcome,
            "publisher": self.publisher,
            "family": self.family,
            "rules": list(self.rules),
            "owners": list(self.owners),
            "teams": list(self.teams),
            "held": self.held,
            "requests": self.requests,
            "people": self.people,
            "risk": self.risk,
            "since": shown(self.since),
            "last": shown(self.last),
            "waits": self.waits,
            "closed_by": self.closed_by,
            "closed_as": self.closed_as,
            "closed_at": shown(self.closed_at),
            "proposed_by": self.proposed_by,
            "score": round(self.score, 1),
            "hours": round(self.hours, 1),
            "overdue": self.overdue,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one publisher, or of one family."""

    name: str
    lines: int
    people: int
    risk: int
    since: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "lines": self.lines,
            "people": self.people,
            "risk": self.risk,
            "since": shown(self.since),
        }


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of it."""

    lines: tuple[Line, ...]
    next: str | None
    total: int
    overdue: int
    oldest: dt.datetime | None
    """Since when that one waits which has waited longest, of all pages."""


def page(
    session: Session,
    wanted: Filter,
    *,
    review_hours: int,
    sort: str = "score",
    after: str | None = None,
    limit: int = 50,
) -> Queue:
    """Lines, those that matter most first. Raises `BadInput` for a cursor that is none."""
    as_of, last = _read(after)
    value = _value(sort, as_of)
    conditions = _conditions(wanted, as_of, review_hours)
    key = col(WaitingRow.id)
    statement = select(WaitingRow.id, value).where(*conditions).order_by(value.desc(), key).limit(limit + 1)
    if last is not None:
        at, item_id = last
        statement = statement.where(or_(value < at, and_(value == at, key > item_id)))
    found = session.exec(statement).all()
    lines = lines_of(session, _rows(session, [item_id for item_id, _ in found[:limit]]), review_hours)
    following = f"{as_of}.{found[limit - 1][1]}.{found[limit - 1][0]}" if len(found) > limit else None
    late = case((col(WaitingRow.since_s) < as_of - review_hours * _HOUR_S, 1), else_=0)
    sums = select(func.count(), func.sum(late), func.min(WaitingRow.since_s)).select_from(WaitingRow)
    total, overdue, since_s = session.exec(sums.where(*conditions)).one()
    oldest = dt.datetime.fromtimestamp(since_s, dt.UTC) if total else None
    return Queue(tuple(lines), following, total, int(overdue or 0), oldest)


def count(session: Session, most: int) -> int:
    """How many lines there are, counted up to `most`."""
    some = select(WaitingRow.id).where(col(WaitingRow.waits)).limit(most).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def groups(session: Session, wanted: Filter, by: str, *, review_hours: int) -> list[Group]:
    """The publishers, or families, with the most lines."""
    key = col(WaitingRow.publisher if by == "publisher" else WaitingRow.family)
    statement = (
        select_columns(
            key,
            func.count(),
            func.sum(col(WaitingRow.requesters)),
            func.max(col(WaitingRow.risk)),
            func.min(col(WaitingRow.since_s)),
        )
        .where(*_conditions(wanted, _seconds(), review_hours))
        .group_by(key)
        .order_by(func.count().desc(), key)
        .limit(_MOST_GROUPS)
    )
    rows = session.execute(statement).all()
    return [
        Group(name, lines, people, risk, dt.datetime.fromtimestamp(since_s, dt.UTC))
        for name, lines, people, risk, since_s in rows
    ]


def owners(session: Session) -> list[str]:
    """The groups that answer for what waits."""
    texts = session.exec(select(WaitingRow.owners).where(col(WaitingRow.waits)).distinct().limit(500)).all()
    return sorted({owner for text in texts for owner in _parts(text)})


def find(session: Session, item_id: str, *, review_hours: int) -> Line:
    """A line, whether it waits still or not; the id of a request stands for its repository's. Raises `NotWaiting`."""
    row = session.get(WaitingRow, item_id)
    if row is None and (request := session.get(RequestRow, item_id)) is not None:
        of_it = (WaitingRow.kind == request.kind, WaitingRow.repo == request.repo)
        row = session.exec(select(WaitingRow).where(*of_it)).first()
    if row is None:
        raise NotWaiting(f"There is no {item_id[:64]!a} in the queue: `curator review list` shows what waits")
    return lines_of(session, [row], review_hours)[0]


def lines_of(session: Session, rows: list[WaitingRow], review_hours: int) -> list[Line]:
    """The rows as values, with what is proposed about them."""
    ids = [row.id for row in rows]
    waiting = (ProposalRow.state == "open", col(ProposalRow.expires_at) > now(), col(ProposalRow.item_id).in_(ids))
    proposed = {one.item_id: json.loads(one.agreed)[0] for one in session.exec(select(ProposalRow).where(*waiting))}
    moment = _seconds()
    return [
        Line(
            id=row.id,
            commit=Commit(RepoId.parse(row.repo, RepoKind(row.kind)), row.commit),
            snapshot_id=row.snapshot_id,
            decision=row.decision,
            outcome=row.outcome,
            publisher=row.publisher,
            family=row.family,
            rules=_parts(row.rules),
            owners=_parts(row.owners),
            teams=_parts(row.teams),
            held=row.held,
            requests=row.requests,
            people=row.requesters,
            risk=row.risk,
            since=dt.datetime.fromtimestamp(row.since_s, dt.UTC),
            last=dt.datetime.fromtimestamp(row.last_s, dt.UTC),
            waits=row.waits,
            closed_by=row.closed_by,
            closed_as=row.closed_as,
            closed_at=row.closed_at,
            proposed_by=proposed.get(row.id, ""),
            score=(moment - row.since_s) / _HOUR_S * row.requesters * row.risk,
            overdue=row.waits and row.since_s < moment - review_hours * _HOUR_S,
        )
        for row in rows
    ]


def _rows(session: Session, ids: list[str]) -> list[WaitingRow]:
    """In this order."""
    rows = {row.id: row for row in session.exec(select(WaitingRow).where(col(WaitingRow.id).in_(ids)))}
    return [rows[item_id] for item_id in ids]


def _conditions(wanted: Filter, as_of: int, review_hours: int) -> list[SQLColumnExpression[bool]]:
    kept: list[SQLColumnExpression[bool]] = [
        col(WaitingRow.waits),
        col(WaitingRow.since_s) <= as_of,
        or_(col(WaitingRow.requests) > 0, col(WaitingRow.last_s) > as_of - _MOST_DAYS * 24 * _HOUR_S),
    ]
    if wanted.kind == "held":
        kept.append(col(WaitingRow.held))
    elif wanted.kind == "requests":
        kept.append(col(WaitingRow.requests) > 0)
    for word, column in (
        (wanted.owner, WaitingRow.owners),
        (wanted.rule, WaitingRow.rules),
        (wanted.team, WaitingRow.teams),
    ):
        if word:
            if not _WORD.fullmatch(word):
                raise BadInput(f"{word[:80]!a} is not the name of a rule, an owner or a team")
            kept.append(col(column).contains(f",{word},", autoescape=True))
    if wanted.owners is not None:
        of_one = [col(WaitingRow.owners).contains(f",{owner},", autoescape=True) for owner in sorted(wanted.owners)]
        kept.append(or_(false(), *of_one))
    if wanted.publisher:
        kept.append(col(WaitingRow.publisher) == wanted.publisher)
    if wanted.family:
        kept.append(col(WaitingRow.family) == wanted.family)
    if wanted.repo:
        kept.append(func.lower(col(WaitingRow.repo)).contains(wanted.repo.lower(), autoescape=True))
    if wanted.risk > 1:
        kept.append(col(WaitingRow.risk) >= wanted.risk)
    if wanted.overdue:
        kept.append(col(WaitingRow.since_s) < as_of - review_hours * _HOUR_S)
    return kept


def _value(sort: str, as_of: int) -> SQLColumnExpression[int]:
    """What the queue is sorted by, the largest first: whole numbers, so that a cursor names them exactly."""
    age = literal(as_of, BigInteger) - col(WaitingRow.since_s)
    match sort:
        case "age":
            return age
        case "people":
            return col(WaitingRow.requesters)
        case "risk":
            return col(WaitingRow.risk)
        case "last":
            return col(WaitingRow.last_s)
        case _:
            return cast(age * col(WaitingRow.requesters) * col(WaitingRow.risk), BigInteger)


def _read(after: str | None) -> tuple[int, tuple[int, str] | None]:
    """The moment that all pages are of, and the last line of the page before."""
    if after is None:
        return _seconds(), None
    match = _CURSOR.fullmatch(after)
    if match is None:
        raise BadInput(f"{after[:80]!a} is no place in the queue: name what `next` was")
    return int(match[1]), (int(match[2]), match[3])


def _parts(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _seconds() -> int:
    return int(now().timestamp())


def item_of(session: Session, repo: RepoId) -> str | None:
    """The id of the line of a repository that waits; None if it does not."""
    of_it = (WaitingRow.kind == repo.kind.value, WaitingRow.repo == str(repo), col(WaitingRow.waits))
    return session.exec(select(WaitingRow.id).where(*of_it)).first()
