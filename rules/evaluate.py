"""Policy and facts to a decision: pure, total, and the same in whatever order rules, waivers, entries and files stand.

The strictest enforced outcome wins: block, then hold, then leaving files out, then a warning, then nothing. A rule that
cannot be decided, because a fact is not known, holds where it would block or hold; one that fails holds whatever it
would do. A rule that is only tried has no effect, and a policy of such rules alone is one without rules: nothing is
allowed by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rules.case import Case
from rules.circumstances import NOTHING_DECIDED, Circumstances
from rules.decision import STRICTNESS, Decision, Outcome, Reason, Standing
from rules.facts import Facts
from rules.form import APPROVED_LIST, BLOCKED_LIST, NO_RULES, Effect, IfUnknown
from rules.hits import Hit, Sureness, entry_fingerprint, hits_of
from rules.model import CheckedRule, Policy
from rules.words import NOTHING_ENFORCED, approved_message, blocked_message, message_of

__all__ = [
    "APPROVED_LIST",
    "BLOCKED_LIST",
    "NO_RULES",
    "Decision",
    "Outcome",
    "Reason",
    "Standing",
    "evaluate",
]


_HitBy = tuple[Hit, tuple[str, ...]]
"""A hit, and by whose word it stands as it does."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What one rule says of some hits that stand alike."""

    rule: CheckedRule
    effect: Effect
    standing: Standing
    hits: list[_HitBy]


@dataclass(slots=True)
class _Answer:
    """What is said so far, and when it may be otherwise."""

    case: Case
    brief: bool
    reasons: list[Reason] = field(default_factory=list)
    left_out: dict[str, _Said] = field(default_factory=dict)
    moments: list[dt.datetime] = field(default_factory=list)

    def reason(self, said: _Said) -> Reason:
        hits, rule = said.hits, said.rule.rule
        return Reason(
            rule.id,
            said.effect,
            message_of(rule, hits[0][0], self.case.facts) if not self.brief else "",
            tuple(hit.file.path for hit, _ in hits if hit.file is not None),
            tuple(dict.fromkeys(one for hit, _ in hits for one in hit.fingerprints)) if not self.brief else (),
            said.standing,
            tuple(sorted({name for _, by in hits for name in by})),
            rule.owner,
        )


def evaluate(
    policy: Policy, facts: Facts, circumstances: Circumstances = NOTHING_DECIDED, *, brief: bool = False
) -> Decision:
    """The decision of these rules about these facts, for whoever asks; `facts.observed_at` is the moment.

    A `brief` one has no messages and fingerprints: for whoever tries thousands, and asks what comes of each.
    """
    case = Case(facts, circumstances)
    answer = _Answer(case, brief)
    if not policy.enforced:
        answer.reasons.append(Reason(NO_RULES, Effect.HOLD, NOTHING_ENFORCED))
    for rule in policy.rules:
        _ask(rule, answer)
    if circumstances.entries:
        _ask_lists(answer)
    answer.reasons.sort(key=_order)
    strictest = max(
        (STRICTNESS[reason.outcome] for reason in answer.reasons if reason.standing is Standing.ENFORCED), default=0
    )
    outcome = {4: Outcome.BLOCK, 3: Outcome.HOLD}.get(strictest, Outcome.ALLOW)
    left_out = sorted(answer.left_out) if outcome is Outcome.ALLOW else ()
    excluded = {path: answer.reason(answer.left_out[path]) for path in left_out}
    return Decision(outcome, tuple(answer.reasons), excluded, policy.digest, min(answer.moments, default=None))


def _order(reason: Reason) -> tuple[int, str, str, tuple[str, ...]]:
    return (-STRICTNESS[reason.outcome], reason.rule, reason.standing.value, reason.files)


def _ask(rule: CheckedRule, answer: _Answer) -> None:
    """What one rule has to say."""
    case = answer.case
    found = hits_of(rule, case)
    if found.turns is not None:
        answer.moments.append(found.turns)
    together: dict[tuple[Standing, Effect], list[_HitBy]] = {}
    for hit in found.hits:
        effect = _effect(rule, hit.sureness)
        if effect is None:
            continue
        standing, by = standing_of(rule, hit, effect, case, answer.moments)
        together.setdefault((standing, effect), []).append((hit, by))
    for (standing, effect), hits in together.items():
        answer.reasons.append(answer.reason(_Said(rule, effect, standing, hits)))
        if effect is Effect.EXCLUDE_FILE and standing is Standing.ENFORCED:
            for one in hits:
                _leave_out(_Said(rule, effect, standing, [one]), answer.left_out)


def _effect(rule: CheckedRule, sureness: Sureness) -> Effect | None:
    """What comes of a hit; None for a permission that nobody is sure of, and for what is left to another rule."""
    outcome = rule.rule.outcome
    if sureness is Sureness.UNDECIDED and rule.rule.if_unknown is IfUnknown.PASS:
        return None
    if sureness is Sureness.MET:
        return outcome
    if sureness is Sureness.FAILED or outcome is Effect.BLOCK:
        return Effect.HOLD
    return None if outcome is Effect.ALLOW else outcome


def standing_of(
    rule: CheckedRule, hit: Hit, effect: Effect, case: Case, moments: list[dt.datetime]
) -> tuple[Standing, tuple[str, ...]]:
    """What becomes of a hit, by whose word; `moments` is told when that word ends."""
    if rule.rule.dry_run:
        return Standing.DRY_RUN, ()
    may_be_waived = effect is not Effect.ALLOW and case.people.waivers
    # A rule that wants several people is not answered by the word of fewer, however it was given.
    people = rule.rule.approvers
    waivers = case.people.covering(hit.fingerprints, people) if may_be_waived else ()
    if waivers:
        moments += [waiver.expires_at for waiver in waivers if waiver.expires_at is not None]
        return Standing.WAIVED, tuple(waiver.id for waiver in waivers)
    if effect is Effect.HOLD:
        # Nobody has seen what a future commit brings: an approval of all answers what is said of the repository, and
        # only as far as that is known.
        general = rule.of_names and hit.sureness is Sureness.MET
        listed = case.people.approvals if general else case.people.reviews
        approvals = tuple(entry for entry in listed if entry.people >= people)
        if approvals:
            return Standing.APPROVED, tuple(entry.id for entry in approvals)
    return Standing.ENFORCED, ()


def _leave_out(said: _Said, left_out: dict[str, _Said]) -> None:
    """Leave the file of the one hit out; of several rules, the first by id says why."""
    file = said.hits[0][0].file
    assert file is not None
    if file.path not in left_out or said.rule.rule.id < left_out[file.path].rule.rule.id:
        left_out[file.path] = said


def _ask_lists(answer: _Answer) -> None:
    """What the lists have to say: what is blocked, and what is approved."""
    case = answer.case
    answer.reasons += _blocked(case, answer.moments)
    approvals = case.people.approvals
    if approvals:
        answer.reasons.append(
            Reason(
                APPROVED_LIST,
                Effect.ALLOW,
                approved_message(case.facts, approvals),
                by=tuple(entry.id for entry in approvals),
            )
        )
    for entry in (*approvals, *case.people.blocks):
        if entry.expires_at is not None:
            answer.moments.append(entry.expires_at)


def _blocked(case: Case, moments: list[dt.datetime]) -> Iterator[Reason]:
    for entry in case.people.blocks:
        fingerprints = (entry_fingerprint(entry, case),)
        reason = Reason(
            BLOCKED_LIST, Effect.BLOCK, blocked_message(case.facts, entry), (), fingerprints, by=(entry.id,)
        )
        # What was withdrawn is let back by whoever may lift the incident, and not finding by finding.
        waivers = () if entry.incident else case.people.covering(fingerprints)
        if waivers:
            moments += [waiver.expires_at for waiver in waivers if waiver.expires_at is not None]
            reason = replace(reason, standing=Standing.WAIVED, by=tuple(waiver.id for waiver in waivers))
        yield reason
