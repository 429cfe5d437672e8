"""Files, findings and the engines' opinions of a commit, from its facts and the reports of its scans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from curator.admission.decisions import Ruling
from curator.admission.dossier.said import EngineView, FileView, FoundThing
from curator.store.blobs import BlobStore
from curator.types import BlobId
from rules.circumstances import Waiver
from rules.facts import Facts, FileFacts, Severity, Verdict
from scanners.finding import Finding, Report

MOST_FINDINGS = 200
MOST_FILES = 2_000
_OURS = "curator"
_LONGEST_EVIDENCE = 2_000
_PICKLES = ("pickle", "torch", "joblib", "numpy", "dill")


def file_views(facts: Facts, ruling: Ruling, store: BlobStore | None) -> tuple[FileView, ...]:
    """What one gets and what not; what was found something in comes first."""
    ordered = sorted(facts.files, key=lambda file: _interest(file, ruling))[:MOST_FILES]
    return tuple(_file(file, ruling, store) for file in ordered)


def with_reports(facts: Facts, most: int = MOST_FINDINGS) -> list[FileFacts]:
    """The files whose reports are worth reading: with findings, or of a kind that other engines were asked about."""
    told = [file for file in facts.files if file.findings]
    asked = [file for file in facts.files if not file.findings and file.format.startswith(_PICKLES)]
    return (sorted(told, key=lambda file: (-_rank(file.severity), file.path)) + asked)[:most]


def findings(
    facts: Facts, reports: Mapping[tuple[str, str], Report], waivers: Iterable[Waiver]
) -> tuple[tuple[FoundThing, ...], int]:
    """The worst first, and how many more there are."""
    by_fingerprint: dict[str, list[str]] = {}
    for waiver in waivers:
        for fingerprint in waiver.fingerprints:
            by_fingerprint.setdefault(fingerprint, []).append(waiver.id)
    found: list[FoundThing] = []
    for file in facts.files:
        if not file.findings:
            continue
        report = reports.get((file.blob, file.path.rpartition("/")[2]))
        full = {one.fingerprint(file.blob): one for one in report.findings} if report is not None else {}
        for one in file.findings:
            waived = tuple(by_fingerprint.get(one.fingerprint, ()))
            detail = full.get(one.fingerprint)
            found.append(
                FoundThing(
                    path=file.path,
                    rule=one.rule,
                    severity=one.severity.value,
                    confidence=detail.confidence.value if detail else "",
                    message=one.message,
                    engine=one.engine,
                    where=detail.where.as_json() if detail else {},
                    evidence=_bounded(detail) if detail else {},
                    fingerprint=one.fingerprint,
                    waived_by=waived,
                )
            )
    found.sort(key=lambda one: (-_rank(one.severity), one.engine != _OURS, one.path, one.rule))
    return tuple(found[:MOST_FINDINGS]), max(len(found) - MOST_FINDINGS, 0)


def engines(facts: Facts, reports: Mapping[tuple[str, str], Report]) -> tuple[EngineView, ...]:
    """Side by side, and where they disagree with our own; ours first."""
    versions: dict[str, str] = {}
    asked: dict[str, list[FileFacts]] = {}
    for file in with_reports(facts):
        report = reports.get((file.blob, file.path.rpartition("/")[2]))
        for name, version in (report.engines if report else {}).items():
            versions.setdefault(name, version)
            asked.setdefault(name, []).append(file)
    views = []
    for name, version in sorted(versions.items(), key=lambda item: (item[0] != _OURS, item[0])):
        files = asked[name] if not version.startswith("absent:") else []
        objects = [
            file for file in files if any(one.engine == name and _objects(one.severity) for one in file.findings)
        ]
        paths = {file.path for file in objects}
        views.append(
            EngineView(
                name,
                version,
                len(files),
                tuple(file.path for file in objects),
                tuple(file.path for file in objects if name != _OURS and not _ours(file)),
                tuple(file.path for file in files if name != _OURS and file.path not in paths and _ours(file)),
            )
        )
    return tuple(views)


def _ours(file: FileFacts) -> bool:
    """Whether our own scanner objects."""
    return any(one.engine == _OURS and _objects(one.severity) for one in file.findings)


def _objects(severity: Severity) -> bool:
    return severity is not Severity.NONE


def _file(file: FileFacts, ruling: Ruling, store: BlobStore | None) -> FileView:
    excluded = ruling.excluded.get(file.path)
    return FileView(
        path=file.path,
        size=file.size,
        format=file.format,
        verdict=file.verdict.value,
        role=file.role.value,
        severity=file.severity.value,
        state="left-out" if excluded else "cached" if _is_here(file.blob, store) else "not-fetched",
        rule=excluded.rule if excluded else "",
        unscannable=file.unscannable,
        blob=file.blob,
    )


def _is_here(blob: str, store: BlobStore | None) -> bool:
    return bool(blob) and store is not None and store.find(BlobId.parse(blob)) is not None


def _interest(file: FileFacts, ruling: Ruling) -> tuple[object, ...]:
    bad = -list(Verdict).index(file.verdict)
    return bad, -_rank(file.severity), file.path not in ruling.excluded, file.role.value != "weights", file.path


def _rank(severity: str) -> int:
    return list(Severity).index(Severity(severity))


def _bounded(finding: Finding) -> dict[str, object]:
    """Evidence, none of it longer than one reads."""
    return {name: _short(value) for name, value in finding.evidence.items()}


def _short(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_EVIDENCE else f"{value[:_LONGEST_EVIDENCE]}…"
    if isinstance(value, Collection) and not isinstance(value, dict):
        return [_short(one) for one in list(value)[:50]]
    if isinstance(value, dict):
        return {str(key)[:200]: _short(one) for key, one in list(value.items())[:50]}
    return value
