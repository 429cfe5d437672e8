"""What a developer's wish is about: the decision that stands in his way now, for his team and project."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from curator.admission import decisions, snapshots
from curator.admission.decisions import Ruling
from curator.admission.gate import Gate
from curator.admission.kinds import check_kind
from curator.admission.resolve import Resolver
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database
from curator.policy.word import BadWord
from curator.settings import Settings
from curator.types import RepoId, RepoKind, Revision
from rules.circumstances import Audience


@dataclass(frozen=True, slots=True)
class Wish:
    """As somebody writes it: a decision that he was told of, or a repository at a revision."""

    decision: str = ""
    repository: str = ""
    kind: RepoKind = RepoKind.MODEL
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Asking:
    """Finds the decision; of a branch, it is about the upstream's commit."""

    settings: Settings
    database: Database
    resolver: Resolver
    gate: Gate

    async def ruling(self, wish: Wish, audience: Audience, wait_s: float) -> Ruling:
        """The decision in force for these. Raises `BadWord`, `StillJudged`, and what the Hub says of a name."""
        if wish.decision:
            snapshot = await asyncio.to_thread(self._decided, wish.decision)
        elif wish.repository:
            repo = RepoId.parse(wish.repository.strip(), wish.kind)
            check_kind(self.settings, repo.kind)
            snapshot = await self.resolver.resolve(repo, Revision.parse(wish.revision.strip() or "main"))
        else:
            raise BadWord("Name a repository, or the decision that you were told of")
        return await self.gate.decide(snapshot, wait_s, audience)

    def _decided(self, decision_id: str) -> Snapshot:
        with self.database.read() as session:
            found = decisions.find(session, decision_id)
            if found is None:
                raise BadWord(f"There is no decision {decision_id[:64]!a} here: name the repository instead")
            return snapshots.get(session, found[0].snapshot_id)
