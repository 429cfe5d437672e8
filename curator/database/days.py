"""Days (UTC) of moments, as each database tells them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session


def day_of(session: Session, moment: Any) -> ColumnElement[str]:
    """The day of a column of moments, as `read_day` reads it: to group by."""
    if session.get_bind().dialect.name == "sqlite":
        return func.date(moment)
    return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD")


def read_day(text: str) -> dt.datetime:
    """Its begin."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
