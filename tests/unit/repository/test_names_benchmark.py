from __future__ import annotations

import pytest

from benchmarks.names import BLOCKED, HELD, by_distance, count, score_of
from fixtures.names import HALVES, Half, labelled


def test_there_are_at_least_three_hundred_names_of_both_kinds_and_none_twice() -> None:
    names = [one for half in HALVES for one in labelled(half)]
    assert len({one.name for one in names}) == len(names) >= 300
    assert sum(one.imitates for one in names) >= 100
    assert sum(not one.imitates for one in names) >= 100


@pytest.mark.parametrize("half", HALVES)
def test_what_blocks_is_nearly_always_right_and_misses_few(half: Half) -> None:
    counted = count(labelled(half), score_of, BLOCKED)
    assert counted.precision >= (0.95 if half == "tuned" else 0.97)
    assert counted.recall >= 0.9


@pytest.mark.parametrize("half", HALVES)
def test_what_deserves_a_look_misses_next_to_nothing(half: Half) -> None:
    counted = count(labelled(half), score_of, HELD)
    assert counted.precision >= 0.95
    assert counted.recall >= 0.97


@pytest.mark.parametrize("half", HALVES)
def test_no_fork_quantisation_or_mirror_is_blamed(half: Half) -> None:
    kinds = {"quantiser", "mirror", "fine-tune", "copy"}
    blamed = [one.name for one in labelled(half) if one.technique in kinds and score_of(one.name) >= HELD]
    assert blamed == []


@pytest.mark.parametrize("half", HALVES)
def test_we_find_more_than_edit_distance_does_and_blame_fewer(half: Half) -> None:
    names = labelled(half)
    ours, naive = count(names, score_of, HELD), count(names, by_distance, 1.0)
    assert ours.recall > naive.recall
    assert ours.wrongly_blamed < naive.wrongly_blamed
