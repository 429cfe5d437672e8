"""What is wrong with rules that have the right form: names that stand twice or not at all, words that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

from pydantic import ValidationError

from rules.document import Document, Path, Problem
from rules.form import PLACEHOLDERS, RESERVED, Effect, Expectation, PolicyForm, Rule
from rules.mistakes import meant, told
from rules.samples import facts_of_sample

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_MOST_RULES = 1_000
_MOST_GLOBS = 5_000
"""In one list: each is tried on every name that is asked about."""
_LONGEST_WORD = 500
_LONGEST_EXPRESSION = 4_000
_WILD = frozenset("*?[")
_AT_COMMIT = re.compile(r"[^@\s]+@[0-9a-f]{40}", re.ASCII)


def problems_of(form: PolicyForm, document: Document, file: str) -> list[Problem]:
    """All of them."""
    problems: list[Problem] = []

    def wrong(path: Path, sentence: str) -> None:
        problems.append(Problem(file, document.place(path), sentence))

    _ids(form, wrong)
    _amounts(form, document, wrong)
    for name, words in form.lists.items():
        if not _ID.fullmatch(name):
            wrong(("lists", name), f"{name!r} cannot name a list: write it in small letters, digits and single hyphens")
        if any(word.startswith("@") for word in words):
            wrong(("lists", name), "a list has words, and no names of other lists")
    for index, rule in enumerate(form.rules):
        at: Path = ("rules", index)
        if not rule.when.given and rule.expression is None and rule.outcome is not Effect.ALLOW:
            wrong((*at, "id"), "it has no condition, and would apply to everything")
        if (sentence := _message(rule)) is not None:
            wrong((*at, "message"), sentence)
    raw = document.value.get("rules") if isinstance(document.value, dict) else ()
    for path, sentence in _emptiness(raw, ("rules",)):
        wrong(path, sentence)
    for path, name in _named(raw, ("rules",)):
        if name not in form.lists:
            known = ", ".join(f"@{known}" for known in form.lists) or "none"
            wrong(path, f"there is no list {'@' + name!r} here; there is {known}")
    for index, expectation in enumerate(form.expect):
        _expectation(expectation, index, form, wrong)
        if expectation.facts is not None:
            try:
                facts_of_sample(expectation.facts)
            except ValidationError as error:
                problems += told(error, document, file, ("expect", index, "facts"))
    return problems


def _ids(form: PolicyForm, wrong: Any) -> None:
    seen: dict[str, int] = {}
    for index, rule in enumerate(form.rules):
        at: Path = ("rules", index, "id")
        if not _ID.fullmatch(rule.id):
            wrong(at, f"{rule.id!r} is not an id: write it in small letters, digits and single hyphens")
        elif rule.id in RESERVED:
            wrong(at, f"{rule.id!r} is the mirror's own word: give the rule another id")
        if rule.id in seen:
            wrong(at, f"{rule.id!r} is also the id of rule {seen[rule.id] + 1}")
        seen.setdefault(rule.id, index)


def _emptiness(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Conditions with nothing behind them. Under `unless` one such would make the rule apply to nothing."""
    if "when" in path and value is None:
        yield path, f"nothing stands behind {str(path[-1])!r}: write what is wanted, or leave the line out"
    elif "when" in path and value == {} and path[-1] == "unless":
        yield path, f"{str(path[-1])!r} has no condition in it"
    elif "when" in path and value == {} and isinstance(path[-1], int):
        yield path, "this group has no condition in it"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _emptiness(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _emptiness(inner, (*path, index))


def _amounts(form: PolicyForm, document: Document, wrong: Any) -> None:
    """What would take a mirror long to read or to ask."""
    if len(form.rules) > _MOST_RULES:
        wrong(("rules",), f"there are {len(form.rules)} rules, and {_MOST_RULES} at most can be asked of each commit")
    for index, rule in enumerate(form.rules):
        if rule.expression is not None and len(rule.expression) > _LONGEST_EXPRESSION:
            sentence = f"an expression has {_LONGEST_EXPRESSION} characters at most: make several rules of it"
            wrong(("rules", index, "expression"), sentence)
    value: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
    for path, words in (*_word_lists(value.get("lists"), ("lists",)), *_word_lists(value.get("rules"), ("rules",))):
        if sum(not _WILD.isdisjoint(word) for word in words) > _MOST_GLOBS:
            wrong(path, f"a list has {_MOST_GLOBS} globs at most; names without a wildcard may be more")
        if any(len(word) > _LONGEST_WORD for word in words):
            wrong(path, f"a word or glob has {_LONGEST_WORD} characters at most")


def _word_lists(value: Any, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each list of words in lists, conditions and scopes, with its place; a word alone is a list of one."""
    listed = {"lists", "when", "applies_to"} & set(path)
    if listed and isinstance(value, str):
        yield path, [value]
    elif listed and isinstance(value, list) and all(isinstance(one, str) for one in value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _word_lists(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _word_lists(inner, (*path, index))


def _message(rule: Rule) -> str | None:
    """What is wrong with the rule's message."""
    try:
        fields = [(name, form or conversion) for _, name, form, conversion in Formatter().parse(rule.message)]
    except ValueError as error:
        return f"the message cannot be filled in: {error}"
    unknown = [name for name, _ in fields if name is not None and name not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
        return f"there is no {{{unknown[0]}}}: a message may have {known}{meant(unknown[0], PLACEHOLDERS)}"
    dressed = [name for name, more in fields if name is not None and more]
    return f"write {{{dressed[0]}}} alone: nothing may stand behind the word" if dressed else None


def _named(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The names of lists (`@trusted`) in the conditions and scopes of rules, each with its place."""
    if isinstance(value, str) and value.startswith("@") and {"when", "applies_to"} & set(path):
        yield path, value[1:]
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _named(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _named(inner, (*path, index))


def _expectation(expectation: Expectation, index: int, form: PolicyForm, wrong: Any) -> None:
    at: Path = ("expect", index)
    if (expectation.facts is None) == (not expectation.repository):
        wrong((*at, "name"), "a test has either facts or a repository")
    elif expectation.repository and not _AT_COMMIT.fullmatch(expectation.repository):
        wrong(
            (*at, "repository"), f"{expectation.repository[:80]!r} is not a commit: write ORG/NAME@ and 40 hex digits"
        )
    known = {rule.id for rule in form.rules} | RESERVED
    for place, name in enumerate(expectation.rules or ()):
        if name not in known:
            wrong((*at, "rules", place), f"there is no rule {name!r} here")
