"""Work beside a server's answers, over and over: a step that fails is told of and tried again, and ends nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

_AGAIN_S = 5.0
_AGAIN_AT_MOST_S = 60.0


async def keep_doing(step: Callable[[], float | None], otherwise: str, *, first_after_s: float = 0.0) -> None:
    """Take one step after another, each in a thread, until one returns None, or until cancelled.

    A step returns the seconds to rest before the next. One that fails is told of as `otherwise` ("uses cannot be
    counted"), the first time with all that is known of why, and tried again after 5 s, then ever more seldom, but
    once a minute at least.
    """
    rest: float | None = first_after_s
    again = _AGAIN_S
    while rest is not None:
        await asyncio.sleep(rest)
        try:
            rest = await asyncio.to_thread(step)
        except Exception as error:
            # A database, a disk or a broker that is away for a moment must not end this.
            first = again == _AGAIN_S
            log.exception("%s (%s); the next try is in %.0f s", otherwise, type(error).__name__, again, exc_info=first)
            rest, again = again, min(again * 2, _AGAIN_AT_MOST_S)
        else:
            if again != _AGAIN_S:
                log.info("it is over that %s", otherwise)
            again = _AGAIN_S
