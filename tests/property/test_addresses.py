"""Addresses and ranges come from anybody: whatever they are, they mean something or are refused in words."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from curator.errors import BadInput
from curator.hub.addresses import read_route
from curator.hub.ranges import ByteRange, Unsatisfiable, read_range
from curator.hub.routes import RepoTree, ResolveFile
from curator.types import parse_path

WORDS = st.sampled_from(
    [
        "api",
        "models",
        "datasets",
        "resolve",
        "tree",
        "main",
        "refs",
        "pr",
        "1",
        "..",
        "%2e%2e",
        "%2F",
        "a",
        "",
        "%00",
        "x.git",
        "info",
        "lfs",
    ]
)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_address_or_bad_input(raw: bytes) -> None:
    with contextlib.suppress(BadInput):
        read_route(b"/" + raw)


@given(st.lists(WORDS, max_size=9))
def test_no_address_leads_out_of_a_repository(words: list[str]) -> None:
    try:
        route = read_route(("/" + "/".join(words)).encode())
    except BadInput:
        return
    path = route.path if isinstance(route, ResolveFile | RepoTree) else None
    if path is not None:
        assert ".." not in path.split("/")
        assert not path.startswith("/")
        assert "\0" not in path


@given(st.text(min_size=1, max_size=60))
def test_every_legal_path_comes_back_from_its_address(path: str) -> None:
    try:
        parse_path(path)
        encoded = quote(path)
    except (BadInput, UnicodeEncodeError):
        return
    route = read_route(f"/ns/name/resolve/main/{encoded}".encode())
    assert isinstance(route, ResolveFile)
    assert route.path == path


@given(st.text(max_size=40) | st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}", fullmatch=True), st.integers(0, 2**40))
def test_a_range_lies_inside_the_file(header: str, size: int) -> None:
    try:
        part = read_range(header, size)
    except Unsatisfiable:
        return
    if part is not None:
        assert 0 <= part.offset < size
        assert 1 <= part.length <= size - part.offset


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_a_plain_range_is_what_it_says(first: int, more: int, size: int) -> None:
    if first >= size:
        return
    assert read_range(f"bytes={first}-{first + more}", size) == ByteRange(first, min(more + 1, size - first))
