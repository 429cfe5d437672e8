"""What is doubtful in rules that can be used: what can never match, says the same twice, or decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from rules.document import Problem
from rules.model import Policy


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words there are, as far as somebody tells; the scanners know them, and rules know no scanners."""

    findings: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    licenses: frozenset[str] = frozenset()
    """As cards have them, in small letters."""
    conflicts: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()


EVERY_WORD = Vocabulary()
"""Nobody tells: no word is doubted."""


def doubts(policy: Policy, vocabulary: Vocabulary = EVERY_WORD, file: str = "") -> tuple[Problem, ...]:
    """What is doubtful, each with its place in `policy.source`; such rules can be used all the same."""
    del policy, vocabulary, file
    return ()
