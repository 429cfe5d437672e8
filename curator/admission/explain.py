"""A decision explained, from one source for the page, the API and the command line."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from curator.admission.branches import Behind
from curator.admission.decisions import Ruling, current
from curator.admission.judge import circumstances_of, policy_of
from curator.admission.words import names_of
from curator.settings import Settings
from curator.types import Commit
from rules.explain import explain
from rules.facts import Facts


def explain_ruling(
    session: Session, settings: Settings, commit: Commit, ruling: Ruling, facts: Facts
) -> dict[str, Any]:
    """JSON: the decision, what each rule saw and said, what would change it, and all that it rests on."""
    policy = policy_of(session, ruling.rule_set)
    explanation = explain(policy, facts, circumstances_of(session, ruling.audience))
    in_force = current(session, ruling.snapshot_id, ruling.rule_set, ruling.audience)
    reasons = ruling.decision.reasons
    return {
        "schema": "curator.explanation/1",
        "repository": str(commit.repo),
        "kind": commit.repo.kind.value,
        "commit": commit.sha,
        "outcome": ruling.outcome.value,
        "decision": ruling.id,
        "details": f"{settings.url}/-/decisions/{ruling.id}",
        "contact": settings.contact,
        "audience": {"team": ruling.audience.team, "project": ruling.audience.project},
        "decided_at": ruling.at.isoformat(timespec="seconds"),
        "expires_at": ruling.expires_at.isoformat(timespec="seconds") if ruling.expires_at else None,
        "superseded_by": in_force.id if in_force is not None and in_force.id != ruling.id else None,
        "rule_set": {"name": policy.name, "digest": policy.digest},
        "reasons": [reason.as_json() for reason in reasons],
        "excluded_files": {path: reason.as_json() for path, reason in ruling.excluded.items()},
        "rules": [result.as_json() for result in explanation.rules],
        "changes": [change.as_json() for change in explanation.changes],
        "named": names_of(session, {one for reason in reasons for one in reason.by}),
        "facts": facts.as_json(),
    }


def explain_behind(behind: Behind, served: Commit) -> dict[str, Any]:
    """JSON: why a branch is given at another commit than the upstream's."""
    return {
        "revision": behind.revision,
        "upstream_commit": behind.upstream.sha,
        "commits": behind.commits,
        "outcome": behind.outcome,
        "rules": list(behind.rules),
        "decision": behind.decision,
        "sentence": behind.sentence(served),
    }
