"""`curator user`: in the mirror's own database, without a token or a server, or by the API of a mirror elsewhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from sqlmodel import Session

from curator.cli.place import API, Json, Place, by, change, look, named, pages, say
from curator.people import linking, same, users
from curator.people.roles import Role
from curator.people.users import NewUser, User, UserChange
from curator.review import apart
from rules.circumstances import Audience

_PAGE = 500


def create_user(wanted: NewUser, place: Place, *, as_json: bool) -> None:
    asked = {
        "login": wanted.login,
        "role": wanted.role.value,
        "full_name": wanted.full_name,
        "email": wanted.email,
        "team": wanted.home.team,
        "project": wanted.home.project,
    }
    made = change(
        place,
        lambda session: users.make_user(session, wanted, by()).as_json(),
        lambda mirror: mirror.post(f"{API}/users", asked)["user"],
    )
    say(made, f"{made['login']} is here, as {made['role']}{_in(made)}.", as_json=as_json)


def show_users(place: Place, *, role: str | None, team: str | None, search: str, every: bool, as_json: bool) -> None:
    query = {"role": role, "team": team, "search": search, "state": "all" if every else "active"}
    found = look(
        place,
        lambda session: all_users(session, role=role, team=team, search=search, every=every),
        lambda mirror: pages(mirror, "/users", "users", query),
    )
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        state = "" if one["state"] == "active" else "  disabled"
        teams = ", ".join(one["teams"]) or "-"
        print(f"{one['login']:<24} {one['role']:<9} {teams:<24} {one['full_name']}{state}")


def show_user(login: str, place: Place, *, as_json: bool) -> None:
    one = look(
        place,
        lambda session: users.find_user(session, login).as_json(),
        lambda mirror: mirror.get(_path(login), {})["user"],
    )
    if as_json:
        print(json.dumps(one))
        return
    active = one["state"] == "active"
    lines = {
        "name": one["full_name"],
        "mail": one["email"],
        "role": one["role"],
        "state": "active" if active else f"disabled {one['disabled_at'][:10]} by {one['disabled_by']}",
        "asks for": "/".join(filter(None, (one["team"], one["project"]))),
        "teams": ", ".join(one["teams"]),
        "signs in by": f"{one['issuer']} ({one['subject']})" if one["issuer"] else "",
        "same as": ", ".join(one["same_as"]),
        "last seen": one["last_seen_at"][:10] if one["last_seen_at"] else "never",
        "made": f"{one['created_at'][:10]} by {one['created_by']}",
    }
    print(one["login"])
    for name, value in lines.items():
        print(f"  {name:<12} {value or '-'}")


def change_user(login: str, wanted: UserChange, place: Place, *, as_json: bool) -> None:
    asked = named(
        {
            "role": wanted.role.value if wanted.role is not None else None,
            "full_name": wanted.full_name,
            "email": wanted.email,
            "team": wanted.team,
            "project": wanted.project,
        }
    )
    changed = change(
        place,
        lambda session: users.change_user(session, login, wanted, by()).as_json(),
        lambda mirror: mirror.patch(_path(login), asked)["user"],
    )
    say(changed, f"{changed['login']} is {changed['role']} now{_in(changed)}.", as_json=as_json)


def disable_user(login: str, place: Place, *, as_json: bool) -> None:
    done = change(
        place,
        lambda session: users.disable_user(session, login, by()).as_json(),
        lambda mirror: mirror.post(f"{_path(login)}/disable", {})["user"],
    )
    said = f"{done['login']} is nobody here from this moment on, and so are their tokens."
    say(done, said, as_json=as_json)


def enable_user(login: str, place: Place, *, as_json: bool) -> None:
    done = change(
        place,
        lambda session: users.enable_user(session, login, by()).as_json(),
        lambda mirror: mirror.post(f"{_path(login)}/enable", {})["user"],
    )
    said = f"{done['login']} is {done['role']} here again, with those of their tokens that have not ended."
    say(done, said, as_json=as_json)


def unlink_user(login: str, place: Place, *, as_json: bool) -> None:
    done = change(
        place,
        lambda session: linking.unlink(session, login, by()).as_json(),
        lambda mirror: mirror.delete(f"{_path(login)}/identity")["user"],
    )
    say(
        done,
        f"No identity provider speaks of {done['login']} any more, and their sessions have ended.",
        as_json=as_json,
    )


def say_same(login: str, other: str, place: Place, *, as_json: bool) -> None:
    def here(session: Session) -> Json:
        user = same.say_same(session, login, other, by())
        return {"user": user.as_json(), "resting_on_one": apart.resting_on_one(session, user.login)}

    done = change(place, here, lambda mirror: mirror.put(f"{_path(login)}/same/{quote(other, safe='')}", {}))
    if as_json:
        print(json.dumps(done))
        return
    print(f"{', '.join((done['user']['login'], *done['user']['same_as']))} are one person from now on.")
    for what in done["resting_on_one"]:
        print(f"Both stand behind the {what}, which wants several people: end it, or have it approved anew.")


def say_apart(login: str, place: Place, *, as_json: bool) -> None:
    done = change(
        place,
        lambda session: same.say_apart(session, login, by()).as_json(),
        lambda mirror: mirror.delete(f"{_path(login)}/same")["user"],
    )
    say(done, f"{done['login']} is a person of its own again.", as_json=as_json)


def all_users(session: Session, *, role: str | None, team: str | None, search: str, every: bool) -> list[Json]:
    """By name, from the database."""
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
            return [one.as_json() for one in found]


def _path(login: str) -> str:
    return f"{API}/users/{quote(login, safe='')}"


def _in(user: dict[str, Any]) -> str:
    home = "/".join(part for part in (user["team"], user["project"]) if part)
    return f", and asks for {home}" if home else ""


def home(team: str | None, project: str | None) -> Audience:
    """The home that is named."""
    return Audience(team or "", project or "")
