"""From what is asked to what may be had: the decision, or the refusal with its audit row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from curator.admission.decisions import Ruling
from curator.admission.gate import Gate, StillJudged
from curator.admission.resolve import Resolver
from curator.admission.snapshots import Snapshot
from curator.audit.record import Action, AuditEvent, record
from curator.database.engine import Database, new_id
from curator.hub.refusal import Refusal
from curator.hub.request import Request
from curator.settings import Settings
from curator.types import RepoId, Revision
from rules.evaluate import Outcome

_ASK_AGAIN_S = 30


@dataclass(frozen=True, slots=True)
class Admitted:
    """A commit that may be served, and the decision that says so."""

    snapshot: Snapshot
    ruling: Ruling


class Refused(Exception):
    """It may not be had."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class Admission:
    """Asks the gate, and writes down every no."""

    def __init__(self, settings: Settings, database: Database, resolver: Resolver, gate: Gate) -> None:
        self._settings = settings
        self._database = database
        self._resolver = resolver
        self._gate = gate

    async def admit(self, request: Request, repo: RepoId, revision: Revision, path: str | None = None) -> Admitted:
        """The commit and its decision, waited for as long as this kind of client bears. Raises `Refused`."""
        snapshot = await self._resolver.resolve(repo, revision)
        wait_s = self._settings.hold_revision_s if path is None else self._settings.hold_head_s
        try:
            ruling = await self._gate.decide(snapshot, wait_s)
        except StillJudged as state:
            how_far = f"{state.scanned} of its {state.total} files are done" if state.total else "it is being listed"
            raise await self._refused(
                request,
                repo,
                revision,
                snapshot,
                path,
                outcome="hold",
                said=f"{snapshot.commit} is being scanned and not yet allowed ({how_far}): "
                f"ask again in about {_ASK_AGAIN_S} s",
                retry_after_s=_ASK_AGAIN_S,
            ) from None
        if ruling.outcome is not Outcome.ALLOW:
            verb = "blocked" if ruling.outcome is Outcome.BLOCK else "held for review"
            said = f"{repo} is {verb} by the rule {ruling.rules[0]}: {ruling.sentence}"
            raise await self._refused(
                request, repo, revision, snapshot, path, outcome=ruling.outcome.value, said=said, ruling=ruling
            )
        return Admitted(snapshot, ruling)

    async def left_out(
        self, request: Request, repo: RepoId, revision: Revision, admitted: Admitted, path: str
    ) -> Refused:
        """The refusal of one file of a repository that is otherwise served."""
        reason = admitted.ruling.excluded[path]
        return await self._refused(
            request,
            repo,
            revision,
            admitted.snapshot,
            path,
            outcome="left-out",
            said=f"{path} of {repo} is left out by the rule {reason.rule}: {reason.message}",
            ruling=admitted.ruling,
            status=404,
            code="EntryNotFound",
            rules=(reason.rule,),
        )

    async def _refused(
        self,
        request: Request,
        repo: RepoId,
        revision: Revision,
        snapshot: Snapshot,
        path: str | None,
        *,
        outcome: str,
        said: str,
        ruling: Ruling | None = None,
        status: int = 403,
        code: str = "GatedRepo",
        rules: tuple[str, ...] | None = None,
        retry_after_s: int | None = None,
    ) -> Refused:
        audit_id = new_id()
        if ruling is not None:
            contact = self._settings.contact or "this mirror's administrator"
            said = (
                f"{said.rstrip('.')}. Details: {self._settings.url}/-/decisions/{ruling.id} - "
                f"for an exception ask {contact} and quote request {audit_id}"
            )
        refusal = Refusal(
            sentence=said,
            outcome=outcome,
            repo=str(repo),
            audit_id=audit_id,
            rules=rules if rules is not None else ruling.rules if ruling else (),
            decision=ruling.id if ruling else None,
            status=status,
            code=code,
            commit_sha=snapshot.commit.sha if code == "EntryNotFound" else None,
            retry_after_s=retry_after_s,
        )
        event = AuditEvent(
            id=audit_id,
            action=Action.REFUSE,
            actor=request.caller.name,
            kind=repo.kind,
            repo=str(snapshot.commit.repo),
            revision=revision.text,
            commit=snapshot.commit.sha,
            path=path,
            outcome=outcome,
            decision=refusal.decision,
            rules=",".join(refusal.rules) or None,
            sentence=said,
            address=request.address,
            user_agent=request.headers.get("user-agent"),
        )
        await asyncio.to_thread(record, self._database, event)
        return Refused(refusal)
