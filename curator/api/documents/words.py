"""People's words: waivers, and the lists of what is approved and blocked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from curator.api.documents.decisions import Reason
from curator.types import RepoKind
from curator.web.documents import Answer, Moment, Next
from rules.circumstances import ListEffect
from rules.decision import Outcome
from rules.model import Effect

State = Literal["active", "expired", "ended"]


class Scope(Answer):
    """For whom: globs of the names of teams and projects."""

    teams: list[str]
    projects: list[str]


class Reopened(Answer):
    """How much is decided anew because of it."""

    decisions: int
    commits: int
    judged_anew: int


class Waiver(Answer):
    """Somebody's word that certain findings may be passed over."""

    id: str
    state: State
    repository: str
    kind: RepoKind
    rules: list[str]
    decision: str | None
    fingerprints: list[str]
    scope: Scope
    reason: str
    by: str
    seconded_by: list[str]
    created_at: Moment
    expires_at: Moment | None
    ended_at: Moment | None
    ended_by: str | None


class Waivers(Answer):
    """A page of waivers, the newest first."""

    waivers: list[Waiver]
    next: Next


class Use(Answer):
    """A decision that rested on a waiver."""

    at: Moment
    decision: str | None
    repository: str
    commit: str | None
    outcome: str
    rules: list[str]


class Uses(Answer):
    """What a waiver was used for."""

    decisions: int
    downloads: int
    newest: list[Use]


class WaiverWithUses(Answer):
    """A waiver, and what it was used for."""

    waiver: Waiver
    uses: Uses


class Covered(Answer):
    """What of a rule's reason a waiver covers."""

    rule: str
    outcome: Effect
    message: str
    files: list[str]
    covered: int
    rests_on: Annotated[int, Field(description="How much there is to cover: less than all leaves the rule standing.")]


class Plan(Answer):
    """A waiver before it is given: what it covers, and what would be decided with it."""

    repository: str
    kind: RepoKind
    commit: str
    decision: str
    outcome: Outcome
    covers: list[Covered]
    outcome_then: Outcome
    left_out_then: list[str]
    elsewhere: list[str]
    still: list[Reason]


class PlanOnly(Answer):
    """What a waiver would do; nothing was done."""

    plan: Plan


class WaiverGiven(Answer):
    """A waiver that was given."""

    waiver: Waiver
    plan: Plan
    reopened: Reopened


class WaiverEnded(Answer):
    """A waiver that was taken back."""

    waiver: Waiver
    reopened: Reopened


class Entry(Answer):
    """Somebody's word about repositories as such."""

    id: str
    state: State
    effect: ListEffect
    what: str
    repositories: list[str]
    kinds: list[RepoKind]
    commits: list[str]
    contents: list[str]
    incident: str | None
    collection: str | None
    scope: Scope
    reason: str
    by: str
    seconded_by: list[str]
    created_at: Moment
    expires_at: Moment | None
    ended_at: Moment | None
    ended_by: str | None


class Entries(Answer):
    """A page of entries, the newest first."""

    entries: list[Entry]
    next: Next


class OneEntry(Answer):
    """An entry."""

    entry: Entry


class Still(Answer):
    """What will not be allowed all the same."""

    repository: str
    kind: RepoKind
    commit: str
    rule: str
    outcome: Effect
    message: str


class EntriesMade(Answer):
    """What was put on the list."""

    entries: list[Entry]
    notes: list[str]
    still: list[Still]
    reopened: Reopened


class EntryEnded(Answer):
    """An entry that was taken back."""

    entry: Entry
    reopened: Reopened


class Collection(Answer):
    """Repositories under one name."""

    name: str
    description: str
    repositories: list[str]


class Collections(Answer):
    """All that there are."""

    collections: list[Collection]
