"""The facts that a rule may read: declared once, here, for Python, for CEL, for the record and for the documentation.

A `Facts` is all that a decision rests on. It is kept with the decision as JSON, so that the decision can be explained,
and other rules tried on it, years later. `observed_at` is part of it: evaluation looks at no clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import UnionType
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, computed_field


class Kind(StrEnum):
    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"


class Verdict(StrEnum):
    """Of a file; from best to worst."""

    SAFE = "safe"
    SUSPICIOUS = "suspicious"
    UNSCANNABLE = "unscannable"
    UNSAFE = "unsafe"


class Severity(StrEnum):
    """Of a finding, or of the worst of a file; from best to worst."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Role(StrEnum):
    """What a file is for."""

    WEIGHTS = "weights"
    CODE = "code"
    CONFIG = "config"
    TEXT = "text"
    OTHER = "other"


class LicenseCategory(StrEnum):
    """What a licence lets one do, as a class that a rule can name."""

    PERMISSIVE = "permissive"
    COPYLEFT = "copyleft"
    USE_RESTRICTED = "use-restricted"
    COMMUNITY = "community"
    NON_COMMERCIAL = "non-commercial"
    NO_DERIVATIVES = "no-derivatives"
    UNKNOWN = "unknown"
    MISSING = "missing"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FindingFacts(_Frozen):
    """One finding of a file."""

    rule: str
    severity: Severity
    message: str
    engine: str = "curator"
    where: str = ""
    """Place in the file, as words."""
    fingerprint: str = ""


class FileFacts(_Frozen):
    """One file of the commit; in CEL `file.<name>`, in rules that have a condition on files."""

    path: str = Field(description="Path in the repository.")
    size: int = Field(ge=0, description="Size in bytes.")
    format: str = Field(description="What the content is: safetensors, torch-zip, pickle, json, text, ...")
    verdict: Verdict = Field(description="safe, suspicious, unscannable or unsafe.")
    role: Role = Field(description="weights, code, config, text or other.")
    findings: tuple[FindingFacts, ...] = ()
    unscannable: str = Field("", description="Why the file could not be judged, as a sentence; empty if it was.")

    @computed_field(description="Severity of the worst finding: none, low, medium, high or critical.")  # type: ignore[prop-decorator]
    @property
    def severity(self) -> Severity:
        order = list(Severity)
        return max((finding.severity for finding in self.findings), key=order.index, default=Severity.NONE)

    @computed_field(description="Ids of the findings.")  # type: ignore[prop-decorator]
    @property
    def finding_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(finding.rule for finding in self.findings))


class LicenseFacts(_Frozen):
    """The licence, as the card declares it."""

    declared: tuple[str, ...] = Field((), description="Licence ids as the card has them.")
    expression: str = Field("", description="SPDX expression; empty if none is declared.")
    category: LicenseCategory = Field(
        LicenseCategory.MISSING,
        description="permissive, copyleft, use-restricted, community, non-commercial, no-derivatives, unknown or "
        "missing: the most restrictive one that applies.",
    )


class LookalikeFacts(_Frozen):
    """Whose name the repository's name could be taken for."""

    of: str = Field("", description="The known name it resembles; empty if none.")
    score: float = Field(0.0, ge=0.0, le=1.0, description="How much, from 0 to 1.")
    why: str = Field("", description="What makes them alike, as words.")


class Facts(_Frozen):
    """All that is known of a commit when it is judged."""

    repository: str = Field(description="Namespace and name.")
    kind: Kind = Field(description="model, dataset or space.")
    namespace: str = Field("", description="The owner; empty for the oldest repositories.")
    name: str = Field(description="The name without the owner.")
    commit: str = Field(description="The commit, 40 hex digits.")
    observed_at: dt.datetime = Field(description="When the facts were gathered.")
    publisher_known: bool = Field(False, description="Whether the owner is on the list of known publishers.")
    lookalike: LookalikeFacts = LookalikeFacts()
    license: LicenseFacts = LicenseFacts()
    files: tuple[FileFacts, ...] = ()
    downloads: int = Field(0, description="Downloads of the last month, as the Hub counts them.")
    likes: int = Field(0, description="Likes.")
    created_at: dt.datetime | None = None
    last_modified: dt.datetime | None = None
    gated: bool = Field(False, description="Whether the Hub wants terms accepted first.")
    private: bool = Field(False, description="Whether the repository is private.")
    tags: tuple[str, ...] = Field((), description="The Hub's tags.")
    library: str = Field("", description="The library it is for, such as transformers.")
    pipeline_tag: str = Field("", description="The task, such as text-generation.")
    base_models: tuple[str, ...] = Field((), description="What the card says it was made from.")
    code_from: tuple[str, ...] = Field(
        (), description="Other repositories whose code its configuration names (`auto_map`); each is judged too."
    )

    @computed_field(description="Days since the repository was made; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def age_days(self) -> float:
        return self._days_since(self.created_at)

    @computed_field(description="Days since the last change; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def unchanged_days(self) -> float:
        return self._days_since(self.last_modified)

    @computed_field(description="Size of all files in bytes.")  # type: ignore[prop-decorator]
    @property
    def total_size(self) -> int:
        return sum(file.size for file in self.files)

    @computed_field(description="Formats of the files.")  # type: ignore[prop-decorator]
    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(sorted({file.format for file in self.files}))

    @computed_field(description="The worst verdict of a file.")  # type: ignore[prop-decorator]
    @property
    def worst_verdict(self) -> Verdict:
        return max((file.verdict for file in self.files), key=list(Verdict).index, default=Verdict.SAFE)

    @computed_field(  # type: ignore[prop-decorator]
        description="Whether safe weights remain without the unsafe and unscannable files, and these are all weights."
    )
    @cached_property
    def usable_without_unsafe(self) -> bool:
        bad = {Verdict.UNSAFE, Verdict.UNSCANNABLE}
        left_out = [file for file in self.files if file.verdict in bad]
        remaining = [file for file in self.files if file.verdict not in bad and file.role is Role.WEIGHTS]
        return bool(remaining) and all(file.role is Role.WEIGHTS for file in left_out)

    def as_json(self) -> dict[str, Any]:
        """A document that `from_json` reads; what is computed is not in it."""
        return self.model_dump(mode="json", exclude_computed_fields=True)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls.model_validate(document)

    def _days_since(self, moment: dt.datetime | None) -> float:
        return max((self.observed_at - moment).total_seconds() / 86_400, 0.0) if moment else 0.0


@dataclass(frozen=True, slots=True)
class Variable:
    """A fact as CEL knows it."""

    name: str
    """Dotted, such as `license.category`."""
    type: str
    """`string`, `int`, `double`, `bool`, `timestamp` or `list(string)`."""
    description: str
    path: tuple[str, ...]
    """The attributes that lead to it from a `Facts` or `FileFacts`."""

    def value(self, root: BaseModel) -> Any:
        """The fact as a plain value that CEL takes."""
        found: Any = root
        for name in self.path:
            found = getattr(found, name)
        if isinstance(found, StrEnum):
            return found.value
        return list(found) if isinstance(found, tuple) else found


def repository_variables() -> tuple[Variable, ...]:
    """What every expression may read."""
    return tuple(_variables(Facts, ()))


def file_variables() -> tuple[Variable, ...]:
    """What an expression may read besides in a rule about files, as `file.<name>`."""
    return tuple(_variables(FileFacts, ("file",)))


def _variables(model: type[BaseModel], prefix: tuple[str, ...], path: tuple[str, ...] = ()) -> Iterator[Variable]:
    fields = {name: (field.annotation, field.description) for name, field in model.model_fields.items()}
    computed = {name: (field.return_type, field.description) for name, field in model.model_computed_fields.items()}
    for name, (annotation, description) in (fields | computed).items():
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _variables(annotation, (*prefix, name), (*path, name))
            continue
        kind = _cel_type(annotation)
        if kind is not None:
            yield Variable(".".join((*prefix, name)), kind, description or "", (*path, name))


def _cel_type(annotation: Any) -> str | None:
    """CEL's name for a type; None for what expressions cannot read."""
    if get_origin(annotation) is tuple:
        return "list(string)" if get_args(annotation)[0] is str else None
    if isinstance(annotation, UnionType) or not isinstance(annotation, type):
        return None
    for python, cel in ((bool, "bool"), (int, "int"), (float, "double"), (str, "string"), (dt.datetime, "timestamp")):
        if issubclass(annotation, python):
            return cel
    return None
