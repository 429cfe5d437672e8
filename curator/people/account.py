"""What a person does with his own account, and how far: no token makes one that may more, asks for others, or lasts
longer than itself, so that one that is stolen is worth no more than it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlmodel import Session, col, select

from curator.database.engine import now
from curator.errors import BadInput, CuratorError, NotAllowed
from curator.people import tokens
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.names import NoSuchName
from curator.people.roles import MAY
from curator.people.tables import TokenRow
from curator.people.tokens import NewToken, Token
from curator.people.users import User, UserChange, change_user, user_by_id


class NoAccount(CuratorError):
    """Who asks is no person: a service or a build."""

    status = 404


def own_user(session: Session, caller: Caller) -> User:
    """Raises `NoAccount`."""
    user = user_by_id(session, caller.user_id) if caller.user_id is not None else None
    if user is None:
        raise NoAccount(
            f"{caller.name} is no person but a token that is nobody's, and has no account: an administrator makes "
            "accounts with `curator user create LOGIN`"
        )
    return user


def own_tokens(session: Session, caller: Caller, after: str = "", limit: int = 50) -> list[Token]:
    """The newest first. Raises `NoAccount`."""
    return tokens.list_tokens(session, owner=own_user(session, caller).login, after=after, limit=limit)


def make_own_token(session: Session, caller: Caller, wanted: NewToken, by: By, max_days: int) -> tuple[Token, str]:
    """Raises `NoAccount`, `NotAllowed` and `BadInput`."""
    user = own_user(session, caller)
    if not MAY[wanted.role] <= MAY[caller.role]:
        raise NotAllowed(
            f"You ask as {caller.role} here, and make no token that may more: choose that role, or a lesser"
        )
    wanted = replace(wanted, owner=user.login, job="")
    if caller.token_id is not None:
        wanted = _within(caller, wanted, max_days)
    return tokens.make_token(session, wanted, by, max_days)


def rotate_own_token(
    session: Session, caller: Caller, token_id: str, grace: dt.timedelta, by: By, max_days: int
) -> tuple[Token, str]:
    """Raises `NoAccount`, `NoSuchName` and `NotAllowed`."""
    old = _own(session, caller, token_id)
    if not MAY[old.role] <= MAY[caller.role]:
        raise NotAllowed(f"You ask as {caller.role} here, and the token {old.name!a} may more: sign in to make it anew")
    expires_at = None
    if caller.token_id is not None:
        wanted = NewToken(name=old.name, role=old.role, audience=caller.audience)
        if (old.team, old.project) != (caller.team, caller.project):
            raise NotAllowed(f"The token {old.name!a} asks for another team or project than yours: sign in for that")
        expires_at = _within(caller, wanted, max_days).expires_at
    return tokens.rotate(session, token_id, grace, by, expires_at, max_days)


def revoke_own_token(session: Session, caller: Caller, token_id: str, by: By) -> Token:
    """Raises `NoAccount` and `NoSuchName`."""
    return tokens.revoke(session, _own(session, caller, token_id).id, by)


def change_own(
    session: Session, caller: Caller, by: By, *, full_name: str | None, team: str | None, project: str | None
) -> User:
    """His name at length, and for which of his teams he asks in the console. Raises `NoAccount` and `BadInput`."""
    user = own_user(session, caller)
    if team and team not in user.teams:
        raise BadInput(f"You are not in the team {team[:64]!a}: choose one of {', '.join(user.teams) or 'none'}")
    return change_user(session, user.login, UserChange(full_name=full_name, team=team, project=project), by)


def _own(session: Session, caller: Caller, token_id: str) -> Token:
    user = own_user(session, caller)
    mine = select(TokenRow.id).where(col(TokenRow.id) == token_id, col(TokenRow.user_id) == user.id)
    if session.exec(mine).first() is None:
        raise NoSuchName(f"You have no token {token_id[:64]!a}: your account shows those you have")
    return tokens.token_by_id(session, token_id)


def _within(caller: Caller, wanted: NewToken, max_days: int) -> NewToken:
    """What is wanted by somebody who shows a token himself. Raises `NotAllowed`."""
    if wanted.audience is not None and wanted.audience != caller.audience:
        raise NotAllowed(
            "A token makes no token that asks for another team or project: sign in to the console for that"
        )
    if caller.until is None:
        return replace(wanted, audience=caller.audience)
    latest = min(caller.until, now() + dt.timedelta(days=max_days))
    if wanted.expires_at is not None and wanted.expires_at > caller.until:
        raise NotAllowed(
            f"A token makes no token that outlives it, and this one ends on {caller.until:%Y-%m-%d}: sign in to the "
            "console for that, or name an earlier end"
        )
    return replace(wanted, audience=caller.audience, expires_at=wanted.expires_at or latest)
