"""A reviewer's answer to lines of the queue: seen before it is given, done in one transaction, and put on the record.

Where a rule wants several people, the first answer is a proposal; nobody agrees to his own, and nobody approves what he
has asked for himself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from curator.admission.reopening import Reopened
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database
from curator.people.same import distinct
from curator.policy import lists, waivers
from curator.policy.waivers import Limits
from curator.policy.word import BadWord, checked_reason
from curator.queue.work import Work
from curator.review import apart, listing, proposals, requests, waiting, waiving
from curator.review.lines import (
    Named,
    check_many,
    commit_of,
    line,
    repo_of,
)
from curator.review.opening import Opening, opening
from curator.review.proposals import Proposal
from curator.review.states import State, Step
from curator.review.tables import RequestRow, WaitingRow
from curator.review.verdicts import Answer, Answered, Reach, StillStands, Verdict
from curator.review.waiving import scope_said
from curator.types import Commit, RepoKind
from rules.circumstances import EVERYBODY, Audience, ListEffect
from rules.evaluate import Outcome

_SAID = {Outcome.ALLOW: "allowed", Outcome.HOLD: "held", Outcome.BLOCK: "blocked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """By what it is decided."""

    rule_set: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one line."""

    item_id: str
    commit: Commit
    said: str
    """As a sentence."""
    opening: Opening | None
    proposal: Proposal | None
    reopened: tuple[Reopened, ...] = ()

    @property
    def works(self) -> tuple[Work, ...]:
        return tuple(work for one in self.reopened for work in one.works)

    def as_json(self) -> dict[str, Any]:
        return {
            "item": self.item_id,
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "said": self.said,
            "plan": self.opening.as_json() if self.opening is not None else None,
            "proposal": self.proposal.as_json() if self.proposal is not None else None,
            "decisions_made_anew": sum(one.decisions for one in self.reopened),
        }


def preview(session: Session, named: Sequence[Named], verdict: Verdict, desk: Desk) -> list[Opening]:
    """What a verdict would do to each of these lines. Raises `BadWord`, `NotWaiting`, `Answered`."""
    check_many(named)
    return [_opening(session, line(session, one), verdict, desk) for one in named]


def decide(database: Database, named: Sequence[Named], verdict: Verdict, desk: Desk) -> list[Done]:
    """Give the answer to all of these lines, or to none.

    Raises `BadWord`, `NotWaiting`, `NotAllowed`, `Answered` if somebody was quicker, and `StillStands` if what is to be
    approved would be refused all the same.
    """
    check_many(named)
    verdict = replace(verdict, reason=checked_reason(verdict.reason))
    if verdict.answer is Answer.BLOCK and verdict.reach is Reach.FINDINGS:
        raise BadWord("Findings are not blocked but by rules: block the commit, the repository or the publisher")
    with database.write() as session:
        return [_decide(session, line(session, one), verdict, desk) for one in named]


def second(database: Database, proposal_id: str, by: str, said: str, desk: Desk, *, agrees: bool) -> Done:
    """Agree to what somebody else has approved, or reject it. It is done when as many agree as the rule wants.

    Raises `NoSuchProposal`, `NotAllowed`, `Answered` if it is over, `StillStands`.
    """
    with database.write() as session:
        proposal = proposals.find(session, proposal_id)
        if proposals.of_item(session, proposal.item_id) != proposal:
            whom = f" by {proposal.ended_by}" if proposal.ended_by else ""
            raise Answered(f"The proposal {proposal_id} is over: it was {proposal.state.value}{whom}")
        row = session.get_one(WaitingRow, proposal.item_id)
        if not agrees:
            return _reject_proposal(session, row, proposal, by, checked_reason(said))
        apart.check_another(session, proposal.agreed, by)
        apart.check_not_own(session, (row.kind,), (row.repo,), by, several=True)
        apart.check_person(session, by)
        gone = apart.decides_no_more(session, proposal.agreed)
        if gone is not None:
            raise Answered(f"{gone} has agreed to this and may decide no longer: reject the proposal, and make another")
        proposal = proposals.agree(session, proposal_id, by)
        # Accounts that were said to be one person since they agreed are one of those whom the rule wants.
        agreed = distinct(session, proposal.agreed)
        left = proposal.needs - len(agreed)
        if left > 0:
            sentence = f"{by} agrees; {left} more must"
            _record(session, row, by, "second", sentence)
            return Done(row.id, commit_of(row), sentence, None, proposal)
        others = agreed[1:]
        made = _opening(session, row, proposal.verdict, desk, others)
        if made.needs > proposal.needs:
            raise Answered(f"Its rules want {made.needs} people by now: reject the proposal, and make another")
        ended = proposals.end(session, proposal_id, proposals.State.CONFIRMED, by)
        done = _carry_out(session, row, proposal.verdict, made, desk, others)
        return replace(done, proposal=ended)


def expire(database: Database) -> None:
    """End what nobody has answered in time."""
    with database.write() as session:
        waiting.expire(session)
        for proposal in proposals.expired(session):
            row = session.get_one(WaitingRow, proposal.item_id)
            said = "Nobody else has agreed in time"
            for request in _requests(session, row):
                request.state = State.OPEN.value
                requests.note(session, request, Step.EXPIRE, "curator", said)
            _record(session, row, "curator", "lapse", f"{said} to what {proposal.agreed[0]} has approved")
            waiting.refresh(session, repo_of(row))


def _decide(session: Session, row: WaitingRow, verdict: Verdict, desk: Desk) -> Done:
    asked = _requests(session, row)
    pending = proposals.of_item(session, row.id)
    if pending is not None:
        raise Answered(
            f"{pending.agreed[0]} has approved {row.repo} already, and another must agree: confirm or reject the "
            f"proposal {pending.id}"
        )
    if verdict.answer is Answer.ASK:
        return _ask_back(session, row, asked, verdict)
    if verdict.answer is Answer.REJECT:
        return _reject(session, row, asked, verdict)
    made = _opening(session, row, verdict, desk)
    if verdict.answer is Answer.APPROVE:
        apart.check_not_own(session, (row.kind,), (row.repo,), verdict.by, several=made.needs > 1)
        _check_opens(row, made, verdict)
        if made.needs > 1:
            apart.check_person(session, verdict.by)
            return _propose(session, row, asked, verdict, made)
    return _carry_out(session, row, verdict, made, desk, ())


def _check_opens(row: WaitingRow, made: Opening, verdict: Verdict) -> None:
    if made.waiver is None and not made.listed:
        raise BadWord(f"Nothing stands against {made.commit}: there is nothing to approve")
    if not made.opens and not verdict.partly:
        first = made.still[0] if made.still else None
        why = f"the rule {first.rule}: {first.message}" if first is not None else "what else is known of it"
        raise StillStands(
            f"{row.repo} would be {_SAID[made.then]} all the same, by {why.rstrip('.')}. Nothing was done: widen what "
            "you approve, or say that it is meant in part (--partly)"
        )


def _carry_out(
    session: Session, row: WaitingRow, verdict: Verdict, made: Opening, desk: Desk, others: tuple[str, ...]
) -> Done:
    """Give the waiver, put it on the lists, answer those who asked, and end the decisions that it concerns."""
    by, reopened = verdict.by, []
    if made.waiver is not None:
        kept = waivers.add(session, replace(made.waiver, seconded_by=others), desk.limits)
        said = f"waiver {kept.waiver.id} {waiving.terms(kept)}"
        waiving.record(session, Action.WAIVE, kept, by, made.commit.sha, said)
        reopened.append(waiving.reopen(session, kept.waiver, desk.rule_set))
    if made.listed:
        entries = tuple(lists.add(session, replace(one, seconded_by=others)) for one in made.listed)
        for entry in entries:
            verb = "approved" if entry.entry.effect is ListEffect.APPROVE else "blocked"
            said = f"entry {entry.entry.id}: {entry.what} {verb} {listing.terms(entry)}"
            listing.record(session, Action.LIST, entry, by, said)
        reopened.append(listing.reopen(session, entries, desk.rule_set))
    until = f" until {verdict.expires_at:%Y-%m-%d}" if verdict.expires_at else ""
    together = f" together with {', '.join(others)}" if others else ""
    said = (
        f"{made.commit}: {_SAID[made.before]} before, {_SAID[made.then]} now, for {scope_said(verdict.scope)}{until}"
        f"{together}: {verdict.reason}"
    )
    approves = verdict.answer is Answer.APPROVE
    state, step = State.REJECTED, Step.BLOCK
    if approves:
        state, step = State.APPROVED, Step.APPROVE if made.opens else Step.APPROVE_IN_PART
    ends = f"It is for {scope_said(verdict.scope)}{until}: {verdict.reason}" if approves else verdict.reason
    answered = [
        request
        for request in _requests(session, row)
        if not approves or verdict.scope.covers(Audience(request.team, request.project))
    ]
    for request in answered:
        waiting.end(session, request, state, step, by, ends)
        requests.record(session, request, Action.ANSWER, by, step.value, said)
    if not answered:
        _record(session, row, by, verdict.answer.value, said)
    return _closed(session, row, verdict, said, made, tuple(reopened))


def _propose(session: Session, row: WaitingRow, asked: Sequence[RequestRow], verdict: Verdict, made: Opening) -> Done:
    rules = tuple(sorted(made.several))
    kept = proposals.add(session, row.id, row.repo, rules, made.needs, verdict)
    said = (
        f"{verdict.by} approves {made.commit}; {', '.join(rules)} wants {made.needs} people, so another must agree "
        f"until {kept.expires_at:%Y-%m-%d}: {verdict.reason}"
    )
    for request in asked:
        request.state = State.SECOND.value
        requests.note(session, request, Step.SECOND, verdict.by, verdict.reason)
        requests.record(session, request, Action.ANSWER, verdict.by, "second", said)
    if not asked:
        _record(session, row, verdict.by, "second", said)
    if not row.waits:
        row.waits, row.held = True, True
        session.add(row)
    session.flush()
    return Done(row.id, commit_of(row), said, made, kept)


def _reject_proposal(session: Session, row: WaitingRow, proposal: Proposal, by: str, said: str) -> Done:
    ended = proposals.end(session, proposal.id, proposals.State.REJECTED, by, said)
    for request in _requests(session, row):
        request.state = State.OPEN.value
        requests.note(session, request, Step.REPLY, by, f"does not agree with {proposal.agreed[0]}: {said}")
    sentence = f"{by} does not agree to what {proposal.agreed[0]} has approved: {said}"
    _record(session, row, by, "reject", sentence)
    waiting.refresh(session, repo_of(row))
    return Done(row.id, commit_of(row), sentence, None, ended)


def _reject(session: Session, row: WaitingRow, asked: Sequence[RequestRow], verdict: Verdict) -> Done:
    said = f"{commit_of(row)} stays as it is: {verdict.reason}"
    for request in asked:
        waiting.end(session, request, State.REJECTED, Step.REJECT, verdict.by, verdict.reason)
        requests.record(session, request, Action.ANSWER, verdict.by, verdict.answer.value, said)
    if not asked:
        _record(session, row, verdict.by, verdict.answer.value, said)
    return _closed(session, row, verdict, said, None, ())


def _ask_back(session: Session, row: WaitingRow, asked: Sequence[RequestRow], verdict: Verdict) -> Done:
    if not asked:
        raise BadWord(f"Nobody has said what they want {row.repo} for, so there is nobody to ask: decide about it")
    said = f"{verdict.by} asks back about {commit_of(row)}: {verdict.reason}"
    for request in asked:
        request.state = State.ASKED_BACK.value
        requests.note(session, request, Step.QUESTION, verdict.by, verdict.reason)
        requests.record(session, request, Action.ANSWER, verdict.by, verdict.answer.value, said)
    return _closed(session, row, verdict, said, None, ())


def _closed(
    session: Session,
    row: WaitingRow,
    verdict: Verdict,
    said: str,
    made: Opening | None,
    reopened: tuple[Reopened, ...],
) -> Done:
    repo = repo_of(row)
    if verdict.answer is Answer.APPROVE:
        waiting.let_go(session, repo, verdict.scope)
    else:
        waiting.let_go(session, repo)
    row.waits = True  # It is closed by whoever has just decided, also if nobody waited.
    waiting.refresh(session, repo, closed_by=verdict.by, closed_as=_CLOSED[verdict.answer])
    return Done(row.id, commit_of(row), said, made, None, reopened)


_CLOSED = {
    Answer.APPROVE: "approved",
    Answer.BLOCK: "blocked",
    Answer.REJECT: "left as it is",
    Answer.ASK: "asked back",
}


def _opening(session: Session, row: WaitingRow, verdict: Verdict, desk: Desk, others: tuple[str, ...] = ()) -> Opening:
    who = {Audience(one.team, one.project) for one in waiting.silent(session, repo_of(row))}
    who |= {Audience(one.team, one.project) for one in _requests(session, row)}
    return opening(session, row.decision, verdict, frozenset(who or {EVERYBODY}), desk.rule_set, desk.limits, others)


def _requests(session: Session, row: WaitingRow) -> list[RequestRow]:
    """Those that an answer is for; of what was asked back, too, which may be decided about without an answer."""
    return waiting.open_of(session, repo_of(row))


def _record(session: Session, row: WaitingRow, by: str, outcome: str, sentence: str) -> None:
    append(
        session,
        AuditEvent(
            action=Action.ANSWER,
            actor=by,
            kind=RepoKind(row.kind),
            repo=row.repo,
            commit=row.commit,
            outcome=outcome,
            decision=row.decision,
            rules=row.rules.strip(",") or None,
            subject=row.id,
            sentence=sentence,
        ),
    )
