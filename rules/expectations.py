"""The tests in a file of rules: what is expected of given facts, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rules.decision import Decision
from rules.facts import Facts
from rules.model import Policy

Lookup = Callable[[str, str, str], Facts]
"""Repository, commit (or revision) and kind to the facts; raises `FactsNotHad`."""


class FactsNotHad(Exception):
    """The facts of a repository that a test names could not be had; why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one expectation."""

    name: str
    passed: bool
    differences: tuple[str, ...]
    """What was expected and what came, as sentences."""
    decision: Decision | None
    """None where the facts were not had."""
    not_run: str = ""
    """Why it could not be run; empty if it was."""
    line: int = 1
    """Where it stands in the file."""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "passed": self.passed,
            "differences": list(self.differences),
            "decision": self.decision.as_json() if self.decision else None,
            "not_run": self.not_run,
            "line": self.line,
        }


def run(policy: Policy, lookup: Lookup) -> tuple[Result, ...]:
    """Each expectation of the file, in its order."""
    del policy, lookup
    return ()
