"""What a scan notes of tensors and vocabularies lets models be recognised in other shards, types and formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from scanners.finding import Verdict
from scanners.formats.tensors.tensor_map import joined
from tests.scanning import TORCH_LEGACY, TORCH_ZIP, judged

TENSORS = {
    "model.embed_tokens.weight": (40, 8),
    "model.layers.0.self_attn.q_proj.weight": (8, 8),
    "model.layers.0.mlp.up_proj.weight": (24, 8),
    "model.layers.0.input_layernorm.weight": (8,),
}
SIZES = {"F32": 4, "BF16": 2, "F16": 2}


def safetensors(tensors: Mapping[str, tuple[int, ...]], dtype: str = "BF16") -> bytes:
    header: dict[str, Any] = {}
    end = 0
    for name, shape in tensors.items():
        begin, end = end, end + SIZES[dtype] * int(np.prod(shape))
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(end)


def map_of(content: bytes) -> dict[str, str]:
    report = judged(content, "model.safetensors")
    assert report.verdict is Verdict.SAFE
    return dict(report.metadata["tensor_map"])


def tokenizer(vocabulary: Mapping[str, int], **others: Any) -> bytes:
    return json.dumps(
        {"version": "1.0", **others, "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}
    ).encode()


WORDS = {f"w\u0120{number}": number for number in range(5000)}


def test_a_model_in_shards_has_the_tensors_of_the_whole() -> None:
    names = list(TENSORS)
    first = map_of(safetensors({name: TENSORS[name] for name in names[:1]}))
    second = map_of(safetensors({name: TENSORS[name] for name in names[1:]}))
    whole = map_of(safetensors(dict(reversed(TENSORS.items()))))
    assert {key: joined([first[key], second[key]]) for key in whole} == whole


def test_a_cast_changes_the_types_alone() -> None:
    one, other = map_of(safetensors(TENSORS, "BF16")), map_of(safetensors(TENSORS, "F16"))
    assert one["exact"] != other["exact"]
    assert one["shapes"] == other["shapes"]


@pytest.mark.parametrize("name", TENSORS)
def test_another_shape_or_name_is_another_model(name: str) -> None:
    whole = map_of(safetensors(TENSORS))
    assert map_of(safetensors(TENSORS | {name: (*TENSORS[name][:-1], 9)}))["shapes"] != whole["shapes"]
    renamed = {("other." + key if key == name else key): shape for key, shape in TENSORS.items()}
    assert map_of(safetensors(renamed))["shapes"] != whole["shapes"]


def test_a_quantised_gguf_has_the_matrices_of_the_model_it_was_made_from(tmp_path: Path) -> None:
    path = tmp_path / "model-Q8_0.gguf"
    matrices = {"model.embed_tokens.weight": (64, 32), "model.layers.0.mlp.up_proj.weight": (96, 32)}
    writer = gguf.GGUFWriter(path, "llama")
    for name, (rows, columns) in zip(("token_embd.weight", "blk.0.ffn_up.weight"), matrices.values(), strict=True):
        data = np.zeros((rows, columns // 32 * 34), dtype=np.uint8)
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.0.attn_norm.weight", np.zeros(32, dtype=np.float32))
    writer.add_token_list(list(WORDS))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    report = judged(path.read_bytes(), path.name)
    assert report.metadata["tensor_map"]["outline"] == map_of(safetensors(matrices))["outline"]
    assert report.metadata["vocabulary"] == judged(tokenizer(WORDS), "tokenizer.json").metadata["vocabulary"]
    assert report.metadata["tokens"] == len(WORDS)


@pytest.mark.parametrize("path", [TORCH_ZIP, TORCH_LEGACY])
def test_a_checkpoint_of_torch_has_the_matrices_of_the_same_model_in_safetensors(path: Path) -> None:
    same = safetensors({"embedding": (20, 8), "linear": (8, 8), "bias": (8,)})
    assert judged(path.read_bytes(), path.name).metadata["tensor_map"] == {
        "exact": "",
        "shapes": "",
        "outline": map_of(same)["outline"],
    }


def test_a_tokenizer_is_known_by_its_vocabulary_and_not_by_what_is_around_it() -> None:
    plain = judged(tokenizer(WORDS), "tokenizer.json").metadata["vocabulary"]
    padded = tokenizer(WORDS, padding={"pad_id": 3}, added_tokens=[{"id": 5000, "content": "<pad>"}])
    longer = tokenizer(WORDS | {f"new{number}": 5000 + number for number in range(20)})
    shuffled = tokenizer(dict(reversed(WORDS.items())))
    indented = json.dumps(json.loads(tokenizer(WORDS)), indent=2, ensure_ascii=False).encode()
    for other in (padded, longer, indented):
        assert judged(other, "tokenizer.json").metadata["vocabulary"] == plain
    assert judged(shuffled, "tokenizer.json").metadata["vocabulary"] == plain
    assert judged(tokenizer(WORDS | {"w\u01205": 7}), "tokenizer.json").metadata.get("vocabulary") != plain


def test_the_vocabulary_of_a_unigram_model_is_read_in_its_order() -> None:
    def unigram(words: list[str]) -> bytes:
        return json.dumps(
            {"model": {"type": "Unigram", "unk_id": 0, "vocab": [[word, -1.5] for word in words]}}
        ).encode()

    one = judged(unigram(["<unk>", "\u2581the", '"']), "tokenizer.json").metadata["vocabulary"]
    assert judged(tokenizer({"<unk>": 0, "\u2581the": 1, '"': 2}), "tokenizer.json").metadata["vocabulary"] == one
    assert judged(unigram(["<unk>", '"', "\u2581the"]), "tokenizer.json").metadata["vocabulary"] != one


@pytest.mark.parametrize(
    "content", [b"{}", b'{"model": 3}', b'{"model": {"vocab": {}}}', b'{"model": {"vocab": {"a": 7}}}']
)
def test_a_tokenizer_without_a_readable_vocabulary_has_none(content: bytes) -> None:
    assert "vocabulary" not in judged(content, "tokenizer.json").metadata
