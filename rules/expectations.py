"""The tests in a file of rules: what is expected of given facts, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rules.circumstances import Audience, Circumstances, ListEffect, ListEntry
from rules.decision import Decision, Outcome, Standing
from rules.document import Place
from rules.evaluate import evaluate
from rules.facts import Facts
from rules.form import Expectation
from rules.model import Policy
from rules.samples import facts_of_sample

Lookup = Callable[[str, str, str], Facts]
"""Repository, commit and kind to the facts; raises `FactsNotHad`."""


class FactsNotHad(Exception):
    """The facts of a repository that a test names could not be had; why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one expectation."""

    name: str
    passed: bool
    differences: tuple[str, ...]
    """What was expected, what came, and which rule made it, as sentences."""
    decision: Decision | None
    """None where the facts were not had."""
    place: Place
    not_run: str = ""
    """Why it could not be run; empty if it was."""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "passed": self.passed,
            "line": self.place.line,
            "differences": list(self.differences),
            "not_run": self.not_run,
            "decision": self.decision.as_json() if self.decision else None,
        }


def run(policy: Policy, lookup: Lookup) -> tuple[Result, ...]:
    """Each expectation of the file, in its order."""
    return tuple(
        _run(policy, expectation, place, lookup)
        for expectation, place in zip(policy.expectations, policy.expected_at, strict=True)
    )


def deciding(decision: Decision) -> tuple[str, ...]:
    """The ids of the rules that made the outcome; of what is allowed, of those that had something to say."""
    enforced = [reason for reason in decision.reasons if reason.standing is Standing.ENFORCED]
    if decision.outcome is not Outcome.ALLOW:
        enforced = [reason for reason in enforced if reason.outcome.value == decision.outcome.value]
    return tuple(dict.fromkeys(reason.rule for reason in enforced))


def _run(policy: Policy, expectation: Expectation, place: Place, lookup: Lookup) -> Result:
    try:
        facts = _facts(expectation, lookup)
    except FactsNotHad as error:
        return Result(expectation.name, False, (), None, place, str(error))
    decision = evaluate(policy, facts, _circumstances(expectation, facts))
    differences = tuple(_differences(expectation, decision))
    return Result(expectation.name, not differences, differences, decision, place)


def _facts(expectation: Expectation, lookup: Lookup) -> Facts:
    if expectation.facts is not None:
        return facts_of_sample(expectation.facts)
    repository, _, commit = expectation.repository.partition("@")
    return lookup(repository, commit, expectation.kind.value)


def _circumstances(expectation: Expectation, facts: Facts) -> Circumstances:
    audience = Audience(expectation.for_.team, expectation.for_.project)
    if expectation.approved == "no":
        return Circumstances(audience)
    commits = frozenset({facts.commit}) if expectation.approved == "commit" else frozenset[str]()
    entry = ListEntry("of-the-test", ListEffect.APPROVE, ("*",), "the test says so", "the test", commits=commits)
    return Circumstances(audience, entries=(entry,))


def _differences(expectation: Expectation, decision: Decision) -> Iterator[str]:
    if decision.outcome.value != expectation.outcome:
        yield f"expected {expectation.outcome}, and it is {decision.outcome.value}: {_why(decision)}"
    if expectation.rules is not None and set(expectation.rules) != set(deciding(decision)):
        yield f"expected to be decided by {_list(expectation.rules)}, and it is by {_list(deciding(decision))}"
    if expectation.excluded is not None and set(expectation.excluded) != set(decision.excluded_files):
        yield f"expected to be left out: {_list(expectation.excluded)}; left out: {_left_out(decision)}"


def _why(decision: Decision) -> str:
    made = deciding(decision)
    if not made:
        return "no rule applies"
    reason = next(reason for reason in decision.reasons if reason.rule in made)
    more = f" (and {len(made) - 1} more)" if len(made) > 1 else ""
    return f"{reason.rule} says {reason.message!r}{more}"


def _left_out(decision: Decision) -> str:
    return _list(tuple(f"{path} (by {reason.rule})" for path, reason in decision.excluded_files.items()))


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
