"""What is still to be done: the truth of it is here, and a broker only wakes the workers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class WorkRow(SQLModel, table=True):
    """One piece of work, named by task and key: asked for twice, it is done once."""

    __tablename__ = "work"
    __table_args__ = (UniqueConstraint("task", "key"), Index("ix_work_state_due", "state", "due_at"))

    id: int | None = Field(default=None, primary_key=True)
    task: str
    key: str
    state: str
    """`waiting`, `running`, `done` or `failed`."""
    attempts: int = 0
    owner: str | None = None
    """The worker that holds the lease."""
    due_at: dt.datetime = Field(sa_type=Utc)
    """Waiting: when a worker is to be woken (again). Running: when the lease ends."""
    error: str | None = None
    """Why the last attempt failed, as a sentence."""
    created_at: dt.datetime = Field(sa_type=Utc)
    """When it was asked for, the last time that it began anew."""
