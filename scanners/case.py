"""One scan under way: what is spent, what was found, and the way into containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scanners.budget import BudgetSpent, Meter, Unscannable
from scanners.catalogue import RULES, UnknownRule
from scanners.finding import Confidence, Finding, Severity, Where
from scanners.source import ByteSource

LARGEST_NUMBER_OF_FINDINGS = 200
LARGEST_NUMBER_BEYOND = 100
"""Of what is grave, or stands for many that are not listed."""


@dataclass(frozen=True, slots=True)
class PickleStream:
    """A pickle that our own machine has read, kept for the second opinions."""

    source: ByteSource
    member: str | None
    opcodes: int
    worst: Severity | None
    """Of our own findings on it; None when every import was resolved and is harmless."""


@dataclass(frozen=True, slots=True)
class CodeText:
    """Python source that our own judge has read, kept for a second opinion."""

    text: str
    member: str | None
    worst: Severity | None
    """Of our own findings on what it does; None when it only computes."""


@dataclass(slots=True)
class Dossier:
    """What all members of one file share."""

    meter: Meter
    format: str = "unknown"
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    streams: list[PickleStream] = field(default_factory=list)
    sources: list[CodeText] = field(default_factory=list)
    unscannable: list[str] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    """Every pickle import with how it is judged: a fact for rules."""


Examine = Callable[[ByteSource, str, "Case"], None]


@dataclass(frozen=True, slots=True)
class Case:
    """The view one format judge has: its member's name and depth, and the shared dossier.

    A judge raises `Unscannable` for what it cannot judge; `examine` catches it for a member, so that one bad member
    does not hide the next one.
    """

    dossier: Dossier
    examine_content: Examine
    name: str
    """Base name of the file or member; a hint, never the judge."""
    member: str | None = None
    depth: int = 0
    container: str = ""
    """Base name of what it is a member of."""

    @property
    def meter(self) -> Meter:
        return self.dossier.meter

    def add(
        self,
        rule: str,
        severity: Severity,
        message: str,
        *,
        confidence: Confidence = Confidence.CERTAIN,
        offset: int | None = None,
        line: int | None = None,
        evidence: Mapping[str, Any] | None = None,
        engine: str = "curator",
    ) -> None:
        """Notes a finding at this member; the same finding twice is one."""
        if rule not in RULES:
            raise UnknownRule(rule)
        finding = Finding(
            rule=rule,
            severity=severity,
            confidence=confidence,
            message=message,
            where=Where(member=self.member, offset=offset, line=line),
            evidence=dict(evidence or {}),
            engine=engine,
        )
        if finding in self.dossier.findings:
            return
        if len(self.dossier.findings) >= LARGEST_NUMBER_OF_FINDINGS:
            self._add_beyond_the_limit(finding)
        else:
            self.dossier.findings.append(finding)

    def _add_beyond_the_limit(self, finding: Finding) -> None:
        """Grave ones are still listed, and of the others that there are more: a hundred notes hide nothing."""
        if finding.severity.rank < Severity.HIGH.rank:
            finding = Finding(
                rule=finding.rule,
                severity=finding.severity,
                confidence=finding.confidence,
                message=f"There are more findings of this kind ({finding.rule}) than are listed.",
                evidence={"unlisted": True},
                engine=finding.engine,
            )
        if finding in self.dossier.findings:
            return
        most = LARGEST_NUMBER_OF_FINDINGS + LARGEST_NUMBER_BEYOND
        if len(self.dossier.findings) >= most:
            raise BudgetSpent(f"It has more than {most} findings; the rest was not looked at.")
        self.dossier.findings.append(finding)

    def fact(self, name: str, value: Any) -> None:
        """Notes a JSON value for rules, of the file itself only: members do not speak for their container."""
        if self.depth == 0:
            self.dossier.facts[name] = value

    def leave_open(self, sentence: str) -> None:
        """Something here could not be judged; the scan goes on."""
        where = f"{self.member}: " if self.member else ""
        self.dossier.unscannable.append(where + sentence)

    def examine(self, source: ByteSource, member: str, *, name: str | None = None) -> None:
        """Judges a member by its own content."""
        inner = self
        try:
            inner = self.inside(member, name=name)
            self.examine_content(source, inner.name, inner)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            inner.leave_open(str(reason))

    def at(self, member: str | None) -> Case:
        """This case, speaking of a member by its full path."""
        return replace(self, member=member)

    def inside(self, member: str, *, name: str | None = None) -> Case:
        """The case of a member, one level deeper."""
        self.meter.spend_member()
        if self.depth >= self.meter.budget.depth:
            self.add(
                "archive-bomb",
                Severity.HIGH,
                f"It is nested deeper than {self.meter.budget.depth} levels, which honest files never are.",
            )
            raise Unscannable(f"It is nested deeper than {self.meter.budget.depth} levels.")
        return Case(
            dossier=self.dossier,
            examine_content=self.examine_content,
            name=name if name is not None else member.rsplit("/", 1)[-1],
            member=member[:500] if self.member is None else f"{self.member}!/{member[:500]}",
            depth=self.depth + 1,
            container=self.name,
        )
