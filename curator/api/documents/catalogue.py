"""The catalogue and the dossier of a commit (`curator.dossier/1`, `curator.difference/1`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from curator.admission.difference import Weight
from curator.api.documents.record import Use
from curator.types import RepoKind
from curator.web.documents import Answer, Moment, Next
from rules.decision import Outcome

CatalogueVerdict = Literal["allow", "hold", "block", "again"]


class CatalogueItem(Answer):
    """A repository as it was last decided about."""

    kind: RepoKind
    repository: str
    audience: Annotated[str, Field(description="For whom: `team/project`; empty for everybody.")]
    verdict: Annotated[CatalogueVerdict, Field(description="`again`: it is decided when you ask for it.")]
    commit: str
    decision: str
    decided_at: Moment
    rule: Annotated[str | None, Field(description="The first rule that made the outcome.")]
    allowed_commit: Annotated[str | None, Field(description="The commit that was last allowed, if not this one.")]
    task: str | None
    library: str | None
    licence: str | None
    licence_class: str
    size: Annotated[int, Field(description="Bytes of the weights; of all files where there are none.")]
    parameters: int
    formats: list[str]
    family: Annotated[str | None, Field(description="The farthest ancestor that is known.")]
    downloads: int
    likes: int
    left_out: int
    risk: Annotated[str, Field(description="Severity of the worst finding.")]
    used: Annotated[int, Field(description="How many files of it were sent.")]
    asked_at: Moment | None


class CatalogueList(Answer):
    """Some of them."""

    repositories: list[CatalogueItem]
    next: Next


class CatalogueFacets(Answer):
    """How many there are of each kind."""

    total: int
    counted_at: Moment
    counts: Annotated[dict[str, dict[str, int]], Field(description="By facet and value, the most first.")]


class FoundThing(Answer):
    """One finding, with its evidence."""

    path: str
    rule: str
    severity: str
    confidence: str
    message: str
    engine: str
    where: dict[str, Any]
    evidence: dict[str, Any]
    fingerprint: str
    waived_by: list[str]
    reference: str


class FileView(Answer):
    """One file."""

    path: str
    size: int
    format: str
    verdict: str
    role: str
    severity: str
    state: Literal["cached", "not-fetched", "left-out"]
    rule: str | None
    unscannable: str | None
    blob: str


class EngineView(Answer):
    """What one scanner says."""

    name: str
    version: str
    files: int
    objects_to: list[str]
    only_it: Annotated[list[str], Field(description="Files that it alone objects to.")]
    not_it: Annotated[list[str], Field(description="Files that our own scanner objects to, and it does not.")]


class DifferenceChange(Answer):
    """One thing that is otherwise."""

    group: str
    how: Literal["added", "removed", "changed"]
    weight: Weight
    sentence: str
    path: str | None
    before: str | None
    after: str | None


class DifferenceLine(Answer):
    """One line of a text."""

    how: Literal["added", "removed", "same", "gap"]
    text: str
    number: int | None


class DifferenceText(Answer):
    """A text that was changed."""

    path: str
    title: str
    cut: bool
    lines: list[DifferenceLine]


class DifferenceAnswer(Answer):
    """What is otherwise than in the last approved commit."""

    schema_: Annotated[Literal["curator.difference/1"], Field(alias="schema")]
    before: str
    after: str
    material: bool
    sentence: str
    changes: list[DifferenceChange]
    texts: list[DifferenceText]
    unseen: list[str]
    more: dict[str, int]


class PastDecision(Answer):
    """One decision about the repository."""

    id: str
    commit: str
    audience: str
    outcome: Outcome
    rule: str | None
    sentence: str
    at: Moment
    expires_at: Moment | None
    why: str | None


class KnownCommit(Answer):
    """A commit that the mirror knows."""

    commit: str
    seen_at: Moment
    outcome: Outcome | None
    revisions: list[str]


class LineageNode(Answer):
    """A repository in the lineage."""

    repository: str
    depth: int
    licence: str | None
    licence_class: str
    state: str
    conflicts: list[str]
    level: str | None


class LineageEdge(Answer):
    """What was made from what."""

    child: str
    parent: str
    relation: str | None


class LineageGraph(Answer):
    """What it was made from."""

    nodes: list[LineageNode]
    edges: list[LineageEdge]
    left_out: int


class UsageLines(Answer):
    """Lines to paste."""

    tool: str
    language: Literal["python", "shell"]
    lines: str
    note: str | None


class Used(Answer):
    """Who was given files of it."""

    callers: Annotated[int, Field(description="How many different ones were given files of this commit.")]
    newest: Annotated[list[Use], Field(description="Of any commit of it; empty for who may not see what others use.")]


class DossierAnswer(Answer):
    """All that is known of a commit."""

    schema_: Annotated[Literal["curator.dossier/1"], Field(alias="schema")]
    repository: str
    kind: RepoKind
    commit: str
    in_force: Annotated[bool, Field(description="Whether the decision holds now, for whoever asks.")]
    made: Annotated[
        bool,
        Field(description="Whether it was made for whoever asks; else it is what the rules say for them by now."),
    ]
    decision: Annotated[dict[str, Any], Field(description="`curator.explanation/1` without the facts.")]
    difference: DifferenceAnswer | None
    findings: list[FoundThing]
    more_findings: int
    engines: list[EngineView]
    files: list[FileView]
    licence: dict[str, Any]
    lineage: LineageGraph
    owner: dict[str, Any]
    standing: dict[str, Any]
    uses: Used
    history: list[PastDecision]
    words: Annotated[list[dict[str, Any]], Field(description="Waivers and entries of lists that touch it.")]
    commits: list[KnownCommit]
    usage: list[UsageLines]
