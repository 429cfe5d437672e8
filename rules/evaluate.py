"""Policy and facts to a decision: pure, total, and the same in whatever order the rules stand.

The strictest outcome wins: block, then hold, then leaving files out, then allow. A rule that cannot be evaluated holds.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from rules.circumstances import NOTHING_DECIDED, Circumstances
from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS
from rules.decision import Decision, Outcome, Reason, Standing
from rules.expressions import EvaluationError, file_values, repository_values
from rules.facts import Facts, FileFacts, Severity
from rules.model import CheckedRule, Effect, Policy

__all__ = ["NO_RULES", "Decision", "Outcome", "Reason", "Standing", "evaluate"]

NO_RULES = "no-rules"
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
