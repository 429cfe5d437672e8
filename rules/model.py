"""A set of rules, ready to be evaluated: read from a file and checked to the last field, mistakes with their places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from rules.checks import problems_of
from rules.document import Document, Place, Problem, read_document
from rules.expressions import Expression, ExpressionError, compile_expression
from rules.form import PLACEHOLDERS, AppliesTo, Branches, Effect, Expectation, PolicyForm, Rule
from rules.mistakes import meant, told
from rules.plan import CheckedRule
from rules.variables import FILE_VARIABLES, REPOSITORY_VARIABLES
from rules.when import When

__all__ = [
    "PLACEHOLDERS",
    "AppliesTo",
    "Branches",
    "CheckedRule",
    "Effect",
    "Policy",
    "PolicyError",
    "Rule",
    "When",
    "load_policy",
    "parse_policy",
    "starter_policy",
]


@dataclass(frozen=True, slots=True)
class Policy:
    """A set of rules, ready to be evaluated; named in the record by the digest of its source."""

    name: str
    description: str
    rules: tuple[CheckedRule, ...]
    source: str
    digest: str
    """SHA-256 of the source, hex."""
    branches: Branches = Branches.NEWEST_APPROVED
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    """The tests that stand in the file."""
    expected_at: tuple[Place, ...] = ()
    """Where each of them stands."""

    @property
    def enforced(self) -> bool:
        """Whether any rule of it is more than tried."""
        return any(not checked.rule.dry_run for checked in self.rules)


class PolicyError(Exception):
    """A file of rules that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_policy(path: Path) -> Policy:
    """Read a file of rules. Raises `PolicyError`."""
    try:
        source = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError((Problem(str(path), Place(1, 1), f"it cannot be read: {error.strerror}"),)) from None
    except UnicodeDecodeError:
        raise PolicyError((Problem(str(path), Place(1, 1), "it is not text in UTF-8"),)) from None
    return parse_policy(source, str(path))


def starter_policy() -> Policy:
    """The rules in force where an organisation has none of its own."""
    return parse_policy(files("rules").joinpath("packs/starter.yaml").read_text(encoding="utf-8"), "starter.yaml")


def parse_policy(source: str, file: str) -> Policy:
    """Read rules from text; `file` is what problems call it. Raises `PolicyError`."""
    document = read_document(source, file)
    problems = list(document.problems)
    form = None if problems else _validated(document, file, problems)
    if form is not None:
        problems += problems_of(form, document, file)
    expressions = [_expression(rule, index, document, file, problems) for index, rule in enumerate(_rules(form))]
    if problems or form is None:
        raise PolicyError(tuple(sorted(problems, key=lambda problem: problem.place)))
    checked = [
        CheckedRule(rule, expression, form.lists) for rule, expression in zip(form.rules, expressions, strict=True)
    ]
    for index, one in enumerate(checked):
        if one.rule.outcome is Effect.EXCLUDE_FILE and not one.asks_files:
            sentence = "'exclude-file' wants a condition on files, so that it is told which to leave out"
            problems.append(Problem(file, document.place(("rules", index, "outcome")), sentence))
    if problems:
        raise PolicyError(tuple(problems))
    digest = hashlib.sha256(source.encode()).hexdigest()
    places = tuple(document.place(("expect", index)) for index in range(len(form.expect)))
    return Policy(
        form.name, form.description, tuple(checked), source, digest, form.branches, form.lists, form.expect, places
    )


def _rules(form: PolicyForm | None) -> tuple[Rule, ...]:
    return form.rules if form is not None else ()


def _validated(document: Document, file: str, problems: list[Problem]) -> PolicyForm | None:
    if not isinstance(document.value, dict):
        empty = "it is empty: " if document.value is None else ""
        said = f"{empty}a file of rules has the fields schema, name and rules"
        problems.append(Problem(file, Place(1, 1), said))
        return None
    try:
        return PolicyForm.model_validate(document.value)
    except ValidationError as error:
        problems += told(error, document, file, ())
        return None


def _expression(rule: Rule, index: int, document: Document, file: str, problems: list[Problem]) -> Expression | None:
    if rule.expression is None:
        return None
    try:
        return compile_expression(rule.expression)
    except ExpressionError as error:
        start = document.place(("rules", index, "expression"))
        # In a block the text begins on the line after `|`, and its indentation is not part of the expression.
        in_block = "\n" in rule.expression
        line = start.line + error.line - (0 if in_block else 1)
        place = Place(line, document.indentation(line) + error.column if in_block else start.column + error.column - 1)
        problems.append(
            Problem(file, place, f"the expression cannot be used: {error.why}{_variable(error.why)}{error.caret}")
        )
        return None


def _variable(why: str) -> str:
    """Which variable may be meant, if one is not there."""
    match = re.match(r"undeclared reference to '([^']*)'", why)
    return meant(match[1], (*REPOSITORY_VARIABLES, *FILE_VARIABLES)) if match else ""
