"""How large a model is, by what scans noted of its files and by its configuration."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ADAPTER = re.compile(r"(?:^|/)(?:adapter_model|adapters?|pytorch_lora_weights)[^/]*$", re.IGNORECASE)
_SHARD = re.compile(r"^(?P<begin>.*?)-?(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.\w+)$")
_SIZES = {
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "key heads": ("num_key_value_heads", "n_head_kv", "num_kv_heads"),
    "vocabulary": ("vocab_size",),
}
"""What a configuration says of size and form, as different libraries call it."""
_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx")


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file of a repository with what its scan noted (`Report.metadata`)."""

    path: str
    size: int
    blob: str
    """`sha256:` or `git-sha1:` and the digits."""
    metadata: Mapping[str, Any]


def parameters_of(files: Iterable[SeenFile]) -> int:
    """How many parameters the largest model of the repository has, shards together; 0 if unknown.

    Of weights that are packed for quantisation in safetensors this counts what the file has, not what was packed.
    """
    return max((sum(parameters_in(shard) for shard in group) for group in models_of(files)), default=0)


def context_length_of(files: Iterable[SeenFile], documents: Mapping[str, object]) -> int:
    """How many tokens it takes at once by its configuration or its GGUF files; 0 if unknown."""
    config = documents.get("config.json")
    found = [number(value) for value in (_any_of(part, _CONTEXT) for part in _parts(config)) if value is not None]
    if not any(found):
        found = [number(file.metadata.get("context_length")) for file in files]
    return max(found, default=0)


def models_of(files: Iterable[SeenFile]) -> list[list[SeenFile]]:
    """Files that have tensors, by the model they belong to; without adapters, and without models that lack a shard."""
    groups: dict[tuple[str, str, str], dict[str, SeenFile]] = defaultdict(dict)
    for file in sorted(files, key=lambda one: one.path):
        if "tensor_map" not in file.metadata or _ADAPTER.search(file.path):
            continue
        shard = _SHARD.match(file.path)
        key = (shard["begin"], shard["count"], shard["end"]) if shard else (file.path, "00001", "")
        groups[key][shard["number"] if shard else "00001"] = file
    return [list(shards.values()) for (_, count, _), shards in groups.items() if len(shards) == int(count)]


def parameters_in(file: SeenFile) -> int:
    counts = file.metadata.get("parameters")
    return sum(map(number, counts.values())) if isinstance(counts, Mapping) else 0


def sizes_of(files: Iterable[SeenFile], documents: Mapping[str, object]) -> dict[str, int]:
    """`hidden`, `layers`, `heads`, `key heads` and `vocabulary`, as far as they are known.

    By the configuration, of a model of several parts by that of the part which says most; else by a GGUF file.
    """
    found: list[dict[str, int]] = []
    for part in _parts(documents.get("config.json")):
        sizes = {name: number(_any_of(part, keys)) for name, keys in _SIZES.items()}
        found.append({name: size for name, size in sizes.items() if size})
    for file in files:
        noted = file.metadata.get("sizes")
        if isinstance(noted, Mapping):
            sizes = {name: number(noted.get(name)) for name in _SIZES} | {
                "vocabulary": number(file.metadata.get("tokens"))
            }
            found.append({name: size for name, size in sizes.items() if size})
    best = max(found, key=len, default={})
    if "heads" in best:
        best.setdefault("key heads", best["heads"])
    return best


def _parts(config: object) -> list[Mapping[str, object]]:
    if not isinstance(config, dict):
        return []
    return [
        config,
        *(
            part
            for key in ("text_config", "llm_config", "language_config")
            if isinstance(part := config.get(key), dict)
        ),
    ]


def _any_of(part: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((part[key] for key in keys if isinstance(part.get(key), int | str)), None)


def number(value: object) -> int:
    """A count from a document, in which numbers may be texts; 0 for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0
