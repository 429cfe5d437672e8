"""Judge anew what was asked for of late, because rules, scanners or data have changed: in pages, as leased work.

Nothing has to be ended first: decisions are found by the digest of the rules in force and the version of the scanners,
so that those of others hold no more from the moment of the change. Here they are replaced before anybody asks, and what
is decided otherwise is put on the record. After a change of rules, facts that are kept are evaluated in place, many at
a time; only what nobody has scanned goes the usual way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert
from sqlmodel import Session, col, func, select

from curator.admission import decisions, progress
from curator.admission.anew import Page, look, present, resting_on
from curator.admission.catalogue import keep as catalogue
from curator.admission.decisions import Ruling
from curator.admission.judge import circumstances_of, differ, record_change, record_decision
from curator.admission.progress import JUDGE, LIST, LOOK, SCAN, Sought
from curator.admission.rejudgement import RULES, SCANNERS, end, is_over, new_row
from curator.admission.tables import DecisionRow, RejudgementItemRow, RejudgementRow
from curator.admission.wanted import wanted
from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.queue.tables import WorkRow
from curator.queue.work import Work, ask_for, finish
from rules.circumstances import EVERYBODY, Audience
from rules.evaluate import Outcome
from scanners.finding import SCANNER_VERSION
from scanners.repository.data_version import data_version

PAGE = "curator.rejudge-page"

_MOST_WAITING = 8
"""Pieces of work that may be waiting before more commits are scanned for nobody in particular."""


@dataclass(frozen=True, slots=True)
class Rejudger:
    """The worker's part of it."""

    database: Database
    days: int
    retry_failed_s: float

    def plan(self, work: Work) -> list[Work]:
        """Write down which commits are to be looked at, the most wanted first."""
        with self.database.read() as session:
            items = wanted(session, now() - dt.timedelta(days=self.days))
        with self.database.write() as session:
            finish(session, work)
            row = session.get(RejudgementRow, work.key)
            if row is None:
                change = rule_sets.change_of(session, work.key)
                if change is None or not rule_sets.is_last_change(session, change.id):
                    # A later change has work of its own.
                    return []
                row = new_row(change.id, RULES, change.digest)
            elif row.total or row.ended_at is not None:
                return []
            row.total = len(items)
            session.add(row)
            session.flush()
            if not items:
                end(session, row)
                return []
            session.execute(
                insert(RejudgementItemRow),
                [
                    {"rejudgement_id": row.id, "position": at, "snapshot_id": snapshot_id, "audience": str(audience)}
                    for at, (snapshot_id, audiences) in enumerate(items)
                    for audience in audiences
                ],
            )
            return [ask_for(session, PAGE, f"{row.id} 0")]

    def page(self, work: Work) -> list[Work]:
        """Judge the next commits; what was done before a worker died is not done again."""
        rejudgement_id, position = work.key.split(" ")
        with self.database.read() as session:
            row = session.get_one(RejudgementRow, rejudgement_id)
            # Of scanners that are not mine, a worker who has them is to see to it; unless there will be none any more.
            not_mine = row.why == SCANNERS and (row.scanner, row.data) != (SCANNER_VERSION, data_version())
            busy = row.why == SCANNERS and _waiting(session) > _MOST_WAITING
            page = None if not_mine or busy else look(session, row, int(position), self.retry_failed_s)
        if page is None:
            with self.database.write() as session:
                finish(session, work)
                row = session.get_one(RejudgementRow, rejudgement_id)
                if row.ended_at is not None or is_over(session, row):
                    end(session, row)
                elif busy or not_mine:
                    # Nobody is woken for it: the sweep does so in some seconds.
                    ask_for(session, PAGE, work.key)
                return []
        return self._write(work, page, rejudgement_id, int(position))

    def _write(self, work: Work, page: Page, rejudgement_id: str, position: int) -> list[Work]:
        with self.database.write() as session:
            finish(session, work)
            row = session.get_one(RejudgementRow, rejudgement_id)
            if row.why == RULES and not rule_sets.is_last_change(session, row.id):
                end(session, row)
                return []
            if (
                rule_sets.in_force(session) != page.policy.digest
                or circumstances_of(session, EVERYBODY) != page.circumstances
            ):
                return [ask_for(session, PAGE, work.key)]
            busy = _waiting(session) > _MOST_WAITING
            facts_ids = {key: one.id for key, one in decisions.newest_facts(session, list(page.items)).items()}
            decided = decisions.of_snapshots(session, list(page.items))
            works: list[Work] = []
            held = catalogue.at_hand(session, list(page.items))
            for snapshot_id, audiences in page.items.items():
                if snapshot_id in page.unscanned:
                    row.left += 1
                    if busy:
                        # Whoever asks for it has it scanned; nobody is to wait behind those that nobody asks for.
                        continue
                    works += _the_usual_way(session, page, snapshot_id, anew=row.why == SCANNERS)
                    continue
                # All of them are written at the end, in one go.
                with session.no_autoflush:
                    kept = _keep(session, page, snapshot_id, facts_ids.get(snapshot_id), decided.get(snapshot_id, []))
                if kept is None:
                    works += _the_usual_way(session, page, snapshot_id, anew=False)
                    continue
                _count(session, row, page, snapshot_id, audiences, kept)
            del held
            row.done = position + len(page.items)
            session.execute(
                delete(RejudgementItemRow).where(
                    col(RejudgementItemRow.rejudgement_id) == rejudgement_id,
                    col(RejudgementItemRow.position) < row.done,
                )
            )
            session.add(row)
            if row.done < row.total:
                return [*works, ask_for(session, PAGE, f"{rejudgement_id} {row.done}")]
            end(session, row)
            return works


def _keep(
    session: Session, page: Page, snapshot_id: int, facts_id: str | None, decided: list[DecisionRow]
) -> dict[Audience, Ruling] | None:
    """The decisions about a commit that hold now, by audience; None if what is known of it has changed meanwhile."""
    kept = {audience: ruling for (one, audience), ruling in page.present.items() if one == snapshot_id}
    for row in decided:
        if (ruling := kept.get(Audience.parse(row.audience))) is not None and ruling.id == row.id:
            catalogue.holds_again(session, row, ruling.decision)
    for (one, audience), judged in page.judged.items():
        if one != snapshot_id:
            continue
        if judged.facts_id != facts_id or resting_on(decided, judged.facts_id) is None:
            return None
        ruling = present(decided, page.policy.digest, audience)
        if ruling is None:
            ruling = decisions.keep_about(
                session, snapshot_id, judged.decision, judged.facts_id, judged.at, judged.expires_at, audience
            )
            page.made.add(ruling.id)
        kept[audience] = ruling
    return kept


def _count(
    session: Session,
    row: RejudgementRow,
    page: Page,
    snapshot_id: int,
    audiences: Iterable[Audience],
    kept: dict[Audience, Ruling],
) -> None:
    """Put on the record what is otherwise than before, and count the commit."""
    turns: set[str] = set()
    told: set[str] = set()
    for asks in audiences:
        earlier = page.earlier.get((snapshot_id, asks))
        ruling = kept.get(page.audience(asks))
        if ruling is None:
            continue
        fresh = ruling.id in page.made
        if fresh and ruling.id not in told and (earlier is None or _reasons(earlier) != _reasons(ruling)):
            record_decision(session, page.commits[snapshot_id], ruling)
            told.add(ruling.id)
        if earlier is None or not differ(earlier, ruling):
            continue
        if fresh or ruling.id < earlier.id:
            # Whoever was asked for it in between has put it on the record himself.
            record_change(session, page.commits[snapshot_id], earlier, ruling, asks)
        was, is_ = earlier.outcome is Outcome.ALLOW, ruling.outcome is Outcome.ALLOW
        turns.add("blocked" if was and not is_ else "released" if is_ and not was else "otherwise")
    row.blocked += "blocked" in turns
    row.released += "released" in turns
    row.otherwise += "otherwise" in turns


def _reasons(ruling: Ruling) -> tuple[object, ...]:
    """What a decision says, apart from the rules' words for it."""
    said = {
        (reason.rule, reason.outcome, reason.standing, reason.by, reason.files) for reason in ruling.decision.reasons
    }
    return ruling.outcome, frozenset(said), frozenset(ruling.excluded)


def _the_usual_way(session: Session, page: Page, snapshot_id: int, *, anew: bool) -> list[Work]:
    """Have a commit judged as if somebody had asked for it, once all its contents are scanned.

    `anew`: although there may be a decision that holds. Those under rules that are not in force end then: should they
    be again, facts of now are wanted for them, too.
    """
    if anew:
        decisions.reopen_under_others(session, snapshot_id, page.policy.digest)
    works: dict[int, Work] = {}
    for asks in page.items[snapshot_id]:
        for work in progress.open_admission(session, Sought(snapshot_id, page.policy.digest, page.audience(asks))):
            works[work.id] = work
    return list(works.values())


def _waiting(session: Session) -> int:
    """How much there is to do for those who ask."""
    return session.exec(
        select(func.count()).where(
            col(WorkRow.state).in_(("waiting", "running")), col(WorkRow.task).in_((LIST, LOOK, SCAN, JUDGE))
        )
    ).one()
