"""What was seen of a repository before: when it was first here, and whose it was when it was first allowed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.admission.snapshots import Snapshot
from curator.admission.tables import RepositorySeenRow, SnapshotRow
from curator.types import RepoId

_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Before:
    """A repository as it was when it was first seen here."""

    first_seen_at: dt.datetime | None = None
    downloads: int = 0
    likes: int = 0
    owner: dict[str, Any] | None = None
    """What told its owner from others when one of its commits was first allowed; None if none was."""


def first_sight(session: Session, snapshot: Snapshot) -> None:
    """Keep how a repository is, if it is seen for the first time."""
    repo = snapshot.commit.repo
    if _row(session, repo) is not None:
        return
    first = session.exec(
        select(SnapshotRow)
        .where(SnapshotRow.kind == repo.kind.value, SnapshotRow.repo == str(repo))
        .order_by(col(SnapshotRow.id))
        .limit(1)
    ).one()
    info = json.loads(first.info)
    session.add(
        RepositorySeenRow(
            kind=repo.kind.value,
            repo=str(repo),
            first_seen_at=first.seen_at,
            downloads=count_of(info.get("downloads")),
            likes=count_of(info.get("likes")),
        )
    )
    session.flush()


def before(session: Session, repo: RepoId) -> Before:
    row = _row(session, repo)
    if row is None:
        return Before()
    return Before(row.first_seen_at, row.downloads, row.likes, json.loads(row.owner) if row.owner else None)


def allowed(session: Session, repo: RepoId, owner: dict[str, Any], moment: dt.datetime) -> None:
    """One of its commits is allowed: whose the repository is now is whose it should be from now on.

    What was seen at the first such moment stays; only what was not known then is added.
    """
    row = _row(session, repo)
    if row is None or not owner:
        return
    known = json.loads(row.owner) if row.owner else {}
    if owner.items() - known.items() and not known.keys() >= owner.keys():
        row.owner, row.allowed_at = json.dumps(owner | known), row.allowed_at or moment
        session.add(row)


def count_of(value: Any) -> int:
    """A number of the Hub's, as conditions count: in 64 bits, and none below zero."""
    counted = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), _MOST) if counted else 0


def _row(session: Session, repo: RepoId) -> RepositorySeenRow | None:
    return session.get(RepositorySeenRow, (repo.kind.value, str(repo)))
