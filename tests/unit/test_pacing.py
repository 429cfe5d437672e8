"""More connections are opened where they pay, and only there."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from curator.store.pacing import STEPS, Pace


def settled(rate_of: Callable[[int], float], windows: int = 60) -> list[int]:
    """How many connections there are in each window of an upstream that gives `rate_of(connections)`."""
    pace = Pace()
    return [pace.observe(rate_of(pace.connections), more_wanted=True) for _ in range(windows)]


@given(st.floats(1e5, 60e6))
def test_a_cap_on_each_connection_is_answered_with_as_many_as_there_may_be(cap: float) -> None:
    assert settled(lambda count: cap * count)[5:] == [STEPS[-1]] * 55


@given(st.floats(1e5, 400e6))
def test_a_cap_on_the_sum_is_left_at_one_connection_nearly_all_the_time(cap: float) -> None:
    counts = settled(lambda _: cap)
    assert counts.count(1) >= 0.9 * len(counts)


def test_a_long_fetch_does_not_try_again_and_again_what_does_not_pay() -> None:
    counts = settled(lambda _: 100e6, windows=4_000)
    assert sum(count > 1 for count in counts) <= 20


@given(st.lists(st.tuples(st.floats(0, 1e12), st.booleans())))
def test_there_is_always_a_connection_and_never_more_than_the_most(windows: list[tuple[float, bool]]) -> None:
    pace = Pace()
    for rate, more_wanted in windows:
        assert pace.observe(rate, more_wanted=more_wanted) in STEPS


def test_what_is_nearly_done_gets_no_new_connections() -> None:
    pace = Pace()
    assert {pace.observe(10e6, more_wanted=False) for _ in range(100)} == {1}
