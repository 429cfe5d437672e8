"""How many connections a file is fetched over, told by what more of them bring: pure.

Some upstreams cap each connection (a CDN under load, a far-away one with small windows): four of them bring four
times as much. Others cap the sum, and more would bring nothing but trouble. So: watch one, try four, keep them if they
pay, try eight, and look again after a while: after twice the while each time that it did not pay, as a trial costs what
was on its way to the one connection when that is told to stop earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STEPS = (1, 4, 8)
_PAYS = 1.5
"""Times the rate that a step up must bring to be kept: a cap on each connection gives far more, noise less."""
_SETTLE_WINDOWS = 1
"""Windows after a change that are not judged: new connections take their time."""
_LOOK_AGAIN_WINDOWS = 40
_FAST_ENOUGH = 250e6
"""Bytes a second at which the hashing and the disk are nearer than the network: some 2 Gbit/s."""


@dataclass
class Pace:
    """The rate is looked at once a window."""

    step: int = 0
    """Place in `STEPS`."""
    _before: float | None = field(default=None, init=False)
    """Rate at the step below, while the present one is on trial."""
    _skip: int = field(default=0, init=False)
    _settled: int = field(default=0, init=False)
    _patience: int = field(default=_LOOK_AGAIN_WINDOWS, init=False)

    @property
    def connections(self) -> int:
        return STEPS[self.step]

    @property
    def next_connections(self) -> int:
        """How many a step up would be."""
        return STEPS[min(self.step + 1, len(STEPS) - 1)]

    def observe(self, bytes_per_s: float, *, more_wanted: bool) -> int:
        """Take in the rate of a window; returns how many connections there should be from now on.

        `more_wanted` is whether enough is left to be fetched for more connections to be worth their beginning.
        """
        if self._skip:
            self._skip -= 1
            return self.connections
        if self._before is not None:
            paid = bytes_per_s >= self._before * _PAYS
            self._before = None
            if not paid:
                self._change(-1)
                self._settled, self._patience = self._patience, self._patience * 2
                return self.connections
            self._patience = _LOOK_AGAIN_WINDOWS
        if self._settled:
            self._settled -= 1
        elif more_wanted and self.step + 1 < len(STEPS) and 0 < bytes_per_s < _FAST_ENOUGH:
            self._before = bytes_per_s
            self._change(1)
        return self.connections

    def _change(self, by: int) -> None:
        self.step += by
        self._skip = _SETTLE_WINDOWS
