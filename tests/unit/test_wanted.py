"""What people write into a list of models means one thing, or is refused with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.wanted import Place, Wanted, each_once, parse_wanted, read_wanted
from curator.errors import BadInput
from curator.types import RepoId, RepoKind, Revision

SHA = "0123456789abcdef0123456789abcdef01234567"
HOSTS = ("mirror.example:8080",)


@pytest.mark.parametrize(
    ("text", "kind", "repo", "revision", "path"),
    [
        ("meta-llama/Llama-3.2-1B", "model", "meta-llama/Llama-3.2-1B", "main", None),
        (f"a/b@{SHA}", "model", "a/b", SHA, None),
        ("gpt2@refs/pr/1", "model", "gpt2", "refs/pr/1", None),
        ("datasets/a/b@v1", "dataset", "a/b", "v1", None),
        ("datasets/squad", "dataset", "squad", "main", None),
        ("spaces/a/b", "space", "a/b", "main", None),
        ("hf://a/b", "model", "a/b", "main", None),
        ("hf://datasets/a/b@v1/data/train.parquet", "dataset", "a/b", "v1", "data/train.parquet"),
        ("hf://datasets/a/b@refs/convert/parquet/x/0.parquet", "dataset", "a/b", "refs/convert/parquet", "x/0.parquet"),
        ("hf://a/b@feature%2Fone/c.json", "model", "a/b", "feature/one", "c.json"),
        ("hf://a/b/c/d.json", "model", "a/b", "main", "c/d.json"),
        ("https://huggingface.co/a/b", "model", "a/b", "main", None),
        ("https://huggingface.co/a/b/", "model", "a/b", "main", None),
        ("https://hf.co/datasets/a/b/tree/v1/data", "dataset", "a/b", "v1", "data"),
        ("https://huggingface.co/a/b/resolve/main/x%20y.bin?download=true", "model", "a/b", "main", "x y.bin"),
        ("https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/x", "model", "a/b", "refs/pr/1", "x"),
        ("https://huggingface.co/a/b/blob/feature%2Fone/x", "model", "a/b", "feature/one", "x"),
        (f"https://huggingface.co/a/b/commit/{SHA}", "model", "a/b", SHA, None),
        ("https://huggingface.co/gpt2/resolve/main/config.json", "model", "gpt2", "main", "config.json"),
        ("http://mirror.example:8080/a/b/tree/main", "model", "a/b", "main", None),
    ],
)
def test_each_form_is_read(text: str, kind: str, repo: str, revision: str, path: str | None) -> None:
    assert parse_wanted(text, hosts=HOSTS) == Wanted(RepoId.parse(repo, RepoKind(kind)), Revision(revision), path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b@",
        "a/b/c",
        "a/b@x@y~",
        "hf://",
        "hf://a/b@",
        "hf://a/b/../c",
        "https://huggingface.co/a/b/discussions/4",
        "https://huggingface.co/a/b/resolve",
        "https://huggingface.co.example/a/b",
        "https://user@evil.example/a/b",
        "https://[::1/a/b",
        "https://huggingface.co:99999/a/b",
        "s3://bucket/a/b",
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_wanted(text, hosts=HOSTS)


def test_names_that_do_not_say_are_of_the_kind_that_is_given_and_others_are_not() -> None:
    found = read_wanted("a/b\nspaces/c/d\nhttps://huggingface.co/e/f\n", "m", RepoKind.DATASET)
    assert [one.repo.kind for one in found] == [RepoKind.DATASET, RepoKind.SPACE, RepoKind.MODEL]


def test_comments_blank_lines_and_line_ends_of_any_system_are_passed_over() -> None:
    text = "\ufeff# ours\r\n\r\na/b  # the first\r\nc/d#not-a-comment\r\n"
    with pytest.raises(BadInput, match=r"m:4: 'c/d#not-a-comment' is not"):
        read_wanted(text, "m", RepoKind.MODEL)
    (found,) = read_wanted(text.replace("c/d#not-a-comment", ""), "m", RepoKind.MODEL)
    assert (str(found), found.places) == ("a/b", (Place("m", 3),))


def test_what_stands_there_twice_is_one_with_both_places() -> None:
    found = each_once(read_wanted("a/b\nhf://a/b@main\na/b@v1\n", "-", RepoKind.MODEL))
    assert [(str(one), [str(place) for place in one.places]) for one in found] == [
        ("a/b", ["standard input:1", "standard input:2"]),
        ("a/b@v1", ["standard input:3"]),
    ]


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for start in ("", "hf://", "https://huggingface.co/", "a/b@"):
        try:
            wanted = parse_wanted(start + text)
        except BadInput as error:
            assert error.sentence.isprintable()
        else:
            assert str(wanted)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_file_is_read_or_refused_with_line_numbers(text: str) -> None:
    try:
        found = read_wanted(text, "models.txt", RepoKind.MODEL)
    except BadInput as error:
        assert all(line.startswith(("models.txt:", "(and")) for line in error.sentence.split("\n"))
    else:
        assert all(one.places[0].line <= text.count("\n") + 1 for one in found)


_WORD = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_]{0,8}[A-Za-z0-9_])?", fullmatch=True)


@given(_WORD, _WORD, st.one_of(st.none(), _WORD), st.sampled_from(list(RepoKind)))
def test_what_is_printed_is_read_as_the_same(owner: str, name: str, revision: str | None, kind: RepoKind) -> None:
    if owner in {one.plural for one in RepoKind}:
        return
    wanted = Wanted(RepoId(kind, owner, name), Revision(revision or "main"))
    assert parse_wanted(str(wanted)) == wanted
