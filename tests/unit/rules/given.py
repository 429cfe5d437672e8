"""Facts, rules and words of people, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rules.circumstances import Audience, Circumstances, ListEffect, ListEntry, Scope, Waiver
from rules.evaluate import Decision, evaluate
from rules.facts import Facts
from rules.model import Policy, parse_policy
from rules.samples import NOW, facts_of_sample

COMMIT = "0" * 40


def facts(**given: Any) -> Facts:
    """An ordinary, harmless model, but for these."""
    return facts_of_sample(given)


def policy(*rules: str, **fields: str) -> Policy:
    """Rules of the fields of each, in the order outcome, when or expression, and more."""
    return parse_policy(text(*rules, **fields), "rules.yaml")


def text(*rules: str, **fields: str) -> str:
    more = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"schema: curator.rules/1\nname: test\n{more}rules:\n" + ("".join(rules) or "  []\n")


def rule(outcome: str, asks: str, id_: str = "x", message: str = "said", more: str = "") -> str:
    """`asks` is what stands in `when`, or begins with `expression:`."""
    asked = asks if asks.startswith("expression:") else f"when: {{{asks}}}"
    lines = [
        f"  - id: {id_}",
        "    description: d",
        f"    {asked}",
        f"    outcome: {outcome}",
        f"    message: {message!r}",
    ]
    return "\n".join([*lines, *([f"    {more}"] if more else [])]) + "\n"


def decide(rules: Policy, said: Circumstances | None = None, **given: Any) -> Decision:
    return evaluate(rules, facts(**given), said or Circumstances())


def waiver(*fingerprints: str, id_: str = "w1", days: float | None = None, scope: Scope | None = None) -> Waiver:
    ends = NOW + dt.timedelta(days=days) if days is not None else None
    return Waiver(id_, frozenset(fingerprints), "a reason", "ana", ends, scope or Scope())


def entry(effect: str, repositories: str = "example/*", *, id_: str = "e1", **more: Any) -> ListEntry:
    return ListEntry(id_, ListEffect(effect), (repositories,), "a reason", "ana", **more)


def said(*words: Waiver | ListEntry, team: str = "", project: str = "") -> Circumstances:
    return Circumstances(
        Audience(team, project),
        tuple(word for word in words if isinstance(word, Waiver)),
        tuple(word for word in words if isinstance(word, ListEntry)),
    )
