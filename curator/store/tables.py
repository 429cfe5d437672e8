"""How much has come into the store."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class FetchedRow(SQLModel, table=True):
    """What was fetched from the upstream in an hour, by all servers and workers. The first row is of the hour in which
    it began to be counted."""

    __tablename__ = "store_fetched"

    hour: dt.datetime = Field(primary_key=True, sa_type=Utc)
    bytes: int = Field(sa_type=BigInteger)
    """Of files, also of those that were fetched to be scanned or did not come to their end."""
