"""A decision explained: what each rule asked, what the facts say, what came of it, and what would change it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.circumstances import NOTHING_DECIDED, Circumstances
from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS
from rules.decision import Decision, Outcome
from rules.evaluate import _expression_holds, _reason, evaluate
from rules.expressions import EvaluationError
from rules.facts import Facts
from rules.model import CheckedRule, Effect, Policy


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


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change the outcome, found by evaluating again with it."""

    kind: str
    """`files`, `waiver`, `approval`, `time`, `fact`, or several with ` + ` between."""
    how: str
    """In words: `a waiver of 2 findings`, `in 12 days`."""
    outcome: Outcome
    excluded_files: tuple[str, ...] = ()
    at: dt.datetime | None = None
    """When, for what time changes."""

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "how": self.how,
            "outcome": self.outcome.value,
            "excluded_files": list(self.excluded_files),
            "at": self.at.isoformat() if self.at else None,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, every rule's part in it, and what would change it."""

    decision: Decision
    rules: tuple[RuleResult, ...]
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "decision": self.decision.as_json(),
            "rules": [result.as_json() for result in self.rules],
            "changes": [change.as_json() for change in self.changes],
        }


def explain(policy: Policy, facts: Facts, circumstances: Circumstances = NOTHING_DECIDED) -> Explanation:
    """Every rule, what it asked, what the answer was, what came of it, and what would change the outcome."""
    results = tuple(_explained(rule, facts) for rule in policy.rules)
    return Explanation(evaluate(policy, facts, circumstances), results, ())


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


def _shown(wanted: Any) -> str:
    return ", ".join(str(one) for one in wanted) if isinstance(wanted, tuple) else str(wanted)
