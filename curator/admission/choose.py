"""From a repository and a revision to the commit that is given, with its decision.

A commit asked for by its own name is never replaced. A branch is what the upstream says, if that is allowed; if not,
what the rules' `branches` say: the newest commit of it that is allowed, or nothing, or where it is pinned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from dataclasses import dataclass, replace

from curator.admission import history, pins, snapshots
from curator.admission.branches import Asker, Behind, FirstAnswers, Told, commits_behind, older_than
from curator.admission.decisions import Ruling
from curator.admission.gate import Gate, StillJudged
from curator.admission.resolve import Resolver
from curator.admission.sessions import Sessions
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database
from curator.errors import CuratorError, UpstreamUnavailable
from curator.policy.in_force import RulesInForce
from curator.types import Commit, RepoId, Revision
from curator.upstream.client import Upstream
from rules.circumstances import EVERYBODY, Audience
from rules.evaluate import Outcome
from rules.model import Branches

# Who has an older commit to work with is not kept waiting for the newer one: most judgements of a commit that shares
# its large files with the one before end within this, and the others are there for the next session.
_PATIENCE_S = 2.0
# The count of commits is a courtesy, and no answer waits long for it.
_LIST_S = 2.0
_LISTS_LAST_S = 300.0
# After a change of rules or scanners, older commits are judged anew when they are needed: so many of them at most.
_MOST_JUDGED_ANEW = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The commit that is given, if its decision allows it."""

    snapshot: Snapshot
    ruling: Ruling
    behind: Behind | None = None
    """That it is not the upstream's, and why; None if it is."""
    begins: bool = False
    """Whether this caller is given it for the first time instead of the upstream's."""

    @property
    def allowed(self) -> bool:
        return self.ruling.outcome is Outcome.ALLOW


@dataclass(frozen=True, slots=True)
class _Asked:
    """A branch or tag, and for whom it is asked for."""

    revision: Revision
    audience: Audience


class Chooser:
    """Chooses under the rules in force, and tells each caller of one commit for a while."""

    def __init__(
        self,
        database: Database,
        upstream: Upstream,
        resolver: Resolver,
        gate: Gate,
        rules: RulesInForce,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._upstream = upstream
        self._resolver = resolver
        self._gate = gate
        self._rules = rules
        self._sessions = sessions
        self._substitutions = FirstAnswers[object](float("inf"))
        self._lists = FirstAnswers[asyncio.Task[list[str]]](_LISTS_LAST_S, most=1_000)

    async def choose(
        self, caller: Asker | None, repo: RepoId, revision: Revision, wait_s: float, audience: Audience = EVERYBODY
    ) -> Choice:
        """What the revision gives this caller, who asks for his team and project; None is nobody, who is told what
        holds at the moment.

        The decision may be one that does not allow: it is then that of the upstream's commit, or of the pinned one.
        Raises `StillJudged` if there is none in `wait_s` seconds, and `NothingInForce` where there are no rules.
        """
        rules = await self._rules.get()
        if revision.is_commit:
            snapshot = await self._resolver.resolve(repo, revision)
            return Choice(snapshot, await self._gate.decide(snapshot, wait_s, audience))
        if caller is None:
            head = await self._resolver.resolve(repo, revision)
            return await self._of_branch(head, _Asked(revision, audience), wait_s)
        key = (caller, repo, revision)
        before = await self._sessions.recall(key)
        if before is not None:
            again = await asyncio.to_thread(self._again, before, audience)
            if again is not None:
                return again
            self._sessions.drop(key)
        state = self._sessions.state()
        head = await self._resolver.resolve(repo, revision)
        choice = await self._of_branch(head, _Asked(revision, audience), wait_s)
        if not choice.allowed:
            return choice
        mine = Told(choice.snapshot.id, choice.behind)
        self._sessions.see(key, mine, state, rules.audience(audience))
        told = await self._sessions.begin(key, mine, instead_of=before)
        if told is not mine:
            # Another request of this caller was first, and chose before something moved.
            again = await asyncio.to_thread(self._again, told, audience)
            choice = choice if again is None else again
        return replace(choice, begins=self._begins(key, choice))

    def joins(
        self, caller: Asker, repo: RepoId, revision: Revision, what: Told, audience: Audience, *, fresh: bool
    ) -> bool:
        """Whether this caller may be told this without more ado: he has been; or he was told nothing, and what is still
        fresh he is told from now on."""
        key = (caller, repo, revision)
        return (self._sessions.join(key, what, audience) if fresh else self._sessions.here(key)) == what

    def _begins(self, key: Hashable, choice: Choice) -> bool:
        if choice.behind is None:
            return False
        substitution = (key, choice.behind.upstream.sha, choice.snapshot.commit.sha, choice.behind.outcome)
        this = object()
        return self._substitutions.keep(substitution, this, time.monotonic()) is this

    def _again(self, told: Told, audience: Audience) -> Choice | None:
        with self._database.read() as session:
            snapshot = snapshots.get(session, told.snapshot_id)
        ruling = self._gate.current(told.snapshot_id, audience)
        choice = Choice(snapshot, ruling, told.behind) if ruling is not None else None
        return choice if choice is not None and choice.allowed else None

    async def _of_branch(self, head: Snapshot, asked: _Asked, wait_s: float) -> Choice:
        match (await self._rules.get()).policy.branches:
            case Branches.STRICT:
                return Choice(head, await self._gate.decide(head, wait_s, asked.audience))
            case Branches.NEWEST_APPROVED:
                return await self._newest_allowed(head, asked, wait_s)
            case Branches.PIN:
                return await self._pinned(head, asked, wait_s)

    async def _pinned(self, head: Snapshot, asked: _Asked, wait_s: float) -> Choice:
        repo, revision = head.commit.repo, asked.revision
        sha = await asyncio.to_thread(self._pin_of, repo, revision)
        if sha is None:
            choice = await self._newest_allowed(head, asked, wait_s)
            if not choice.allowed:
                return choice
            sha = await asyncio.to_thread(pins.pin_first, self._database, choice.snapshot.commit, revision)
            if sha == choice.snapshot.commit.sha:
                return choice
        snapshot = head if sha == head.commit.sha else await self._exact(Commit(repo, sha))
        ruling = await self._gate.decide(snapshot, wait_s, asked.audience)
        if sha == head.commit.sha:
            return Choice(snapshot, ruling)
        count = await self._count(head, snapshot.commit, revision)
        why = "is not taken, because the branch is pinned on this mirror"
        return Choice(snapshot, ruling, Behind(revision.text, head.commit, count, "pin", why))

    async def _exact(self, commit: Commit) -> Snapshot:
        """A commit of a repository by its own name: from memory, so that a pin holds while the upstream is down."""
        known = await self._database.ask(lambda session: snapshots.find(session, commit))
        return known if known is not None else await self._resolver.resolve(commit.repo, Revision(commit.sha))

    def _pin_of(self, repo: RepoId, revision: Revision) -> str | None:
        with self._database.read() as session:
            return pins.pinned(session, repo, revision)

    async def _newest_allowed(self, head: Snapshot, asked: _Asked, wait_s: float) -> Choice:
        revision, audience = asked.revision, asked.audience
        ends = time.monotonic() + wait_s
        ruling = await asyncio.to_thread(self._gate.current, head.id, audience)
        if ruling is not None and ruling.outcome is Outcome.ALLOW:
            return Choice(head, ruling)
        older = await asyncio.to_thread(self._older, head, revision)
        if not older:
            return Choice(head, ruling or await self._gate.decide(head, wait_s, audience))
        why = ""
        if ruling is None:
            try:
                ruling = await self._gate.decide(head, min(_PATIENCE_S, wait_s), audience)
            except StillJudged as state:
                why = f"is still being scanned ({state})"
            except UpstreamUnavailable as error:
                why = f"could not be judged: {error.sentence}"
            if ruling is not None and ruling.outcome is Outcome.ALLOW:
                return Choice(head, ruling)
        found = await self._first_allowed(older, audience, ends - _LIST_S)
        if found is None:
            left_s = max(ends - time.monotonic(), 0.0)
            return Choice(head, ruling or await self._gate.decide(head, left_s, audience))
        count = await self._count(head, found.snapshot.commit, revision)
        return replace(found, behind=_behind(head.commit, revision, count, ruling, why))

    def _older(self, head: Snapshot, revision: Revision) -> list[Snapshot]:
        repo = head.commit.repo
        with self._database.read() as session:
            shas = older_than(head.commit.sha, history.observed(session, repo, revision))
            found = [snapshots.find(session, Commit(repo, sha)) for sha in shas]
        return [snapshot for snapshot in found if snapshot is not None]

    async def _first_allowed(self, older: list[Snapshot], audience: Audience, ends: float) -> Choice | None:
        """The first of them that the present rules and scanners allow."""
        rulings = await asyncio.to_thread(lambda: [self._gate.current(snapshot.id, audience) for snapshot in older])
        # Where one of them can be had anyway, nobody waits long for a newer one; else the alternative is a refusal.
        sure = any(ruling is not None and ruling.outcome is Outcome.ALLOW for ruling in rulings)
        anew = 0
        for snapshot, known in zip(older, rulings, strict=True):
            # Somebody was waited for: what was known before may have ended since.
            ruling = await asyncio.to_thread(self._gate.current, snapshot.id, audience) if anew else known
            if ruling is None and anew < _MOST_JUDGED_ANEW:
                anew += 1
                left_s = max(ends - time.monotonic(), 0.0)
                try:
                    patience_s = min(_PATIENCE_S, left_s) if sure else left_s
                    ruling = await self._gate.decide(snapshot, patience_s, audience)
                except (StillJudged, UpstreamUnavailable):
                    continue
            if ruling is not None and ruling.outcome is Outcome.ALLOW:
                return Choice(snapshot, ruling)
        return None

    async def _count(self, head: Snapshot, served: Commit, revision: Revision) -> int:
        """How many commits the served one is behind."""
        now_s = time.monotonic()
        task = self._lists.get(head.commit, now_s)
        if task is None:
            task = self._lists.keep(head.commit, asyncio.create_task(self._list(head.commit)), now_s)
        listed = await asyncio.shield(task)
        observed = await asyncio.to_thread(self._observed, served.repo, revision)
        return commits_behind(head.commit.sha, served.sha, listed, observed)

    async def _list(self, commit: Commit) -> list[str]:
        """The upstream's list of what led to a commit; empty if it cannot be had."""
        try:
            return await asyncio.wait_for(self._upstream.list_commits(commit), _LIST_S)
        except (CuratorError, TimeoutError):
            return []

    def _observed(self, repo: RepoId, revision: Revision) -> list[str]:
        with self._database.read() as session:
            return history.observed(session, repo, revision)


def _behind(head: Commit, revision: Revision, count: int, ruling: Ruling | None, why: str) -> Behind:
    if ruling is None:
        return Behind(revision.text, head, count, "hold", why)
    verb = "blocked" if ruling.outcome is Outcome.BLOCK else "held for review"
    said = f"is {verb} by the rule {ruling.rules[0]}: {ruling.sentence}"
    return Behind(revision.text, head, count, ruling.outcome.value, said, ruling.rules, ruling.id)
