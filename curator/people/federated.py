"""What an identity provider says of somebody, made into a person here: at each sign-in anew."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from curator.errors import BadInput, UnknownToken
from curator.people.by import By
from curator.people.names import NAME, Taken, check_email, check_text
from curator.people.oidc import Identity, NoGroup, standing
from curator.people.roles import Role
from curator.people.tables import TeamRow
from curator.people.teams import add_member, make_team, remove_member
from curator.people.users import (
    ROLES,
    NewUser,
    User,
    UserChange,
    change_user,
    find_user,
    make_user,
    user_by_identity,
)
from curator.settings import Settings
from rules.circumstances import Audience

log = logging.getLogger(__name__)


def user_of(session: Session, identity: Identity, settings: Settings, by: By) -> User:
    """The person, as his groups make him at this moment; made if he was never here.

    Raises `NoGroup`, `UnknownToken` for one who is disabled, and `Taken`: a local account is never taken over.
    """
    role, teams = standing(identity, settings.oidc_roles, ROLES)
    by = replace(by, name="identity provider")
    teams = tuple(team for team in teams if _is_there(session, team, by))
    user = user_by_identity(session, identity.issuer, identity.subject)
    if user is None:
        return _new(session, identity, Role(role), teams, by)
    if not user.active:
        raise UnknownToken(f"{user.login} is disabled here: ask an administrator")
    managed = {group.team for group in settings.oidc_roles.values() if group.team is not None}
    for team in teams:
        add_member(session, team, user.login, by)
    for team in set(user.teams) & managed - set(teams):
        remove_member(session, team, user.login, by)
    user = find_user(session, user.login)
    home = user.team if user.team in user.teams else next(iter(user.teams), "")
    change = UserChange(
        role=Role(role),
        team=home if home != user.team else None,
        full_name=_line(identity.full_name) or None,
        email=_email(identity.email) or None,
    )
    return change_user(session, user.login, change, by)


def _new(session: Session, identity: Identity, role: Role, teams: Sequence[str], by: By) -> User:
    login = identity.name.partition("@")[0]
    if not NAME.fullmatch(login):
        raise NoGroup(
            f"The identity provider calls you {identity.name[:80]!a}, which is no name here: an administrator chooses "
            "another claim with CURATOR_OIDC_NAME_CLAIM"
        )
    try:
        return make_user(
            session,
            NewUser(
                login=login,
                role=role,
                full_name=_line(identity.full_name),
                email=_email(identity.email),
                home=Audience(teams[0] if teams else "", ""),
                teams=teams,
                issuer=identity.issuer,
                subject=identity.subject,
            ),
            by,
        )
    except Taken:
        raise Taken(
            f"There is an account or a token {login} here already that is not of the identity provider, and is not "
            "taken over: ask an administrator to link the two, or to rename one"
        ) from None


def _is_there(session: Session, team: str, by: By) -> bool:
    """Whether one can be in the team; it is made if it never was, and one that was ended stays so."""
    row = session.get(TeamRow, team)
    if row is None:
        make_team(session, team, "", by)
        return True
    return row.ended_at is None


def _line(text: str) -> str:
    try:
        return check_text("name", text)
    except BadInput:
        return ""


def _email(text: str) -> str:
    try:
        return check_email(text)
    except BadInput:
        return ""
