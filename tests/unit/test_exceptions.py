"""Waivers and lists: what may be said, for how long it holds, and which decisions it ends and which it leaves alone."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from curator.admission import decisions, looks, progress, reopening, snapshots
from curator.admission.judge import circumstances_of
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database, now
from curator.database.generation import Generation
from curator.policy import lists, rule_sets, waivers
from curator.policy.collections import collection, collections
from curator.policy.waivers import Limits
from curator.policy.word import BadWord, NoSuchWord, checked_scope, read_until
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Audience, ListEffect, Scope
from rules.evaluate import Decision, Outcome, Reason
from rules.facts import Facts
from rules.model import Effect, starter_policy
from tests.unit.test_admission import SEEN

LIMITS = Limits(max_days=365, without_end=False)
DAY = dt.timedelta(days=1)
ONE, TWO = "1" * 64, "2" * 64
RISK = Audience("risk")


@dataclass
class House:
    database: Database
    rule_set: str

    def decided(
        self, repo: str, *fingerprints: str, sha: str = "a" * 40, kind: str = "model", audience: Audience = EVERYBODY
    ) -> Snapshot:
        """A commit that was decided about, by reasons that rest on these."""
        with self.database.write() as session:
            return self.decide(session, repo, *fingerprints, sha=sha, kind=kind, audience=audience)

    def decide(
        self, session: Session, repo: str, *fingerprints: str, sha: str, kind: str, audience: Audience
    ) -> Snapshot:
        name = RepoId.parse(repo, RepoKind(kind))
        reason = Reason("unsafe-file", Effect.BLOCK, "unsafe", ("a.bin",), fingerprints)
        decision = Decision(Outcome.BLOCK, (reason,) if fingerprints else (), {}, self.rule_set)
        facts = Facts(repository=repo, name=name.name, kind=kind, commit=sha, observed_at=now())
        snapshot = snapshots.remember(session, name, Revision("main"), Description(Commit(name, sha), {}))
        snapshots.save_listing(session, snapshot.id, [])
        looks.keep(session, snapshot.id, SEEN)
        decisions.keep(session, snapshot.id, decision, facts, None, audience)
        return snapshot

    def holds(self, snapshot: Snapshot, audience: Audience = EVERYBODY) -> bool:
        with self.database.read() as session:
            return decisions.current(session, snapshot.id, self.rule_set, audience) is not None


@pytest.fixture
def house(database: Database) -> House:
    policy = starter_policy()
    with database.write() as session:
        rule_sets.keep(session, policy)
    return House(database, policy.digest)


def wanted_waiver(**change: Any) -> waivers.Wanted:
    wanted = waivers.Wanted(
        fingerprints=frozenset({ONE}),
        repo=RepoId.parse("acme/tiny"),
        rules=("unsafe-file",),
        decision="d",
        scope=Scope(),
        reason="read",
        by="ada",
        expires_at=now() + 30 * DAY,
    )
    return replace(wanted, **change)


def wanted_entry(*repositories: str, **change: Any) -> lists.Wanted:
    wanted = lists.Wanted(
        effect=ListEffect.BLOCK,
        repositories=repositories,
        kinds=("model",),
        scope=Scope(),
        reason="advisory",
        by="ada",
    )
    return replace(wanted, **change)


def listed(session: Session, *repositories: str, **change: Any) -> lists.KeptEntry:
    return lists.add(session, wanted_entry(*repositories, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "  "},
        {"reason": "x" * 3_000},
        {"fingerprints": frozenset()},
        {"fingerprints": frozenset({"abc"})},
        {"fingerprints": frozenset({ONE.upper().replace("1", "A")})},
        {"expires_at": None},
        {"expires_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        {"expires_at": dt.datetime(2126, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_a_waiver_without_a_reason_an_end_or_findings_is_not_taken(house: House, change: dict[str, Any]) -> None:
    with pytest.raises(BadWord), house.database.write() as session:
        waivers.add(session, wanted_waiver(**change), LIMITS)
    with house.database.read() as session:
        assert waivers.listed(session, state="all") == []


def test_a_waiver_may_last_for_ever_only_where_the_organisation_says_so(house: House) -> None:
    with house.database.write() as session:
        kept = waivers.add(session, wanted_waiver(expires_at=None), Limits(365, without_end=True))
    assert kept.state == "active"


def test_what_is_over_or_taken_back_holds_no_longer_and_stays_on_the_record(house: House) -> None:
    with house.database.write() as session:
        short = waivers.add(session, wanted_waiver(expires_at=now() + dt.timedelta(seconds=0.05)), LIMITS)
        long = waivers.add(session, wanted_waiver(), LIMITS)
    time.sleep(0.06)
    with house.database.read() as session:
        assert [one.id for one in circumstances_of(session, EVERYBODY).waivers] == [long.waiver.id]
        assert [one.waiver.id for one in waivers.listed(session)] == [long.waiver.id]
        assert [one.state for one in waivers.listed(session, state="ended")] == ["expired"]
    with house.database.write() as session:
        assert waivers.end(session, long.waiver.id, "bob").given.ended_by == "bob"
        with pytest.raises(BadWord, match="over already"):
            waivers.end(session, long.waiver.id, "bob")
        with pytest.raises(BadWord, match="over already: it is expired"):
            waivers.end(session, short.waiver.id, "bob")
        with pytest.raises(NoSuchWord):
            waivers.end(session, "nothing", "bob")
    with house.database.read() as session:
        assert circumstances_of(session, EVERYBODY).waivers == ()
        assert {one.state for one in waivers.listed(session, state="all")} == {"expired", "ended"}


def test_a_word_that_was_undone_with_its_transaction_was_never_in_force(house: House) -> None:
    class Undone(Exception):
        pass

    def undone() -> None:
        with house.database.write() as session:
            listed(session, "evil/*")
            assert len(circumstances_of(session, EVERYBODY).entries) == 1
            raise Undone

    with pytest.raises(Undone):
        undone()
    with house.database.read() as session:
        assert circumstances_of(session, EVERYBODY).entries == ()


def test_hundreds_of_waivers_cost_a_judgement_next_to_nothing(house: House) -> None:
    with house.database.write() as session:
        for _ in range(500):
            waivers.add(session, wanted_waiver(), LIMITS)
    with house.database.read() as session:
        first = circumstances_of(session, EVERYBODY)
        began = time.process_time()
        for _ in range(20):
            assert circumstances_of(session, EVERYBODY) == first
        assert (time.process_time() - began) / 20 < 0.02
    assert len(first.waivers) == 500


def test_everything_that_is_said_makes_answers_from_memory_old(house: House) -> None:
    generation = Generation(house.database)
    seen = [generation.current()]
    with house.database.write() as session:
        waiver = waivers.add(session, wanted_waiver(), LIMITS).waiver.id
    seen.append(generation.current())
    with house.database.write() as session:
        entry = listed(session, "evil/*").entry.id
    seen.append(generation.current())
    with house.database.write() as session:
        waivers.end(session, waiver, "ada")
    seen.append(generation.current())
    with house.database.write() as session:
        lists.end(session, entry, "ada")
    seen.append(generation.current())
    assert len(set(seen)) == len(seen)


def test_a_waiver_ends_exactly_the_decisions_that_rest_on_what_it_covers(house: House) -> None:
    mine, same, other, clean = (
        house.decided("acme/one", ONE),
        house.decided("acme/two", TWO, ONE),
        house.decided("acme/three", TWO),
        house.decided("acme/four"),
    )
    with house.database.write() as session:
        ids = reopening.resting_on(session, {ONE})
        ended = reopening.end_decisions(session, ids, Scope(), house.rule_set, {ONE})
    assert (ended.decisions, ended.commits) == (2, 2)
    assert {one.snapshot_id for one in ended.sought} == {mine.id, same.id}
    assert [house.holds(one) for one in (mine, same, other, clean)] == [False, False, True, True]
    with house.database.write() as session:
        assert reopening.end_decisions(session, ids, Scope(), house.rule_set, {ONE}).decisions == 0
        works = progress.advance(session, mine.id)
    assert works, "what has ended is judged anew"
    assert progress.SCAN not in {work.task for work in works}, "and nothing is scanned for that"


@pytest.mark.parametrize(
    ("globs", "change", "concerned"),
    [
        (("Evil/*",), {}, {"evil/one", "evil/t_o"}),
        (("evil/ONE",), {}, {"evil/one"}),
        (("evil/t_o",), {}, {"evil/t_o"}),
        (("*/one",), {}, {"evil/one", "good/one"}),
        (("evil/[op]ne",), {}, {"evil/one"}),
        (("*",), {"kinds": ("dataset",)}, {"good/rows"}),
        (("good/one",), {"commits": frozenset({"b" * 40})}, {"good/one"}),
        (("good/one",), {"commits": frozenset({"c" * 40})}, set()),
        (("gone/*", "good/on?"), {}, {"good/one"}),
    ],
)
def test_an_entry_concerns_exactly_what_it_names(
    house: House, globs: tuple[str, ...], change: dict[str, Any], concerned: set[str]
) -> None:
    known = {
        one.id: str(one.commit.repo)
        for one in (
            house.decided("evil/one"),
            house.decided("evil/t_o"),
            house.decided("good/one", sha="b" * 40),
            house.decided("good/rows", kind="dataset"),
            house.decided("evilish/model"),
        )
    }
    with house.database.write() as session:
        entry = listed(session, *globs, **change).entry
        assert {known[one] for one in reopening.concerned_by(session, entry)} == concerned


def test_what_is_said_for_one_team_leaves_the_decisions_of_others_alone(house: House) -> None:
    snapshot = house.decided("acme/one", ONE)
    house.decided("acme/one", ONE, audience=RISK)
    house.decided("acme/one", ONE, audience=Audience("sales"))
    with house.database.write() as session:
        ids = reopening.resting_on(session, {ONE})
        ended = reopening.end_decisions(session, ids, Scope(teams=("risk",)), house.rule_set, {ONE})
    assert [one.audience for one in ended.sought] == [RISK]
    assert house.holds(snapshot)
    assert house.holds(snapshot, Audience("sales"))
    assert not house.holds(snapshot, RISK)


def test_many_decisions_are_ended_by_few_statements(house: House) -> None:
    with house.database.write() as session:
        for number in range(150):
            house.decide(session, f"evil/{number}", ONE, sha="a" * 40, kind="model", audience=EVERYBODY)
            session.flush()
            session.expunge_all()
    statements: list[str] = []

    @event.listens_for(house.database.engine, "before_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    with house.database.write() as session:
        entry = listed(session, "evil/*").entry
        ended = reopening.end_decisions(session, reopening.concerned_by(session, entry), Scope(), house.rule_set)
    assert (ended.decisions, len(ended.sought)) == (150, 150)
    assert len(statements) < 15, "whoever downloads meanwhile waits for them"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("90d", dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)),
        ("1 day", dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)),
        ("2027-01-31", dt.datetime(2027, 2, 1, tzinfo=dt.UTC)),
        ("2027-01-31T10:00", dt.datetime(2027, 1, 31, 10, tzinfo=dt.UTC)),
        ("2027-01-31T10:00+02:00", dt.datetime(2027, 1, 31, 8, tzinfo=dt.UTC)),
    ],
)
def test_an_end_is_days_from_now_or_the_end_of_a_day(text: str, end: dt.datetime) -> None:
    assert read_until(text, dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)) == end


def test_names_of_teams_are_what_tokens_can_have(house: House) -> None:
    assert checked_scope([], []) == Scope()
    assert checked_scope(["risk", "risk", "fx-*"], ["p1"]) == Scope(("risk", "fx-*"), ("p1",))
    for wrong in ("", "a b", "a/b", "ä", "x" * 65):
        with pytest.raises(BadWord):
            checked_scope([wrong], [])


def test_entries_of_a_repository_are_found_by_their_globs(house: House) -> None:
    with house.database.write() as session:
        entries = [listed(session, *globs) for globs in (("evil/*",), ("good/one", "evil/on?"), ("good/*",))]
    with house.database.read() as session:
        found = [one.entry.id for one in lists.listed(session, repo="Evil/One")]
        assert sorted(found) == sorted(one.entry.id for one in entries[:2])
        (first,) = lists.listed(session, limit=1)
        rest = lists.listed(session, after=first.entry.id)
        assert [one.entry.id for one in (first, *rest)] == sorted((one.entry.id for one in entries), reverse=True)


def test_every_collection_has_globs_that_an_entry_takes() -> None:
    assert len(collections()) >= 30
    for one in collections().values():
        lists.check(wanted_entry(*one.repositories))
        assert collection(one.name.upper().replace("-", " ")) is one
    with pytest.raises(BadWord, match="did you mean 'qwen'"):
        collection("quen")
