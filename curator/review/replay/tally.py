"""What came of a replay, counted: tallies of parts are added up to that of the whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

_MOST_FILES = 20_000
_MOST_NAMED = 200


class Change(StrEnum):
    """What a request would come to instead."""

    BLOCKED = "blocked"
    HELD = "held"
    LEFT_OUT = "left-out"
    """The file would be left out of a commit that is served."""
    RELEASED = "released"
    OTHERWISE = "refused-otherwise"
    """Refused as before, but held instead of blocked, or the reverse."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which requests: for what, of whom."""

    change: Change
    kind: str
    repo: str
    team: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that would be left out and was not."""

    kind: str
    repo: str
    path: str
    rule: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A decision that cannot be tried again."""

    decision: str
    repo: str
    why: str


@dataclass(slots=True)
class Tally:
    """Counts of requests; of commits, where the catalogue is replayed."""

    decisions: int = 0
    evaluations: int = 0
    served: int = 0
    refused: int = 0
    places: Counter[Place] = field(default_factory=Counter)
    rules: Counter[tuple[Change, str]] = field(default_factory=Counter)
    """By the rule that does it; of what would be released, by the rule that kept it until now."""
    rule_repos: dict[tuple[Change, str], set[tuple[str, str]]] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    """Files that would be left out, and how many downloads of them there were."""
    files_not_named: int = 0
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What rules that are only tried would have done: by `recorded` or `draft`, and the rule."""
    tried_repos: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    failed: list[Failed] = field(default_factory=list)
    failed_decisions: int = 0
    failed_requests: int = 0

    def note(self, place: Place, rules: tuple[str, ...], count: int) -> None:
        """So many requests come to something else, because of these rules."""
        self.places[place] += count
        for rule in rules:
            self.rules[place.change, rule] += count
            self.rule_repos.setdefault((place.change, rule), set()).add((place.kind, place.repo))

    def leave_out(self, file: LeftOut, count: int) -> None:
        if file in self.left_out or len(self.left_out) < _MOST_FILES:
            self.left_out[file] += count
        else:
            self.files_not_named += 1

    def try_out(self, whose: str, rule: str, repo: tuple[str, str], count: int) -> None:
        self.tried[whose, rule] += count
        self.tried_repos.setdefault((whose, rule), set()).add(repo)

    def fail(self, failed: Failed, requests: int) -> None:
        self.failed_decisions += 1
        self.failed_requests += requests
        if len(self.failed) < _MOST_NAMED:
            self.failed.append(failed)

    def add(self, other: Tally) -> None:
        self.decisions += other.decisions
        self.evaluations += other.evaluations
        self.served += other.served
        self.refused += other.refused
        self.places.update(other.places)
        self.rules.update(other.rules)
        self.tried.update(other.tried)
        for of_rule, repos in other.rule_repos.items():
            self.rule_repos.setdefault(of_rule, set()).update(repos)
        for of_trial, repos in other.tried_repos.items():
            self.tried_repos.setdefault(of_trial, set()).update(repos)
        for file, count in other.left_out.items():
            self.leave_out(file, count)
        self.files_not_named += other.files_not_named
        self.failed += other.failed[: _MOST_NAMED - len(self.failed)]
        self.failed_decisions += other.failed_decisions
        self.failed_requests += other.failed_requests
