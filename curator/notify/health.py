"""What ails the service, put on the record once when it begins and once when it is over, whoever notices it."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.notify.marks import last_said, said_first
from curator.notify.tables import NoticeMarkRow
from curator.queue.tables import WorkRow
from scanners.finding import SCANNER_VERSION
from scanners.repository.data_version import data_version

UPSTREAM, DISK, WORKERS = "upstream", "disk", "workers"
BAD, GOOD = "bad", "good"
_STUCK_AFTER = dt.timedelta(minutes=3)
_FORGOTTEN_AFTER = dt.timedelta(minutes=5)
_ROOM_AGAIN_PERCENT = 2.0
"""More than what is too little, so that a disk at the edge is not told of every minute."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Free space of a disk, in percent and bytes."""

    name: str
    percent: float
    free: int


def report(database: Database, subject: str, *, bad: bool, sentence: str) -> bool:
    """Put a change on the record; whether it is one. That all is well at first is none."""
    value = BAD if bad else GOOD
    with database.read() as session:
        said = last_said(session, _key(subject))
    if (said.value if said is not None else GOOD) == value:
        return False
    with database.write() as session:
        if not said_first(session, _key(subject), value):
            return False
        append(
            session,
            AuditEvent(
                action=Action.HEALTH,
                actor="curator",
                kind=None,
                repo="",
                outcome=value,
                subject=subject,
                sentence=sentence,
            ),
        )
    return True


def still_bad(database: Database, subject: str) -> None:
    """Somebody finds it so, still."""
    with database.write() as session:
        said = last_said(session, _key(subject))
        if said is not None and said.value == BAD:
            said.at = now()
            session.add(said)


def is_bad(session: Session, subject: str) -> bool:
    said = last_said(session, _key(subject))
    return said is not None and said.value == BAD


def upstream_down_since(session: Session) -> dt.datetime | None:
    """When servers and workers found that the upstream does not answer; None while nobody does."""
    if not is_bad(session, UPSTREAM):
        return None
    begun = select(AuditRow.at).where(
        AuditRow.action == Action.HEALTH.value, AuditRow.subject == UPSTREAM, AuditRow.outcome == BAD
    )
    # Rows about health are few, and the newest of them is this one or close to it.
    found = session.exec(begun.order_by(col(AuditRow.seq).desc()).limit(1)).first()
    said = last_said(session, _key(UPSTREAM))
    return found or (said.at if said is not None else None)


def forget_upstream(database: Database) -> bool:
    """Whoever found the upstream down has ended since: it is taken to be back when nobody has found it so for long."""
    with database.read() as session:
        said = last_said(session, _key(UPSTREAM))
    if said is None or said.value != BAD or said.at > now() - _FORGOTTEN_AFTER:
        return False
    return report(database, UPSTREAM, bad=False, sentence="Nobody has found the Hub down for some minutes")


def disk_of(name: str, folder: Path) -> Disk:
    """Raises `OSError`."""
    usage = shutil.disk_usage(folder)
    return Disk(name, 100 * usage.free / usage.total if usage.total else 0.0, usage.free)


def look_at_disk(database: Database, disk: Disk, low_percent: float, reserve: int) -> bool:
    """Whether something changed. `reserve`: bytes that downloads leave free; with less, none is taken."""
    subject = f"{DISK}:{disk.name}"
    with database.read() as session:
        was_bad = is_bad(session, subject)
    edge = low_percent + (_ROOM_AGAIN_PERCENT if was_bad and low_percent else 0.0)
    bad = disk.percent < edge or disk.free < reserve
    room = f"{disk.percent:.0f} % of the disk of the {disk.name} is free ({disk.free / 1e9:.1f} GB)"
    what = "; when it is full, nothing new is taken in: make room, or give it a larger disk" if bad else ""
    return report(database, subject, bad=bad, sentence=f"{room}{what}")


def look_for_workers(database: Database) -> bool:
    """Whether it changed that work waits and no worker comes."""
    moment = now()
    with database.read() as session:
        oldest = session.exec(
            select(WorkRow)
            .where(WorkRow.state == "waiting", WorkRow.attempts == 0, col(WorkRow.created_at) < moment - _STUCK_AFTER)
            .limit(1)
        ).first()
        busy = session.exec(
            select(WorkRow.id).where(WorkRow.state == "running", col(WorkRow.due_at) > moment).limit(1)
        ).first()
    if oldest is None:
        return report(database, WORKERS, bad=False, sentence="What had waited for a worker is taken")
    if busy is not None:
        return False
    minutes = (moment - oldest.created_at).total_seconds() / 60
    return report(
        database,
        WORKERS,
        bad=True,
        sentence=f"Work waits for {minutes:.0f} minutes and no worker takes it: see that `curator worker` runs, with "
        "the same database and broker as the server",
    )


def note_scanners(database: Database) -> bool:
    """At the start of a server: whether other scanners or data judge from now on than those that did so last."""
    version = f"{SCANNER_VERSION} {data_version()}"
    with database.write() as session:
        before = last_said(session, "scanners")
        old = before.value if before is not None else None
        if old == version:
            return False
        session.merge(NoticeMarkRow(key="scanners", value=version, at=now()))
        if old is None:
            return False
        append(
            session,
            AuditEvent(
                action=Action.SCANNERS,
                actor="curator",
                kind=None,
                repo="",
                outcome="in-force",
                subject=SCANNER_VERSION,
                sentence=f"Scanners {version} judge from now on, instead of {old}; what was asked for is judged anew",
            ),
        )
    return True


def _key(subject: str) -> str:
    return f"health:{subject}"
