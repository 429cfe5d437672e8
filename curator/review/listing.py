"""Put repositories on a list, approved or blocked, and take an entry back: which decisions are made anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.admission import decisions, reopening, snapshots
from curator.admission.decisions import Ruling
from curator.admission.judge import circumstances_of, policy_of
from curator.admission.reopening import Reopened
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.policy import lists
from curator.policy.lists import KeptEntry, Wanted
from curator.policy.word import BadWord
from curator.review import apart
from curator.review.targets import Target
from curator.review.waiving import approvers_of, scope_said, standing_against
from curator.types import Commit, RepoKind
from rules.circumstances import ListEffect, Scope
from rules.evaluate import Reason, evaluate
from rules.facts import Facts
from rules.model import Effect

_MOST_LOOKED_AT = 20
_GLOB = frozenset("*?[]")
_SAID = {ListEffect.APPROVE: "approved", ListEffect.BLOCK: "blocked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants what approved or blocked, why, for whom, until when."""

    effect: ListEffect
    targets: Sequence[Target]
    kinds: tuple[str, ...]
    scope: Scope
    reason: str
    by: str
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Still:
    """A commit that an approval does not open: something else stands against it."""

    commit: Commit
    reason: Reason

    def as_json(self) -> dict[str, Any]:
        return {
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "rule": self.reason.rule,
            "outcome": self.reason.outcome.value,
            "message": self.reason.message,
        }


@dataclass(frozen=True, slots=True)
class Put:
    """What was put on a list, and what comes of it."""

    entries: tuple[KeptEntry, ...]
    reopened: Reopened
    still: tuple[Still, ...]
    """Of the newest decisions that an approval concerns, those that will not allow all the same."""


def put(database: Database, request: Request, rule_set: str) -> Put:
    """Put all of it on the list, or none: from this moment on what is blocked is not served, and what the entries
    concern is decided about anew. Raises `BadWord`, and `NotAllowed` for what he has asked for himself."""
    with database.write() as session:
        if request.effect is ListEffect.APPROVE:
            names = [name for target in request.targets for name in target.repositories]
            apart.check_not_own(session, request.kinds, names, request.by, several=False)
        entries = tuple(lists.add(session, _wanted(request, target)) for target in request.targets)
        for kept in entries:
            said = f"entry {kept.entry.id}: {kept.what} {_SAID[request.effect]} {terms(kept)}"
            record(session, Action.LIST, kept, request.by, said)
        reopened = reopen(session, entries, rule_set)
        still = _still(session, reopened, rule_set) if request.effect is ListEffect.APPROVE else ()
        _check_people(session, request, still, rule_set)
    return Put(entries, reopened, still)


def _check_people(session: Session, request: Request, still: tuple[Still, ...], rule_set: str) -> None:
    """Raises `BadWord` for what is named and one person alone cannot approve; of globs, it is said what stays held."""
    if any(_GLOB.intersection(name) for target in request.targets for name in target.repositories):
        return
    several = approvers_of(policy_of(session, rule_set), (one.reason.rule for one in still))
    for one in still:
        if (people := several.get(one.reason.rule)) is not None:
            raise BadWord(
                f"The rule {one.reason.rule} wants {people} different people to agree to {one.commit.repo}: propose it "
                "by `curator review approve`, and somebody else confirms it"
            )


def take_back(database: Database, entry_id: str, by: str, rule_set: str) -> tuple[KeptEntry, Reopened]:
    """End an entry. Raises `NoSuchWord`, and `BadWord` if it is over already."""
    with database.write() as session:
        incident = lists.find(session, entry_id).entry.incident
        if incident:
            raise BadWord(
                f"The entry {entry_id} belongs to an incident, and ends with it: curator incident lift {incident}"
            )
        kept = lists.end(session, entry_id, by)
        said = f"entry {entry_id} ends: {kept.what} was {_SAID[kept.entry.effect]} {terms(kept)}"
        record(session, Action.LIST_ENDED, kept, by, said)
        reopened = reopen(session, [kept], rule_set)
    return kept, reopened


def _still(session: Session, reopened: Reopened, rule_set: str) -> tuple[Still, ...]:
    """What will not be allowed although it is approved: said at once, and not found out by the next who asks."""
    policy = policy_of(session, rule_set)
    found: dict[Commit, Still] = {}
    for decision_id in reversed(reopened.ended[-_MOST_LOOKED_AT:]):
        try:
            ruling, facts = _known(session, decision_id)
        except ValueError:
            continue  # Facts of a form that is no longer read: they are gathered anew, and judged then.
        if ruling.rule_set != rule_set:
            continue
        seen = facts.model_copy(update={"observed_at": now()})
        reasons = evaluate(policy, seen, circumstances_of(session, ruling.audience)).reasons
        against = next((one for one in standing_against(reasons) if one.outcome is not Effect.EXCLUDE_FILE), None)
        if against is not None:
            commit = snapshots.get(session, ruling.snapshot_id).commit
            found.setdefault(commit, Still(commit, against))
    return tuple(found.values())


def _known(session: Session, decision_id: str) -> tuple[Ruling, Facts]:
    found = decisions.find(session, decision_id)
    assert found is not None, "it was ended in this very transaction"
    return found


def _wanted(request: Request, target: Target) -> Wanted:
    return Wanted(
        effect=request.effect,
        repositories=target.repositories,
        kinds=request.kinds,
        commits=target.commits,
        collection=target.collection,
        scope=request.scope,
        reason=request.reason,
        by=request.by,
        expires_at=request.expires_at,
    )


def reopen(session: Session, entries: Sequence[KeptEntry], rule_set: str) -> Reopened:
    """Each entry's scope is the same."""
    ids: set[int] = set()
    for kept in entries:
        ids |= reopening.concerned_by(session, kept.entry)
    return reopening.end_decisions(session, sorted(ids), entries[0].entry.scope, rule_set)


def terms(kept: KeptEntry) -> str:
    entry = kept.entry
    until = f" until {entry.expires_at.isoformat(timespec='minutes')}" if entry.expires_at else ""
    return f"for {scope_said(entry.scope)}{until}: {entry.reason}"


def record(session: Session, action: Action, kept: KeptEntry, by: str, sentence: str) -> None:
    entry = kept.entry
    append(
        session,
        AuditEvent(
            action=action,
            actor=by,
            kind=RepoKind(entry.kinds[0]) if len(entry.kinds) == 1 else None,
            repo=", ".join(entry.repositories),
            commit=next(iter(entry.commits)) if len(entry.commits) == 1 else None,
            outcome=entry.effect.value,
            sentence=sentence,
        ),
    )
