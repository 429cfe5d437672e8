"""Where branches are pinned: by the first commit that was allowed, or by an administrator."""

from __future__ import annotations

from sqlmodel import Session, select

from curator.admission.tables import PinRow
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.database.generation import changed
from curator.errors import BadInput
from curator.types import Commit, RepoId, RepoKind, Revision

FIRST_ALLOWED = "curator"


def pinned(session: Session, repo: RepoId, revision: Revision) -> str | None:
    """The commit that the branch is to stay at."""
    row = session.get(PinRow, _key(repo, revision))
    return row.sha if row else None


def pin_first(database: Database, commit: Commit, revision: Revision) -> str:
    """Let a branch stay at the first commit of it that was allowed; returns where it is pinned, which another may
    have done before."""
    with database.write() as session:
        already = pinned(session, commit.repo, revision)
        if already is None:
            _put(session, commit, revision, FIRST_ALLOWED)
            _record(session, commit, revision, FIRST_ALLOWED, f"{revision} of {commit.repo} stays at {commit.sha}")
    return already or commit.sha


def pin(database: Database, commit: Commit, revision: Revision, by: str) -> None:
    """Move a branch to this commit, where it stays."""
    _movable(revision)
    with database.write() as session:
        before = pinned(session, commit.repo, revision)
        _put(session, commit, revision, by)
        said = f"{revision} of {commit.repo} is pinned to {commit.sha}"
        _record(session, commit, revision, by, f"{said}; it was at {before}" if before else said)


def unpin(database: Database, repo: RepoId, revision: Revision, by: str) -> None:
    """Let a branch go: the next commit of it that is allowed will be where it stays."""
    with database.write() as session:
        row = session.get(PinRow, _key(repo, revision))
        if row is None:
            raise BadInput(f"{revision} of {repo} is not pinned: `curator pin --list` shows the branches that are")
        session.delete(row)
        _record(session, Commit(repo, row.sha), revision, by, f"{revision} of {repo} is pinned no longer")


def list_pins(database: Database) -> list[PinRow]:
    with database.read() as session:
        return list(session.exec(select(PinRow).order_by(PinRow.kind, PinRow.repo, PinRow.revision)))


def _movable(revision: Revision) -> None:
    if revision.is_commit:
        raise BadInput(f"{revision} is a commit, and stands for itself: name a branch or a tag to pin")


def _key(repo: RepoId, revision: Revision) -> tuple[str, str, str]:
    return repo.kind.value, str(repo).lower(), revision.text


def _put(session: Session, commit: Commit, revision: Revision, by: str) -> None:
    kind, repo, name = _key(commit.repo, revision)
    session.merge(PinRow(kind=kind, repo=repo, revision=name, sha=commit.sha, pinned_by=by, pinned_at=now()))


def _record(session: Session, commit: Commit, revision: Revision, by: str, sentence: str) -> None:
    changed(session)
    append(
        session,
        AuditEvent(
            action=Action.PIN,
            actor=by,
            kind=RepoKind(commit.repo.kind),
            repo=str(commit.repo),
            revision=revision.text,
            commit=commit.sha,
            outcome="pin",
            sentence=sentence,
        ),
    )
