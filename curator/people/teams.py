"""Teams and their projects, and who is in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, or_, tuple_
from sqlmodel import Session, col, delete, select

from curator.audit.record import Action
from curator.database.engine import now
from curator.database.generation import changed
from curator.errors import BadInput
from curator.people.by import By
from curator.people.names import NoSuchName, Taken, check_audience, check_name, check_text
from curator.people.recording import record
from curator.people.tables import MembershipRow, ProjectRow, TeamRow, TokenRow, UserRow
from rules.circumstances import Audience


@dataclass(frozen=True, slots=True)
class Team:
    """One team."""

    name: str
    title: str
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None
    ended_by: str | None
    members: int
    projects: int
    """Those that have not ended."""
    tokens: int
    """That ask for it and are not revoked."""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "state": "active" if self.ended_at is None else "ended",
            "members": self.members,
            "projects": self.projects,
            "tokens": self.tokens,
            "created_at": _told(self.created_at),
            "created_by": self.created_by,
            "ended_at": _told(self.ended_at),
            "ended_by": self.ended_by,
        }


@dataclass(frozen=True, slots=True)
class Project:
    """One project of a team."""

    team: str
    name: str
    title: str
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None
    ended_by: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "team": self.team,
            "name": self.name,
            "title": self.title,
            "state": "active" if self.ended_at is None else "ended",
            "created_at": _told(self.created_at),
            "created_by": self.created_by,
            "ended_at": _told(self.ended_at),
            "ended_by": self.ended_by,
        }


def make_team(session: Session, name: str, title: str, by: By) -> Team:
    """Raises `BadInput` and `Taken`."""
    check_name("team", name)
    other = session.exec(select(TeamRow).where(func.lower(TeamRow.name) == name.lower())).first()
    if other is not None and (other.name != name or other.ended_at is None):
        raise Taken(f"There is a team {other.name!r} already: choose another name")
    row = other or TeamRow(name=name, created_at=now(), created_by=by.name)
    row.title, row.ended_at, row.ended_by = check_text("title", title), None, None
    session.add(row)
    session.flush()
    record(session, Action.TEAM, by, name, "made", f"The team {name} was {'made' if other is None else 'begun again'}")
    return find_team(session, name)


def end_team(session: Session, name: str, by: By) -> Team:
    """Nobody is in it any more, its projects have ended, and tokens that ask for it are revoked.

    Returns it as it has ended, with what it had. Raises `NoSuchName` and `BadInput`.
    """
    before = find_team(session, name)
    if before.ended_at is not None:
        raise BadInput(f"The team {name!r} has ended already")
    row = _team(session, name)
    row.ended_at, row.ended_by = now(), by.name
    session.add(row)
    for project in session.exec(select(ProjectRow).where(ProjectRow.team == name, col(ProjectRow.ended_at).is_(None))):
        project.ended_at, project.ended_by = row.ended_at, by.name
        session.add(project)
    session.execute(delete(MembershipRow).where(col(MembershipRow.team) == name))
    for user in session.exec(select(UserRow).where(UserRow.team == name)):
        user.team = user.project = ""
        session.add(user)
    revoked = _revoke(session, by, col(TokenRow.team) == name)
    session.flush()
    changed(session)
    said = f"The team {name} has ended: {before.members} people left it, {before.projects} projects ended{revoked}"
    record(session, Action.TEAM, by, name, "ended", said)
    return replace(before, ended_at=row.ended_at, ended_by=row.ended_by)


def add_member(session: Session, team: str, login: str, by: By) -> None:
    """Raises `NoSuchName` and `BadInput`."""
    user = _user(session, login)
    check_audience(session, Audience(check_name("team", team), ""))
    if session.get(MembershipRow, (user.id, team)) is not None:
        return
    session.add(MembershipRow(user_id=user.id, team=team, added_at=now(), added_by=by.name))
    if not user.team:
        user.team = team
        session.add(user)
    session.flush()
    changed(session)
    record(session, Action.TEAM, by, team, "added", f"{user.login} is in the team {team} now")


def remove_member(session: Session, team: str, login: str, by: By) -> None:
    """His tokens that ask for it are revoked. Raises `NoSuchName`."""
    user = _user(session, login)
    row = session.get(MembershipRow, (user.id, team))
    if row is None:
        raise NoSuchName(f"{user.login} is not in the team {team[:64]!a}")
    session.delete(row)
    if user.team == team:
        user.team = user.project = ""
        session.add(user)
    revoked = _revoke(session, by, (col(TokenRow.team) == team) & (col(TokenRow.user_id) == user.id))
    session.flush()
    changed(session)
    record(session, Action.TEAM, by, team, "removed", f"{user.login} is not in the team {team} any more{revoked}")


def make_project(session: Session, team: str, name: str, title: str, by: By) -> Project:
    """Raises `BadInput`, `NoSuchName` and `Taken`."""
    check_name("project", name)
    if _team(session, team).ended_at is not None:
        raise BadInput(f"The team {team!r} has ended: name one that `curator team list` shows")
    row = session.get(ProjectRow, (team, name))
    if row is not None and row.ended_at is None:
        raise Taken(f"The team {team} has a project {name!r} already: choose another name")
    row = row or ProjectRow(team=team, name=name, created_at=now(), created_by=by.name)
    row.title, row.ended_at, row.ended_by = check_text("title", title), None, None
    session.add(row)
    session.flush()
    record(session, Action.TEAM, by, f"{team}/{name}", "made", f"The project {name} of the team {team} was made")
    return _project_value(row)


def end_project(session: Session, team: str, name: str, by: By) -> Project:
    """Tokens that ask for it are revoked. Raises `NoSuchName`."""
    row = session.get(ProjectRow, (team, name))
    if row is None:
        raise NoSuchName(f"The team {team[:64]!a} has no project {name[:64]!a}: `curator project list` shows them")
    if row.ended_at is not None:
        raise BadInput(f"The project {name!r} of the team {team} has ended already")
    row.ended_at, row.ended_by = now(), by.name
    session.add(row)
    for user in session.exec(select(UserRow).where(UserRow.team == team, UserRow.project == name)):
        user.project = ""
        session.add(user)
    revoked = _revoke(session, by, (col(TokenRow.team) == team) & (col(TokenRow.project) == name))
    session.flush()
    changed(session)
    said = f"The project {name} of the team {team} has ended{revoked}"
    record(session, Action.TEAM, by, f"{team}/{name}", "ended", said)
    return _project_value(row)


def find_team(session: Session, name: str) -> Team:
    """Raises `NoSuchName`."""
    return _with_counts(session, [_team(session, name)])[0]


def list_teams(
    session: Session, *, state: str = "active", search: str = "", after: str = "", limit: int = 50
) -> list[Team]:
    """By name; `state` is `active`, `ended` or `all`, `after` the last name of the page before."""
    query = select(TeamRow).where(TeamRow.name > after).order_by(col(TeamRow.name)).limit(limit)
    if state != "all":
        active = col(TeamRow.ended_at).is_(None)
        query = query.where(active if state == "active" else ~active)
    if search:
        text = search.strip().lower()
        fields = (func.lower(TeamRow.name), func.lower(TeamRow.title))
        query = query.where(or_(*(field.contains(text, autoescape=True) for field in fields)))
    return _with_counts(session, session.exec(query).all())


def teams_of(session: Session, user_id: str) -> tuple[str, ...]:
    """The teams that a person is in, by name."""
    query = select(MembershipRow.team).where(MembershipRow.user_id == user_id).order_by(col(MembershipRow.team))
    return tuple(session.exec(query))


def unmade(session: Session, names: Collection[str]) -> frozenset[str]:
    """Of these, the teams that nobody has made; none before the first team was, since names are free until then."""
    if session.exec(select(TeamRow.name).limit(1)).first() is None:
        return frozenset()
    made = session.exec(select(TeamRow.name).where(col(TeamRow.name).in_(sorted(names))))
    return frozenset(filter(None, names)) - frozenset(made)


def titles(session: Session, names: Sequence[str]) -> dict[str, str]:
    """What these teams are called at length, in this order; empty where nobody has said, or has made the team."""
    query = select(TeamRow.name, TeamRow.title).where(col(TeamRow.name).in_(names))
    found = {name: title for name, title in session.execute(query)}  # noqa: C416 - a row is no pair to `dict`
    return {name: found.get(name, "") for name in names}


def list_projects(
    session: Session,
    *,
    team: str | None = None,
    state: str = "active",
    search: str = "",
    after: tuple[str, str] = ("", ""),
    limit: int = 50,
) -> list[Project]:
    """By team and name; `after` is both of the last of the page before."""
    place = tuple_(col(ProjectRow.team), col(ProjectRow.name))
    query = select(ProjectRow).where(place > after).order_by(col(ProjectRow.team), col(ProjectRow.name)).limit(limit)
    if state != "all":
        active = col(ProjectRow.ended_at).is_(None)
        query = query.where(active if state == "active" else ~active)
    if team is not None:
        query = query.where(ProjectRow.team == team)
    if search:
        text = search.strip().lower()
        fields = (func.lower(ProjectRow.name), func.lower(ProjectRow.title))
        query = query.where(or_(*(field.contains(text, autoescape=True) for field in fields)))
    return [_project_value(row) for row in session.exec(query)]


def _team(session: Session, name: str) -> TeamRow:
    row = session.get(TeamRow, name)
    if row is None:
        raise NoSuchName(f"There is no team {name[:64]!a}: `curator team list` shows those there are")
    return row


def _user(session: Session, login: str) -> UserRow:
    row = session.exec(select(UserRow).where(UserRow.folded == login.lower())).first()
    if row is None:
        raise NoSuchName(f"There is no person named {login[:80]!a}: `curator user list` shows those there are")
    return row


def _revoke(session: Session, by: By, which: Any) -> str:
    """Revoke those tokens; says how many, to go on a sentence with."""
    rows = session.exec(select(TokenRow).where(which, col(TokenRow.revoked_at).is_(None))).all()
    for row in rows:
        row.revoked_at, row.revoked_by = now(), by.name
        session.add(row)
        record(session, Action.TOKEN, by, row.name, "revoked", f"The token {row.name!a} asked for it, and is revoked")
    return f", {len(rows)} tokens were revoked" if rows else ""


def _with_counts(session: Session, rows: Sequence[TeamRow]) -> list[Team]:
    names = [row.name for row in rows]

    def counted(of: Any, *where: Any) -> dict[str, int]:
        query = select(of, func.count()).where(of.in_(names), *where).group_by(of)
        return {name: count for name, count in session.execute(query)}  # noqa: C416 - a row is no pair to `dict`

    members = counted(col(MembershipRow.team))
    projects = counted(col(ProjectRow.team), col(ProjectRow.ended_at).is_(None))
    tokens = counted(col(TokenRow.team), col(TokenRow.revoked_at).is_(None))
    return [
        Team(
            row.name,
            row.title,
            row.created_at,
            row.created_by,
            row.ended_at,
            row.ended_by,
            members.get(row.name, 0),
            projects.get(row.name, 0),
            tokens.get(row.name, 0),
        )
        for row in rows
    ]


def _project_value(row: ProjectRow) -> Project:
    return Project(row.team, row.name, row.title, row.created_at, row.created_by, row.ended_at, row.ended_by)


def _told(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
