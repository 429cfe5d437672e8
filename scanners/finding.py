"""What a scan says: findings, the report of one file, and the verdict they add up to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

SCANNER_VERSION = "3"
"""Raised whenever the same bytes could be judged otherwise, or more noted; reports are kept by content and version."""


class Severity(StrEnum):
    """How bad it is if it is true, mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return _SEVERITIES[self]


_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """How sure the judge is."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    CERTAIN = "certain"


class Verdict(StrEnum):
    """Of one file, or of all that was scanned; the order is from best to worst."""

    SAFE = "safe"
    SUSPICIOUS = "suspicious"
    UNSCANNABLE = "unscannable"
    UNSAFE = "unsafe"

    @property
    def rank(self) -> int:
        """0 for safe to 3 for unsafe."""
        return _VERDICTS[self]


_VERDICTS = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Where:
    """Place of a finding inside its file; what does not apply is None."""

    member: str | None = None
    """Name of the archive member, outermost first, joined by `!/`."""
    offset: int | None = None
    """Bytes from the start of the file, or of the member."""
    line: int | None = None
    """Line of a text file, from 1."""

    def as_json(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in (("member", self.member), ("offset", self.offset), ("line", self.line))
            if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a judge has to say of a file."""

    rule: str
    """Kebab-case id with a page of its own, `docs/findings/<rule>.md`."""
    severity: Severity
    confidence: Confidence
    message: str
    """One sentence in plain words: what it is and what it would do."""
    where: Where = Where()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that let a reader check it, such as `{"import": "os.system"}`."""
    engine: str = "curator"

    @property
    def reference(self) -> str:
        return f"docs/findings/{self.rule}.md"

    def fingerprint(self, content: str) -> str:
        """Names this finding in files of this content (a hash): what a waiver is bound to."""
        # Here, as it takes a while to load and few scans name a finding.
        import hashlib

        evidence = json.dumps(self.evidence, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(f"{self.rule}\n{content}\n{evidence}".encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "confidence": self.confidence.value,
            "message": self.message,
            "where": self.where.as_json(),
            "evidence": dict(self.evidence),
            "engine": self.engine,
            "reference": self.reference,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            rule=document["rule"],
            severity=Severity(document["severity"]),
            confidence=Confidence(document["confidence"]),
            message=document["message"],
            where=Where(**document["where"]),
            evidence=document["evidence"],
            engine=document["engine"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one scan of one file found."""

    format: str
    """What the content is: `safetensors`, `torch-zip`, `pickle`, `json`, `text`, ...; `unknown` if nobody knows it."""
    findings: tuple[Finding, ...] = ()
    bytes_read: int = 0
    unscannable: str | None = None
    """Why the file could not be judged to the end, as a sentence; None when it was."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Facts for rules that are not findings (JSON values): parameters, licence in the header, imported classes."""
    engines: Mapping[str, str] = field(default_factory=dict)
    """Name and version of each engine that was asked; `absent: <why>` for one that could not be."""

    @property
    def complete(self) -> bool:
        return self.unscannable is None

    @property
    def verdict(self) -> Verdict:
        """Unsafe at a critical or high finding (also in a file that then broke off), else unscannable if it could
        not be judged, else suspicious at a medium one, else safe."""
        worst = max((finding.severity.rank for finding in self.findings), default=-1)
        if worst >= Severity.HIGH.rank:
            return Verdict.UNSAFE
        if not self.complete:
            return Verdict.UNSCANNABLE
        if worst >= Severity.MEDIUM.rank:
            return Verdict.SUSPICIOUS
        return Verdict.SAFE

    def without_opinions(self, why: str) -> Report:
        """This report where the other scanners were to be asked, and the process ended while they were."""
        return replace(
            self,
            engines={
                name: version if name == "curator" or version.startswith("absent:") else f"{version}; not heard: {why}"
                for name, version in self.engines.items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "verdict": self.verdict.value,
            "bytes_read": self.bytes_read,
            "unscannable": self.unscannable,
            "findings": [finding.as_json() for finding in self.findings],
            "metadata": dict(self.metadata),
            "engines": dict(self.engines),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            format=document["format"],
            findings=tuple(Finding.from_json(finding) for finding in document["findings"]),
            bytes_read=document["bytes_read"],
            unscannable=document["unscannable"],
            metadata=document["metadata"],
            engines=document["engines"],
        )
