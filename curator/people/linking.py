"""An account that had a password, and is to be signed in to by the identity provider.

It takes two: an administrator makes a link for the person alone, and who opens it proves to the provider who he is.
What the provider says of somebody, a name or an address of mail, links nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete
from sqlmodel import Session, col

from curator.audit.record import Action
from curator.errors import BadInput
from curator.people import accounts
from curator.people.accounts import Invitation, Purpose
from curator.people.by import By
from curator.people.names import Taken
from curator.people.recording import record
from curator.people.sessions import end_others
from curator.people.sign_in_tables import PasswordRow
from curator.people.users import User, find_user, row_of, user_by_identity


def invite(session: Session, login: str, issuer: str | None, by: By) -> Invitation:
    """Make a link by which a person has his account known to the provider; older links end.

    Raises `NoSuchName`, and `BadInput` where there is no provider, or he signs in by it already.
    """
    if issuer is None:
        raise BadInput("No identity provider is set up here: an administrator names it in CURATOR_OIDC_ISSUER")
    return accounts.make_link(session, login, Purpose.IDENTITY, by)


def link(session: Session, secret: str, issuer: str, subject: str, by: By) -> User:
    """Let somebody of the provider be this person: his password, his sessions and the link end.

    Raises `LinkOver`, and `Taken` for whoever has another account.
    """
    user = accounts.take_link(session, secret, Purpose.IDENTITY)
    other = user_by_identity(session, issuer, subject)
    if other is not None:
        raise Taken(
            f"You are {other.login} here already, and one identity is one account: ask an administrator, who can say "
            f"that {other.login} and {user.login} are the same person"
        )
    row = row_of(session, user.login)
    by = replace(by, name=row.login)
    row.issuer, row.subject = issuer, subject
    session.add(row)
    session.execute(delete(PasswordRow).where(col(PasswordRow.user_id) == row.id))
    end_others(session, row.id, None)
    session.flush()
    record(session, Action.USER, by, row.login, "linked", f"{row.login} is known to {issuer} as {subject!a}")
    return find_user(session, row.login)


def unlink(session: Session, login: str, by: By) -> User:
    """Let the provider's word be nobody here: the account's sessions end, and a link lets the person choose a password.

    Raises `NoSuchName`, and `BadInput` if no provider knows him.
    """
    row = row_of(session, login)
    if row.issuer is None:
        raise BadInput(f"{row.login} is known to no identity provider: there is nothing to unlink")
    said = f"{row.login} is not known any more to {row.issuer} as {row.subject!a}"
    row.issuer = row.subject = None
    session.add(row)
    end_others(session, row.id, None)
    session.flush()
    record(session, Action.USER, by, row.login, "unlinked", said)
    return find_user(session, row.login)
