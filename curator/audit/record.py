"""Add to the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from curator.audit.tables import AuditRow
from curator.database.engine import Database, new_id, now
from curator.types import RepoKind

_LONGEST_TEXT = 2_000


class Action(StrEnum):
    DOWNLOAD = "download"
    """A file's bytes were asked for and are sent."""
    REFUSE = "refuse"
    """Something was asked for and not given."""
    DECIDE = "decide"
    """A commit was judged."""
    CHANGE = "change"
    """A commit was judged anew, and otherwise than before."""
    SUBSTITUTE = "substitute"
    """A caller begins to be given another commit of a branch than the upstream's."""
    PIN = "pin"
    """An administrator pinned a branch to a commit, or let it go."""
    WAIVE = "waive"
    """Somebody gave a waiver; `rules` are those that it answers, `decision` the one that it answers."""
    WAIVER_USED = "waiver-used"
    """A decision was made that rests on a waiver, named first in the sentence; `rules` are those that it answers."""
    WAIVER_ENDED = "waiver-ended"
    """Somebody took a waiver back."""
    LIST = "list"
    """Somebody put repositories on a list: `repo` are the globs, `outcome` is `approve` or `block`."""
    LIST_ENDED = "list-ended"
    """Somebody took an entry of a list back."""
    UPSTREAM_TOKEN = "upstream-token"  # noqa: S105 - no token, but the name of what is done with one
    """A token for the upstream was kept or forgotten; `repo` is the pattern of repositories that it is for."""
    RULES = "rules"
    """Other rules came into force, or what was decided before has been judged anew under them; `rules` is a digest."""
    MISMATCH = "mismatch"
    """Bytes came that are not those that were judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened; the fields are those of `AuditRow`."""

    action: Action
    actor: str
    team: str = ""
    project: str = ""
    kind: RepoKind | None
    """None: of every kind."""
    repo: str
    outcome: str
    revision: str | None = None
    commit: str | None = None
    path: str | None = None
    blob: str | None = None
    decision: str | None = None
    rules: str | None = None
    sentence: str | None = None
    address: str | None = None
    user_agent: str | None = None
    id: str = field(default_factory=new_id)
    at: dt.datetime = field(default_factory=now)


def append(session: Session, event: AuditEvent) -> None:
    """Add the event within the caller's transaction: it stands if and only if what it speaks of does."""
    add_rows(session.connection(), [event])


def add_rows(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Add events within the caller's transaction, in one statement."""
    connection.execute(insert(AuditRow.__table__), [_row(event) for event in events])  # type: ignore[attr-defined]


def _row(event: AuditEvent) -> dict[str, Any]:
    row = {
        item.name: value[:_LONGEST_TEXT] if isinstance(value := getattr(event, item.name), str) else value
        for item in fields(event)
    }
    return row | {"kind": event.kind.value if event.kind else ""}


def newest(database: Database, limit: int) -> list[AuditRow]:
    with database.read() as session:
        return list(session.exec(select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit)))
