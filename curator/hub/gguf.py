"""Which GGUF file of a repository a tag means, and the manifest that names it to Ollama and llama.cpp."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curator.types import RepoFile

Json = dict[str, Any]

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_MODEL_TYPE = "application/vnd.ollama.image.model"
_PROJECTOR_TYPE = "application/vnd.ollama.image.projector"
_FAVOURITES = ("Q4_K_M", "Q4")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_QUANTISATION = re.compile(r"(?:^|[-._/])((?:UD-)?(?:I?Q\d\w*|BF16|F16|F32|FP16|MXFP4\w*))(?=[-./]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a tag means."""

    model: RepoFile
    projector: RepoFile | None
    """What a model for pictures has beside it."""

    @property
    def sharded(self) -> bool:
        return _SHARD.search(self.model.path) is not None


def models_of(files: Iterable[RepoFile]) -> list[RepoFile]:
    """The GGUF files that are models, of a model in shards the first of them, by path."""
    found = []
    for file in sorted(files, key=lambda file: file.path):
        shard = _SHARD.search(file.path)
        if is_gguf(file) and not _is_projector(file) and (shard is None or int(shard[1]) == 1):
            found.append(file)
    return found


def choose(files: Iterable[RepoFile], tag: str) -> Chosen | None:
    """The file that a tag means: a file name, a quantisation in any letters, or `latest`; None if there is none.

    `latest` is Q4_K_M, or else the first of the Q4 ones, or else the first.
    """
    files = list(files)
    models = models_of(files)
    projectors = sorted((file for file in files if is_gguf(file) and _is_projector(file)), key=_projector_order)
    wanted = tag.lower()
    if wanted == "latest":
        found = next(
            (model for name in _FAVOURITES for model in models if name.lower() in model.name.lower()),
            models[0] if models else None,
        )
    else:
        found = next((model for model in models if wanted in _names(model)), None)
    return Chosen(found, projectors[0] if projectors else None) if found else None


def is_gguf(file: RepoFile) -> bool:
    """Whether it can be named by its SHA-256, as a registry names everything: only what is in LFS can."""
    return file.path.lower().endswith(".gguf") and file.in_lfs


def config_of(chosen: Chosen, family: str) -> bytes:
    """The small document that a manifest names beside the model; the same bytes each time, for its digest is asked for.

    `family` is the architecture, as the Hub tells it of the repository; may be empty.
    """
    quantisation = _QUANTISATION.search(chosen.model.path)
    document = {
        "model_format": "gguf",
        "model_family": family,
        "model_families": [family] if family else [],
        "model_type": "",
        "file_type": quantisation[1].upper() if quantisation else "unknown",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{file.blob.hex}" for file in _files(chosen)]},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def manifest_of(chosen: Chosen, config: bytes, *, for_llama_cpp: bool) -> Json:
    """What a registry says that the tag consists of."""
    types = (_MODEL_TYPE, _PROJECTOR_TYPE)
    document: Json = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": _CONFIG_TYPE, "digest": digest_of(config), "size": len(config)},
        "layers": [
            {"mediaType": media_type, "digest": f"sha256:{file.blob.hex}", "size": file.size}
            for media_type, file in zip(types, _files(chosen), strict=False)
        ],
    }
    if for_llama_cpp:
        document["ggufFile"] = _told(chosen.model)
        if chosen.projector is not None:
            document["mmprojFile"] = _told(chosen.projector)
    return document


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _files(chosen: Chosen) -> list[RepoFile]:
    return [file for file in (chosen.model, chosen.projector) if file is not None]


def _names(file: RepoFile) -> set[str]:
    """The tags that mean a file, in small letters."""
    quantisations = {found[1].lower() for found in _QUANTISATION.finditer(_SHARD.sub("", file.path))}
    quantisations |= {found[1].lower() for found in _QUANTISATION.finditer(file.path.removesuffix(".gguf"))}
    whole = file.name.lower()
    return {whole, whole.removesuffix(".gguf"), *quantisations, *(one.removeprefix("ud-") for one in quantisations)}


def _is_projector(file: RepoFile) -> bool:
    return "mmproj" in file.name.lower()


def _projector_order(file: RepoFile) -> tuple[bool, str]:
    return "f16" not in file.name.lower().replace("bf16", ""), file.path


def _told(file: RepoFile) -> Json:
    lfs = {"sha256": file.blob.hex, "size": file.size, "pointerSize": file.pointer_size}
    return {"rfilename": file.path, "blobId": f"sha256:{file.blob.hex}", "size": file.size, "lfs": lfs}
