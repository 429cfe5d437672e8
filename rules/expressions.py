"""CEL expressions over the facts: their types are checked when the rules load (Common Expression Language, cel.dev).

Each fact is declared under its dotted name, so a misspelt one is an error with a caret under it, not a rule that never
matches. An evaluation that fails (a division by zero) is an error value, and the caller holds the repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel
from pydantic import BaseModel

from rules.facts import Facts, FileFacts, Variable, file_variables, repository_variables

_TYPES = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "timestamp": cel.Type.TIMESTAMP,
    "list(string)": cel.Type.List(cel.Type.STRING),
}
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
    of_files: bool
    """Whether it reads `file.*`, and so is asked of each file."""
    _compiled: Any

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
    return Expression(text, re.search(r"\bfile\s*\.", text) is not None, compiled)


def repository_values(facts: Facts) -> dict[str, Any]:
    """The facts as an expression reads them."""
    return _values(facts, repository_variables())


def file_values(file: FileFacts) -> dict[str, Any]:
    """The facts of one file as an expression reads them."""
    return _values(file, file_variables())


def _values(root: BaseModel, variables: tuple[Variable, ...]) -> dict[str, Any]:
    return {variable.name: variable.value(root) for variable in variables}


@cache
def _environment() -> Any:
    variables = (*repository_variables(), *file_variables())
    return cel.NewEnv(variables={variable.name: _TYPES[variable.type] for variable in variables})


def _explained(text: str, message: str) -> ExpressionError:
    match = _ERROR.search(message)
    if match is None:
        return ExpressionError(1, 1, " ".join(message.split())[:200], "")
    line, column, why = int(match[1]), int(match[2]), match[3]
    lines = text.split("\n")
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    caret = f"\n    {shown}\n    {' ' * (column - 1)}^" if shown else ""
    return ExpressionError(line, column, why, caret)
