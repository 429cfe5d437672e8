"""`curator user`, `team` and `project`: in the mirror's own database, without a token or a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlmodel import Session

from curator.cli.administrator import administrator
from curator.cli.token import Place, open_database
from curator.people import teams, users
from curator.people.by import By
from curator.people.roles import Role
from curator.people.teams import Project, Team
from curator.people.users import NewUser, User, UserChange
from rules.circumstances import Audience

_PAGE = 500
Value = TypeVar("Value")


def create_user(wanted: NewUser, place: Place, *, as_json: bool) -> None:
    made = _write(place, lambda session: users.make_user(session, wanted, _by()))
    _say(made.as_json(), f"{made.login} is here, as {made.role}{_in(made)}.", as_json=as_json)


def show_users(place: Place, *, role: str | None, team: str | None, search: str, every: bool, as_json: bool) -> None:
    with open_database(place.settings()).read() as session:
        found = _all_users(session, role=role, team=team, search=search, every=every)
    if as_json:
        print(json.dumps([one.as_json() for one in found]))
        return
    for one in found:
        state = "" if one.active else "  disabled"
        print(f"{one.login:<24} {one.role:<9} {', '.join(one.teams) or '-':<24} {one.full_name}{state}")


def show_user(login: str, place: Place, *, as_json: bool) -> None:
    with open_database(place.settings()).read() as session:
        one = users.find_user(session, login)
    if as_json:
        print(json.dumps(one.as_json()))
        return
    state = "active" if one.active else f"disabled {one.disabled_at:%Y-%m-%d} by {one.disabled_by}"
    seen = f"{one.last_seen_at:%Y-%m-%d}" if one.last_seen_at else "never"
    lines = {
        "name": one.full_name,
        "mail": one.email,
        "role": one.role,
        "state": state,
        "asks for": "/".join(filter(None, (one.team, one.project))),
        "teams": ", ".join(one.teams),
        "signs in by": f"{one.issuer} ({one.subject})" if one.issuer else "",
        "last seen": seen,
        "made": f"{one.created_at:%Y-%m-%d} by {one.created_by}",
    }
    print(one.login)
    for name, value in lines.items():
        print(f"  {name:<12} {value or '-'}")


def change_user(login: str, change: UserChange, place: Place, *, as_json: bool) -> None:
    changed = _write(place, lambda session: users.change_user(session, login, change, _by()))
    _say(changed.as_json(), f"{changed.login} is {changed.role} now{_in(changed)}.", as_json=as_json)


def disable_user(login: str, place: Place, *, as_json: bool) -> None:
    done = _write(place, lambda session: users.disable_user(session, login, _by()))
    said = f"{done.login} is nobody here from this moment on, and so are their tokens."
    _say(done.as_json(), said, as_json=as_json)


def enable_user(login: str, place: Place, *, as_json: bool) -> None:
    done = _write(place, lambda session: users.enable_user(session, login, _by()))
    said = f"{done.login} is {done.role} here again, with those of their tokens that have not ended."
    _say(done.as_json(), said, as_json=as_json)


def create_team(name: str, title: str, place: Place, *, as_json: bool) -> None:
    made = _write(place, lambda session: teams.make_team(session, name, title, _by()))
    _say(made.as_json(), f"There is a team {made.name} now.", as_json=as_json)


def show_teams(place: Place, *, every: bool, as_json: bool) -> None:
    found: list[Team] = []
    with open_database(place.settings()).read() as session:
        while True:
            after = found[-1].name if found else ""
            page = teams.list_teams(session, state="all" if every else "active", after=after, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                break
    if as_json:
        print(json.dumps([one.as_json() for one in found]))
        return
    for one in found:
        state = "" if one.ended_at is None else "  ended"
        print(f"{one.name:<24} {one.members:>6} people {one.projects:>4} projects  {one.title}{state}")


def show_team(name: str, place: Place, *, as_json: bool) -> None:
    with open_database(place.settings()).read() as session:
        one = teams.find_team(session, name)
        people = _all_users(session, role=None, team=name, search="", every=False)
        projects = _all_projects(session, team=name, every=False)
    if as_json:
        logins = [one.login for one in people]
        print(json.dumps(one.as_json() | {"people": logins, "project_names": [one.name for one in projects]}))
        return
    state = f"made {one.created_at:%Y-%m-%d} by {one.created_by}"
    state += f", ended {one.ended_at:%Y-%m-%d} by {one.ended_by}" if one.ended_at is not None else ""
    print(f"{one.name}  {one.title}  {state}, {one.tokens} tokens ask for it")
    print(f"  projects  {', '.join(project.name for project in projects) or '-'}")
    for user in people:
        print(f"  {user.login:<24} {user.role:<9} {user.full_name}")


def end_team(name: str, place: Place, *, as_json: bool) -> None:
    ended = _write(place, lambda session: teams.end_team(session, name, _by()))
    said = (
        f"The team {name} has ended: {ended.members} people left it, {ended.projects} projects ended, "
        f"{ended.tokens} tokens are valid no longer."
    )
    _say(ended.as_json(), said, as_json=as_json)


def add_members(team: str, logins: Sequence[str], place: Place, *, as_json: bool) -> None:
    def verb(session: Session) -> list[User]:
        for login in logins:
            teams.add_member(session, team, login, _by())
        return [users.find_user(session, login) for login in logins]

    done = _write(place, verb)
    said = f"In the team {team} now: {', '.join(one.login for one in done)}."
    _say([one.as_json() for one in done], said, as_json=as_json)


def remove_members(team: str, logins: Sequence[str], place: Place, *, as_json: bool) -> None:
    def verb(session: Session) -> list[User]:
        for login in logins:
            teams.remove_member(session, team, login, _by())
        return [users.find_user(session, login) for login in logins]

    done = _write(place, verb)
    said = f"Not in the team {team} any more: {', '.join(one.login for one in done)}."
    _say([one.as_json() for one in done], said, as_json=as_json)


def create_project(team: str, name: str, title: str, place: Place, *, as_json: bool) -> None:
    made = _write(place, lambda session: teams.make_project(session, team, name, title, _by()))
    _say(made.as_json(), f"The team {team} has a project {made.name} now.", as_json=as_json)


def show_projects(place: Place, *, team: str | None, every: bool, as_json: bool) -> None:
    with open_database(place.settings()).read() as session:
        found = _all_projects(session, team=team, every=every)
    if as_json:
        print(json.dumps([one.as_json() for one in found]))
        return
    for one in found:
        state = "" if one.ended_at is None else "  ended"
        print(f"{f'{one.team}/{one.name}':<40} {one.title}{state}")


def end_project(team: str, name: str, place: Place, *, as_json: bool) -> None:
    ended = _write(place, lambda session: teams.end_project(session, team, name, _by()))
    said = f"The project {name} of the team {team} has ended, and tokens that ask for it are valid no longer."
    _say(ended.as_json(), said, as_json=as_json)


def _all_users(session: Session, *, role: str | None, team: str | None, search: str, every: bool) -> list[User]:
    found: list[User] = []
    while True:
        page = users.list_users(
            session,
            state="all" if every else "active",
            role=Role(role) if role is not None else None,
            team=team,
            search=search,
            after=found[-1].login if found else "",
            limit=_PAGE,
        )
        found += page
        if len(page) < _PAGE:
            return found


def _all_projects(session: Session, *, team: str | None, every: bool) -> list[Project]:
    found: list[Project] = []
    state = "all" if every else "active"
    while True:
        after = (found[-1].team, found[-1].name) if found else ("", "")
        page = teams.list_projects(session, team=team, state=state, after=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found


def _write(place: Place, verb: Callable[[Session], Value]) -> Value:
    with open_database(place.settings()).write() as session:
        return verb(session)


def _by() -> By:
    return By(administrator())


def _in(user: User) -> str:
    home = "/".join(part for part in (user.team, user.project) if part)
    return f", and asks for {home}" if home else ""


def _say(document: Any, said: str, *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else said)


def home(team: str | None, project: str | None) -> Audience:
    """The home that is named."""
    return Audience(team or "", project or "")
