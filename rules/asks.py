"""The conditions of a rule, made ready to be asked: once when rules load, so that asking is quick.

An answer is yes, no, or none (`None`) where the fact is not known. Together they follow the logic of three values: all
hold if each does, and fail if one fails, whatever is not known of the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.case import Case
from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS, TOGETHER, Condition, FileCondition
from rules.facts import FileFacts, FindingFacts
from rules.questions import Older, Younger
from rules.when import When

Answer = bool | None
Grounds = tuple[FindingFacts | None, ...]
"""What a condition rests on of a file: findings, and None for something else than a finding."""
Lists = Mapping[str, tuple[str, ...]]
"""The named lists of a file of rules."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition."""

    name: str
    written: Any
    """The wanted value as it is written, with the names of lists."""
    wanted: Any
    """The same with the lists in their places."""
    condition: Condition | FileCondition
    ask: Callable[[Case, FileFacts | None], Answer]
    of_files: bool

    @property
    def ages(self) -> bool:
        """Whether time alone changes the answer."""
        return isinstance(self.condition.question, Younger | Older)

    def leaves(self) -> Iterator[Leaf]:
        yield self

    def said(self, case: Case, file: FileFacts | None) -> Any:
        """What the facts say."""
        if isinstance(self.condition, FileCondition):
            return self.condition.fact(file) if file is not None else None
        return self.condition.fact(case)

    def rests_on(self, case: Case, file: FileFacts) -> Grounds:
        """The findings that make it hold of the file."""
        del case
        return self.condition.rests_on(file, self.wanted) if isinstance(self.condition, FileCondition) else ()

    def turns(self, case: Case) -> dt.datetime | None:
        """When time will change the answer; None if it never does."""
        if not self.ages or isinstance(self.condition, FileCondition):
            return None
        age = self.condition.fact(case)
        left = dt.timedelta(days=self.wanted) - age if age is not None else dt.timedelta(0)
        try:
            return case.facts.observed_at + left if left > dt.timedelta(0) else None
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class All:
    """Conditions that must hold together."""

    asks: tuple[Ask, ...]

    @property
    def of_files(self) -> bool:
        return any(ask.of_files for ask in self.asks)

    @property
    def ages(self) -> bool:
        return any(ask.ages for ask in self.asks)

    def ask(self, case: Case, file: FileFacts | None) -> Answer:
        answer: Answer = True
        for one in self.asks:
            held = one.ask(case, file)
            if held is False:
                return False
            if held is None:
                answer = None
        return answer

    def leaves(self) -> Iterator[Leaf]:
        for ask in self.asks:
            yield from ask.leaves()

    def rests_on(self, case: Case, file: FileFacts) -> Grounds:
        """Of conditions that must all hold, those that rest on findings alone are enough."""
        grounds = [ask.rests_on(case, file) for ask in self.asks]
        sure = any(some and None not in some for some in grounds)
        return tuple(one for some in grounds for one in some if one is not None or not sure)


@dataclass(frozen=True, slots=True)
class AnyOne:
    """Groups of conditions, of which one must hold."""

    groups: tuple[All, ...]
    of_files: bool
    ages: bool

    def ask(self, case: Case, file: FileFacts | None) -> Answer:
        answer: Answer = False
        for group in self.groups:
            held = group.ask(case, file)
            if held is True:
                return True
            if held is None:
                answer = None
        return answer

    def leaves(self) -> Iterator[Leaf]:
        for group in self.groups:
            yield from group.leaves()

    def rests_on(self, case: Case, file: FileFacts) -> Grounds:
        """Of groups of which one is enough, all that hold."""
        grounds = [group.rests_on(case, file) or (None,) for group in self.groups if group.ask(case, file)]
        return tuple(one for some in grounds for one in some)


@dataclass(frozen=True, slots=True)
class Unless:
    """Conditions that must not hold together."""

    group: All
    of_files: bool
    ages: bool

    def ask(self, case: Case, file: FileFacts | None) -> Answer:
        held = self.group.ask(case, file)
        return None if held is None else not held

    def leaves(self) -> Iterator[Leaf]:
        return self.group.leaves()

    def rests_on(self, case: Case, file: FileFacts) -> Grounds:
        del case, file
        return ()


Ask = Leaf | AnyOne | Unless


def prepared(when: When, lists: Lists) -> All:
    """The conditions, ready to be asked; each name of a list must be in `lists`."""
    asks: list[Ask] = [_leaf(name, wanted, lists) for name, wanted in when.given.items() if name not in TOGETHER]
    if when.any_ is not None:
        groups = tuple(prepared(one, lists) for one in when.any_)
        asks.append(AnyOne(groups, any(one.of_files for one in groups), any(one.ages for one in groups)))
    if when.unless is not None:
        group = prepared(when.unless, lists)
        asks.append(Unless(group, group.of_files, group.ages))
    return All(tuple(asks))


def with_lists(words: tuple[str, ...], lists: Lists) -> tuple[str, ...]:
    """The words, with what stands in a list in the place of its name (`@trusted`)."""
    return tuple(one for word in words for one in (lists.get(word[1:], ()) if word.startswith("@") else (word,)))


def _leaf(name: str, written: Any, lists: Lists) -> Leaf:
    wanted = with_lists(written, lists) if isinstance(written, tuple) else written
    if name in FILE_CONDITIONS:
        file_condition = FILE_CONDITIONS[name]
        return Leaf(name, written, wanted, file_condition, _of_file(file_condition, wanted), of_files=True)
    condition = REPOSITORY_CONDITIONS[name]
    return Leaf(name, written, wanted, condition, _of_repository(condition, wanted), of_files=False)


def _of_file(condition: FileCondition, wanted: Any) -> Callable[[Case, FileFacts | None], Answer]:
    test, fact = condition.question.test(wanted), condition.fact
    return lambda _, file: test(fact(file)) if file is not None else False


def _of_repository(condition: Condition, wanted: Any) -> Callable[[Case, FileFacts | None], Answer]:
    test, fact, groups = condition.question.test(wanted), condition.fact, frozenset(condition.groups)
    stays = condition.question.stays(wanted)

    def ask(case: Case, _file: FileFacts | None) -> Answer:
        value = fact(case)
        if value is None:
            return None
        held = test(value)
        if groups and not (stays and held) and not case.unknown.isdisjoint(groups):
            return None
        return held

    return ask
