"""What is doubtful in rules that can be used: what can never match, says the same twice, or decides nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import permutations
from string import Formatter

from rules.asks import Leaf
from rules.conditions import REPOSITORY_CONDITIONS
from rules.decision import STRICTNESS
from rules.document import Path, Problem, read_document
from rules.expressions import EvaluationError
from rules.facts import Kind
from rules.form import Effect
from rules.logic import implies, meet, never
from rules.model import CheckedRule, Policy
from rules.questions import globs


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

_REPOSITORY = re.compile(r"[\w.*?\[\]!-]+(?:/[\w.*?\[\]!-]+)?", re.ASCII)
_TEAM = re.compile(r"[\w.*?\[\]!-]{1,80}", re.ASCII)
_ABOUT_FILES = frozenset({"file", "finding", "reason"})
_OF_MODELS = frozenset({"parameters_above", "context_length_below"})
_BY_ONE = frozenset({"approved", "reviewed"})
_GROUPS = frozenset(group for condition in REPOSITORY_CONDITIONS.values() for group in condition.groups)
_Doubt = tuple[Path, str]


def doubts(policy: Policy, vocabulary: Vocabulary = EVERY_WORD, file: str = "") -> tuple[Problem, ...]:
    """What is doubtful, each with its place in `policy.source`; such rules can be used all the same."""
    document = read_document(policy.source, file)
    found = [*_of_all(policy), *_of_pairs(policy)]
    for index, checked in enumerate(policy.rules):
        found += [((("rules", index, *path)), sentence) for path, sentence in _of_rule(checked, vocabulary, policy)]
    problems = {Problem(file, document.place(path), sentence) for path, sentence in found}
    return tuple(sorted(problems, key=lambda problem: (problem.place, problem.sentence)))


def _of_all(policy: Policy) -> Iterator[_Doubt]:
    if not policy.rules:
        yield ("rules",), "there is no rule, so nothing is allowed: add one with `outcome: allow` if all is to be"
    elif not policy.enforced:
        yield (
            ("rules",),
            "every rule is only tried, so nothing is allowed: add one with `outcome: allow` if all is to be",
        )
    named = set(re.findall(r"@([a-z][a-z0-9-]*)", policy.source))
    for name in policy.lists:
        if name not in named:
            yield ("lists", name), f"no rule names the list {'@' + name!r}"


def _of_rule(checked: CheckedRule, vocabulary: Vocabulary, policy: Policy) -> Iterator[_Doubt]:
    rule = checked.rule
    yield from _scope(checked)
    word = next((one.name for one in checked.conditions.leaves() if one.name in _BY_ONE), None)
    if rule.approvers > 1 and word is not None:
        said = f"the condition {word!r} takes the word of one person, and not of {rule.approvers}"
        yield ("approvers",), f"{said}: leave it out, an approval by {rule.approvers} answers the rule"
    if rule.approvers > 1 and rule.outcome in {Effect.ALLOW, Effect.WARN}:
        yield ("approvers",), f"nobody needs an exception from a rule whose outcome is {rule.outcome.value!r}"
    why = never(checked.conditions)
    if why:
        yield ("when",), f"the rule can never match: {why}"
    constant = _constant(checked)
    if constant is not None:
        so = "never match" if not constant else "match whatever the facts are"
        yield ("expression",), f"the expression reads no fact and is always {str(constant).lower()}, so it can {so}"
    if not checked.asks_files:
        words = {name for _, name, _, _ in Formatter().parse(rule.message) if name}
        for word in sorted(words & _ABOUT_FILES):
            yield ("message",), f"the rule is about the repository, and {{{word}}} will be empty"
    for leaf in checked.conditions.leaves():
        yield from _words(leaf, vocabulary, policy)


def _scope(checked: CheckedRule) -> Iterator[_Doubt]:
    about = checked.rule.applies_to
    empty = [name for name in ("kinds", "repositories", "teams", "projects") if not getattr(about, name)]
    for name in empty:
        yield ("applies_to", name), f"the rule can never match: {name!r} has nothing in it"
    models_only = [leaf.name for leaf in checked.conditions.leaves() if leaf.name in _OF_MODELS]
    if models_only and checked.kinds and Kind.MODEL not in checked.kinds:
        yield ("applies_to", "kinds"), f"the rule can never be decided: only models have what {models_only[0]!r} asks"
    for name in ("teams", "projects"):
        for glob in getattr(about, name):
            if not glob.startswith("@") and not _TEAM.fullmatch(glob):
                said = (
                    f"no {name.removesuffix('s')} can be called {glob!r}: names are letters, digits, '.', '_' and '-'"
                )
                yield ("applies_to", name), said
    for glob in about.repositories:
        if not glob.startswith("@") and not _REPOSITORY.fullmatch(glob):
            yield ("applies_to", "repositories"), f"no repository is called {glob!r}: write it as namespace/name"
    asked = [leaf for leaf in checked.conditions.asks if isinstance(leaf, Leaf) and leaf.name == "repository"]
    globs = [glob for glob in about.repositories if not glob.startswith("@")]
    spelt_out = asked and globs and len(globs) == len(about.repositories)
    if spelt_out and not any(meet(glob, wanted) for glob in globs for wanted in asked[0].wanted):
        yield ("when", "repository"), "the rule can never match: 'applies_to' names other repositories"


def _constant(checked: CheckedRule) -> bool | None:
    """The value of an expression that reads nothing; None for every other one."""
    if checked.expression is None or checked.expression.reads:
        return None
    try:
        return checked.expression.holds({})
    except EvaluationError:
        return None


def _words(leaf: Leaf, vocabulary: Vocabulary, policy: Policy) -> Iterator[_Doubt]:
    """Words that do not exist."""
    known, what = _KNOWN.get(leaf.name, (None, ""))
    words = known(vocabulary) if known is not None else frozenset[str]()
    for word in leaf.wanted if words else ():
        if word.lower() in words:
            continue
        if set(word) & set("*?["):
            if not any(map(globs((word,)), words)):
                yield ("when", leaf.name), f"there is no {what} that matches {word!r}"
            continue
        near = [f"@{word}"] if word in policy.lists else get_close_matches(word.lower(), words, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield ("when", leaf.name), f"there is no {what} {word!r}{hint}"
    if leaf.name in {"repository", "ancestor", "code_from"}:
        for glob in leaf.wanted:
            if not _REPOSITORY.fullmatch(glob):
                yield ("when", leaf.name), f"no repository is called {glob!r}: write it as namespace/name"
    if leaf.name in {"publisher", "publisher_not"}:
        for glob in leaf.wanted:
            if "/" in glob:
                yield ("when", leaf.name), f"no publisher is called {glob!r}: its name ends before the slash"


def _of_pairs(policy: Policy) -> Iterator[_Doubt]:
    rules = list(enumerate(policy.rules))
    for (index, one), (place, other) in permutations(rules, 2):
        if one.rule.dry_run != other.rule.dry_run or one.rule.outcome is Effect.ALLOW or not implies(one, other):
            continue
        if never(one.conditions):
            continue
        alike = one.rule.outcome is other.rule.outcome and one.rule.if_unknown is other.rule.if_unknown
        again = alike and implies(other, one)
        if again and index > place:
            yield ("rules", index, "id"), f"it is the same as the rule {other.rule.id!r}: one of them is enough"
        elif not again and _decides_as_much(other, one):
            said = f"wherever it applies, {other.rule.id!r} does, too, with the outcome {other.rule.outcome.value}"
            yield ("rules", index, "id"), f"it never decides: {said}"


def _decides_as_much(other: CheckedRule, one: CheckedRule) -> bool:
    """Whether what the other does leaves nothing for this one to do."""
    if other.rule.if_unknown is not one.rule.if_unknown:
        return False
    if STRICTNESS[other.rule.outcome] < STRICTNESS[one.rule.outcome]:
        return False
    if other.rule.outcome is Effect.EXCLUDE_FILE and one.rule.outcome is Effect.WARN:
        return False
    # A hold about files stands where one about the repository has been answered.
    return not (other.rule.outcome is one.rule.outcome is Effect.HOLD and other.of_names and not one.of_names)


_KNOWN: dict[str, tuple[Callable[[Vocabulary], frozenset[str]], str]] = {
    "finding": (lambda known: known.findings, "finding"),
    "file_format": (lambda known: known.formats, "format"),
    "format_any": (lambda known: known.formats, "format"),
    "license": (lambda known: known.licenses, "licence"),
    "license_not": (lambda known: known.licenses, "licence"),
    "license_terms": (lambda known: known.terms, "term of licences"),
    "lineage_conflict": (lambda known: known.conflicts, "conflict of licences"),
    "lineage_concern": (lambda known: known.conflicts, "conflict of licences"),
    "unknown": (lambda _: _GROUPS, "group of facts"),
}
