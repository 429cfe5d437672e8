"""The circuit breaker: an upstream that fails again and again is left alone for a while, then tried by one request.

Pure: the caller says what time it is, in seconds of any clock that never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """The upstream is not asked."""

    since: float
    """When it was given up."""
    until: float
    """When it is tried next."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """One request that may go through; handed back with how it went."""

    era: int


class Breaker:
    """Closed as long as requests succeed now and then; open after so many failures in a row."""

    def __init__(self, failures: int, open_s: float) -> None:
        self._most_failures = failures
        self._open_s = open_s
        self._failures = 0
        self._outage: Outage | None = None
        self._probe: Ticket | None = None
        self._era = 0

    @property
    def is_open(self) -> bool:
        """Whether too many requests in a row have failed, and none has succeeded since."""
        return self._outage is not None

    def enter(self, now: float) -> Ticket | Outage:
        """Whether a request may go through. While it is open one does after each pause, to see how things are."""
        ticket = Ticket(self._era)
        if self._outage is None:
            return ticket
        if now < self._outage.until:
            return self._outage
        # The pause begins anew with the probe, so that one that never comes back costs no more than another pause.
        self._outage = Outage(self._outage.since, now + self._open_s)
        self._probe = ticket
        return ticket

    def succeeded(self) -> None:
        """A request was answered, whichever it was: the upstream is there."""
        if self._outage is not None or self._failures:
            self._era += 1
        self._failures, self._outage, self._probe = 0, None, None

    def failed(self, ticket: Ticket, now: float) -> None:
        """A request failed. One that began before the last success tells nothing of now."""
        if ticket.era != self._era:
            return
        if self._outage is None:
            self._failures += 1
            if self._failures >= self._most_failures:
                self._outage = Outage(now, now + self._open_s)
        elif ticket is self._probe:
            self._outage, self._probe = Outage(self._outage.since, now + self._open_s), None

    def abandoned(self, ticket: Ticket, now: float) -> None:
        """A request ended without telling anything: if it was the probe, the next one takes its place."""
        if self._outage is not None and ticket is self._probe:
            self._outage, self._probe = Outage(self._outage.since, now), None
