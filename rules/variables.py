"""The facts as CEL knows them: each declared once, in `rules/facts.py`, and named here by its dotted path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from rules.facts import Facts, FileFacts

_RENAMED = {"namespace": "publisher"}
"""Facts whose name is a reserved word of CEL."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A fact as CEL knows it."""

    name: str
    """Dotted, such as `license.category`."""
    type: str
    """`string`, `int`, `double`, `bool`, `timestamp` or `list(string)`."""
    description: str
    path: tuple[str, ...]
    """The attributes that lead to it from a `Facts` or `FileFacts`."""
    get: attrgetter[Any] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "get", attrgetter(".".join(self.path)))

    def value(self, root: BaseModel) -> Any:
        """The fact as a plain value that CEL takes."""
        found = self.get(root)
        if isinstance(found, StrEnum):
            return found.value
        return list(found) if isinstance(found, tuple) else found


def repository_variables() -> tuple[Variable, ...]:
    """What every expression may read."""
    return tuple(_variables(Facts, ()))


def file_variables() -> tuple[Variable, ...]:
    """What an expression may read besides in a rule about files, as `file.<name>`."""
    return tuple(_variables(FileFacts, ("file",)))


def _variables(model: type[BaseModel], prefix: tuple[str, ...], path: tuple[str, ...] = ()) -> Iterator[Variable]:
    fields = {name: (field.annotation, field.description) for name, field in model.model_fields.items()}
    computed = {name: (field.return_type, field.description) for name, field in model.model_computed_fields.items()}
    for name, (annotation, description) in (fields | computed).items():
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _variables(annotation, (*prefix, name), (*path, name))
            continue
        kind = _cel_type(annotation)
        if kind is not None:
            yield Variable(".".join((*prefix, _RENAMED.get(name) or name)), kind, description or "", (*path, name))


def _cel_type(annotation: Any) -> str | None:
    """CEL's name for a type; None for what expressions cannot read."""
    if get_origin(annotation) is tuple:
        return "list(string)" if get_args(annotation)[0] is str else None
    if isinstance(annotation, UnionType) or not isinstance(annotation, type):
        return None
    for python, cel in ((bool, "bool"), (int, "int"), (float, "double"), (str, "string"), (dt.datetime, "timestamp")):
        if issubclass(annotation, python):
            return cel
    return None


REPOSITORY_VARIABLES = {variable.name: variable for variable in repository_variables()}
FILE_VARIABLES = {variable.name: variable for variable in file_variables()}
