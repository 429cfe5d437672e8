"""People: made, changed, disabled; never deleted, since the record names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_
from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.database.engine import new_id, now
from curator.database.generation import changed
from curator.errors import BadInput, CuratorError
from curator.people.by import By
from curator.people.names import (
    NoSuchName,
    Taken,
    check_audience,
    check_email,
    check_name,
    check_no_tokens_name,
    check_text,
)
from curator.people.recording import record
from curator.people.roles import Role
from curator.people.sign_in_tables import SessionRow
from curator.people.tables import MembershipRow, UserRow
from rules.circumstances import EVERYBODY, Audience

ROLES = (Role.DEVELOPER, Role.REVIEWER, Role.AUDITOR, Role.SECURITY, Role.ADMIN)
"""That a person may have."""


class LastAdmin(CuratorError):
    """Nobody would be left who can make anybody an administrator."""

    status = 409


@dataclass(frozen=True, slots=True)
class User:
    """One person."""

    id: str
    login: str
    full_name: str
    email: str
    role: Role
    team: str
    project: str
    teams: tuple[str, ...]
    """All that he is in, in order."""
    created_at: dt.datetime
    created_by: str
    disabled_at: dt.datetime | None
    disabled_by: str | None
    last_seen_at: dt.datetime | None
    issuer: str | None
    subject: str | None
    same_as: tuple[str, ...] = ()
    """Other accounts that are said to be the same person."""

    @property
    def audience(self) -> Audience:
        return Audience(self.team, self.project)

    @property
    def active(self) -> bool:
        return self.disabled_at is None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "login": self.login,
            "full_name": self.full_name,
            "email": self.email,
            "role": self.role.value,
            "team": self.team,
            "project": self.project,
            "teams": list(self.teams),
            "state": "active" if self.active else "disabled",
            "created_at": _told(self.created_at),
            "created_by": self.created_by,
            "disabled_at": _told(self.disabled_at),
            "disabled_by": self.disabled_by,
            "last_seen_at": _told(self.last_seen_at),
            "issuer": self.issuer,
            "subject": self.subject,
            "same_as": list(self.same_as),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A person who is to be made."""

    login: str
    role: Role
    full_name: str = ""
    email: str = ""
    home: Audience = EVERYBODY
    teams: Sequence[str] = ()
    """That he is in beside his home team."""
    issuer: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What is to be otherwise; None: it stays."""

    full_name: str | None = None
    email: str | None = None
    role: Role | None = None
    team: str | None = None
    project: str | None = None


def make_user(session: Session, wanted: NewUser, by: By) -> User:
    """Raises `BadInput` and `Taken`."""
    check_name("person", wanted.login)
    _check_role(wanted.role)
    if (wanted.issuer is None) is not (wanted.subject is None):
        raise BadInput("An identity is an issuer and a subject: name both, or neither")
    other = session.exec(select(UserRow).where(UserRow.folded == wanted.login.lower())).first()
    if other is not None:
        state = " (disabled)" if other.disabled_at is not None else ""
        raise Taken(f"There is a person named {other.login!r} already{state}: choose another name, or change that one")
    check_no_tokens_name(session, wanted.login)
    if wanted.issuer is not None and wanted.subject is not None:
        _check_identity_free(session, wanted.issuer, wanted.subject)
    check_audience(session, wanted.home)
    row = UserRow(
        id=new_id(),
        login=wanted.login,
        folded=wanted.login.lower(),
        full_name=check_text("name", wanted.full_name),
        email=check_email(wanted.email),
        role=wanted.role.value,
        team=wanted.home.team,
        project=wanted.home.project,
        created_at=now(),
        created_by=by.name,
        issuer=wanted.issuer,
        subject=wanted.subject,
    )
    session.add(row)
    session.flush()
    for team in dict.fromkeys(filter(None, (wanted.home.team, *wanted.teams))):
        check_audience(session, Audience(team, ""))
        session.add(MembershipRow(user_id=row.id, team=team, added_at=now(), added_by=by.name))
    session.flush()
    changed(session)
    record(session, Action.USER, by, row.login, "made", f"{row.login} was made, as {row.role}{_of(wanted.home)}")
    return _user(session, row)


def change_user(session: Session, login: str, change: UserChange, by: By) -> User:
    """Raises `NoSuchName`, `BadInput` and `LastAdmin`."""
    row = row_of(session, login)
    home = Audience(
        row.team if change.team is None else change.team,
        # A project is one of a team, and goes with it.
        change.project if change.project is not None else row.project if change.team in {None, row.team} else "",
    )
    wanted: dict[str, str] = {"team": home.team, "project": home.project}
    if home != Audience(row.team, row.project):
        check_audience(session, home)
    if change.role is not None:
        _check_role(change.role)
        if change.role is not Role.ADMIN:
            _keep_an_admin(session, row, "given another role")
        wanted["role"] = change.role.value
    if change.full_name is not None:
        wanted["full_name"] = check_text("name", change.full_name)
    if change.email is not None:
        wanted["email"] = check_email(change.email)
    differs = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not differs:
        return _user(session, row)
    said = ", ".join(f"{name} {getattr(row, name)!a} to {value!a}" for name, value in differs.items())
    for name, value in differs.items():
        setattr(row, name, value)
    session.add(row)
    if "role" in differs:
        _end_sessions(session, row.id)
    if home.team and session.get(MembershipRow, (row.id, home.team)) is None:
        session.add(MembershipRow(user_id=row.id, team=home.team, added_at=now(), added_by=by.name))
    session.flush()
    changed(session)
    record(session, Action.USER, by, row.login, "changed", f"{row.login} was changed: {said}")
    return _user(session, row)


def _end_sessions(session: Session, user_id: str) -> None:
    """For good: a browser that somebody else may sit at by the time he is again who he was is not signed in then."""
    session.execute(delete(SessionRow).where(col(SessionRow.user_id) == user_id))


def disable_user(session: Session, login: str, by: By) -> User:
    """From this moment on he is nobody here: his tokens and sessions are worth nothing.

    Raises `NoSuchName` and `LastAdmin`.
    """
    row = row_of(session, login)
    if row.disabled_at is not None:
        return _user(session, row)
    _keep_an_admin(session, row, "disabled")
    row.disabled_at, row.disabled_by = now(), by.name
    session.add(row)
    _end_sessions(session, row.id)
    session.flush()
    changed(session)
    record(session, Action.USER, by, row.login, "disabled", f"{row.login} was disabled, and all their tokens with them")
    return _user(session, row)


def enable_user(session: Session, login: str, by: By) -> User:
    """He is somebody again, and so are his tokens that have not ended meanwhile. Raises `NoSuchName`."""
    row = row_of(session, login)
    if row.disabled_at is None:
        return _user(session, row)
    row.disabled_at = row.disabled_by = None
    session.add(row)
    session.flush()
    changed(session)
    record(session, Action.USER, by, row.login, "enabled", f"{row.login} was enabled again, as {row.role}")
    return _user(session, row)


def find_user(session: Session, login: str) -> User:
    """By his name, in whatever capitals. Raises `NoSuchName`."""
    return _user(session, row_of(session, login))


def user_by_id(session: Session, user_id: str) -> User | None:
    row = session.get(UserRow, user_id)
    return _user(session, row) if row is not None else None


def user_by_identity(session: Session, issuer: str, subject: str) -> User | None:
    """Whom an identity provider speaks of."""
    row = session.exec(select(UserRow).where(UserRow.issuer == issuer, UserRow.subject == subject)).first()
    return _user(session, row) if row is not None else None


def list_users(
    session: Session,
    *,
    state: str = "all",
    role: Role | None = None,
    team: str | None = None,
    search: str = "",
    after: str = "",
    limit: int = 50,
) -> list[User]:
    """By name; `state` is `active`, `disabled` or `all`, `after` the last login of the page before."""
    query = select(UserRow).where(UserRow.folded > after.lower()).order_by(col(UserRow.folded)).limit(limit)
    if state != "all":
        none = col(UserRow.disabled_at).is_(None)
        query = query.where(none if state == "active" else ~none)
    if role is not None:
        query = query.where(UserRow.role == role.value)
    if team is not None:
        query = query.join(MembershipRow, col(MembershipRow.user_id) == UserRow.id).where(MembershipRow.team == team)
    if search:
        text = search.strip().lower()
        fields = (col(UserRow.folded), func.lower(UserRow.full_name), func.lower(UserRow.email))
        query = query.where(or_(*(field.contains(text, autoescape=True) for field in fields)))
    rows = session.exec(query).all()
    teams = _teams_of(session, [row.id for row in rows])
    same = _same_as(session, rows)
    return [_value(row, teams.get(row.id, ()), same.get(row.id, ())) for row in rows]


def row_of(session: Session, login: str) -> UserRow:
    """Whom a login names, in whatever capitals. Raises `NoSuchName`."""
    row = session.exec(select(UserRow).where(UserRow.folded == login.lower())).first()
    if row is None:
        raise NoSuchName(f"There is no person named {login[:80]!a}: `curator user list` shows those there are")
    return row


def _check_role(role: Role) -> None:
    if role not in ROLES:
        raise BadInput(f"No person has the role {role}: choose one of {', '.join(ROLES)}")


def _check_identity_free(session: Session, issuer: str, subject: str) -> None:
    other = user_by_identity(session, issuer, subject)
    if other is not None:
        raise Taken(f"{subject[:80]!a} of {issuer} is {other.login} here already: one identity is one person")


def _keep_an_admin(session: Session, row: UserRow, what: str) -> None:
    if row.role != Role.ADMIN or row.disabled_at is not None:
        return
    another = select(UserRow.id).where(
        UserRow.role == Role.ADMIN.value, col(UserRow.disabled_at).is_(None), UserRow.id != row.id
    )
    if session.exec(another.limit(1)).first() is None:
        raise LastAdmin(f"{row.login} is the last administrator and cannot be {what}: make another one first")


def value_of(session: Session, row: UserRow | None) -> User | None:
    """The person of a row. It asks as much of the database where there is none."""
    teams = _teams_of(session, [row.id if row is not None else ""])
    return _value(row, teams.get(row.id, ()), _same_as(session, [row]).get(row.id, ())) if row is not None else None


def _user(session: Session, row: UserRow) -> User:
    return _value(row, _teams_of(session, [row.id]).get(row.id, ()), _same_as(session, [row]).get(row.id, ()))


def _teams_of(session: Session, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    query = select(MembershipRow).where(col(MembershipRow.user_id).in_(ids)).order_by(col(MembershipRow.team))
    for row in session.exec(query):
        found[row.user_id] = (*found.get(row.user_id, ()), row.team)
    return found


def _same_as(session: Session, rows: Sequence[UserRow]) -> dict[str, tuple[str, ...]]:
    people = {row.person for row in rows if row.person is not None}
    if not people:
        return {}
    all_of = session.exec(select(UserRow).where(col(UserRow.person).in_(people)).order_by(UserRow.folded)).all()
    return {
        row.id: tuple(one.login for one in all_of if one.person == row.person and one.id != row.id)
        for row in rows
        if row.person is not None
    }


def _value(row: UserRow, teams: tuple[str, ...], same_as: tuple[str, ...]) -> User:
    return User(
        row.id,
        row.login,
        row.full_name,
        row.email,
        Role(row.role),
        row.team,
        row.project,
        teams,
        row.created_at,
        row.created_by,
        row.disabled_at,
        row.disabled_by,
        row.last_seen_at,
        row.issuer,
        row.subject,
        same_as,
    )


def _of(home: Audience) -> str:
    return f", of {str(home).strip('/')}" if home != EVERYBODY else ""


def _told(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
