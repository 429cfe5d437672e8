"""What a branch or tag was seen to stand for, as time went by."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Session, col, select

from curator.admission.tables import ObservationRow
from curator.database.generation import changed
from curator.types import Commit, RepoId, Revision

_MOST_OBSERVATIONS = 200


def observe(session: Session, commit: Commit, revision: Revision, moment: dt.datetime) -> None:
    """Keep that the branch stands for this commit, if it stood for another one before."""
    last = next(iter(_newest(session, commit.repo, revision, 1)), None)
    if last != commit.sha:
        changed(session)
        session.add(
            ObservationRow(
                kind=commit.repo.kind.value,
                repo=str(commit.repo),
                revision=revision.text,
                sha=commit.sha,
                observed_at=moment,
            )
        )


def observed(session: Session, repo: RepoId, revision: Revision) -> list[str]:
    """The commits that the branch was seen at, newest first; one that it came back to stands there twice."""
    return _newest(session, repo, revision, _MOST_OBSERVATIONS)


def seen_before(session: Session, commit: Commit) -> frozenset[str]:
    """The commits that a branch was seen at before it was first seen at this one."""
    rows = session.exec(
        select(ObservationRow.revision, ObservationRow.sha)
        .where(ObservationRow.kind == commit.repo.kind.value, ObservationRow.repo == str(commit.repo))
        .order_by(col(ObservationRow.id).desc())
        .limit(_MOST_OBSERVATIONS)
    ).all()
    by_branch: dict[str, list[str]] = {}
    for revision, sha in reversed(rows):
        by_branch.setdefault(revision, []).append(sha)
    return frozenset(sha for shas in by_branch.values() if commit.sha in shas for sha in shas[: shas.index(commit.sha)])


def _newest(session: Session, repo: RepoId, revision: Revision, most: int) -> list[str]:
    return list(
        session.exec(
            select(ObservationRow.sha)
            .where(
                ObservationRow.kind == repo.kind.value,
                ObservationRow.repo == str(repo),
                ObservationRow.revision == revision.text,
            )
            .order_by(col(ObservationRow.id).desc())
            .limit(most)
        )
    )
