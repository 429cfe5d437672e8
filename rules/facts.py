"""The facts that a rule may read: declared once, here, for Python, for CEL, for the record and for the documentation.

A `Facts` is all that a decision rests on. It is kept with the decision as JSON, so that the decision can be explained,
and other rules tried on it, years later. `observed_at` is part of it: evaluation looks at no clock.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field


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


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


Moment = Annotated[dt.datetime, AfterValidator(_aware)]
"""A moment with its time zone: UTC where none is given, so that any two can be compared."""


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
    blob: str = Field("", description="The content: `sha256:` or `git-sha1:` and the digits.")
    format: str = Field(description="What the content is: safetensors, torch-zip, pickle, json, text, ...")
    verdict: Verdict = Field(description="safe, suspicious, unscannable or unsafe.")
    role: Role = Field(description="weights, code, config, text or other.")
    findings: tuple[FindingFacts, ...] = ()
    unscannable: str = Field("", description="Why the file could not be judged, as a sentence; empty if it was.")

    @computed_field(description="Severity of the worst finding: none, low, medium, high or critical.")  # type: ignore[prop-decorator]
    @property
    def severity(self) -> Severity:
        if not self.findings:
            return Severity.NONE
        order = list(Severity)
        return max((finding.severity for finding in self.findings), key=order.index, default=Severity.NONE)

    @computed_field(description="Ids of the findings.")  # type: ignore[prop-decorator]
    @property
    def finding_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(finding.rule for finding in self.findings))


class SourceFacts(_Frozen):
    """Where a group of facts comes from, and when it was learnt there."""

    fact: str
    """The group, such as `license`."""
    source: str
    """In words: `the card`, `the Hub's page of the owner`."""
    at: Moment


class LicenseStatementFacts(_Frozen):
    """One place that says what the licence is."""

    source: str
    """`card`, `tags`, `file`, `gguf` or `safetensors`."""
    path: str = ""
    """The file that says it; empty for the card's tags."""
    license: str
    """SPDX expression."""
    category: LicenseCategory
    confidence: float = Field(1.0, ge=0.0, le=1.0)
    """How surely a text was recognised."""


class LicenseFacts(_Frozen):
    """The licence: what the card declares, and what else in the repository says something of it."""

    declared: tuple[str, ...] = Field((), description="Licence ids as the card has them.")
    expression: str = Field("", description="SPDX expression; empty if none is declared.")
    category: LicenseCategory = Field(
        LicenseCategory.MISSING,
        description="permissive, copyleft, use-restricted, community, non-commercial, no-derivatives, unknown or "
        "missing: the most restrictive one that applies.",
    )
    statements: tuple[LicenseStatementFacts, ...] = ()
    """The most restrictive first."""
    disagrees: bool = Field(
        False, description="Whether card, licence files and the weights' own metadata say different things."
    )
    terms: tuple[str, ...] = Field(
        (), description="What the licence asks for, by id: attribution, acceptable-use, naming, monthly-users, ..."
    )
    before: str = Field(
        "", description="SPDX expression of the last commit before this one that had another; empty if none had."
    )
    why: str = Field("", description="Which places disagree, or what changed, as words; empty if nothing did.")


class LookalikeFacts(_Frozen):
    """Whose name the repository's name could be taken for."""

    of: str = Field("", description="The known name it resembles; empty if none.")
    score: float = Field(0.0, ge=0.0, le=1.0, description="How much, from 0 to 1.")
    why: str = Field("", description="What makes them alike, as words.")


class OwnerFacts(_Frozen):
    """Who the repository belongs to, as the Hub says and as we have seen before."""

    kind: str = Field("unknown", description="organization, user or unknown.")
    verified: bool = Field(False, description="Whether the Hub has verified the organisation.")
    created_at: Moment | None = None
    followers: int = Field(0, description="How many follow it.")
    repositories: int = Field(0, description="How many models it has published.")
    changed: bool = Field(
        False,
        description="Whether the name is somebody else's since it was approved here: another owner or repository id, a "
        "later date of creation, another first commit.",
    )
    why: str = Field("", description="What changed, as words; empty if nothing did.")


class CopyFacts(_Frozen):
    """What the repository has of another one of another owner."""

    card_of: str = Field("", description="The repository whose card is nearly the same; empty if none.")
    card_similarity: float = Field(0.0, ge=0.0, le=1.0, description="How much of the card is the same, from 0 to 1.")
    weights_of: tuple[str, ...] = Field((), description="Repositories that have the very same weights.")
    shape_of: tuple[str, ...] = Field(
        (), description="Repositories with the same tensors (names, types and shapes) and the same tokenizer."
    )
    why: str = Field("", description="What is the same, as words; empty if nothing is.")


class HopFacts(_Frozen):
    """One step of a lineage: from a repository to what it was made from."""

    child: str
    parent: str
    relation: str = ""
    """`finetune`, `adapter`, `merge`, `quantized`; empty if unknown."""
    depth: int = 1
    """1: a parent of the repository itself."""
    source: str = ""
    """What declares it: `card`, a file's path."""
    state: str = "resolved"
    """`resolved`, `missing`, `private`, `unreachable` (for the moment), `cycle` or `too-deep`."""
    commit: str = ""
    license: str = ""
    """SPDX expression of the parent."""
    category: LicenseCategory = LicenseCategory.MISSING
    terms: tuple[str, ...] = ()


class ConflictFacts(_Frozen):
    """What one licence in a lineage asks for and the repository's own does not keep."""

    id: str
    """Such as `terms-dropped`, `non-commercial-dropped`, `no-derivatives`, `wrong-version`."""
    parent: str
    depth: int
    parent_license: str
    license: str
    clause: str
    """The clause that is not kept, as a sentence."""
    cure: str
    """What would mend it, as a sentence."""
    level: str = "conflict"
    """`conflict`, or milder: `warning`, `duty` (a notice or a name is missing) or `gap` (a licence is not known)."""


class LineageFacts(_Frozen):
    """What the repository was made from, and what the licences on the way ask for."""

    ancestors: tuple[str, ...] = Field((), description="All repositories it goes back to, as far as they are known.")
    hops: tuple[HopFacts, ...] = ()
    conflicts: tuple[ConflictFacts, ...] = ()
    unresolved: tuple[str, ...] = Field(
        (), description="Ancestors that are missing, private, part of a cycle, or could not be asked for."
    )
    undeclared: tuple[str, ...] = Field(
        (), description="Repositories that it seems to be made from by its tensors and tokenizer, and does not name."
    )
    category: LicenseCategory = Field(
        LicenseCategory.MISSING, description="The most restrictive kind of licence among the ancestors."
    )

    @computed_field(description="Ids of the conflicts between the licence and those of the ancestors.")  # type: ignore[prop-decorator]
    @property
    def conflict_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.id for one in self.conflicts if one.level == "conflict"))

    @computed_field(  # type: ignore[prop-decorator]
        description="Ids of what is milder than a conflict: data sets' licences, missing notices, licences not known."
    )
    @property
    def concern_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.id for one in self.conflicts if one.level != "conflict"))

    @computed_field(description="The first conflict as words; empty if there is none.")  # type: ignore[prop-decorator]
    @property
    def why(self) -> str:
        first = next((one for one in self.conflicts if one.level == "conflict"), None)
        return f"{first.clause} {first.cure}" if first else ""


class Facts(_Frozen):
    """All that is known of a commit when it is judged."""

    repository: str = Field(description="Namespace and name.")
    kind: Kind = Field(description="model, dataset or space.")
    namespace: str = Field("", description="The owner; empty for the oldest repositories.")
    name: str = Field(description="The name without the owner.")
    commit: str = Field(description="The commit, 40 hex digits.")
    observed_at: Moment = Field(description="When the facts were gathered.")
    publisher_known: bool = Field(False, description="Whether the owner is on the list of known publishers.")
    lookalike: LookalikeFacts = LookalikeFacts()
    owner: OwnerFacts = OwnerFacts()
    copied: CopyFacts = CopyFacts()
    license: LicenseFacts = LicenseFacts()
    lineage: LineageFacts = LineageFacts()
    files: tuple[FileFacts, ...] = ()
    downloads: int = Field(0, description="Downloads of the last month, as the Hub counts them.")
    likes: int = Field(0, description="Likes.")
    downloads_before: int = Field(0, description="Downloads a month when the mirror first saw the repository.")
    likes_before: int = Field(0, description="Likes when the mirror first saw the repository.")
    first_seen_at: Moment | None = None
    """When the mirror first saw the repository."""
    created_at: Moment | None = None
    committed_at: Moment | None = None
    last_modified: Moment | None = None
    gated: bool = Field(False, description="Whether the Hub wants terms accepted first.")
    private: bool = Field(False, description="Whether the repository is private.")
    taken_down: bool = Field(
        False, description="Whether the Hub, asked again, does not give the commit any more: gone, closed or disabled."
    )
    tags: tuple[str, ...] = Field((), description="The Hub's tags.")
    library: str = Field("", description="The library it is for, such as transformers.")
    pipeline_tag: str = Field("", description="The task, such as text-generation.")
    parameters: int = Field(0, description="How many parameters the weights have; 0 if unknown.")
    context_length: int = Field(0, description="Tokens that it takes at once, by its configuration; 0 if unknown.")
    languages: tuple[str, ...] = Field((), description="Languages that the card names.")
    card_completeness: float = Field(
        0.0, ge=0.0, le=1.0, description="How much of what a card should say it says, from 0 to 1."
    )
    hub_scan: str = Field(
        "unknown", description="What the Hub's own scanners say: safe, suspicious, unsafe, pending or unknown."
    )
    base_models: tuple[str, ...] = Field((), description="What the card says it was made from.")
    code_from: tuple[str, ...] = Field(
        (), description="Other repositories whose code its configuration names (`auto_map`); each is judged too."
    )
    unknown: tuple[str, ...] = Field(
        (), description="Groups of facts that could not be had, such as `owner`: what they say is not known."
    )
    why_unknown: tuple[str, ...] = Field(
        (), description="Why each of these could not be had, as a sentence, in the same order; empty where nobody said."
    )
    sources: tuple[SourceFacts, ...] = ()

    @computed_field(description="Days since the repository was made; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def age_days(self) -> float:
        return self._days_since(self.created_at)

    @computed_field(description="Days since the last change; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def unchanged_days(self) -> float:
        return self._days_since(self.last_modified)

    @computed_field(description="Days since the commit was made; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def commit_age_days(self) -> float:
        return self._days_since(self.committed_at)

    @computed_field(description="Days since the owner's account was made; 0 if that is unknown.")  # type: ignore[prop-decorator]
    @property
    def owner_age_days(self) -> float:
        return self._days_since(self.owner.created_at)

    @computed_field(description="Whether there are weights in safetensors.")  # type: ignore[prop-decorator]
    @property
    def safetensors(self) -> bool:
        return any(file.format == "safetensors" for file in self.files)

    @computed_field(description="Size of all files in bytes.")  # type: ignore[prop-decorator]
    @property
    def total_size(self) -> int:
        return sum(file.size for file in self.files)

    @cached_property
    def blobs(self) -> frozenset[str]:
        """The contents of the files."""
        return frozenset(file.blob for file in self.files)

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

    @classmethod
    def from_json_text(cls, text: str | bytes) -> Self:
        """The same from the text of a document, without a dictionary in between: for those who read thousands."""
        return cls.model_validate_json(text)

    def changed(self, **changes: Any) -> Self:
        """The same facts but for these; they are not checked again."""
        copy = self.model_copy(update=changes)
        # What was worked out from the others, and kept, is not so of the copy.
        copy.__dict__.pop("usable_without_unsafe", None)
        return copy

    def _days_since(self, moment: dt.datetime | None) -> float:
        return max((self.observed_at - moment).total_seconds() / 86_400, 0.0) if moment else 0.0
