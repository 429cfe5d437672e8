"""What a repository was made from, and what the licences on the way ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curator.admission.documents import documents_of
from curator.admission.look import Look, Relative
from curator.admission.memory import Memory
from curator.types import BlobId, Commit, RepoFile, RepoKind
from rules.facts import ConflictFacts, HopFacts, LicenseCategory, LineageFacts
from scanners.finding import Report
from scanners.repository.conflicts import Conflict, conflicts_of
from scanners.repository.license import License, license_of
from scanners.repository.license_list import CATEGORIES
from scanners.repository.lineage import Absent, Hop, Lineage, Node, walk
from scanners.repository.parents import parents_of

USED_FIELDS = (
    "license",
    "license_name",
    "license_link",
    "base_model",
    "base_model_relation",
    "datasets",
    "tags",
    "library_name",
)
LONGEST_FIELD = 4_000

Content = tuple[BlobId, str]


def root_of(
    commit: Commit,
    card: Mapping[str, Any],
    tags: Sequence[str],
    texts: Mapping[str, str],
    files: Iterable[RepoFile],
    reports: Mapping[Content, Report],
    own: License | None = None,
) -> Node:
    """A commit as the walk begins with it."""
    gguf = {
        file.path: report.metadata
        for file in files
        if (report := reports.get((file.blob, file.name))) is not None and report.format == "gguf"
    }
    parents = (
        parents_of(dict(card), documents_of(texts), gguf, tags, repository=str(commit.repo))
        if commit.repo.kind is RepoKind.MODEL
        else ()
    )
    return Node(str(commit.repo), commit.sha, own or license_of(dict(card), tags), parents)


def walked(root: Node, relatives: Iterable[Relative]) -> tuple[Lineage, tuple[tuple[str, str], ...]]:
    """The way back through those that are known; and whom one would have to ask for to go on, each with a revision."""
    known = {relative.asked.casefold(): relative for relative in relatives if relative.kind is RepoKind.MODEL}
    unknown: dict[tuple[str, str], None] = {}

    def lookup(name: str, revision: str) -> Node | Absent:
        relative = known.get(name.casefold())
        if relative is None:
            unknown[name, revision] = None
            return Absent.UNREACHABLE
        if relative.state != "found":
            return Absent(relative.state)
        license_ = license_of(relative.card, relative.tags)
        parents = parents_of(relative.card, {}, {}, relative.tags, repository=relative.repository)
        return Node(relative.repository, relative.commit, license_, parents)

    return walk(root, lookup), tuple(unknown)


def lineage_facts(root: Node, look: Look, memory: Memory, card_text: str, paths: frozenset[str]) -> LineageFacts:
    """All hops, the licence at each, and what of them is not kept."""
    lineage, _ = walked(root, look.relatives)
    licenses = [hop.license.category for hop in lineage.hops if hop.license is not None]
    return LineageFacts(
        ancestors=lineage.ancestors,
        hops=tuple(_hop(hop) for hop in lineage.hops),
        conflicts=tuple(
            _conflict(conflict)
            for conflict in conflicts_of(root.license, lineage, card_text=card_text or None, paths=paths)
        ),
        unresolved=lineage.unresolved,
        undeclared=memory.undeclared,
        category=LicenseCategory(max(licenses, key=_rank, default=LicenseCategory.MISSING.value)),
    )


def _hop(hop: Hop) -> HopFacts:
    return HopFacts(
        child=hop.child,
        parent=hop.parent,
        relation=hop.relation,
        depth=hop.depth,
        source=hop.source,
        state=hop.state.value,
        commit=hop.commit,
        license=hop.license.expression if hop.license else "",
        category=LicenseCategory(hop.license.category) if hop.license else LicenseCategory.MISSING,
        terms=hop.license.terms if hop.license else (),
    )


def _conflict(conflict: Conflict) -> ConflictFacts:
    return ConflictFacts(
        id=conflict.id,
        parent=conflict.parent,
        depth=conflict.depth,
        parent_license=conflict.parent_license,
        license=conflict.license,
        level=conflict.level.value,
        clause=conflict.clause,
        cure=conflict.cure,
    )


def _rank(category: str) -> int:
    """By how restrictive it is; what is missing counts least."""
    return CATEGORIES.index(category) if category in CATEGORIES else -1
