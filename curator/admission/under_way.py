"""Which commit of a repository is being judged just now."""

from __future__ import annotations

from sqlmodel import Session, col, select

from curator.admission.tables import AdmissionRow, SnapshotRow
from curator.types import Commit, RepoId
from scanners.finding import SCANNER_VERSION


def being_judged(session: Session, repo: RepoId) -> tuple[int, Commit] | None:
    """The newest one, with the snapshot's id; None if there is none."""
    row = session.exec(
        select(SnapshotRow.id, SnapshotRow.sha)
        .join(AdmissionRow, col(AdmissionRow.snapshot_id) == col(SnapshotRow.id))
        .where(
            SnapshotRow.kind == repo.kind.value,
            SnapshotRow.repo == str(repo),
            col(AdmissionRow.open),
            AdmissionRow.scanner == SCANNER_VERSION,
        )
        .order_by(col(SnapshotRow.id).desc())
        .limit(1)
    ).first()
    return (row[0], Commit(repo, row[1])) if row is not None and row[0] is not None else None
