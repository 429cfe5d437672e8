"""A parent that nobody names is recognised by what cannot be had by chance, and nothing is said of what can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanners.formats.tensors.tensor_map import TensorMap as Noted
from scanners.repository.fingerprints import (
    Fingerprint,
    SeenFile,
    fingerprint_of,
    resemblance,
    same_weights,
    undeclared_parents,
    weights_of,
)
from scanners.repository.sizes import context_length_of, parameters_of

LLAMA = {
    "model_type": "llama",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "vocab_size": 128256,
}
BERT = {
    "model_type": "bert",
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "vocab_size": 30522,
}
LLAMA_TENSORS = {"model.embed_tokens.weight": [128256, 2048]} | {
    f"model.layers.{layer}.{name}.weight": shape
    for layer in range(16)
    for name, shape in (
        ("self_attn.q_proj", [2048, 2048]),
        ("mlp.up_proj", [8192, 2048]),
        ("mlp.down_proj", [2048, 8192]),
        ("norm", [2048]),
    )
}
BERT_TENSORS = {"embeddings.word_embeddings.weight": [30522, 768]} | {
    f"encoder.layer.{layer}.output.dense.weight": [768, 3072] for layer in range(12)
}


def noted(tensors: Mapping[str, list[int]], dtype: str = "BF16") -> dict[str, Any]:
    """What a scan of safetensors notes."""
    tensor_map, elements = Noted(), 0
    for name, shape in tensors.items():
        tensor_map.add(name, dtype, shape)
        elements += shape[0] * (shape[1] if len(shape) > 1 else 1)
    return {"tensors": len(tensors), "parameters": {dtype: elements}, "tensor_map": tensor_map.facts()}


def seen(path: str, metadata: Mapping[str, Any] | None = None, size: int = 1 << 30, blob: str = "") -> SeenFile:
    return SeenFile(path, size, f"sha256:{blob or path}", metadata or {})


def model(
    tensors: Mapping[str, list[int]] = LLAMA_TENSORS,
    config: Mapping[str, Any] = LLAMA,
    tokenizer: str | None = "llama-3",
    dtype: str = "BF16",
) -> Fingerprint:
    files = [seen("model.safetensors", noted(tensors, dtype))]
    if tokenizer is not None:
        files.append(seen("tokenizer.json", {"vocabulary": tokenizer}))
    return fingerprint_of(files, {"config.json": dict(config)})


def kind(one: Fingerprint, other: Fingerprint) -> str | None:
    found = resemblance(one, other)
    assert found == resemblance(other, one)
    return found.kind if found else None


def test_the_same_tensors_and_tokenizer_are_the_same_model() -> None:
    found = resemblance(model(), model())
    assert found is not None
    assert found.kind == "same-model"
    assert found.why == "exactly the same tensors (names, shapes and types) and the same vocabulary"


def test_a_cast_and_shards_hide_nothing() -> None:
    names = list(LLAMA_TENSORS)
    shards = [names[:20], names[20:]]
    files = [
        seen(f"model-0000{number}-of-00002.safetensors", noted({name: LLAMA_TENSORS[name] for name in part}, "F16"))
        for number, part in enumerate(shards, 1)
    ]
    files.append(seen("tokenizer.json", {"vocabulary": "llama-3"}))
    sharded = fingerprint_of(files, {"config.json": LLAMA})
    assert kind(sharded, model()) == "same-model"
    assert fingerprint_of(files[1:], {"config.json": LLAMA}).maps == ()  # A shard is missing: nothing is known.


def test_a_quantised_gguf_is_recognised_by_its_matrices() -> None:
    renamed = {f"blk.{number}.weight": shape for number, shape in enumerate(LLAMA_TENSORS.values())}
    files = [
        seen(f"model-{name}.gguf", noted(renamed, name) | {"vocabulary": "llama-3"}) for name in ("Q4_K_M", "Q8_0")
    ]
    quantised = fingerprint_of(files, {})
    assert len(quantised.maps) == 1
    found = resemblance(quantised, model())
    assert found is not None
    assert found.kind == "same-model"
    assert found.why == "matrices of the same shapes and the same vocabulary"


def test_a_checkpoint_of_torch_is_recognised_by_its_matrices() -> None:
    checkpoint = noted(LLAMA_TENSORS, "F16")
    checkpoint["tensor_map"] = checkpoint["tensor_map"] | {"exact": "", "shapes": ""}
    files = [seen("pytorch_model.bin", checkpoint), seen("tokenizer.json", {"vocabulary": "llama-3"})]
    pickled = fingerprint_of(files, {"config.json": LLAMA})
    assert kind(pickled, model()) == "same-model"
    assert not any(key.endswith(":") for key in pickled.keys())  # noqa: SIM118 - no dictionary


def test_packed_weights_are_recognised_by_their_sizes_and_vocabulary() -> None:
    packed = {name.replace(".weight", ".qweight"): [shape[0], shape[-1] // 8] for name, shape in LLAMA_TENSORS.items()}
    for how in ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, {"quantization": {"bits": 4}}):
        found = resemblance(model(packed, LLAMA | how, dtype="I32"), model())
        assert found is not None
        assert found.kind == "same-model"
        assert "packed" in found.why
    awq = {"quantization_config": {"quant_method": "awq"}}
    assert kind(model(packed, LLAMA | awq, "own"), model()) is None
    assert kind(model(packed, LLAMA | awq | {"vocab_size": 32000}), model()) is None
    assert kind(model(packed, LLAMA | awq | {"num_hidden_layers": 28}), model()) is None
    assert kind(model(packed), model()) is None  # Not packed, and other tensors: another model of this size.


def test_a_gguf_with_its_experts_stacked_is_recognised_by_what_it_says_of_its_sizes() -> None:
    sizes = {"hidden": 2048, "layers": 16, "heads": 32, "key heads": 8}
    stacked = noted({f"blk.{layer}.ffn_up_exps.weight": [2048, 1 << 20] for layer in range(16)}, "Q4_K")
    file = seen("m.gguf", stacked | {"sizes": sizes, "tokens": 128256, "vocabulary": "llama-3"})
    assert kind(fingerprint_of([file], {}), model(config=LLAMA | {"num_key_value_heads": 8})) == "same-model"
    assert kind(fingerprint_of([file], {}), model(config=LLAMA | {"num_key_value_heads": 16})) is None


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(model(tokenizer="own"), None, id="the same architecture with another tokenizer is no evidence"),
        pytest.param(model(tokenizer=None), "same-architecture", id="without a tokenizer it is the architecture alone"),
        pytest.param(model(config=LLAMA | {"num_attention_heads": 16}), None, id="another configuration"),
        pytest.param(model(tensors=LLAMA_TENSORS | {"lm_head.weight": [128256, 2048]}), None, id="one tensor more"),
        pytest.param(model(BERT_TENSORS, BERT), None, id="another model"),
        pytest.param(Fingerprint(), None, id="nothing known"),
    ],
)
def test_what_is_alike_by_chance_is_no_model(other: Fingerprint, expected: str | None) -> None:
    assert kind(model(), other) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(model(BERT_TENSORS, BERT, "bert"), "same-architecture", id="the same tokenizer and configuration"),
        pytest.param(model(BERT_TENSORS, BERT, "medical"), None, id="trained with a vocabulary of its own"),
        pytest.param(model(BERT_TENSORS, BERT, None), None, id="nothing but tensors"),
        pytest.param(model(BERT_TENSORS, BERT | {"num_attention_heads": 8}, "bert"), None, id="another configuration"),
    ],
)
def test_a_common_architecture_is_never_called_the_same_model(other: Fingerprint, expected: str | None) -> None:
    assert kind(model(BERT_TENSORS, BERT, "bert"), other) == expected


def test_toys_resemble_nothing() -> None:
    tiny = {f"layer.{number}.weight": [8, 8] for number in range(40)}
    assert kind(model(tiny), model(tiny)) is None


def test_a_parent_that_is_not_named_is_suggested_and_one_that_is_explains_the_others() -> None:
    base, other = model(), model(BERT_TENSORS, BERT, "bert")
    others = {
        "meta-llama/Llama-3.2-1B": base,
        "meta-llama/Llama-3.2-1B-Instruct": base,
        "google-bert/bert-base-uncased": other,
    }
    found = undeclared_parents(model(dtype="F16"), {}, others)
    assert [name for name, _ in found] == ["meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B-Instruct"]
    assert undeclared_parents(model(), {"meta-llama/Llama-3.2-1B": base}, others) == ()
    assert len(undeclared_parents(model(), {"google-bert/bert-base-uncased": other}, others)) == 2


def test_a_fingerprint_is_kept_as_json_and_found_by_its_keys() -> None:
    one = model()
    assert Fingerprint.from_json(json.loads(json.dumps(one.as_json()))) == one
    assert set(one.keys()) & set(model(dtype="F16").keys())
    assert not set(one.keys()) & set(model(BERT_TENSORS, BERT, "bert").keys())


def test_adapters_and_parts_in_folders_are_not_the_model() -> None:
    files = [seen("adapter_model.safetensors", noted(LLAMA_TENSORS)), seen("part/tokenizer.json", {"vocabulary": "x"})]
    assert fingerprint_of(files, {}) == Fingerprint()


def test_how_large_a_model_is_and_how_much_it_takes_at_once() -> None:
    sharded = [seen(f"model-0000{number}-of-00002.safetensors", noted(BERT_TENSORS)) for number in (1, 2)]
    whole = sum(shape[0] * shape[1] for shape in BERT_TENSORS.values())
    assert parameters_of(sharded) == 2 * whole
    assert parameters_of([seen("a-Q4.gguf", noted(BERT_TENSORS)), seen("a-Q8.gguf", noted(BERT_TENSORS))]) == whole
    assert parameters_of([]) == 0
    assert context_length_of([], {"config.json": {"max_position_embeddings": 4096}}) == 4096
    assert context_length_of([], {"config.json": {"text_config": {"max_position_embeddings": "8192"}}}) == 8192
    assert context_length_of([seen("a.gguf", {"context_length": 32768})], {}) == 32768
    assert context_length_of([seen("a.gguf")], {"config.json": [1]}) == 0


def test_weights_that_others_have_count_and_what_everybody_has_does_not() -> None:
    files = [
        seen("model.safetensors", blob="w"),
        seen("README.md", blob="r"),
        seen("optimizer.pt", blob="o"),
        seen("vae/diffusion_pytorch_model.safetensors", blob="v"),
        seen("tokenizer.model", blob="t"),
        seen("head.safetensors", blob="h", size=1000),
        seen("mmproj-model-f16.gguf", blob="p"),
    ]
    assert weights_of(files) == {"sha256:w"}


def test_a_part_that_was_taken_over_is_no_copy() -> None:
    copied = [seen("model-00001-of-00002.safetensors", blob="a"), seen("model-00002-of-00002.safetensors", blob="b")]
    renamed = [seen("pytorch_model.bin", blob="a"), seen("x.gguf", blob="c", size=1 << 29)]
    assert same_weights(renamed, copied) == {"sha256:a"}
    assert same_weights([*renamed, seen("y.gguf", blob="d", size=1 << 31)], copied) == frozenset()
    assert same_weights([], copied) == frozenset()


ANY_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
METADATA = st.dictionaries(
    st.sampled_from(["tensor_map", "tensors", "parameters", "vocabulary", "context_length"]),
    ANY_VALUE | st.dictionaries(st.sampled_from(["exact", "shapes", "outline", "F32"]), ANY_VALUE),
)
FILES = st.lists(
    st.builds(
        SeenFile,
        st.sampled_from(
            [
                "model.safetensors",
                "m-00001-of-00002.safetensors",
                "m-00002-of-00002.safetensors",
                "tokenizer.json",
                "x.gguf",
            ]
        ),
        st.integers(0, 1 << 40),
        st.text(),
        METADATA,
    )
)


@settings(max_examples=40)  # each of them is large
@given(
    FILES,
    st.dictionaries(
        st.just("config.json"), ANY_VALUE | st.dictionaries(st.sampled_from([*LLAMA, "text_config"]), ANY_VALUE)
    ),
)
def test_garbage_has_a_fingerprint_too(files: list[SeenFile], documents: dict[str, Any]) -> None:
    one = fingerprint_of(files, documents)
    assert Fingerprint.from_json(json.loads(json.dumps(one.as_json()))) == one
    assert parameters_of(files) >= 0
    assert context_length_of(files, documents) >= 0
    resemblance(one, model())
    same_weights(files, files)
