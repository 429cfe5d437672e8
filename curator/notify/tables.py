"""What people are told, how each wants to be told, and what is still on its way to where."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc

BEGUN = ""
"""`NoticeRow.told_to` of one that is to go out, and has reached nobody yet."""


class NoticeRow(SQLModel, table=True):
    """Something that people are told of; many that are alike and come at once are one."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_type", "type", "audience", "id"),
        Index("ix_notices_ref", "ref", "type"),
        Index("ix_notices_open_until", "open_until"),
        Index("ix_notices_told_to", "told_to"),
    )

    id: str = Field(primary_key=True)
    """Sorts by time."""
    type: str
    """A `NoticeType`."""
    at: dt.datetime = Field(sa_type=Utc)
    """Of the event, or of the first of many."""
    ref: str = ""
    """What later events are about, too: the id of a request, a waiver, an incident."""
    audience: str
    """Who may be told: `all`, `overseers`, `managers`, `team:NAME`, `mailbox:NAME` (of a team) or `person:NAME`."""
    count: int = 1
    """How many events it stands for."""
    open_until: dt.datetime | None = Field(default=None, sa_type=Utc)
    """It collects what is alike until then, and goes out after; None: it has gone out."""
    told_to: str | None = None
    """While it goes out: the id of the person up to whom it has, by ids. None: it has, or is not to yet."""
    last_at: dt.datetime = Field(sa_type=Utc)
    """Of the newest event that it stands for."""
    document: str
    """JSON, as webhooks are sent it."""
    title: str
    body: str
    """Plain text."""
    path: str
    """Of the page of the console about it."""


class NoticeReaderRow(SQLModel, table=True):
    """A notice that lies in a person's inbox, or waits for the digest of a team's mailbox (`team:NAME`)."""

    __tablename__ = "notice_readers"
    __table_args__ = (
        Index("ix_notice_readers_digest", "digest", "user_id", "notice_id"),
        Index("ix_notice_readers_unread", "user_id", "read_at", "notice_id"),
        Index("ix_notice_readers_notice_id", "notice_id"),
    )

    user_id: str = Field(primary_key=True)
    notice_id: str = Field(primary_key=True, foreign_key="notices.id")
    read_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    digest: bool = False
    """That it is to be in the next digest."""


class NoticeChoiceRow(SQLModel, table=True):
    """How a person wants to be told; whoever has none is told as his role suggests."""

    __tablename__ = "notice_choices"

    user_id: str = Field(primary_key=True)
    choices: str
    """JSON, by type: `off`, `inbox`, `digest`, `now`."""
    about: str
    """`all` that he may see, what concerns his `teams`, or the repositories that he `asked` for."""
    repos: str
    """JSON list of globs; empty for all."""
    rhythm: str
    """`daily` or `weekly` (on Mondays)."""
    hour: int
    """Of the digest, where he is."""
    utc_offset: int
    """Minutes that his clock is before UTC."""
    changed_at: dt.datetime = Field(sa_type=Utc)


class MailboxRow(SQLModel, table=True):
    """Where a team is told by mail of what concerns it."""

    __tablename__ = "team_mailboxes"

    team: str = Field(primary_key=True)
    address: str
    choices: str
    """JSON, by subject: `off`, `digest`, `now`."""
    rhythm: str
    hour: int
    utc_offset: int
    """As of a person's choices."""
    changed_at: dt.datetime = Field(sa_type=Utc)
    changed_by: str


class WebhookRow(SQLModel, table=True):
    """An address that is sent notices; ended, and deleted with its deliveries when they are old."""

    __tablename__ = "webhooks"

    id: str = Field(primary_key=True)
    name: str
    url: str
    format: str
    """`json`, or `text` as Slack and Teams read it."""
    types: str
    """JSON list of `NoticeType`s; empty for all."""
    repos: str
    """JSON list of globs; empty for all."""
    team: str = ""
    """Only what this team may know; empty: everything."""
    sealed: str
    """Its secret, sealed."""
    sealed_before: str | None = None
    """The one before it, with which everything is signed as well until `before_until`."""
    before_until: dt.datetime | None = Field(default=None, sa_type=Utc)
    created_at: dt.datetime = Field(sa_type=Utc)
    created_by: str
    failing_since: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When the first of the failures came that nothing has succeeded after."""
    paused_until: dt.datetime | None = Field(default=None, sa_type=Utc)
    """It is left alone until then, since it did not answer."""
    disabled_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    disabled_why: str | None = None
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)


class DeliveryRow(SQLModel, table=True):
    """A notice on its way to one place. It is made with the notice, and ends `sent` or `dead`."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_webhook", "webhook_id", "id"),
        Index("ix_deliveries_state", "state", "id"),
        Index("ix_deliveries_due", "state", "webhook_id", "due_at"),
    )

    id: str = Field(primary_key=True)
    """The `webhook-id`, the same at each attempt and replay."""
    notice_id: str = Field(foreign_key="notices.id", index=True)
    webhook_id: str | None = None
    user_id: str | None = None
    """The person that gets it as a mail, or `team:NAME`; the address is looked up when it is sent."""
    state: str
    """`waiting`, `sent` or `dead`."""
    attempts: int = 0
    """Since it was made or replayed."""
    due_at: dt.datetime = Field(sa_type=Utc)
    """Of the next attempt; while somebody tries it, when another may, since he must have died."""
    created_at: dt.datetime = Field(sa_type=Utc)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    status: int | None = None
    """Of the last answer."""
    answer: str | None = None
    """Its first letters."""
    error: str | None = None
    """Why the last attempt failed."""


class NoticeMarkRow(SQLModel, table=True):
    """What was said last about something that is looked at again and again."""

    __tablename__ = "notice_marks"

    key: str = Field(primary_key=True)
    """`health:upstream`, `ending:<id>:3`, `digest:<user>`."""
    value: str
    at: dt.datetime = Field(sa_type=Utc)
