"""What is said of a draft of rules while somebody writes it: mistakes, doubts, and its own tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.admission import decisions, snapshots
from curator.errors import CuratorError
from curator.policy.vocabulary import vocabulary
from curator.types import Commit, RepoId, RepoKind
from rules.document import Problem
from rules.expectations import FactsNotHad, Lookup, Result, run
from rules.facts import Facts
from rules.lint import doubts
from rules.model import Policy, PolicyError, parse_policy


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft that was read."""

    policy: Policy | None
    """None where it cannot be used."""
    problems: tuple[Problem, ...]
    doubts: tuple[Problem, ...]

    @property
    def sentence(self) -> str:
        """In words."""
        if self.policy is None:
            return f"{_count(len(self.problems), 'mistake')}: these rules cannot be used yet."
        doubtful = f", {_count(len(self.doubts), 'doubt')}" if self.doubts else ", nothing wrong"
        return f"{_count(len(self.policy.rules), 'rule')}{doubtful}."

    def as_json(self) -> dict[str, Any]:
        policy = self.policy
        return {
            "sentence": self.sentence,
            "usable": policy is not None,
            "rule_set": {"name": policy.name, "digest": policy.digest} if policy else None,
            "rules": len(policy.rules) if policy else 0,
            "tests": len(policy.expectations) if policy else 0,
            "problems": [_told(problem) for problem in self.problems],
            "doubts": [_told(problem) for problem in self.doubts],
        }


@dataclass(frozen=True, slots=True)
class Tested:
    """A draft whose tests were run."""

    policy: Policy
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)

    @property
    def sentence(self) -> str:
        """In words."""
        failed = sum(not one.passed and not one.not_run for one in self.results)
        not_run = sum(bool(one.not_run) for one in self.results)
        if not self.results:
            return "The draft has no tests: write what you expect under expect:"
        parts = [f"{len(self.results) - failed - not_run} of {_count(len(self.results), 'test')} as expected"]
        parts += [f"{failed} not"] if failed else []
        parts += [f"{not_run} not run"] if not_run else []
        return f"{', '.join(parts)}."

    def as_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "passed": self.passed,
            "rule_set": {"name": self.policy.name, "digest": self.policy.digest},
            "tests": [_result(one) for one in self.results],
        }


def check(source: str) -> Checked:
    """What is wrong with a draft, and what is doubtful."""
    try:
        policy = parse_policy(source, "the draft")
    except PolicyError as error:
        return Checked(None, error.problems, ())
    return Checked(policy, (), doubts(policy, vocabulary(), "the draft"))


def test(session: Session, policy: Policy) -> Tested:
    """Run the tests of a draft; facts of commits that a test names are those that the mirror has."""
    return Tested(policy, run(policy, _lookup(session)))


def _lookup(session: Session) -> Lookup:
    def look(repository: str, commit: str, kind: str) -> Facts:
        try:
            snapshot = snapshots.find(session, Commit(RepoId.parse(repository, RepoKind(kind)), commit))
        except CuratorError as error:
            raise FactsNotHad(error.sentence) from None
        found = decisions.newest_facts(session, [snapshot.id]) if snapshot is not None else {}
        if snapshot is None or snapshot.id not in found:
            raise FactsNotHad(f"{repository}@{commit} was not judged here: ask for it once, and run the test again")
        return Facts.from_json(json.loads(found[snapshot.id].facts))

    return look


def _told(problem: Problem) -> dict[str, Any]:
    return {"line": problem.place.line, "column": problem.place.column, "sentence": problem.sentence}


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "passed": result.passed,
        "line": result.place.line,
        "differences": list(result.differences),
        "not_run": result.not_run,
        "outcome": result.decision.outcome.value if result.decision else None,
    }


def _count(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else f'{what}s'}"
