"""What people ask for, what was answered, and what waits for an answer."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class RequestRow(SQLModel, table=True):
    """Somebody's wish for an exception; never deleted."""

    __tablename__ = "requests"
    __table_args__ = (Index("ix_requests_repo", "kind", "repo", "state"), Index("ix_requests_state", "state", "id"))

    id: str = Field(primary_key=True)
    """Sorts by time."""
    kind: str
    repo: str
    commit: str
    """The newest that somebody asked for."""
    snapshot_id: int = Field(foreign_key="snapshots.id")
    decision: str
    """The newest that stood in somebody's way."""
    outcome: str
    """Of that decision; `left-out` where files of an allowed commit are wanted."""
    team: str = ""
    project: str = ""
    """The audience that it is asked for."""
    rules: str
    """Ids of the rules that it asks an exception from, sorted, comma-separated."""
    files: str = "[]"
    """JSON list of paths that it is about; empty for all."""
    until: dt.datetime | None = Field(default=None, sa_type=Utc)
    """The longest that somebody wants it for."""
    state: str
    """A `states.State`."""
    asked_at: dt.datetime = Field(sa_type=Utc)
    changed_at: dt.datetime = Field(sa_type=Utc)


class RequesterRow(SQLModel, table=True):
    """One who wants it."""

    __tablename__ = "requesters"
    __table_args__ = (Index("ix_requesters_name", "name", "request_id"),)

    request_id: str = Field(primary_key=True, foreign_key="requests.id")
    name: str = Field(primary_key=True)
    reason: str
    """What for."""
    until: dt.datetime | None = Field(default=None, sa_type=Utc)
    at: dt.datetime = Field(sa_type=Utc)


class RequestEventRow(SQLModel, table=True):
    """One step of a request's history."""

    __tablename__ = "request_events"
    __table_args__ = (Index("ix_request_events_request", "request_id", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    request_id: str = Field(foreign_key="requests.id")
    step: str
    """A `states.Step`."""
    by: str
    said: str
    at: dt.datetime = Field(sa_type=Utc)


_READ = (
    "waits",
    "since_s",
    "last_s",
    "requests",
    "requesters",
    "risk",
    "held",
    "id",
    "owners",
    "teams",
    "publisher",
    "family",
)


class WaitingRow(SQLModel, table=True):
    """A repository that waits for a reviewer: one line of the queue, made of what is held and what is asked for."""

    __tablename__ = "review_items"
    __table_args__ = (
        Index("ix_review_items_repo", "kind", "repo", unique=True),
        # All that the queue is sorted by and narrowed down by: what is not on the page is not read.
        Index("ix_review_items_waits", *_READ),
        Index("ix_review_items_publisher", "publisher", "waits", "since_s"),
        Index("ix_review_items_family", "family", "waits", "since_s"),
    )

    id: str = Field(primary_key=True)
    kind: str
    repo: str
    publisher: str = ""
    family: str = ""
    """The repository that it was made from; its own name where it was made from none."""
    commit: str
    snapshot_id: int
    decision: str
    """The newest that stands in somebody's way."""
    outcome: str
    """`hold`, `block` or `left-out`."""
    rules: str
    """Between commas, and with one at each end: looked for by `,rule,`."""
    owners: str
    """The groups that answer for these rules, likewise."""
    teams: str
    """Whose members wait, likewise."""
    held: bool
    requests: int
    """Open ones."""
    requesters: int
    """People and builds that wait."""
    risk: int
    """1 to 4."""
    since_s: int = Field(sa_type=BigInteger)
    """When the first of them asked, in seconds since 1970."""
    last_s: int = Field(sa_type=BigInteger)
    """When somebody asked last."""
    waits: bool = True
    """Until it is decided about; afterwards the row stays, to say who did."""
    closed_by: str = ""
    closed_as: str = ""
    closed_at: dt.datetime | None = Field(default=None, sa_type=Utc)


class WaiterRow(SQLModel, table=True):
    """Somebody who was refused a held commit and has said nothing of it."""

    __tablename__ = "review_waiters"

    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    team: str = Field(default="", primary_key=True)
    project: str = Field(default="", primary_key=True)
    commit: str
    decision: str
    first_s: int = Field(sa_type=BigInteger)
    last_s: int = Field(sa_type=BigInteger)


class ProposalRow(SQLModel, table=True):
    """What one person has approved, and another must agree to before it holds."""

    __tablename__ = "proposals"
    __table_args__ = (Index("ix_proposals_state", "state", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    item_id: str = Field(index=True)
    """The line of the queue that it is about."""
    repo: str
    rules: str
    """Ids of the rules that want several people, comma-separated."""
    needs: int
    """People who must agree, the first among them."""
    verdict: str
    """JSON of `deciding.Verdict`."""
    agreed: str
    """JSON list of those who agree so far."""
    state: str
    """A `proposals.State`."""
    at: dt.datetime = Field(sa_type=Utc)
    expires_at: dt.datetime = Field(sa_type=Utc)
    ended_by: str = ""
    said: str = ""
    """Why it was rejected."""
