"""What a licence asks for holds for all that is made from the work; where it is dropped, clause and cure are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.conflict_rules import Level, knowledge
from scanners.repository.conflicts import Conflict, conflicts_of
from scanners.repository.license import license_of
from scanners.repository.license_list import known_licenses, known_terms
from scanners.repository.lineage import MOST_HOPS, Absent, Hop, Lineage, State
from tests.unit.repository.lineages import Family, licensed, line, merged

BOTH = {"non-commercial-dropped", "terms-dropped"}


def ids(conflicts: tuple[Conflict, ...], level: Level = Level.CONFLICT) -> set[str]:
    return {conflict.id for conflict in conflicts if conflict.level is level}


@pytest.mark.parametrize(
    ("model", "own", "parent", "license_", "relation", "expected"),
    [
        # Gemma
        ("nidum/Nidum-Gemma-2B", "apache-2.0", "google/gemma-2-2b", "gemma", "finetune", {"terms-dropped"}),
        ("soob3123/amoral-gemma3-12B", "apache-2.0", "google/gemma-3-12b-it", "gemma", "finetune", {"terms-dropped"}),
        ("google-like/gemma-2-9b-GGUF", "gemma", "google/gemma-2-9b", "gemma", "quantized", set()),
        ("acme/gemma-4-tuned", "mit", "google/gemma-4-12b", "apache-2.0", "finetune", set()),
        ("acme/lora-over-gemma", "mit", "google/gemma-2-2b", "gemma", "adapter", {"terms-dropped"}),
        # Llama
        ("NousResearch/Hermes-3", "llama3", "meta-llama/Llama-3.1-8B", "llama3.1", "finetune", {"wrong-version"}),
        ("acme/Llama-3-tuned", "llama2", "meta-llama/Meta-Llama-3-8B", "llama3", "finetune", {"wrong-version"}),
        ("NousResearch/Hermes-2", "mit", "meta-llama/Llama-2-13b-hf", "llama2", "finetune", {"terms-dropped"}),
        ("unsloth/Llama-3.2-1B", "llama3.2", "meta-llama/Llama-3.2-1B", "llama3.2", "finetune", set()),
        ("acme/Llama-4-x", "cc-by-4.0", "meta-llama/Llama-4-Scout-17B-16E", "llama4", "finetune", {"terms-dropped"}),
        ("deepseek-ai/Distill-Llama", "mit", "meta-llama/Llama-3.3-70B", "llama3.3", "finetune", {"terms-dropped"}),
        ("bartowski/Llama-3.2-1B-GGUF", "llama3.2", "meta-llama/Llama-3.2-1B", "llama3.2", "quantized", set()),
        # Non-commercial
        ("acme/aya-tuned", "apache-2.0", "CohereForAI/aya", "cc-by-nc-4.0", "finetune", {"non-commercial-dropped"}),
        ("acme/nllb-onnx", "mit", "facebook/nllb-200", "cc-by-nc-4.0", "quantized", {"non-commercial-dropped"}),
        ("acme/aya-tuned", "cc-by-nc-sa-4.0", "CohereForAI/aya", "cc-by-nc-4.0", "finetune", set()),
        ("acme/aya-lora", "apache-2.0", "CohereForAI/aya", "cc-by-nc-4.0", "adapter", {"non-commercial-dropped"}),
        # Share-alike and copyleft
        ("NVLabs/VILA-7b", "cc-by-nc-4.0", "acme/base", "cc-by-nc-sa-4.0", "finetune", {"share-alike-dropped"}),
        ("acme/x", "mit", "databricks/dolly-like", "cc-by-sa-3.0", "finetune", {"share-alike-dropped"}),
        ("acme/x", "cc-by-sa-4.0", "databricks/dolly-like", "cc-by-sa-3.0", "finetune", set()),
        ("acme/x", "cc-by-sa-3.0", "acme2/y", "cc-by-sa-4.0", "finetune", {"share-alike-dropped"}),
        ("acme/x", "apache-2.0", "Ultralytics/YOLOv8", "agpl-3.0", "finetune", {"copyleft-dropped"}),
        ("acme/x", "agpl-3.0", "Ultralytics/YOLOv8", "agpl-3.0", "finetune", set()),
        ("acme/x", "agpl-3.0", "acme2/y", "gpl-3.0", "finetune", set()),
        ("acme/x", "gpl-3.0", "acme2/y", "agpl-3.0", "finetune", {"copyleft-dropped"}),
        ("acme/x", "mit", "acme2/y", "gpl-3.0", "adapter", set()),
        # No derivatives
        ("acme/x", "cc-by-nc-nd-4.0", "pyannote-like/y", "cc-by-nc-nd-4.0", "finetune", {"no-derivatives"}),
        ("acme/x", "mit", "pyannote-like/y", "cc-by-nd-4.0", "merge", {"no-derivatives"}),
        ("acme/x", "cc-by-nd-4.0", "pyannote-like/y", "cc-by-nd-4.0", "adapter", set()),
        ("acme/x", "cc-by-nd-4.0", "pyannote-like/y", "cc-by-nd-4.0", "quantized", set()),
        # Use restrictions
        ("acme/sd-tuned", "mit", "CompVis/sd-v1-4", "creativeml-openrail-m", "finetune", {"restrictions-dropped"}),
        ("acme/sdxl-tuned", "openrail++", "CompVis/sd-v1-4", "creativeml-openrail-m", "finetune", set()),
        ("acme/b", "mit", "bigscience/bloom", "bigscience-bloom-rail-1.0", "finetune", {"restrictions-dropped"}),
        ("acme/coder", "mit", "deepseek-ai/deepseek-coder", "deepseek", "finetune", {"restrictions-dropped"}),
        ("acme/coder", "deepseek", "deepseek-ai/deepseek-coder", "deepseek", "finetune", set()),
        # The publishers' own
        ("acme/flux-lora", "apache-2.0", "black-forest-labs/dev", "flux-1-dev-non-commercial", "adapter", BOTH),
        ("acme/schnell-lora", "mit", "black-forest-labs/FLUX.1-schnell", "apache-2.0", "adapter", set()),
        ("acme/qwen", "apache-2.0", "Qwen/Qwen-72B", "tongyi-qianwen", "finetune", {"limits-dropped"}),
        ("acme/codestral", "apache-2.0", "mistralai/Mini", "mistral-research", "finetune", BOTH),
        # Fine
        ("acme/x", "cc-by-nc-4.0", "mistralai/Mistral-7B-v0.1", "apache-2.0", "finetune", set()),
        ("acme/x", "gpl-3.0", "microsoft/phi-2", "mit", "finetune", set()),
        ("acme/x", "mit", "acme2/y", "apache-2.0", "merge", set()),
        ("acme/x", "llama3", "acme2/y", "bsd-3-clause", "merge", set()),
    ],
)  # fmt: skip
def test_what_a_parents_licence_asks_for_is_kept_or_told(
    model: str, own: str, parent: str, license_: str, relation: str, expected: set[str]
) -> None:
    assert ids(line((model, own), (parent, license_), relation=relation).conflicts(model)) == expected


def test_a_conflict_says_which_hop_which_clause_and_what_would_mend_it() -> None:
    family = line(("acme/bot-GGUF", "apache-2.0"), ("acme2/bot", "apache-2.0"), ("google/gemma-2-9b", "gemma"))
    (conflict,) = family.conflicts("acme/bot-GGUF")
    (clause,) = [one for one in known_licenses()["gemma"].clauses if one.term == "terms-passed-on"]
    assert conflict == Conflict(
        id="terms-dropped",
        level=Level.CONFLICT,
        parent="google/gemma-2-9b",
        depth=2,
        parent_license="LicenseRef-hf-gemma",
        license="Apache-2.0",
        clause="google/gemma-2-9b, two hops up by way of acme2/bot, is under the Gemma Terms of Use, "
        f"{clause.where}: {clause.says} This model is declared under the Apache License 2.0 instead.",
        cure="Declare the model under the Gemma Terms of Use and ship its text, or take one that was made from another "
        "base; whoever uses it anyway is bound by the Gemma Terms of Use.",
    )


def test_an_ancestor_in_between_that_dropped_the_terms_frees_nobody() -> None:
    family = line(("a/x", "mit"), ("b/x", "mit"), ("c/x", "apache-2.0"), ("d/x", "cc-by-nc-4.0"))
    (conflict,) = family.conflicts("a/x")
    assert (conflict.parent, conflict.depth) == ("d/x", 3)
    assert "three hops up by way of b/x, c/x" in conflict.clause


def test_whoever_takes_the_terms_up_again_keeps_them() -> None:
    assert ids(line(("a/x", "gemma"), ("b/x", "mit"), ("google/gemma-2-9b", "gemma")).conflicts("a/x")) == set()


def test_an_owner_may_license_his_own_work_as_he_likes() -> None:
    family = line(("deepseek-ai/DeepSeek-V3", "mit"), ("deepseek-ai/DeepSeek-V3-Base", "deepseek"))
    assert family.conflicts("deepseek-ai/DeepSeek-V3") == ()
    through_others = line(("a/x", "mit"), ("a/y", "gemma"), ("google/gemma-2-9b", "gemma"))
    assert ids(through_others.conflicts("a/x")) == {"terms-dropped"}


def test_the_popular_distillates_over_llama_are_told_with_a_note() -> None:
    family = line(
        ("unsloth/DeepSeek-R1-Distill-Llama-8B-GGUF", "mit"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "mit"),
        ("meta-llama/Llama-3.1-8B", "llama3.1"),
    )
    (conflict,) = family.conflicts("unsloth/DeepSeek-R1-Distill-Llama-8B-GGUF")
    assert conflict.id == "terms-dropped"
    assert conflict.clause.endswith("the base keeps its own Llama licence.")


def test_a_merge_has_to_keep_what_each_of_its_parents_asks_for() -> None:
    family = merged("a/merge", "apache-2.0", ("google/gemma-2-9b", "gemma"), ("b/x", "cc-by-nc-4.0"), ("c/x", "mit"))
    assert {(one.parent, one.id) for one in family.conflicts("a/merge")} == {
        ("google/gemma-2-9b", "terms-dropped"),
        ("b/x", "non-commercial-dropped"),
    }
    both = merged("a/merge", ("llama3", "gemma"), ("google/gemma-2-9b", "gemma"), ("meta-llama/Llama-3-8B", "llama3"))
    assert ids(both.conflicts("a/merge")) == set()


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [("gpl-3.0", "cc-by-nc-4.0", False), ("cc-by-sa-4.0", "cc-by-nc-4.0", False), ("agpl-3.0", "gemma", False),
     ("cc-by-sa-4.0", "cc-by-nc-sa-4.0", False), ("gpl-3.0", "creativeml-openrail-m", False),
     ("osl-3.0", "gpl-3.0", False),
     ("gpl-3.0", "apache-2.0", True), ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", True), ("cc-by-sa-4.0", "gpl-3.0", True),
     ("cc-by-sa-3.0", "cc-by-sa-4.0", True), ("lgpl-3.0", "gemma", True), ("gpl-3.0", "gpl-3.0", True),
     ("gemma", "llama3", True)],
)  # fmt: skip
def test_parents_whose_licences_no_licence_can_keep_together_are_told(one: str, other: str, *, fits: bool) -> None:
    for parents in ((one, other), (other, one)):
        family = merged("a/merge", one, ("b/x", parents[0]), ("c/x", parents[1]))
        assert ("unsatisfiable" not in ids(family.conflicts("a/merge"))) is fits


def test_a_licence_on_the_way_that_is_not_known_is_a_gap_and_no_conflict() -> None:
    for license_, expected in (
        ("", "parent-license-missing"),
        ("other", "parent-license-unknown"),
        ("cc", "parent-license-unknown"),
    ):
        conflicts = line(("a/x", "mit"), ("b/x", license_)).conflicts("a/x")
        assert (ids(conflicts), ids(conflicts, Level.GAP)) == (set(), {expected})


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (Absent.MISSING, "parent-missing"),
        (Absent.PRIVATE, "parent-private"),
        (Absent.UNREACHABLE, "parent-unreachable"),
    ],
)
def test_an_ancestor_that_cannot_be_seen_is_a_gap(absent: Absent, expected: str) -> None:
    family = Family({"a/x": "mit"}, {"a/x": (("b/x", "finetune"),)}, {"b/x": absent})
    assert ids(family.conflicts("a/x"), Level.GAP) == {expected}


def test_a_cycle_and_a_cut_are_gaps() -> None:
    cycle = Family({"a/x": "mit", "b/x": "mit"}, {"a/x": (("b/x", ""),), "b/x": (("a/x", ""),)}, {})
    assert ids(cycle.conflicts("a/x"), Level.GAP) == {"lineage-cycle"}
    long = line(*((f"o{number}/x", "mit") for number in range(12)))
    assert ids(long.conflicts("o0/x"), Level.GAP) == {"lineage-cut"}
    wide = merged("a/x", "mit", *((f"o{number}/x", "mit") for number in range(MOST_HOPS + 8)))
    assert ids(wide.conflicts("a/x"), Level.GAP) == {"lineage-cut"}


def test_a_model_without_a_known_licence_of_its_own_is_not_said_to_break_the_parents() -> None:
    missing = line(("a/x", ""), ("google/gemma-2-9b", "gemma")).conflicts("a/x")
    assert (ids(missing), ids(missing, Level.DUTY)) == (set(), {"own-license-missing"})
    unknown = line(("a/x", "other"), ("google/gemma-2-9b", "gemma")).conflicts("a/x")
    assert (ids(unknown), ids(unknown, Level.GAP)) == (set(), {"own-license-unknown"})
    assert ids(line(("a/x", ""), ("b/x", "cc-by-nd-4.0")).conflicts("a/x")) == {"no-derivatives"}
    assert line(("a/x", ""), ("b/x", "mit")).conflicts("a/x") == ()


@pytest.mark.parametrize(
    ("model", "relation", "license_", "told"),
    [("acme/Llama-3.1-bot", "finetune", "llama3.1", False), ("acme/llama_bot", "finetune", "llama3.2", False),
     ("acme/bot-of-Llama", "finetune", "llama3.1", True), ("acme/bot", "merge", "llama3", True),
     ("acme/Meta-Llama-3-8B-tuned", "finetune", "llama3", False), ("acme/Llama-tuned", "finetune", "llama3", True),
     ("acme/bot-GGUF", "quantized", "llama3.1", False), ("acme/bot", "finetune", "llama2", False)],
)  # fmt: skip
def test_the_name_that_a_licence_asks_for_is_a_duty(model: str, relation: str, license_: str, *, told: bool) -> None:
    conflicts = line((model, license_), ("meta-llama/base", license_), relation=relation).conflicts(model)
    assert ids(conflicts) == set()
    assert ("naming-missing" in ids(conflicts, Level.DUTY)) is told


def test_notices_are_looked_for_only_where_the_files_are_known() -> None:
    family = line(("acme/Llama-bot", "llama3.1"), ("meta-llama/Llama-3.1-8B", "llama3.1"))
    assert family.conflicts("acme/Llama-bot") == ()
    bare = family.conflicts("acme/Llama-bot", card_text="A bot.", paths=frozenset({"model.safetensors", "README.md"}))
    assert ids(bare, Level.DUTY) == {"built-with-missing", "agreement-missing"}
    whole = family.conflicts(
        "acme/Llama-bot", card_text="# Bot\nbuilt   with\nLlama", paths=frozenset({"LICENSE.txt", "Notice"})
    )
    assert whole == ()
    text_alone = family.conflicts("acme/Llama-bot", paths=frozenset({"LICENSE.txt", "USE_POLICY.md"}))
    assert ids(text_alone, Level.DUTY) == {"notice-missing"}


@pytest.mark.parametrize(
    ("dataset", "own", "expected"),
    [
        ("cc-by-nc-sa-4.0", "apache-2.0", {"dataset-non-commercial", "dataset-share-alike"}),
        ("cc-by-4.0", "apache-2.0", set()),
        ("cc-by-nc-4.0", "cc-by-nc-4.0", set()),
        ("odbl", "mit", {"dataset-share-alike"}),
        ("cc-by-nd-4.0", "mit", {"dataset-no-derivatives"}),
        ("cc-by-nc-4.0", "", set()),
    ],
)
def test_what_a_data_set_asks_for_is_a_warning(dataset: str, own: str, expected: set[str]) -> None:
    family = line(("acme/x", own))
    conflicts = family.conflicts("acme/x", datasets={"d/set": licensed(dataset), "d/unknown": None})
    assert (ids(conflicts), ids(conflicts, Level.WARNING)) == (set(), expected)


def test_a_choice_of_licences_grants_the_freest() -> None:
    one = licensed("mit")
    either = type(one)(("mit", "gpl-3.0"), "MIT OR GPL-3.0-only", "copyleft")
    family = line(("a/x", "mit"), ("b/x", "mit"))
    node = family.node("b/x")
    lineage = family.walk("a/x")
    hop = lineage.hops[0]
    assert node.license == one
    changed = type(lineage)(
        lineage.root, (type(hop)(hop.child, hop.parent, "finetune", "card", 1, hop.state, "", either),)
    )
    assert conflicts_of(one, changed) == ()


def test_the_data_speaks_only_of_terms_and_licences_that_there_are() -> None:
    data = knowledge()
    for rule in data.rules.values():
        assert (rule.asks | rule.kept_by) <= set(known_terms()), rule.id
        assert rule.unless <= set(data.rules), rule.id
        assert rule.about, rule.id
    listed: set[str] = (
        set(data.names) | set(data.sentences) | set(data.notice_files) | set(data.beside_others) | set(data.compatible)
    )
    listed |= {name for others in data.compatible.values() for name in others} | {
        name for one in data.families for name in one
    }
    assert listed <= set(known_licenses())
    assert data.restrictions <= set(known_terms())
    for license_, entry in known_licenses().items():
        if "naming" in entry.terms:
            assert license_ in data.names


LICENSES = st.sampled_from(
    ["mit", "apache-2.0", "gemma", "llama2", "llama3", "llama3.1", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-sa-4.0"]
) | st.sampled_from(["gpl-3.0", "cc-by-nd-4.0", "creativeml-openrail-m", "other", "agpl-3.0", "lgpl-3.0"])  # fmt: skip
RELATIONS = st.sampled_from(["finetune", "adapter", "merge", "quantized", ""])
NAMES = [f"o{number}/m" for number in range(6)]


@st.composite
def families(draw: st.DrawFn) -> Family:
    licenses: Mapping[str, str] = {name: draw(LICENSES) for name in NAMES}
    parent = st.tuples(st.sampled_from(NAMES), RELATIONS)
    parents = {name: tuple(draw(st.lists(parent, max_size=3, unique_by=lambda one: one[0]))) for name in NAMES}
    return Family(licenses, parents, {})


@given(families(), st.sampled_from(["mit", "apache-2.0", "bsd-3-clause", "cc-by-4.0"]), RELATIONS)
def test_one_more_permissive_parent_never_takes_a_conflict_away(family: Family, license_: str, relation: str) -> None:
    more = Family(
        {**family.licenses, "new/m": license_},
        {**family.parents, NAMES[0]: (*family.parents[NAMES[0]], ("new/m", relation))},
        {},
    )
    before = {(one.id, one.parent, one.level) for one in family.conflicts(NAMES[0])}
    assert before <= {(one.id, one.parent, one.level) for one in more.conflicts(NAMES[0])}


@given(families(), st.randoms(use_true_random=False))
def test_the_order_of_parents_changes_no_conflict(family: Family, random: Any) -> None:
    shuffled = {name: tuple(random.sample(parents, len(parents))) for name, parents in family.parents.items()}
    assert Family(family.licenses, shuffled, {}).conflicts(NAMES[0]) == family.conflicts(NAMES[0])


@given(families())
def test_permissive_ancestors_alone_are_never_in_conflict(family: Family) -> None:
    free = {name: "apache-2.0" if number % 2 else "mit" for number, name in enumerate(NAMES)}
    for own in ("gemma", "gpl-3.0", "cc-by-nc-nd-4.0", "mit"):
        assert ids(Family({**free, NAMES[0]: own}, family.parents, {}).conflicts(NAMES[0])) == set()


@given(families())
def test_every_conflict_can_be_read_and_mended(family: Family) -> None:
    for conflict in family.conflicts(NAMES[0]):
        assert conflict.parent in conflict.clause
        assert conflict.clause.endswith(".")
        assert conflict.cure.endswith(".")
        assert "{" not in conflict.clause + conflict.cure


@given(
    st.lists(st.text() | st.sampled_from(["MIT OR gemma", "GPL-3.0-only WITH x", "(", "other"]), min_size=3, max_size=3)
)
def test_a_licence_that_is_garbage_breaks_nothing(texts: list[str]) -> None:
    own, near, far = (license_of({"license": text}) for text in texts)
    hops = (
        Hop("a/x", "b/x", "finetune", "card", 1, State.RESOLVED, "", near),
        Hop("b/x", "c/x", "adapter", "card", 2, State.RESOLVED, "", far),
    )
    for conflict in conflicts_of(own, Lineage("a/x", hops), datasets={"d/x": far}, card_text="", paths=frozenset()):
        assert "{" not in conflict.cure
