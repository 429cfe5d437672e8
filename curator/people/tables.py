"""Who may ask: people, the teams and projects that they ask for, and tokens of people and services.

Nothing here is ever deleted but a membership: the record names people, teams and tokens, and must be understood later.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class UserRow(SQLModel, table=True):
    """One person."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="uq_users_identity"),)

    id: str = Field(primary_key=True)
    login: str
    """His name as he writes it, and as the record has it."""
    folded: str = Field(unique=True)
    """The same in lower case, by which he is found: no two people differ in capitals alone."""
    full_name: str = ""
    email: str = ""
    role: str
    """A `Role`, other than `robot` and `anonymous`."""
    team: str = ""
    project: str = ""
    """For whom he asks where he shows no token; the team is one of his own."""
    created_at: dt.datetime = Field(sa_type=Utc)
    created_by: str
    disabled_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    disabled_by: str | None = None
    last_seen_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """To the hour."""
    issuer: str | None = None
    subject: str | None = None
    """Who he is to an identity provider: its `iss`, and its `sub` for him."""
    person: str | None = Field(default=None, index=True)
    """The same for all accounts that are said to be one person; None for whoever has one."""


class TeamRow(SQLModel, table=True):
    """One team; there may be rules, lists and tokens for teams that nobody has made."""

    __tablename__ = "teams"

    name: str = Field(primary_key=True)
    title: str = ""
    created_at: dt.datetime = Field(sa_type=Utc)
    created_by: str
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    ended_by: str | None = None


class ProjectRow(SQLModel, table=True):
    """One project of a team."""

    __tablename__ = "projects"

    team: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    title: str = ""
    created_at: dt.datetime = Field(sa_type=Utc)
    created_by: str
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    ended_by: str | None = None


class MembershipRow(SQLModel, table=True):
    """That a person is in a team; the record knows who was."""

    __tablename__ = "memberships"

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    team: str = Field(primary_key=True, index=True)
    added_at: dt.datetime = Field(sa_type=Utc)
    added_by: str


_LISTED = ("job", "revoked_at", "expires_at", "user_id", "team", "name", "description")


class TokenRow(SQLModel, table=True):
    """One token; its text is never kept."""

    __tablename__ = "tokens"
    __table_args__ = (
        Index("ix_tokens_user_id", "user_id", "id"),
        Index("ix_tokens_name", "name"),
        Index("ix_tokens_team", "team", "revoked_at"),
        # All that tokens are looked for by, so that a search without a hit reads no token.
        Index("ix_tokens_listed", "id", *_LISTED),
    )

    id: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    """SHA-256 of the token, hex: it has 200 random bits, so nothing slower is needed."""
    name: str
    """Of a person's token: unique among his valid ones; of any other: among the valid ones that are nobody's."""
    role: str
    """A `Role`, other than `anonymous`; whoever it belongs to may make it less (`roles.lesser`)."""
    team: str = ""
    project: str = ""
    """For whom it asks; rules, waivers and lists may be for some teams or projects alone. Empty: for nobody special."""
    user_id: str | None = None
    """Whose it is; None for a service or a build."""
    description: str = ""
    created_at: dt.datetime = Field(sa_type=Utc)
    created_by: str = ""
    """Empty where that was not yet kept."""
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    last_used_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """To the hour."""
    revoked_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    revoked_by: str | None = None
    job: str = ""
    """The run of a pipeline that it was made for."""
