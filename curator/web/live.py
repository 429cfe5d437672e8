"""What happens at this moment: commits that are judged, work that waits, files that arrive. One look for all who watch.

However many look on, each process asks the database and the disk once a second, and not at all while nobody does.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from curator.admission import underway
from curator.admission.tables import EntryRow, SnapshotRow
from curator.admission.underway import Backlog, Judging
from curator.audit.tables import UseRow
from curator.database.engine import Database, now
from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.store.arriving import Arriving, arriving
from curator.store.blobs import BlobStore

log = logging.getLogger(__name__)

MOST_LISTENERS = 64
"""In one process; whoever comes then is asked to come again."""
MOST_OF_ONE = 8
"""Of these: nobody takes the place of all others by opening the page again and again."""
_LOOK_EVERY_S = 1.0
_FIRST_LOOK_S = 10.0
_HEARTBEAT_S = 15.0
_RETRY_MS = 3_000
_SMOOTHING = 0.5
_OF_LATE = dt.timedelta(hours=1)
_MOST_WHOM = 200


class TooManyListeners(CuratorError):
    """Others look on already."""

    status = 503


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody who was given files of the commit within the last hour."""

    name: str
    team: str
    project: str
    job: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is on its way in from the upstream."""

    blob: str
    kind: str
    repo: str
    """One of those that have it; empty if none is known."""
    path: str
    size: int
    written: int
    bytes_per_s: float
    seconds_left: float | None
    whom: tuple[Whom, ...] = ()
    """For whom it comes, the latest first."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "bytes_per_s": round(self.bytes_per_s),
            "whom": [one.as_json() for one in self.whom],
        }


@dataclass(frozen=True, slots=True)
class Live:
    """All of it, at one moment."""

    at: dt.datetime
    judging: tuple[Judging, ...]
    """The first of them."""
    work: Backlog
    downloads: tuple[Download, ...]

    def for_caller(self, caller: Caller) -> Live:
        """As much of it as concerns them: all, or what they or their project were given, and what is judged for them
        alone."""
        if caller.may(Permission.SEE_ALL):
            return self
        own = caller.audience
        mine = (
            replace(one, whom=those)
            for one in self.downloads
            if (those := tuple(who for who in one.whom if who.name == caller.name))
        )
        judged = tuple(one for one in self.judging if one.audience and one.audience == str(own))
        return replace(self, judging=judged, downloads=tuple(mine))

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "judging": [one.as_json() for one in self.judging],
            "work": self.work.as_json(),
            "downloads": [one.as_json() for one in self.downloads],
        }


class LiveView:
    """One look for all listeners of a process. Belongs to one event loop."""

    def __init__(self, database: Database, store: BlobStore) -> None:
        self._database = database
        self._store = store
        self._rates: dict[str, tuple[float, int, float]] = {}
        """Of each blob: when it was looked at, how many bytes were there, how many came in a second."""
        self._now: Live | None = None
        self._moved = asyncio.Condition()
        self._listeners = 0
        self._of = Counter[str]()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def get(self) -> Live:
        """As it is now, or was less than a second ago if others look on."""
        return self._now if self._looking is not None and self._now is not None else await self._look()

    def require_room(self, whose: str = "") -> None:
        """Raise `TooManyListeners` where one more would be too many, or one more of his."""
        if whose and self._of[whose] >= MOST_OF_ONE:
            raise TooManyListeners(f"You look on {MOST_OF_ONE} times already: close one of these pages first")
        if self._listeners >= MOST_LISTENERS:
            raise TooManyListeners(f"{MOST_LISTENERS} others look on already: reload the page now and then instead")

    async def follow(self, whose: str = "") -> AsyncIterator[Live | None]:
        """Each state that differs from the one before, the present one first; None now and then, while all stays so.

        It ends when the server stops. Raises `TooManyListeners`.
        """
        self.require_room(whose)
        self._listeners += 1
        self._of[whose] += 1
        try:
            if self._looking is None:
                self._looking = asyncio.create_task(self._keep_looking(), name="live")
            seen: dict[str, Any] = {}
            while not self._closed:
                state = self._now
                if state is not None and (document := _lasting(state)) != seen:
                    seen = document
                    yield state
                    continue
                if not await self._wait(_HEARTBEAT_S if seen else _FIRST_LOOK_S):
                    yield None
        finally:
            self._listeners -= 1
            self._of[whose] -= 1
            self._of += Counter()  # Whoever looks on no more is forgotten.
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = self._now = None

    async def close(self) -> None:
        """End all that listen: a server that stops waits for nobody's open page."""
        self._closed = True
        async with self._moved:
            self._moved.notify_all()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _wait(self, seconds: float) -> bool:
        """Until there is something new; False if there is not for so long."""
        async with self._moved:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), seconds)
                return True
        return False

    async def _keep_looking(self) -> None:
        while True:
            try:
                self._now = await self._look()
            except Exception:
                # A database that is away for a moment ends no page: it shows what was, and then what is.
                log.exception("what happens could not be looked at")
            async with self._moved:
                self._moved.notify_all()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> Live:
        return await asyncio.to_thread(self._at_work)

    def _at_work(self) -> Live:
        coming = arriving(self._store)
        with self._database.read() as session:
            return Live(
                at=now(),
                judging=tuple(underway.judging(session)),
                work=underway.backlog(session),
                downloads=tuple(self._downloads(session, coming)),
            )

    def _downloads(self, session: Session, coming: Sequence[Arriving]) -> list[Download]:
        of = _named(session, [str(one.blob) for one in coming])
        whom = _whom(session, of)
        moment, rates, found = time.monotonic(), {}, []
        for one in coming:
            blob = str(one.blob)
            rate = _rate(self._rates.get(blob), moment, one.written)
            rates[blob] = (moment, one.written, rate)
            kind, repo, path, _ = next(iter(of.get(blob, ())), ("", "", "", ""))
            left_s = (one.size - one.written) / rate if rate else None
            found.append(Download(blob, kind, repo, path, one.size, one.written, rate, left_s, whom.get(blob, ())))
        self._rates = rates
        return found


def events(state: Live | None) -> str:
    """A state as server-sent events say it (WHATWG HTML section 9.2); None as the comment that keeps a line open."""
    if state is None:
        return ": nothing new\n\n"
    return f"retry: {_RETRY_MS}\nevent: state\ndata: {json.dumps(state.as_json(), separators=(',', ':'))}\n\n"


def _lasting(state: Live) -> dict[str, Any]:
    return state.as_json() | {"at": None}


def _rate(before: tuple[float, int, float] | None, moment: float, written: int) -> float:
    """Bytes a second, smoothed; 0 at the first look."""
    if before is None:
        return 0.0
    at, had, rate = before
    if moment - at < _LOOK_EVERY_S / 2:
        return rate
    fresh = max(written - had, 0) / (moment - at)
    return fresh if not rate else _SMOOTHING * fresh + (1 - _SMOOTHING) * rate


_Place = tuple[str, str, str, str]
"""Kind, repository, path and commit."""


def _named(session: Session, blobs: Sequence[str]) -> dict[str, list[_Place]]:
    """The files that each stands for, some of them."""
    if not blobs:
        return {}
    rows = session.exec(
        select(EntryRow.blob, EntryRow.path, SnapshotRow)
        .join(SnapshotRow, col(SnapshotRow.id) == col(EntryRow.snapshot_id))
        .where(col(EntryRow.blob).in_(blobs))
        .order_by(col(EntryRow.id))
        .limit(10 * len(blobs))
    )
    found: dict[str, list[_Place]] = {}
    for blob, path, of in rows:
        if blob is not None:
            found.setdefault(blob, []).append((of.kind, of.repo, path, of.sha))
    return found


def _whom(session: Session, of: Mapping[str, Sequence[_Place]]) -> dict[str, tuple[Whom, ...]]:
    """Who was given files of these commits of late; one question for all of them."""
    commits = {(kind, repo, sha) for places in of.values() for kind, repo, _, sha in places}
    if not commits:
        return {}
    uses = session.exec(
        select(UseRow)
        .where(tuple_(col(UseRow.kind), col(UseRow.repo), col(UseRow.commit)).in_(commits))
        .where(col(UseRow.last_at) > now() - _OF_LATE)
        .order_by(col(UseRow.last_at).desc())
        .limit(_MOST_WHOM)
    ).all()
    found = {}
    for blob, places in of.items():
        named = {(kind, repo, sha) for kind, repo, _, sha in places}
        those = [Whom(use.actor, use.team, use.project, use.job) for use in uses if _of(use) in named]
        found[blob] = tuple(dict.fromkeys(those))
    return found


def _of(use: UseRow) -> tuple[str, str, str]:
    return use.kind, use.repo, use.commit
