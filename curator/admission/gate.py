"""The one door: nothing of a commit is served but under a decision that allows it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from curator.admission import progress, scans
from curator.admission.decisions import Ruling, current
from curator.admission.progress import Sought
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database
from curator.errors import UpstreamUnavailable
from curator.policy.in_force import RulesInForce
from curator.queue.celery import Sender
from curator.types import Commit
from rules.circumstances import EVERYBODY, Audience

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
_LINGER_S = 5.0
"""Whoever was told to ask again, and does so at once, is not a new question to the database."""


class StillJudged(Exception):
    """There is no decision yet."""

    def __init__(self, commit: Commit, scanned: int, total: int) -> None:
        super().__init__(f"{scanned} of {total} files scanned" if total else "it is being listed")
        self.commit = commit
        self.scanned = scanned
        self.total = total


@dataclass(eq=False, slots=True)
class _Vigil:
    """The wait for one judgement, shared by all who ask for it."""

    until: float = 0.0
    """When the last of them has gone, on the monotonic clock."""
    task: asyncio.Task[bool] | None = None


class Gate:
    """Decisions under the rules in force; concurrent askers of a commit wait for one judgement.

    Each verb raises `NothingInForce` where there are no rules.
    """

    def __init__(self, database: Database, sender: Sender, rules: RulesInForce) -> None:
        self._database = database
        self._sender = sender
        self._rules = rules
        self._waiting: dict[Sought, _Vigil] = {}

    async def decide(self, snapshot: Snapshot, wait_s: float, audience: Audience = EVERYBODY) -> Ruling:
        """The decision about a commit, made now if there is none.

        Raises `StillJudged` when it is not there in `wait_s` seconds, and `UpstreamUnavailable` when the commit cannot
        be listed.
        """
        ends = time.monotonic() + wait_s
        while True:
            rules = await self._rules.get()
            sought = Sought(snapshot.id, rules.digest, rules.audience(audience))
            ruling = await asyncio.to_thread(self._current, sought)
            if ruling is None:
                # It is read by each who waited: what one of them saw may have been reopened before another asked.
                await self._made(snapshot, sought, max(ends - time.monotonic(), 0.0))
            elif (await self._rules.get()).digest == rules.digest:
                return ruling
            # Else other rules came into force meanwhile, and they are to be asked.

    async def _made(self, snapshot: Snapshot, sought: Sought, wait_s: float) -> None:
        """Wait until somebody has made a decision. Raises as `decide` does."""
        vigil = self._waiting.get(sought)
        if vigil is None:
            vigil = self._waiting[sought] = _Vigil()
            vigil.task = asyncio.create_task(self._judged(sought, vigil), name=f"judge {snapshot.commit}")
        vigil.until = max(vigil.until, time.monotonic() + wait_s)
        assert vigil.task is not None
        try:
            made = await asyncio.wait_for(asyncio.shield(vigil.task), wait_s)
        except TimeoutError:
            made = False
        if not made:
            raise StillJudged(snapshot.commit, *await asyncio.to_thread(self._progress, snapshot.id))

    def current(self, snapshot_id: int, audience: Audience = EVERYBODY) -> Ruling | None:
        """The decision in force, without having one made. For threads: it may ask the database."""
        rules = self._rules.now()
        return self._current(Sought(snapshot_id, rules.digest, rules.audience(audience)))

    def _current(self, sought: Sought) -> Ruling | None:
        with self._database.read() as session:
            return current(session, sought.snapshot_id, sought.rule_set, sought.audience)

    async def _judged(self, sought: Sought, vigil: _Vigil) -> bool:
        """Have the commit judged, and wait for as long as anybody does: whether that was long enough."""
        try:
            await asyncio.to_thread(self._ask, sought)
            pause_s, began = _FIRST_PAUSE_S, time.monotonic()
            while time.monotonic() < vigil.until + _LINGER_S:
                await asyncio.sleep(pause_s)
                ruling, failure = await asyncio.to_thread(self._look, sought)
                if ruling is not None:
                    took_s = time.monotonic() - began
                    log.info("snapshot %d: %s after %.2f s", sought.snapshot_id, ruling.outcome.value, took_s)
                    return True
                if failure is not None:
                    raise UpstreamUnavailable(failure)
                pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
            return False
        finally:
            # Before it has ended, so that nobody joins what is over.
            del self._waiting[sought]

    def _ask(self, sought: Sought) -> None:
        with self._database.write() as session:
            works = progress.open_admission(session, sought)
        self._sender.send(works)

    def _look(self, sought: Sought) -> tuple[Ruling | None, str | None]:
        with self._database.read() as session:
            ruling = current(session, sought.snapshot_id, sought.rule_set, sought.audience)
            return ruling, None if ruling else progress.failure_of_admission(session, sought)

    def _progress(self, snapshot_id: int) -> tuple[int, int]:
        with self._database.read() as session:
            return scans.progress(session, snapshot_id)
