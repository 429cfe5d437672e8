"""What begins with a text, asked for so that an index answers it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session


def begins_with(session: Session, column: Any, prefix: str) -> ColumnElement[bool]:
    """SQLite compares bytes, so that bounds will do; PostgreSQL may sort by a language, and has an index for LIKE
    (`text_pattern_ops`)."""
    if session.get_bind().dialect.name == "sqlite":
        return and_(column >= prefix, column < f"{prefix}\U0010ffff")
    escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    matched: ColumnElement[bool] = column.like(f"{escaped}%")
    return matched
