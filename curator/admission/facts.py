"""From what the upstream says and what the scans found to the facts that rules read: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from curator.admission.snapshots import Snapshot
from curator.errors import CuratorError
from curator.types import BlobId, RepoFile, RepoId, RepoKind
from rules.facts import (
    Facts,
    FileFacts,
    FindingFacts,
    Kind,
    LicenseCategory,
    LicenseFacts,
    LookalikeFacts,
    Role,
    Severity,
    Verdict,
)
from scanners.finding import Finding, Report
from scanners.repository.license import license_of
from scanners.repository.names import is_known_publisher, lookalike

_WEIGHTS = frozenset(
    [
        "safetensors",
        "bin",
        "pt",
        "pth",
        "ckpt",
        "pkl",
        "pickle",
        "joblib",
        "h5",
        "hdf5",
        "keras",
        "onnx",
        "gguf",
        "ggml",
        "msgpack",
        "ot",
        "tflite",
        "pb",
        "npz",
        "npy",
        "mlmodel",
        "mlpackage",
        "engine",
        "plan",
        "pdparams",
        "pdmodel",
        "params",
        "nemo",
        "mar",
        "rds",
        "llamafile",
    ]
)
_CODE = frozenset(
    [
        "py",
        "ipynb",
        "sh",
        "bash",
        "js",
        "ts",
        "rb",
        "pl",
        "ps1",
        "bat",
        "cpp",
        "cu",
        "c",
        "h",
        "rs",
        "go",
        "java",
        "so",
        "dll",
        "dylib",
        "exe",
        "whl",
        "jar",
        "wasm",
    ]
)
_CONFIG = frozenset(["json", "yaml", "yml", "toml", "cfg", "ini", "xml", "jinja", "gitattributes", "gitignore"])
_TEXT = frozenset(["md", "txt", "rst", "csv", "tsv", "jsonl", "license", "html"])
_MOST = 2**63 - 1
"""Conditions count in 64 bits."""
_MOST_REPOSITORIES = 20
"""That one commit may name as where its code is."""
_CODE_FORMATS = frozenset({"python", "script", "executable", "elf", "pe", "mach-o", "notebook"})
_CODE_NAMES = frozenset({"requirements.txt", "dockerfile", "makefile", "setup.cfg"})


def facts_of(
    snapshot: Snapshot,
    files: Iterable[RepoFile],
    reports: Mapping[tuple[BlobId, str], Report],
    failures: Mapping[tuple[BlobId, str], str],
    observed_at: dt.datetime,
) -> Facts:
    """All that the rules may know of a commit. A file without a report is unscannable, for the reason in `failures`."""
    repo, info = snapshot.commit.repo, snapshot.info
    tags = _texts(info.get("tags"))
    card = info.get("cardData")
    return Facts(
        repository=str(repo),
        kind=Kind(repo.kind.value),
        namespace=repo.namespace or "",
        name=repo.name,
        commit=snapshot.commit.sha,
        observed_at=observed_at,
        publisher_known=repo.namespace is not None and is_known_publisher(repo.namespace),
        lookalike=_lookalike(repo),
        license=_license(card, tags),
        files=tuple(
            _file(file, reports.get((file.blob, file.name)), failures.get((file.blob, file.name), "it was not scanned"))
            for file in files
        ),
        downloads=_count(info.get("downloads")),
        likes=_count(info.get("likes")),
        created_at=_moment(info.get("createdAt")),
        last_modified=_moment(info.get("lastModified")),
        gated=bool(info.get("gated", False)),
        private=bool(info.get("private", False)),
        tags=tags,
        library=_text(info.get("library_name")),
        pipeline_tag=_text(info.get("pipeline_tag")),
        base_models=_texts(card.get("base_model")) if isinstance(card, dict) else (),
        code_from=_code_from(repo, reports.values()),
    )


def role_of(path: str, format_: str) -> Role:
    """What a file is for: what it calls itself, unless its content says that it is code."""
    name = path.rpartition("/")[2].lower()
    suffix = name.rpartition(".")[2]
    if format_ in _CODE_FORMATS or suffix in _CODE or name in _CODE_NAMES:
        return Role.CODE
    if suffix in _WEIGHTS:
        return Role.WEIGHTS
    if suffix in _CONFIG:
        return Role.CONFIG
    return Role.TEXT if suffix in _TEXT else Role.OTHER


def _file(file: RepoFile, report: Report | None, failure: str) -> FileFacts:
    if report is None:
        return FileFacts(
            path=file.path,
            size=file.size,
            format="unknown",
            verdict=Verdict.UNSCANNABLE,
            role=role_of(file.path, "unknown"),
            unscannable=failure,
        )
    return FileFacts(
        path=file.path,
        size=file.size,
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
        for text in _texts(report.metadata.get("code_from")):
            try:
                named.add(str(RepoId.parse(text, RepoKind.MODEL)))
            except CuratorError:
                continue
    return tuple(sorted(named - {str(repo)}))[:_MOST_REPOSITORIES]


def _lookalike(repo: RepoId) -> LookalikeFacts:
    found = lookalike(str(repo))
    return LookalikeFacts(of=found.of, score=found.score, why=found.why) if found else LookalikeFacts()


def _license(card: Any, tags: tuple[str, ...]) -> LicenseFacts:
    found = license_of(card, tags)
    return LicenseFacts(declared=found.declared, expression=found.expression, category=LicenseCategory(found.category))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _count(value: Any) -> int:
    counted = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), _MOST) if counted else 0


def _moment(value: Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
