"""Requests for exceptions, the reviewer's queue, and what an answer does."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from curator.api.documents.catalogue import DifferenceAnswer, FoundThing, LineageGraph
from curator.api.documents.decisions import Reason
from curator.api.documents.record import Use
from curator.api.documents.words import Covered, Scope
from curator.review.proposals import State as ProposalState
from curator.review.states import State, Step
from curator.review.verdicts import Answer as Verb
from curator.review.verdicts import Reach
from curator.types import RepoKind
from curator.web.documents import Answer, Moment, Next
from rules.circumstances import ListEffect
from rules.decision import Outcome


class Requester(Answer):
    """One who wants it, and what for."""

    name: str
    reason: str
    until: Moment | None
    at: Moment


class Happened(Answer):
    """One step of a request's history."""

    step: Step
    by: str
    said: str
    at: Moment


class Request(Answer):
    """Somebody's wish for an exception."""

    id: str
    state: State
    in_part: Annotated[bool, Field(description="Approved, and not served yet: something else stands against it.")]
    sentence: Annotated[str, Field(description="How it stands, and what whoever asks may do.")]
    repository: str
    kind: RepoKind
    commit: str
    decision: str
    outcome: str
    team: str
    project: str
    rules: list[str]
    files: list[str]
    until: Moment | None
    asked_at: Moment
    changed_at: Moment
    requesters: list[Requester]
    history: list[Happened]


class OneRequest(Answer):
    """A request, and where it is shown."""

    request: Request
    joined: Annotated[bool, Field(description="Whether others of the team and project had asked for the same before.")]
    page: str


class Requests(Answer):
    """A page of requests, the newest first."""

    requests: list[Request]
    next: Next


class Line(Answer):
    """A repository that waits for a reviewer, or did."""

    id: str
    repository: str
    kind: RepoKind
    commit: str
    decision: str
    outcome: str
    publisher: str
    family: str
    rules: list[str]
    owners: list[str]
    teams: list[str]
    held: bool
    requests: int
    people: int
    risk: Annotated[int, Field(ge=1, le=4)]
    since: Moment
    last: Moment
    waits: bool
    closed_by: str
    closed_as: str
    closed_at: Moment | None
    proposed_by: str
    score: Annotated[float, Field(description="hours x people x risk.")]
    hours: float
    overdue: bool


class Lines(Answer):
    """A page of the queue, what matters most first."""

    items: list[Line]
    next: Next
    total: int
    overdue: int


class Group(Answer):
    """Lines of one publisher, or of one family."""

    name: str
    lines: int
    people: int
    risk: int
    since: Moment


class Groups(Answer):
    """Those with the most lines."""

    groups: list[Group]


class Verdict(Answer):
    """A reviewer's word."""

    answer: Verb
    reason: str
    by: str
    reach: Reach
    scope: Scope
    expires_at: Moment | None
    rules: list[str]
    partly: bool


class Proposal(Answer):
    """What somebody has approved, and others must agree to."""

    id: str
    item: str
    repository: str
    rules: list[str]
    needs: int
    agreed: list[str]
    state: ProposalState
    verdict: Verdict
    at: Moment
    expires_at: Moment
    ended_by: str
    said: str


class Proposals(Answer):
    """A page of proposals that wait, the newest first."""

    proposals: list[Proposal]
    next: Next


class Silent(Answer):
    """Somebody who was refused and has said nothing."""

    name: str
    team: str
    project: str


class OneLine(Answer):
    """A line with what one wants to know to decide about it."""

    item: Line
    requests: list[Request]
    silent: list[Silent]
    proposal: Proposal | None
    reasons: list[Reason]
    against: Annotated[list[str], Field(description="The rules that stand against it.")]
    difference: Annotated[
        DifferenceAnswer | None, Field(description="From the commit that was approved last; null: none ever was.")
    ]
    findings: Annotated[list[FoundThing], Field(description="What stands against it rests on these, the worst first.")]
    more_findings: int
    other_findings: Annotated[int, Field(description="Findings that no rule is against it for.")]
    licence: dict[str, Any]
    lineage: LineageGraph
    owner: dict[str, Any]
    standing: dict[str, Any]
    uses: Annotated[list[Use], Field(description="Who was given files of any commit of it, the latest first.")]
    more_uses: bool


class Listed(Answer):
    """What is put on a list."""

    effect: ListEffect
    what: str


class NotMeant(Answer):
    """Somebody who waits, and for whom nothing changes."""

    team: str
    project: str


class Opening(Answer):
    """What an answer does to one line, and what it leaves."""

    repository: str
    kind: RepoKind
    commit: str
    decision: str
    does: list[str]
    waives: list[Covered]
    lists: list[Listed]
    outcome_before: Outcome
    outcome_then: Outcome
    opens: bool
    still: list[Reason]
    elsewhere: list[str]
    not_meant: list[NotMeant]
    needs: int
    rules_that_need_several: list[str]


class Done(Answer):
    """What became of one line."""

    item: str
    repository: str
    kind: RepoKind
    commit: str
    said: str
    plan: Opening | None
    proposal: Proposal | None
    decisions_made_anew: int


class Answered(Answer):
    """What became of each line; of a preview, what would."""

    done: list[Done]
    plans: list[Opening]
