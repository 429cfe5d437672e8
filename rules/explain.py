"""A decision explained: what each rule asked, what the facts say, what came of it, and what would change it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.asks import All, Answer, AnyOne, Leaf, Unless
from rules.case import Case
from rules.changes import Change, changes_of
from rules.circumstances import NOTHING_DECIDED, Circumstances
from rules.decision import Decision, Reason, Standing
from rules.evaluate import evaluate
from rules.expressions import EvaluationError, Expression
from rules.facts import Facts, FileFacts
from rules.hits import TOO_LONG
from rules.model import CheckedRule, Effect, Policy

_MOST_FILES = 5
_QUICK_S = 0.25
"""What would change a decision is tried some sixty times, and only where one takes no longer."""
"""That are named beside a condition."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition of a rule, what it wanted, and what the facts say."""

    condition: str
    """As it is written, with `any 1:` or `unless:` before it where it stands below these."""
    wanted: str
    said: Any
    """JSON: a value, or for a condition about files a list of the files it holds of, up to five."""
    held: Answer
    """None where the fact is not known."""

    def as_json(self) -> dict[str, Any]:
        return {"condition": self.condition, "wanted": self.wanted, "said": self.said, "held": self.held}


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's part in a decision, whether it applied or not."""

    rule: str
    description: str
    outcome: Effect
    in_scope: bool
    scope: str
    """Why it is not about this repository, or not for whoever asks; empty if it is."""
    applied: bool
    asked: tuple[Asked, ...]
    reasons: tuple[Reason, ...]
    """What it says in the decision, one for each standing that it has there."""
    owner: str
    dry_run: bool
    references: tuple[str, ...]

    @property
    def conditions(self) -> Mapping[str, bool]:
        """Each condition as it is written, and whether it held (of any file, for one about files)."""
        return {f"{one.condition}: {one.wanted}": one.held is True for one in self.asked}

    @property
    def message(self) -> str:
        return self.reasons[0].message if self.reasons else ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for reason in self.reasons for path in reason.files))

    @property
    def standing(self) -> Standing | None:
        """That of the first reason; None if the rule did not apply."""
        return self.reasons[0].standing if self.reasons else None

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "description": self.description,
            "outcome": self.outcome.value,
            "in_scope": self.in_scope,
            "scope": self.scope,
            "applied": self.applied,
            "conditions": dict(self.conditions),
            "asked": [one.as_json() for one in self.asked],
            "message": self.message,
            "files": list(self.files),
            "standing": self.standing.value if self.standing else None,
            "by": sorted({name for reason in self.reasons for name in reason.by}),
            "reasons": [reason.as_json() for reason in self.reasons],
            "owner": self.owner,
            "dry_run": self.dry_run,
            "references": list(self.references),
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
    began = time.thread_time()
    decision = evaluate(policy, facts, circumstances)
    quick = time.thread_time() - began < _QUICK_S
    case = Case(facts, circumstances)
    results = tuple(_result(rule, case, decision) for rule in policy.rules)
    return Explanation(decision, results, changes_of(policy, facts, circumstances, decision) if quick else ())


def _result(checked: CheckedRule, case: Case, decision: Decision) -> RuleResult:
    rule = checked.rule
    scope = _outside(checked, case)
    reasons = tuple(reason for reason in decision.reasons if reason.rule == rule.id)
    return RuleResult(
        rule.id,
        rule.description,
        rule.outcome,
        not scope,
        scope,
        bool(reasons),
        tuple(_asked(checked, case)),
        reasons,
        rule.owner,
        rule.dry_run,
        rule.references,
    )


def _outside(checked: CheckedRule, case: Case) -> str:
    """Why the rule is not asked here; empty if it is."""
    about, facts, audience = checked.rule.applies_to, case.facts, case.circumstances.audience
    if facts.kind not in checked.kinds:
        return f"it is about {_shown(about.kinds)}, and this is a {facts.kind.value}"
    if not checked.matches(facts.repository):
        return f"it is about {_shown(about.repositories)}"
    if not checked.scope.covers(audience):
        teams = "" if about.teams == ("*",) else f"the team {_shown(about.teams)}"
        projects = "" if about.projects == ("*",) else f"the project {_shown(about.projects)}"
        return f"it is for {' and '.join(one for one in (teams, projects) if one)}"
    return ""


def _asked(checked: CheckedRule, case: Case) -> Iterator[Asked]:
    yield from _group(checked.conditions, case, "")
    if checked.expression is not None:
        yield _expression(checked, case)


def _group(group: All, case: Case, before: str) -> Iterator[Asked]:
    for ask in group.asks:
        match ask:
            case Leaf():
                yield _leaf(ask, case, before)
            case AnyOne():
                for number, one in enumerate(ask.groups, 1):
                    yield from _group(one, case, f"{before}any {number}: ")
            case Unless():
                yield from _group(ask.group, case, f"{before}unless: ")


def _leaf(leaf: Leaf, case: Case, before: str) -> Asked:
    name = f"{before}{leaf.name}"
    if not leaf.of_files:
        return Asked(name, _shown(leaf.written), _said(leaf.said(case, None)), leaf.ask(case, None))
    held = [file for file in case.facts.files if leaf.ask(case, file)]
    said = [f"{file.path}: {_shown(_said(leaf.said(case, file)))}" for file in held[:_MOST_FILES]]
    return Asked(name, _shown(leaf.written), said, bool(held))


def _expression(checked: CheckedRule, case: Case) -> Asked:
    expression = checked.expression
    assert expression is not None
    said = {name: _said(value) for name, value in case.values(expression.reads, None).items()}
    held: Answer
    if expression.unknown(case.facts):
        held = None
    else:
        try:
            files = case.facts.files if expression.of_files else (None,)
            held = any(_holds(expression, case, file) for file in files)
        except EvaluationError as error:
            held, said = None, said | {"error": str(error)}
    return Asked("expression", expression.text.strip(), said, held)


def _holds(expression: Expression, case: Case, file: FileFacts | None) -> bool:
    if case.is_over:
        raise EvaluationError(TOO_LONG)
    return expression.holds(case.values(expression.reads, file))


def _said(value: Any) -> Any:
    """What the facts say, as JSON."""
    if isinstance(value, dt.timedelta):
        return f"{value / dt.timedelta(days=1):.1f} days"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return [str(one) for one in value] if isinstance(value, tuple | list) else value


def _shown(wanted: Any) -> str:
    """A value as one would write it."""
    if isinstance(wanted, bool):
        return "true" if wanted else "false"
    if isinstance(wanted, float):
        return f"{wanted:g}"
    return ", ".join(str(one) for one in wanted) if isinstance(wanted, tuple | list) else str(wanted)
