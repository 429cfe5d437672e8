"""The ready-made conditions of a rule: each a field of `When`, each one question about the facts.

All conditions of a rule must hold. Those about files (`file_*`, `finding`, `severity_at_least`) are asked of each file,
and all of them of the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rules.facts import Facts, FileFacts, LicenseCategory, Role, Severity, Verdict

_SEVERITIES = list(Severity)


class When(BaseModel):
    """What must be so for a rule to apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_verdict: tuple[Verdict, ...] | None = Field(None, description="The file's verdict is one of these.")
    file_format: tuple[str, ...] | None = Field(None, description="The file's format is one of these.")
    file_role: tuple[Role, ...] | None = Field(None, description="The file is for one of these.")
    file_path: tuple[str, ...] | None = Field(None, description="The file's path matches one of these globs.")
    finding: tuple[str, ...] | None = Field(None, description="The file has one of these findings, by id.")
    severity_at_least: Severity | None = Field(None, description="The file has a finding at least this bad.")

    repository: tuple[str, ...] | None = Field(None, description="The repository matches one of these globs.")
    publisher: tuple[str, ...] | None = Field(None, description="The owner matches one of these globs.")
    publisher_known: bool | None = Field(None, description="The owner is, or is not, a known publisher.")
    lookalike_score_at_least: float | None = Field(
        None, ge=0, le=1, description="The name resembles a known one at least this much, from 0 to 1."
    )
    license_category: tuple[LicenseCategory, ...] | None = Field(None, description="The licence is of such a kind.")
    license: tuple[str, ...] | None = Field(None, description="The card declares one of these licence ids.")
    younger_than_days: float | None = Field(None, ge=0, description="The repository was made fewer days ago.")
    changed_within_days: float | None = Field(None, ge=0, description="The repository was changed fewer days ago.")
    downloads_below: int | None = Field(None, ge=0, description="It has fewer downloads a month.")
    likes_below: int | None = Field(None, ge=0, description="It has fewer likes.")
    larger_than_bytes: int | None = Field(None, ge=0, description="All its files together have more bytes.")
    gated: bool | None = Field(None, description="The Hub wants terms accepted first, or does not.")
    usable_without_unsafe: bool | None = Field(
        None,
        description="Safe weights remain when unsafe and unscannable files are left out, and these are all weights; "
        "or not so.",
    )

    @property
    def given(self) -> dict[str, Any]:
        """The conditions that were written down, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}

    @property
    def of_files(self) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if name in FILE_CONDITIONS}

    @property
    def of_repository(self) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if name in REPOSITORY_CONDITIONS}


def _matches(text: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text.lower(), glob.lower()) for glob in globs)


FILE_CONDITIONS: dict[str, Callable[[FileFacts, Any], bool]] = {
    "file_verdict": lambda file, wanted: file.verdict in wanted,
    "file_format": lambda file, wanted: file.format in wanted,
    "file_role": lambda file, wanted: file.role in wanted,
    "file_path": lambda file, wanted: _matches(file.path, wanted),
    "finding": lambda file, wanted: any(finding in wanted for finding in file.finding_ids),
    "severity_at_least": lambda file, wanted: _SEVERITIES.index(file.severity) >= _SEVERITIES.index(wanted),
}

REPOSITORY_CONDITIONS: dict[str, Callable[[Facts, Any], bool]] = {
    "repository": lambda facts, wanted: _matches(facts.repository, wanted),
    "publisher": lambda facts, wanted: _matches(facts.namespace, wanted),
    "publisher_known": lambda facts, wanted: facts.publisher_known is wanted,
    "lookalike_score_at_least": lambda facts, wanted: bool(facts.lookalike.of) and facts.lookalike.score >= wanted,
    "license_category": lambda facts, wanted: facts.license.category in wanted,
    "license": lambda facts, wanted: any(one.lower() in _lower(wanted) for one in facts.license.declared),
    "younger_than_days": lambda facts, wanted: facts.age_days < wanted,
    "changed_within_days": lambda facts, wanted: facts.unchanged_days < wanted,
    "downloads_below": lambda facts, wanted: facts.downloads < wanted,
    "likes_below": lambda facts, wanted: facts.likes < wanted,
    "larger_than_bytes": lambda facts, wanted: facts.total_size > wanted,
    "gated": lambda facts, wanted: facts.gated is wanted,
    "usable_without_unsafe": lambda facts, wanted: facts.usable_without_unsafe is wanted,
}


def _lower(values: tuple[str, ...]) -> set[str]:
    return {value.lower() for value in values}
