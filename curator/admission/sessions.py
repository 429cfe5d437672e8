"""Who is told what of a branch for a while, in whatever server process his connections land.

Each process remembers what it told. Where there are several, it also writes that down, and looks there before it tells
a caller anything for the first time. An answer from memory waits for neither: somebody new is given one only once the
branch has been the same for longer than a session lasts, so that nobody is told anything else any more; it is written
down a moment later.
"""

from __future__ import annotations

import time

from curator.admission.branches import FirstAnswers, Steady, Told
from curator.admission.sharing import SharedSessions
from curator.admission.told import Beginning, Key
from curator.database.engine import now
from curator.database.generation import Generation
from rules.circumstances import EVERYBODY, Audience

State = tuple[int, int]

# So long it takes at most until a process on another machine knows of a change, and a little more.
_KNOWN_WITHIN_S = 1.0


class Sessions:
    """Belongs to one event loop."""

    def __init__(self, lasts_s: float, generation: Generation, shared: SharedSessions | None) -> None:
        """`shared` is None where no other process answers."""
        self._lasts_s = lasts_s
        self._generation = generation
        self._shared = shared
        self._here = FirstAnswers[Told](lasts_s)
        self._steady = Steady()

    def state(self) -> State:
        """Of all that a choice rests on; it is to be taken before one chooses."""
        return self._generation.current()

    def see(self, key: Key, told: Told, state: State, audience: Audience = EVERYBODY) -> None:
        """This was chosen in that state, for whoever is new and is decided for as this audience is."""
        self._steady.see((*key[1:], audience), told, state, time.monotonic())

    def here(self, key: Key) -> Told | None:
        """What this process remembers."""
        return self._here.get(key, time.monotonic())

    def join(self, key: Key, told: Told, audience: Audience = EVERYBODY) -> Told | None:
        """What the caller is told: this from now on, if nothing yet. None if that is to be looked up."""
        already = self.here(key)
        if already is not None:
            return already
        now_s = time.monotonic()
        if self._shared is not None:
            steady_s = self._steady.seconds((*key[1:], audience), told, self._generation.current(), now_s)
            if steady_s < self._lasts_s + _KNOWN_WITHIN_S:
                return None
            self._shared.note(Beginning(key, told, now()))
        return self._here.keep(key, told, now_s)

    async def recall(self, key: Key) -> Told | None:
        """What the caller is told, by whatever process."""
        already = self.here(key)
        if already is not None or self._shared is None:
            return already
        held = await self._shared.recall(key)
        return self._keep(held, held.told) if held is not None else None

    async def begin(self, key: Key, told: Told, instead_of: Told | None) -> Told:
        """Let the caller be told this from now on; returns what he is told, which is another object than the given one
        if somebody was first. `instead_of` is what he was told before, if that was dropped."""
        already = self.here(key)
        if already is not None:
            return already
        if self._shared is None:
            return self._here.keep(key, told, time.monotonic())
        held = await self._shared.begin(Beginning(key, told, now(), instead_of))
        return self._keep(held, told if held.told == told else held.told)

    def drop(self, key: Key) -> None:
        """Let go before the time: what was told is no longer a good answer."""
        self._here.drop(key)

    def _keep(self, held: Beginning, told: Told) -> Told:
        # Another machine's clock may be ahead of this one's.
        age_s = max((now() - held.at).total_seconds(), 0.0)
        return self._here.keep(held.key, told, time.monotonic(), age_s)
