"""What is decided about a commit, and why (`curator.explanation/1`, `curator.check/1`, `curator.facts/1`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from curator.types import RepoKind
from curator.web.documents import Answer, Moment
from rules.decision import Outcome, Standing
from rules.model import Effect


class Reason(Answer):
    """What one rule says in a decision."""

    rule: str
    outcome: Effect
    message: str
    files: list[str]
    fingerprints: Annotated[list[str], Field(description="What it rests on; a waiver names these.")]
    standing: Standing
    by: Annotated[list[str], Field(description="Ids of the waivers and entries that answer it.")]
    owner: str


class Asked(Answer):
    """One condition, what it wanted, and what the facts say."""

    condition: str
    wanted: str
    said: Any
    held: Annotated[bool | None, Field(description="null: the fact is not known.")]


class RuleResult(Answer):
    """One rule's part in a decision, whether it applied or not."""

    rule: str
    description: str
    outcome: Effect
    in_scope: bool
    scope: str
    applied: bool
    conditions: dict[str, bool]
    asked: list[Asked]
    message: str
    files: list[str]
    standing: Standing | None
    by: list[str]
    reasons: list[Reason]
    owner: str
    dry_run: bool
    references: list[str]


class Change(Answer):
    """Something that would change the outcome."""

    kind: str
    how: str
    outcome: Outcome
    excluded_files: list[str]
    about: list[str]
    at: Moment | None


class Named(Answer):
    """A waiver or an entry that a decision rests on; `id` alone where no more is known of it."""

    id: str
    kind: Literal["waiver", "approve", "block"] | None = None
    by: str | None = None
    reason: str | None = None
    expires_at: Moment | None = None


class ForWhom(Answer):
    """Whom the decision is for; empty: nobody special."""

    team: str
    project: str


class RuleSet(Answer):
    """Rules, by the digest of their text."""

    name: str
    digest: str


class Behind(Answer):
    """Why a branch is given at another commit than the Hub's."""

    revision: str
    upstream_commit: str
    commits: int | None
    outcome: str
    rules: list[str]
    decision: str | None
    sentence: str


class Explanation(Answer):
    """A decision, what each rule saw and said, what would change it, and all that it rests on."""

    schema_: Literal["curator.explanation/1"] = Field(alias="schema")
    repository: str
    kind: RepoKind
    commit: str
    outcome: Outcome
    decision: str
    details: str
    contact: str | None
    audience: ForWhom
    decided_at: Moment
    expires_at: Moment | None
    superseded_by: str | None
    rule_set: RuleSet
    reasons: list[Reason]
    excluded_files: dict[str, Reason]
    rules: list[RuleResult]
    changes: list[Change]
    named: dict[str, Named]
    facts: Annotated[dict[str, Any], Field(description="As rules see them: docs/rules.md.")]
    behind: Behind | None = None


class KnownFacts(Answer):
    """What the mirror knows of a commit."""

    schema_: Literal["curator.facts/1"] = Field(alias="schema")
    repository: str
    kind: RepoKind
    commit: str
    facts: Annotated[dict[str, Any] | None, Field(description="As rules see them: docs/rules.md.")]


class Said(Answer):
    """What a rule says of one thing that was checked."""

    rule: str
    outcome: Effect
    message: str
    files: list[str]
    owner: str
    by: list[Named]


class CheckedBehind(Answer):
    """That a branch is given at another commit than the Hub's."""

    upstream_commit: str
    commits: int | None
    sentence: str


class Checked(Answer):
    """One thing that was asked about."""

    repository: str
    kind: RepoKind
    revision: str
    path: str | None
    outcome: str
    sentence: str
    commit: str | None
    decision: str | None
    details: str | None
    rules: list[str]
    left_out: dict[str, Said]
    warnings: list[Said]
    dry_run: list[Said]
    waived: list[Said]
    approved: list[Said]
    behind: CheckedBehind | None
    scanned: int | None = None
    total: int | None = None


class CheckedRule(Answer):
    """A rule that an answer names."""

    description: str
    owner: str
    references: list[str]


class Check(Answer):
    """What a build may have: an answer for each thing that was asked about, in the same order."""

    schema_: Literal["curator.check/1"] = Field(alias="schema")
    rule_set: str | None
    rules: dict[str, CheckedRule]
    models: list[Checked]
