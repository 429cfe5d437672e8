"""`curator team` and `curator project`: in the mirror's own database, or by the API of a mirror elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from sqlmodel import Session

from curator.cli.client import Mirror
from curator.cli.people import all_users
from curator.cli.place import API, Json, Place, by, change, look, pages, say
from curator.people import teams, users
from curator.people.teams import Project, Team

_PAGE = 500


def create_team(name: str, title: str, place: Place, *, as_json: bool) -> None:
    made = change(
        place,
        lambda session: teams.make_team(session, name, title, by()).as_json(),
        lambda mirror: mirror.post(f"{API}/teams", {"name": name, "title": title})["team"],
    )
    say(made, f"There is a team {made['name']} now.", as_json=as_json)


def show_teams(place: Place, *, every: bool, as_json: bool) -> None:
    state = "all" if every else "active"
    found = look(
        place,
        lambda session: _all_teams(session, state),
        lambda mirror: pages(mirror, "/teams", "teams", {"state": state}),
    )
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        ended = "" if one["ended_at"] is None else "  ended"
        counts = f"{one['members']:>6} people {one['projects']:>4} projects"
        print(f"{one['name']:<24} {counts}  {one['title']}{ended}")


def show_team(name: str, place: Place, *, as_json: bool) -> None:
    def here(session: Session) -> tuple[Json, list[Json], list[Json]]:
        one = teams.find_team(session, name).as_json()
        people = all_users(session, role=None, team=name, search="", every=False)
        return one, people, _all_projects(session, team=name, state="active")

    def there(mirror: Mirror) -> tuple[Json, list[Json], list[Json]]:
        one = mirror.get(_path(name), {})["team"]
        people = pages(mirror, "/users", "users", {"team": name, "state": "active"})
        return one, people, pages(mirror, "/projects", "projects", {"team": name, "state": "active"})

    one, people, projects = look(place, here, there)
    if as_json:
        logins = [person["login"] for person in people]
        print(json.dumps(one | {"people": logins, "project_names": [project["name"] for project in projects]}))
        return
    state = f"made {one['created_at'][:10]} by {one['created_by']}"
    state += f", ended {one['ended_at'][:10]} by {one['ended_by']}" if one["ended_at"] is not None else ""
    print(f"{one['name']}  {one['title']}  {state}, {one['tokens']} tokens ask for it")
    print(f"  projects  {', '.join(project['name'] for project in projects) or '-'}")
    for user in people:
        print(f"  {user['login']:<24} {user['role']:<9} {user['full_name']}")


def end_team(name: str, place: Place, *, as_json: bool) -> None:
    ended = change(
        place,
        lambda session: teams.end_team(session, name, by()).as_json(),
        lambda mirror: mirror.delete(_path(name))["team"],
    )
    said = (
        f"The team {name} has ended: {ended['members']} people left it, {ended['projects']} projects ended, "
        f"{ended['tokens']} tokens are valid no longer."
    )
    say(ended, said, as_json=as_json)


def add_members(team: str, logins: Sequence[str], place: Place, *, as_json: bool) -> None:
    def here(session: Session) -> list[Json]:
        for login in logins:
            teams.add_member(session, team, login, by())
        return [users.find_user(session, login).as_json() for login in logins]

    done = change(place, here, lambda mirror: [mirror.put(_member(team, one), {})["user"] for one in logins])
    say(done, f"In the team {team} now: {', '.join(one['login'] for one in done)}.", as_json=as_json)


def remove_members(team: str, logins: Sequence[str], place: Place, *, as_json: bool) -> None:
    def here(session: Session) -> list[Json]:
        for login in logins:
            teams.remove_member(session, team, login, by())
        return [users.find_user(session, login).as_json() for login in logins]

    done = change(place, here, lambda mirror: [mirror.delete(_member(team, one))["user"] for one in logins])
    say(done, f"Not in the team {team} any more: {', '.join(one['login'] for one in done)}.", as_json=as_json)


def create_project(team: str, name: str, title: str, place: Place, *, as_json: bool) -> None:
    made = change(
        place,
        lambda session: teams.make_project(session, team, name, title, by()).as_json(),
        lambda mirror: mirror.post(f"{API}/projects", {"team": team, "name": name, "title": title})["project"],
    )
    say(made, f"The team {team} has a project {made['name']} now.", as_json=as_json)


def show_projects(place: Place, *, team: str | None, every: bool, as_json: bool) -> None:
    state = "all" if every else "active"
    found = look(
        place,
        lambda session: _all_projects(session, team=team, state=state),
        lambda mirror: pages(mirror, "/projects", "projects", {"team": team, "state": state}),
    )
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        ended = "" if one["ended_at"] is None else "  ended"
        path = f"{one['team']}/{one['name']}"
        print(f"{path:<40} {one['title']}{ended}")


def end_project(team: str, name: str, place: Place, *, as_json: bool) -> None:
    path = f"{API}/projects/{quote(team, safe='')}/{quote(name, safe='')}"
    ended = change(
        place,
        lambda session: teams.end_project(session, team, name, by()).as_json(),
        lambda mirror: mirror.delete(path)["project"],
    )
    said = f"The project {name} of the team {team} has ended, and tokens that ask for it are valid no longer."
    say(ended, said, as_json=as_json)


def _all_teams(session: Session, state: str) -> list[Json]:
    found: list[Team] = []
    while True:
        page = teams.list_teams(session, state=state, after=found[-1].name if found else "", limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return [one.as_json() for one in found]


def _all_projects(session: Session, *, team: str | None, state: str) -> list[Json]:
    found: list[Project] = []
    while True:
        after = (found[-1].team, found[-1].name) if found else ("", "")
        page = teams.list_projects(session, team=team, state=state, after=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return [one.as_json() for one in found]


def _path(team: str) -> str:
    return f"{API}/teams/{quote(team, safe='')}"


def _member(team: str, login: str) -> str:
    return f"{_path(team)}/members/{quote(login, safe='')}"
