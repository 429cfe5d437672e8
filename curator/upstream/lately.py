"""What was asked a moment ago, or is being asked, is not asked again: a thousand fine-tunes have one base."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

_T = TypeVar("_T")

FOR_S = 300.0
_MOST = 2_000


@dataclass(slots=True, eq=False)
class _Asked:
    answer: asyncio.Task[Any]
    at: float = field(default_factory=time.monotonic)
    waiting: int = 0


@dataclass(slots=True)
class Lately:
    """Answers of one event loop, for a while. What failed is asked anew by the next who wants to know."""

    for_s: float = FOR_S
    most: int = _MOST
    _asked: dict[Hashable, _Asked] = field(default_factory=dict)

    async def ask(self, key: Hashable, question: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """The answer to the question of this key; whoever stops waiting for it stops nobody else."""
        asked = self._asked.get(key)
        if asked is None or time.monotonic() - asked.at > self.for_s:
            self._asked.pop(key, None)
            asked = self._asked[key] = _Asked(asyncio.create_task(question()))
            while len(self._asked) > self.most:
                del self._asked[next(iter(self._asked))]
        asked.waiting += 1
        try:
            answer: _T = await asyncio.shield(asked.answer)
        except BaseException:
            # The same where the last one waits no longer: nobody is to wait for a question that has hung since then.
            if asked.waiting == 1 and not asked.answer.done():
                asked.answer.cancel()
            if asked.waiting == 1 and self._asked.get(key) is asked:
                del self._asked[key]
            raise
        finally:
            asked.waiting -= 1
        return answer
