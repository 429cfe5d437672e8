"""The published form of rules, as editors use it."""

from __future__ import annotations

import pytest
import yaml

from rules.form import PolicyForm, Rule
from rules.schema import rules_schema
from rules.when import When
from tests.documents import DOCS, schema_text
from tests.unit.rules.given import rule, text
from tests.unit.test_documents import rule_examples

jsonschema = pytest.importorskip("jsonschema")


def mistakes(source: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(rules_schema())
    return [error.json_path for error in validator.iter_errors(yaml.safe_load(source))]


def test_the_published_schema_is_that_of_the_code() -> None:
    assert (DOCS / "rules.schema.json").read_text() == schema_text(), "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(rules_schema())


def test_every_field_and_condition_says_what_it_is() -> None:
    schema = rules_schema()
    for form, properties in (
        (PolicyForm, schema["properties"]),
        (Rule, schema["$defs"]["Rule"]["properties"]),
        (When, schema["$defs"]["When"]["properties"]),
    ):
        names = {field.alias or name for name, field in form.model_fields.items()}
        assert names == properties.keys()
        assert [name for name, field in properties.items() if not field.get("description")] == []


@pytest.mark.parametrize("example", rule_examples())
def test_it_accepts_every_example(example: str) -> None:
    assert mistakes(example) == []


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (text(rule("block", "file_verdikt: unsafe")), "$.rules[0].when"),
        (text(rule("deny", "gated: true")), "$.rules[0].outcome"),
        (text(rule("block", "file_verdict: [odd]")), "$.rules[0].when.file_verdict"),
        (text(rule("block", "gated: 'yes'")), "$.rules[0].when.gated"),
        (text(rule("block", "larger_than_bytes: 10 + 3")), "$.rules[0].when.larger_than_bytes"),
        (text(rule("block", "any: [{gatet: true}]")), "$.rules[0].when.any[0]"),
        (text() + "expect: [{name: n, facts: {downloadz: 1}, outcome: allow}]", "$.expect[0].facts"),
        (text() + "expect: [{name: n, facts: {}}]", "$.expect[0]"),
        ("name: x\nrules: []", "$"),
    ],
)
def test_it_marks_a_mistake_at_its_place(source: str, place: str) -> None:
    assert place in mistakes(source)


@pytest.mark.parametrize(
    "asks",
    [
        "file_verdict: unsafe",
        "file_verdict: [unsafe, safe]",
        "larger_than_bytes: 10 GB",
        "larger_than_bytes: 5",
        "younger_than_days: 6 weeks",
        "parameters_above: 70B",
        "lineage_conflict: any",
        "unless: {publisher: '@x'}",
        "any: [{gated: true}, {likes_below: 1k}]",
    ],
)
def test_it_accepts_what_reads_like_a_sentence(asks: str) -> None:
    assert mistakes(text(rule("block", asks))) == []
