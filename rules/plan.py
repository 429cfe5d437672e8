"""A rule made ready to be asked, once, when it loads: for whom and what it is, and its conditions by their cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rules.asks import All, Ask, Leaf, Lists, prepared, with_lists
from rules.case import Case
from rules.circumstances import Scope
from rules.conditions import Condition
from rules.expressions import Expression
from rules.facts import FileFacts, Kind, Severity
from rules.form import Rule
from rules.questions import globs
from rules.variables import REPOSITORY_VARIABLES
from rules.when import When

_COMES = frozenset(
    {
        "code_from",
        "formats",
        "hub_scan",
        "license.before",
        "owner.changed",
        "owner.why",
        "safetensors",
        "taken_down",
        "usable_without_unsafe",
        "worst_verdict",
    }
)
"""The same facts as an expression reads them (`Condition.comes`)."""


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that can be evaluated."""

    rule: Rule
    """As it is written."""
    expression: Expression | None
    lists: Lists = field(default_factory=dict)
    scope: Scope = field(init=False, compare=False)
    """For whom it is, without the names of lists."""
    conditions: All = field(init=False, compare=False)
    kinds: frozenset[Kind] = field(init=False, compare=False, repr=False)
    matches: Callable[[str], bool] = field(init=False, compare=False, repr=False)
    """Whether it is about a repository of this name."""
    steady: tuple[Ask, ...] = field(init=False, compare=False, repr=False)
    """Conditions on the repository that time alone does not change."""
    ageing: tuple[Ask, ...] = field(init=False, compare=False, repr=False)
    """Those that it does."""
    of_files: tuple[Ask, ...] = field(init=False, compare=False, repr=False)
    turning: tuple[Leaf, ...] = field(init=False, compare=False, repr=False)
    """Those that it does, wherever they stand."""
    narrow: Callable[[Case], Sequence[FileFacts]] | None = field(init=False, compare=False, repr=False)
    """To the files that the conditions may hold of, without asking each; None if each must be asked."""
    asks_files: bool = field(init=False, compare=False, repr=False)
    """Whether it is asked of each file, and not once of the repository."""
    asks_repository: bool = field(init=False, compare=False, repr=False)
    """Whether it asks about the repository, beside its files or alone."""
    of_names: bool = field(init=False, compare=False, repr=False)
    """Whether it asks for nothing that a future commit may bring, so that who approves the name has seen all of it."""

    def __post_init__(self) -> None:
        about = self.rule.applies_to
        conditions = prepared(self.rule.when, self.lists)
        of_repository = [ask for ask in conditions.asks if not ask.of_files]
        made = {
            "scope": Scope(with_lists(about.teams, self.lists), with_lists(about.projects, self.lists)),
            "conditions": conditions,
            "kinds": frozenset(about.kinds),
            "matches": globs(with_lists(about.repositories, self.lists)),
            "narrow": _narrow(conditions),
            "turning": tuple(leaf for leaf in conditions.leaves() if leaf.ages),
            "steady": tuple(ask for ask in of_repository if not ask.ages),
            "ageing": tuple(ask for ask in of_repository if ask.ages),
            "of_files": tuple(ask for ask in conditions.asks if ask.of_files),
            "asks_files": conditions.of_files or (self.expression is not None and self.expression.of_files),
        }
        made["asks_repository"] = self._asks_repository(conditions)
        made["of_names"] = not (made["asks_files"] or self._of_what_comes(conditions) or _wants_review(self.rule.when))
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def _of_what_comes(self, conditions: All) -> bool:
        comes = any(isinstance(leaf.condition, Condition) and leaf.condition.comes for leaf in conditions.leaves())
        return comes or (self.expression is not None and not _COMES.isdisjoint(self.expression.reads))

    def _asks_repository(self, conditions: All) -> bool:
        read = self.expression.reads if self.expression is not None else ()
        return any(isinstance(leaf.condition, Condition) for leaf in conditions.leaves()) or any(
            name in REPOSITORY_VARIABLES for name in read
        )

    def concerns(self, case: Case) -> bool:
        """Whether the rule is about such a repository, and for whoever asks."""
        return (
            case.facts.kind in self.kinds
            and self.matches(case.facts.repository)
            and self.scope.covers(case.circumstances.audience)
        )

    def candidates(self, case: Case) -> Sequence[FileFacts]:
        """The files that the conditions may hold of."""
        return self.narrow(case) if self.narrow is not None else case.facts.files


def _narrow(conditions: All) -> Callable[[Case], Sequence[FileFacts]] | None:
    asked = {ask.name: ask.wanted for ask in conditions.asks if isinstance(ask, Leaf)}
    # Those that leave the fewest files first.
    if "finding" in asked or asked.get("severity_at_least", Severity.NONE) is not Severity.NONE:
        return lambda case: case.with_findings
    if "file_verdict" in asked:
        return lambda case: _among(case.by_verdict, asked["file_verdict"])
    if "file_role" in asked:
        return lambda case: _among(case.by_role, asked["file_role"])
    if "file_format" in asked:
        formats = tuple(word.lower() for word in asked["file_format"])
        return lambda case: _among(case.by_format, formats)
    return None


def _among(apart: Mapping[str, Sequence[FileFacts]], words: tuple[str, ...]) -> Sequence[FileFacts]:
    if len(words) == 1:
        return apart.get(words[0], ())
    return [file for word in dict.fromkeys(words) for file in apart.get(word, ())]


def _wants_review(when: When) -> bool:
    """Whether it is about commits that nobody has looked at, so that no word about all commits answers it."""
    return when.reviewed is False or any(_wants_review(one) for one in when.any_ or ())
