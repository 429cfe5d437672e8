"""What ready-made conditions have to do with each other: which follows from which, and which cannot both hold.

Only what is certain is said: two conditions that nothing is known of are neither. Expressions are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from rules.asks import All, AnyOne, Ask, Leaf, Unless
from rules.conditions import SEVERITIES
from rules.facts import LicenseCategory, Role, Severity, Verdict
from rules.plan import CheckedRule
from rules.questions import (
    AnyLike,
    AnyOf,
    AtLeast,
    Is,
    LessThan,
    Like,
    MoreThan,
    NotAllLike,
    Older,
    OneOf,
    Present,
    Ranked,
    Unlike,
    Younger,
    globs,
)

_WORST = {
    Verdict.SAFE: Severity.LOW,
    Verdict.SUSPICIOUS: Severity.MEDIUM,
    Verdict.UNSCANNABLE: Severity.CRITICAL,
    Verdict.UNSAFE: Severity.CRITICAL,
}
"""The worst finding that a file of the verdict may have."""
_SPECIAL = frozenset("*?[")


def follows(asked: Leaf, first: Leaf) -> bool:
    """Whether `asked` holds wherever `first` does; both of the same file, where they are about files."""
    if asked.name == "approved" and first.name == "reviewed":
        return bool(asked.wanted and first.wanted)
    if asked.name != first.name:
        return False
    one, other = first.wanted, asked.wanted
    match asked.condition.question:
        case OneOf():
            return set(one) <= set(other)
        case Is() | Present():
            return bool(one == other)
        case LessThan() | Younger():
            return bool(one <= other)
        case MoreThan() | AtLeast() | Older():
            return bool(one >= other)
        case Ranked(order=order):
            return order.index(one) >= order.index(other)
        case Like() | AnyLike() | AnyOf():
            return _covered(one, other)
        case Unlike() | NotAllLike():
            return _covered(other, one)
    return False


def implies(first: CheckedRule, other: CheckedRule) -> bool:
    """Whether the other rule applies wherever the first one does, to the same files."""
    return (
        first.kinds <= other.kinds
        and _covered(first.rule.applies_to.repositories, other.rule.applies_to.repositories)
        and _covered(first.scope.teams, other.scope.teams)
        and _covered(first.scope.projects, other.scope.projects)
        and (other.expression is None or (first.expression is not None and _same_text(first, other)))
        and all(_implied(ask, first.conditions) for ask in other.conditions.asks)
    )


def never(conditions: All) -> str:
    """Why these conditions never hold together, as a sentence; empty if they may."""
    leaves = [ask for ask in conditions.asks if isinstance(ask, Leaf)]
    why = next(_never_alone(leaves), "") or next(_never_together(leaves), "")
    if why:
        return why
    for ask in conditions.asks:
        if isinstance(ask, Unless) and _all_follow(ask.group, leaves):
            return "what stands under 'unless' holds wherever the other conditions do"
        if isinstance(ask, AnyOne) and (sentence := _none_of(ask, leaves)):
            return sentence
    return ""


def meet(one: str, other: str) -> bool:
    """Whether a text may match both globs."""
    one, other = one.lower(), other.lower()
    if not _SPECIAL & set(one):
        return globs((other,))(one)
    if not _SPECIAL & set(other):
        return globs((one,))(other)
    begins, ends = _fixed(one), _fixed(other)
    return begins.startswith(ends) or ends.startswith(begins)


def _implied(ask: Ask, first: All) -> bool:
    leaves = [one for one in first.asks if isinstance(one, Leaf)]
    match ask:
        case Leaf():
            return any(follows(ask, leaf) for leaf in leaves)
        case AnyOne():
            return _form(ask) in map(_form, first.asks) or any(_all_follow(group, leaves) for group in ask.groups)
        case Unless():
            return _form(ask) in map(_form, first.asks)


def _all_follow(group: All, leaves: list[Leaf]) -> bool:
    return bool(group.asks) and all(
        isinstance(ask, Leaf) and any(follows(ask, leaf) for leaf in leaves) for ask in group.asks
    )


def _form(ask: Ask | All) -> tuple[Any, ...]:
    """What is written, to be compared."""
    match ask:
        case Leaf():
            return (ask.name, ask.wanted)
        case Unless():
            return ("unless", _form(ask.group))
        case AnyOne():
            return ("any", tuple(_form(group) for group in ask.groups))
        case All():
            return tuple(_form(one) for one in ask.asks)


def _same_text(first: CheckedRule, other: CheckedRule) -> bool:
    assert first.expression is not None
    assert other.expression is not None
    return first.expression.text.split() == other.expression.text.split()


def _never_alone(leaves: list[Leaf]) -> Iterator[str]:
    for leaf in leaves:
        question = leaf.condition.question
        if leaf.wanted == () and not isinstance(question, Unlike | NotAllLike):
            yield f"'{leaf.name}' has nothing in it"
        elif isinstance(question, LessThan | Younger) and leaf.wanted <= 0:
            yield f"'{leaf.name}: {leaf.wanted:g}' is less than anything can be"
        elif isinstance(question, Unlike) and "*" in leaf.wanted:
            yield f"'{leaf.name}' leaves nobody"


def _never_together(leaves: list[Leaf]) -> Iterator[str]:
    for first, second in combinations(leaves, 2):
        for one, other in ((first, second), (second, first)):
            why = _contradiction(one, other)
            if why:
                yield why
    by_name = {leaf.name: leaf.wanted for leaf in leaves}
    verdicts, roles = by_name.get("file_verdict"), by_name.get("file_role")
    if (
        by_name.get("usable_without_unsafe") is True
        and verdicts is not None
        and roles is not None
        and set(verdicts) <= {Verdict.UNSAFE, Verdict.UNSCANNABLE}
        and Role.WEIGHTS not in roles
    ):
        yield "'usable_without_unsafe: true' wants all unsafe files to be weights, and 'file_role' wants another one"


def _contradiction(one: Leaf, other: Leaf) -> str:
    """Why these two never hold together; empty if they may. Each pair is asked in both orders."""
    wanted, beside = one.wanted, other.wanted
    match one.name, other.name:
        case ("younger_than_days", "older_than_days") | ("changed_within_days", "not_changed_for_days") if (
            wanted <= beside
        ):
            return f"nothing is both '{one.name}: {wanted:g}' and '{other.name}: {beside:g}'"
        case "younger_than_days", "not_changed_for_days" if wanted <= beside:
            return f"what was made fewer than {wanted:g} days ago cannot be unchanged for {beside:g}"
        case "file_verdict", "severity_at_least":
            worst = max((SEVERITIES.index(_WORST[verdict]) for verdict in wanted), default=0)
            if worst < SEVERITIES.index(beside):
                return f"a file that is {' or '.join(wanted)} has no finding of severity {beside}"
        case "publisher", "repository":
            spaces = [glob.partition("/")[0] for glob in beside if "/" in glob]
            if len(spaces) == len(beside) and not any(meet(space, glob) for space in spaces for glob in wanted):
                return "no repository that 'repository' matches is of such a 'publisher'"
        case "publisher", "publisher_not" if _covered(wanted, beside):
            return "every 'publisher' that is wanted is one of 'publisher_not'"
        case "license_category", "license" if set(wanted) == {LicenseCategory.MISSING}:
            return "where the licence is missing, none is declared"
        case "approved", "reviewed" if not wanted and beside:
            return "what is reviewed is approved, too"
    return ""


def _none_of(ask: AnyOne, leaves: list[Leaf]) -> str:
    """Why none of the groups may hold beside the other conditions; empty if one may."""
    why = ""
    for group in ask.groups:
        why = never(All((*leaves, *group.asks)))
        if not why:
            return ""
    return why or "'any' has nothing in it"


def _covered(words: Iterable[str], by: tuple[str, ...]) -> bool:
    """Whether each of the globs matches only what the others match; not always seen where it is so."""
    matches, lowered = globs(by), {word.lower() for word in by}
    return all(word.lower() in lowered or (matches(word) and not set(word) & {"?", "["}) for word in words)


def _fixed(glob: str) -> str:
    """What every text that matches begins with."""
    return glob[: next((index for index, letter in enumerate(glob) if letter in _SPECIAL), len(glob))]
