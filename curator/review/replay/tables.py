"""Trials of rules, as they are kept."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class RuleTrialRow(SQLModel, table=True):
    """One draft that was, or is, tried."""

    __tablename__ = "rule_trials"

    id: str = Field(primary_key=True)
    """Sorts by time."""
    by: str
    source: str
    catalogue: bool
    days: float
    against: str | None = None
    state: str
    """`running`, `done`, `failed` or `cancelled`."""
    tried: int = 0
    """Decisions so far."""
    total: int = 0
    begun_at: dt.datetime = Field(sa_type=Utc)
    seen_at: dt.datetime = Field(sa_type=Utc)
    """When the process that tries it last said so; one that died says nothing."""
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    result: str | None = None
    """JSON of `report.document`."""
    problem: str | None = None
