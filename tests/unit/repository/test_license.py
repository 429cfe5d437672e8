"""What a repository's licence is, by card, tags, files and weights."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing  # type: ignore[import-untyped]

from scanners.repository.license import License, agree, conclude, flip, license_of
from scanners.repository.license_list import CATEGORIES, hub_licenses, known_licenses
from scanners.repository.license_statements import Statement, statements_of
from tests.unit.repository.license_texts import APACHE, BSD_3, LLAMA_3_2, MIT

SPDX = get_spdx_licensing()
NEWER = {"OpenMDW-1.0"}
"""In the SPDX licence list 3.29.0, and not yet in the one that license-expression brings."""
ANY_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
STATEMENTS = st.builds(
    lambda source, path, entry, of_code: Statement(source, path, entry.spdx, entry.category, of_code=of_code),
    st.sampled_from(["card", "file", "gguf", "safetensors", "readme"]),
    st.sampled_from(["README.md", "LICENSE", "model.gguf"]),
    st.sampled_from(sorted(known_licenses().values(), key=lambda entry: entry.id)),
    st.booleans(),
)


def assert_spdx(expression: str) -> None:
    for symbol in SPDX.license_symbols(SPDX.parse(expression)):
        if symbol.key not in {"NOASSERTION", *NEWER} and not symbol.key.startswith("LicenseRef-"):
            assert SPDX.validate(symbol.key).errors == [], symbol.key


def concluded(card: object, files: dict[str, str] | None = None, weights: Any = None, tags: Any = ()) -> License:
    return conclude(statements_of(card, tags, files, weights))


# What the card declares


@pytest.mark.parametrize("license_id", sorted(hub_licenses()))
def test_every_licence_of_the_hub_has_a_valid_expression_and_a_category(license_id: str) -> None:
    found = license_of({"license": license_id})
    assert found.declared == (license_id,)
    assert found.category in CATEGORIES
    assert_spdx(found.expression)


@pytest.mark.parametrize(
    ("declared", "expression", "category"),
    [
        ("apache-2.0", "Apache-2.0", "permissive"),
        ("Apache-2.0", "Apache-2.0", "permissive"),
        ("Apache License 2.0", "Apache-2.0", "permissive"),
        ("gpl-3.0", "GPL-3.0-only", "copyleft"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later", "copyleft"),
        ("GPL-3.0+", "GPL-3.0-or-later", "copyleft"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0", "non-commercial"),
        ("openrail++", "LicenseRef-hf-openrail-plus-plus", "use-restricted"),
        ("llama3.2", "LicenseRef-hf-llama3.2", "community"),
        ("llama-3.2", "LicenseRef-hf-llama3.2", "community"),
        ("gemma", "LicenseRef-hf-gemma", "community"),
        ("cc-by-nd-4.0", "CC-BY-ND-4.0", "no-derivatives"),
        ("cc-by-nc-nd-4.0", "CC-BY-NC-ND-4.0", "non-commercial"),
        ("other", "LicenseRef-hf-other", "unknown"),
        ("my own (v2)", "LicenseRef-hf-my-own-v2", "unknown"),
        ("bsl-1.0", "BSL-1.0", "permissive"),
        ("bsl-1.1", "BUSL-1.1", "community"),
    ],
)
def test_a_declared_licence_is_named_and_sorted(declared: str, expression: str, category: str) -> None:
    found = license_of({"license": declared})
    assert (found.expression, found.category) == (expression, category)


def test_of_several_licences_the_most_restrictive_counts_and_is_named_first() -> None:
    found = license_of({"license": ["mit", "cc-by-nc-4.0", "mit"]})
    assert found.declared == ("mit", "cc-by-nc-4.0")
    assert (found.expression, found.category) == ("CC-BY-NC-4.0 AND MIT", "non-commercial")
    assert license_of({"license": ["mit", "gpl-3.0"]}).category == "copyleft"
    assert license_of({"license": ["other", "llama2"]}).category == "unknown"
    assert license_of({"license": "mit, gpl-3.0"}).expression == "GPL-3.0-only AND MIT"


def test_of_alternatives_one_may_choose_the_mildest() -> None:
    found = license_of({"license": "apache-2.0 OR cc-by-nc-4.0"})
    assert (found.expression, found.category) == ("Apache-2.0 OR CC-BY-NC-4.0", "permissive")
    assert found.terms == ("notice", "state-changes")
    assert (
        license_of({"license": "(mit OR apache-2.0) AND gpl-3.0"}).expression == "GPL-3.0-only AND (MIT OR Apache-2.0)"
    )


@pytest.mark.parametrize(
    ("name", "expression", "category"),
    [
        ("FLUX-1-dev Non-Commercial", "LicenseRef-hf-flux-1-dev-non-commercial", "non-commercial"),
        ("flux-1-dev-non-commercial-license", "LicenseRef-hf-flux-1-dev-non-commercial", "non-commercial"),
        ("deepseek", "LicenseRef-hf-deepseek", "use-restricted"),
        ("deepseek-license", "LicenseRef-hf-deepseek", "use-restricted"),
        ("qwen", "LicenseRef-hf-qwen", "community"),
        ("qwen-research", "LicenseRef-hf-qwen-research", "non-commercial"),
        ("tongyi-qianwen", "LicenseRef-hf-tongyi-qianwen", "community"),
        ("tongyi-qianwen-research", "LicenseRef-hf-tongyi-qianwen-research", "non-commercial"),
        ("tongyi-qianwen-license-agreement", "LicenseRef-hf-tongyi-qianwen", "community"),
        ("mrl", "LicenseRef-hf-mistral-research", "non-commercial"),
        ("mnpl-0.1", "LicenseRef-hf-mistral-non-production", "non-commercial"),
        ("stabilityai-ai-community", "LicenseRef-hf-stability-community", "community"),
        ("stable-video-diffusion-community", "LicenseRef-hf-stability-community", "community"),
        ("stabilityai-nc-research-community", "LicenseRef-hf-stability-non-commercial", "non-commercial"),
        ("sai-nc-community", "LicenseRef-hf-stability-non-commercial", "non-commercial"),
        ("llama-3", "LicenseRef-hf-llama3", "community"),
        ("llama3", "LicenseRef-hf-llama3", "community"),
        ("falcon-llm-license", "LicenseRef-hf-falcon-llm", "community"),
        ("falcon-180b-tii-license", "LicenseRef-hf-falcon-180b", "community"),
        ("nvidia-open-model-license", "LicenseRef-hf-nvidia-open-model", "community"),
        ("nvidia-nemotron-open-model-license", "LicenseRef-hf-nvidia-open-model", "community"),
        ("exaone", "LicenseRef-hf-exaone", "non-commercial"),
        ("tencent-hunyuan-community", "LicenseRef-hf-hunyuan-community", "community"),
        ("modified-mit", "LicenseRef-hf-modified-mit", "community"),
        ("minimax-community", "LicenseRef-hf-minimax-community", "community"),
        ("glm-4", "LicenseRef-hf-chatglm", "community"),
        ("internlm", "LicenseRef-hf-internlm", "community"),
        ("jamba-open-model-license", "LicenseRef-hf-jamba-open-model", "community"),
        ("yi-license", "LicenseRef-hf-yi", "community"),
        ("health-ai-developer-foundations", "LicenseRef-hf-hai-def", "community"),
        ("sdxl-license", "LicenseRef-hf-openrail-plus-plus", "use-restricted"),
        ("openmdw1.1-license", "LicenseRef-hf-openmdw-1.1", "permissive"),
        ("gemma-terms-of-use", "LicenseRef-hf-gemma", "community"),
        ("apache-2.0", "Apache-2.0", "permissive"),
        ("eva-llama3.3", "LicenseRef-hf-other-eva-llama3.3", "unknown"),
        ("not-a-known-one", "LicenseRef-hf-other-not-a-known-one", "unknown"),
    ],
)
def test_another_licence_is_known_by_the_name_that_cards_give_it(name: str, expression: str, category: str) -> None:
    found = license_of({"license": "other", "license_name": name})
    assert (found.declared, found.expression, found.category) == (("other",), expression, category)
    assert_spdx(found.expression)


@pytest.mark.parametrize(
    ("link", "expression"),
    [
        ("https://mistral.ai/licenses/MRL-0.1.md", "LicenseRef-hf-mistral-research"),
        ("https://mistral.ai/licenses/MNPL-0.1.md", "LicenseRef-hf-mistral-non-production"),
        ("https://ai.google.dev/gemma/terms", "LicenseRef-hf-gemma"),
        ("https://ai.google.dev/gemma/apache_2", "Apache-2.0"),
        ("https://github.com/meta-llama/llama-models/blob/main/models/llama3_2/LICENSE", "LicenseRef-hf-llama3.2"),
        ("https://github.com/deepseek-ai/DeepSeek-V3/blob/main/LICENSE-MODEL", "LicenseRef-hf-deepseek"),
        (
            "https://huggingface.co/black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md",
            "LicenseRef-hf-flux-1-dev-non-commercial",
        ),
        (
            "https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev/blob/main/LICENSE.md",
            "LicenseRef-hf-flux-1-dev-non-commercial",
        ),
        ("https://stability.ai/license", "LicenseRef-hf-stability-community"),
        ("https://falconllm.tii.ae/falcon-terms-and-conditions.html", "LicenseRef-hf-falcon-llm"),
        ("LICENSE", "LicenseRef-hf-other"),
        ("https://example.com/terms", "LicenseRef-hf-other"),
    ],
)
def test_another_licence_is_known_by_the_address_that_cards_give(link: str, expression: str) -> None:
    assert license_of({"license": "other", "license_link": link}).expression == expression


def test_a_card_that_links_to_another_licence_than_it_names_is_found_out() -> None:
    found = license_of(
        {
            "license": "mit",
            "license_link": "https://github.com/meta-llama/llama-models/blob/main/models/llama3_2/LICENSE",
        }
    )
    assert (found.category, found.disagrees) == ("community", True)
    assert found.why == "the card says mit and by its link, the Llama 3.2 Community License Agreement"


def test_a_licence_name_without_a_licence_is_a_licence_nobody_knows() -> None:
    assert license_of({"license_name": "ours"}).category == "unknown"
    assert license_of({"license_link": "LICENSE"}).category == "unknown"


def test_the_tags_speak_only_where_the_card_is_silent() -> None:
    tags = ["pytorch", "license:mit", "license:gemma"]
    found = license_of({}, tags)
    assert (found.declared, found.expression) == (("mit", "gemma"), "LicenseRef-hf-gemma AND MIT")
    assert [statement.source for statement in found.statements] == ["tags"]
    assert license_of(None, tags).declared == ("mit", "gemma")
    assert license_of({"license": "gpl-3.0"}, tags).declared == ("gpl-3.0",)


@pytest.mark.parametrize("card", [None, {}, {"license": None}, {"license": ""}, {"license": []}, {"license": [" "]}])
def test_a_card_that_declares_nothing_has_no_licence(card: object) -> None:
    assert license_of(card) == License((), "NOASSERTION", "missing")


@pytest.mark.parametrize("card", ["mit", 7, [], {"license": 5}, {"license": {"id": "mit"}}, {"license": [True]}])
def test_what_cannot_be_read_is_unknown_and_not_missing(card: object) -> None:
    assert license_of(card).category == "unknown"


def test_a_readable_licence_beside_garbage_does_not_hide_it() -> None:
    found = license_of({"license": ["mit", 3]})
    assert (found.declared, found.category) == (("mit",), "unknown")


# The card against files and weights


def test_a_licence_file_that_contradicts_the_card_is_told_in_words() -> None:
    found = concluded({"license": "apache-2.0"}, {"LICENSE": LLAMA_3_2})
    assert found.disagrees
    assert found.why == "the card says apache-2.0 and LICENSE is the Llama 3.2 Community License Agreement"
    assert (found.expression, found.category) == ("LicenseRef-hf-llama3.2 AND Apache-2.0", "community")
    assert [statement.source for statement in found.statements] == ["file", "card"]
    assert {"naming", "monthly-users", "acceptable-use"} <= set(found.terms)


@pytest.mark.parametrize(
    ("declared", "text", "expression"),
    [
        ("apache-2.0", APACHE, "Apache-2.0"),
        ("Apache License 2.0", APACHE, "Apache-2.0"),
        ("mit", MIT, "MIT"),
        ("bsd", BSD_3, "BSD-3-Clause"),
        ("other", APACHE, "Apache-2.0"),
        ("other", LLAMA_3_2, "LicenseRef-hf-llama3.2"),
        ("unknown", MIT, "MIT"),
    ],
)
def test_other_notations_families_and_pointers_do_not_disagree(declared: str, text: str, expression: str) -> None:
    found = concluded({"license": declared}, {"LICENSE": text})
    assert (found.disagrees, found.expression, found.why) == (False, expression, "")


def test_a_changed_mit_does_not_pass_for_mit() -> None:
    found = concluded({"license": "mit"}, {"LICENSE": MIT + "\nThe Software may not be used commercially.\n"})
    assert (found.category, found.disagrees) == ("unknown", True)
    assert found.why == "the card says mit and LICENSE is the MIT License with changes"


def test_a_text_that_nobody_knows_beside_a_free_licence_is_unknown() -> None:
    found = concluded({"license": "mit"}, {"LICENSE.md": "All that is here is for our friends."})
    assert (found.category, found.disagrees) == ("unknown", True)
    assert found.why == "the card says mit and LICENSE.md is a text that is not known here"


def test_the_licence_of_the_code_is_not_the_models() -> None:
    found = concluded({"license": "other", "license_name": "deepseek"}, {"LICENSE-CODE": MIT})
    assert (found.expression, found.category, found.disagrees) == ("LicenseRef-hf-deepseek", "use-restricted", False)
    assert [(one.path, one.of_code) for one in found.statements] == [("README.md", False), ("LICENSE-CODE", True)]
    assert concluded({}, {"LICENSE-CODE": MIT}).category == "missing"


def test_further_free_licences_in_a_file_do_not_disagree_with_the_card() -> None:
    assert not concluded({"license": "apache-2.0"}, {"LICENSE": APACHE + MIT}).disagrees
    assert not concluded({"license": ["mit", "cc-by-nc-4.0"]}, {"LICENSE": MIT}).disagrees


def test_the_header_of_a_gguf_file_contradicts_the_card() -> None:
    found = concluded(
        {"license": "mit"}, weights={"m-00001.gguf": {"license": "llama3.1"}, "m-00002.gguf": {"license": "llama3.1"}}
    )
    assert (found.category, found.disagrees) == ("community", True)
    assert found.why == "the card says mit and m-00001.gguf says llama3.1"
    assert [statement.source for statement in found.statements] == ["gguf", "card"]


def test_headers_name_licences_the_hub_has_no_id_for() -> None:
    weights = {
        "a.gguf": {"license": "other", "license_name": "qwen-research"},
        "b.safetensors": {"modelspec.license": "CreativeML Open RAIL++-M License"},
    }
    found = concluded({}, weights=weights)
    assert found.expression == "LicenseRef-hf-qwen-research AND LicenseRef-hf-openrail-plus-plus"


def test_the_cards_section_on_the_licence_is_heard_as_well() -> None:
    text = "# A model\n\n## License\n\nThe weights are released under CC-BY-NC-4.0.\n\n## Citation\n"
    found = concluded({"license": "apache-2.0"}, {"README.md": text})
    assert (found.category, found.disagrees) == ("non-commercial", True)
    assert found.why == "the card says apache-2.0 and the card's text names CC-BY-NC-4.0"
    both = text.replace("released", "not the code, which is MIT, released")
    assert not concluded({"license": "apache-2.0"}, {"README.md": both}).disagrees


def test_a_notice_that_names_a_publishers_licence_is_heard() -> None:
    notice = "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright Meta. All Rights Reserved."
    assert concluded({"license": "mit"}, {"NOTICE": notice}).category == "community"
    assert not concluded(
        {"license": "apache-2.0"}, {"NOTICE": "Something. Copyright 2024 Somebody. MIT License."}
    ).disagrees


# From one commit to the next


@pytest.mark.parametrize(
    ("before", "after"),
    [("apache-2.0", "Apache License 2.0"), ("gpl", "gpl-3.0"), ("gpl-3.0", "GPL-3.0-or-later"), ("mit", "mit")],
)
def test_another_notation_is_no_change_of_licence(before: str, after: str) -> None:
    assert flip(license_of({"license": before}), license_of({"license": after})) is None


def test_a_change_of_licence_is_told_in_a_sentence() -> None:
    assert flip(license_of({"license": "apache-2.0"}), license_of({"license": "llama3.2"})) == (
        "It was under the Apache License 2.0 (permissive) before, and is under the Llama 3.2 Community License"
        " Agreement (community) now, which is more restrictive."
    )
    assert flip(license_of({"license": "mit"}), license_of({})) == (
        "It was under the MIT License before, and is under no licence now."
    )
    assert flip(license_of({}), license_of({"license": "mit"})) is None
    assert flip(license_of({"license": "llama3"}), license_of({"license": "llama3.1"})) is not None


# Whatever comes


@given(
    ANY_VALUE | st.fixed_dictionaries({"license": ANY_VALUE, "license_name": ANY_VALUE, "license_link": ANY_VALUE}),
    ANY_VALUE,
)
def test_nothing_in_a_card_or_in_tags_makes_it_fail(card: object, tags: Any) -> None:
    found = license_of(card, tags)
    assert found.category in {*CATEGORIES, "missing"}
    assert_spdx(found.expression)


@given(st.text())
def test_any_text_as_a_licence_has_a_valid_expression(text: str) -> None:
    assert_spdx(license_of({"license": text}, [text, "license:" + text]).expression)


@given(
    st.dictionaries(st.sampled_from(["README.md", "LICENSE", "NOTICE", "x/COPYING"]), st.text()),
    st.dictionaries(st.sampled_from(["a.gguf", "b.safetensors"]), st.dictionaries(st.just("license"), ANY_VALUE)),
)
def test_nothing_in_files_or_headers_makes_it_fail(files: dict[str, str], weights: dict[str, Any]) -> None:
    assert_spdx(concluded({"license": "mit"}, files, weights).expression)


@given(st.lists(STATEMENTS, max_size=6), STATEMENTS)
def test_a_further_statement_never_makes_it_milder(statements: list[Statement], another: Statement) -> None:
    order = ["missing", *CATEGORIES]
    before, after = conclude(statements), conclude([*statements, another])
    assert order.index(after.category) >= order.index(before.category)
    assert set(before.terms) <= set(after.terms)


@given(st.lists(STATEMENTS, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_statements_makes_no_difference(both: tuple[list[Statement], list[Statement]]) -> None:
    assert conclude(both[0]) == conclude(both[1])


@given(st.sampled_from(sorted(known_licenses())), st.sampled_from(sorted(known_licenses())))
def test_to_agree_is_mutual(one: str, other: str) -> None:
    first, second = known_licenses()[one].spdx, known_licenses()[other].spdx
    assert agree(first, first)
    assert agree(first, second) == agree(second, first)


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache-2.0 License", "Apache-2.0"),
        ("GNU General Public License, version 3", "GPL-3.0-only"),
        ("AGPLv3", "AGPL-3.0-only"),
        ("LGPL-3.0+", "LGPL-3.0-or-later"),
        ("mit, apache-2.0", "Apache-2.0 AND MIT"),
    ],
)
def test_a_licences_name_in_a_card_is_read_as_people_write_it(said: str, expression: str) -> None:
    assert license_of({"license": said}).expression == expression


@pytest.mark.parametrize("said", ["not MIT", "mit-like", "MIT for research"])
def test_a_name_with_something_beside_it_is_no_licence_that_we_know(said: str) -> None:
    assert license_of({"license": said}).category == "unknown"
