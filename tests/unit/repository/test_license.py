from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing  # type: ignore[import-untyped]

from scanners.repository.license import License, license_of
from scanners.repository.license_list import CATEGORIES, hub_licenses

SPDX = get_spdx_licensing()
NEWER = {"OpenMDW-1.0"}
"""In the SPDX licence list 3.29.0, and not yet in the one that license-expression brings."""
ANY_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def assert_spdx(expression: str) -> None:
    for symbol in SPDX.license_symbols(SPDX.parse(expression)):
        if symbol.key not in {"NOASSERTION", *NEWER} and not symbol.key.startswith("LicenseRef-hf-"):
            assert SPDX.validate(symbol.key).errors == [], symbol.key


@pytest.mark.parametrize("license_id", sorted(hub_licenses()))
def test_every_licence_of_the_hub_has_a_valid_expression_and_a_category(license_id: str) -> None:
    found = license_of({"license": license_id})
    assert found.declared == (license_id,)
    assert found.category in CATEGORIES
    assert_spdx(found.expression)


@pytest.mark.parametrize(
    ("license_id", "expression", "category"),
    [
        ("apache-2.0", "Apache-2.0", "permissive"),
        ("Apache-2.0", "Apache-2.0", "permissive"),
        ("gpl-3.0", "GPL-3.0-only", "copyleft"),
        ("openrail++", "LicenseRef-hf-openrail-plus-plus", "use-restricted"),
        ("llama3.2", "LicenseRef-hf-llama3.2", "community"),
        ("gemma", "LicenseRef-hf-gemma", "community"),
        ("cc-by-nd-4.0", "CC-BY-ND-4.0", "no-derivatives"),
        ("cc-by-nc-nd-4.0", "CC-BY-NC-ND-4.0", "non-commercial"),
        ("other", "LicenseRef-hf-other", "unknown"),
        ("my own (v2)", "LicenseRef-hf-my-own-v2", "unknown"),
    ],
)
def test_a_declared_licence_is_named_and_sorted(license_id: str, expression: str, category: str) -> None:
    found = license_of({"license": license_id})
    assert (found.expression, found.category) == (expression, category)


def test_of_several_licences_the_most_restrictive_counts() -> None:
    assert license_of({"license": ["cc-by-nc-4.0", "mit", "mit"]}) == License(
        ("cc-by-nc-4.0", "mit"), "CC-BY-NC-4.0 AND MIT", "non-commercial"
    )
    assert license_of({"license": ["mit", "gpl-3.0"]}).category == "copyleft"
    assert license_of({"license": ["other", "llama2"]}).category == "unknown"


def test_another_licence_is_called_by_the_name_it_is_given() -> None:
    card = {"license": "other", "license_name": "FLUX-1-dev Non-Commercial", "license_link": "LICENSE.md"}
    assert license_of(card) == License(("other",), "LicenseRef-hf-other-flux-1-dev-non-commercial", "unknown")


def test_another_licence_named_like_a_free_one_is_not_taken_for_it() -> None:
    assert license_of({"license": "other", "license_name": "mit"}).category == "unknown"


def test_a_licence_name_without_a_licence_is_a_licence_nobody_knows() -> None:
    assert license_of({"license_name": "ours"}).category == "unknown"
    assert license_of({"license_link": "LICENSE"}).category == "unknown"


def test_the_tags_speak_only_where_the_card_is_silent() -> None:
    tags = ["pytorch", "license:mit", "license:gemma"]
    assert license_of({}, tags) == License(("mit", "gemma"), "MIT AND LicenseRef-hf-gemma", "community")
    assert license_of(None, tags).declared == ("mit", "gemma")
    assert license_of({"license": "gpl-3.0"}, tags).declared == ("gpl-3.0",)


@pytest.mark.parametrize("card", [None, {}, {"license": None}, {"license": ""}, {"license": []}, {"license": [" "]}])
def test_a_card_that_declares_nothing_has_no_licence(card: object) -> None:
    assert license_of(card) == License((), "NOASSERTION", "missing")


@pytest.mark.parametrize("card", ["mit", 7, [], {"license": 5}, {"license": {"id": "mit"}}, {"license": [True]}])
def test_what_cannot_be_read_is_unknown_and_not_missing(card: object) -> None:
    assert license_of(card).category == "unknown"


def test_a_readable_licence_beside_garbage_does_not_hide_it() -> None:
    assert license_of({"license": ["mit", 3]}) == License(("mit",), "MIT AND LicenseRef-hf-unknown", "unknown")


@given(ANY_VALUE | st.fixed_dictionaries({"license": ANY_VALUE, "license_name": ANY_VALUE}), ANY_VALUE)
def test_nothing_in_a_card_or_in_tags_makes_it_fail(card: object, tags: Any) -> None:
    found = license_of(card, tags)
    assert found.category in {*CATEGORIES, "missing"}
    assert_spdx(found.expression)


@given(st.text())
def test_any_text_as_a_licence_has_a_valid_expression(text: str) -> None:
    assert_spdx(license_of({"license": text}, [text, "license:" + text]).expression)
