"""What callers were told of branches, as rows: one process writes them, and the others look them up.

A row lives as long as the session that it tells of, by the clock. One whose beginning is as far in the future is from a
clock that has been put right since, and does not live.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.admission.branches import Asker, Told
from curator.admission.tables import BranchSessionRow
from curator.types import RepoId, Revision

Key = tuple[Asker, RepoId, Revision]

_TOLD = TypeAdapter(Told)


@dataclass(frozen=True, slots=True)
class Beginning:
    """That a caller is told something for the first time."""

    key: Key
    told: Told
    at: dt.datetime
    instead_of: Told | None = None
    """What he was told before, if that ended before its time."""


def recall(session: Session, key: Key, lasts: dt.timedelta, moment: dt.datetime) -> Beginning | None:
    """What this caller is told at this moment, by whatever process; None if nothing, or not any more."""
    row = session.get(BranchSessionRow, digest(key))
    if row is None or not _lives(row, lasts, moment):
        return None
    return Beginning(key, read_told(row.told), row.began_at)


def begin(session: Session, beginnings: Iterable[Beginning], lasts: dt.timedelta) -> list[Beginning]:
    """Write down what begins, unless another process was first: returns, in the same order, what holds."""
    keyed = [(digest(beginning.key), beginning) for beginning in beginnings]
    wanted = col(BranchSessionRow.key).in_({key for key, _ in keyed})
    rows = {row.key: row for row in session.exec(select(BranchSessionRow).where(wanted))}
    held: list[Beginning] = []
    for key, beginning in keyed:
        row = rows.get(key)
        if row is None or not _lives(row, lasts, beginning.at) or read_told(row.told) == beginning.instead_of:
            row = rows[key] = row or BranchSessionRow(key=key, told="", began_at=beginning.at)
            row.told, row.began_at = write_told(beginning.told), beginning.at
            session.add(row)
        held.append(Beginning(beginning.key, read_told(row.told), row.began_at))
    return held


def sweep(session: Session, lasts: dt.timedelta, moment: dt.datetime) -> None:
    """Delete what lives no more."""
    began_at = col(BranchSessionRow.began_at)
    session.execute(delete(BranchSessionRow).where((began_at <= moment - lasts) | (began_at >= moment + lasts)))


def digest(key: Key) -> str:
    """Names the session in a few bytes, and whoever asks not at all."""
    (who, program), repo, revision = key
    named = json.dumps([who, program, repo.kind.value, str(repo), revision.text])
    return hashlib.sha256(named.encode()).hexdigest()


def write_told(told: Told) -> str:
    return _TOLD.dump_json(told).decode()


def read_told(text: str) -> Told:
    return _TOLD.validate_json(text)


def _lives(row: BranchSessionRow, lasts: dt.timedelta, moment: dt.datetime) -> bool:
    return abs(moment - row.began_at) < lasts
