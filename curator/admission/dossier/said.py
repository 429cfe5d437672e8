"""The dossier as values; all texts in it may be the Hub's, and are to be escaped where they are shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curator.admission.difference import Difference
from curator.audit.uses import Use
from curator.types import Commit
from rules.facts import Facts


@dataclass(frozen=True, slots=True)
class FoundThing:
    """One finding, with what lets a reader check it."""

    path: str
    rule: str
    severity: str
    confidence: str
    message: str
    engine: str
    where: Mapping[str, Any]
    """`member`, `offset`, `line`: what there is of them."""
    evidence: Mapping[str, Any]
    fingerprint: str
    waived_by: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "rule": self.rule,
            "severity": self.severity,
            "confidence": self.confidence,
            "message": self.message,
            "engine": self.engine,
            "where": dict(self.where),
            "evidence": dict(self.evidence),
            "fingerprint": self.fingerprint,
            "waived_by": list(self.waived_by),
            "reference": f"docs/findings/{self.rule}.md",
        }


@dataclass(frozen=True, slots=True)
class FileView:
    """One file, and whether one gets it."""

    path: str
    size: int
    format: str
    verdict: str
    role: str
    severity: str
    state: str
    """`cached`, `not-fetched`, or `left-out`."""
    rule: str
    """By which rule it is left out; empty if it is not."""
    unscannable: str
    blob: str

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.size,
            "format": self.format,
            "verdict": self.verdict,
            "role": self.role,
            "severity": self.severity,
            "state": self.state,
            "rule": self.rule or None,
            "unscannable": self.unscannable or None,
            "blob": self.blob,
        }


@dataclass(frozen=True, slots=True)
class EngineView:
    """What one scanner says of the commit."""

    name: str
    version: str
    """`absent: <why>` where it is not installed."""
    files: int
    """That it was asked about, as far as their reports are shown here."""
    objects_to: tuple[str, ...]
    """Files that it objects to."""
    only_it: tuple[str, ...]
    """Of these, those that our own scanner holds to be safe."""
    not_it: tuple[str, ...]
    """Files that it was asked about and is content with, and our own scanner is not."""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "files": self.files,
            "objects_to": list(self.objects_to),
            "only_it": list(self.only_it),
            "not_it": list(self.not_it),
        }


@dataclass(frozen=True, slots=True)
class PastDecision:
    """One decision about this repository."""

    id: str
    commit: str
    audience: str
    outcome: str
    rule: str
    sentence: str
    at: dt.datetime
    expires_at: dt.datetime | None
    why: str
    """What is otherwise than at the decision before about the same commit; empty for the first."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "commit": self.commit,
            "audience": self.audience,
            "outcome": self.outcome,
            "rule": self.rule or None,
            "sentence": self.sentence,
            "at": self.at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds") if self.expires_at else None,
            "why": self.why or None,
        }


@dataclass(frozen=True, slots=True)
class KnownCommit:
    """A commit of the repository that the mirror knows."""

    sha: str
    seen_at: dt.datetime
    outcome: str
    """Of the newest decision about it; empty if there is none."""
    revisions: tuple[str, ...]
    """What stands for it: `main`, tags."""

    def as_json(self) -> dict[str, Any]:
        return {
            "commit": self.sha,
            "seen_at": self.seen_at.isoformat(timespec="seconds"),
            "outcome": self.outcome or None,
            "revisions": list(self.revisions),
        }


@dataclass(frozen=True, slots=True)
class Node:
    """A repository in the lineage."""

    repo: str
    depth: int
    """0 for the repository itself."""
    licence: str
    licence_class: str
    state: str
    """`resolved`, `missing`, `private`, `unreachable`, `cycle` or `too-deep`."""
    conflicts: tuple[str, ...] = ()
    """What of its licence is not kept, each as a sentence."""
    level: str = ""
    """The worst of these: `conflict`, `warning`, `duty`, `gap`; empty if there is none."""

    def as_json(self) -> dict[str, Any]:
        return {
            "repository": self.repo,
            "depth": self.depth,
            "licence": self.licence or None,
            "licence_class": self.licence_class,
            "state": self.state,
            "conflicts": list(self.conflicts),
            "level": self.level or None,
        }


@dataclass(frozen=True, slots=True)
class Edge:
    """That one was made from another."""

    child: str
    parent: str
    relation: str

    def as_json(self) -> dict[str, Any]:
        return {"child": self.child, "parent": self.parent, "relation": self.relation or None}


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the repository was made from, as a graph; the nearest first."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int = 0
    """How many more ancestors there are than are named here."""

    def as_json(self) -> dict[str, Any]:
        return {
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [edge.as_json() for edge in self.edges],
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """How a program gets this very commit through the mirror."""

    tool: str
    language: str
    """`python` or `shell`."""
    lines: str
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"tool": self.tool, "language": self.language, "lines": self.lines, "note": self.note or None}


@dataclass(frozen=True, slots=True)
class Used:
    """Who was given files of it."""

    callers: int
    """How many different ones were given files of this commit."""
    newest: tuple[Use, ...] = ()
    """Of any commit of the repository, the latest first; empty for who may not know what others use."""

    def as_json(self) -> dict[str, Any]:
        return {"callers": self.callers, "newest": [use.as_json() for use in self.newest]}


@dataclass(frozen=True, slots=True)
class Dossier:
    """All of it."""

    commit: Commit
    explanation: Mapping[str, Any]
    """`curator.explanation/1` without the facts."""
    in_force: bool
    """Whether the decision holds now, for whoever asks; else it is the last one there was."""
    made: bool
    """Whether it was made for whoever asks; else it is what the rules say for them now, beside what was decided for
    everybody."""
    facts: Facts
    findings: tuple[FoundThing, ...]
    more_findings: int
    engines: tuple[EngineView, ...]
    files: tuple[FileView, ...]
    """Those that matter most first."""
    lineage: Lineage
    history: tuple[PastDecision, ...]
    words: tuple[Mapping[str, Any], ...]
    """Waivers and entries of lists that touch it, as `as_json` of each has them, with `what` they are."""
    commits: tuple[KnownCommit, ...]
    """Newest first."""
    difference: Difference | None
    """None if no other commit of the repository was ever approved."""
    usage: tuple[Usage, ...]
    """Empty unless it is allowed."""
    card: str
    """The text of the model card, as its author wrote it."""
    uses: Used
    """As far as whoever asks may know."""

    @property
    def outcome(self) -> str:
        return str(self.explanation["outcome"])

    def as_json(self) -> dict[str, Any]:
        facts = self.facts
        return {
            "schema": "curator.dossier/1",
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "in_force": self.in_force,
            "made": self.made,
            "decision": dict(self.explanation),
            "difference": self.difference.as_json() if self.difference else None,
            "findings": [one.as_json() for one in self.findings],
            "more_findings": self.more_findings,
            "engines": [one.as_json() for one in self.engines],
            "files": [one.as_json() for one in self.files],
            "licence": facts.license.model_dump(mode="json"),
            "lineage": self.lineage.as_json(),
            "owner": facts.owner.model_dump(mode="json") | {"known_publisher": facts.publisher_known},
            "standing": standing(facts),
            "uses": self.uses.as_json(),
            "history": [one.as_json() for one in self.history],
            "words": [dict(one) for one in self.words],
            "commits": [one.as_json() for one in self.commits],
            "usage": [one.as_json() for one in self.usage],
        }


def standing(facts: Facts) -> dict[str, Any]:
    """How it stands at the Hub now, and how it stood when the mirror first saw it."""
    return {
        "downloads": facts.downloads,
        "downloads_before": facts.downloads_before,
        "likes": facts.likes,
        "likes_before": facts.likes_before,
        "first_seen_at": _moment(facts.first_seen_at),
        "created_at": _moment(facts.created_at),
        "last_modified": _moment(facts.last_modified),
        "age_days": round(facts.age_days, 1),
        "hub_scan": facts.hub_scan,
        "gated": facts.gated,
        "task": facts.pipeline_tag,
        "library": facts.library,
        "parameters": facts.parameters,
        "observed_at": _moment(facts.observed_at),
    }


def _moment(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
