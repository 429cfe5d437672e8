"""Tokens of the mirror: made once, shown once, kept as a digest; each has an owner or is a service's, and may end."""

from __future__ import annotations

import datetime as dt
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.database.engine import Database, new_id, now
from curator.database.generation import changed
from curator.errors import BadInput
from curator.people.bearer import digest_of, with_owners
from curator.people.by import By
from curator.people.mark import MARK
from curator.people.names import NoSuchName, check_audience, check_no_persons_name, check_text
from curator.people.recording import record
from curator.people.roles import MAY, Role
from curator.people.tables import MembershipRow, TokenRow, UserRow
from curator.people.token import Token, value_of
from curator.types import check_no_secret
from rules.circumstances import EVERYBODY, Audience

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_LETTERS = 34
_LONGEST_NAME = 100
_FARTHEST_DAYS = 36_500
FIRST = By("curator")
"""Who makes the token of the first start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that is to be made."""

    name: str
    role: Role = Role.DEVELOPER
    owner: str | None = None
    """Login of the person it belongs to."""
    audience: Audience | None = None
    """For whom it asks; None: for its owner's home team and project."""
    description: str = ""
    expires_at: dt.datetime | None = None
    job: str = ""


def make_token(session: Session, wanted: NewToken, by: By, max_days: int | None = None) -> tuple[Token, str]:
    """The token, and its text, which cannot be had again.

    `max_days` is how long a person's token may live; it does so where no end is named. Raises `BadInput` and
    `NoSuchName`.
    """
    owner = _owner(session, wanted.owner)
    expires_at = _end(wanted.expires_at, max_days if owner is not None else None)
    audience = wanted.audience or (Audience(owner.team, owner.project) if owner is not None else EVERYBODY)
    _check(session, wanted, owner, audience)
    row = TokenRow(
        id=new_id(),
        digest="",
        name=wanted.name,
        role=wanted.role.value,
        team=audience.team,
        project=audience.project,
        user_id=owner.id if owner is not None else None,
        description=check_text("description", wanted.description),
        created_at=now(),
        created_by=by.name,
        expires_at=expires_at,
        job=wanted.job,
    )
    text = _put(session, row)
    record(session, Action.TOKEN, by, _subject(row, owner), "made", f"{_what(row, owner)} was made{_lasts(row)}")
    return value_of(row, owner), text


def revoke(session: Session, token_id: str, by: By) -> Token:
    """It is worth nothing from this moment on. Raises `NoSuchName`."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NoSuchName(f"There is no token {token_id[:64]!a}: `curator token list` shows those there are")
    owner = session.get(UserRow, row.user_id) if row.user_id is not None else None
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = now(), by.name
        session.add(row)
        session.flush()
        changed(session)
        record(session, Action.TOKEN, by, _subject(row, owner), "revoked", f"{_what(row, owner)} was revoked")
    return value_of(row, owner)


def revoke_named(session: Session, name: str, owner: str | None, by: By) -> list[Token]:
    """All valid ones of that name, of this person or of nobody. Raises `NoSuchName`."""
    return [revoke(session, row.id, by) for row in _named(session, name, owner)]


def rotate(
    session: Session,
    token_id: str,
    grace: dt.timedelta,
    by: By,
    expires_at: dt.datetime | None = None,
    max_days: int | None = None,
) -> tuple[Token, str]:
    """Another token in its place, with its text; the old one ends after the grace, and before it if it would anyhow.

    The new one lasts as long as the old one was to, from now on, unless it is said otherwise. Raises `BadInput` and
    `NoSuchName`.
    """
    old = session.get(TokenRow, token_id)
    if old is None or old.revoked_at is not None:
        raise NoSuchName(f"There is no valid token {token_id[:64]!a}: `curator token list` shows those there are")
    owner = session.get(UserRow, old.user_id) if old.user_id is not None else None
    if old.job:
        raise BadInput("A token that was made for a run of a pipeline is not made anew: the next run gets its own")
    most = max_days if owner is not None else None
    if expires_at is None and old.expires_at is not None:
        lasts = old.expires_at - old.created_at
        expires_at = now() + (lasts if most is None else min(lasts, dt.timedelta(days=most)))
    row = TokenRow(
        id=new_id(),
        digest="",
        name=old.name,
        role=old.role,
        team=old.team,
        project=old.project,
        user_id=old.user_id,
        description=old.description,
        created_at=now(),
        created_by=by.name,
        expires_at=_end(expires_at, most),
    )
    text = _put(session, row)
    end = now() + grace
    old.expires_at = end if old.expires_at is None else min(end, old.expires_at)
    session.add(old)
    session.flush()
    said = f"{_what(row, owner)} was made anew{_lasts(row)}; the old one ends {_moment(old.expires_at)}"
    record(session, Action.TOKEN, by, _subject(row, owner), "rotated", said)
    return value_of(row, owner), text


def find_token(session: Session, name: str, owner: str | None = None) -> Token:
    """The newest valid one of that name, of this person or of nobody. Raises `NoSuchName`."""
    row = _named(session, name, owner)[-1]
    return value_of(row, session.get(UserRow, row.user_id) if row.user_id is not None else None)


def token_by_id(session: Session, token_id: str) -> Token:
    """Raises `NoSuchName`."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NoSuchName(f"There is no token {token_id[:64]!a}: `curator token list` shows those there are")
    return value_of(row, session.get(UserRow, row.user_id) if row.user_id is not None else None)


def list_tokens(
    session: Session,
    *,
    state: str = "all",
    owner: str | None = None,
    team: str | None = None,
    search: str = "",
    jobs: bool = False,
    after: str = "",
    limit: int = 50,
) -> list[Token]:
    """Newest first; `state` is `active`, `ended` or `all`, `after` the last id of the page before.

    Those of runs of pipelines are left out unless `jobs` asks for them: each run has one.
    """
    # Ids alone first: whether a token fits is told by an index that has all of that, whose it is by a short list.
    query = select(TokenRow.id).order_by(col(TokenRow.id).desc()).limit(limit)
    if after:
        query = query.where(TokenRow.id < after)
    if not jobs:
        query = query.where(TokenRow.job == "")
    if state != "all":
        disabled = select(UserRow.id).where(col(UserRow.disabled_at).is_not(None))
        valid = (
            col(TokenRow.revoked_at).is_(None)
            & (col(TokenRow.expires_at).is_(None) | (col(TokenRow.expires_at) > now()))
            & (col(TokenRow.user_id).is_(None) | col(TokenRow.user_id).not_in(disabled))
        )
        query = query.where(valid if state == "active" else ~valid)
    if owner is not None:
        query = query.where(col(TokenRow.user_id).in_(select(UserRow.id).where(UserRow.folded == owner.lower())))
    if team is not None:
        query = query.where(TokenRow.team == team)
    if search:
        text = search.strip().lower()
        # People are looked through once, and not for each of their tokens.
        theirs = select(UserRow.id).where(col(UserRow.folded).contains(text, autoescape=True))
        query = query.where(or_(_says(session, text), col(TokenRow.user_id).in_(theirs)))
    found = session.exec(query).all()
    rows = session.exec(with_owners().where(col(TokenRow.id).in_(found)).order_by(col(TokenRow.id).desc()))
    return [value_of(row, user) for row, user in rows]


def _says(session: Session, text: str) -> ColumnElement[bool]:
    """Whether name or description have this in them, in small letters or in capitals."""
    name, description = col(TokenRow.name), col(TokenRow.description)
    if session.get_bind().dialect.name == "sqlite":
        # Its LIKE takes both for the same, and needs half the time for two columns as they are.
        return or_(name.contains(text, autoescape=True), description.contains(text, autoescape=True))
    return func.lower(name + "\n" + description).contains(text, autoescape=True)


def create_token(database: Database, name: str, role: Role, audience: Audience = EVERYBODY) -> str:
    """Make a token that is nobody's and has no end, and return its text."""
    with database.write() as session:
        return make_token(session, NewToken(name=name, role=role, audience=audience), FIRST)[1]


def create_first_admin(database: Database) -> str | None:
    """The token of the first start; None at every later one."""
    with database.write() as session:
        if session.exec(select(TokenRow.id).limit(1)).first() is not None:
            return None
        return make_token(session, NewToken(name="admin", role=Role.ADMIN), FIRST)[1]


def _check(session: Session, wanted: NewToken, owner: UserRow | None, audience: Audience) -> None:
    name = wanted.name
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadInput("A token needs a name of 1 to 100 printable characters, so that the record can say whose it is")
    check_no_secret("name", name)
    if wanted.role is Role.ANONYMOUS:
        raise BadInput("No token is for nobody: name a role")
    if not wanted.job and _valid(session, name, owner.id if owner is not None else None):
        raise BadInput(f"There is a token named {name!r} already: revoke it first, or choose another name")
    check_audience(session, audience)
    if owner is None:
        check_no_persons_name(session, name)
        return
    if owner.disabled_at is not None:
        raise BadInput(f"{owner.login} is disabled and gets no token: enable the person first")
    if not MAY[wanted.role] <= MAY[Role(owner.role)]:
        raise BadInput(f"A token may not do more than whoever it belongs to: {owner.login} has the role {owner.role}")
    if audience.team and session.get(MembershipRow, (owner.id, audience.team)) is None:
        raise BadInput(
            f"{owner.login} is not in the team {audience.team!r}: a person's token asks for a team of theirs"
        )


def _owner(session: Session, login: str | None) -> UserRow | None:
    if login is None:
        return None
    row = session.exec(select(UserRow).where(UserRow.folded == login.lower())).first()
    if row is None:
        raise NoSuchName(f"There is no person named {login[:80]!a}: `curator user list` shows those there are")
    return row


def _end(wanted: dt.datetime | None, max_days: int | None) -> dt.datetime | None:
    """When a token ends. Raises `BadInput` for an end that is over, or too far."""
    latest = now() + dt.timedelta(days=_FARTHEST_DAYS if max_days is None else max_days)
    if wanted is None:
        return latest if max_days is not None else None
    if wanted <= now():
        raise BadInput("A token cannot end before it begins: name a day that is still to come")
    # A day is named by its end, which may be some hours more.
    if wanted > latest + dt.timedelta(days=1):
        raise BadInput(
            f"A token may last {_FARTHEST_DAYS if max_days is None else max_days} days here "
            "(CURATOR_TOKEN_MAX_DAYS): name an earlier end"
        )
    return wanted


def _put(session: Session, row: TokenRow) -> str:
    text = MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LETTERS))
    row.digest = digest_of(text)
    session.add(row)
    session.flush()
    changed(session)
    return text


def _valid(session: Session, name: str, user_id: str | None) -> list[TokenRow]:
    """Those of that name that are worth something, the oldest first."""
    of = col(TokenRow.user_id) == user_id if user_id is not None else col(TokenRow.user_id).is_(None)
    query = (
        select(TokenRow)
        .where(TokenRow.name == name, of, col(TokenRow.revoked_at).is_(None))
        .where(or_(col(TokenRow.expires_at).is_(None), col(TokenRow.expires_at) > now()))
        .order_by(col(TokenRow.id))
    )
    return list(session.exec(query))


def _named(session: Session, name: str, owner: str | None) -> Sequence[TokenRow]:
    user = _owner(session, owner)
    rows = _valid(session, name, user.id if user is not None else None)
    if not rows:
        whose = f" of {user.login}" if user is not None else ""
        raise NoSuchName(f"There is no token named {name[:100]!r}{whose}: `curator token list` shows those there are")
    return rows


def _subject(row: TokenRow, owner: UserRow | None) -> str:
    return f"{owner.login}/{row.name}" if owner is not None else row.name


def _what(row: TokenRow, owner: UserRow | None) -> str:
    audience = Audience(row.team, row.project)
    whose = f" of {owner.login}" if owner is not None else ""
    whom = f" for {str(audience).strip('/')}" if audience != EVERYBODY else ""
    return f"The token {row.name!a}{whose}, {row.role}{whom},"


def _lasts(row: TokenRow) -> str:
    return f", to end {_moment(row.expires_at)}" if row.expires_at is not None else ", without an end"


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
