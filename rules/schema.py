"""The JSON Schema of a file of rules, for editors: they complete fields, show what each means, and mark mistakes.

It says less than loading the file does: expressions, names of lists and placeholders are checked there alone.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rules.facts import Facts
from rules.form import PLACEHOLDERS, PolicyForm

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"


class _Form(GenerateJsonSchema):
    """As people write it: a field that is not wanted is left out, and is not written as null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default", ...) in (None, {}, []):
            made.pop("default")
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


class _Sample(_Form):
    """The facts of a test: every field may be left out, a moment may be `3 days ago`, and no default is a promise."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        del field, total
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        del schema
        return {"type": "string", "examples": ["3 days ago", "2026-01-31T12:00:00Z"]}


def rules_schema() -> dict[str, Any]:
    """The schema (draft 2020-12), made from the same definitions that read the file."""
    schema = PolicyForm.model_json_schema(by_alias=True, ref_template=_REF, schema_generator=_Form)
    facts = Facts.model_json_schema(by_alias=True, ref_template=_REF, schema_generator=_Sample)
    definitions: dict[str, Any] = facts.pop("$defs") | {"Facts": facts} | schema.pop("$defs")
    file, finding = definitions["FileFacts"]["properties"], {"$ref": _REF.format(model="FindingFacts")}
    file["findings"]["items"] = {"anyOf": [{"type": "string", "description": "The id of a finding."}, finding]}
    file["size"] = {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "examples": ["10 GB"]}],
        "description": file["size"]["description"],
    }
    of_expectation = definitions["Expectation"]["properties"]
    of_expectation["facts"] = {
        "$ref": _REF.format(model="Facts"),
        "description": of_expectation["facts"]["description"],
    }
    placeholders = "; ".join(f"{{{name}}} is {text}" for name, text in PLACEHOLDERS.items())
    definitions["Rule"]["properties"]["message"]["description"] += f" {placeholders}."
    return {"$schema": _DRAFT, **schema, "title": "Rules of Model Curator", "$defs": dict(sorted(definitions.items()))}
