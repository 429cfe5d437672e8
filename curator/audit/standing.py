"""How the record stands: for the console, the API and whoever asks on the command line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.gaps import Gap, gaps_after
from curator.audit.made import behind
from curator.audit.read import head
from curator.audit.seals import RecordSeal, newest_seal, own_keys
from curator.audit.tables import AuditRow
from curator.audit.verify import last_result
from curator.database.engine import Database

_MOST_GAPS = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """How the newest verification of all of it ended."""

    at: dt.datetime
    rows: int
    problems: int
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "rows": self.rows, "problems": self.problems, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class RecordStanding:
    """How it stands."""

    rows: int
    """Ever written."""
    checked: Checked | None
    seal: RecordSeal | None
    keys: tuple[str, ...]
    gaps: tuple[Gap, ...]
    """The first hundred."""
    behind: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        told = ("first", "last", "oldest", "newest", "at")
        deleted = [
            {name: value for name, value in gap.as_json().items() if name in told} | {"sentence": gap.sentence}
            for gap in self.gaps
        ]
        return {
            "rows": self.rows,
            "verified": self.checked.as_json() if self.checked is not None else None,
            "seal": self.seal.as_json() if self.seal is not None else None,
            "keys": list(self.keys),
            "deleted": deleted,
            "behind": self.behind,
        }


def last_checked(session: Session) -> Checked | None:
    """How it ended when all of it was last verified; None if it never was."""
    row = last_result(session)
    return Checked(row.at, row.rows, row.problems, row.sentence) if row is not None else None


def unverified_since(session: Session, checked: Checked | None) -> dt.datetime | None:
    """When all of it was last verified; the first row, if it never was; None if there is none."""
    first = select(AuditRow.at).where(col(AuditRow.seq).is_not(None)).order_by(col(AuditRow.seq)).limit(1)
    return checked.at if checked is not None else session.exec(first).first()


def record_standing(database: Database) -> RecordStanding:
    with database.read() as session:
        checked = last_checked(session)
        keys = tuple(sorted(own_keys(session)))
        gaps = tuple(gaps_after(session, limit=_MOST_GAPS))
        seal, rows = newest_seal(session), head(session)
    return RecordStanding(rows, checked, seal, keys, gaps, behind(database))
