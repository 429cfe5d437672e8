"""One change in the text of rules that leaves all else as it was written: whether a rule is only tried."""

from __future__ import annotations

from rules.document import Document, Place, read_document
from rules.model import PolicyError, parse_policy


class CannotEdit(Exception):
    """The change cannot be made in the text by itself; why, as a sentence."""


def with_dry_run(source: str, rule: str, *, on: bool) -> str:
    """The same rules, of which one is only tried, or is enforced. Raises `CannotEdit`."""
    document = read_document(source, "")
    listed = document.value.get("rules") if isinstance(document.value, dict) else None
    if not isinstance(listed, list):
        raise CannotEdit("the text has mistakes: mend them first")
    index = next((at for at, one in enumerate(listed) if isinstance(one, dict) and one.get("id") == rule), None)
    if index is None:
        raise CannotEdit(f"there is no rule {rule[:80]!r} in this text")
    word = "true" if on else "false"
    if "dry_run" in listed[index]:
        made = _replaced(source, document.place(("rules", index, "dry_run")), word)
    else:
        made = _inserted(source, document, index, word)
    if _tried(made, rule) is not on:
        raise CannotEdit(f"the rule {rule!r} is written in a way that has to be changed by hand: dry_run: {word}")
    return made


def _replaced(source: str, place: Place, word: str) -> str:
    at = _offset(source, place)
    end = at
    while end < len(source) and source[end].isalpha():
        end += 1
    return source[:at] + word + source[end:]


def _inserted(source: str, document: Document, index: int, word: str) -> str:
    """Before the outcome, which each rule has: on a line of its own, or in the same braces."""
    place = document.keys.get(("rules", index, "outcome"))
    if place is None:
        raise CannotEdit("the text has mistakes: mend them first")
    at = _offset(source, place)
    before = source[source.rfind("\n", 0, at) + 1 : at]
    in_braces = bool(before.strip(" -"))
    between = ", " if in_braces else "\n" + " " * (place.column - 1)
    return f"{source[:at]}dry_run: {word}{between}{source[at:]}"


def _offset(source: str, place: Place) -> int:
    lines = source.split("\n")
    return sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1


def _tried(source: str, rule: str) -> bool | None:
    try:
        policy = parse_policy(source, "")
    except PolicyError:
        return None
    return next((one.rule.dry_run for one in policy.rules if one.rule.id == rule), None)
