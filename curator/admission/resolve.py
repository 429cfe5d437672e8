"""From a name and a revision to one commit: asked of the upstream once, and remembered for when it is down."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from curator.admission import snapshots
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database, now
from curator.errors import RevisionNotFound, UpstreamUnavailable
from curator.types import RepoId, Revision
from curator.upstream.client import Upstream

log = logging.getLogger(__name__)


class Resolver:
    """Concurrent askers of one revision share one question to the upstream."""

    def __init__(self, database: Database, upstream: Upstream, ttl_s: float) -> None:
        self._database = database
        self._upstream = upstream
        self._ttl = dt.timedelta(seconds=ttl_s)
        self._asking: dict[tuple[RepoId, Revision], asyncio.Task[Snapshot]] = {}

    async def resolve(self, repo: RepoId, revision: Revision) -> Snapshot:
        """The commit that the revision stands for. Raises what the Hub says, or that it cannot be asked."""
        if revision.is_pull_request:
            raise RevisionNotFound(
                f"{revision} of {repo} is not served: anybody on the Hub can push to a pull request, so name a branch, "
                "a tag or a commit"
            )
        known = await asyncio.to_thread(self._known, repo, revision, fresh=True)
        if known is not None:
            return known
        question = (repo, revision)
        task = self._asking.get(question)
        if task is None:
            task = asyncio.create_task(self._ask(repo, revision))
            self._asking[question] = task
            task.add_done_callback(lambda _: self._asking.pop(question, None))
        try:
            return await asyncio.shield(task)
        except UpstreamUnavailable as error:
            stale = await asyncio.to_thread(self._known, repo, revision, fresh=False)
            if stale is None:
                raise
            log.warning("%s: answering for %s@%s from memory", error.sentence, repo, revision)
            return stale

    def _known(self, repo: RepoId, revision: Revision, *, fresh: bool) -> Snapshot | None:
        with self._database.read() as session:
            reference = snapshots.reference(session, repo, revision)
            if reference is None:
                return None
            if fresh and not revision.is_commit and now() - reference.checked_at > self._ttl:
                return None
            return snapshots.find(session, reference.commit)

    async def _ask(self, repo: RepoId, revision: Revision) -> Snapshot:
        description = await self._upstream.describe(repo, revision)
        if revision.is_commit and description.commit.sha != revision.text:
            raise RevisionNotFound(f"The Hub has no commit {revision} in {repo}")

        def keep() -> Snapshot:
            with self._database.write() as session:
                return snapshots.remember(session, repo, revision, description)

        return await asyncio.to_thread(keep)
