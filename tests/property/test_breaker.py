"""The breaker lets through what it should, whatever happens in whatever order."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from curator.upstream.breaker import Breaker, Outage, Ticket

FAILURES, OPEN_S = 3, 10.0


class BreakerMachine(RuleBasedStateMachine):
    """Requests that come, succeed, fail and vanish; beside them the little that a user was promised."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(FAILURES, OPEN_S)
        self.now = 0.0
        self.in_a_row = 0
        self.closed_since = 0
        """How many times it was closed by a success."""
        self.let_through_at: list[float] = []
        """When requests went through since it opened."""

    def is_open(self) -> bool:
        return self.in_a_row >= FAILURES

    @rule(target=tickets)
    def a_request_comes(self) -> tuple[Ticket | None, int, bool]:
        entered = self.breaker.enter(self.now)
        if isinstance(entered, Outage):
            assert self.is_open(), "an upstream that answers is always asked"
            assert entered.since <= self.now < entered.until <= self.now + OPEN_S
            return None, self.closed_since, False
        if self.is_open():
            self.let_through_at.append(self.now)
        return entered, self.closed_since, self.is_open()

    @rule(seconds=st.floats(0.1, 25.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(taken=consumes(tickets))
    def it_succeeds(self, taken: tuple[Ticket | None, int, bool]) -> None:
        if taken[0] is None:
            return
        self.breaker.succeeded()
        if self.in_a_row:
            self.closed_since += 1
        self.in_a_row, self.let_through_at = 0, []
        assert isinstance(self.breaker.enter(self.now), Ticket), "one success is enough"

    @rule(taken=consumes(tickets))
    def it_fails(self, taken: tuple[Ticket | None, int, bool]) -> None:
        ticket, began, _ = taken
        if ticket is None:
            return
        self.breaker.failed(ticket, self.now)
        if began == self.closed_since and not self.is_open():
            self.in_a_row += 1
            if self.is_open():
                assert self.breaker.enter(self.now) == Outage(self.now, self.now + OPEN_S)

    @rule(taken=consumes(tickets))
    def who_asked_leaves(self, taken: tuple[Ticket | None, int, bool]) -> None:
        ticket, _, probe = taken
        if ticket is None:
            return
        self.breaker.abandoned(ticket, self.now)
        if probe and self.let_through_at:
            # Whether it was the last probe or an earlier one: the next may come at once only after the last.
            self.let_through_at.pop()

    @invariant()
    def an_upstream_that_fails_is_tried_once_a_pause(self) -> None:
        times = self.let_through_at
        assert all(later - earlier >= OPEN_S - 1e-6 for earlier, later in itertools.pairwise(times))


TestBreaker = BreakerMachine.TestCase


def test_it_says_since_when_through_all_later_pauses() -> None:
    breaker = Breaker(1, OPEN_S)
    for at in (5.0, 15.0, 25.0):
        ticket = breaker.enter(at)
        assert isinstance(ticket, Ticket)
        breaker.failed(ticket, at)
        assert breaker.enter(at + 1) == Outage(5.0, at + OPEN_S)


def test_a_probe_that_never_comes_back_costs_one_more_pause() -> None:
    breaker = Breaker(1, OPEN_S)
    first = breaker.enter(0.0)
    assert isinstance(first, Ticket)
    breaker.failed(first, 0.0)
    assert isinstance(breaker.enter(OPEN_S), Ticket)
    assert isinstance(breaker.enter(OPEN_S + 1), Outage)
    assert isinstance(breaker.enter(2 * OPEN_S), Ticket)
