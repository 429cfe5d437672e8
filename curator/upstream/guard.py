"""What stands before every request: each origin's breaker, and the moment before which it asked not to be asked."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from curator.errors import UpstreamPaused, UpstreamUnavailable
from curator.upstream.breaker import Breaker, Outage, Ticket
from curator.upstream.pacing import pause_asked_s

Origin = tuple[str, str, int]
Send = Callable[[], Awaitable[aiohttp.ClientResponse]]

_MOST_ORIGINS = 100
_MOST_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """When the guard holds requests back."""

    breaker_failures: int
    breaker_open_s: float
    patience_s: float
    """How long a request waits where the upstream asked for a pause; a longer one is told in words at once."""


@dataclass(slots=True)
class _Gate:
    """What is known of one origin."""

    breaker: Breaker
    paused_until: float = 0.0
    failed_address: str = ""


class Guard:
    """Sends requests when they may be sent. It belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._gates: OrderedDict[Origin, _Gate] = OrderedDict()

    async def ask(self, origin: Origin, address: str, what: str, send: Send) -> aiohttp.ClientResponse:
        """The answer, with whatever status. Raises `UpstreamUnavailable` when there is none or none may be asked for.

        `address` is the part of the URL that does not change from one request for the same thing to the next.
        """
        gate = self._gate(origin)
        give_up_at = time.monotonic() + self._limits.patience_s
        while True:
            await _wait_out(gate, give_up_at, what)
            response = await self._ask_once(gate, origin, address, what, send)
            pause_s = pause_asked_s(response.status, response.headers, dt.datetime.now(dt.UTC))
            gate.paused_until = max(gate.paused_until, time.monotonic() + pause_s)
            if response.status not in {429, 503} or not pause_s or gate.paused_until > give_up_at:
                return response
            response.release()

    def is_down(self, origin: Origin) -> bool:
        """Whether an origin is left alone, since it failed too often."""
        gate = self._gates.get(origin)
        return gate is not None and gate.breaker.is_open

    async def _ask_once(
        self, gate: _Gate, origin: Origin, address: str, what: str, send: Send
    ) -> aiohttp.ClientResponse:
        ticket = gate.breaker.enter(time.monotonic())
        if isinstance(ticket, Outage):
            raise UpstreamPaused(
                f"The Hub could not be reached for {what}: {origin[1]} failed {self._limits.breaker_failures} times in "
                f"a row, so it is left alone since {_clock(ticket.since)} UTC, and tried again at "
                f"{_clock(ticket.until)} UTC"
            )
        try:
            response = await send()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # ValueError: an address that cannot be asked, such as a name with a part of more than 63 letters.
            gate.breaker.failed(ticket, time.monotonic())
            raise UpstreamUnavailable(f"The Hub could not be reached for {what}: {reason(error)}") from error
        except BaseException:
            # Whoever asked has left.
            gate.breaker.abandoned(ticket, time.monotonic())
            raise
        _note(gate, ticket, address, response.status)
        return response

    def _gate(self, origin: Origin) -> _Gate:
        gate = self._gates.setdefault(
            origin, _Gate(Breaker(self._limits.breaker_failures, self._limits.breaker_open_s))
        )
        self._gates.move_to_end(origin)
        if len(self._gates) > _MOST_ORIGINS:
            self._gates.popitem(last=False)
        return gate


def reason(error: BaseException) -> str:
    """Why there was no answer, for people."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        told = getattr(error.certificate_error, "verify_message", "")
        return (
            f"nobody whom this machine trusts vouches for its certificate ({told or 'verification failed'}): "
            "name the company's own authority with CURATOR_UPSTREAM_CA"
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answers {error.status} {error.message[:_MOST_LETTERS]!a}"
    if isinstance(error, aiohttp.InvalidURL):
        return "it leads to an address that cannot be asked"
    if isinstance(error, aiohttp.ClientResponseError):
        # Its own words have the whole address in them, and with that the permission that a signed link carries.
        return f"it does not speak HTTP as it should ({error.message[:_MOST_LETTERS]!a})"
    said = str(error)[:_MOST_LETTERS] or type(error).__name__
    return said if said.isprintable() else ascii(said)


async def _wait_out(gate: _Gate, give_up_at: float, what: str) -> None:
    """Wait as long as the upstream asked for. Raises if that is too long."""
    while (now := time.monotonic()) < gate.paused_until:
        if gate.paused_until > give_up_at:
            raise UpstreamPaused(
                f"The Hub asks to be left alone for another {gate.paused_until - now:.0f} s, until "
                f"{_clock(gate.paused_until)} UTC, so {what} was not asked for: try again then"
            )
        await asyncio.sleep(gate.paused_until - now)


def _note(gate: _Gate, ticket: Ticket, address: str, status: int) -> None:
    """Tell the breaker. Only the server's own errors count: a file that is not there, a link that has run out and a
    client that asks too much are answers."""
    if status < 500:
        gate.failed_address = ""
        gate.breaker.succeeded()
    elif address != gate.failed_address:
        gate.failed_address = address
        gate.breaker.failed(ticket, time.monotonic())
    else:
        # One thing that fails each time it is asked for must not close the door to all others.
        gate.breaker.abandoned(ticket, time.monotonic())


def _clock(moment: float) -> str:
    """A moment of the monotonic clock, as the clock on the wall shows it."""
    return f"{dt.datetime.now(dt.UTC) + dt.timedelta(seconds=moment - time.monotonic()):%H:%M:%S}"
