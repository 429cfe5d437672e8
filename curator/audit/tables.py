"""The record: who was given what, when, under which decision. Rows are added and never changed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class AuditRow(SQLModel, table=True):
    """One event."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_commit", "repo", "commit"),)

    id: str = Field(primary_key=True)
    """Sorts by time; given to the client as `X-Request-Id`."""
    at: dt.datetime = Field(sa_type=Utc, index=True)
    action: str = Field(index=True)
    """`download`, `refuse`, `decide`, `change`, `substitute`, `pin`, `waive`, `waiver-used`, `waiver-ended`, `list`,
    `list-ended`, `upstream-token`, `rules`, `mismatch`."""
    actor: str
    """Name of the token that asked; `anonymous`, or `curator` for what the service does by itself."""
    team: str = ""
    project: str = ""
    """Of whoever asked; empty if none is known."""
    kind: str
    """`model`, `dataset`, `space`; empty for all of them."""
    repo: str
    revision: str | None = None
    """As it was asked for."""
    commit: str | None = None
    path: str | None = None
    blob: str | None = None
    outcome: str
    decision: str | None = None
    """Id of the decision that was in force."""
    rules: str | None = None
    """Ids of the rules that made the outcome, comma-separated."""
    sentence: str | None = None
    """What the client was told."""
    address: str | None = None
    user_agent: str | None = None
