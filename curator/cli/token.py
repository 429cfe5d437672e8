"""`curator token`: made, listed, made anew and revoked in the mirror's own database."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.cli.administrator import administrator
from curator.database.engine import Database, now
from curator.errors import BadInput
from curator.people import tokens
from curator.people.by import By
from curator.people.roles import Role
from curator.people.token import Token
from curator.people.tokens import NewToken
from curator.policy.word import read_until
from curator.settings import Settings
from rules.circumstances import Audience

_PAGE = 500
_SQLITE = "sqlite:///"
_GRACE = re.compile(r"(\d{1,4}) ?(h|d)", re.ASCII)


class NoDatabase(BadInput):
    """A command works on a mirror's own database, and there is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mirror's settings and its database are."""

    config: Path | None
    data: Path | None

    def settings(self) -> Settings:
        return Settings.load(self.config, data=self.data)


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
    settings = place.settings()
    home = wanted.user is not None and wanted.team is None and wanted.project is None
    new = NewToken(
        name=wanted.name,
        role=Role(wanted.role),
        owner=wanted.user,
        audience=None if home else Audience(wanted.team or "", wanted.project or ""),
        description=wanted.description,
        expires_at=read_until(wanted.until, now()) if wanted.until is not None else None,
    )
    with open_database(settings).write() as session:
        made = tokens.make_token(session, new, By(administrator()), settings.token_max_days)
    _print_made(*made, as_json=as_json)


def show(user: str | None, place: Place, *, every: bool, as_json: bool) -> None:
    found: list[Token] = []
    with open_database(place.settings()).read() as session:
        while True:
            after = found[-1].id if found else ""
            state = "all" if every else "active"
            page = tokens.list_tokens(session, state=state, owner=user, after=after, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                break
    if as_json:
        print(json.dumps([one.as_json() for one in found]))
        return
    for one in found:
        whose = f"{one.owner}/{one.name}" if one.owner else one.name
        of = "/".join(part for part in (one.team, one.project) if part)
        ends = f"ends {_day(one.expires_at)}" if one.expires_at else "no end"
        used = f"used {_day(one.last_used_at)}" if one.last_used_at else "not used yet"
        print(f"{whose:<30} {one.role:<9} {one.state:<8} {ends:<15} {used}{f'  for {of}' if of else ''}")


def revoke(name: str, user: str | None, place: Place, *, as_json: bool) -> None:
    with open_database(place.settings()).write() as session:
        revoked = tokens.revoke_named(session, name, user, By(administrator()))
    print(json.dumps([one.as_json() for one in revoked]) if as_json else f"The token {name!r} is valid no longer.")


def rotate(name: str, user: str | None, grace: str, until: str | None, place: Place, *, as_json: bool) -> None:
    settings, lasts = place.settings(), read_grace(grace)
    expires_at = read_until(until, now()) if until is not None else None
    with open_database(settings).write() as session:
        old = tokens.find_token(session, name, user)
        made = tokens.rotate(session, old.id, lasts, By(administrator()), expires_at, settings.token_max_days)
    _print_made(*made, as_json=as_json)
    if not as_json:
        print(f"The old one ends {now() + lasts:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)


def open_database(settings: Settings) -> Database:
    """The mirror's database, brought to the newest form. Raises `NoDatabase` where no mirror has one.

    One that is made here would be empty: a token of it opens nothing, and a record without a row is always whole.
    """
    file = settings.database.removeprefix(_SQLITE)
    if file != settings.database and not Path(file).is_file():
        raise NoDatabase(
            f"{file}: no mirror has its database here; name its data folder with --data or CURATOR_DATA, or start one "
            "with `curator serve`"
        )
    database = Database(settings.database)
    database.migrate()
    return database


def _print_made(token: Token, secret: str, *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"token": token.as_json(), "secret": secret}
        print(json.dumps(document))
        return
    print(secret)
    if token.expires_at is not None:
        # Beside the token, which scripts read.
        print(f"It ends {token.expires_at:%Y-%m-%d}, and is not shown again.", file=sys.stderr)


def read_grace(text: str) -> dt.timedelta:
    """`24h` or `7d`. Raises `BadInput`."""
    match = _GRACE.fullmatch(text.strip())
    if match is None or (span := dt.timedelta(**{_UNITS[match[2]]: int(match[1])})) > dt.timedelta(days=90):
        raise BadInput(f"{text[:40]!a} is no time for the old token: write 24h, or 7d, at most 90d (--grace)")
    return span


_UNITS = {"h": "hours", "d": "days"}


def _day(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d")
