"""The record: who was given what, when, under which decision. Rows are added and never changed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class AuditRow(SQLModel, table=True):
    """One event."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_commit", "repo", "commit"),)

    id: str = Field(primary_key=True)
    """Sorts by time; given to the client as `X-Request-Id`."""
    seq: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """Its place in the record, from 1 on, without a gap."""
    at: dt.datetime = Field(sa_type=Utc, index=True)
    action: str = Field(index=True)
    """A `record.Action`."""
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
    subject: str | None = None
    """What else it is about than a repository: a person, a token, a request, by name or id."""
    size: int | None = Field(default=None, sa_type=BigInteger)
    """Bytes of the file that was asked for."""
    job: str | None = None
    """The run of a pipeline that asked, as its token says."""
    sentence: str | None = None
    """What the client was told."""
    address: str | None = None
    user_agent: str | None = None


class AuditHeadRow(SQLModel, table=True):
    """Where the record ends: one row, which is there from the migration on."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    """Of the newest row; 0 before the first."""


class AuditFollowerRow(SQLModel, table=True):
    """How far something that is made from the record has come."""

    __tablename__ = "audit_followers"

    name: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    """Of the last row that it has taken."""
