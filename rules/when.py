"""The conditions of a rule as they are written: each a field, each one question about the facts.

All conditions of a rule must hold. Those about files are asked of each file, and all of them of the same file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from rules.facts import LicenseCategory, Role, Severity, Verdict
from rules.measures import Bytes, Count, Days


class OneOrMany:
    """A list, or a word by itself, which is a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        one = many.get("items", {})
        return {"anyOf": [many, one]}

    def _listed(self, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class AnyOrMany(OneOrMany):
    """The same, where `any` stands for everything there is."""

    def _listed(self, value: Any) -> Any:
        return ["*"] if value == "any" else super()._listed(value)


Listed = OneOrMany()
Texts = Annotated[tuple[str, ...], Listed]
HubScan = Literal["safe", "suspicious", "unsafe", "pending", "unknown"]
OwnerKind = Literal["organization", "user", "unknown"]


class When(BaseModel):
    """What must be so for a rule to apply."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    file_verdict: Annotated[tuple[Verdict, ...], Listed] | None = Field(
        None, description="The file's verdict is one of these."
    )
    file_format: Texts | None = Field(None, description="The file's format is one of these.")
    file_role: Annotated[tuple[Role, ...], Listed] | None = Field(None, description="The file is for one of these.")
    file_path: Texts | None = Field(None, description="The file's path matches one of these globs.")
    file_larger_than_bytes: Bytes | None = Field(None, description="The file has more bytes.")
    finding: Texts | None = Field(None, description="The file has one of these findings, by id.")
    severity_at_least: Severity | None = Field(None, description="The file has a finding at least this bad.")

    repository: Texts | None = Field(None, description="The repository matches one of these globs.")
    publisher: Texts | None = Field(None, description="The owner matches one of these globs.")
    publisher_not: Texts | None = Field(None, description="The owner matches none of these globs.")
    publisher_known: bool | None = Field(None, description="The owner is, or is not, a known publisher.")
    publisher_verified: bool | None = Field(None, description="The Hub has, or has not, verified the organisation.")
    publisher_kind: Annotated[tuple[OwnerKind, ...], Listed] | None = Field(
        None, description="The owner is one of these."
    )
    owner_younger_than_days: Days | None = Field(None, description="The owner's account was made fewer days ago.")
    owner_followers_below: Count | None = Field(None, description="Fewer people follow the owner.")
    owner_changed: bool | None = Field(
        None, description="The name is, or is not, somebody else's since it was approved here."
    )
    lookalike_score_at_least: float | None = Field(
        None, ge=0, le=1, description="The name resembles a known one at least this much, from 0 to 1."
    )
    copied_card_at_least: float | None = Field(
        None, ge=0, le=1, description="At least this much of the card is another owner's, from 0 to 1."
    )
    copied_weights: bool | None = Field(
        None, description="Another owner's repository has, or none has, the very same weights."
    )
    copied_shape: bool | None = Field(
        None, description="Another owner's repository has, or none has, the same tensors and tokenizer."
    )

    license: Texts | None = Field(None, description="The card declares a licence that matches one of these globs.")
    license_not: Texts | None = Field(
        None, description="The card declares no licence, or one that matches none of these globs."
    )
    license_category: Annotated[tuple[LicenseCategory, ...], Listed] | None = Field(
        None, description="The licence is of such a kind."
    )
    license_terms: Texts | None = Field(None, description="The licence asks for one of these, by id.")
    license_disagrees: bool | None = Field(
        None, description="Card, licence files and weights say different things of the licence, or do not."
    )
    license_changed: bool | None = Field(
        None, description="An earlier commit had another licence, or none that was seen had."
    )

    lineage_conflict: Annotated[tuple[str, ...], AnyOrMany()] | None = Field(
        None, description="The licence is in such a conflict with an ancestor's, by id or glob; `any` for each."
    )
    lineage_concern: Annotated[tuple[str, ...], AnyOrMany()] | None = Field(
        None,
        description="Something milder than a conflict is to be said of an ancestor's licence, by id or glob; `any` for "
        "each.",
    )
    lineage_category: Annotated[tuple[LicenseCategory, ...], Listed] | None = Field(
        None, description="The most restrictive licence of the ancestors is of such a kind."
    )
    lineage_unresolved: bool | None = Field(
        None, description="An ancestor is missing, private, in a circle or out of reach, or none is."
    )
    lineage_undeclared: bool | None = Field(
        None, description="It seems to be made from a repository that it does not name, or from none."
    )
    ancestor: Texts | None = Field(None, description="It goes back to a repository that matches one of these globs.")

    younger_than_days: Days | None = Field(None, description="The repository was made fewer days ago.")
    older_than_days: Days | None = Field(None, description="The repository was made as many days ago, or more.")
    changed_within_days: Days | None = Field(None, description="The repository was changed fewer days ago.")
    not_changed_for_days: Days | None = Field(
        None, description="The repository was last changed as many days ago, or more."
    )
    committed_within_days: Days | None = Field(None, description="The commit was made fewer days ago.")
    downloads_below: Count | None = Field(None, description="It has fewer downloads a month.")
    likes_below: Count | None = Field(None, description="It has fewer likes.")
    downloads_grew_times: float | None = Field(
        None, gt=0, description="Its downloads a month are this many times what they were when the mirror first saw it."
    )

    format_any: Texts | None = Field(None, description="One of its files has one of these formats.")
    without_safetensors: bool | None = Field(
        None, description="It has weights and none of them in safetensors, or that is not so."
    )
    usable_without_unsafe: bool | None = Field(
        None,
        description="Safe weights remain when unsafe and unscannable files are left out, and these are all weights; "
        "or not so.",
    )
    larger_than_bytes: Bytes | None = Field(None, description="All its files together have more bytes.")
    parameters_above: Count | None = Field(None, description="The weights have more parameters.")
    context_length_below: Count | None = Field(None, description="It takes fewer tokens at once.")
    task: Texts | None = Field(None, description="Its task matches one of these globs.")
    library: Texts | None = Field(None, description="The library that it is for matches one of these globs.")
    language: Texts | None = Field(None, description="Its card names one of these languages.")
    tag: Texts | None = Field(None, description="One of its tags matches one of these globs.")
    gated: bool | None = Field(None, description="The Hub wants terms accepted first, or does not.")
    private: bool | None = Field(None, description="It is, or is not, private on the Hub.")
    taken_down: bool | None = Field(None, description="The Hub does not give the commit any more, or does.")
    code_from: Texts | None = Field(
        None, description="Its configuration takes code from another repository that matches one of these globs."
    )
    card_completeness_below: float | None = Field(
        None, ge=0, le=1, description="The card says less of what a card should say, from 0 to 1."
    )
    hub_scan: Annotated[tuple[HubScan, ...], Listed] | None = Field(
        None, description="What the Hub's own scanners say is one of these."
    )
    unknown: Texts | None = Field(None, description="One of these groups of facts could not be had.")

    approved: bool | None = Field(
        None, description="Somebody has, or nobody has, put it on a list for whoever asks, with this commit."
    )
    reviewed: bool | None = Field(None, description="Somebody has, or nobody has, approved this very commit.")

    any_: tuple[When, ...] | None = Field(None, alias="any", description="Of these groups of conditions, one holds.")
    unless: When | None = Field(None, description="These conditions do not all hold.")

    @property
    def given(self) -> dict[str, Any]:
        """The conditions that were written down, with their values."""
        written = self.model_fields_set
        return {
            name: value
            for name in type(self).model_fields
            if name in written and (value := getattr(self, name)) is not None
        }
