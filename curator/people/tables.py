"""Who may ask: people, services and their tokens."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class TokenRow(SQLModel, table=True):
    """One token; its text is never kept."""

    __tablename__ = "tokens"

    id: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    """SHA-256 of the token, hex: it has 200 random bits, so nothing slower is needed."""
    name: str
    role: str
    """A `Role`, other than `anonymous`."""
    team: str = ""
    project: str = ""
    """For whom it asks; rules, waivers and lists may be for some teams or projects alone. Empty: for nobody special."""
    created_at: dt.datetime = Field(sa_type=Utc)
    revoked_at: dt.datetime | None = Field(default=None, sa_type=Utc)
