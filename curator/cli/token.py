"""`curator token`: made, listed and revoked in the mirror's own database."""

from __future__ import annotations

import json
from pathlib import Path

from curator.database.engine import Database
from curator.people.by import By
from curator.people.roles import Role
from curator.people.tokens import create_token, list_tokens, revoke_named
from curator.settings import Settings
from rules.circumstances import Audience


def create(name: str, role: str, team: str, project: str, config: Path | None, data: Path | None) -> None:
    database = open_database(Settings.load(config, data=data))
    print(create_token(database, name, Role(role), Audience(team, project)))


def show(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    with open_database(Settings.load(config, data=data)).read() as session:
        found = list_tokens(session, limit=10_000)
    rows = [
        {
            "name": row.name,
            "role": row.role,
            "team": row.team,
            "project": row.project,
            "created": row.created_at.isoformat(timespec="seconds"),
            "revoked": row.revoked_at.isoformat(timespec="seconds") if row.revoked_at else None,
        }
        for row in found
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = f"revoked {row['revoked']}" if row["revoked"] else "valid"
        of = "/".join(str(part) for part in (row["team"], row["project"]) if part)
        print(f"{row['name']:<30} {row['role']:<7} {row['created']}  {state}{f'  for {of}' if of else ''}")


def revoke(name: str, config: Path | None, data: Path | None) -> None:
    with open_database(Settings.load(config, data=data)).write() as session:
        revoke_named(session, name, None, By("administrator"))
    print(f"The token {name!r} is valid no longer.")


def open_database(settings: Settings) -> Database:
    """The mirror's database, made if there is none yet."""
    if settings.database_url is None:
        settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    database.migrate()
    return database
