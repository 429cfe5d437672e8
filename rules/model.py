"""Rules as they are written down: YAML that reads like sentences, checked to the last field when it is loaded.

schema: curator.rules/1
name: starter
branches: newest-approved
rules:
  - id: no-unsafe-files
    description: A file that would run code is not served.
    when: {file_verdict: [unsafe]}
    outcome: block
    message: "{file} is unsafe: {finding}"
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rules.circumstances import Scope
from rules.conditions import When
from rules.document import Document, Place, Problem, read_document
from rules.expressions import Expression, ExpressionError, compile_expression
from rules.facts import Kind

PLACEHOLDERS = frozenset({"repository", "file", "finding", "reason", "license", "category", "lookalike", "why"})
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


class Effect(StrEnum):
    """What a rule does where it applies."""

    ALLOW = "allow"
    WARN = "warn"
    EXCLUDE_FILE = "exclude-file"
    HOLD = "hold"
    BLOCK = "block"


class Branches(StrEnum):
    """What a branch, or a tag that moved, stands for where the rules do not allow what the upstream says."""

    NEWEST_APPROVED = "newest-approved"
    """The newest commit of it that the rules allow."""
    STRICT = "strict"
    """What the upstream says, or nothing."""
    PIN = "pin"
    """The first commit of it that was allowed, until an administrator moves it."""


class AppliesTo(BaseModel):
    """Which repositories a rule is about; all, if nothing is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[Kind, ...] = Field((Kind.MODEL, Kind.DATASET, Kind.SPACE), description="model, dataset, space.")
    repositories: tuple[str, ...] = Field(("*",), description="Globs of `namespace/name`.")
    teams: tuple[str, ...] = Field(("*",), description="Globs of the teams whose members ask.")
    projects: tuple[str, ...] = Field(("*",), description="Globs of the projects that it is asked for.")

    @property
    def scope(self) -> Scope:
        """For whom."""
        return Scope(self.teams, self.projects)


class Rule(BaseModel):
    """One rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=80)]
    description: Annotated[str, Field(min_length=1)]
    applies_to: AppliesTo = AppliesTo()
    when: When = When()
    expression: str | None = None
    """CEL; must hold besides `when`."""
    outcome: Effect
    message: Annotated[str, Field(min_length=1)]
    """What the developer reads; placeholders in braces."""
    dry_run: bool = False
    """Recorded where it applies, and not enforced."""
    owner: str = ""
    """The group that answers for the rule, and decides about exceptions."""
    references: tuple[str, ...] = ()


class _PolicyForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["curator.rules/1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=80)]
    description: str = ""
    branches: Branches = Branches.NEWEST_APPROVED
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that can be evaluated."""

    rule: Rule
    expression: Expression | None

    @property
    def asks_files(self) -> bool:
        """Whether it is asked of each file, and not once of the repository."""
        return bool(self.rule.when.of_files) or (self.expression is not None and self.expression.of_files)


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
    checked: list[CheckedRule] = []
    seen: dict[str, int] = {}
    for index, rule in enumerate(form.rules if form else ()):
        problems += _problems_of(rule, index, document, file, seen)
        checked.append(CheckedRule(rule, _expression(rule, index, document, file, problems)))
    for index, one in enumerate(checked):
        if one.rule.outcome is Effect.EXCLUDE_FILE and not one.asks_files and not problems:
            sentence = "'exclude-file' wants a condition on files, so that it is told which to leave out"
            problems.append(Problem(file, document.place(("rules", index, "outcome")), sentence))
    if problems or form is None:
        raise PolicyError(tuple(sorted(problems, key=lambda problem: problem.place)))
    digest = hashlib.sha256(source.encode()).hexdigest()
    return Policy(form.name, form.description, tuple(checked), source, digest, form.branches)


def _validated(document: Document, file: str, problems: list[Problem]) -> _PolicyForm | None:
    if not isinstance(document.value, dict):
        problems.append(Problem(file, Place(1, 1), "a file of rules has the fields schema, name and rules"))
        return None
    try:
        return _PolicyForm.model_validate(document.value)
    except ValidationError as error:
        problems += [_told(one, document, file) for one in error.errors()]
        return None


def _told(error: Any, document: Document, file: str) -> Problem:
    path = tuple(error["loc"])
    name = str(path[-1]) if path else ""
    match error["type"]:
        case "extra_forbidden":
            sentence = f"there is no field {name!r} here"
        case "missing":
            sentence = f"the field {name!r} is missing"
        case _:
            shown = repr(error["input"])
            sentence = f"{shown if len(shown) <= 60 else shown[:57] + '...'}: {error['msg'].lower()}"
    return Problem(file, document.place(path), sentence)


def _problems_of(rule: Rule, index: int, document: Document, file: str, seen: dict[str, int]) -> list[Problem]:
    def wrong(field: str, sentence: str) -> Problem:
        return Problem(file, document.place(("rules", index, field)), sentence)

    problems: list[Problem] = []
    if not _ID.fullmatch(rule.id):
        problems.append(wrong("id", f"{rule.id!r} is not an id: write it in small letters, digits and single hyphens"))
    if rule.id in seen:
        problems.append(wrong("id", f"{rule.id!r} is also the id of rule {seen[rule.id] + 1}"))
    seen.setdefault(rule.id, index)
    if not rule.when.given and rule.expression is None and rule.outcome is not Effect.ALLOW:
        problems.append(wrong("id", "it has no condition, and would apply to everything"))
    try:
        unknown = [name for _, name, _, _ in Formatter().parse(rule.message) if name not in PLACEHOLDERS | {None}]
    except ValueError as error:
        problems.append(wrong("message", f"the message cannot be filled in: {error}"))
    else:
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
            problems.append(wrong("message", f"there is no {{{unknown[0]}}}: a message may have {known}"))
    return problems


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
        problems.append(Problem(file, place, f"the expression cannot be used: {error.why}{error.caret}"))
        return None
