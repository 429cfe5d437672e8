"""The rules: which are in force, which were, and what others would do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from curator.api.documents.decisions import RuleSet
from curator.types import RepoKind
from curator.web.documents import Answer, Moment, Next
from rules.decision import Outcome
from rules.model import Effect

Digest = Annotated[str, Field(description="SHA-256 of the text of the rules, in hex.")]


class RuleChange(Answer):
    """That rules came into force."""

    id: str
    digest: Digest
    name: str
    before: Annotated[str | None, Field(description="The digest of those that were in force until then.")]
    author: str
    reason: str
    origin: Annotated[str, Field(description="`starter`, `command`, `rollback`, or the file they come from.")]
    at: Moment


class JudgedAnew(Answer):
    """How far what was decided before is decided under the rules in force."""

    done: int
    total: int
    ended: bool
    sentence: str


class RulesStatus(Answer):
    """Which rules are in force, and what is wrong."""

    in_force: RuleChange | None
    source: Annotated[str | None, Field(description="The file or git folder that they come from; null: published.")]
    allowed: Annotated[bool, Field(description="Whether there are rules that can allow anything.")]
    problem: str | None
    note: str | None
    judged_anew: JudgedAnew | None


class RulesHistory(Answer):
    """A page of changes, the newest first."""

    changes: list[RuleChange]
    next: Next


class RulesDifference(Answer):
    """What differs between two sets of rules."""

    added: list[str]
    removed: list[str]
    changed: Annotated[dict[str, list[str]], Field(description="By rule, the fields that differ.")]
    sentence: str
    text: Annotated[str, Field(description="A unified diff of the texts.")]


class RulesText(Answer):
    """Rules as they were written."""

    digest: Digest
    name: str
    first_used_at: Moment
    source: str


class Figures(Answer):
    """How much a draft would change in one way."""

    requests: int
    repositories: int
    teams: int


class Changes(Answer):
    """By what would become of it."""

    blocked: Figures
    held: Figures
    left_out: Figures = Field(alias="left-out")
    released: Figures
    otherwise: Figures = Field(alias="refused-otherwise", description="Held instead of blocked, or the reverse.")


class ByRule(Answer):
    """What one rule would change."""

    change: str
    rule: str
    requests: int
    repositories: int


class ByRepository(Answer):
    """What would change for one repository."""

    kind: RepoKind
    repository: str
    blocked: int
    held: int
    left_out: int = Field(alias="left-out")
    released: int
    otherwise: int = Field(alias="refused-otherwise")


class ByTeam(Answer):
    """What would change for one team; empty: whoever has none."""

    team: str
    blocked: int
    held: int
    left_out: int = Field(alias="left-out")
    released: int
    otherwise: int = Field(alias="refused-otherwise")


class FileLeftOut(Answer):
    """A file that was downloaded, and would be left out."""

    kind: RepoKind
    repository: str
    path: str
    rule: str
    downloads: int


class DryRun(Answer):
    """What a rule that is only tried would have done."""

    in_: Annotated[str, Field(alias="in")]
    rule: str
    would: int
    repositories: int


class Example(Answer):
    """A decision that could not be tried again."""

    decision: str
    repository: str
    why: str


class NotReplayed(Answer):
    """What could not be tried again."""

    decisions: int
    requests: int
    examples: list[Example]


class Replay(Answer):
    """What a draft of rules would have done."""

    schema_: Literal["curator.replay/1"] = Field(alias="schema")
    rules: RuleSet
    against: RuleSet | None
    of: Literal["requests", "catalogue"]
    days: float | None
    since: Moment | None
    until: Moment
    sentence: str
    decisions: int
    evaluations: int
    served: int
    refused: int
    without_a_decision: int
    changes: Changes
    by_rule: list[ByRule]
    by_repository: list[ByRepository]
    by_team: list[ByTeam]
    left_out: list[FileLeftOut]
    files_left_out: int
    dry_run: list[DryRun]
    not_replayed: NotReplayed
    took_s: float


class RuleInForce(Answer):
    """One rule, and how it fares."""

    id: str
    line: Annotated[int, Field(description="Where it begins in the text.")]
    description: str
    outcome: Effect
    conditions: Annotated[list[str], Field(description="As they are written; all must hold.")]
    scope: Annotated[str, Field(description="What it is about and for whom; empty: everything.")]
    message: str
    owner: str
    dry_run: bool
    if_unknown: str
    references: list[str]
    refused: Annotated[int, Field(description="Requests that it refused in the last `days` days.")]
    waivers: Annotated[int, Field(description="In force, that answer it.")]


class RulesInForce(Answer):
    """The rules in force, one by one."""

    rule_set: RuleSet
    description: str
    branches: str
    lists: dict[str, list[str]]
    days: int
    rules: list[RuleInForce]


class Mistake(Answer):
    """Something that is wrong or doubtful, and where."""

    line: int
    column: int
    sentence: str


class RulesChecked(Answer):
    """What is wrong with a draft, and what is doubtful."""

    sentence: str
    usable: bool
    rule_set: RuleSet | None
    rules: int
    tests: int
    problems: list[Mistake]
    doubts: list[Mistake]


class RuleTest(Answer):
    """What came of one test."""

    name: str
    passed: bool
    line: int
    differences: list[str]
    not_run: Annotated[str, Field(description="Why it could not be run; empty: it was.")]
    outcome: Outcome | None


class RulesTested(Answer):
    """What came of the tests of a draft."""

    sentence: str
    passed: bool
    rule_set: RuleSet
    tests: list[RuleTest]


class Draft(Answer):
    """What somebody is writing."""

    source: str
    edited_from: Annotated[str | None, Field(description="The digest of the rules that were in force then.")]
    at: Moment


class DraftDiscarded(Answer):
    """There is no draft any more."""

    discarded: Literal[True]


class Edited(Answer):
    """A text of rules with one thing changed."""

    source: str


class Trial(Answer):
    """A draft that is tried, or was."""

    id: str
    by: str
    digest: Digest
    of: Literal["requests", "catalogue"]
    days: float | None
    against: str | None
    state: Literal["running", "done", "failed", "cancelled", "stopped"]
    sentence: str
    tried: int
    total: int
    begun_at: Moment
    ended_at: Moment | None
    problem: str | None
    result: Replay | None


class OneTrial(Answer):
    """A trial."""

    trial: Trial


class Trials(Answer):
    """A page of trials, the newest first."""

    trials: list[Trial]
    next: Next


class Consequences(Answer):
    """What would become of it if a draft were published."""

    check: RulesChecked
    difference: RulesDifference
    tests: RulesTested | None
    catalogue: Annotated[Trial | None, Field(description="The newest trial of just this text on the catalogue.")]
    requests: Annotated[Trial | None, Field(description="The same on what was asked for.")]
    sentences: Annotated[list[str], Field(description="What trials have shown, in words.")]
