"""What the upstream says is read to the letter, or not believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import UpstreamUnavailable
from curator.types import RepoFile, RepoKind
from curator.upstream.listing import read_commits, read_description, read_tree, without_xet

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HEX = st.text("0123456789abcdef", min_size=40, max_size=40)
LFS = st.fixed_dictionaries(
    {
        "oid": st.text("0123456789abcdef", min_size=63, max_size=64),
        "size": st.integers(-1, 1 << 50),
        "pointerSize": st.integers(-1, 200),
    }
)
ENTRY = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["file", "directory", "link"]),
        "path": st.sampled_from(["a", "a/b", "../x", "a//b", "", "é", "a\0b", "/a"]) | st.text(max_size=6),
        "oid": HEX | st.text(max_size=40),
        "size": st.integers(-1, 1 << 50) | JSON,
    },
    optional={"lfs": LFS | JSON, "xetHash": st.text(max_size=3)},
)


@given(st.lists(ENTRY | JSON, max_size=4))
def test_a_tree_is_read_whole_or_not_at_all(entries: list[Any]) -> None:
    try:
        read = read_tree(entries)
    except UpstreamUnavailable:
        return
    assert [one.path for one in read] == [entry["path"] for entry in entries]
    for one, entry in zip(read, entries, strict=True):
        assert ".." not in one.path.split("/")
        if isinstance(one, RepoFile):
            lfs = entry.get("lfs")
            assert one.size == (entry if lfs is None else lfs)["size"] >= 0
            assert one.blob.hex == (entry["oid"] if lfs is None else lfs["oid"])


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 1 << 60},
        {"size": 10**40},
        {"size": True},
        {"path": "half a \ud83d pair"},
        {"lfs": {"oid": "a" * 64, "size": 1, "pointerSize": 1 << 31}},
    ],
)
def test_what_no_database_could_keep_is_not_believed(fields: dict[str, Any]) -> None:
    entry = {"type": "file", "path": "a", "oid": "a" * 40, "size": 1}
    assert len(read_tree([entry])) == 1
    with pytest.raises(UpstreamUnavailable, match="lists a file in a way that cannot be used"):
        read_tree([entry | fields])


@given(JSON | st.fixed_dictionaries({"id": st.text(max_size=9), "sha": HEX | JSON}))
def test_a_description_is_read_or_not_believed(document: Any) -> None:
    try:
        description = read_description(document, RepoKind.MODEL)
    except UpstreamUnavailable:
        return
    assert description.commit.sha == document["sha"]


@given(JSON, st.sampled_from(["xetHash", "xetEnabled", "xet"]))
def test_nothing_of_xet_is_left_at_any_depth(document: Any, key: str) -> None:
    dirty = {"a": [{key: document, "b": document}]}
    assert without_xet(dirty) == {"a": [{"b": without_xet(document)}]}


@given(st.lists(st.fixed_dictionaries({"id": HEX | st.text(max_size=40)}) | JSON, max_size=4) | JSON)
def test_a_page_of_commits_is_read_whole_or_not_at_all(page: Any) -> None:
    try:
        read = read_commits(page)
    except UpstreamUnavailable:
        return
    assert read == [entry["id"] for entry in page]
    assert all(len(sha) == 40 for sha in read)
