"""A page of commits that are judged anew: what is known of them, and what the rules in force say of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from curator.admission import decisions, scans, snapshots
from curator.admission.decisions import Ruling, ruling_of, shared_by
from curator.admission.judge import circumstances_of
from curator.admission.rejudgement import RULES, SCANNERS
from curator.admission.tables import DecisionRow, FactsRow, RejudgementItemRow, RejudgementRow
from curator.database.engine import now
from curator.policy import rule_sets
from curator.policy.in_force import NothingInForce, policy_in_force
from curator.types import Commit
from rules.audience import distinguished
from rules.circumstances import EVERYBODY, Audience, Circumstances
from rules.evaluate import Decision, evaluate
from rules.facts import Facts
from rules.model import Policy
from scanners.finding import SCANNER_VERSION

_PAGE = 50
"""Commits, so that a download that is to be put on the record waits for a fraction of a second at most."""
_MOST_SCANNED = 4
"""Commits of a page that want scans: as many at a time, so that nobody who asks waits behind a thousand of them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A commit evaluated for an audience: nothing is kept of it yet."""

    snapshot_id: int
    audience: Audience
    decision: Decision
    facts_id: str
    at: dt.datetime
    expires_at: dt.datetime | None


@dataclass(slots=True)
class Page:
    """What was found out about the commits of a page, before anything is written."""

    policy: Policy
    circumstances: Circumstances
    items: dict[int, list[Audience]]
    """Snapshot to those who asked for it, in the page's order."""
    commits: dict[int, Commit]
    earlier: dict[tuple[int, Audience], Ruling] = field(default_factory=dict)
    """What held for whoever asked, until the change."""
    present: dict[tuple[int, Audience], Ruling] = field(default_factory=dict)
    """What holds now already, for whom it was decided."""
    judged: dict[tuple[int, Audience], Judged] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Ids of the decisions that were made here, and by nobody in the meantime."""
    unscanned: list[int] = field(default_factory=list)

    def audience(self, asks: Audience) -> Audience:
        """Whom the decision for whoever asks is made for."""
        return distinguished(self.policy, self.circumstances, asks)


def look(session: Session, row: RejudgementRow, position: int, retry_failed_s: float) -> Page | None:
    """What is known of the next commits, and what the rules in force say of it; None if there is nothing to do."""
    if row.ended_at is not None:
        return None
    try:
        policy = policy_in_force(session)
    except NothingInForce:
        return None
    if row.why == RULES and not rule_sets.is_last_change(session, row.id):
        return None
    most = _PAGE if row.why == RULES else _MOST_SCANNED
    rows = session.exec(
        select(RejudgementItemRow)
        .where(
            RejudgementItemRow.rejudgement_id == row.id,
            RejudgementItemRow.position >= position,
            RejudgementItemRow.position < position + most,
        )
        .order_by(col(RejudgementItemRow.position), col(RejudgementItemRow.audience))
    )
    items: dict[int, list[Audience]] = {}
    for item in rows:
        items.setdefault(item.snapshot_id, []).append(Audience.parse(item.audience))
    if not items:
        return None
    page = Page(policy, circumstances_of(session, EVERYBODY), items, snapshots.commits(session, items))
    if row.why == SCANNERS:
        page.unscanned = list(items)
        return page
    decided = decisions.of_snapshots(session, list(items))
    facts = decisions.newest_facts(session, list(items))
    for snapshot_id, audiences in list(items.items()):
        if len(page.unscanned) >= _MOST_SCANNED:
            # They, and what follows them, are the next page's.
            del items[snapshot_id]
            continue
        known = facts.get(snapshot_id)
        _evaluate(session, page, snapshot_id, audiences, decided.get(snapshot_id, []), known, retry_failed_s)
    return page


def _evaluate(
    session: Session,
    page: Page,
    snapshot_id: int,
    audiences: Iterable[Audience],
    decided: list[DecisionRow],
    known: FactsRow | None,
    retry_failed_s: float,
) -> None:
    facts: Facts | None = None
    again: dt.datetime | None = None
    moment = now()
    for asks in audiences:
        audience = page.audience(asks)
        earlier = _earlier(decided, asks, page.policy.digest)
        if earlier is not None:
            page.earlier[snapshot_id, asks] = earlier
        if (snapshot_id, audience) in page.present or (snapshot_id, audience) in page.judged:
            continue
        holds = present(decided, page.policy.digest, audience)
        if holds is not None:
            page.present[snapshot_id, audience] = holds
            continue
        basis = resting_on(decided, known.id) if known is not None else None
        if known is None or basis is None:
            page.unscanned.append(snapshot_id)
            return
        if facts is None:
            facts = Facts.from_json(json.loads(known.facts)).model_copy(update={"observed_at": moment})
            # What could not be fetched or learnt then may be there in a while, as after any judgement.
            passing = facts.unknown or scans.missing(session, snapshot_id, limit=1)
            again = _for_a_while(basis) or (moment + dt.timedelta(seconds=retry_failed_s) if passing else None)
        decision = evaluate(page.policy, facts, replace(page.circumstances, audience=audience))
        expires_at = min((one for one in (again, decision.until) if one is not None), default=None)
        page.judged[snapshot_id, audience] = Judged(snapshot_id, audience, decision, known.id, moment, expires_at)


def resting_on(decided: list[DecisionRow], facts_id: str) -> DecisionRow | None:
    """The newest decision of those about a commit that rests on these facts and holds, under whatever rules.

    Without one the facts are not to be decided by: where they turn out to be wrong, decisions are ended, and what they
    rested on stays as it was.
    """
    moment = now()
    for row in decided:
        if row.facts_id == facts_id and (row.expires_at is None or row.expires_at > moment):
            return row
    return None


def _for_a_while(basis: DecisionRow) -> dt.datetime | None:
    """Until when it holds because something could not be fetched or learnt; None where nothing was missing, or that
    cannot be told from when its rules end it. By now it may be there, and the facts know nothing of it."""
    return None if basis.expires_at == ruling_of(basis).decision.until else basis.expires_at


def _earlier(decided: list[DecisionRow], asks: Audience, digest: str) -> Ruling | None:
    """What held for them before: a decision under these rules that somebody's word, or time, has ended since; else the
    newest one under others. The most their own."""
    moment = now()
    for shared in shared_by(asks):
        row = next((one for one in decided if (one.rule_set, one.audience) == (digest, shared)), None)
        if row is not None and row.expires_at is not None and row.expires_at <= moment:
            return ruling_of(row)
    others = [row for row in decided if row.rule_set != digest]
    of_last = [row for row in others if row.rule_set == others[0].rule_set]
    for shared in shared_by(asks):
        for row in of_last:
            if row.audience == shared:
                return ruling_of(row)
    return None


def present(decided: list[DecisionRow], digest: str, audience: Audience) -> Ruling | None:
    """The decision in force among all those about a commit, the newest first (`decisions.current`)."""
    moment = now()
    for row in decided:
        of_now = (row.rule_set, row.scanner, row.audience) == (digest, SCANNER_VERSION, str(audience))
        if of_now and (row.expires_at is None or row.expires_at > moment):
            return ruling_of(row)
    return None
