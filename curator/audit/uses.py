"""Who was given which commit, and who asked for one and was not: sums of the record, made row by row (`follow`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from curator.audit.adding import add_to
from curator.audit.prefixes import begins_with
from curator.audit.record import Action
from curator.audit.tables import AskedRow, AskRow, AuditRow, UsedBlobRow, UseRow
from curator.errors import BadInput
from curator.types import RepoKind

FOLLOWER = "uses"
TABLES = (UseRow, UsedBlobRow, AskRow, AskedRow)
MOST = 500
"""In a page."""


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody was given files of a commit."""

    id: str
    kind: str
    repo: str
    commit: str
    actor: str
    token: str
    """Id of the token; empty for none."""
    team: str
    project: str
    job: str
    first_at: dt.datetime
    last_at: dt.datetime
    files: int
    bytes: int
    address: str
    user_agent: str

    @property
    def cursor(self) -> str:
        """What to name as `after` for those that follow."""
        return f"{self.last_at.isoformat()}|{self.id}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"first_at": self.first_at.isoformat(), "last_at": self.last_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asked for a commit and was not given it."""

    id: str
    kind: str
    repo: str
    commit: str
    actor: str
    team: str
    project: str
    first_at: dt.datetime
    last_at: dt.datetime
    times: int
    outcome: str
    address: str
    user_agent: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"first_at": self.first_at.isoformat(), "last_at": self.last_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Asked:
    """How many different callers asked for a commit and were not given it, and how often."""

    requesters: int
    times: int
    first_at: dt.datetime
    last_at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"first_at": self.first_at.isoformat(), "last_at": self.last_at.isoformat()}


Of = tuple[str, str, str]
"""Kind, repository and commit."""


def users_of(
    session: Session,
    kind: RepoKind,
    repo: str,
    commit: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Use]:
    """Who was given files of a repository, or of one commit; the latest first. Raises `BadInput` for a bad cursor."""
    wanted = select(UseRow).where(UseRow.kind == kind.value, UseRow.repo == repo)
    if commit is not None:
        wanted = wanted.where(UseRow.commit == commit)
    return _page(session, wanted, after, limit)


def uses_by(session: Session, actor: str, after: str | None = None, limit: int = 50) -> list[Use]:
    """What somebody was given; the latest first."""
    return _page(session, select(UseRow).where(UseRow.actor == actor), after, limit)


def users_of_publisher(session: Session, publisher: str, after: str | None = None, limit: int = 50) -> list[Use]:
    """Who was given anything of a publisher (`acme`); in the order of repositories, of every kind."""
    wanted = select(UseRow).where(begins_with(session, col(UseRow.repo), f"{publisher}/"))
    if after is not None:
        repo, _, key = after.partition("|")
        wanted = wanted.where(tuple_(UseRow.repo, UseRow.id) > (repo, key))
    rows = session.exec(wanted.order_by(col(UseRow.repo), col(UseRow.id)).limit(limit)).all()
    return [_use(row) for row in rows]


def commits_with(session: Session, blob: str) -> list[Of]:
    """Of which commits a file with this content (`sha256:...`) was given to anybody."""
    wanted = select(UsedBlobRow).where(UsedBlobRow.blob == blob)
    return [(row.kind, row.repo, row.commit) for row in session.exec(wanted)]


def asked_for(
    session: Session, kind: RepoKind, repo: str, commit: str, after: str | None = None, limit: int = MOST
) -> list[Ask]:
    """Who asked for a commit and was refused it or had to wait; the latest first.

    Raises `BadInput` for a bad cursor.
    """
    wanted = select(AskRow).where(AskRow.kind == kind.value, AskRow.repo == repo, AskRow.commit == commit)
    if after is not None:
        wanted = wanted.where(tuple_(AskRow.last_at, AskRow.id) < _read(after))
    rows = session.exec(wanted.order_by(col(AskRow.last_at).desc(), col(AskRow.id).desc()).limit(limit)).all()
    return [Ask(**row.model_dump()) for row in rows]


def asked(session: Session, commits: Sequence[Of]) -> dict[Of, Asked]:
    """How many asked for each of these and were not given it; whatever nobody asked for is left out."""
    if not commits:
        return {}
    key = tuple_(AskedRow.kind, AskedRow.repo, AskedRow.commit)
    rows = session.exec(select(AskedRow).where(key.in_(list(commits)))).all()
    return {
        (row.kind, row.repo, row.commit): Asked(row.requesters, row.times, row.first_at, row.last_at) for row in rows
    }


def user_counts(session: Session, commits: Sequence[Of]) -> dict[Of, int]:
    """To how many different callers (by name, team and project) each of these was given."""
    if not commits:
        return {}
    columns = [col(getattr(UseRow, name)) for name in (*_OF, "actor", "team", "project")]
    each = sa.select(*columns).where(tuple_(*columns[:3]).in_(list(commits))).distinct().subquery()
    of = [each.c[name] for name in _OF]
    found = session.connection().execute(sa.select(*of, func.count()).group_by(*of))
    return {(row[0], row[1], row[2]): row[3] for row in found}


def take(session: Session, rows: Sequence[AuditRow]) -> None:
    """Add what these rows of the record say."""
    _take_downloads(session, [row for row in rows if row.action == Action.DOWNLOAD and row.commit])
    _take_refusals(session, [row for row in rows if row.action == Action.REFUSE and row.commit])


def _take_downloads(session: Session, rows: Sequence[AuditRow]) -> None:
    uses: dict[tuple[str, ...], dict[str, Any]] = {}
    blobs: set[tuple[str, str, str, str]] = set()
    for row in rows:
        who = tuple([value or "" for value in _user(row)])
        use = uses.get(who)
        if use is None:
            named = dict(zip(_USER, who, strict=True))
            use = uses[who] = {"id": _digest(named), **named, "first_at": row.at, "files": 0, "bytes": 0}
        use["files"] += 1
        use["bytes"] += row.size or 0
        use["last_at"], use["address"], use["user_agent"] = row.at, row.address or "", row.user_agent or ""
        if row.blob:
            blobs.add((row.blob, row.kind, row.repo, row.commit or ""))
    made = sorted(uses.values(), key=itemgetter("id"))
    add_to(session, UseRow, made, sums=("files", "bytes"), newest=("last_at", "address", "user_agent"))
    add_to(session, UsedBlobRow, [dict(zip(_BLOB, blob, strict=True)) for blob in sorted(blobs)])


def _take_refusals(session: Session, rows: Sequence[AuditRow]) -> None:
    asks: dict[str, dict[str, Any]] = {}
    for row in rows:
        who = {name: getattr(row, name) or "" for name in _ASKER}
        ask = asks.setdefault(_digest(who), who | {"first_at": row.at, "times": 0})
        ask["times"] += 1
        ask |= {"last_at": row.at, "outcome": row.outcome}
        ask |= {"address": row.address or "", "user_agent": row.user_agent or ""}
    if not asks:
        return
    known = set(session.exec(select(AskRow.id).where(col(AskRow.id).in_(list(asks)))))
    commits: dict[Of, dict[str, Any]] = {}
    for key, ask in sorted(asks.items()):
        of = (ask["kind"], ask["repo"], ask["commit"])
        start = dict(zip(_OF, of, strict=True)) | {"requesters": 0, "times": 0}
        total = commits.setdefault(of, start | {"first_at": ask["first_at"], "last_at": ask["last_at"]})
        total["requesters"] += key not in known
        total["times"] += ask["times"]
        total["first_at"] = min(total["first_at"], ask["first_at"])
        total["last_at"] = max(total["last_at"], ask["last_at"])
    newest = ("last_at", "outcome", "address", "user_agent")
    add_to(session, AskRow, [{"id": key} | ask for key, ask in sorted(asks.items())], sums=("times",), newest=newest)
    add_to(session, AskedRow, list(commits.values()), sums=("requesters", "times"), newest=("last_at",))


_OF = ("kind", "repo", "commit")
_BLOB = ("blob", *_OF)
_USER = (*_OF, "actor", "token", "team", "project", "job")
_user = attrgetter(*_USER)
_ASKER = (*_OF, "actor", "team", "project")


def _digest(who: dict[str, Any]) -> str:
    return sha256("\0".join(who.values()).encode()).hexdigest()[:32]


def _page(session: Session, wanted: Any, after: str | None, limit: int) -> list[Use]:
    if after is not None:
        wanted = wanted.where(tuple_(UseRow.last_at, UseRow.id) < _read(after))
    rows = session.exec(wanted.order_by(col(UseRow.last_at).desc(), col(UseRow.id).desc()).limit(limit))
    return [_use(row) for row in rows]


def cursor_of(document: Mapping[str, Any]) -> str:
    """What to name as `after` for those that follow what is told so (`as_json` of a `Use` or an `Ask`)."""
    return f"{document['last_at']}|{document['id']}"


def _read(after: str) -> tuple[dt.datetime, str]:
    at, _, key = after.partition("|")
    try:
        return dt.datetime.fromisoformat(at), key
    except ValueError:
        raise BadInput("'after' is to be what the page before named as the next") from None


def _use(row: UseRow) -> Use:
    return Use(**row.model_dump())
