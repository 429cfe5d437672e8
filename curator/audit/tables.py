"""The record: who was given what, when, under which decision. Rows are added and never changed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc

_BY_PREFIX = {"repo": "text_pattern_ops"}
"""So that PostgreSQL finds what begins with a publisher's name, in whatever language it sorts."""


_COUNTED = (
    *("kind", "repo", "commit", "team", "actor", "project", "address"),
    *("files", "bytes", "first_at", "last_at"),
)


class AuditRow(SQLModel, table=True):
    """One event."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_seq", "seq", unique=True),
        Index("ix_audit_commit", "repo", "commit"),
        Index("ix_audit_of_action", "action", "seq"),
        Index("ix_audit_of_actor", "actor", "seq"),
        Index("ix_audit_of_team", "team", "seq"),
        Index("ix_audit_of_repo", "repo", "seq", postgresql_ops=_BY_PREFIX),
    )

    id: str = Field(primary_key=True)
    """Sorts by time; given to the client as `X-Request-Id`."""
    seq: int | None = Field(default=None, sa_type=BigInteger)
    """Its place in the record, from 1 on, without a gap."""
    at: dt.datetime = Field(sa_type=Utc, index=True)
    action: str
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
    token: str | None = None
    """Id of the token that was shown; None for a session of the console, for nobody, and for the service itself."""
    job: str | None = None
    """The run of a pipeline that asked, as its token says."""
    sentence: str | None = None
    """What the client was told."""
    address: str | None = None
    user_agent: str | None = None
    form: int = 1
    """Of what its digest is made (`chain.FORMS`)."""
    chain: bytes = b""
    """SHA-256 of the chain value of the row before and of this row's digest; 32 bytes."""


class AuditHeadRow(SQLModel, table=True):
    """Where the record ends: one row, which is there from the migration on."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    """Of the newest row; 0 before the first."""
    chain: bytes = b""
    """Of the newest row; 32 zero bytes before the first."""
    deleting: bool = False
    """True within the transaction of a retention alone: the database lets nobody else delete a row."""


class AuditFollowerRow(SQLModel, table=True):
    """How far something that is made from the record has come."""

    __tablename__ = "audit_followers"

    name: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    """Of the last row that it has taken."""


class AuditKeyRow(SQLModel, table=True):
    """A key that seals are signed with."""

    __tablename__ = "audit_keys"

    public: str = Field(primary_key=True)
    """Ed25519, hex."""
    private: str
    """Sealed with the key that is not in the database (`database.sealing`)."""
    made_at: dt.datetime = Field(sa_type=Utc)


class AuditSealRow(SQLModel, table=True):
    """The head of the record at some moment, signed."""

    __tablename__ = "audit_seals"

    seq: int = Field(primary_key=True, sa_type=BigInteger)
    chain: bytes
    at: dt.datetime = Field(sa_type=Utc)
    key: str
    """The public key, hex."""
    signature: bytes


class AuditGapRow(SQLModel, table=True):
    """Rows, one after the other, that were deleted because they were past their time; signed."""

    __tablename__ = "audit_gaps"

    first: int = Field(primary_key=True, sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
    before: bytes
    """Chain value of the row before the first."""
    after: bytes
    """Chain value of the last."""
    oldest: dt.datetime = Field(sa_type=Utc)
    newest: dt.datetime = Field(sa_type=Utc)
    at: dt.datetime = Field(sa_type=Utc)
    """When they were deleted; the last of them, if that was at several times."""
    key: str
    signature: bytes


class AuditHoldRow(SQLModel, table=True):
    """A legal hold: what it is about is not deleted while it stands. An empty condition is about everything."""

    __tablename__ = "audit_holds"

    id: str = Field(primary_key=True)
    repo: str = ""
    """Glob of repositories."""
    actor: str = ""
    team: str = ""
    since: dt.datetime | None = Field(default=None, sa_type=Utc)
    until: dt.datetime | None = Field(default=None, sa_type=Utc)
    reason: str
    placed_by: str
    placed_at: dt.datetime = Field(sa_type=Utc)
    ended_by: str | None = None
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    end_reason: str | None = None


class AuditCheckRow(SQLModel, table=True):
    """How the newest verification of the whole record ended: one row at most."""

    __tablename__ = "audit_checks"

    id: int = Field(primary_key=True)
    at: dt.datetime = Field(sa_type=Utc)
    rows: int = Field(sa_type=BigInteger)
    problems: int = Field(sa_type=BigInteger)
    sentence: str


class AuditSettingRow(SQLModel, table=True):
    """A setting as it was in force when a server last started."""

    __tablename__ = "audit_settings"

    server: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str
    """As it may be shown; of a secret a keyed digest."""


class UseRow(SQLModel, table=True):
    """Somebody was given files of a commit."""

    __tablename__ = "audit_uses"
    __table_args__ = (
        Index("ix_audit_uses_repo", "kind", "repo", "last_at", "id"),
        Index("ix_audit_uses_commit", "kind", "repo", "commit", "last_at", "id"),
        Index("ix_audit_uses_name", "repo", "last_at", postgresql_ops=_BY_PREFIX),
        Index("ix_audit_uses_actor", "actor", "last_at", "id"),
        # All that is counted of something popular: fifty thousand rows are read here alone, and not one by one.
        Index("ix_audit_uses_counted", *_COUNTED),
    )

    id: str = Field(primary_key=True)
    """Digest of the eight that follow."""
    kind: str
    repo: str
    commit: str
    actor: str
    token: str
    team: str
    project: str
    job: str
    first_at: dt.datetime = Field(sa_type=Utc)
    last_at: dt.datetime = Field(sa_type=Utc)
    files: int = Field(sa_type=BigInteger)
    """How often a file was given."""
    bytes: int = Field(sa_type=BigInteger)
    """Sizes of these files; those that were fetched in parts are counted whole."""
    address: str
    """The last one it was given to."""
    user_agent: str


class UsedBlobRow(SQLModel, table=True):
    """A file with this content was given out as part of this commit."""

    __tablename__ = "audit_used_blobs"

    blob: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    commit: str = Field(primary_key=True)


class AskRow(SQLModel, table=True):
    """Somebody asked for a commit and was not given it."""

    __tablename__ = "audit_asks"
    __table_args__ = (
        Index("ix_audit_asks_commit", "kind", "repo", "commit", "last_at", "id"),
        Index("ix_audit_asks_name", "repo", "last_at", postgresql_ops=_BY_PREFIX),
    )

    id: str = Field(primary_key=True)
    """Digest of the six that follow."""
    kind: str
    repo: str
    commit: str
    actor: str
    team: str
    project: str
    first_at: dt.datetime = Field(sa_type=Utc)
    last_at: dt.datetime = Field(sa_type=Utc)
    times: int = Field(sa_type=BigInteger)
    outcome: str
    """The last one."""
    address: str
    user_agent: str


class AskedRow(SQLModel, table=True):
    """How many asked for a commit and were not given it: one row a commit, to sort a queue by."""

    __tablename__ = "audit_asked"

    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    commit: str = Field(primary_key=True)
    requesters: int
    """Different ones, by name, team and project."""
    times: int = Field(sa_type=BigInteger)
    first_at: dt.datetime = Field(sa_type=Utc)
    last_at: dt.datetime = Field(sa_type=Utc)


class HourRow(SQLModel, table=True):
    """Which rows of the record are of an hour: `first` and `last` are the outermost of them, by `seq`."""

    __tablename__ = "audit_hours"

    hour: dt.datetime = Field(primary_key=True, sa_type=Utc)
    first: int = Field(sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)


class TrafficRow(SQLModel, table=True):
    """What was asked for in an hour, by what became of it."""

    __tablename__ = "audit_traffic"

    hour: dt.datetime = Field(primary_key=True, sa_type=Utc)
    action: str = Field(primary_key=True)
    """`download` or `refuse`."""
    outcome: str = Field(primary_key=True)
    requests: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)


class TopRow(SQLModel, table=True):
    """What was asked of a repository on a day (UTC)."""

    __tablename__ = "audit_top"
    __table_args__ = (Index("ix_audit_top_downloads", "day", "downloads"),)

    day: dt.date = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    downloads: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    refusals: int = Field(sa_type=BigInteger)
