"""What was decided about a repository before, and why it is decided otherwise now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, func, select

from curator.admission.decisions import ruling_of
from curator.admission.dossier.said import KnownCommit, PastDecision
from curator.admission.tables import DecisionRow, ReferenceRow, SnapshotRow
from curator.types import Commit, RepoId
from rules.evaluate import Outcome

_MOST_DECISIONS = 40
_MOST_COMMITS = 40


def decisions_about(session: Session, repo: RepoId, audiences: Collection[str] | None) -> tuple[PastDecision, ...]:
    """Newest first; `audiences` as decisions are kept, or None for all of them."""
    statement = (
        select(DecisionRow, SnapshotRow.sha)
        .join(SnapshotRow, col(SnapshotRow.id) == col(DecisionRow.snapshot_id))
        .where(SnapshotRow.kind == repo.kind.value, SnapshotRow.repo == str(repo))
    )
    if audiences is not None:
        statement = statement.where(col(DecisionRow.audience).in_(audiences))
    rows = session.exec(statement.order_by(col(DecisionRow.id).desc()).limit(_MOST_DECISIONS + 1)).all()
    told = [_past(row, sha, _before(rows[at + 1 :], row)) for at, (row, sha) in enumerate(rows)]
    return tuple(told[:_MOST_DECISIONS])


def commits_of(session: Session, repo: RepoId, audiences: Collection[str] | None) -> tuple[KnownCommit, ...]:
    """Those that the mirror knows, newest first, each with the newest decision about it."""
    rows = session.exec(
        select(SnapshotRow.id, SnapshotRow.sha, SnapshotRow.seen_at)
        .where(SnapshotRow.kind == repo.kind.value, SnapshotRow.repo == str(repo))
        .order_by(col(SnapshotRow.id).desc())
        .limit(_MOST_COMMITS)
    ).all()
    outcomes = _newest_outcomes(session, [one for one, _, _ in rows if one is not None], audiences)
    names: dict[str, list[str]] = {}
    revisions = session.exec(
        select(ReferenceRow.sha, ReferenceRow.revision).where(
            ReferenceRow.repo == str(repo),
            ReferenceRow.kind == repo.kind.value,
            col(ReferenceRow.sha).in_([sha for _, sha, _ in rows]),
        )
    )
    for sha, revision in revisions:
        if revision != sha and revision not in names.setdefault(sha, []):
            names[sha].append(revision)
    return tuple(
        KnownCommit(sha, seen_at, outcomes.get(one, ""), tuple(sorted(names.get(sha, []))))
        for one, sha, seen_at in rows
        if one is not None
    )


def last_approved(
    session: Session, commit: Commit, snapshot_id: int, audiences: Collection[str] | None
) -> DecisionRow | None:
    """The decision about the commit that was last approved before this one, and is so still; if none came before,
    about the newest of the others."""
    ids = session.exec(
        select(SnapshotRow.id)
        .where(
            SnapshotRow.kind == commit.repo.kind.value,
            SnapshotRow.repo == str(commit.repo),
            SnapshotRow.id != snapshot_id,
        )
        .order_by(col(SnapshotRow.id).desc())
        .limit(_MOST_COMMITS)
    ).all()
    outcomes = _newest_outcomes(session, [one for one in ids if one is not None], audiences)
    allowed = [one for one in ids if one is not None and outcomes.get(one) == Outcome.ALLOW.value]
    chosen = next((one for one in allowed if one < snapshot_id), next(iter(allowed), None))
    if chosen is None:
        return None
    return newest_about(session, chosen, audiences)


def newest_about(session: Session, snapshot_id: int, audiences: Collection[str] | None) -> DecisionRow | None:
    """The newest decision about a commit for these, whether it holds or not."""
    statement = select(DecisionRow).where(DecisionRow.snapshot_id == snapshot_id)
    if audiences is not None:
        statement = statement.where(col(DecisionRow.audience).in_(audiences))
    return session.exec(statement.order_by(col(DecisionRow.id).desc()).limit(1)).first()


def _newest_outcomes(
    session: Session, snapshot_ids: Collection[int], audiences: Collection[str] | None
) -> dict[int, str]:
    newest = select(func.max(DecisionRow.id)).where(col(DecisionRow.snapshot_id).in_(snapshot_ids))
    if audiences is not None:
        newest = newest.where(col(DecisionRow.audience).in_(audiences))
    rows = session.exec(
        select(DecisionRow.snapshot_id, DecisionRow.outcome).where(
            col(DecisionRow.id).in_(newest.group_by(col(DecisionRow.snapshot_id)))
        )
    )
    return dict(rows.all())


def _before(older: Sequence[tuple[DecisionRow, str]], row: DecisionRow) -> DecisionRow | None:
    same = (one for one, _ in older if (one.snapshot_id, one.audience) == (row.snapshot_id, row.audience))
    return next(same, None)


def _past(row: DecisionRow, sha: str, before: DecisionRow | None) -> PastDecision:
    ruling = ruling_of(row)
    allowed = ruling.outcome is Outcome.ALLOW
    return PastDecision(
        id=row.id,
        commit=sha,
        audience=row.audience,
        outcome=row.outcome,
        rule="" if allowed else next(iter(ruling.rules), ""),
        sentence="" if allowed else ruling.sentence,
        at=row.at,
        expires_at=row.expires_at,
        why=_why(row, before),
    )


def _why(row: DecisionRow, before: DecisionRow | None) -> str:
    """What was otherwise when it was made."""
    if before is None:
        return ""
    causes = []
    if row.rule_set != before.rule_set:
        causes.append(f"other rules ({before.rule_set[:12]} before, {row.rule_set[:12]} now)")
    if row.scanner != before.scanner:
        causes.append(f"newer scanners ({before.scanner} before, {row.scanner} now)")
    if row.facts_id != before.facts_id and row.scanner == before.scanner:
        causes.append("other facts")
    if not causes:
        causes.append("a waiver, an approval or a block, or the time had come")
    return "; ".join(causes)
