"""The catalogue: made from decisions in the transactions that make or end them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc

FILTERED = ("outcome", "rule_set", "scanner", "expires_at", "task", "licence_class", "size_class", "formats")


class CatalogueRow(SQLModel, table=True):
    """A repository as it was last decided about for an audience."""

    __tablename__ = "catalogue"
    __table_args__ = (
        # What is filtered by stands in each order's index, so that rows that do not fit are passed over in it alone.
        Index("ix_catalogue_name", "name", "kind", "audience", *FILTERED),
        Index("ix_catalogue_used", "used", "name", "kind", "audience", *FILTERED),
        Index("ix_catalogue_newest", "decision", "name", "kind", "audience", *FILTERED),
        Index("ix_catalogue_publisher", "publisher", "name", "kind", "audience"),
        Index(
            "ix_catalogue_alike",
            *("alike", "audience", "outcome", "rule_set", "scanner", "expires_at", "publisher", "name"),
        ),
    )

    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    """Canonical id."""
    audience: str = Field(primary_key=True)
    """A `rules.Audience`: for whom it was decided; empty for everybody."""
    name: str
    """The canonical id in small letters: what is sorted and searched."""
    snapshot_id: int = Field(index=True)
    """Of the commit that `main` stands for, if that was judged; else of the one judged last."""
    sha: str
    of_main: bool
    """Whether `main` stood for the commit when it was judged."""
    decision: str
    """Id of the newest decision about it; sorts by time."""
    facts_id: str
    outcome: str
    rule: str
    """The first rule that made the outcome; empty if it is allowed."""
    rule_set: str
    scanner: str
    decided_at: dt.datetime = Field(sa_type=Utc)
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When the decision ends, or ended."""
    allowed_sha: str | None = None
    """The commit that was last allowed."""
    allowed_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    publisher: str
    """The namespace in small letters; empty for the oldest repositories."""
    task: str
    """The pipeline tag."""
    library: str
    licence: str
    """SPDX expression."""
    licence_class: str
    """A `rules.facts.LicenseCategory`."""
    size: int = Field(sa_type=BigInteger)
    """Bytes of the weights; of all files where there are none."""
    size_class: str
    """A name of `describe.SIZES`."""
    parameters: int = Field(sa_type=BigInteger)
    formats: str
    """What the weights are kept in, `,gguf,safetensors,`; of a data set, its files."""
    alike: str
    """Kind, task, class of licence, class of size and formats in one: what is counted together."""
    family: str
    """What it goes back to: the farthest ancestor that is known; empty if it has none."""
    downloads: int = Field(sa_type=BigInteger)
    likes: int = Field(sa_type=BigInteger)
    left_out: int
    """How many files are not served."""
    risk: str
    """Severity of the worst finding; `none`."""
    used: int = Field(default=0, sa_type=BigInteger)
    """How many files of it were sent."""
    asked_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When it was last asked for."""


class CatalogueApartRow(SQLModel, table=True):
    """What the rules say of a line for those whom they tell apart from everybody: for lists alone."""

    __tablename__ = "catalogue_apart"

    mark: str = Field(primary_key=True)
    """What they are told apart by (`apart.mark_of`)."""
    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    decision: str
    """The one for everybody that it was made beside: with another it says nothing any more."""
    outcome: str
    rule: str
    left_out: int
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc)


class CatalogueFillRow(SQLModel, table=True):
    """How far a database that was there before the catalogue has been taken into it: one row, from the migration on."""

    __tablename__ = "catalogue_fill"

    id: int = Field(primary_key=True)
    snapshot_id: int
    """All snapshots up to this one are in it."""
    done: bool
