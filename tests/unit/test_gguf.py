"""Which file a tag means, and what a registry says of it."""

from __future__ import annotations

import hashlib
import json

import pytest

from curator.hub.gguf import choose, config_of, digest_of, manifest_of
from curator.types import BlobId, HashKind, RepoFile


def file(path: str, *, in_lfs: bool = True) -> RepoFile:
    oid = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    if not in_lfs:
        return RepoFile(path, 9, BlobId(HashKind.GIT_SHA1, oid), oid)
    return RepoFile(path, 9, BlobId(HashKind.SHA256, hashlib.sha256(path.encode()).hexdigest()), oid, 130)


def names(*paths: str) -> list[RepoFile]:
    return [file(path) for path in paths]


QUANTISATIONS = ("Q8_0", "Q4_K_S", "Q4_K_M", "IQ4_XS", "UD-Q4_K_XL", "bf16")
MANY = names(*(f"m-{name}.gguf" for name in QUANTISATIONS), "README.md")


@pytest.mark.parametrize(
    ("files", "tag", "path"),
    [
        (MANY, "latest", "m-Q4_K_M.gguf"),
        (names("b-Q8_0.gguf", "a-Q5_K_M.gguf", "b-Q4_0.gguf"), "latest", "b-Q4_0.gguf"),
        (names("b-Q8_0.gguf", "a-Q5_K_M.gguf"), "latest", "a-Q5_K_M.gguf"),
        (MANY, "q8_0", "m-Q8_0.gguf"),
        (MANY, "Q4_k_S", "m-Q4_K_S.gguf"),
        (MANY, "IQ4_XS", "m-IQ4_XS.gguf"),
        (MANY, "BF16", "m-bf16.gguf"),
        (MANY, "F16", None),
        (MANY, "Q4_K", None),
        (MANY, "UD-Q4_K_XL", "m-UD-Q4_K_XL.gguf"),
        (MANY, "m-q8_0.GGUF", "m-Q8_0.gguf"),
        (MANY, "m-Q8_0", "m-Q8_0.gguf"),
        (MANY, "main", None),
        (names("mmproj-F16.gguf", "m-F16.gguf"), "F16", "m-F16.gguf"),
        (names("m_Q4_K_M.gguf", "m.Q5_0.gguf"), "Q4_K_M", "m_Q4_K_M.gguf"),
        (
            names("m-Q4_K_M-00002-of-00002.gguf", "m-Q4_K_M-00001-of-00002.gguf"),
            "q4_k_m",
            "m-Q4_K_M-00001-of-00002.gguf",
        ),
        (names("README.md"), "latest", None),
        ([file("m-Q4_K_M.gguf", in_lfs=False)], "latest", None),
    ],
)
def test_a_tag_means_one_file(files: list[RepoFile], tag: str, path: str | None) -> None:
    chosen = choose(files, tag)
    assert (chosen.model.path if chosen else None) == path


def test_a_model_in_several_files_is_named_by_the_first() -> None:
    chosen = choose(names("Q8_0/m-00002-of-00002.gguf", "Q8_0/m-00001-of-00002.gguf"), "Q8_0")
    assert chosen is not None
    assert chosen.model.path == "Q8_0/m-00001-of-00002.gguf"
    assert chosen.sharded


def test_what_a_model_for_pictures_needs_comes_with_it() -> None:
    files = names("mmproj-BF16.gguf", "mmproj-F16.gguf", "m-Q4_K_M.gguf")
    chosen = choose(files, "latest")
    assert chosen is not None
    config = config_of(chosen, "llama")
    manifest = manifest_of(chosen, config, for_llama_cpp=True)
    assert [layer["mediaType"] for layer in manifest["layers"]] == [
        "application/vnd.ollama.image.model",
        "application/vnd.ollama.image.projector",
    ]
    assert manifest["mmprojFile"]["rfilename"] == "mmproj-F16.gguf"
    assert manifest["ggufFile"]["rfilename"] == "m-Q4_K_M.gguf"


def test_the_configuration_is_the_same_each_time_and_named_by_its_digest() -> None:
    chosen = choose(MANY, "latest")
    assert chosen is not None
    config = config_of(chosen, "llama")
    assert config == config_of(chosen, "llama")
    manifest = manifest_of(chosen, config, for_llama_cpp=False)
    assert manifest["config"]["digest"] == digest_of(config)
    assert manifest["config"]["size"] == len(config)
    assert "ggufFile" not in manifest
    document = json.loads(config)
    assert (document["model_format"], document["model_family"], document["file_type"]) == ("gguf", "llama", "Q4_K_M")
    assert document["rootfs"]["diff_ids"] == [f"sha256:{chosen.model.blob.hex}"]
