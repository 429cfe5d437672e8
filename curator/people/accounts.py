"""Local accounts: a person's password, and the links that are good once."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.database.engine import now
from curator.errors import BadInput, CuratorError
from curator.people.by import By
from curator.people.recording import record
from curator.people.sessions import end_others
from curator.people.sign_in_tables import InvitationRow, PasswordRow
from curator.people.tables import UserRow
from curator.people.users import User, find_user, user_by_id, value_of

_LINK_LASTS = dt.timedelta(hours=24)


class Purpose(StrEnum):
    """What a link is for."""

    PASSWORD = "password"  # noqa: S105 - no password, but the word
    IDENTITY = "identity"
    """To have the account known to the identity provider."""


class LinkOver(CuratorError):
    """A link was used, replaced, is too old, or never was."""

    status = 410

    def __init__(self) -> None:
        super().__init__("This link is valid no longer, for each is good once and for a day: ask for another one")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was made, to be given to the person alone."""

    user: str
    secret: str
    ends_at: dt.datetime


def invite(session: Session, login: str, by: By) -> Invitation:
    """Make a link by which a person chooses a password, his first or another; older links end.

    Raises `NoSuchName` and `BadInput`.
    """
    return make_link(session, login, Purpose.PASSWORD, by)


def make_link(session: Session, login: str, purpose: Purpose, by: By) -> Invitation:
    """Make a link for somebody who does not sign in by a provider; older ones end. Raises `NoSuchName`, `BadInput`."""
    user = find_user(session, login)
    if not user.active:
        raise BadInput(f"{user.login} is disabled: enable the person first")
    if user.issuer is not None:
        raise BadInput(f"{user.login} signs in by {user.issuer}, and has no password here")
    session.execute(delete(InvitationRow).where(col(InvitationRow.user_id) == user.id))
    secret, moment = secrets.token_urlsafe(32), now()
    session.add(
        InvitationRow(
            digest=_digest(secret),
            user_id=user.id,
            purpose=purpose.value,
            made_at=moment,
            made_by=by.name,
            ends_at=moment + _LINK_LASTS,
        )
    )
    what = "chooses a password" if purpose is Purpose.PASSWORD else "is to be known to the identity provider"
    record(session, Action.USER, by, user.login, "invited", f"{by.name} made a link by which {user.login} {what}")
    return Invitation(user.login, secret, moment + _LINK_LASTS)


def invited(session: Session, secret: str, purpose: Purpose = Purpose.PASSWORD) -> User:
    """Whose link it is, if it is for this. Raises `LinkOver`."""
    row = session.get(InvitationRow, _digest(secret))
    good = row is not None and row.ends_at > now() and row.purpose == purpose.value
    user = user_by_id(session, row.user_id) if row is not None and good else None
    if user is None or not user.active or user.issuer is not None:
        raise LinkOver
    return user


def take_link(session: Session, secret: str, purpose: Purpose) -> User:
    """Use a link, which ends with that, as do others of the person. Raises `LinkOver`."""
    user = invited(session, secret, purpose)
    # Of two who use it at the same moment, one finds it gone.
    used = session.connection().execute(delete(InvitationRow).where(col(InvitationRow.digest) == _digest(secret)))
    if used.rowcount != 1:
        raise LinkOver
    session.execute(delete(InvitationRow).where(col(InvitationRow.user_id) == user.id))
    return user


def use_link(session: Session, secret: str, hashed: str, by: By) -> User:
    """Keep the password that was chosen; the link ends, and so do all his sessions. Raises `LinkOver`."""
    user = take_link(session, secret, Purpose.PASSWORD)
    _keep(session, user, hashed, None, by)
    return user


def change_password(session: Session, user: User, hashed: str, kept_session: str | None, by: By) -> None:
    """Keep another password; his other sessions and any link end."""
    session.execute(delete(InvitationRow).where(col(InvitationRow.user_id) == user.id))
    _keep(session, user, hashed, kept_session, by)


def hashed_of(session: Session, login: str) -> tuple[User | None, str | None]:
    """The person of that name, if there is one, and what is kept of a password that he may sign in with.

    It asks the database the same for whoever is there and whoever is not, so that nobody tells the two by time.
    """
    row = session.exec(select(UserRow).where(UserRow.folded == login.lower())).first()
    user_id = row.id if row is not None else ""
    kept = session.exec(select(PasswordRow.hashed).where(PasswordRow.user_id == user_id)).first()
    user = value_of(session, row)
    return user, kept if user is not None and user.active and user.issuer is None else None


def rehash(session: Session, user: User, hashed: str) -> None:
    """The same password, hashed with the parameters of now."""
    session.merge(PasswordRow(user_id=user.id, hashed=hashed, changed_at=now()))


def _keep(session: Session, user: User, hashed: str, kept_session: str | None, by: By) -> None:
    session.merge(PasswordRow(user_id=user.id, hashed=hashed, changed_at=now()))
    end_others(session, user.id, kept_session)
    record(session, Action.USER, by, user.login, "password", f"{user.login} chose a password")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
