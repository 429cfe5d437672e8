"""What the mirror's own addresses keep: requests that were sent with a key."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class RepeatedRow(SQLModel, table=True):
    """One request that was sent with an `Idempotency-Key`."""

    __tablename__ = "repeated"

    who: str = Field(primary_key=True)
    """Id of the person or the token."""
    key: str = Field(primary_key=True)
    digest: str
    """SHA-256 of the request, and of for whom it was."""
    holder: str
    """Names the one run of it that may change anything."""
    begun_at: dt.datetime = Field(sa_type=Utc, index=True)
    changed: bool = False
    """Set in the very transaction of the change."""
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    status: int | None = None
    body: str | None = None
    """The answer, as JSON; None where it is not kept."""
