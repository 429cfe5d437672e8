from __future__ import annotations

import pytest

from curator.hub.ranges import ByteRange, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=10-", ByteRange(10, 90)),
        ("bytes=10-1000", ByteRange(10, 90)),
        ("bytes=-5", ByteRange(95, 5)),
        ("bytes=-500", ByteRange(0, 100)),
        ("Bytes=1-2", ByteRange(1, 2)),
        (None, None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=5-2", None),
        ("bytes=--1", None),
        ("bytes=a-b", None),
    ],
)
def test_one_range_is_served_and_anything_else_means_the_whole_file(header: str | None, part: ByteRange | None) -> None:
    assert read_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_served(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, 100)
