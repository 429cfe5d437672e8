"""What is being judged at this moment, and what waits to be: how far, since when, and whether anybody is at it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, col, func, select

from curator.admission import scans
from curator.admission.progress import JUDGE, LIST, LOOK, SCAN, read_scan_key
from curator.admission.tables import AdmissionRow, EntryRow, SnapshotRow
from curator.database.engine import now
from curator.queue.tables import WorkRow
from curator.types import Commit, RepoId
from scanners.finding import SCANNER_VERSION

_PARALLEL_MOST = 500
_NOBODY_AFTER_S = 30.0
"""Work that has waited for so long while none is being done: nobody does any."""


@dataclass(frozen=True, slots=True)
class Judging:
    """A commit that somebody waits for."""

    kind: str
    repo: str
    commit: str
    asked_at: dt.datetime
    audience: str
    """For whom; empty for everybody."""
    stage: str
    """`listing`, `scanning`, `looking`, `judging`, or `waiting` where nothing of it is being done at this moment."""
    scanned: int
    files: int
    """0 while they are not listed."""
    now: tuple[str, ...]
    """Names of files that are being scanned, some of them."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"asked_at": self.asked_at.isoformat(timespec="seconds"), "now": list(self.now)}


@dataclass(frozen=True, slots=True)
class Backlog:
    """All work that is still to be done, of whatever kind."""

    waiting: int
    running: int
    workers: int
    """That hold some of it."""
    oldest_at: dt.datetime | None
    """Since when the oldest of what waits does so."""
    idle: bool
    """Whether work waits and nobody takes it."""

    def as_json(self) -> dict[str, Any]:
        oldest = self.oldest_at.isoformat(timespec="seconds") if self.oldest_at else None
        return asdict(self) | {"oldest_at": oldest}


_STAGES = {LIST: "listing", SCAN: "scanning", LOOK: "looking", JUDGE: "judging"}


def judging(session: Session, limit: int = 20) -> list[Judging]:
    """The commits that were asked for first."""
    wanted = (
        select(AdmissionRow, SnapshotRow)
        .join(SnapshotRow, col(SnapshotRow.id) == col(AdmissionRow.snapshot_id))
        .where(col(AdmissionRow.open))
        .order_by(col(AdmissionRow.asked_at), col(AdmissionRow.snapshot_id))
        .limit(limit)
    )
    rows = session.exec(wanted).all()
    running = _running(session)
    scanning = [read_scan_key(work.key) for work in running if work.task == SCAN]
    found = []
    for admission, snapshot in rows:
        listed = snapshot.listed_at is not None
        scanned, files = scans.progress(session, admission.snapshot_id) if listed else (0, 0)
        names = _names(session, admission.snapshot_id, scanning)
        found.append(
            Judging(
                kind=snapshot.kind,
                repo=snapshot.repo,
                commit=snapshot.sha,
                asked_at=admission.asked_at,
                audience=admission.audience,
                stage="scanning" if names else _stage(running, admission.snapshot_id),
                scanned=scanned,
                files=files,
                now=names[:5],
            )
        )
    return found


def backlog(session: Session) -> Backlog:
    """Sums of it; few rows at any time but after a change of rules."""
    counts = dict(
        session.exec(
            select(WorkRow.state, func.count())
            .where(col(WorkRow.state).in_(("waiting", "running")))
            .group_by(WorkRow.state)
        ).all()
    )
    moment = now()
    oldest_at = session.exec(
        select(WorkRow.created_at)
        .where(WorkRow.state == "waiting")
        .order_by(col(WorkRow.created_at), col(WorkRow.id))
        .limit(1)
    ).first()
    workers = session.exec(
        select(func.count(func.distinct(WorkRow.owner))).where(WorkRow.state == "running", WorkRow.due_at > moment)
    ).one()
    waited_s = (moment - oldest_at).total_seconds() if oldest_at else 0.0
    return Backlog(
        waiting=counts.get("waiting", 0),
        running=counts.get("running", 0),
        workers=workers,
        oldest_at=oldest_at,
        idle=not workers and waited_s > _NOBODY_AFTER_S,
    )


def _running(session: Session) -> Sequence[WorkRow]:
    return session.exec(
        select(WorkRow).where(WorkRow.state == "running", WorkRow.due_at > now()).limit(_PARALLEL_MOST)
    ).all()


def _names(session: Session, snapshot_id: int, scanning: Sequence[tuple[Any, str]]) -> tuple[str, ...]:
    if not scanning:
        return ()
    contents = {(str(blob), name) for blob, name in scanning}
    rows = session.exec(
        select(EntryRow.blob, EntryRow.path, EntryRow.name)
        .where(EntryRow.snapshot_id == snapshot_id, col(EntryRow.blob).in_({blob for blob, _ in contents}))
        .order_by(col(EntryRow.path))
    )
    return tuple(path for blob, path, name in rows if (blob, name) in contents)


def _stage(running: Sequence[WorkRow], snapshot_id: int) -> str:
    """By what is being done for this commit itself: its id begins the key of all of it."""
    tasks = {work.task for work in running if work.task != SCAN and work.key.split(" ")[0] == str(snapshot_id)}
    return next((_STAGES[task] for task in (LIST, LOOK, JUDGE) if task in tasks), "waiting")


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
