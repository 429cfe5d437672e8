"""What comes from the Hub or from a query, however odd, is answered and never fails inside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from curator.admission.snapshots import Snapshot
from curator.hub.answer import json_answer
from curator.hub.search import arranged
from curator.types import Commit, RepoId


def test_half_of_a_surrogate_pair_in_a_card_goes_on_as_json_has_it() -> None:
    document = {"cardData": {"title": "broken \ud800, whole \U0001f917"}}
    answer = json_answer(document)
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body.decode("utf-8")) == document


@pytest.mark.parametrize("limit", ["\u00b2", "", "-1", "many"])
def test_a_limit_that_is_no_number_limits_nothing(limit: str) -> None:
    assert arranged([], (), "", limit) == []


def test_what_is_no_number_or_no_list_of_tags_neither_fails_a_search_nor_is_found_by_one() -> None:
    infos: list[dict[str, Any]] = [
        {"id": "a/odd", "likes": "many", "tags": None},
        {"id": "a/odder", "likes": None, "tags": [["gguf"], 7]},
        {"id": "a/liked", "likes": 3, "tags": ["gguf"]},
    ]
    repo = RepoId.parse("a/any")
    found = [Snapshot(number, Commit(repo, f"{number:040}"), info, listed=True) for number, info in enumerate(infos)]
    assert [info["id"] for info in arranged(found, (), "likes", "")] == ["a/liked", "a/odd", "a/odder"]
    assert [info["id"] for info in arranged(found, ("gguf",), "likes", "")] == ["a/liked"]
