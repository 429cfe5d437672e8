"""Notices, webhooks and deliveries, as the management API shows them, and as it is told of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from curator.notify.choices import MOST_GLOBS, MOST_OFFSET
from curator.web.documents import Answer, Moment, Next

Type = Annotated[str, Field(max_length=40, examples=["model.held"], description="A type of notice (docs/notices.md).")]
Glob = Annotated[str, Field(min_length=1, max_length=200, examples=["acme/*"])]
Globs = Annotated[list[Glob], Field(max_length=MOST_GLOBS, description="Repositories, or globs of them; empty: all.")]
Ways = Literal["off", "inbox", "digest", "now"]
EmptyName = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")]


class Notice(Answer):
    """Something that whoever asks was told."""

    id: str
    type: Type
    at: Moment
    title: str
    text: str
    link: str
    count: Annotated[int, Field(description="How many events it stands for.")]
    read_at: Moment | None


class Notices(Answer):
    """A page of an inbox, the newest first."""

    notices: list[Notice]
    unread: Annotated[int, Field(ge=0, le=100, description="How many are not read; 100: as many or more.")]
    next: Next


class Reading(BaseModel):
    """What was read."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]] | None,
        Field(max_length=500, description="Of notices; null: all."),
    ] = None


class Read(Answer):
    """How many were read with this."""

    read: Annotated[int, Field(ge=0)]


class WantedChoices(BaseModel):
    """How somebody wants to be told."""

    model_config = ConfigDict(extra="forbid")

    ways: Annotated[
        dict[Annotated[str, Field(max_length=40)], Ways],
        Field(max_length=40, description="By subject; what is not named is off."),
    ]
    about: Literal["all", "teams", "asked"] = "all"
    repos: Globs = []
    rhythm: Literal["daily", "weekly"] = "daily"
    hour: Annotated[int, Field(ge=0, le=23)] = 7
    utc_offset: Annotated[int, Field(ge=-MOST_OFFSET, le=MOST_OFFSET, description="Minutes before UTC.")] = 0


class Choices(Answer):
    """How somebody is told."""

    ways: dict[str, Ways]
    about: Literal["all", "teams", "asked"]
    repos: list[str]
    rhythm: Literal["daily", "weekly"]
    hour: int
    utc_offset: int
    chosen: Annotated[bool, Field(description="Whether they chose so; false: it is what their role suggests.")]


class WantedMailbox(BaseModel):
    """Where a team wants to be told of what concerns it, and of what."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=3, max_length=320, examples=["risk-models@bank.example"])]
    ways: Annotated[
        dict[Annotated[str, Field(max_length=40)], Literal["off", "digest", "now"]] | None,
        Field(max_length=10, description="By subject; what is not named is off. Null: what is usual."),
    ] = None
    rhythm: Literal["daily", "weekly"] = "daily"
    hour: Annotated[int, Field(ge=0, le=23)] = 7
    utc_offset: Annotated[int, Field(ge=-MOST_OFFSET, le=MOST_OFFSET, description="Minutes before UTC.")] = 0


class Mailbox(Answer):
    """Where a team is told, and of what."""

    team: str
    address: str
    ways: dict[str, Literal["off", "digest", "now"]]
    rhythm: Literal["daily", "weekly"]
    hour: int
    utc_offset: int
    changed_at: Moment
    changed_by: str


class OneMailbox(Answer):
    """The mailbox of a team."""

    mailbox: Mailbox


class WantedWebhook(BaseModel):
    """A webhook as somebody wants it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    url: Annotated[str, Field(min_length=1, max_length=2_000, examples=["https://hooks.bank.example/curator"])]
    format: Annotated[
        Literal["json", "text"], Field(description="`json`: the notice; `text`: as Slack and Teams read it.")
    ] = "json"
    types: Annotated[list[Type], Field(max_length=40, description="Types of notices; empty: all.")] = []
    repos: Globs = []
    team: Annotated[EmptyName, Field(description="Only what this team may know; empty: everything.")] = ""


class Webhook(Answer):
    """A webhook, without its secret."""

    id: str
    name: str
    url: str
    format: Literal["json", "text"]
    types: list[str]
    repos: list[str]
    team: str
    state: Literal["working", "failing", "disabled"]
    disabled_why: str | None
    failing_since: Moment | None
    created_at: Moment
    created_by: str


class OneWebhook(Answer):
    """One webhook."""

    webhook: Webhook


class MadeWebhook(Answer):
    """A webhook, and its secret."""

    webhook: Webhook
    secret: Annotated[str, Field(description="The secret that it is signed with, which cannot be had again.")]


class Webhooks(Answer):
    """All webhooks, by name."""

    webhooks: list[Webhook]


class Delivery(Answer):
    """A notice on its way to one place."""

    id: Annotated[str, Field(description="The `webhook-id`.")]
    notice: str
    type: Type
    title: str
    webhook: str | None
    user: str | None
    state: Literal["waiting", "sent", "dead"]
    attempts: int
    created_at: Moment
    next_at: Moment | None
    ended_at: Moment | None
    status: Annotated[int | None, Field(description="Of the last answer.")]
    answer: Annotated[str | None, Field(description="Its first letters.")]
    error: str | None


class Deliveries(Answer):
    """A page of deliveries, the newest first."""

    deliveries: list[Delivery]
    next: Next


class Sent(Answer):
    """What is on its way."""

    delivery: Annotated[str, Field(description="Its id.")]


class Replay(BaseModel):
    """Which deliveries of a webhook are to be sent once more."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[str, Field(min_length=1, max_length=40, examples=["2026-11-26T00:00:00+00:00"])]
    delivered: Annotated[bool, Field(description="Also what was delivered, and not only what is dead.")] = False


class Replayed(Answer):
    """How many are on their way again; 1000 at most at once."""

    replayed: Annotated[int, Field(ge=0)]
