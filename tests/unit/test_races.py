"""What people say and what time does while a commit is judged: the decision that is kept rests on all of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlmodel import col, select

from curator.admission import decisions, looks, progress, scans, snapshots
from curator.admission.inquiry import Answer, Inquirer, Question
from curator.admission.judge import Judge
from curator.admission.snapshots import Snapshot
from curator.admission.tables import DecisionRow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.policy.waivers import Limits
from curator.policy.word import BadWord
from curator.queue import work as queue
from curator.queue.tables import WorkRow
from curator.review import listing, waiving
from curator.review.targets import Target
from curator.settings import Settings
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Audience, ListEffect, Scope
from rules.evaluate import Outcome, evaluate
from scanners.finding import Report
from tests.unit.test_admission import SEEN, file_of
from tests.unit.test_rejudge import policy_of

LIMITS = Limits(max_days=365, without_end=False)
DAY = dt.timedelta(days=1)


@dataclass
class House:
    database: Database
    snapshot: Snapshot

    def judged(self, audience: Audience = EVERYBODY) -> decisions.Ruling | None:
        """Have the commit decided about; what holds then."""
        with self.database.write() as session:
            digest = rule_sets.in_force(session)
            assert digest is not None
            progress.open_admission(session, progress.Sought(self.snapshot.id, digest, audience))
            row = session.exec(select(WorkRow).where(WorkRow.state == "waiting", WorkRow.task == progress.JUDGE)).one()
            assert row.id is not None
            work = queue.claim(session, row.id, "me", 60)
        assert work is not None
        Judge(self.database, 300).judge(work)
        return self.ruling(audience)

    def ruling(self, audience: Audience = EVERYBODY) -> decisions.Ruling | None:
        with self.database.read() as session:
            digest = rule_sets.in_force(session)
            assert digest is not None
            return decisions.current(session, self.snapshot.id, digest, audience)

    def publish(self, policy: Any) -> None:
        with self.database.write() as session:
            rule_sets.publish(session, policy, author="ann", reason="a test", origin=rule_sets.COMMAND)

    def waive(self, until: dt.datetime) -> str:
        with self.database.read() as session:
            decision = session.exec(select(DecisionRow.id).order_by(col(DecisionRow.id).desc())).first()
            digest = rule_sets.in_force(session)
        assert decision is not None
        assert digest is not None
        request = waiving.Request(
            decision=decision, which=waiving.Which(), scope=Scope(), reason="read", by="ada", expires_at=until
        )
        kept, _, _ = waiving.waive(self.database, request, digest, LIMITS)
        return kept.waiver.id

    def block(self) -> None:
        request = listing.Request(
            effect=ListEffect.BLOCK,
            targets=[Target("bad/*", ("bad/*",))],
            kinds=("model",),
            scope=Scope(),
            reason="advisory",
            by="ada",
            expires_at=None,
        )
        with self.database.read() as session:
            digest = rule_sets.in_force(session)
        assert digest is not None
        listing.put(self.database, request, digest)

    def record(self, action: Action) -> list[AuditRow]:
        with self.database.read() as session:
            return list(session.exec(select(AuditRow).where(AuditRow.action == action.value)))


@pytest.fixture
def house(database: Database) -> House:
    """A commit that the rules block."""
    repo, file = RepoId.parse("bad/one"), file_of(b"harmless")
    with database.write() as session:
        described = Description(Commit(repo, "1" * 40), {"id": str(repo)})
        snapshot = snapshots.remember(session, repo, Revision("main"), described)
        snapshots.save_listing(session, snapshot.id, [file])
        looks.keep(session, snapshot.id, SEEN)
        scans.keep_report(session, file.blob, file.name, Report(format="text", bytes_read=8), whole=True)
    house = House(database, snapshot)
    house.publish(policy_of("blocks", "bad/*"))
    return house


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let something happen once, between the evaluation of a commit and the keeping of its decision."""

    def let(happen: Callable[[], Any]) -> None:
        left = [happen]

        def evaluated(*given: Any) -> Any:
            decision = evaluate(*given)
            if left:
                left.pop()()
            return decision

        monkeypatch.setattr("curator.admission.judge.evaluate", evaluated)

    return let


def outcome(ruling: decisions.Ruling | None) -> Outcome | None:
    return ruling.outcome if ruling is not None else None


def test_a_waiver_that_is_given_while_its_commit_is_judged_counts(
    house: House, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    assert outcome(house.judged()) is Outcome.BLOCK
    with house.database.write() as session:
        decisions.reopen(session, house.snapshot.id)
    meanwhile(lambda: house.waive(now() + 3 * DAY))
    assert outcome(house.judged()) is Outcome.ALLOW
    assert len(house.record(Action.WAIVER_USED)) == 1


def test_a_waiver_that_runs_out_while_its_commit_is_judged_opens_nothing(
    house: House, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    assert outcome(house.judged()) is Outcome.BLOCK
    ends = now() + dt.timedelta(seconds=0.6)
    house.waive(ends)
    meanwhile(lambda: time.sleep(max((ends - now()).total_seconds(), 0) + 0.01))
    assert outcome(house.judged()) is Outcome.BLOCK
    assert house.record(Action.WAIVER_USED) == []


def test_an_allowed_commit_is_allowed_no_longer_than_its_waiver(house: House) -> None:
    house.judged()
    ends = now() + dt.timedelta(seconds=0.8)
    house.waive(ends)
    ruling = house.judged()
    assert outcome(ruling) is Outcome.ALLOW
    assert ruling is not None
    assert ruling.expires_at == ends
    time.sleep(max((ends - now()).total_seconds(), 0))
    assert house.ruling() is None


def test_what_is_blocked_while_it_is_judged_is_not_allowed_for_a_moment(
    house: House, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    house.publish(policy_of("open"))
    meanwhile(house.block)
    assert outcome(house.judged()) is Outcome.BLOCK
    assert [row.outcome for row in house.record(Action.DECIDE)] == ["block"]


def test_what_the_hub_says_otherwise_while_a_commit_is_judged_counts(
    house: House, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    house.publish(policy_of("open"))

    def closed() -> None:
        told = Description(house.snapshot.commit, {"id": "bad/one", "gated": "manual", "downloads": 7})
        with house.database.write() as session:
            snapshots.remember(session, house.snapshot.commit.repo, Revision("main"), told)

    meanwhile(closed)
    ruling = house.judged()
    assert ruling is not None
    with house.database.read() as session:
        found = decisions.find(session, ruling.id)
    assert found is not None
    assert found[1].gated, "it was opened anew with what was known before"


def test_rules_that_come_into_force_while_a_commit_is_judged_are_the_ones_that_count(
    house: House, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    house.publish(policy_of("open"))
    meanwhile(lambda: house.publish(policy_of("closed", "bad/*")))
    assert house.judged() is None, "what was decided was decided under rules that are not in force"
    assert outcome(house.judged()) is Outcome.BLOCK


@pytest.mark.parametrize("administrators", [4])
def test_of_administrators_who_end_a_waiver_at_once_one_does_and_the_others_are_told(
    house: House, administrators: int
) -> None:
    house.judged()
    waiver, digest = house.waive(now() + 3 * DAY), policy_of("blocks", "bad/*").digest

    def end(number: int) -> str:
        try:
            waiving.take_back(house.database, waiver, f"admin-{number}", digest)
        except BadWord as error:
            return error.sentence
        return "ended"

    with ThreadPoolExecutor(administrators) as pool:
        said = list(pool.map(end, range(administrators)))
    assert said.count("ended") == 1
    assert all("is over already: it is ended" in one for one in said if one != "ended")
    assert len(house.record(Action.WAIVER_ENDED)) == 1


def test_a_check_of_many_vouches_for_none_by_rules_that_are_not_in_force_any_more(house: House) -> None:
    house.publish(policy_of("open"))
    opened = house.judged()
    assert outcome(opened) is Outcome.ALLOW
    asked = 0

    class Choosing:
        """Other rules come into force when half of it is answered."""

        async def choose(self, *_: Any) -> Any:
            nonlocal asked
            asked += 1
            ruling = house.ruling()
            if asked == 250:
                house.publish(policy_of("closed", "bad/*"))
                house.judged()
            assert ruling is not None
            return SimpleNamespace(snapshot=house.snapshot, ruling=ruling, allowed=ruling.outcome is Outcome.ALLOW)

    inquirer = Inquirer(Settings(), house.database, cast("Any", Choosing()))
    repo = house.snapshot.commit.repo
    questions = [Question(repo, Revision(f"v{number}")) for number in range(500)]
    verdicts = asyncio.run(inquirer.inquire(questions, 0.0, EVERYBODY))
    assert {verdict.answer for verdict in verdicts} == {Answer.BLOCKED}
    assert [verdict.question for verdict in verdicts] == questions
    assert asked < 1_000, "what was answered under the new rules is not asked for again"


def test_of_rules_that_are_published_at_once_each_is_in_force_once_and_one_in_the_end(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: house.publish(policy_of(f"rules-{number}")), range(8)))
    with house.database.read() as session:
        history = rule_sets.history(session)
        before = [change.before for change in history]
        digests = [change.digest for change in history]
        assert rule_sets.in_force(session) == digests[0]
    assert len(set(digests)) == 9
    assert before == [*digests[1:], None], "each took the place of the one before it"
