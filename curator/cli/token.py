"""`curator token`: made, listed, made anew and revoked, in the mirror's own database or by the API of one elsewhere."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from curator.cli.client import Mirror
from curator.cli.place import API, Json, Place, by, change, look, named, pages
from curator.database.engine import Database, now
from curator.errors import BadInput
from curator.people import tokens
from curator.people.roles import Role
from curator.people.token import Token
from curator.people.tokens import NewToken
from curator.policy.word import read_until
from curator.settings import Settings
from rules.circumstances import Audience

_PAGE = 500
_TOKENS = f"{API}/tokens"
_GRACE = re.compile(r"(\d{1,4}) ?(h|d)", re.ASCII)


class NoDatabase(BadInput):
    """A command works on a mirror's own database, and there is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that is to be made, as it was written."""

    name: str
    user: str | None
    role: str
    team: str | None
    project: str | None
    description: str
    until: str | None


def create(wanted: Wanted, place: Place, *, as_json: bool) -> None:
    home = wanted.user is not None and wanted.team is None and wanted.project is None
    asked = named(
        {
            "name": wanted.name,
            "owner": wanted.user,
            "role": wanted.role,
            "team": wanted.team,
            "project": wanted.project,
            "description": wanted.description,
            "until": wanted.until,
        }
    )

    def here(session: Session) -> Json:
        new = NewToken(
            name=wanted.name,
            role=Role(wanted.role),
            owner=wanted.user,
            audience=None if home else Audience(wanted.team or "", wanted.project or ""),
            description=wanted.description,
            expires_at=read_until(wanted.until, now()) if wanted.until is not None else None,
        )
        return _made(*tokens.make_token(session, new, by(), place.settings().token_max_days))

    _print_made(change(place, here, lambda mirror: mirror.post(_TOKENS, asked)), as_json=as_json)


def show(user: str | None, place: Place, *, every: bool, as_json: bool) -> None:
    state = "all" if every else "active"
    found = look(
        place,
        lambda session: _all_tokens(session, user, state),
        lambda mirror: pages(mirror, "/tokens", "tokens", {"owner": user, "state": state}),
    )
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        whose = f"{one['owner']}/{one['name']}" if one["owner"] else one["name"]
        of = "/".join(part for part in (one["team"], one["project"]) if part)
        ends = f"ends {one['expires_at'][:10]}" if one["expires_at"] else "no end"
        used = f"used {one['last_used_at'][:10]}" if one["last_used_at"] else "not used yet"
        print(f"{whose:<30} {one['role']:<9} {one['state']:<8} {ends:<15} {used}{f'  for {of}' if of else ''}")


def revoke(name: str, user: str | None, place: Place, *, as_json: bool) -> None:
    revoked = change(
        place,
        lambda session: [one.as_json() for one in tokens.revoke_named(session, name, user, by())],
        lambda mirror: [mirror.delete(f"{_TOKENS}/{one['id']}")["token"] for one in _named_there(mirror, name, user)],
    )
    print(json.dumps(revoked) if as_json else f"The token {name!r} is valid no longer.")


def rotate(name: str, user: str | None, grace: str, until: str | None, place: Place, *, as_json: bool) -> None:
    lasts = read_grace(grace)
    asked = named({"grace_hours": lasts.total_seconds() / 3_600, "until": until})

    def here(session: Session) -> Json:
        expires_at = read_until(until, now()) if until is not None else None
        old = tokens.find_token(session, name, user)
        most = place.settings().token_max_days
        return _made(*tokens.rotate(session, old.id, lasts, by(), expires_at, most))

    def there(mirror: Mirror) -> Json:
        newest = _named_there(mirror, name, user)[0]
        made: Json = mirror.post(f"{_TOKENS}/{newest['id']}/rotate", asked)
        return made

    _print_made(change(place, here, there), as_json=as_json)
    if not as_json:
        print(f"The old one ends {now() + lasts:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)


def _all_tokens(session: Session, user: str | None, state: str) -> list[Json]:
    found: list[Token] = []
    while True:
        page = tokens.list_tokens(session, state=state, owner=user, after=found[-1].id if found else "", limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return [one.as_json() for one in found]


def _named_there(mirror: Mirror, name: str, user: str | None) -> list[Json]:
    """The valid ones of that name, of this person or of nobody, the newest first. Raises `BadInput`."""
    found = pages(mirror, "/tokens", "tokens", {"search": name, "owner": user, "state": "active"})
    whose = user.lower() if user is not None else None
    right = [one for one in found if one["name"] == name and (one["owner"] or "").lower() == (whose or "")]
    if not right:
        of = f" of {user}" if user is not None else " that belongs to nobody"
        raise BadInput(f"There is no valid token {name[:80]!a}{of}: `curator token list` shows those there are")
    return right


def open_database(settings: Settings) -> Database:
    """The mirror's database, brought to the newest form. Raises `NoDatabase` where no mirror has one.

    One that is made here would be empty: a token of it opens nothing, and a record without a row is always whole.
    """
    file = _file_of(settings.database)
    if file is not None and not file.is_file():
        raise NoDatabase(
            f"{file}: no mirror has its database here; name its data folder with --data or CURATOR_DATA, or start one "
            "with `curator serve`"
        )
    database = Database(settings.database)
    database.migrate()
    return database


def _file_of(address: str) -> Path | None:
    """Of an address of SQLite; None for any other, which `Database` judges."""
    try:
        url = make_url(address)
    except ArgumentError:
        return None
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _made(token: Token, secret: str) -> Json:
    return {"token": token.as_json(), "secret": secret}


def _print_made(made: Json, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made))
        return
    print(made["secret"])
    if ends := made["token"]["expires_at"]:
        # Beside the token, which scripts read.
        print(f"It ends {ends[:10]}, and is not shown again.", file=sys.stderr)


def read_grace(text: str) -> dt.timedelta:
    """`24h` or `7d`. Raises `BadInput`."""
    match = _GRACE.fullmatch(text.strip())
    if match is None or (span := dt.timedelta(**{_UNITS[match[2]]: int(match[1])})) > dt.timedelta(days=90):
        raise BadInput(f"{text[:40]!a} is no time for the old token: write 24h, or 7d, at most 90d (--grace)")
    return span


_UNITS = {"h": "hours", "d": "days"}
