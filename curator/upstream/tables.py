"""Tokens of the mirror's accounts at the upstream."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class UpstreamTokenRow(SQLModel, table=True):
    """The token for the repositories whose id matches a pattern."""

    __tablename__ = "upstream_tokens"

    pattern: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    """`model`, `dataset`, `space`; empty for all of them."""
    sealed: str
    """The token, sealed: see `database/sealing.py`."""
    created_at: dt.datetime = Field(sa_type=Utc)
    note: str | None = None
