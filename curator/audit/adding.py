"""Add to sums: a row that is there grows, one that is not is made; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def add_to(
    session: Session,
    table: type[SQLModel],
    rows: Sequence[dict[str, Any]],
    sums: Collection[str] = (),
    newest: Collection[str] = (),
) -> None:
    """Put rows; where there is one of the same key, `sums` grow by the new ones and `newest` become them."""
    if not rows:
        return
    target = table.__table__  # type: ignore[attr-defined]
    keys = [column.name for column in target.primary_key]
    made: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(target)
    changes = {name: target.c[name] + made.excluded[name] for name in sums}
    changes |= {name: made.excluded[name] for name in newest}
    if changes:
        made = made.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        made = made.on_conflict_do_nothing(index_elements=keys)
    session.connection().execute(made, list(rows))
