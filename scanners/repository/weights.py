"""Which contents of a repository are weights, and whether another one has the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanners.repository.sizes import SeenFile

SMALLEST_WEIGHTS = 1 << 20
"""Bytes; smaller files say nothing of two repositories."""
_WEIGHTS = re.compile(
    r"\.(?:safetensors|bin|pt|pth|ckpt|h5|hdf5|keras|onnx|onnx_data|gguf|ggml|msgpack|ot|tflite|pb|npz|nemo|pdparams|llamafile"
    r"|mlmodel|engine|plan|task|litertlm|pkl|joblib)$",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"(?:^|/)(?:optimizer|scheduler|scaler|training_args|trainer_state|rng_state|random_states|tokenizer|sentencepiece"
    r"|spiece|vocab|imatrix|embeddings?_cache)[^/]*$|optim_states",
    re.IGNORECASE,
)
"""What a training leaves beside the weights, and what models of one family have in common."""
_PARTS = re.compile(
    r"(?:^|/)(?:vae|text_encoder(?:_\d)?|tokenizer(?:_\d)?|safety_checker|image_encoder|mmproj[^/]*)(?:/|$)",
    re.IGNORECASE,
)
"""Parts that honest models take over unchanged from others."""


def weights_of(files: Iterable[SeenFile]) -> frozenset[str]:
    """Contents that count when two repositories are asked whether they have the same weights."""
    return frozenset(_sizes(files))


def same_weights(one: Iterable[SeenFile], other: Iterable[SeenFile]) -> frozenset[str]:
    """The weights that both have, if they are at least half of what `one` has by size: a part taken over is no copy."""
    ours, theirs = _sizes(one), _sizes(other)
    common = frozenset(ours) & frozenset(theirs)
    return common if 2 * sum(ours[blob] for blob in common) >= sum(ours.values()) else frozenset()


def _sizes(files: Iterable[SeenFile]) -> dict[str, int]:
    return {
        file.blob: file.size
        for file in files
        if file.blob
        and file.size >= SMALLEST_WEIGHTS
        and _WEIGHTS.search(file.path)
        and not _OTHERS.search(file.path)
        and not _PARTS.search(file.path)
    }
