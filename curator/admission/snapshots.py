"""Commits as the upstream listed them: written once, read for every answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, and_, col, func, select

from curator.admission import decisions
from curator.admission.history import observe
from curator.admission.look import material
from curator.admission.tables import EntryRow, ReferenceRow, SnapshotRow
from curator.database.engine import now
from curator.types import BlobId, Commit, Directory, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.listing import Description

_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit that the upstream has described, and perhaps listed."""

    id: int
    commit: Commit
    info: dict[str, Any]
    """JSON as the Hub gives it, with nothing of Xet in it."""
    listed: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """What a name and a revision stood for when the upstream was last asked."""

    commit: Commit
    checked_at: dt.datetime


def remember(
    session: Session,
    asked: RepoId,
    revision: Revision,
    description: Description,
    asked_at: dt.datetime | None = None,
) -> Snapshot:
    """Keep what the upstream says of a revision, asked at that moment or now; returns what the revision stands for.

    That is another commit where somebody asked later and was answered sooner: his word is the newer one.
    """
    commit, moment = description.commit, now()
    asked_at = asked_at or moment
    row = _find(session, commit)
    if row is None:
        row = SnapshotRow(
            kind=commit.repo.kind.value,
            repo=str(commit.repo),
            sha=commit.sha,
            info=json.dumps(description.info),
            seen_at=asked_at,
        )
        session.add(row)
    elif not asked_at < row.seen_at <= moment and (row.listed_at is None or not revision.is_commit):
        # Downloads, likes and gating change while the commit stays; a decision rests on some of it.
        if row.id is not None and material(json.loads(row.info)) != material(description.info):
            decisions.reopen(session, row.id)
        row.info, row.seen_at = json.dumps(description.info), asked_at
        session.add(row)
    newer = None if revision.is_commit else reference(session, asked, revision)
    # What was checked in the future was checked by a clock that has been put right since.
    if newer is not None and asked_at < newer.checked_at <= moment:
        stands_for = find(session, newer.commit)
        if stands_for is not None:
            return stands_for
    # A commit's own name is remembered too: asked for exactly, it needs the upstream no more.
    for name in {revision.text, commit.sha}:
        known = session.get(ReferenceRow, (asked.kind.value, str(asked), name))
        session.merge(
            ReferenceRow(
                kind=asked.kind.value,
                asked=str(asked),
                revision=name,
                repo=str(commit.repo),
                sha=commit.sha,
                checked_at=asked_at,
                ref_kind=known.ref_kind if known else None,
            )
        )
    if not revision.is_commit:
        observe(session, commit, revision, moment)
    session.flush()
    return _snapshot(row)


def renew(session: Session, snapshot_id: int, info: dict[str, Any]) -> None:
    """Keep what the upstream says of a commit now."""
    row = session.get_one(SnapshotRow, snapshot_id)
    row.info = json.dumps({key: value for key, value in info.items() if key != "securityRepoStatus"})
    session.add(row)


def reference(session: Session, asked: RepoId, revision: Revision) -> Reference | None:
    row = session.get(ReferenceRow, (asked.kind.value, str(asked), revision.text))
    return Reference(Commit(RepoId.parse(row.repo, asked.kind), row.sha), row.checked_at) if row else None


def remembered(session: Session, kind: RepoKind, search: str, author: str) -> list[Snapshot]:
    """`main` of the repositories that somebody asked for, by part of the name and by namespace; at most a thousand."""
    statement = (
        select(SnapshotRow)
        .join(
            ReferenceRow,
            and_(
                col(ReferenceRow.kind) == SnapshotRow.kind,
                col(ReferenceRow.asked) == SnapshotRow.repo,
                col(ReferenceRow.sha) == SnapshotRow.sha,
                col(ReferenceRow.revision) == "main",
            ),
        )
        .where(SnapshotRow.kind == kind.value, func.lower(SnapshotRow.repo).contains(search.lower(), autoescape=True))
    )
    if author:
        statement = statement.where(func.lower(SnapshotRow.repo).startswith(f"{author.lower()}/", autoescape=True))
    return [_snapshot(row) for row in session.exec(statement.order_by(col(SnapshotRow.repo)).limit(_MOST_REMEMBERED))]


def holding(session: Session, repo: RepoId, blob: BlobId) -> list[tuple[Snapshot, RepoFile]]:
    """The commits of a repository that hold this content, newest first, each with the file."""
    rows = session.exec(
        select(SnapshotRow, EntryRow)
        .where(
            SnapshotRow.id == EntryRow.snapshot_id,
            SnapshotRow.kind == repo.kind.value,
            SnapshotRow.repo == str(repo),
            EntryRow.blob == str(blob),
        )
        .order_by(col(SnapshotRow.id).desc())
    )
    found: list[tuple[Snapshot, RepoFile]] = []
    for snapshot, row in rows:
        entry = _entry(row)
        if isinstance(entry, RepoFile):
            found.append((_snapshot(snapshot), entry))
    return found


def find(session: Session, commit: Commit) -> Snapshot | None:
    row = _find(session, commit)
    return _snapshot(row) if row else None


def get(session: Session, snapshot_id: int) -> Snapshot:
    return _snapshot(session.get_one(SnapshotRow, snapshot_id))


def commits(session: Session, snapshot_ids: Collection[int]) -> dict[int, Commit]:
    """Which commits these are, and no more of them."""
    wanted = select(SnapshotRow.id, SnapshotRow.kind, SnapshotRow.repo, SnapshotRow.sha)
    rows = session.exec(wanted.where(col(SnapshotRow.id).in_(snapshot_ids)))
    return {one: Commit(RepoId.parse(repo, RepoKind(kind)), sha) for one, kind, repo, sha in rows if one is not None}


def save_listing(session: Session, snapshot_id: int, entries: Iterable[RepoFile | Directory]) -> None:
    """Keep all that the commit holds, in one transaction: a listing is there whole or not at all."""
    row = session.get_one(SnapshotRow, snapshot_id, with_for_update=True)
    if row.listed_at is not None:
        return
    session.add_all(_row(snapshot_id, entry) for entry in entries)
    row.listed_at = now()
    session.add(row)


def entries(session: Session, snapshot_id: int) -> list[RepoFile | Directory]:
    """All files and folders, in the upstream's order."""
    rows = session.exec(select(EntryRow).where(EntryRow.snapshot_id == snapshot_id).order_by(col(EntryRow.id)))
    return [_entry(row) for row in rows]


def files(session: Session, snapshot_id: int) -> list[RepoFile]:
    return [entry for entry in entries(session, snapshot_id) if isinstance(entry, RepoFile)]


def file(session: Session, snapshot_id: int, path: str) -> RepoFile | None:
    row = session.exec(select(EntryRow).where(EntryRow.snapshot_id == snapshot_id, EntryRow.path == path)).first()
    entry = _entry(row) if row else None
    return entry if isinstance(entry, RepoFile) else None


def holders(session: Session, blob: BlobId, name: str) -> list[tuple[Commit, int, RepoFile]]:
    """The commits, newest first, that hold this content under this name: with the snapshot's id and the file."""
    rows = session.exec(
        select(SnapshotRow, EntryRow)
        .where(SnapshotRow.id == EntryRow.snapshot_id, EntryRow.blob == str(blob), EntryRow.name == name)
        .order_by(col(SnapshotRow.id).desc())
    )
    found: list[tuple[Commit, int, RepoFile]] = []
    for snapshot, row in rows:
        entry = _entry(row)
        if isinstance(entry, RepoFile) and snapshot.id is not None:
            found.append((_commit(snapshot), snapshot.id, entry))
    return found


def _find(session: Session, commit: Commit) -> SnapshotRow | None:
    return session.exec(
        select(SnapshotRow).where(
            SnapshotRow.kind == commit.repo.kind.value,
            SnapshotRow.repo == str(commit.repo),
            SnapshotRow.sha == commit.sha,
        )
    ).first()


def _snapshot(row: SnapshotRow) -> Snapshot:
    assert row.id is not None
    return Snapshot(row.id, _commit(row), json.loads(row.info), row.listed_at is not None)


def _commit(row: SnapshotRow) -> Commit:
    return Commit(RepoId.parse(row.repo, RepoKind(row.kind)), row.sha)


def _row(snapshot_id: int, entry: RepoFile | Directory) -> EntryRow:
    name = entry.path.rpartition("/")[2]
    row = EntryRow(snapshot_id=snapshot_id, path=entry.path, name=name, oid=entry.oid)
    if isinstance(entry, RepoFile):
        row.blob, row.size, row.pointer_size = str(entry.blob), entry.size, entry.pointer_size
    return row


def _entry(row: EntryRow) -> RepoFile | Directory:
    if row.blob is None:
        return Directory(row.path, row.oid)
    return RepoFile(row.path, row.size, BlobId.parse(row.blob), row.oid, row.pointer_size)
