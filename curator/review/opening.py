"""What it takes to open a commit: a waiver of what blocks it, an approval of what holds it; and what comes of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from curator.admission import decisions, snapshots
from curator.admission.decisions import Ruling
from curator.admission.judge import circumstances_of, policy_of
from curator.database.engine import now
from curator.policy import lists, waivers
from curator.policy.waivers import Limits
from curator.review.verdicts import Answer, Reach, Verdict
from curator.review.waiving import Covered, Which, approvers_of, covered, elsewhere, standing_against
from curator.types import Commit
from rules.circumstances import Audience, Circumstances, ListEffect, ListEntry, Waiver
from rules.evaluate import Decision, Outcome, Reason, evaluate
from rules.facts import Facts
from rules.model import Effect, Policy

_MOST_AUDIENCES = 20


@dataclass(frozen=True, slots=True)
class Opening:
    """A verdict before it is given: what it does, and what it leaves."""

    commit: Commit
    ruling: Ruling
    waived: tuple[Covered, ...]
    """What is waived, wherever the same content is."""
    listed: tuple[lists.Wanted, ...]
    """What is put on lists."""
    waiver: waivers.Wanted | None
    before: Outcome
    after: dict[Audience, Decision]
    """What the rules in force would decide with it, for those who wait and are meant."""
    not_meant: tuple[Audience, ...]
    """Those who wait, and for whom nothing changes."""
    elsewhere: tuple[str, ...]
    """Other repositories with the same content."""
    several: dict[str, int]
    """Rules that want several people to agree, and how many."""

    @property
    def still(self) -> tuple[Reason, ...]:
        """What would stand against the commit all the same."""
        found = (reason for one in self.after.values() for reason in standing_against(one.reasons))
        return tuple({(reason.rule, reason.message): reason for reason in found}.values())

    @property
    def opens(self) -> bool:
        """Whether all who are meant may have the commit, each file of it."""
        return not self.still and all(one.outcome is Outcome.ALLOW for one in self.after.values())

    @property
    def needs(self) -> int:
        """How many people must agree."""
        return max(self.several.values(), default=1)

    @property
    def then(self) -> Outcome:
        """The strictest of what comes of it."""
        order = (Outcome.ALLOW, Outcome.HOLD, Outcome.BLOCK)
        return max((one.outcome for one in self.after.values()), key=order.index, default=self.before)

    @property
    def sentences(self) -> list[str]:
        """What it does, for whoever is about to say so."""
        said = [_waives(one) for one in self.waived]
        said += [f"{_LISTED[one.effect]} {_what(one)}" for one in self.listed]
        if self.elsewhere:
            said.append(f"the same content is in {', '.join(self.elsewhere[:5])}, too: it is passed over there")
        return said

    def as_json(self) -> dict[str, Any]:
        return {
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "decision": self.ruling.id,
            "does": self.sentences,
            "waives": [one.as_json() for one in self.waived],
            "lists": [{"effect": one.effect.value, "what": _named(one)} for one in self.listed],
            "outcome_before": self.before.value,
            "outcome_then": self.then.value,
            "opens": self.opens,
            "still": [reason.as_json() for reason in self.still],
            "elsewhere": list(self.elsewhere),
            "not_meant": [{"team": one.team, "project": one.project} for one in self.not_meant],
            "needs": self.needs,
            "rules_that_need_several": sorted(self.several),
        }


_LISTED = {ListEffect.APPROVE: "approves", ListEffect.BLOCK: "blocks"}


def opening(
    session: Session,
    decision_id: str,
    verdict: Verdict,
    wait: frozenset[Audience],
    rule_set: str,
    limits: Limits,
    seconded_by: tuple[str, ...] = (),
) -> Opening:
    """What a verdict does for those who `wait`. Raises `BadWord` where it cannot be taken as it is."""
    found = decisions.find(session, decision_id)
    assert found is not None, "the line of the queue names it"
    ruling, facts = found
    commit = snapshots.get(session, ruling.snapshot_id).commit
    policy = policy_of(session, rule_set)
    facts = facts.model_copy(update={"observed_at": now()})
    meant = _meant(verdict, ruling, wait)
    # What stands against it now, and not what did when it was judged: rules and words may have changed.
    before = {one: evaluate(policy, facts, circumstances_of(session, one)) for one in meant}
    fresh = replace(ruling, decision=max(before.values(), key=lambda one: len(standing_against(one.reasons))))
    waived = _waived(fresh, facts, policy, verdict, commit) if verdict.answer is Answer.APPROVE else ()
    listed = _listed(fresh, verdict, commit, seconded_by)
    waiver = _waiver(fresh, waived, verdict, commit, seconded_by)
    for one in listed:
        lists.check(one)
    if waiver is not None:
        waivers.check(waiver, limits)
    answered = (
        {one.rule for one in standing_against(fresh.decision.reasons)} if verdict.answer is Answer.APPROVE else ()
    )
    if verdict.rules:
        answered = {rule for rule in answered if rule in verdict.rules}
    several = approvers_of(policy, answered)
    after = {
        one: _after(session, policy, facts, one, waiver, listed, max(several.values(), default=1)) for one in meant
    }
    return Opening(
        commit,
        fresh,
        waived,
        listed,
        waiver,
        fresh.outcome,
        after,
        tuple(sorted(wait - meant)),
        elsewhere(session, waiver.fingerprints, commit) if waiver is not None else (),
        several,
    )


def _meant(verdict: Verdict, ruling: Ruling, wait: frozenset[Audience]) -> frozenset[Audience]:
    """For whom it is looked at: those who wait and are in the scope, else those whom it names."""
    covered_ones = frozenset(sorted(one for one in wait if verdict.scope.covers(one))[:_MOST_AUDIENCES])
    if covered_ones:
        return covered_ones
    if verdict.scope.covers(ruling.audience):
        return frozenset({ruling.audience})
    team, project = ("" if globs == ("*",) else globs[0] for globs in (verdict.scope.teams, verdict.scope.projects))
    return frozenset({Audience(team, project)})


def _waived(ruling: Ruling, facts: Facts, policy: Policy, verdict: Verdict, commit: Commit) -> tuple[Covered, ...]:
    reasons = standing_against(ruling.decision.reasons)
    rules = [
        reason.rule
        for reason in reasons
        if (reason.outcome is not Effect.HOLD or verdict.reach is Reach.FINDINGS)
        and (not verdict.rules or reason.rule in verdict.rules)
        and reason.fingerprints
    ]
    if not rules:
        return ()
    return covered(ruling, facts, policy, Which(rules=tuple(dict.fromkeys(rules))), commit)


def _waiver(
    ruling: Ruling, waived: tuple[Covered, ...], verdict: Verdict, commit: Commit, seconded_by: tuple[str, ...]
) -> waivers.Wanted | None:
    if not waived:
        return None
    return waivers.Wanted(
        fingerprints=frozenset().union(*(one.fingerprints for one in waived)),
        repo=commit.repo,
        rules=tuple(dict.fromkeys(one.reason.rule for one in waived)),
        decision=ruling.id,
        scope=verdict.scope,
        reason=verdict.reason,
        by=verdict.by,
        expires_at=verdict.expires_at,
        seconded_by=seconded_by,
    )


def _listed(ruling: Ruling, verdict: Verdict, commit: Commit, seconded_by: tuple[str, ...]) -> tuple[lists.Wanted, ...]:
    repo = commit.repo
    this = lists.Wanted(
        effect=ListEffect.APPROVE,
        repositories=(str(repo),),
        kinds=(repo.kind.value,),
        commits=frozenset({commit.sha}),
        scope=verdict.scope,
        reason=verdict.reason,
        by=verdict.by,
        expires_at=verdict.expires_at,
        seconded_by=seconded_by,
    )
    every = replace(this, commits=frozenset())
    publisher = replace(every, repositories=(f"{repo.namespace}/*" if repo.namespace else str(repo),))
    if verdict.answer is Answer.BLOCK:
        of = {Reach.REPOSITORY: every, Reach.PUBLISHER: publisher}.get(verdict.reach, this)
        return (replace(of, effect=ListEffect.BLOCK),)
    if verdict.answer is not Answer.APPROVE or verdict.reach is Reach.FINDINGS:
        return ()
    held = any(
        reason.outcome is Effect.HOLD and (not verdict.rules or reason.rule in verdict.rules)
        for reason in standing_against(ruling.decision.reasons)
    )
    # What is approved of a repository answers nothing that is said of its files: this commit is approved besides.
    wider = {Reach.REPOSITORY: (every,), Reach.PUBLISHER: (publisher,)}.get(verdict.reach, ())
    return (*wider, this) if held or wider else ()


def _after(
    session: Session,
    policy: Policy,
    facts: Facts,
    audience: Audience,
    waiver: waivers.Wanted | None,
    listed: tuple[lists.Wanted, ...],
    people: int,
) -> Decision:
    """The decision with the verdict in force, by as many people as it wants."""
    decided = circumstances_of(session, audience)
    others = tuple(f"another {number}" for number in range(1, people))
    given = (
        (Waiver("new", waiver.fingerprints, waiver.reason, waiver.by, waiver.expires_at, waiver.scope, others),)
        if waiver is not None
        else ()
    )
    entries = tuple(
        ListEntry(
            f"new-{number}",
            one.effect,
            one.repositories,
            one.reason,
            one.by,
            one.kinds,
            one.commits,
            expires_at=one.expires_at,
            scope=one.scope,
            seconded_by=others,
        )
        for number, one in enumerate(listed)
    )
    return evaluate(policy, facts, Circumstances(audience, (*decided.waivers, *given), (*decided.entries, *entries)))


def _waives(one: Covered) -> str:
    """What is passed over, and how far that reaches."""
    if not one.reason.files:
        return f"passes over what {one.reason.rule} says of it as a whole, for as long as the rule finds just the same"
    return (
        f"passes over what {one.reason.rule} says of {_files(one.reason)}: this very content, in this commit and "
        "wherever else it is"
    )


def _what(one: lists.Wanted) -> str:
    """In the words of what it reaches."""
    named = _named(one)
    if one.commits:
        return f"this commit alone ({named})"
    whole = f"all of {named}, also what comes later"
    if one.effect is ListEffect.BLOCK:
        return whole
    return f"{whole}, where a rule speaks of the repository and not of its files"


def _named(one: lists.Wanted) -> str:
    named = ", ".join(one.repositories)
    return f"{named}@{next(iter(one.commits))[:12]}" if one.commits else named


def _files(reason: Reason) -> str:
    shown = ", ".join(reason.files[:3])
    return f"{shown} and {len(reason.files) - 3} more" if len(reason.files) > 3 else shown
