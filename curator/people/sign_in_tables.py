"""How people are known to the console: passwords, links to choose one, sessions, and attempts to begin one."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class PasswordRow(SQLModel, table=True):
    """That a person may sign in by a password; apart from `users`, so that whoever lists people reads none."""

    __tablename__ = "passwords"

    user_id: str = Field(primary_key=True)
    hashed: str
    """Argon2id, with its parameters and salt (PHC string format)."""
    changed_at: dt.datetime = Field(sa_type=Utc)


class InvitationRow(SQLModel, table=True):
    """A link by which a person chooses a password, or has the account known to the identity provider; once."""

    __tablename__ = "invitations"

    digest: str = Field(primary_key=True)
    """SHA-256 of what the link has at its end, hex: that has 256 random bits."""
    user_id: str = Field(unique=True)
    """A newer link takes the place of an older one."""
    purpose: str = "password"
    """An `accounts.Purpose`."""
    made_at: dt.datetime = Field(sa_type=Utc)
    made_by: str
    ends_at: dt.datetime = Field(sa_type=Utc)


class SessionRow(SQLModel, table=True):
    """A session of the console, for as long as it lasts."""

    __tablename__ = "sessions"

    id: str = Field(primary_key=True)
    """By which it is listed and ended; worth nothing to whoever has it."""
    digest: str = Field(unique=True)
    """SHA-256 of the cookie, hex: that has 256 random bits."""
    user_id: str | None = Field(default=None, index=True)
    token_id: str | None = None
    """The token that it was begun with, and ends with; None if it was begun otherwise."""
    role: str
    """His, when he signed in: with another he is to sign in anew."""
    way: str
    """`password`, `token` or `oidc`."""
    sid: str | None = Field(default=None, index=True)
    """What the identity provider calls the session that this one came from, if it says so."""
    began_at: dt.datetime = Field(sa_type=Utc)
    seen_at: dt.datetime = Field(sa_type=Utc)
    """To the minute."""
    ends_at: dt.datetime = Field(sa_type=Utc, index=True)
    address: str = ""
    user_agent: str = ""


class LogoutTokenRow(SQLModel, table=True):
    """A word of the identity provider that somebody's session has ended, until it is too old to be shown again."""

    __tablename__ = "logout_tokens"

    digest: str = Field(primary_key=True)
    """SHA-256 of its `jti`, hex."""
    ends_at: dt.datetime = Field(sa_type=Utc, index=True)


class AttemptRow(SQLModel, table=True):
    """Attempts to sign in that failed, of late: by one account, or from one address."""

    __tablename__ = "sign_in_attempts"

    key: str = Field(primary_key=True)
    """A digest: what is typed as a name is a password, sometimes."""
    failures: int
    last_at: dt.datetime = Field(sa_type=Utc, index=True)
    until: dt.datetime | None = Field(default=None, sa_type=Utc)
    """Before this moment none is looked at."""
