"""CEL expressions over the facts: their types are checked when the rules load (Common Expression Language, cel.dev).

Each fact is declared under its dotted name, so a misspelt one is an error with a caret under it, not a rule that never
matches. An evaluation that fails (a division by zero) is an error value, and the caller holds the repository.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel

from rules.facts import Facts
from rules.variables import FILE_VARIABLES, REPOSITORY_VARIABLES

TYPES = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "timestamp": cel.Type.TIMESTAMP,
    "list(string)": cel.Type.List(cel.Type.STRING),
}
AGES: dict[str, Callable[[Facts], dt.datetime | None]] = {
    "age_days": lambda facts: facts.created_at,
    "unchanged_days": lambda facts: facts.last_modified,
    "commit_age_days": lambda facts: facts.committed_at,
    "owner_age_days": lambda facts: facts.owner.created_at,
}
"""The facts that grow with time, each with the moment since when."""
_GROUPS = {
    "commit_age_days": ("history",),
    "owner_age_days": ("owner",),
    "owner.changed": ("owner", "history"),
    "owner.why": ("owner", "history"),
}
"""The groups that facts are from which are not called so."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?: \(in container ''\))?$", re.MULTILINE)


class ExpressionError(Exception):
    """An expression that cannot be used: where in it (line and column from 1) and why."""

    def __init__(self, line: int, column: int, why: str, caret: str) -> None:
        super().__init__(why)
        self.line = line
        self.column = column
        self.why = why
        self.caret = caret
        """The line of the expression with a caret under the place."""


class EvaluationError(Exception):
    """An expression had no value for these facts."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression that is true or false of facts."""

    text: str
    reads: tuple[str, ...]
    """The facts that it reads, by name."""
    _compiled: Any
    _groups: frozenset[str]
    """The groups of facts that it reads."""

    @property
    def of_files(self) -> bool:
        """Whether it reads `file.*`, and so is asked of each file."""
        return any(name in FILE_VARIABLES for name in self.reads)

    @property
    def ages(self) -> bool:
        """Whether time alone may change its value."""
        return not AGES.keys().isdisjoint(self.reads) or "observed_at" in self.reads

    def unknown(self, facts: Facts) -> str:
        """The first fact that it reads and nobody knows; empty if there is none, or if it reads `unknown` itself."""
        if "unknown" in self.reads or (self._groups.isdisjoint(facts.unknown) and self._dated(facts)):
            return ""
        return next(name for name in self.reads if not _known(name, facts))

    def _dated(self, facts: Facts) -> bool:
        return all(since(facts) is not None for name, since in AGES.items() if name in self.reads)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Its value. Raises `EvaluationError`."""
        try:
            value = self._compiled.eval(data=values)
        except (RuntimeError, TypeError, ValueError) as error:
            raise EvaluationError(" ".join(str(error).split())[:200]) from error
        result = value.value()
        if not isinstance(result, bool):
            raise EvaluationError(" ".join(str(result).split())[:200])
        return result


def compile_expression(text: str) -> Expression:
    """Check an expression against the facts. Raises `ExpressionError`."""
    try:
        compiled = _environment().compile(text)
    except RuntimeError as error:
        raise _explained(text, str(error)) from None
    if compiled.return_type() != cel.Type.BOOL:
        raise ExpressionError(1, 1, f"it is to be true or false, and it is {compiled.return_type().name()}", "")
    reads = _read(text)
    return Expression(text, reads, compiled, frozenset(group for name in reads for group in _groups_of(name)))


def _groups_of(name: str) -> tuple[str, ...]:
    return _GROUPS.get(name, (name.partition(".")[0],))


def _known(name: str, facts: Facts) -> bool:
    since = AGES.get(name)
    return set(_groups_of(name)).isdisjoint(facts.unknown) and (since is None or since(facts) is not None)


def _read(text: str) -> tuple[str, ...]:
    """The facts that an expression names; what only stands in a text of it is taken for one, which does no harm."""
    words = set(_NAME.findall(re.sub(r"\s*\.\s*", ".", text)))
    # `tags.exists(...)` names `tags`: a fact's name may be followed by what is done to it.
    beginnings = {".".join(parts[:end]) for word in words for parts in [word.split(".")] for end in (1, 2)}
    return tuple(name for name in (*REPOSITORY_VARIABLES, *FILE_VARIABLES) if name in beginnings)


@cache
def _environment() -> Any:
    variables = REPOSITORY_VARIABLES | FILE_VARIABLES
    return cel.NewEnv(variables={name: TYPES[variable.type] for name, variable in variables.items()})


def _explained(text: str, message: str) -> ExpressionError:
    match = _ERROR.search(message)
    if match is None:
        return ExpressionError(1, 1, " ".join(message.split())[:200], "")
    line, column, why = int(match[1]), int(match[2]), match[3]
    lines = text.split("\n")
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    caret = f"\n    {shown}\n    {' ' * (column - 1)}^" if shown else ""
    return ExpressionError(line, column, why, caret)
