"""Policy and facts to a decision: pure, total, and the same in whatever order the rules stand.

The strictest outcome wins: block, then hold, then leaving files out, then allow. A rule that cannot be evaluated holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self

from rules.circumstances import NOTHING_DECIDED, Circumstances
from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS
from rules.expressions import EvaluationError, file_values, repository_values
from rules.facts import Facts, FileFacts, Severity
from rules.model import CheckedRule, Effect, Policy

NO_RULES = "no-rules"


class Outcome(StrEnum):
    """Of a decision about a commit."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class Standing(StrEnum):
    """What became of what a rule says."""

    ENFORCED = "enforced"
    DRY_RUN = "dry-run"
    """The rule is only tried: recorded, and without effect."""
    WAIVED = "waived"
    """Waivers cover all that it rests on."""
    APPROVED = "approved"
    """It asked for somebody to look, and somebody has."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule has to say."""

    rule: str
    outcome: Effect
    message: str
    files: tuple[str, ...] = ()
    """Paths of the files that it speaks of."""
    fingerprints: tuple[str, ...] = ()
    """Of the findings that it rests on."""
    standing: Standing = Standing.ENFORCED
    by: tuple[str, ...] = ()
    """Ids of the waivers or list entries that give it this standing, or that say it."""
    owner: str = ""
    """The group that answers for the rule."""

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "outcome": self.outcome.value,
            "message": self.message,
            "files": list(self.files),
            "fingerprints": list(self.fingerprints),
            "standing": self.standing.value,
            "by": list(self.by),
            "owner": self.owner,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            document["rule"],
            Effect(document["outcome"]),
            document["message"],
            tuple(document["files"]),
            tuple(document["fingerprints"]),
            # Decisions of version 0.1 have none of these.
            Standing(document.get("standing", Standing.ENFORCED)),
            tuple(document.get("by", ())),
            document.get("owner", ""),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a commit."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    """What every rule that applied has to say, the strictest first."""
    excluded_files: Mapping[str, Reason] = field(default_factory=dict)
    """Path to the reason for which the file is left out; only of a commit that is allowed."""
    policy_digest: str = ""
    until: dt.datetime | None = None
    """When the mere passing of time may change it (an age, the end of a waiver); None if it never does."""

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "reasons": [reason.as_json() for reason in self.reasons],
            "excluded_files": {path: reason.as_json() for path, reason in self.excluded_files.items()},
            "policy_digest": self.policy_digest,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            Outcome(document["outcome"]),
            tuple(Reason.from_json(reason) for reason in document["reasons"]),
            {path: Reason.from_json(reason) for path, reason in document["excluded_files"].items()},
            document["policy_digest"],
            dt.datetime.fromisoformat(until) if (until := document.get("until")) else None,
        )


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's part in a decision, whether it applied or not."""

    rule: str
    description: str
    outcome: Effect
    applied: bool
    conditions: Mapping[str, bool]
    """Each condition as it is written, and whether it held (of any file, for one about files)."""
    message: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "description": self.description,
            "outcome": self.outcome.value,
            "applied": self.applied,
            "conditions": dict(self.conditions),
            "message": self.message,
            "files": list(self.files),
        }


_STRICTNESS = {Effect.ALLOW: 0, Effect.WARN: 1, Effect.EXCLUDE_FILE: 2, Effect.HOLD: 3, Effect.BLOCK: 4}


def evaluate(policy: Policy, facts: Facts, circumstances: Circumstances = NOTHING_DECIDED) -> Decision:
    """The decision of these rules about these facts, for whoever asks; `facts.observed_at` is the moment."""
    del circumstances
    reasons = [reason for rule in policy.rules if (reason := _reason(rule, facts)) is not None]
    if not policy.rules:
        reasons = [Reason(NO_RULES, Effect.HOLD, "there are no rules, and without rules nothing is allowed")]
    reasons.sort(key=lambda reason: (-_STRICTNESS[reason.outcome], reason.rule))
    strictest = max((_STRICTNESS[reason.outcome] for reason in reasons), default=0)
    outcome = {4: Outcome.BLOCK, 3: Outcome.HOLD}.get(strictest, Outcome.ALLOW)
    excluded: dict[str, Reason] = {}
    if outcome is Outcome.ALLOW:
        for reason in reasons:
            if reason.outcome is Effect.EXCLUDE_FILE:
                excluded |= {path: _about(reason, path, facts, policy) for path in reason.files if path not in excluded}
    return Decision(outcome, tuple(reasons), excluded, policy.digest)


def explain(policy: Policy, facts: Facts) -> tuple[RuleResult, ...]:
    """Every rule, what it asked, what the answer was, and what came of it."""
    return tuple(_explained(rule, facts) for rule in policy.rules)


def _explained(checked: CheckedRule, facts: Facts) -> RuleResult:
    rule = checked.rule
    conditions = {
        f"{name}: {_shown(wanted)}": REPOSITORY_CONDITIONS[name](facts, wanted)
        for name, wanted in rule.when.of_repository.items()
    }
    for name, wanted in rule.when.of_files.items():
        conditions[f"{name}: {_shown(wanted)}"] = any(FILE_CONDITIONS[name](file, wanted) for file in facts.files)
    if checked.expression is not None:
        try:
            files = facts.files if checked.expression.of_files else (None,)
            held = any(_expression_holds(checked, facts, file) for file in files)
        except EvaluationError:
            held = True
        conditions[f"expression: {checked.expression.text.strip()}"] = held
    reason = _reason(checked, facts)
    return RuleResult(
        rule.id,
        rule.description,
        rule.outcome,
        reason is not None,
        conditions,
        reason.message if reason else "",
        reason.files if reason else (),
    )


def _reason(checked: CheckedRule, facts: Facts) -> Reason | None:
    """What the rule says of these facts; None if it does not apply."""
    rule = checked.rule
    in_scope = facts.kind in rule.applies_to.kinds and any(
        fnmatchcase(facts.repository.lower(), glob.lower()) for glob in rule.applies_to.repositories
    )
    if not in_scope:
        return None
    if not all(REPOSITORY_CONDITIONS[name](facts, wanted) for name, wanted in rule.when.of_repository.items()):
        return None
    try:
        if not checked.asks_files:
            applies = checked.expression is None or _expression_holds(checked, facts, None)
            return Reason(rule.id, rule.outcome, _message(checked, facts, None)) if applies else None
        hits = tuple(file for file in facts.files if _file_hit(checked, facts, file))
    except EvaluationError as error:
        said = f"the rule could not be evaluated ({error}), so the repository is held until its author mends it"
        return Reason(rule.id, Effect.HOLD, said)
    if not hits:
        return None
    fingerprints = tuple(finding.fingerprint for file in hits for finding in file.findings if finding.fingerprint)
    return Reason(
        rule.id, rule.outcome, _message(checked, facts, hits[0]), tuple(file.path for file in hits), fingerprints
    )


def _file_hit(checked: CheckedRule, facts: Facts, file: FileFacts) -> bool:
    if not all(FILE_CONDITIONS[name](file, wanted) for name, wanted in checked.rule.when.of_files.items()):
        return False
    return checked.expression is None or _expression_holds(checked, facts, file)


def _expression_holds(checked: CheckedRule, facts: Facts, file: FileFacts | None) -> bool:
    assert checked.expression is not None
    values = repository_values(facts)
    return checked.expression.holds(values | file_values(file) if file is not None else values)


def _about(reason: Reason, path: str, facts: Facts, policy: Policy) -> Reason:
    """The reason, told of one of its files."""
    checked = next(rule for rule in policy.rules if rule.rule.id == reason.rule)
    file = next(file for file in facts.files if file.path == path)
    fingerprints = tuple(finding.fingerprint for finding in file.findings if finding.fingerprint)
    return Reason(reason.rule, reason.outcome, _message(checked, facts, file), (path,), fingerprints)


def _message(checked: CheckedRule, facts: Facts, file: FileFacts | None) -> str:
    """The rule's message with its placeholders filled in."""
    finding = _worst(file) if file else ""
    return checked.rule.message.format_map(
        {
            "repository": facts.repository,
            "file": file.path if file else "",
            "finding": finding,
            "reason": (file.unscannable if file else "") or finding,
            "license": ", ".join(facts.license.declared) or "none",
            "category": facts.license.category.value,
            "lookalike": facts.lookalike.of,
            "why": facts.lookalike.why,
        }
    )


def _worst(file: FileFacts) -> str:
    order = list(Severity)
    worst = max(file.findings, key=lambda finding: order.index(finding.severity), default=None)
    return worst.message if worst else file.unscannable


def _shown(wanted: Any) -> str:
    return ", ".join(str(one) for one in wanted) if isinstance(wanted, tuple) else str(wanted)
