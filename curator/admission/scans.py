"""Reports of contents: each content under each name is scanned once by each version of the scanners."""

from __future__ import annotations

import datetime as dt
import json

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, select

from curator.admission.tables import EntryRow, ScanRow
from curator.database.engine import now
from curator.types import BlobId
from scanners.finding import SCANNER_VERSION, Report


def report_of(session: Session, blob: BlobId, name: str) -> Report | None:
    row = session.get(ScanRow, (str(blob), name, SCANNER_VERSION))
    return Report.from_json(json.loads(row.report)) if row else None


def was_whole(session: Session, blob: BlobId, name: str) -> bool:
    """Whether the report was made of bytes that had been proved to be the blob's."""
    row = session.get(ScanRow, (str(blob), name, SCANNER_VERSION))
    return row is not None and row.whole


def keep_report(session: Session, blob: BlobId, name: str, report: Report, *, whole: bool) -> None:
    session.merge(
        ScanRow(
            blob=str(blob),
            name=name,
            scanner=SCANNER_VERSION,
            report=json.dumps(report.as_json()),
            whole=whole,
            at=now(),
        )
    )


def reports_of(session: Session, snapshot_id: int) -> dict[tuple[BlobId, str], Report]:
    """The reports there are of a snapshot's files, by content and name."""
    rows = session.exec(
        select(ScanRow).join(EntryRow, _same_content()).where(EntryRow.snapshot_id == snapshot_id).distinct()
    )
    return {(BlobId.parse(row.blob), row.name): Report.from_json(json.loads(row.report)) for row in rows}


def stamp(session: Session, snapshot_id: int) -> tuple[int, int, dt.datetime | None]:
    """Changes whenever a report of the snapshot's files is made, or made anew: how many there are, how many of them of
    the whole file, and when the last was made. By that alone a machine whose clock is behind would change nothing."""
    return session.exec(
        select(func.count(), func.count().filter(col(ScanRow.whole)), func.max(ScanRow.at))
        .select_from(ScanRow)
        .join(EntryRow, _same_content())
        .where(EntryRow.snapshot_id == snapshot_id)
    ).one()


def missing(session: Session, snapshot_id: int, limit: int | None = None) -> list[tuple[BlobId, str]]:
    """Contents of a snapshot that have no report yet, each with its name."""
    statement = (
        select(EntryRow.blob, EntryRow.name)
        .join(ScanRow, _same_content(), isouter=True)
        .where(EntryRow.snapshot_id == snapshot_id, col(EntryRow.blob).is_not(None), col(ScanRow.blob).is_(None))
        .distinct()
    )
    rows = session.exec(statement.limit(limit) if limit else statement)
    return [(BlobId.parse(blob), name) for blob, name in rows if blob is not None]


def progress(session: Session, snapshot_id: int) -> tuple[int, int]:
    """How many of a snapshot's files have a report, of how many."""
    total = session.exec(
        select(func.count()).where(EntryRow.snapshot_id == snapshot_id, col(EntryRow.blob).is_not(None))
    ).one()
    return total - len(missing(session, snapshot_id)), total


def _same_content() -> ColumnElement[bool]:
    return and_(
        col(ScanRow.blob) == col(EntryRow.blob),
        col(ScanRow.name) == col(EntryRow.name),
        col(ScanRow.scanner) == SCANNER_VERSION,
    )
