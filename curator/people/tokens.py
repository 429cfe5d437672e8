"""Tokens of the mirror: made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

from sqlmodel import Session, col, select

from curator.database.engine import Database, new_id, now
from curator.database.generation import changed
from curator.errors import BadInput
from curator.people.caller import Caller
from curator.people.mark import MARK
from curator.people.roles import Role
from curator.people.tables import TokenRow
from rules.circumstances import EVERYBODY, Audience

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_LETTERS = 34
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
"""Of a team or a project (`rules.Audience`)."""


def create_token(database: Database, name: str, role: Role, audience: Audience = EVERYBODY) -> str:
    """Make a token and return its text, which cannot be had again."""
    for part, said in (("team", audience.team), ("project", audience.project)):
        if said and not _NAME.fullmatch(said):
            raise BadInput(
                f"{said[:80]!a} is not a {part}'s name: write it with letters, digits, '.', '_' and '-', at most 64, "
                "the first a letter or a digit"
            )
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput("A token needs a name of 1 to 100 printable characters, so that the record can say whose it is")
    with database.write() as session:
        if session.exec(select(TokenRow).where(TokenRow.name == name, col(TokenRow.revoked_at).is_(None))).first():
            raise BadInput(f"There is a token named {name!r} already: revoke it first, or choose another name")
        return _insert(session, name, role, audience)


def create_first_admin(database: Database) -> str | None:
    """The token of the first start; None at every later one."""
    with database.write() as session:
        if session.exec(select(TokenRow)).first():
            return None
        return _insert(session, "admin", Role.ADMIN)


def revoke_token(database: Database, name: str) -> None:
    with database.write() as session:
        row = session.exec(select(TokenRow).where(TokenRow.name == name, col(TokenRow.revoked_at).is_(None))).first()
        if row is None:
            raise BadInput(f"There is no token named {name!r}: `curator token list` shows those there are")
        row.revoked_at = now()
        session.add(row)
        changed(session)


def list_tokens(database: Database) -> list[TokenRow]:
    with database.read() as session:
        return list(session.exec(select(TokenRow).order_by(col(TokenRow.created_at))))


def caller_of(session: Session, token: str) -> Caller | None:
    """Whom the token stands for; None if it was never ours or is revoked."""
    row = session.exec(select(TokenRow).where(TokenRow.digest == _digest(token))).first()
    if row is None or row.revoked_at is not None:
        return None
    return Caller(row.name, Role(row.role), row.id, row.team, row.project)


def _insert(session: Session, name: str, role: Role, audience: Audience = EVERYBODY) -> str:
    changed(session)
    token = MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LETTERS))
    session.add(
        TokenRow(
            id=new_id(),
            digest=_digest(token),
            name=name,
            role=role.value,
            team=audience.team,
            project=audience.project,
            created_at=now(),
        )
    )
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
