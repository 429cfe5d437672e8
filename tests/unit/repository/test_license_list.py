"""The lists of licences and terms fit each other, and say what their comments promise."""

from __future__ import annotations

import pytest

from scanners.repository.license_expressions import clauses_of, name_of, read, terms_of
from scanners.repository.license_list import (
    CATEGORIES,
    REFERENCE,
    Entry,
    by_expression,
    by_link,
    by_name,
    data,
    hub_licenses,
    known_licenses,
    known_terms,
)

HUB = 83
"""Ids in the Hub's own list, docs/hub/repositories-licenses.md, of August 2026."""


def test_every_id_of_the_hub_is_there() -> None:
    assert len(hub_licenses()) == HUB


def test_no_id_stands_in_two_sections() -> None:
    sections = data("licenses.yaml").values()
    assert len(known_licenses()) == sum(len(section) for section in sections)


@pytest.mark.parametrize("entry", known_licenses().values(), ids=lambda entry: str(entry.id))
def test_a_licence_is_complete(entry: Entry) -> None:
    assert entry.category in CATEGORIES
    assert set(entry.terms) <= known_terms().keys()
    assert all(clause.where and clause.says.endswith(".") for clause in entry.clauses)
    assert by_expression(entry.spdx) is not None
    assert (entry.members != ()) == entry.family
    if entry.spdx.startswith(REFERENCE) and entry.category != "unknown" and not entry.family:
        assert entry.name != entry.spdx


@pytest.mark.parametrize("entry", known_licenses().values(), ids=lambda entry: str(entry.id))
def test_a_class_and_its_terms_say_the_same(entry: Entry) -> None:
    terms = set(entry.terms)
    if entry.category == "non-commercial":
        assert "no-commercial" in terms
    else:
        assert not {"no-commercial", "research-only"} & terms
    assert entry.category != "no-derivatives" or "no-derivatives" in terms
    if entry.category == "permissive":
        assert terms <= {"notice", "attribution", "state-changes", "no-endorsement"}
    if entry.category == "copyleft":
        assert terms & {"same-terms", "source-code", "state-changes"}


def test_every_term_is_asked_for_by_a_licence() -> None:
    asked = {term for entry in known_licenses().values() for term in entry.terms}
    assert asked == known_terms().keys()
    assert all(term.says.endswith(".") and term.kept_by.endswith(".") for term in known_terms().values())


def test_a_name_or_address_means_one_licence() -> None:
    names = [name for entry in known_licenses().values() for name in entry.names]
    links = [link for entry in known_licenses().values() for link in entry.links]
    for given in (names, links):
        assert len(given) == len(set(given))
        assert [pattern for pattern in given if pattern != pattern.lower()] == []
    assert [name for name in names if " " in name or "_" in name] == []
    for entry in known_licenses().values():
        for name in entry.names:
            found = by_name(name.replace("*", ""))
            assert "*" in name or (found is not None and found.id == entry.id), name
        for link in entry.links:
            assert by_link(f"https://example.com/{link.replace('*', 'x')}") is not None


def test_only_licences_that_are_not_permissive_are_recognised_by_title() -> None:
    published = data("license_texts.yaml")["publishers"]
    assert [name for name in published if known_licenses()[name].category == "permissive"] == []


@pytest.mark.parametrize(
    ("license_id", "terms"),
    [
        ("llama2", {"terms-passed-on", "notice", "acceptable-use", "monthly-users", "no-training-of-others"}),
        ("llama3", {"naming", "built-with", "monthly-users", "no-training-of-others", "acceptable-use"}),
        ("llama3.1", {"naming", "built-with", "monthly-users", "acceptable-use", "terms-passed-on"}),
        ("llama3.2", {"naming", "region-limit"}),
        ("llama3.3", {"naming", "region-limit"}),
        ("llama4", {"naming", "built-with", "region-limit", "monthly-users"}),
        ("gemma", {"terms-passed-on", "restrictions-passed-on", "acceptable-use", "notice"}),
        ("creativeml-openrail-m", {"restrictions-passed-on", "acceptable-use"}),
        ("deepseek", {"restrictions-passed-on", "acceptable-use"}),
        ("qwen", {"monthly-users", "built-with"}),
        ("qwen-research", {"no-commercial", "research-only"}),
        ("tongyi-qianwen", {"monthly-users", "no-training-of-others"}),
        ("mistral-research", {"no-commercial", "research-only"}),
        ("flux-1-dev-non-commercial", {"no-commercial", "no-training-of-others"}),
        ("stability-community", {"revenue-limit", "built-with", "registration"}),
        ("cc-by-nc-sa-4.0", {"no-commercial", "same-terms", "attribution"}),
        ("cc-by-nc-nd-4.0", {"no-commercial", "no-derivatives", "attribution"}),
        ("agpl-3.0", {"same-terms", "source-code", "network-source"}),
    ],
)
def test_well_known_licences_ask_for_what_they_are_known_for(license_id: str, terms: set[str]) -> None:
    assert terms <= set(known_licenses()[license_id].terms)


def test_llama_3_1_and_later_do_not_forbid_to_train_other_models() -> None:
    for version in ("llama3.1", "llama3.2", "llama3.3", "llama4"):
        assert "no-training-of-others" not in known_licenses()[version].terms


def test_a_clause_names_its_licence_and_its_place() -> None:
    clauses = {clause.term: clause for clause in clauses_of("LicenseRef-hf-llama3.1 AND Apache-2.0")}
    assert clauses["naming"].source == "Llama 3.1 Community License Agreement, section 1.b.i"
    assert 'begins with "Llama"' in clauses["naming"].says
    assert clauses["state-changes"].source == "Apache License 2.0, section 4(b)"


def test_terms_come_in_the_order_of_the_list() -> None:
    order = list(known_terms())
    found = terms_of("CC-BY-NC-4.0 AND LicenseRef-hf-gemma")
    assert sorted(found, key=order.index) == list(found)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MIT OR Apache-2.0", "MIT License or Apache License 2.0"),
        ("LicenseRef-hf-changed-MIT", "MIT License with changes"),
        ("LicenseRef-hf-changed-llama3.2", "Llama 3.2 Community License Agreement with changes"),
        ("LicenseRef-hf-other-ours", "other-ours"),
        ("NOASSERTION", "no licence"),
    ],
)
def test_licences_have_names_for_people(text: str, name: str) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize("text", ["(" * 50 + "mit", "mit OR", "AND", ")(", "mit WITH", "a" * 1000, "x OR " * 100])
def test_what_is_no_expression_is_one_unknown_licence(text: str) -> None:
    assert read(text).category == "unknown"
    assert len(read(text).symbols) == 1
