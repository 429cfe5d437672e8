"""What the upstream said no to a moment ago, so that a client that asks in a loop costs it one request."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from curator.errors import CuratorError, RepoNotFound, RevisionNotFound, UpstreamRefused
from curator.types import RepoId

_MOST = 10_000
_No = RepoNotFound | RevisionNotFound | UpstreamRefused


class Refusals:
    """Remembers, per repository as it was asked for, revision and token, for a while."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._known: OrderedDict[tuple[RepoId, str, str], tuple[_No, float]] = OrderedDict()

    @asynccontextmanager
    async def remembering(self, repo: RepoId, revision: str, credential: str) -> AsyncIterator[None]:
        """Raise the no that is known; remember one that the block raises."""
        key = (repo, revision, credential)
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[1]:
            raise _again(known[0])
        try:
            yield
        except (RepoNotFound, RevisionNotFound, UpstreamRefused) as error:
            self._known[key] = (error, time.monotonic() + self._ttl_s)
            self._known.move_to_end(key)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
            raise


def _again(error: _No) -> CuratorError:
    """A new one with the same words: an exception that is raised twice drags its first traceback along."""
    return type(error)(error.sentence)
