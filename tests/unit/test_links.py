"""Where the Hub's lists go on."""

from __future__ import annotations

import pytest

from curator.upstream.links import next_link


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        (
            ['<https://hub/a?cursor=x%3D%3D&filter=license%3Amit>; rel="next"'],
            "https://hub/a?cursor=x%3D%3D&filter=license%3Amit",
        ),
        (['<https://hub/first>; rel="first", <https://hub/next>; rel="next"'], "https://hub/next"),
        (["<https://hub/p>; rel=prev", "</a?p=1>; title=x; rel=next"], "/a?p=1"),
        (['<https://hub/p>; rel="prev next"'], "https://hub/p"),
        (['<https://hub/xet>; rel="xet-auth", <https://hub/n>; rel="nextish"'], None),
        (["nonsense", ""], None),
        ([], None),
    ],
)
def test_the_next_page_is_read_byte_for_byte(headers: list[str], address: str | None) -> None:
    assert next_link(headers) == address
