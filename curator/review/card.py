"""What a reviewer reads of a line before he decides: why it is refused, on what evidence, who wants it and what for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from curator.admission import decisions
from curator.admission.decisions import Ruling
from curator.admission.tables import DecisionRow, SnapshotRow
from curator.review import proposals, queue, requests
from curator.review.proposals import Proposal
from curator.review.queue import Line, NotWaiting
from curator.review.requests import KeptRequest
from curator.review.waiting import silent
from curator.review.waiving import standing_against
from curator.types import RepoId
from rules.circumstances import Audience
from rules.evaluate import Reason
from rules.facts import Facts, FindingFacts, Severity

_MOST_FINDINGS = 30
_WORST_FIRST = [Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NONE]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding that a reason rests on, and the file that it is in."""

    path: str
    finding: FindingFacts


@dataclass(frozen=True, slots=True)
class Card:
    """All of it."""

    line: Line
    ruling: Ruling
    facts: Facts
    against: tuple[Reason, ...]
    """What stands against it."""
    beside: tuple[Reason, ...]
    """What else rules have said: warnings, what is waived or only tried."""
    evidence: tuple[Evidence, ...]
    """The worst first."""
    more_evidence: int
    requests: tuple[KeptRequest, ...]
    silent: tuple[tuple[str, Audience], ...]
    """Who was refused and has said nothing."""
    proposal: Proposal | None
    approved: str | None
    """The commit of the repository that was allowed last."""


def card(session: Session, item_id: str, *, review_hours: int) -> Card:
    """The card of a line. Raises `NotWaiting`."""
    line = queue.find(session, item_id, review_hours=review_hours)
    found = decisions.find(session, line.decision)
    if found is None:
        raise NotWaiting(f"The decision about {line.commit} is not kept any more")
    ruling, facts = found
    against = standing_against(ruling.decision.reasons)
    resting = {one for reason in against for one in reason.fingerprints}
    evidence = sorted(
        (
            Evidence(file.path, finding)
            for file in facts.files
            for finding in file.findings
            if finding.fingerprint in resting
        ),
        key=lambda one: (_WORST_FIRST.index(one.finding.severity), one.path),
    )
    return Card(
        line,
        ruling,
        facts,
        against,
        tuple(reason for reason in ruling.decision.reasons if reason not in against),
        tuple(evidence[:_MOST_FINDINGS]),
        max(len(evidence) - _MOST_FINDINGS, 0),
        tuple(requests.kept(session, requests.open_of(session, line.commit.repo))),
        tuple((one.name, Audience(one.team, one.project)) for one in silent(session, line.commit.repo)),
        proposals.of_item(session, line.id),
        _approved(session, line.commit.repo, line.commit.sha),
    )


def _approved(session: Session, repo: RepoId, sha: str) -> str | None:
    return session.exec(
        select(SnapshotRow.sha)
        .join(DecisionRow, col(DecisionRow.snapshot_id) == col(SnapshotRow.id))
        .where(
            SnapshotRow.kind == repo.kind.value,
            SnapshotRow.repo == str(repo),
            SnapshotRow.sha != sha,
            DecisionRow.outcome == "allow",
        )
        .order_by(col(DecisionRow.id).desc())
        .limit(1)
    ).first()
