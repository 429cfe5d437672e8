"""What a form says is wrong with a file of rules, in words that say what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from rules.document import Document, Path, Problem
from rules.facts import Facts, FileFacts, LicenseFacts, LineageFacts, OwnerFacts
from rules.form import AppliesTo, Expectation, ForWhom, PolicyForm, Rule
from rules.when import When

_LONGEST_SHOWN = 60
_EXPECTED: dict[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text: put it in quotes",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "tuple_type": "a list, such as [one, other]",
    "list_type": "a list, such as [one, other]",
    "dict_type": "a group of fields, each on a line of its own",
    "model_type": "a group of fields, each on a line of its own",
    "model_attributes_type": "a group of fields, each on a line of its own",
    "datetime_parsing": "a day such as 2026-01-31, or `3 days ago`",
    "datetime_from_date_parsing": "a day such as 2026-01-31, or `3 days ago`",
    "datetime_type": "a day such as 2026-01-31, or `3 days ago`",
    "string_pattern_mismatch": "a name of letters, digits, '.', '_' and '-'",
    "string_too_short": "some text",
    "too_short": "more than nothing",
}
"""What should stand there instead, by what pydantic calls the mistake."""


def told(error: ValidationError, document: Document, file: str, below: Path) -> list[Problem]:
    """What a form says is wrong, in our words, each with its place; `below` is where the form begins."""
    return [_told(one, document, file, below) for one in error.errors()]


def meant(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'this'?`, or nothing where no word is near."""
    by_letters = {known.lower(): known for known in words}
    near = get_close_matches(word.lower(), by_letters, n=1, cutoff=0.7)
    return f"; did you mean {by_letters[near[0]]!r}?" if near else ""


def _told(error: Any, document: Document, file: str, below: Path) -> Problem:
    path = (*below, *error["loc"])
    name = str(path[-1]) if path else ""
    match error["type"]:
        case "extra_forbidden":
            return Problem(file, document.key_place(path), _no_field(path, name))
        case "missing":
            sentence = f"the field {name!r} is missing"
        case "value_error":
            sentence = str(error["ctx"]["error"])
        case "enum" | "literal_error":
            sentence = _no_word(error["input"], str(error["ctx"]["expected"]))
        case kind if kind in _EXPECTED:
            sentence = f"{_shown(error['input'])} cannot stand here: write {_EXPECTED[kind]}"
        case _:
            sentence = f"{_shown(error['input'])}: {error['msg'].lower()}"
    return Problem(file, document.place(path), sentence)


def _no_field(path: Path, name: str) -> str:
    inside = [part for part in path[:-1] if isinstance(part, str)]
    sentence = f"there is no field {name!r} here"
    conditions, inner = _fields(When), {"rules", "when"} <= set(inside)
    if name in conditions and "rules" in inside and not inner:
        return f"{sentence}: it is a condition, and stands below `when`"
    if name in _fields(Rule) and inner:
        return f"{sentence}: it belongs to the rule, as far in as `when`"
    return sentence + meant(name, _known(inside))


def _known(inside: list[str]) -> set[str]:
    """The fields that there are around a place."""
    if "facts" in inside:
        return _fields(Facts, FileFacts, LicenseFacts, LineageFacts, OwnerFacts)
    if "expect" in inside:
        return _fields(Expectation, ForWhom)
    if "applies_to" in inside:
        return _fields(AppliesTo)
    if "when" in inside:
        return _fields(When)
    return _fields(Rule) if "rules" in inside else _fields(PolicyForm)


def _fields(*models: type[BaseModel]) -> set[str]:
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _no_word(written: Any, expected: str) -> str:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    if len(words) == 1:
        return f"{_shown(written)} cannot stand here: write {words[0]}"
    return f"{_shown(written)} cannot stand here: write {expected}{meant(str(written), words)}"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 3]}..."
