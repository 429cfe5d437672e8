"""Who is hit: everybody who was given something, with what goes back to it, and who asks for it again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from curator.admission import descent
from curator.admission.descent import Descendant
from curator.admission.tables import EntryRow, SnapshotRow
from curator.audit.prefixes import begins_with
from curator.audit.tables import AskRow, UsedBlobRow, UseRow
from curator.audit.uses import Ask, Use
from curator.errors import BadInput
from curator.evidence.subjects import About, Subject, ancestors_in

MOST = 500
"""In a page."""
_MOST_PROJECTS = 5_000


@dataclass(frozen=True, slots=True)
class TeamHit:
    """What one team has."""

    team: str
    """Empty: those who have none."""
    projects: tuple[str, ...]
    people: int
    """Different people and builds."""
    files: int
    bytes: int
    first_at: dt.datetime
    last_at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "team": self.team,
            "projects": list(self.projects),
            "people": self.people,
            "files": self.files,
            "bytes": self.bytes,
            "first_at": _at(self.first_at),
            "last_at": _at(self.last_at),
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """All of it, in numbers."""

    uses: int
    people: int
    hosts: int
    files: int
    bytes: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    descendants: int
    allowed_descendants: int
    teams: tuple[TeamHit, ...]
    """The largest first."""

    def as_json(self) -> dict[str, Any]:
        return {
            "uses": self.uses,
            "people": self.people,
            "hosts": self.hosts,
            "files": self.files,
            "bytes": self.bytes,
            "first_at": _at(self.first_at),
            "last_at": _at(self.last_at),
            "descendants": self.descendants,
            "allowed_descendants": self.allowed_descendants,
            "teams": [team.as_json() for team in self.teams],
        }

    def only(self, team: str) -> Hit:
        """What this team may know of it: its own part."""
        own = tuple(one for one in self.teams if one.team == team)
        first, last = (own[0].first_at, own[0].last_at) if own else (None, None)
        people, files, size = (sum(getattr(one, name) for one in own) for name in ("people", "files", "bytes"))
        return Hit(0, people, 0, files, size, first, last, 0, 0, own)


NOBODY = Hit(0, 0, 0, 0, 0, None, None, 0, 0, ())


@dataclass(frozen=True, slots=True)
class Again:
    """Who has asked for it since, and was refused."""

    people: int
    hosts: int
    newest: tuple[Ask, ...]

    def as_json(self) -> dict[str, Any]:
        return {"people": self.people, "hosts": self.hosts, "newest": [one.as_json() for one in self.newest]}


@dataclass(frozen=True, slots=True)
class Relative:
    """What was made from it, and how many have that."""

    descendant: Descendant
    people: int

    def as_json(self) -> dict[str, Any]:
        one = self.descendant
        return {
            "repository": one.repo,
            "commit": one.commit,
            "ancestor": one.ancestor,
            "relation": one.relation or None,
            "depth": one.depth,
            "through": one.through,
            "allowed": one.allowed,
            "people": self.people,
        }


def hit(session: Session, subject: Subject) -> Hit:
    """The numbers; asks what the record was summed up to, which is a second behind at most."""
    where = (*_used(session, subject), col(UseRow.kind).in_(subject.kinds))
    team, connection = col(UseRow.team), session.connection()
    counted = sa.select(
        team,
        func.count(),
        func.count(func.distinct(UseRow.actor)),
        func.sum(UseRow.files),
        func.sum(UseRow.bytes),
        func.min(UseRow.first_at),
        func.max(UseRow.last_at),
    )
    rows = connection.execute(counted.where(*where).group_by(team)).all()
    hosts, projects = 0, dict[str, list[str]]()
    if rows:
        hosts = connection.execute(sa.select(func.count(func.distinct(UseRow.address))).where(*where)).scalar_one()
        named = sa.select(team, col(UseRow.project)).where(*where, col(UseRow.project) != "").distinct()
        for whose, project in connection.execute(named.order_by(team, col(UseRow.project)).limit(_MOST_PROJECTS)):
            projects.setdefault(whose, []).append(project)
    teams = [
        TeamHit(row[0], tuple(projects.get(row[0], ())), row[2], int(row[3]), int(row[4]), *row[5:]) for row in rows
    ]
    ancestors = ancestors_in(session, subject)
    return Hit(
        uses=sum(row[1] for row in rows),
        people=sum(one.people for one in teams),
        hosts=hosts,
        files=sum(one.files for one in teams),
        bytes=sum(one.bytes for one in teams),
        first_at=min((one.first_at for one in teams), default=None),
        last_at=max((one.last_at for one in teams), default=None),
        descendants=descent.count(session, ancestors),
        allowed_descendants=descent.count_allowed(session, ancestors),
        teams=tuple(sorted(teams, key=lambda one: (-one.people, one.team))),
    )


def users(
    session: Session, subject: Subject, after: str | None = None, limit: int = 50, team: str | None = None
) -> list[Use]:
    """Who was given it, the latest first; of a publisher by repository. Of one team alone, if one is named.

    Raises `BadInput` for a bad cursor.
    """
    wanted = select(UseRow).where(*_used(session, subject))
    if team is not None:
        wanted = wanted.where(UseRow.team == team)
    if subject.about is About.PUBLISHER:
        if after is not None:
            repo, _, key = after.partition("|")
            wanted = wanted.where(tuple_(UseRow.repo, UseRow.id) > (repo, key))
        ordered = wanted.order_by(col(UseRow.repo), col(UseRow.id))
    else:
        if after is not None:
            at, _, key = after.partition("|")
            wanted = wanted.where(tuple_(UseRow.last_at, UseRow.id) < (_moment(at), key))
        ordered = wanted.order_by(col(UseRow.last_at).desc(), col(UseRow.id).desc())
    return [Use(**row.model_dump()) for row in session.exec(ordered.limit(min(limit, MOST)))]


def cursor(subject: Subject, last: Use) -> str:
    """What to name as `after` for those that follow."""
    return f"{last.repo}|{last.id}" if subject.about is About.PUBLISHER else last.cursor


def again(session: Session, subject: Subject, since: dt.datetime, limit: int = 50, team: str | None = None) -> Again:
    """Who asked for it after a moment and was not given it; the latest first."""
    where = (*asked(session, subject), col(AskRow.last_at) >= since)
    if team is not None:
        where = (*where, col(AskRow.team) == team)
    counted = sa.select(func.count(), func.count(func.distinct(AskRow.address))).select_from(AskRow).where(*where)
    people, hosts = session.connection().execute(counted).one()
    newest = select(AskRow).where(*where).order_by(col(AskRow.last_at).desc(), col(AskRow.id).desc()).limit(limit)
    return Again(people, hosts, tuple(Ask(**row.model_dump()) for row in session.exec(newest)))


def relatives(session: Session, subject: Subject, after: str | None = None, limit: int = 50) -> list[Relative]:
    """What was made from it, by name, each with the number of those who were given it."""
    found = descent.descendants(session, ancestors_in(session, subject), after, limit)
    repos = [one.repo for one in found]
    counted = (
        sa.select(col(UseRow.repo), func.count(func.distinct(UseRow.actor)))
        .where(col(UseRow.kind) == "model", col(UseRow.repo).in_(repos))
        .group_by(col(UseRow.repo))
    )
    people: dict[str, int] = {}
    if repos:
        people = {repo: count for repo, count in session.connection().execute(counted)}  # noqa: C416 - rows are no pairs
    return [Relative(one, people.get(one.repo, 0)) for one in found]


def _used(session: Session, subject: Subject) -> tuple[Any, ...]:
    """Which uses are of it."""
    match subject.about:
        case About.PUBLISHER:
            return (begins_with(session, col(UseRow.repo), f"{subject.repo}/"),)
        case About.CONTENT:
            given = sa.select(col(UsedBlobRow.kind), col(UsedBlobRow.repo), col(UsedBlobRow.commit))
            of = tuple_(UseRow.kind, UseRow.repo, UseRow.commit)
            return (of.in_(given.where(col(UsedBlobRow.blob) == subject.content)),)
    exact = (col(UseRow.kind) == subject.kinds[0], col(UseRow.repo) == subject.repo)
    return (*exact, col(UseRow.commit) == subject.commit) if subject.commit else exact


def asked(session: Session, subject: Subject) -> tuple[Any, ...]:
    """Which rows of `AskRow` are about it."""
    match subject.about:
        case About.PUBLISHER:
            return (begins_with(session, col(AskRow.repo), f"{subject.repo}/"),)
        case About.CONTENT:
            having = (
                sa.select(col(SnapshotRow.kind), col(SnapshotRow.repo), col(SnapshotRow.sha))
                .join(EntryRow, col(EntryRow.snapshot_id) == col(SnapshotRow.id))
                .where(col(EntryRow.blob) == subject.content)
            )
            return (tuple_(AskRow.kind, AskRow.repo, AskRow.commit).in_(having),)
    exact = (col(AskRow.kind) == subject.kinds[0], col(AskRow.repo) == subject.repo)
    return (*exact, col(AskRow.commit) == subject.commit) if subject.commit else exact


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("'after' is to be what the page before named as the next") from None


def _at(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment is not None else None
