"""From what the upstream says and what the scans found to the facts that rules read: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curator.admission import ownership, standing
from curator.admission.copies import seen_files
from curator.admission.documents import README, card_in, documents_of, tags_of
from curator.admission.licensing import license_facts, own_license
from curator.admission.look import COPIED, GROUPS, HISTORY, HUB_SCAN, LICENSE, LINEAGE, OWNER, Look, all_unknown
from curator.admission.memory import NOTHING, Memory
from curator.admission.origins import lineage_facts, root_of
from curator.admission.roles import role_of
from curator.admission.snapshots import Snapshot
from curator.errors import CuratorError
from curator.types import BlobId, RepoFile, RepoId, RepoKind
from rules.facts import Facts, FileFacts, FindingFacts, Kind, Severity, SourceFacts, Verdict
from scanners.finding import Finding, Report
from scanners.repository.completeness import card_completeness
from scanners.repository.parents import names_parents, wants

_MOST_REPOSITORIES = 20
"""That one commit may name as where its code is."""
_SOURCES = {
    OWNER: "the Hub's page of the owner",
    HISTORY: "the Hub's list of commits",
    HUB_SCAN: "the Hub's security status of the commit",
    LICENSE: "the card, the licence files and the weights at the commit",
    LINEAGE: "the Hub's description of each ancestor",
    COPIED: "what went through this mirror, and the repository whose name is like this one's",
}

Content = tuple[BlobId, str]


def facts_of(
    snapshot: Snapshot,
    files: Iterable[RepoFile],
    reports: Mapping[Content, Report],
    failures: Mapping[Content, str],
    observed_at: dt.datetime,
    look: Look | None = None,
    memory: Memory = NOTHING,
) -> Facts:
    """All that the rules may know of a commit. A file without a report is unscannable, for the reason in `failures`;
    without a look, all that one learns is unknown."""
    look = look or all_unknown("nobody looked", observed_at)
    files = tuple(files)
    repo, info = snapshot.commit.repo, snapshot.info
    tags = tags_of(snapshot)
    readme, card = look.texts.get(README, ""), card_in(snapshot, look.texts)
    own = own_license(card, tags, look.texts, files, reports)
    root = root_of(snapshot.commit, card, tags, look.texts, files, reports, own)
    seen = seen_files(files, reports)
    documents = documents_of(look.texts)
    paths = frozenset(file.path for file in files)
    suspicion = ownership.suspicion_of(snapshot, look, memory, root.parents, observed_at)
    unknown = _unknown(repo, look, _unread(repo, files, look, documents))
    return Facts(
        repository=str(repo),
        kind=Kind(repo.kind.value),
        namespace=repo.namespace or "",
        name=repo.name,
        commit=snapshot.commit.sha,
        observed_at=observed_at,
        publisher_known=repo.namespace is not None and memory.known.is_publisher(repo.namespace),
        lookalike=suspicion,
        owner=ownership.owner_facts(snapshot, look, memory),
        copied=memory.copied,
        license=license_facts(own, card, tags, look.texts, memory),
        lineage=lineage_facts(root, look, memory, readme, paths),
        files=tuple(
            _file(file, reports.get((file.blob, file.name)), failures.get((file.blob, file.name), "it was not scanned"))
            for file in files
        ),
        downloads=standing.count_of(info.get("downloads")),
        likes=standing.count_of(info.get("likes")),
        downloads_before=memory.before.downloads,
        likes_before=memory.before.likes,
        first_seen_at=memory.before.first_seen_at,
        created_at=standing.moment_of(info.get("createdAt")),
        committed_at=standing.moment_of(look.committed_at),
        last_modified=standing.moment_of(info.get("lastModified")),
        gated=bool(info.get("gated", False)),
        private=bool(info.get("private", False)),
        taken_down=bool(look.taken_down),
        tags=tags,
        library=standing.text_of(info.get("library_name")),
        pipeline_tag=standing.text_of(info.get("pipeline_tag")),
        parameters=standing.parameters_of(info, seen),
        context_length=standing.context_length_of(info, seen, documents),
        languages=standing.languages_of(card),
        card_completeness=card_completeness(card, readme),
        hub_scan=look.hub_scan,
        base_models=standing.texts_of(card.get("base_model")),
        code_from=_code_from(repo, reports.values()),
        unknown=unknown,
        why_unknown=tuple(look.gaps.get(group, "") for group in unknown),
        sources=tuple(
            SourceFacts(fact=group, source=source, at=look.at)
            for group, source in _SOURCES.items()
            if group not in look.gaps
        ),
    )


def _unknown(repo: RepoId, look: Look, unread: bool) -> tuple[str, ...]:
    nobody = repo.namespace is not None and look.owner is None
    missing = {*look.gaps, *((OWNER,) if nobody else ()), *((LINEAGE,) if unread else ())}
    return tuple(group for group in GROUPS if group in missing)


def _unread(repo: RepoId, files: Sequence[RepoFile], look: Look, documents: Mapping[str, Any]) -> bool:
    """Whether a document that may name parents was left aside, or is one that nobody can read: parents hide there."""
    if repo.kind is not RepoKind.MODEL or LINEAGE in look.gaps:
        return LINEAGE in look.gaps
    left_aside = any(names_parents(file.path) and file.path not in look.texts for file in files)
    return left_aside or any(wants(path) and path not in documents for path in look.texts)


def _file(file: RepoFile, report: Report | None, failure: str) -> FileFacts:
    if report is None:
        return FileFacts(
            path=file.path,
            size=file.size,
            blob=str(file.blob),
            format="unknown",
            verdict=Verdict.UNSCANNABLE,
            role=role_of(file.path, "unknown"),
            unscannable=failure,
        )
    return FileFacts(
        path=file.path,
        size=file.size,
        blob=str(file.blob),
        format=report.format,
        verdict=Verdict(report.verdict.value),
        role=role_of(file.path, report.format),
        findings=tuple(_finding(finding, file.blob) for finding in report.findings),
        unscannable=report.unscannable or "",
    )


def _finding(finding: Finding, blob: BlobId) -> FindingFacts:
    return FindingFacts(
        rule=finding.rule,
        severity=Severity(finding.severity.value),
        message=finding.message,
        engine=finding.engine,
        where=", ".join(f"{name} {value}" for name, value in finding.where.as_json().items()),
        fingerprint=finding.fingerprint(str(blob)),
    )


def _code_from(repo: RepoId, reports: Iterable[Report]) -> tuple[str, ...]:
    """Other repositories that its configuration takes code from; what is no name is left to findings."""
    named: set[str] = set()
    for report in reports:
        for text in standing.texts_of(report.metadata.get("code_from")):
            try:
                named.add(str(RepoId.parse(text, RepoKind.MODEL)))
            except CuratorError:
                continue
    return tuple(sorted(named - {str(repo)}))[:_MOST_REPOSITORIES]
