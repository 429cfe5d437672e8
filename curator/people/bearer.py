"""Who asks with a token, and whether it still is worth anything."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import cast

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from curator.database.engine import now
from curator.errors import UnknownToken
from curator.people.caller import Caller
from curator.people.names import NoSuchName
from curator.people.roles import Role, lesser
from curator.people.tables import TokenRow, UserRow


class TokenEnded(UnknownToken):
    """The token was one of this mirror, and is worth nothing any more; told only to whoever holds it."""

    def __init__(self, sentence: str, *, persons: bool) -> None:
        super().__init__(sentence)
        self.persons = persons
        """Whether it was a person's, who can make another one himself."""


def caller_of(session: Session, token: str) -> Caller | None:
    """Whom the token stands for; None if it was never ours. Raises `TokenEnded` if it is worth nothing any more."""
    found = session.exec(with_owners().where(TokenRow.digest == digest_of(token))).first()
    return caller_from(*found) if found is not None else None


def caller_by_id(session: Session, token_id: str) -> Caller:
    """The same for a token that was shown before. Raises `TokenEnded` and `NoSuchName`."""
    found = session.exec(with_owners().where(TokenRow.id == token_id)).first()
    if found is None:
        raise NoSuchName("There is no such token any more")
    return caller_from(*found)


def caller_from(row: TokenRow, owner: UserRow | None) -> Caller:
    check_valid(row, owner)
    role = Role(row.role) if owner is None else lesser(Role(row.role), Role(owner.role))
    name = row.name if owner is None else owner.login
    return Caller(
        name, role, row.id, row.team, row.project, row.user_id, None, row.job, token_name=row.name, until=row.expires_at
    )


def check_valid(row: TokenRow, owner: UserRow | None) -> None:
    persons = owner is not None
    if owner is not None and owner.disabled_at is not None:
        raise TokenEnded(f"{owner.login} was disabled here on {day_of(owner.disabled_at)}", persons=False)
    if row.revoked_at is not None:
        raise TokenEnded(f"This token was revoked on {day_of(row.revoked_at)}", persons=persons)
    if row.expires_at is not None and row.expires_at <= now():
        raise TokenEnded(f"This token ended on {day_of(row.expires_at)}", persons=persons)


def with_owners() -> SelectOfScalar[tuple[TokenRow, UserRow | None]]:
    query = select(TokenRow, UserRow).join(UserRow, col(UserRow.id) == col(TokenRow.user_id), isouter=True)
    return cast("SelectOfScalar[tuple[TokenRow, UserRow | None]]", query)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def day_of(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d")
