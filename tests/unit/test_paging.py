"""Lists of the API come in pages, none of which is empty."""

from __future__ import annotations

import pytest

from curator.api.words import page_json

THINGS = [{"id": f"t{number}"} for number in range(6)]


@pytest.mark.parametrize("limit", range(1, 8))
def test_pages_have_each_thing_once_and_the_last_is_not_empty(limit: int) -> None:
    seen: list[dict[str, str]] = []
    after, pages = 0, 0
    while True:
        page = page_json("things", THINGS[after : after + limit + 1], limit)
        assert page["things"]
        seen += page["things"]
        pages += 1
        if page["next"] is None:
            break
        assert page["next"] == seen[-1]["id"]
        after = len(seen)
    assert seen == THINGS
    assert pages == -(-len(THINGS) // limit)
