"""From what is asked to what may be had: the decision, or the refusal with its audit row."""

from __future__ import annotations

import math
from dataclasses import dataclass

from curator.admission.branches import Asker, Behind, Told, asker
from curator.admission.choose import Choice, Chooser
from curator.admission.decisions import Ruling, one_line
from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.admission.resolve import Resolver
from curator.admission.snapshots import Snapshot
from curator.admission.withdrawn import Withdrawal, withdrawal
from curator.audit.journal import Journal
from curator.audit.record import Action, AuditEvent
from curator.database.engine import Database, new_id, now
from curator.errors import CuratorError
from curator.hub.answer import Lasting, OfBranch
from curator.hub.refusal import Refusal
from curator.hub.request import Request
from curator.policy.in_force import NothingInForce
from curator.settings import Settings
from curator.types import Commit, RepoId, RepoKind, Revision
from rules.evaluate import Outcome

_ASK_AGAIN_S = 30


@dataclass(frozen=True, slots=True)
class Admitted:
    """A commit that may be served, and the decision that says so."""

    snapshot: Snapshot
    ruling: Ruling
    behind: Behind | None = None
    """That it is not the commit that the upstream has of this branch; None if it is."""


class Refused(Exception):
    """It may not be had."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class Admission:
    """Asks what may be given, and writes down every no and every other commit than the upstream's."""

    def __init__(
        self, settings: Settings, database: Database, journal: Journal, chooser: Chooser, resolver: Resolver
    ) -> None:
        self._settings = settings
        self._database = database
        self._journal = journal
        self._chooser = chooser
        self._resolver = resolver

    async def admit(self, request: Request, repo: RepoId, revision: Revision, path: str | None = None) -> Admitted:
        """The commit and its decision, waited for as long as this kind of client bears. Raises `Refused`."""
        check_kind(self._settings, repo.kind)
        wait_s = self._settings.hold_revision_s if path is None else self._settings.hold_head_s
        try:
            choice = await self._chooser.choose(_caller(request), repo, revision, wait_s, request.caller.audience)
        except NothingInForce as error:
            raise await self._refused(
                request, repo, revision, None, path, outcome="hold", said=error.sentence
            ) from None
        except StillJudged as state:
            how_far = f"{state.scanned} of its {state.total} files are done" if state.total else "it is being listed"
            raise await self._refused(
                request,
                repo,
                revision,
                state.commit,
                path,
                outcome="hold",
                said=f"{state.commit} is being scanned and not yet allowed ({how_far}): "
                f"ask again in about {_ASK_AGAIN_S} s",
                retry_after_s=_ASK_AGAIN_S,
            ) from None
        except CuratorError as error:
            # Of what is withdrawn nothing but a plain no is said: a client that has it would go on using it.
            if await self._withdrawal(repo, revision, None) is None:
                raise
            raise await self._refused(
                request, repo, revision, None, path, outcome="hold", said=error.sentence
            ) from None
        ruling, commit = choice.ruling, choice.snapshot.commit
        if not choice.allowed:
            verb = "blocked" if ruling.outcome is Outcome.BLOCK else "held for review"
            said = f"{repo} is {verb} by the rule {ruling.rules[0]}: {ruling.sentence}"
            raise await self._refused(
                request, repo, revision, commit, path, outcome=ruling.outcome.value, said=said, ruling=ruling
            )
        if choice.behind is not None and choice.begins:
            await self._journal.record(_substitution(request, choice, choice.behind))
        return Admitted(choice.snapshot, ruling, choice.behind)

    def lasting(self, repo: RepoId, revision: Revision, admitted: Admitted) -> Lasting | None:
        """How long the same may be said, and to whom; None if the decision has come to its end."""
        seconds = math.inf
        if admitted.ruling.expires_at is not None:
            seconds = (admitted.ruling.expires_at - now()).total_seconds()
        if seconds <= 0:
            return None
        if revision.is_commit:
            return Lasting(seconds)
        # Each who is given an older commit than the upstream's begins with a row in the record: nobody joins him.
        fresh_s = self._resolver.fresh_for(repo, revision, admitted.snapshot.commit) if admitted.behind is None else 0.0
        return Lasting(seconds, OfBranch(repo, revision, Told(admitted.snapshot.id, admitted.behind), fresh_s))

    async def commit_of(self, request: Request, repo: RepoId, revision: Revision) -> str | None:
        """The commit that this caller would be given now; None if none is, or it takes time to tell."""
        try:
            choice = await self._chooser.choose(_caller(request), repo, revision, 0.0, request.caller.audience)
        except (StillJudged, CuratorError):
            return None
        return choice.snapshot.commit.sha if choice.allowed else None

    async def left_out(
        self, request: Request, repo: RepoId, revision: Revision, admitted: Admitted, path: str
    ) -> Refused:
        """The refusal of one file of a repository that is otherwise served."""
        reason = admitted.ruling.excluded[path]
        return await self._refused(
            request,
            repo,
            revision,
            admitted.snapshot.commit,
            path,
            outcome="left-out",
            said=f"{path} of {repo} is left out by the rule {reason.rule}: {one_line(reason.message)}",
            ruling=admitted.ruling,
            status=404,
            code="EntryNotFound",
            rules=(reason.rule,),
            owner=reason.owner,
        )

    def _for_an_exception(self, owner: str, decision: str, repo: RepoId) -> str:
        """What whoever is refused may do: who knows him asks in his name, also from the command line."""
        kind = "" if repo.kind is RepoKind.MODEL else f" --repo-type {repo.kind.value}"
        way = f"{self._settings.url}/-/requests/new?decision={decision} or curator request {repo}{kind}"
        who = self._settings.contact or ("" if owner else "this mirror's administrator")
        at = f"{owner} at {who}" if owner and who else owner or who
        return f"for an exception ask {at}: {way}"

    async def _withdrawal(self, repo: RepoId, revision: Revision, commit: Commit | None) -> Withdrawal | None:
        """Whether an incident is open about what is asked for."""
        return await self._database.ask(
            lambda session: withdrawal(session, repo, commit, of_branch=not revision.is_commit)
        )

    def _withdrawn(self, found: Withdrawal, repo: RepoId, said: str, audit_id: str) -> str:
        """What whoever may have it must know, before all else."""
        what = f"Another commit of {repo}" if found.another else str(repo)
        also = f" Of what it is by now: {said.rstrip('.')}." if found.another else ""
        return (
            f"{what} was withdrawn after it had been served: {one_line(found.reason).rstrip('.')}.{also} "
            "Delete what you have of it: curator incident affected --purge. "
            f"Details: {self._settings.url}/-/incidents/{found.incident} - quote request {audit_id}"
        )

    async def _refused(
        self,
        request: Request,
        repo: RepoId,
        revision: Revision,
        commit: Commit | None,
        path: str | None,
        *,
        outcome: str,
        said: str,
        ruling: Ruling | None = None,
        status: int = 403,
        code: str = "GatedRepo",
        rules: tuple[str, ...] | None = None,
        owner: str = "",
        retry_after_s: int | None = None,
    ) -> Refused:
        audit_id = new_id()
        withdrawn = await self._withdrawal(repo, revision, commit) if code == "GatedRepo" else None
        if withdrawn is not None:
            # The only answer that stops a client whose own cache holds the files (hub-api part 2, measured).
            outcome, status, code, retry_after_s = Outcome.BLOCK.value, 404, "RevisionNotFound", None
            said = self._withdrawn(withdrawn, repo, said, audit_id)
        elif ruling is not None:
            said = (
                f"{said.rstrip('.')}. Details: {self._settings.url}/-/decisions/{ruling.id} - "
                f"{self._for_an_exception(owner or ruling.owner, ruling.id, repo)} and quote request {audit_id}"
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
            commit_sha=commit.sha if commit is not None and code == "EntryNotFound" else None,
            retry_after_s=retry_after_s,
        )
        event = AuditEvent(
            id=audit_id,
            action=Action.REFUSE,
            **request.who,
            kind=repo.kind,
            repo=str(commit.repo if commit is not None else repo),
            revision=revision.text,
            commit=commit.sha if commit is not None else None,
            path=path,
            outcome=outcome,
            decision=refusal.decision,
            rules=",".join(refusal.rules) or None,
            sentence=said,
        )
        await self._journal.record(event)
        return Refused(refusal)


def _caller(request: Request) -> Asker:
    return asker(request.caller.token_id, request.address, request.headers.get("user-agent"))


def _substitution(request: Request, choice: Choice, behind: Behind) -> AuditEvent:
    """That this caller begins to be given another commit than the upstream's."""
    served = choice.snapshot.commit
    return AuditEvent(
        action=Action.SUBSTITUTE,
        **request.who,
        kind=served.repo.kind,
        repo=str(served.repo),
        revision=behind.revision,
        commit=served.sha,
        outcome=behind.outcome,
        decision=behind.decision,
        rules=",".join(behind.rules) or None,
        sentence=f"{served.sha} is given instead of {behind.upstream.sha}: {behind.sentence(served)}",
    )
