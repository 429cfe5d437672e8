"""What was served once and is withdrawn: clients that have it take any other refusal for a bad line, and use it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from curator.admission.tables import EntryRow, SnapshotRow
from curator.database.engine import now
from curator.policy import lists
from curator.types import Commit, RepoId
from rules.circumstances import ListEntry
from rules.questions import globs


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That something was withdrawn, and by which incident."""

    incident: str
    reason: str
    another: bool
    """Not the commit that is asked for now, but another of the same repository, which clients may have."""


def withdrawal(session: Session, repo: RepoId, commit: Commit | None, *, of_branch: bool) -> Withdrawal | None:
    """Whether an incident is open about this commit; of a branch, also about any other commit of the repository.

    `commit` is None where nobody could say which one it is.
    """
    found: Withdrawal | None = None
    names = {str(repo)} | ({str(commit.repo)} if commit is not None else set())
    for entry in lists.active(session, now()):
        matches = globs(entry.repositories)
        if not entry.incident or repo.kind.value not in entry.kinds or not any(map(matches, names)):
            continue
        if _about(session, entry, names, commit.sha if commit is not None else None):
            return Withdrawal(entry.incident, entry.reason, another=False)
        if found is None and of_branch and _about_some(session, entry, names):
            found = Withdrawal(entry.incident, entry.reason, another=True)
    return found


def _about(session: Session, entry: ListEntry, names: set[str], sha: str | None) -> bool:
    if entry.commits:
        return sha in entry.commits
    return not entry.contents or (sha is not None and _has(session, entry, names, sha))


def _about_some(session: Session, entry: ListEntry, names: set[str]) -> bool:
    return bool(entry.commits) or _has(session, entry, names, None)


def _has(session: Session, entry: ListEntry, names: set[str], sha: str | None) -> bool:
    """Whether a commit of that name has one of the contents; any commit of the repository, where none is named."""
    having = (
        select(EntryRow.id)
        .join(SnapshotRow, col(SnapshotRow.id) == EntryRow.snapshot_id)
        .where(
            col(EntryRow.blob).in_(entry.contents),
            col(SnapshotRow.kind).in_(entry.kinds),
            col(SnapshotRow.repo).in_(names),
        )
    )
    if sha is not None:
        having = having.where(SnapshotRow.sha == sha)
    return session.exec(having.limit(1)).first() is not None
