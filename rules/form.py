"""Rules as they are written down: YAML that reads like sentences.

schema: curator.rules/1
name: starter
branches: newest-approved
lists:
  trusted: [meta-llama, google]
rules:
  - id: no-unsafe-files
    description: A file that would run code is not served.
    when: {file_verdict: [unsafe], unless: {publisher: "@trusted"}}
    outcome: block
    message: "{file} is unsafe: {finding}"
expect:
  - name: a pickle that runs a program is not served
    facts: {files: [{path: a.bin, verdict: unsafe}]}
    outcome: block
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules.facts import Kind
from rules.when import Listed, Texts, When

_AUDIENCE = r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$"

PLACEHOLDERS: dict[str, str] = {
    "repository": "namespace and name",
    "publisher": "the owner",
    "commit": "the commit, 40 hex digits",
    "file": "path of the file the rule is about",
    "finding": "the worst finding of that file, as a sentence",
    "reason": "why the file could not be judged, or its worst finding",
    "license": "the licence as declared, else as files or weights say it, or `none`",
    "category": "the kind of licence",
    "disagreement": "which places disagree about the licence, or what changed in it",
    "conflict": "what an ancestor's licence asks for and is not kept, and the cure",
    "lookalike": "the name it resembles",
    "why": "what makes the names alike",
    "copied": "what is the same as in another owner's repository",
    "ownership": "what makes the owner another one than before",
}
"""What a message may have in braces, and what it becomes."""

NO_RULES = "no-rules"
BLOCKED_LIST = "blocked-list"
APPROVED_LIST = "approved-list"
RESERVED = frozenset({NO_RULES, BLOCKED_LIST, APPROVED_LIST})
"""Ids by which an answer names what is no rule of the file."""


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


class IfUnknown(StrEnum):
    """What becomes of a rule of which it cannot be told whether it applies."""

    APPLY = "apply"
    """It holds, where it would block or hold; else it does what it does."""
    PASS = "pass"  # noqa: S105 - no password
    """Nothing: another rule tells what is not known. What is known for sure counts all the same."""


class AppliesTo(BaseModel):
    """Which repositories a rule is about, and for whom; all, if nothing is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Annotated[tuple[Kind, ...], Listed] = Field(
        (Kind.MODEL, Kind.DATASET, Kind.SPACE), description="`model`, `dataset`, `space`."
    )
    repositories: Texts = Field(("*",), description="Globs of `namespace/name`.")
    teams: Texts = Field(("*",), description="Globs of the teams whose members ask.")
    projects: Texts = Field(("*",), description="Globs of the projects that it is asked for.")


class Rule(BaseModel):
    """One rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        description="Lower-case words joined by hyphens; named in refusals and in the record."
    )
    description: Annotated[str, Field(min_length=1)] = Field(description="One sentence for whoever reads the rules.")
    applies_to: AppliesTo = Field(AppliesTo(), description="Which repositories it is about, and for whom.")
    when: When = Field(When(), description="Ready-made conditions, which must all hold.")
    expression: str | None = Field(None, description="A CEL expression that must hold besides.")
    outcome: Effect = Field(description="What becomes of what it applies to.")
    message: Annotated[str, Field(min_length=1)] = Field(
        description="What the developer reads in the client's own error; placeholders in braces."
    )
    dry_run: bool = Field(False, description="Whether it is only tried: recorded where it applies, without effect.")
    if_unknown: IfUnknown = Field(
        IfUnknown.APPLY,
        description="Where a fact that it asks for is not known: `apply` holds what it would block or hold, and `pass` "
        "leaves it to another rule. What is known for sure counts in both.",
    )
    owner: str = Field("", description="The team that answers for it, by name, and that decides about exceptions.")
    approvers: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="How many different people must agree to an exception from it (1 to 5)."
    )
    references: Texts = Field((), description="Addresses of a policy, a ticket, an advisory.")


class ForWhom(BaseModel):
    """Who asks, in a test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    team: Annotated[str, Field(pattern=_AUDIENCE)] = ""
    project: Annotated[str, Field(pattern=_AUDIENCE)] = ""


class Expectation(BaseModel):
    """What is expected of certain facts."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Annotated[str, Field(min_length=1)] = Field(description="What is expected, as a sentence.")
    facts: dict[str, Any] | None = Field(None, description="The facts that matter; all others are harmless ones.")
    repository: str = Field(
        "", description="Instead of facts: a commit that a mirror has judged, as `ORG/NAME@COMMIT`."
    )
    kind: Kind = Field(Kind.MODEL, description="`model`, `dataset` or `space`, for `repository`.")
    for_: ForWhom = Field(ForWhom(), alias="for", description="`team` and `project` of whoever asks.")
    approved: Literal["no", "repository", "commit"] = Field(
        "no", description="As if somebody had approved the `repository`, or this very `commit`."
    )
    outcome: Literal["allow", "hold", "block"] = Field(description="`allow`, `hold` or `block`.")
    rules: Texts | None = Field(None, description="The ids of the rules that decide, all of them.")
    excluded: Texts | None = Field(None, description="The paths of the files that are left out, all of them.")


class PolicyForm(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["curator.rules/1"] = Field(alias="schema", description="The version of this form.")
    name: Annotated[str, Field(min_length=1, max_length=80)] = Field(description="What the set of rules is called.")
    description: str = Field("", description="One sentence for whoever reads the rules.")
    branches: Branches = Field(
        Branches.NEWEST_APPROVED, description="What a branch stands for where its newest commit is not allowed."
    )
    lists: dict[str, Texts] = Field({}, description='Named lists: `trusted: [google]` is `"@trusted"` in conditions.')
    rules: tuple[Rule, ...] = Field(description="The rules, in any order.")
    expect: tuple[Expectation, ...] = Field((), description="Tests: what is expected of which facts.")
