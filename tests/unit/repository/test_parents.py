"""What a model was made from is found where people and tools write it, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanners.repository.parents import Parent, datasets_of, known_parents, parents_of, wants

ANY_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = st.sampled_from(
    [
        "base_model",
        "base_model_relation",
        "tags",
        "library_name",
        "datasets",
        "_name_or_path",
        "models",
        "model",
        "lora",
    ]
) | st.sampled_from(
    ["slices", "sources", "base_models", "base_model_name_or_path", "revision", "repo_url", "name", "source"]
)
ANY_DOCUMENT = st.dictionaries(
    KEYS, ANY_VALUE | st.dictionaries(KEYS, ANY_VALUE) | st.lists(st.dictionaries(KEYS, ANY_VALUE))
)
CACHED = (
    "/home/jo/.cache/huggingface/hub/models--meta-llama--Llama-2-7b-hf/"
    "snapshots/01c7f73d771dfac7d292323805ebc428287df4f9"
)
CLIP, SD = "openai/clip-vit-large-patch14-336", "runwayml/stable-diffusion-v1-5"


def named(*args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    """Repositories with their relations."""
    return [(parent.repository, parent.relation) for parent in parents_of(*args, **kwargs)]


@pytest.mark.parametrize(
    ("card", "documents", "expected"),
    [
        pytest.param(
            {"base_model": "mistralai/Mistral-7B-v0.1", "license": "mit"}, {},
            [("mistralai/Mistral-7B-v0.1", "finetune")], id="HuggingFaceH4/zephyr-7b-beta",
        ),
        pytest.param(
            {"base_model": "meta-llama/Llama-3.1-8B-Instruct", "library_name": "peft"}, {},
            [("meta-llama/Llama-3.1-8B-Instruct", "adapter")], id="an adapter by its library",
        ),
        pytest.param(
            {"base_model": ["OpenPipe/mistral-ft-optimized-1218", "mlabonne/NeuralHermes-2.5-Mistral-7B"]}, {},
            [("OpenPipe/mistral-ft-optimized-1218", "merge"), ("mlabonne/NeuralHermes-2.5-Mistral-7B", "merge")],
            id="mlabonne/NeuralPipe-7B-slerp",
        ),
        pytest.param(
            {"base_model": "meta-llama/Llama-3.2-1B-Instruct", "quantized_by": "bartowski", "tags": ["gguf"]}, {},
            [("meta-llama/Llama-3.2-1B-Instruct", "quantized")], id="bartowski/Llama-3.2-1B-Instruct-GGUF",
        ),
        pytest.param(
            {"base_model": "Replete-AI/Replete-LLM-Qwen2-7b", "base_model_relation": "quantized"}, {},
            [("Replete-AI/Replete-LLM-Qwen2-7b", "quantized")], id="what the card says of the relation counts",
        ),
        pytest.param(
            {"base_model": "a/b", "base_model_relation": "Fine-Tuned", "tags": ["lora"]}, {},
            [("a/b", "finetune")], id="however it is spelled",
        ),
        pytest.param(
            {"base_model": "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/"}, {},
            [("stabilityai/stable-diffusion-xl-base-1.0", "finetune")], id="an address in the card",
        ),
        pytest.param(
            {"base_model": "unsloth/llama-3-8b-bnb-4bit"},
            {"adapter_config.json": {"base_model_name_or_path": "unsloth/llama-3-8b-bnb-4bit", "revision": None}},
            [("unsloth/llama-3-8b-bnb-4bit", "adapter")], id="card and adapter agree: one parent",
        ),
        pytest.param(
            {}, {"adapter_config.json": {"base_model_name_or_path": "codellama/CodeLlama-7b-hf", "peft_type": "LORA"}},
            [("codellama/CodeLlama-7b-hf", "adapter")], id="only the adapter says it",
        ),
        pytest.param(
            {}, {"adapter_config.json": {"model": "mlx-community/Qwen2.5-7B-Instruct-4bit", "fine_tune_type": "lora"}},
            [("mlx-community/Qwen2.5-7B-Instruct-4bit", "adapter")], id="an adapter of MLX",
        ),
        pytest.param(
            {}, {"config.json": {"_name_or_path": "bert-base-uncased", "architectures": ["BertModel"]}},
            [("bert-base-uncased", "finetune")], id="one of the oldest, which have no owner",
        ),
        pytest.param(
            {}, {"config.json": {"_name_or_path": CACHED}},
            [("meta-llama/Llama-2-7b-hf", "finetune")], id="the Hub's cache on somebody's disk",
        ),
        pytest.param(
            {}, {"config.json": {"text_config": {"_name_or_path": "lmsys/vicuna-7b-v1.5"}, "mm_vision_tower": CLIP}},
            [(CLIP, ""), ("lmsys/vicuna-7b-v1.5", "")], id="llava: a model of two parts",
        ),
        pytest.param(
            {}, {"model_index.json": {"_name_or_path": SD}, "text_encoder/config.json": {"_name_or_path": CLIP}},
            [(SD, "finetune"), (CLIP, "")], id="a pipeline of diffusers",
        ),
        pytest.param(
            {}, {"quantize_config.json": {"bits": 4, "model_name_or_path": "mistralai/Mixtral-8x7B-v0.1"}},
            [("mistralai/Mixtral-8x7B-v0.1", "quantized")], id="AutoGPTQ",
        ),
    ],
)  # fmt: skip
def test_a_parent_is_found_where_it_is_named(card: Any, documents: Any, expected: list[tuple[str, str]]) -> None:
    assert named(card, documents, {}) == expected


@pytest.mark.parametrize(
    "path",
    ["/home/jo/out", "./ckpt", "../base", "~/models/llama", "C:\\models\\llama", "models/llama-7b", "a/b/c", "llama",
     "checkpoint-500", "output/checkpoint-500", "out", "/data/meta-llama/Llama-3.2-1B", "$HOME/llama", "jo/run-7", "s3://b/c",
     "None", "", " ", "a--b/c", "a/b c", "https://example.org/meta-llama/Llama-3.2-1B", "x" * 5000, "meta-llama/../x"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("file", "key"), [("config.json", "_name_or_path"), ("adapter_config.json", "base_model_name_or_path")]
)
def test_a_folder_of_somebodys_machine_is_no_parent(path: str, file: str, key: str) -> None:
    assert parents_of({}, {file: {key: path}}, {}) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mistralai/Mixtral-8x7B-v0.1/", ("mistralai/Mixtral-8x7B-v0.1", "")),
        ("  01-ai/Yi-34B ", ("01-ai/Yi-34B", "")),
        ("gpt2", ("gpt2", "")),
        ("Qwen/Qwen2.5-7B@v1.0", ("Qwen/Qwen2.5-7B", "v1.0")),
        ("hf.co/Qwen/Qwen2.5-7B/tree/refs", ("Qwen/Qwen2.5-7B", "refs")),
        ("https://huggingface.co/Qwen/Qwen2.5-7B/blob/0123abcd/README.md?x=1", ("Qwen/Qwen2.5-7B", "0123abcd")),
        ("https://huggingface.co/Qwen/Qwen2.5-7B/tree/main", ("Qwen/Qwen2.5-7B", "")),
        ("hf://nvidia/Llama-3_1-Nemotron-51B", ("nvidia/Llama-3_1-Nemotron-51B", "")),
        ("models/llama", ("models/llama", "")),
        ("https://huggingface.co/datasets/a/b", None),
        ("https://huggingface.co/spaces/a/b", None),
        ("https://github.com/a/b", None),
        ("A model by Meta", None),
    ],
)
def test_a_card_may_write_a_repository_in_many_ways(text: str, expected: tuple[str, str] | None) -> None:
    found = [(parent.repository, parent.revision) for parent in parents_of({"base_model": text}, {}, {})]
    assert found == ([expected] if expected else [])


def test_a_merge_names_all_that_went_into_it() -> None:
    config = {
        "merge_method": "dare_ties",
        "base_model": "mistralai/Mistral-7B-v0.1",
        "models": [
            {"model": "teknium/OpenHermes-2.5-Mistral-7B", "parameters": {"weight": 0.5}},
            {"model": "Intel/neural-chat-7b-v3-3@refs/pr/7+jo/my-lora@v2"},
            {
                "model": {
                    "model": {"path": "HuggingFaceH4/zephyr-7b-beta", "revision": "abc"},
                    "lora": {"path": "./lora"},
                }
            },
        ],
        "slices": [{"sources": [{"model": "beowolx/CodeNinja-1.0-OpenChat-7B", "layer_range": [0, 32]}]}],
        "experts": [{"source_model": "WizardLM/WizardMath-7B-V1.1", "positive_prompts": ["x"]}],
        "tokenizer_source": "union",
        "dtype": "bfloat16",
    }
    found = {(one.repository, one.revision) for one in parents_of({}, {"mergekit_config.yml": config}, {})}
    assert found == {
        ("mistralai/Mistral-7B-v0.1", ""),
        ("teknium/OpenHermes-2.5-Mistral-7B", ""),
        ("Intel/neural-chat-7b-v3-3", "refs/pr/7"),
        ("jo/my-lora", "v2"),
        ("HuggingFaceH4/zephyr-7b-beta", "abc"),
        ("beowolx/CodeNinja-1.0-OpenChat-7B", ""),
        ("WizardLM/WizardMath-7B-V1.1", ""),
    }


def test_a_gguf_names_what_the_model_in_it_was_made_from() -> None:
    base = {"name": "Qwen2.5 1.5B", "organization": "Qwen", "repo_url": "https://huggingface.co/Qwen/Qwen2.5-1.5B"}
    card = {"base_model": "Qwen/Qwen2.5-1.5B-Instruct", "tags": ["gguf"]}
    assert named(card, {}, {"m-Q4_K_M.gguf": {"base_models": [base]}, "m-Q8_0.gguf": {"base_models": [base]}}) == [
        ("Qwen/Qwen2.5-1.5B-Instruct", "quantized"),
        ("Qwen/Qwen2.5-1.5B", ""),
    ]
    del base["repo_url"]
    assert named({}, {}, {"m.gguf": {"base_models": [base]}}) == [("Qwen/Qwen2.5-1.5B", "")]
    assert named(card, {}, {"m.gguf": {"base_models": [base]}}) == [("Qwen/Qwen2.5-1.5B-Instruct", "quantized")]
    source = {"source": "https://huggingface.co/Qwen/Qwen3-4B"}
    assert named({}, {}, {"m.gguf": source}) == [("Qwen/Qwen3-4B", "quantized")]


def test_the_tags_of_the_hub_tell_the_relation() -> None:
    tags = ["gguf", "base_model:google/gemma-2-9b", "base_model:quantized:google/gemma-2-9b", "license:gemma"]
    assert parents_of(None, {}, {}, tags) == (Parent("google/gemma-2-9b", "quantized", "tags"),)


def test_a_quantised_copy_of_a_merge_is_no_merge() -> None:
    card = {"base_model": "mlabonne/NeuralPipe-7B-slerp", "tags": ["merge", "mergekit"], "quantized_by": "mradermacher"}
    assert named(card, {}, {"m.i1-Q4_K_M.gguf": {}}) == [("mlabonne/NeuralPipe-7B-slerp", "quantized")]
    tags = ["merge", "base_model:mlabonne/NeuralPipe-7B-slerp", "base_model:quantized:mlabonne/NeuralPipe-7B-slerp"]
    assert named(card, {}, {}, tags) == [("mlabonne/NeuralPipe-7B-slerp", "quantized")]


def test_what_several_places_say_is_put_together_from_the_surest() -> None:
    documents = {"adapter_config.json": {"base_model_name_or_path": "META-LLAMA/Llama-3.2-1B", "revision": "deadbeef"}}
    (parent,) = parents_of(
        {"base_model": "meta-llama/Llama-3.2-1B"}, documents, {}, ["base_model:meta-llama/Llama-3.2-1B"]
    )
    assert parent == Parent("meta-llama/Llama-3.2-1B", "adapter", "card", "deadbeef")


def test_a_file_that_names_its_own_repository_names_no_parent() -> None:
    documents = {"config.json": {"_name_or_path": "meta-llama/llama-2-7b-hf"}}
    assert parents_of({}, documents, {}, repository="meta-llama/Llama-2-7b-hf") == ()
    assert parents_of({"base_model": "a/b"}, {}, {}, repository="a/b") == (Parent("a/b", "finetune", "card"),)


def test_what_a_well_known_model_tells_in_prose_alone_is_known() -> None:
    (parent,) = parents_of({"license": "mit"}, {}, {}, repository="deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert parent == Parent("meta-llama/Llama-3.1-8B", "finetune", "known")
    assert all(parents for parents in known_parents().values())


def test_the_data_sets_of_a_card_are_no_parents() -> None:
    card = {
        "datasets": [
            "imdb",
            "HuggingFaceH4/no_robots",
            "https://huggingface.co/datasets/allenai/c4/tree/main",
            "./mine",
            3,
        ]
    }
    assert parents_of(card, {}, {}) == ()
    assert datasets_of(card, ["dataset:IMDB", "dataset:bigcode/the-stack"]) == (
        "imdb",
        "HuggingFaceH4/no_robots",
        "allenai/c4",
        "bigcode/the-stack",
    )


@pytest.mark.parametrize(
    ("path", "read"),
    [("config.json", True), ("unet/config.json", True), ("a/b/config.json", False), ("README.md", False),
     ("mergekit_config.yml", True), ("adapter_config.json", True), ("tokenizer.json", False)],
)  # fmt: skip
def test_only_documents_that_may_name_a_parent_are_read(path: str, *, read: bool) -> None:
    assert wants(path) is read


@settings(max_examples=30)  # each of them is large
@given(
    ANY_VALUE | ANY_DOCUMENT,
    st.dictionaries(
        st.sampled_from(["config.json", "adapter_config.json", "mergekit_config.yml", "x/config.json"]),
        ANY_VALUE | ANY_DOCUMENT,
        max_size=1,
    ),
    st.dictionaries(st.text(), ANY_DOCUMENT, max_size=1),
    st.lists(st.text() | st.text().map("base_model:{}".format), max_size=3),
)  # fmt: skip
def test_garbage_names_nobody_and_breaks_nothing(card: Any, documents: Any, gguf: Any, tags: list[str]) -> None:
    for parent in parents_of(card, documents, gguf, tags):
        assert parent.repository.count("/") <= 1
        assert parent.relation in ("", "adapter", "merge", "quantized", "finetune")
    datasets_of(card, tags)
