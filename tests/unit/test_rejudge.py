"""After a change of rules everything asked for is judged anew without a scan, once, and in the end the record says
what came of it."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from curator.admission import decisions, looks, progress, rejudgement, scans, snapshots
from curator.admission.anew import look
from curator.admission.expiring import Expiring
from curator.admission.judge import Judge
from curator.admission.rejudge import PAGE, Rejudger
from curator.admission.rejudgement import begin_if_new
from curator.admission.snapshots import Snapshot
from curator.admission.tables import DecisionRow, ReferenceRow, RejudgementRow
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.database.generation import changed
from curator.policy import lists, rule_sets
from curator.policy.rule_sets import REJUDGE
from curator.policy.tables import WaiverRow
from curator.queue import work as queue
from curator.queue.tables import WorkRow
from curator.queue.work import Work
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Audience, ListEffect, Scope
from rules.evaluate import Outcome
from rules.model import parse_policy
from scanners.finding import Report
from tests.unit.test_admission import SEEN, file_of

MAIN = Revision("main")
FILE = file_of(b"harmless")
BROKEN = Report(format="pickle", bytes_read=8, unscannable="it is broken")


def policy_of(name: str, blocks: str = "nobody/*", teams: str = "*", below: int = 10**9) -> Any:
    return parse_policy(
        f"""schema: curator.rules/1
name: {name}
rules:
  - id: not-these
    description: These are not for us.
    applies_to: {{repositories: ["{blocks}"], teams: ["{teams}"]}}
    when: {{likes_below: {below}}}
    outcome: block
    message: "{{repository}} is not for us"
""",
        name,
    )


@dataclass
class House:
    """A mirror without its processes: its database, and a worker's verbs."""

    database: Database
    rejudger: Rejudger

    def publish(self, policy: Any) -> None:
        with self.database.write() as session:
            rule_sets.publish(session, policy, author="ann", reason="a test", origin=rule_sets.COMMAND)

    def commit(self, repo: str, *, asked: int = 1, team: str = "", days_ago: int = 0) -> Snapshot:
        """A commit that was listed, scanned and decided about, and asked for so often."""
        named = RepoId.parse(repo)
        with self.database.write() as session:
            described = Description(Commit(named, "1" * 40), {"id": repo})
            snapshot = snapshots.remember(session, named, Revision("1" * 40), described)
            snapshots.save_listing(session, snapshot.id, [FILE])
            looks.keep(session, snapshot.id, SEEN)
            if scans.report_of(session, FILE.blob, FILE.name) is None:
                scans.keep_report(session, FILE.blob, FILE.name, Report(format="text", bytes_read=8), whole=True)
            for _ in range(asked):
                moment = now() - dt.timedelta(days=days_ago)
                append(session, _download(snapshot.commit, team, moment))
            digest = rule_sets.in_force(session)
            assert digest is not None
            progress.open_admission(session, progress.Sought(snapshot.id, digest, Audience(team)))
        self.work()
        return snapshot

    def work(self, *, only: str | None = None, most: int = 1_000) -> int:
        """Do what is to be done; returns how much that was."""
        judge = Judge(self.database, 300)
        verbs: dict[str, Any] = {
            progress.JUDGE: judge.judge,
            REJUDGE: self.rejudger.plan,
            PAGE: self.rejudger.page,
        }
        done = 0
        while done < most and (work := self._next(only)) is not None:
            verbs[work.task](work)
            done += 1
        return done

    def _next(self, only: str | None) -> Work | None:
        with self.database.write() as session:
            wanted = select(WorkRow).where(WorkRow.state == "waiting").order_by(col(WorkRow.id))
            for row in session.exec(wanted):
                assert row.id is not None
                if only in {None, row.task}:
                    return queue.claim(session, row.id, "me", 20)
        return None

    def outcome(self, snapshot: Snapshot, audience: Audience = EVERYBODY) -> Outcome | None:
        with self.database.read() as session:
            digest = rule_sets.in_force(session)
            assert digest is not None
            ruling = decisions.current(session, snapshot.id, digest, audience)
        return ruling.outcome if ruling else None

    def record(self, action: Action) -> list[AuditRow]:
        with self.database.read() as session:
            wanted = select(AuditRow).where(AuditRow.action == action.value).order_by(col(AuditRow.id))
            return list(session.exec(wanted))

    def last(self) -> RejudgementRow:
        with self.database.read() as session:
            row = rejudgement.newest(session)
        assert row is not None
        return row


def _download(commit: Commit, team: str, at: dt.datetime) -> AuditEvent:
    return AuditEvent(
        action=Action.DOWNLOAD,
        actor="bob",
        team=team,
        kind=RepoKind.MODEL,
        repo=str(commit.repo),
        commit=commit.sha,
        outcome="allow",
        at=at,
    )


@pytest.fixture
def house(database: Database) -> House:
    begin_if_new(database)
    house = House(database, Rejudger(database, days=90, retry_failed_s=300))
    house.publish(policy_of("first"))
    house.work()
    return house


def test_what_was_asked_for_is_decided_anew_before_anybody_asks_and_nothing_is_scanned(house: House) -> None:
    kept, gone, other = house.commit("acme/kept"), house.commit("bad/gone", asked=3), house.commit("bad/other")
    house.publish(policy_of("second", "bad/*"))
    assert house.outcome(gone) is None, "from the moment of the change the old decision holds no more"
    house.work(only=REJUDGE)
    house.work(only=PAGE)
    assert [house.outcome(one) for one in (kept, gone, other)] == [Outcome.ALLOW, Outcome.BLOCK, Outcome.BLOCK]
    changes = house.record(Action.CHANGE)
    # In one transaction, and so perhaps in one millisecond, by which the record is sorted.
    assert sorted((row.repo, row.outcome) for row in changes) == [("bad/gone", "block"), ("bad/other", "block")], (
        "nothing of what is as before"
    )
    assert [row.repo for row in house.record(Action.DECIDE)].count("acme/kept") == 1
    assert (house.last().blocked, house.last().released, house.last().done) == (2, 0, 3)
    said = house.record(Action.RULES)[-1].sentence or ""
    assert "2 newly blocked or held, 0 released" in said
    house.publish(policy_of("third"))
    house.work()
    assert (house.last().blocked, house.last().released) == (0, 2)


def _found_otherwise(house: House, snapshot: Snapshot) -> None:
    """Its bytes are not those that were judged, as a second look finds out."""
    with house.database.write() as session:
        scans.keep_report(session, FILE.blob, FILE.name, BROKEN, whole=True)
        decisions.reopen(session, snapshot.id)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_facts_that_turned_out_to_be_wrong_are_not_decided_by_again(
    house: House, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    commit = house.commit("acme/otherwise")
    if when == "before":
        _found_otherwise(house, commit)

    def looked(*given: Any) -> Any:
        page = look(*given)
        if when == "meanwhile":
            monkeypatch.undo()
            _found_otherwise(house, commit)
        return page

    monkeypatch.setattr("curator.admission.rejudge.look", looked)
    house.publish(policy_of("second"))
    house.work(only=REJUDGE)
    house.work(only=PAGE)
    assert house.outcome(commit) is None, "under other rules what was reopened stays so"
    house.work()
    with house.database.read() as session:
        newest = session.exec(select(DecisionRow.id).order_by(col(DecisionRow.id).desc()).limit(1)).one()
        found = decisions.find(session, newest)
    assert found is not None
    assert found[1].files[0].unscannable == BROKEN.unscannable, "it is decided by what is known now"


def test_what_was_decided_for_a_while_is_decided_for_no_longer_under_other_rules(house: House) -> None:
    commit = house.commit("acme/in-part")
    end = now() + dt.timedelta(minutes=5)
    with house.database.write() as session:
        session.execute(update(DecisionRow).values(expires_at=end))
    house.publish(policy_of("second"))
    house.work()
    assert house.outcome(commit) is Outcome.ALLOW
    with house.database.read() as session:
        ends = session.exec(select(DecisionRow.expires_at).order_by(col(DecisionRow.id))).all()
    assert ends == [end, end]


def test_what_nobody_asked_for_of_late_is_left_until_somebody_does(house: House) -> None:
    old = house.commit("acme/old", days_ago=100)
    with house.database.write() as session:
        session.execute(update(ReferenceRow).values(checked_at=now() - dt.timedelta(days=100)))
    house.publish(policy_of("second"))
    house.work()
    assert house.outcome(old) is None
    assert house.last().total == 0


def test_what_a_branch_stands_for_is_judged_anew_though_nobody_downloads_it(house: House) -> None:
    named = RepoId.parse("acme/listed")
    snapshot = house.commit("acme/listed", asked=0)
    with house.database.write() as session:
        snapshots.remember(session, named, MAIN, Description(Commit(named, "1" * 40), {"id": str(named)}))
    house.publish(policy_of("second"))
    house.work()
    assert house.outcome(snapshot) is Outcome.ALLOW


def test_a_worker_that_dies_between_pages_leaves_nothing_out_and_nothing_done_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.admission.anew._PAGE", 2)
    commits = [house.commit(f"bad/n{number}") for number in range(5)]
    house.publish(policy_of("second", "bad/*"))
    house.work(only=REJUDGE)
    house.work(only=PAGE, most=1)
    assert house.last().done == 2
    page = house._next(PAGE)
    assert page is not None
    with house.database.write() as session:
        session.execute(update(WorkRow).where(col(WorkRow.id) == page.id).values(state="waiting"))
    house.work(only=PAGE)
    assert {house.outcome(one) for one in commits} == {Outcome.BLOCK}
    assert len(house.record(Action.CHANGE)) == 5
    with house.database.read() as session:
        assert len(session.exec(select(DecisionRow)).all()) == 10
    assert house.last().ended_at is not None


def test_of_two_changes_one_after_the_other_only_the_last_is_gone_through(house: House) -> None:
    commit = house.commit("acme/one")
    house.publish(policy_of("second", "acme/*"))
    house.work(only=REJUDGE)
    house.publish(policy_of("third"))
    house.work()
    assert house.outcome(commit) is Outcome.ALLOW
    assert house.record(Action.CHANGE) == [], "allowed before, and allowed now"
    with house.database.read() as session:
        ended = session.exec(select(RejudgementRow.ended_at)).all()
    assert None not in ended


def test_a_team_that_new_rules_name_is_decided_for_apart_and_the_change_is_its_own(house: House) -> None:
    commit = house.commit("acme/one", team="")
    with house.database.write() as session:
        for team in ("red", "blue"):
            append(session, _download(commit.commit, team, now()))
    house.publish(policy_of("second", "acme/*", teams="red"))
    house.work()
    assert house.outcome(commit) is Outcome.ALLOW
    assert house.outcome(commit, Audience("red")) is Outcome.BLOCK
    (change,) = house.record(Action.CHANGE)
    assert (change.team, change.outcome) == ("red", "block")
    house.publish(policy_of("third"))
    house.work()
    assert [(row.team, row.outcome) for row in house.record(Action.CHANGE)][1:] == [("red", "allow")]
    assert (house.last().released, house.last().blocked) == (1, 0)


def test_new_data_have_everything_judged_anew_when_workers_have_nothing_else_to_do(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = [house.commit(f"acme/n{number}") for number in range(6)]
    with house.database.read() as session:
        before = len(session.exec(select(DecisionRow)).all())
    for module in ("rejudge", "rejudgement"):
        monkeypatch.setattr(f"curator.admission.{module}.data_version", lambda: "other data")
    begin_if_new(house.database)
    begin_if_new(house.database)
    house.work(only=REJUDGE)
    house.work(only=PAGE, most=1)
    with house.database.read() as session:
        waiting = session.exec(select(WorkRow).where(WorkRow.task == progress.JUDGE, WorkRow.state == "waiting")).all()
    assert len(waiting) == 4, "a few at a time"
    house.work()
    with house.database.read() as session:
        assert len(session.exec(select(DecisionRow)).all()) == before + 6
        runs = session.exec(select(RejudgementRow).where(RejudgementRow.data == "other data")).all()
    assert [(row.why, row.done, row.ended_at is not None) for row in runs] == [("scanners", 6, True)]
    assert {house.outcome(one) for one in commits} == {Outcome.ALLOW}


def test_a_decision_whose_time_is_over_is_made_anew_without_anybody_asking(house: House) -> None:
    commit, other = house.commit("acme/waived"), house.commit("acme/failed")
    past = now() - dt.timedelta(seconds=2)
    with house.database.write() as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.snapshot_id == commit.id)).one()
        row.at, row.expires_at = past - dt.timedelta(days=1), past
        row.decision = row.decision.replace('"until": null', f'"until": "{past.isoformat()}"')
        session.add(row)
        failed = session.exec(select(DecisionRow).where(DecisionRow.snapshot_id == other.id)).one()
        failed.at, failed.expires_at = past - dt.timedelta(days=1), past
        session.add(failed)
    expiring = Expiring(house.database, 90)
    assert house.outcome(commit) is None, "it holds no more from that moment on"
    assert [work.task for work in expiring.look()] == [progress.JUDGE]
    house.work()
    assert house.outcome(commit) is Outcome.ALLOW
    assert house.outcome(other) is None, "what could not be scanned is tried again by whoever asks"
    assert expiring.look() == []


def test_rules_that_are_in_force_already_are_no_change(house: House) -> None:
    house.publish(policy_of("first"))
    with house.database.read() as session:
        assert len(rule_sets.history(session)) == 1


def test_the_end_of_a_waiver_blocks_at_once_and_is_on_the_record_though_nobody_asks(house: House) -> None:
    house.publish(policy_of("second", "acme/*"))
    commit = house.commit("acme/waived")
    assert house.outcome(commit) is Outcome.BLOCK
    end = now() + dt.timedelta(seconds=2)
    with house.database.write() as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.snapshot_id == commit.id)).one()
        (reason,) = decisions.ruling_of(row).decision.reasons
        session.add(
            WaiverRow(
                id="w",
                fingerprints=json.dumps(reason.fingerprints),
                kind="model",
                repo="acme/waived",
                rules="not-these",
                scope=json.dumps(Scope().as_json()),
                reason="a test",
                by="ann",
                created_at=now(),
                expires_at=end,
            )
        )
        changed(session)
        progress.judge_again(session, commit.id, row.rule_set)
    house.work()
    assert house.outcome(commit) is Outcome.ALLOW
    time.sleep(max((end - now()).total_seconds(), 0) + 0.01)
    assert house.outcome(commit) is None, "nothing is served under it any more"
    Expiring(house.database, 90).look()
    house.work()
    assert house.outcome(commit) is Outcome.BLOCK
    assert [row.outcome for row in house.record(Action.CHANGE)] == ["allow", "block"]


def test_what_somebody_blocks_while_all_is_judged_anew_is_on_the_record_as_a_change(house: House) -> None:
    mine = house.commit("acme/mine")
    house.publish(policy_of("second"))
    house.publish(policy_of("first"))
    assert house.outcome(mine) is Outcome.ALLOW
    wanted = lists.Wanted(
        effect=ListEffect.BLOCK, repositories=("acme/*",), kinds=("model",), scope=Scope(), reason="a test", by="ann"
    )
    with house.database.write() as session:
        lists.add(session, wanted)
        decisions.reopen(session, mine.id)
    assert house.outcome(mine) is None
    house.work()
    assert house.outcome(mine) is Outcome.BLOCK
    assert [(row.repo, row.outcome) for row in house.record(Action.CHANGE)] == [("acme/mine", "block")]
