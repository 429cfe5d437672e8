"""What comes from the Hub or from a query, however odd, is answered and never fails inside."""

from __future__ import annotations

import json

import pytest

from curator.hub.answer import json_answer
from curator.hub.search import arranged


def test_half_of_a_surrogate_pair_in_a_card_goes_on_as_json_has_it() -> None:
    document = {"cardData": {"title": "broken \ud800, whole \U0001f917"}}
    answer = json_answer(document)
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body.decode("utf-8")) == document


@pytest.mark.parametrize("limit", ["\u00b2", "", "-1", "many"])
def test_a_limit_that_is_no_number_limits_nothing(limit: str) -> None:
    assert arranged([], (), "", limit) == []
