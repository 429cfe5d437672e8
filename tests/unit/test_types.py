from __future__ import annotations

import pytest

from curator.errors import BadInput
from curator.types import BlobId, Commit, HashKind, RepoId, RepoKind, Revision, parse_path


@pytest.mark.parametrize("text", ["meta-llama/Llama-3.2-1B", "gpt2", "a/b", "TheBloke/x_y.z-GGUF", "_x/y"])
def test_an_id_is_printed_as_it_was_written(text: str) -> None:
    assert str(RepoId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "../b",
        "a/..",
        "a/b--c",
        "a/b..c",
        "-a/b",
        "a/b.",
        "a b/c",
        "a/b.git",
        "a/" + "x" * 97,
        "a/b\0",
        "ä/b",
        "a/b\n",
        "a\\b",
        "%2e%2e/b",
    ],
)
def test_what_is_no_repository_id_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="is not a repository id: write it as 'namespace/name'"):
        RepoId.parse(text)


@pytest.mark.parametrize("text", ["main", "v1.0", "refs/pr/1", "feature/x", "0" * 40, "refs/convert/parquet"])
def test_a_revision_may_be_a_branch_a_tag_a_reference_or_a_commit(text: str) -> None:
    assert str(Revision.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "a..b", "../x", "a b", "a\0", "x~1", "x^", "a:b", "-x", "/x", "x/", "x.lock", "@{u}", "a" * 256]
)
def test_what_git_would_not_take_for_a_revision_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not a revision"):
        Revision.parse(text)


def test_only_forty_small_hex_digits_are_a_commit() -> None:
    assert Revision.parse("a" * 40).is_commit
    assert not Revision.parse("A" * 40).is_commit
    assert not Revision.parse("a" * 39).is_commit
    with pytest.raises(BadInput):
        Commit(RepoId.parse("a/b"), "main")


def test_a_pull_request_is_known_as_one() -> None:
    assert Revision.parse("refs/pr/7").is_pull_request
    assert not Revision.parse("main").is_pull_request


@pytest.mark.parametrize("text", ["config.json", "onnx/model.onnx", "with space/ü+#%.txt", "...", "a/.gitattributes"])
def test_a_path_may_have_odd_letters(text: str) -> None:
    assert parse_path(text) == text


@pytest.mark.parametrize(
    "text", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a", "a\\b", "a\0b", "a\nb", ".git/config"]
)
def test_no_path_leads_out_of_its_repository(text: str) -> None:
    with pytest.raises(BadInput, match="is not a path inside a repository"):
        parse_path(text)


def test_a_blob_is_named_with_the_hash_it_is_named_by() -> None:
    blob = BlobId(HashKind.SHA256, "0" * 64)
    assert BlobId.parse(str(blob)) == blob
    with pytest.raises(BadInput):
        BlobId(HashKind.GIT_SHA1, "0" * 64)


def test_models_have_no_prefix_in_addresses() -> None:
    assert RepoKind.MODEL.url_prefix == ""
    assert RepoKind.DATASET.url_prefix == "datasets/"
    assert RepoKind.SPACE.plural == "spaces"
