"""What is decided about `main` of many repositories at once, for lists of them."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, and_, col, select

from curator.admission.decisions import Ruling, ruling_of
from curator.admission.tables import DecisionRow, ObservationRow, ReferenceRow, SnapshotRow
from curator.database.engine import now
from curator.types import RepoKind
from rules.circumstances import EVERYBODY, Audience
from rules.evaluate import Outcome
from scanners.finding import SCANNER_VERSION


def in_force(
    session: Session, kind: RepoKind, repos: Collection[str], rule_set: str, audience: Audience = EVERYBODY
) -> dict[str, Ruling]:
    """The decisions in force about `main` of these repositories, by canonical id, in one query for all of them."""
    rows = session.exec(
        select(SnapshotRow.repo, DecisionRow)
        .join(DecisionRow, col(DecisionRow.snapshot_id) == col(SnapshotRow.id))
        .join(
            ReferenceRow,
            and_(
                col(ReferenceRow.kind) == SnapshotRow.kind,
                col(ReferenceRow.asked) == SnapshotRow.repo,
                col(ReferenceRow.sha) == SnapshotRow.sha,
                col(ReferenceRow.revision) == "main",
            ),
        )
        .where(
            SnapshotRow.kind == kind.value,
            col(SnapshotRow.repo).in_(repos),
            DecisionRow.rule_set == rule_set,
            DecisionRow.scanner == SCANNER_VERSION,
            DecisionRow.audience == str(audience),
        )
        .order_by(col(DecisionRow.id))
    )
    newest = dict(rows.all())
    moment = now()
    return {repo: ruling_of(row) for repo, row in newest.items() if row.expires_at is None or row.expires_at > moment}


def newest_allowed(
    session: Session, kind: RepoKind, repos: Collection[str], rule_set: str, audience: Audience = EVERYBODY
) -> dict[str, Ruling]:
    """Of each repository the decision about the newest commit that `main` was seen at and that is allowed."""
    rows = session.exec(
        select(ObservationRow.repo, ObservationRow.id, DecisionRow)
        .join(
            SnapshotRow,
            and_(
                col(SnapshotRow.kind) == ObservationRow.kind,
                col(SnapshotRow.repo) == ObservationRow.repo,
                col(SnapshotRow.sha) == ObservationRow.sha,
            ),
        )
        .join(DecisionRow, col(DecisionRow.snapshot_id) == col(SnapshotRow.id))
        .where(
            ObservationRow.kind == kind.value,
            col(ObservationRow.repo).in_(repos),
            ObservationRow.revision == "main",
            DecisionRow.rule_set == rule_set,
            DecisionRow.scanner == SCANNER_VERSION,
            DecisionRow.audience == str(audience),
        )
        .order_by(col(ObservationRow.id), col(DecisionRow.id))
    )
    newest = {(repo, seen): row for repo, seen, row in rows}
    moment = now()
    return {
        repo: ruling_of(row)
        for (repo, _), row in newest.items()
        if row.outcome == Outcome.ALLOW.value and (row.expires_at is None or row.expires_at > moment)
    }
