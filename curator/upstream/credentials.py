"""What the mirror shows of itself to the upstream, for each repository."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.types import RepoId
from curator.upstream.tokens import KeptToken, best_match, list_tokens, open_token

# So long a token that was added or removed goes unnoticed by a process that runs.
_FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, and which one it is."""

    token: str | None = field(repr=False)
    name: str
    """Tells one from another, without telling what it is."""


class Credentials:
    """The token of the most specific pattern, or else the mirror's general one. It belongs to one event loop."""

    def __init__(self, general: str | None, database: Database | None, seal: Seal) -> None:
        self._general = Credential(general, "general")
        self._database = database
        self._seal = seal
        self._kept: list[KeptToken] = []
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def of(self, repo: RepoId | None) -> Credential:
        """The general one for what is of no repository.

        Raises `KeyLost` where the token that is meant for it cannot be opened: no other takes its place.
        """
        if repo is None:
            return self._general
        if self._database is not None:
            await self._refresh(self._database)
        kept = best_match(self._kept, repo)
        if kept is None:
            return self._general
        return Credential(open_token(self._seal, kept), f"{kept.pattern} {kept.created_at.isoformat()}")

    async def _refresh(self, database: Database) -> None:
        async with self._reading:
            if self._read_at is not None and time.monotonic() - self._read_at < _FRESH_S:
                return
            self._kept = await asyncio.to_thread(list_tokens, database)
            self._read_at = time.monotonic()
