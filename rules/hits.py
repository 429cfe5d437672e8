"""Where a rule applies, to a file or to the repository, and what that rests on: a waiver can be bound to it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from rules.asks import Answer, Ask, Leaf
from rules.case import MOST_SECONDS, Case, file_values
from rules.circumstances import ListEntry
from rules.conditions import Condition
from rules.expressions import AGES, EvaluationError
from rules.facts import FileFacts
from rules.form import BLOCKED_LIST
from rules.plan import CheckedRule

_DAY = dt.timedelta(days=1)
_GROWING = AGES.keys() | {
    "observed_at",
    "downloads",
    "likes",
    "downloads_before",
    "likes_before",
    "owner.followers",
    "owner.repositories",
}
"""Facts that merely grow or age: no evidence."""
TOO_LONG = f"the rules took longer than {MOST_SECONDS:g} s"
_OF_FINDINGS = frozenset({"file.verdict", "file.severity", "file.finding_ids"})
_JSON = json.JSONEncoder(sort_keys=True, default=str)


class Sureness(StrEnum):
    """How it is known that the rule applies."""

    MET = "met"
    """Its conditions hold."""
    UNDECIDED = "undecided"
    """A fact that they ask for is not known."""
    FAILED = "failed"
    """Its expression could not be evaluated."""


@dataclass(frozen=True, eq=False)
class Hit:
    """That a rule applies to a file, or to the repository."""

    rule: CheckedRule = field(repr=False)
    case: Case = field(repr=False)
    file: FileFacts | None
    sureness: Sureness = Sureness.MET
    missing: tuple[str, ...] = ()
    """What is not known, as words."""
    error: str = ""
    """What failed."""

    @cached_property
    def fingerprints(self) -> tuple[str, ...]:
        """What it rests on: of findings, or one of its own. Sorted. Worked out if somebody asks."""
        match self.sureness:
            case Sureness.FAILED:
                # What it would have said nobody knows, and at another commit it may be something else.
                more = {"failed": True, "commit": self.case.facts.commit}
                return (_digest(self.rule.rule.id, _repository(self.case), more),)
            case Sureness.UNDECIDED:
                # Whoever passes over what is not known of one commit has not seen what is not known of the next.
                more = {"unknown": list(self.missing), "commit": self.case.facts.commit}
                return (_fingerprint(self.rule, self.case, self.file, more),)
        found = _findings(self.rule, self.case, self.file) if self.file is not None else {""}
        if not found or "" in found:
            found = (found - {""}) | {_fingerprint(self.rule, self.case, self.file, {})}
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Hits:
    """All of one rule, and when time alone may change them."""

    hits: tuple[Hit, ...] = ()
    turns: dt.datetime | None = None


NOWHERE = Hits()


def hits_of(rule: CheckedRule, case: Case) -> Hits:
    """Where the rule applies."""
    if not rule.concerns(case):
        return NOWHERE
    if case.is_over:
        return Hits((_failed(rule, case, TOO_LONG),))
    steady = _all(rule.steady, case, None)
    ageing = _all(rule.ageing, case, None) if steady is not False else False
    if steady is False or (ageing is False and _turns(rule, case) is None):
        return NOWHERE
    try:
        hits = _of_files(rule, case, steady) if rule.asks_files else _of_repository(rule, case, steady)
    except EvaluationError as error:
        hits = (_failed(rule, case, str(error)),)
    if not hits and not _hits_age(rule, case):
        return NOWHERE
    turns = _turns(rule, case)
    if ageing is False:
        return Hits((), turns)
    if ageing is None:
        hits = tuple(_undecided(rule, case, hit.file) if hit.sureness is Sureness.MET else hit for hit in hits)
    return Hits(hits, turns)


def _failed(rule: CheckedRule, case: Case, why: str) -> Hit:
    return Hit(rule, case, None, Sureness.FAILED, error=why)


def _of_repository(rule: CheckedRule, case: Case, so_far: Answer) -> tuple[Hit, ...]:
    held = _beside(rule, case)(None, so_far)
    return () if held is False else (_hit(rule, case, None, held),)


def _of_files(rule: CheckedRule, case: Case, so_far: Answer) -> tuple[Hit, ...]:
    expression: Callable[[FileFacts | None, Answer], Answer] | None = None
    hits = []
    for file in rule.candidates(case):
        answer = _all(rule.of_files, case, file)
        if answer is False:
            continue
        if rule.expression is not None:
            if case.is_over:
                raise EvaluationError(TOO_LONG)
            expression = expression or _beside(rule, case)
            answer = expression(file, answer)
        if answer is not False:
            hits.append(_hit(rule, case, file, None if so_far is None else answer))
    # By path, so that the order of the listing makes no difference.
    return tuple(sorted(hits, key=lambda hit: hit.file.path if hit.file else ""))


def _beside(rule: CheckedRule, case: Case) -> Callable[[FileFacts | None, Answer], Answer]:
    """The answer of a file's conditions and the rule's expression together, which raises `EvaluationError`."""
    expression = rule.expression
    if expression is None:
        return lambda _, answer: answer
    if expression.unknown(case.facts):
        return lambda _file, _answer: None
    holds, of_repository = expression.holds, case.values(expression.reads, None)
    reads = tuple(name for name in expression.reads if name not in of_repository)
    return lambda file, answer: answer if holds(of_repository | file_values(reads, file)) else False


def _all(asks: Iterable[Ask], case: Case, file: FileFacts | None) -> Answer:
    answer: Answer = True
    for one in asks:
        held = one.ask(case, file)
        if held is False:
            return False
        if held is None:
            answer = None
    return answer


def _hit(rule: CheckedRule, case: Case, file: FileFacts | None, held: Answer) -> Hit:
    return _undecided(rule, case, file) if held is None else Hit(rule, case, file)


def _undecided(rule: CheckedRule, case: Case, file: FileFacts | None) -> Hit:
    return Hit(rule, case, file, Sureness.UNDECIDED, tuple(dict.fromkeys(_missing(rule, case, file))))


def _missing(rule: CheckedRule, case: Case, file: FileFacts | None) -> Iterable[str]:
    """What is not known of what the rule asks, as words."""
    for leaf in rule.conditions.leaves():
        if isinstance(leaf.condition, Condition) and leaf.ask(case, file) is None:
            yield leaf.condition.about
    if rule.expression is not None and (name := rule.expression.unknown(case.facts)):
        yield name


def _findings(rule: CheckedRule, case: Case, file: FileFacts) -> set[str]:
    """The fingerprints of the findings that make the rule apply to the file; empty for what is none, or has none."""
    resting = rule.conditions.rests_on(case, file)
    if rule.expression is not None and not _OF_FINDINGS.isdisjoint(rule.expression.reads):
        # Which of them makes the expression true nobody knows: any other one may have.
        resting += file.findings
    return {finding.fingerprint if finding is not None else "" for finding in resting}


def _fingerprint(rule: CheckedRule, case: Case, file: FileFacts | None, more: dict[str, Any]) -> str:
    """Of a hit that rests on no finding: the rule, the content, and what its conditions ask for."""
    evidence = {
        leaf.name: _plain(leaf.said(case, file)) for leaf in rule.conditions.leaves() if _is_evidence(leaf)
    } | more
    if rule.expression is not None:
        reads = tuple(name for name in rule.expression.reads if name not in _GROWING)
        evidence |= {f"expression:{name}": _plain(value) for name, value in case.values(reads, file).items()}
    return _digest(rule.rule.id, _content(rule, case, file), evidence)


def entry_fingerprint(entry: ListEntry, case: Case) -> str:
    """Of the block of a repository by an entry of a list."""
    return _digest(BLOCKED_LIST, _repository(case), {"entry": entry.id})


def _content(rule: CheckedRule, case: Case, file: FileFacts | None) -> str:
    repository = _repository(case)
    if file is None:
        return repository
    # A file whose content nobody names is taken for another one at the next commit.
    content = file.blob or f"{repository}:{case.facts.commit}:{file.path}"
    # What is said of code by somebody unknown is not said of the same code by somebody else.
    return f"{repository}:{content}" if rule.asks_repository else content


def _repository(case: Case) -> str:
    return f"{case.facts.kind.value}:{case.facts.repository}"


def _digest(rule: str, content: str, evidence: dict[str, Any]) -> str:
    return hashlib.sha256(_JSON.encode([rule, content, evidence]).encode()).hexdigest()


def _is_evidence(leaf: Leaf) -> bool:
    return not (isinstance(leaf.condition, Condition) and (leaf.condition.grows or leaf.condition.lists))


def _plain(value: Any) -> Any:
    return sorted(str(one) for one in value) if isinstance(value, tuple | list) else value


def _hits_age(rule: CheckedRule, case: Case) -> bool:
    """Whether time may let it apply to a file, or an expression hold, that it does not now."""
    if any(ask.ages for ask in rule.of_files):
        return True
    return rule.expression is not None and rule.expression.ages and not rule.expression.unknown(case.facts)


def _turns(rule: CheckedRule, case: Case) -> dt.datetime | None:
    """When time alone may change where the rule applies."""
    moments = [leaf.turns(case) for leaf in rule.turning]
    if rule.expression is not None and rule.expression.ages:
        moments += [_whole_day(rule, case)]
    return min((moment for moment in moments if moment is not None), default=None)


def _whole_day(rule: CheckedRule, case: Case) -> dt.datetime | None:
    """When an age that the expression reads is a whole number of days next, which is within a day."""
    assert rule.expression is not None
    now = case.facts.observed_at
    ages = [case.age(since(case.facts)) for name, since in AGES.items() if name in rule.expression.reads]
    left = [_DAY - age % _DAY for age in ages if age is not None]
    try:
        return now + min(left, default=_DAY)
    except OverflowError:
        return None
