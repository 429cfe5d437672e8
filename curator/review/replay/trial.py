"""A batch of decisions tried again under a draft: what a replay's processes do.

Each pair of facts and audience is evaluated once, unless time alone would change the answer in between.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlmodel import col

from curator.admission.tables import DecisionRow, FactsRow, SnapshotRow
from curator.policy.word import Said
from curator.review.replay.cases import Case, Use
from curator.review.replay.tally import Change, Failed, LeftOut, Place, Tally
from rules.audience import distinguished
from rules.circumstances import Audience, Circumstances, ListEntry, Waiver
from rules.evaluate import Decision, Outcome, Reason, Standing, evaluate
from rules.facts import Facts
from rules.model import Policy, parse_policy

_NOTHING_LEFT_OUT = '"excluded_files": {}'
_TRIED = '"dry-run"'
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process must know before it begins."""

    url: str
    draft: str
    """Source of the rules that are tried."""
    against: str | None
    """Source of the rules that they are compared with; None: with what was decided."""
    waivers: tuple[Said[Waiver], ...]
    entries: tuple[Said[ListEntry], ...]
    """Each with the time at which it held: what was said later counts for nothing asked for before."""


@dataclass(slots=True)
class _Answer:
    """What one set of rules says about some facts for somebody, from one moment to another."""

    decision: Decision
    since: dt.datetime
    until: dt.datetime | None
    """When time alone, or what people said then, may make it another."""

    def holds(self, at: dt.datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


class Side:
    """One set of rules, with what people have decided: thousands of words, of which few concern any one commit."""

    def __init__(self, policy: Policy, setup: Setup) -> None:
        self.policy = policy
        self._all = Circumstances(
            waivers=tuple(said.word for said in setup.waivers), entries=tuple(said.word for said in setup.entries)
        )
        self.reduced = lru_cache(maxsize=10_000)(self._reduced)
        self._waivers: dict[str, list[Said[Waiver]]] = {}
        for waiver in setup.waivers:
            for fingerprint in waiver.word.fingerprints:
                self._waivers.setdefault(fingerprint, []).append(waiver)
        self._of_one: dict[str, list[Said[ListEntry]]] = {}
        self._of_many: list[Said[ListEntry]] = []
        for entry in setup.entries:
            if _GLOB.search("".join(entry.word.repositories)):
                self._of_many.append(entry)
            else:
                for repo in entry.word.repositories:
                    self._of_one.setdefault(repo.lower(), []).append(entry)

    def decide(self, facts: Facts, audience: Audience, at: dt.datetime) -> _Answer:
        """As it was at that moment, with what people had said by then."""
        entries = (*self._of_many, *self._of_one.get(facts.repository.lower(), ()))
        then = tuple(said.word for said in entries if said.holds(at))
        decision = evaluate(self.policy, facts, Circumstances(audience, (), then), brief=not self._waivers)
        # What a reason rests on does not depend on waivers, so that those that matter are known by now.
        waivers = {
            said.word.id: said
            for reason in decision.reasons
            for fingerprint in reason.fingerprints
            for said in self._waivers.get(fingerprint, ())
        }
        held = tuple(said.word for said in waivers.values() if said.holds(at))
        if held:
            decision = evaluate(self.policy, facts, Circumstances(audience, held, then), brief=True)
        edges = (edge for said in (*entries, *waivers.values()) for edge in (said.since, said.until))
        later = (edge for edge in (decision.until, *edges) if edge is not None and edge > at)
        return _Answer(decision, at, min(later, default=None))

    def _reduced(self, audience: Audience) -> Audience:
        return distinguished(self.policy, self._all, audience)


@dataclass(slots=True)
class _Stated:
    """What the record has of one decision."""

    id: str
    facts_id: str
    at: dt.datetime
    outcome: Outcome
    document: str
    audience: Audience
    kind: str
    repo: str

    def excluded(self) -> Mapping[str, object]:
        if _NOTHING_LEFT_OUT in self.document:
            return {}
        found: dict[str, object] = json.loads(self.document)["excluded_files"]
        return found

    def reasons(self) -> tuple[Reason, ...]:
        return Decision.from_json(json.loads(self.document)).reasons


@dataclass(slots=True)
class _KnownFacts:
    """Facts that are tried, for one decision after the other."""

    facts: Facts
    answers: dict[tuple[int, Audience], _Answer] = field(default_factory=dict)


class Trial:
    """Tries batches of decisions."""

    def __init__(self, setup: Setup) -> None:
        self._draft = Side(parse_policy(setup.draft, "the draft"), setup)
        self._against = Side(parse_policy(setup.against, "the rules of before"), setup) if setup.against else None

    def of(self, connection: Connection, cases: Sequence[Case]) -> Tally:
        """What comes of these."""
        tally = Tally()
        stated = _stated(connection, [case.decision for case in cases])
        texts = _texts(connection, {one.facts_id for one in stated.values()})
        known: dict[str, _KnownFacts | str] = {}
        for case in cases:
            decision = stated.get(case.decision)
            if decision is None:
                _fail(tally, case, "", "the decision is not kept")
                continue
            facts = known.get(decision.facts_id)
            if facts is None:
                facts = known[decision.facts_id] = _read(texts.get(decision.facts_id))
            if isinstance(facts, str):
                _fail(tally, case, decision.repo, facts)
                continue
            tally.decisions += 1
            if case.uses:
                self._requests(tally, case.uses, decision, facts)
            else:
                self._commit(tally, decision, facts)
        return tally

    def _answer(self, tally: Tally, side: Side, known: _KnownFacts, audience: Audience, at: dt.datetime) -> Decision:
        key = (id(side), side.reduced(audience))
        answer = known.answers.get(key)
        if answer is None or not answer.holds(at):
            facts = known.facts
            if facts.observed_at != at:
                facts = facts.model_copy(update={"observed_at": at})
            tally.evaluations += 1
            answer = known.answers[key] = side.decide(facts, key[1], at)
        return answer.decision

    def _requests(self, tally: Tally, uses: Sequence[Use], stated: _Stated, known: _KnownFacts) -> None:
        repo = (stated.kind, stated.repo)
        newly: dict[str, str] = {}
        recorded = stated.reasons() if _TRIED in stated.document else ()
        for use in uses:
            audience = Audience(use.team, use.project)
            after = self._answer(tally, self._draft, known, audience, stated.at)
            if self._against is not None:
                before = self._answer(tally, self._against, known, audience, stated.at)
                served, was, left_out = _serves(before, use.path), before.outcome, before.excluded_files.keys()
            else:
                served, was, left_out = use.served, stated.outcome, stated.excluded().keys()
            if served:
                tally.served += use.count
            else:
                tally.refused += use.count
            change, rules = _change(served, was, after, use.path)
            if change is Change.RELEASED:
                rules = _kept_by(before if self._against is not None else None, stated, use.path)
            if change is not None:
                tally.note(Place(change, *repo, use.team), rules, use.count)
            if after.outcome is Outcome.ALLOW and was is Outcome.ALLOW:
                for path, reason in after.excluded_files.items():
                    if path not in left_out:
                        newly.setdefault(path, reason.rule)
                if use.path in newly and served:
                    tally.leave_out(LeftOut(*repo, use.path, newly[use.path]), use.count)
            _note_tried(tally, "draft", after.reasons, repo, use.count)
            _note_tried(tally, "recorded", recorded, repo, use.count)
        for path, rule in newly.items():
            tally.leave_out(LeftOut(*repo, path, rule), 0)

    def _commit(self, tally: Tally, stated: _Stated, known: _KnownFacts) -> None:
        repo, at = (stated.kind, stated.repo), stated.at
        after = self._answer(tally, self._draft, known, stated.audience, at)
        if self._against is not None:
            before = self._answer(tally, self._against, known, stated.audience, at)
            was, left_out = before.outcome, before.excluded_files.keys()
        else:
            before, was, left_out = None, stated.outcome, stated.excluded().keys()
        served = was is Outcome.ALLOW
        if served:
            tally.served += 1
        else:
            tally.refused += 1
        change, rules = _change(served, was, after, None)
        if change is Change.RELEASED:
            rules = _kept_by(before, stated, None)
        newly = {path: reason.rule for path, reason in after.excluded_files.items() if path not in left_out}
        if change is None and served and newly:
            change, rules = Change.LEFT_OUT, tuple(dict.fromkeys(newly.values()))
        if change is not None:
            tally.note(Place(change, *repo, stated.audience.team), rules, 1)
        if served:
            for path, rule in newly.items():
                tally.leave_out(LeftOut(*repo, path, rule), 1)
        _note_tried(tally, "draft", after.reasons, repo, 1)
        if _TRIED in stated.document:
            _note_tried(tally, "recorded", stated.reasons(), repo, 1)


def _serves(decision: Decision, path: str | None) -> bool:
    return decision.outcome is Outcome.ALLOW and path not in decision.excluded_files


def _change(served: bool, was: Outcome, after: Decision, path: str | None) -> tuple[Change | None, tuple[str, ...]]:
    """What a request would come to, and because of which rules; None if it is as before."""
    if after.outcome is not Outcome.ALLOW:
        change = Change.BLOCKED if after.outcome is Outcome.BLOCK else Change.HELD
        if served:
            return change, _decisive(after.reasons, after.outcome)
        return (Change.OTHERWISE, _decisive(after.reasons, after.outcome)) if was is not after.outcome else (None, ())
    reason = after.excluded_files.get(path) if path is not None else None
    if reason is not None:
        if served:
            return Change.LEFT_OUT, (reason.rule,)
        return (Change.OTHERWISE, (reason.rule,)) if was is not Outcome.ALLOW else (None, ())
    return (None, ()) if served else (Change.RELEASED, ())


def _kept_by(before: Decision | None, stated: _Stated, path: str | None) -> tuple[str, ...]:
    """The rules because of which it was not served until now."""
    decision = before if before is not None else Decision.from_json(json.loads(stated.document))
    if path is not None and path in decision.excluded_files:
        return (decision.excluded_files[path].rule,)
    return _decisive(decision.reasons, decision.outcome)


def _decisive(reasons: Sequence[Reason], outcome: Outcome) -> tuple[str, ...]:
    """The rules that made the outcome."""
    return tuple(
        dict.fromkeys(
            reason.rule
            for reason in reasons
            if reason.standing is Standing.ENFORCED and reason.outcome.value == outcome.value
        )
    )


def _note_tried(tally: Tally, whose: str, reasons: Sequence[Reason], repo: tuple[str, str], count: int) -> None:
    for reason in reasons:
        if reason.standing is Standing.DRY_RUN:
            tally.try_out(whose, reason.rule, repo, count)


def _read(text: str | None) -> _KnownFacts | str:
    """The facts, or why they cannot be read."""
    if text is None:
        return "its facts are not kept"
    try:
        return _KnownFacts(Facts.model_validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"its facts are of a form that this version cannot read: {where}: {first['msg']}"


def _fail(tally: Tally, case: Case, repo: str, why: str) -> None:
    requests = sum(use.count for use in case.uses) if case.uses else 1
    tally.fail(Failed(case.decision, repo, why), requests)


def _stated(connection: Connection, ids: list[str]) -> dict[str, _Stated]:
    rows: Sequence[Any] = connection.execute(
        select(
            col(DecisionRow.id),
            col(DecisionRow.facts_id),
            col(DecisionRow.at),
            col(DecisionRow.outcome),
            col(DecisionRow.decision),
            col(DecisionRow.audience),
            col(SnapshotRow.kind),
            col(SnapshotRow.repo),
        )
        .join(SnapshotRow, col(SnapshotRow.id) == col(DecisionRow.snapshot_id))
        .where(col(DecisionRow.id).in_(ids))
    ).all()
    return {
        row[0]: _Stated(row[0], row[1], row[2], Outcome(row[3]), row[4], Audience.parse(row[5]), row[6], row[7])
        for row in rows
    }


def _texts(connection: Connection, ids: set[str]) -> dict[str, str]:
    statement = select(col(FactsRow.id), col(FactsRow.facts)).where(col(FactsRow.id).in_(ids))
    rows: Sequence[Any] = connection.execute(statement).all()
    return {row[0]: row[1] for row in rows}
