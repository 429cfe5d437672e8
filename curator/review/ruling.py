"""The rules in force as a reader wants them: what each says and asks, how often it refused, and what answers it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.database.engine import now
from curator.policy import rule_sets, waivers
from curator.policy.hits import hits_since
from rules.document import read_document
from rules.model import CheckedRule, Policy

DAYS = 30


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """One rule."""

    checked: CheckedRule
    line: int
    """Where it begins in the text."""
    conditions: tuple[str, ...]
    """As they are written, one a line."""
    scope: str
    """What it is about and for whom; empty for everything."""
    refused: int
    """Requests that it refused in the last `DAYS` days."""
    waivers: int
    """In force, that answer it."""

    def as_json(self) -> dict[str, Any]:
        rule = self.checked.rule
        return {
            "id": rule.id,
            "line": self.line,
            "description": rule.description,
            "outcome": rule.outcome.value,
            "conditions": list(self.conditions),
            "scope": self.scope,
            "message": rule.message,
            "owner": rule.owner,
            "dry_run": rule.dry_run,
            "if_unknown": rule.if_unknown.value,
            "references": list(rule.references),
            "refused": self.refused,
            "waivers": self.waivers,
        }


@dataclass(frozen=True, slots=True)
class InForce:
    """All of them."""

    policy: Policy
    rules: tuple[RuleInForce, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule_set": {"name": self.policy.name, "digest": self.policy.digest},
            "description": self.policy.description,
            "branches": self.policy.branches.value,
            "lists": {name: list(entries) for name, entries in self.policy.lists.items()},
            "days": DAYS,
            "rules": [rule.as_json() for rule in self.rules],
        }


def in_force(session: Session) -> InForce | None:
    """None if there are no rules. Raises `BadInput` for rules that this version cannot read."""
    digest = rule_sets.in_force(session)
    if digest is None:
        return None
    policy, moment = rule_sets.parsed(rule_sets.find(session, digest)), now()
    hits = hits_since(session, (moment - dt.timedelta(days=DAYS)).date())
    answered = Counter(rule for names in waivers.rules_answered(session, moment) for rule in names)
    document = read_document(policy.source, "")
    lines = [document.place(("rules", index)).line for index in range(len(policy.rules))]
    return InForce(
        policy,
        tuple(_rule(checked, line, hits, answered) for checked, line in zip(policy.rules, lines, strict=True)),
    )


def _rule(checked: CheckedRule, line: int, hits: Mapping[str, int], answered: Counter[str]) -> RuleInForce:
    rule = checked.rule
    conditions = tuple(_written(rule.when.model_dump(mode="json", by_alias=True, exclude_unset=True), ""))
    if rule.expression is not None:
        conditions += (f"expression: {' '.join(rule.expression.split())}",)
    return RuleInForce(checked, line, conditions, _scope(checked), hits.get(rule.id, 0), answered[rule.id])


def _written(group: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _written(value, f"{before}{name}: ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, one in enumerate(value, 1):
                yield from _written(one, f"{before}{name} {number}: ")
        elif value is not None:
            yield f"{before}{name}: {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _scope(checked: CheckedRule) -> str:
    about = checked.rule.applies_to.model_dump(mode="json", exclude_defaults=True)
    return "; ".join(f"{name}: {', '.join(value)}" for name, value in about.items())
