"""From a name and a revision to one commit: asked of the upstream once, and remembered for when it is down."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import math
import time
from dataclasses import dataclass

from sqlmodel import Session

from curator.admission import references, snapshots
from curator.admission.published import check_published
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database, now
from curator.errors import CuratorError, MirrorOffline, RevisionNotFound, UpstreamUnavailable
from curator.types import Commit, RepoId, Revision, UpstreamMode
from curator.upstream.client import Upstream

log = logging.getLogger(__name__)

# While the upstream cannot be reached, what is remembered is said again without asking for so long.
_STALE_S = 1.0
_MOST_FRESH = 50_000
# What kind of name a revision is, is of use only while the upstream is down: nobody waits long for it.
_LEARN_S = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """Put to the upstream, and shared by all who want to know."""

    answer: asyncio.Task[Snapshot]
    at: float
    """When it was put, on the monotonic clock."""


class Resolver:
    """Concurrent askers of one revision share one question to the upstream, if the mode allows to ask at all."""

    def __init__(self, database: Database, upstream: Upstream, mode: UpstreamMode, ttl_s: float) -> None:
        self._database = database
        self._upstream = upstream
        self._mode = mode
        self._ttl = dt.timedelta(seconds=ttl_s)
        self._asking: dict[tuple[RepoId, Revision], _Question] = {}
        self._fresh: dict[tuple[RepoId, Revision], tuple[float, Commit]] = {}
        """Until when what was last said of a revision holds, on the monotonic clock, and what that was."""

    async def resolve(self, repo: RepoId, revision: Revision) -> Snapshot:
        """The commit that the revision stands for. Raises what the Hub says, or that it cannot be asked."""
        if revision.is_pull_request:
            raise RevisionNotFound(
                f"{revision} of {repo} is not served: anybody on the Hub can push to a pull request, so name a branch, "
                "a tag or a commit"
            )
        offline = self._mode is UpstreamMode.OFFLINE
        known = await asyncio.to_thread(self._known, repo, revision, fresh=not offline)
        if known is not None:
            if offline:
                self._holds(repo, revision, known.commit, math.inf)
            return known
        if offline:
            raise MirrorOffline(f"{repo}@{revision}")
        try:
            return await asyncio.shield(self._asked(repo, revision).answer)
        except UpstreamUnavailable as error:
            stale = await asyncio.to_thread(self._known, repo, revision, fresh=False)
            if stale is None:
                raise
            if self._mode is UpstreamMode.STRICT:
                raise UpstreamUnavailable(
                    f"{error.sentence}; this mirror is strict and serves {revision} only as the Hub has just confirmed "
                    f"it, so name the commit that is meant: {revision} was last {stale.commit.sha}"
                ) from error
            log.warning("%s: answering for %s@%s from memory", error.sentence, repo, revision)
            self._holds(repo, revision, stale.commit, _STALE_S)
            return stale

    def fresh_for(self, repo: RepoId, revision: Revision, commit: Commit) -> float:
        """Seconds for which the revision is said to be this commit without the upstream being asked; 0 if it is not."""
        if revision.is_commit:
            return math.inf
        until, held = self._fresh.get((repo, revision), (0.0, None))
        return until - time.monotonic() if held == commit else 0.0

    def _holds(self, repo: RepoId, revision: Revision, commit: Commit, seconds: float) -> None:
        if len(self._fresh) > _MOST_FRESH:
            self._fresh.clear()
        self._fresh[repo, revision] = (time.monotonic() + seconds, commit)

    def _known(self, repo: RepoId, revision: Revision, *, fresh: bool) -> Snapshot | None:
        with self._database.read() as session:
            reference = snapshots.reference(session, repo, revision)
            if reference is None:
                return None
            if fresh and not revision.is_commit:
                age = now() - reference.checked_at
                # What was checked in the future was checked by a clock that has been put right since.
                if not dt.timedelta() <= age <= self._ttl:
                    return None
                self._holds(repo, revision, reference.commit, (self._ttl - age).total_seconds())
            return snapshots.find(session, reference.commit)

    def _asked(self, repo: RepoId, revision: Revision) -> _Question:
        """The question that is under way, unless it was put longer ago than an answer holds."""
        key, moment = (repo, revision), time.monotonic()
        asked = self._asking.get(key)
        if asked is not None and moment - asked.at <= self._ttl.total_seconds():
            return asked
        asked = self._asking[key] = _Question(asyncio.create_task(self._ask(repo, revision)), moment)

        def over(_: object) -> None:
            if self._asking.get(key) is asked:
                del self._asking[key]

        asked.answer.add_done_callback(over)
        return asked

    async def _ask(self, repo: RepoId, revision: Revision) -> Snapshot:
        asked_at = now()
        description = await self._upstream.describe(repo, revision)
        if revision.is_commit and description.commit.sha != revision.text:
            raise RevisionNotFound(f"The Hub has no commit {revision} in {repo}")
        # Its own name, the first digits of it, or what git makes of half the name of a pull request.
        if description.commit.sha.startswith(revision.text.lower()) or revision.text.startswith("pr/"):
            await check_published(self._upstream, description.commit, revision)

        def keep(session: Session) -> tuple[Snapshot, bool]:
            snapshot = snapshots.remember(session, repo, revision, description, asked_at)
            return snapshot, revision.is_commit or references.is_known(session, repo, revision)

        snapshot, kind_known = await self._database.change(keep)
        self._holds(repo, revision, snapshot.commit, (asked_at + self._ttl - now()).total_seconds())
        if not kind_known:
            await self._learn(repo)
        return snapshot

    async def _learn(self, repo: RepoId) -> None:
        """See whether a name is a branch or a tag, the first time it is asked for."""
        try:
            listed = await asyncio.wait_for(self._upstream.list_refs(repo), _LEARN_S)
        except (CuratorError, TimeoutError) as error:
            log.info("the branches and tags of %s are not known (%s)", repo, error)
            return

        def keep(session: Session) -> None:
            references.learn(session, repo, listed)

        await self._database.change(keep)
