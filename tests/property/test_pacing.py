"""What the upstream asks for is understood in all its forms, and nothing that it sends stops the mirror for good."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.upstream.pacing import LONGEST_S, pause_asked_s, retry_after_s

NOW = dt.datetime(2026, 11, 25, 2, 30, tzinfo=dt.UTC)
SECONDS = st.integers(0, 3_000)
HEADER = st.text(st.characters(codec="latin-1"), max_size=80) | st.text('"api;rtw=0159, \\', max_size=60)


@given(SECONDS)
def test_a_number_of_seconds_is_that_number(seconds: int) -> None:
    assert retry_after_s(f" {seconds} ", NOW) == seconds


@given(st.integers(-3_000, 3_000))
def test_a_date_is_the_time_until_then_and_a_past_one_is_now(seconds: int) -> None:
    date = format_datetime(NOW + dt.timedelta(seconds=seconds), usegmt=True)
    assert retry_after_s(date, NOW) == max(0, seconds)


@given(SECONDS, SECONDS, st.sampled_from(["api", "resolvers", "a, b", 'quo\\"te;r=0;t=9999']))
def test_a_quota_that_is_used_up_pauses_for_as_long_as_it_says(remaining: int, seconds: int, name: str) -> None:
    headers = {"RateLimit": f'"{name}";r={remaining};t={seconds}'}
    assert pause_asked_s(200, headers, NOW) == (seconds if remaining == 0 else 0)


@given(st.lists(st.tuples(st.integers(0, 2), SECONDS), min_size=1, max_size=5))
def test_of_several_quotas_the_longest_pause_counts(quotas: list[tuple[int, int]]) -> None:
    field = ", ".join(f'"q{at}";r={remaining};t={seconds}' for at, (remaining, seconds) in enumerate(quotas))
    wanted = max([seconds for remaining, seconds in quotas if remaining == 0], default=0)
    assert pause_asked_s(200, {"RateLimit": field}, NOW) == wanted


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (429, {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 55),
        (429, {"RateLimit": '"api";r=0', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 300),
        (429, {"RateLimit": '"api";r=0;t=55', "Retry-After": "70"}, 70),
        (429, {"RateLimit": '"api";r=0;t=55', "Retry-After": "3"}, 55),
        (200, {"RateLimit": '"api";r=499;t=55'}, 0),
        (200, {"Retry-After": "70"}, 0),
        (503, {"Retry-After": "Wed, 25 Nov 2026 02:30:09 GMT"}, 9),
        (503, {"Retry-After": "Wednesday, 25-Nov-26 02:30:09 GMT"}, 9),
        (503, {"Retry-After": "Wed Nov 25 02:30:09 2026"}, 9),
        (503, {"Retry-After": "soon"}, 0),
        (503, {"Retry-After": "-5"}, 0),
        (503, {}, 0),
    ],
)
def test_what_the_hub_sends(status: int, headers: dict[str, str], pause_s: float) -> None:
    assert pause_asked_s(status, headers, NOW) == pause_s


@given(st.integers(100, 599), HEADER, HEADER, HEADER)
def test_whatever_it_sends_it_is_asked_again_within_the_hour(
    status: int, limit: str, policy: str, retry_after: str
) -> None:
    headers = {"RateLimit": limit, "RateLimit-Policy": policy, "Retry-After": retry_after}
    assert 0 <= pause_asked_s(status, headers, NOW) <= LONGEST_S
