"""Nothing is given out under a decision that does not rest on what is known now, whatever comes in between."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update
from sqlmodel import col

from curator.admission import decisions, history, looks, progress, scans, snapshots
from curator.admission.choose import Chooser
from curator.admission.confirm import Confirmer
from curator.admission.facts import facts_of
from curator.admission.gate import Gate, StillJudged
from curator.admission.gather import Gatherer
from curator.admission.judge import Judge
from curator.admission.look import Look
from curator.admission.resolve import Resolver
from curator.admission.snapshots import Snapshot
from curator.admission.tables import DecisionRow, ReferenceRow, ScanRow
from curator.audit.record import newest
from curator.database.engine import Database, now
from curator.database.generation import Generation
from curator.errors import RepoNotFound, UpstreamUnavailable, WrongBytes
from curator.policy import rule_sets
from curator.policy.in_force import RulesInForce
from curator.queue import work as queue
from curator.queue.celery import Sender
from curator.queue.work import MAX_ATTEMPTS, Work
from curator.tasks import Step, Worker
from curator.types import BlobId, Commit, HashKind, RepoFile, RepoId, Revision, UpstreamMode
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Circumstances
from rules.evaluate import Outcome, evaluate
from rules.model import starter_policy
from scanners.finding import Report
from scanners.jail import Jail

REPO = RepoId.parse("acme/tiny")
MAIN = Revision("main")
CODE = b"import os; os.system('echo inert')\n"
SEEN = Look(owner={"type": "org", "_id": "5f" * 12}, at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
HARMLESS = Report(format="text", bytes_read=10)


def file_of(content: bytes, path: str = "notes.txt") -> RepoFile:
    return RepoFile(path, len(content), BlobId(HashKind.SHA256, hashlib.sha256(content).hexdigest()), "0" * 40, 130)


class Broker(Sender):
    """Keeps what a broker would be told."""

    def __init__(self) -> None:
        self.told: list[Work] = []

    def send(self, works: Any) -> None:
        self.told += works


@dataclass
class House:
    """A database with the rules in force, and what is done with it."""

    database: Database
    rule_set: str
    broker: Broker

    @property
    def rules(self) -> RulesInForce:
        return RulesInForce(self.database, Generation(self.database), lambda _: Circumstances())

    def commit(self, *files: RepoFile, sha: str = "1" * 40, repo: RepoId = REPO) -> Snapshot:
        """A commit of these files, listed, that somebody waits for."""
        with self.database.write() as session:
            snapshot = snapshots.remember(session, repo, MAIN, Description(Commit(repo, sha), {"id": str(repo)}))
            snapshots.save_listing(session, snapshot.id, files)
            looks.keep(session, snapshot.id, SEEN)
            self.broker.told += progress.open_admission(session, progress.Sought(snapshot.id, self.rule_set))
        return snapshot

    def reported(self, file: RepoFile, report: Report, *, whole: bool = False) -> None:
        with self.database.write() as session:
            scans.keep_report(session, file.blob, file.name, report, whole=whole)
            self.broker.told += progress.advance_holders(session, file.blob, file.name)

    def work(self, task: str) -> Work:
        """The newest piece of work of a kind, claimed."""
        wanted = [work for work in self.broker.told if work.task == task][-1]
        with self.database.write() as session:
            claimed = queue.claim(session, wanted.id, "me", 20)
        assert claimed is not None
        return claimed

    def ruling(self, snapshot: Snapshot) -> decisions.Ruling | None:
        with self.database.read() as session:
            return decisions.current(session, snapshot.id, self.rule_set)


@pytest.fixture
def house(database: Database) -> House:
    policy = starter_policy()
    with database.write() as session:
        rule_sets.publish(session, policy, author="test", reason="a test", origin=rule_sets.STARTER)
    return House(database, policy.digest, Broker())


def allowed(house: House, file: RepoFile) -> Snapshot:
    """A commit that is allowed because of ranges that looked harmless."""
    snapshot = house.commit(file)
    house.reported(file, HARMLESS)
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    ruling = house.ruling(snapshot)
    assert ruling is not None
    assert ruling.outcome is Outcome.ALLOW
    return snapshot


def looked_at(house: House, file: RepoFile, path: Path) -> None:
    with Jail(engines=False) as jail:
        asyncio.run(Confirmer(house.database, jail).of(Commit(REPO, "1" * 40), file).confirm(path))


def test_a_second_look_that_finds_other_bytes_ends_the_decision_in_one_step(house: House, tmp_path: Path) -> None:
    content = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0becho inert.\x85R."
    file, path = file_of(content, "model.pkl"), tmp_path / "model.pkl"
    path.write_bytes(content)
    snapshot = allowed(house, file)
    with pytest.raises(WrongBytes, match="safe from ranges, unsafe as a whole"):
        looked_at(house, file, path)
    assert house.ruling(snapshot) is None, "whoever dies here leaves no decision that allows"
    assert [row.action for row in newest(house.database, 10)].count("mismatch") == 1
    house.commit(file)
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    ruling = house.ruling(snapshot)
    assert ruling is not None
    assert ruling.outcome is Outcome.BLOCK


def test_bytes_that_are_fewer_than_announced_are_not_given(house: House, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"harmless")
    file = RepoFile("notes.txt", 1_000, file_of(b"harmless").blob, "0" * 40, 130)
    snapshot = allowed(house, file)
    house.reported(file, HARMLESS, whole=True)
    with pytest.raises(WrongBytes, match="has 8 bytes and not 1000 as announced"):
        looked_at(house, file, path)
    assert house.ruling(snapshot) is None


def test_a_report_that_changes_while_a_commit_is_judged_is_judged_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scanners.finding import Confidence, Finding, Severity, Where

    file = file_of(CODE)
    snapshot = house.commit(file)
    house.reported(file, HARMLESS)
    bad = Finding(
        rule="pickle-executes-code",
        severity=Severity.CRITICAL,
        confidence=Confidence.CERTAIN,
        message="Loading this file runs os.system.",
        where=Where(),
        evidence={},
        engine="curator",
    )
    really, rounds = evaluate, list[int]()

    def slowly(*given: Any) -> Any:
        rounds.append(1)
        if len(rounds) == 1:
            house.reported(file, Report(format="pickle", findings=(bad,)), whole=True)
        return really(*given)

    monkeypatch.setattr("curator.admission.judge.evaluate", slowly)
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    ruling = house.ruling(snapshot)
    assert ruling is not None
    assert ruling.outcome is Outcome.BLOCK
    assert [row.action for row in newest(house.database, 10)] == ["decide", "rules"], "and the record has one decision"


def test_a_decision_of_a_machine_whose_clock_is_behind_is_in_force(house: House) -> None:
    file = file_of(b"harmless")
    snapshot = allowed(house, file)
    with house.database.write() as session:
        session.execute(update(DecisionRow).values(id="f" * 32, expires_at=now() - dt.timedelta(seconds=1)))
    house.commit(file)
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    assert house.ruling(snapshot) is not None


@pytest.mark.parametrize(("told", "fact"), [(10**40, 2**63 - 1), (-1, 0), (True, 0), ("7", 0), (7, 7)])
def test_a_count_that_no_rule_can_count_with_is_the_nearest_that_can(house: House, told: Any, fact: int) -> None:
    file = file_of(b"popular")
    with house.database.write() as session:
        info = {"id": str(REPO), "downloads": told}
        snapshot = snapshots.remember(session, REPO, MAIN, Description(Commit(REPO, "1" * 40), info))
    facts = facts_of(snapshot, [file], {}, {}, now())
    assert facts.downloads == fact
    assert evaluate(starter_policy(), facts).outcome is not None


class Asked:
    """An upstream that says what a branch is, and counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    async def describe(self, repo: RepoId, _revision: Revision) -> Description:
        self.times += 1
        return Description(Commit(repo, "1" * 40), {"id": str(repo)})


def test_what_was_checked_by_a_clock_that_was_ahead_is_checked_again(house: House) -> None:
    upstream = Asked()

    async def ask() -> None:
        await Resolver(house.database, cast("Any", upstream), UpstreamMode.FALLBACK, 30.0).resolve(REPO, MAIN)

    asyncio.run(ask())
    asyncio.run(ask())
    assert upstream.times == 1
    with house.database.write() as session:
        session.execute(update(ReferenceRow).values(checked_at=now() + dt.timedelta(days=365)))
    asyncio.run(ask())
    assert upstream.times == 2


class Moves:
    """An upstream whose branch moves while its first answer is on the way."""

    def __init__(self) -> None:
        self.times = 0
        self.arrives = asyncio.Event()

    async def describe(self, repo: RepoId, _revision: Revision) -> Description:
        self.times += 1
        if self.times > 1:
            return Description(Commit(repo, "2" * 40), {"id": str(repo), "gated": "manual"})
        await self.arrives.wait()
        return Description(Commit(repo, "1" * 40), {"id": str(repo)})


@pytest.mark.parametrize("processes", [1, 2])
def test_what_the_hub_said_before_a_branch_moved_does_not_move_it_back(house: House, processes: int) -> None:
    async def run() -> None:
        upstream = Moves()
        resolvers = [
            Resolver(house.database, cast("Any", upstream), UpstreamMode.FALLBACK, 0.05 if processes == 1 else 30.0)
            for _ in range(processes)
        ]
        early = asyncio.create_task(resolvers[0].resolve(REPO, MAIN))
        await asyncio.sleep(0.2)
        # Longer ago than an answer holds, or in another process: nobody is to wait for that one.
        late = await asyncio.wait_for(resolvers[-1].resolve(REPO, MAIN), 5)
        assert late.commit.sha == "2" * 40
        upstream.arrives.set()
        assert (await early).commit.sha == "2" * 40
        assert resolvers[0].fresh_for(REPO, MAIN, Commit(REPO, "1" * 40)) == 0
        assert upstream.times == 2

    asyncio.run(run())
    with house.database.read() as session:
        reference = snapshots.reference(session, REPO, MAIN)
        assert history.observed(session, REPO, MAIN) == ["2" * 40]
    assert reference is not None
    assert reference.commit.sha == "2" * 40


def test_what_the_hub_said_of_a_commit_before_is_not_kept_in_the_place_of_what_it_says_now(house: House) -> None:
    commit, before = Commit(REPO, "1" * 40), now()
    with house.database.write() as session:
        snapshots.remember(session, REPO, MAIN, Description(commit, {"gated": "manual"}))
        kept = snapshots.remember(session, REPO, MAIN, Description(commit, {"gated": False}), before)
    assert kept.info == {"gated": "manual"}


def test_nobody_looks_for_a_decision_that_nobody_waits_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.admission.gate._LINGER_S", 0.05)
    snapshot = house.commit(file_of(b"never scanned"))

    async def run() -> None:
        gate = Gate(house.database, house.broker, house.rules)
        for _ in range(2):
            with pytest.raises(StillJudged):
                await gate.decide(snapshot, 0.05)
            await asyncio.sleep(0.6)
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("judge ")]

    asyncio.run(run())


def test_whoever_waits_longer_keeps_the_wait_for_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.admission.gate._LINGER_S", 0.0)
    file = file_of(b"scanned late")
    snapshot = house.commit(file)

    async def run() -> decisions.Ruling:
        gate = Gate(house.database, house.broker, house.rules)
        patient = asyncio.create_task(gate.decide(snapshot, 20))
        with pytest.raises(StillJudged):
            await gate.decide(snapshot, 0.05)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(house.reported, file, HARMLESS)
        await asyncio.to_thread(lambda: Judge(house.database, 300).judge(house.work(progress.JUDGE)))
        return await patient

    assert asyncio.run(run()).outcome is Outcome.ALLOW


def test_whoever_asks_after_a_decision_was_reopened_is_not_given_it_by_those_who_asked_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(b"reopened")
    snapshot = house.commit(file)
    really, asked_late = Gate._look, list[asyncio.Task[decisions.Ruling]]()

    async def run() -> None:
        gate, loop = Gate(house.database, house.broker, house.rules), asyncio.get_running_loop()

        def slowly(self: Gate, sought: progress.Sought) -> Any:
            found = really(self, sought)
            if found[0] is not None and not asked_late:
                with house.database.write() as session:
                    decisions.reopen(session, snapshot.id)
                asyncio.run_coroutine_threadsafe(late(), loop).result(10)
            return found

        async def late() -> None:
            asked_late.append(asyncio.create_task(gate.decide(snapshot, 0.5)))
            await asyncio.sleep(0.1)

        monkeypatch.setattr(Gate, "_look", slowly)
        early = asyncio.create_task(gate.decide(snapshot, 20))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(house.reported, file, HARMLESS)
        await asyncio.to_thread(lambda: Judge(house.database, 300).judge(house.work(progress.JUDGE)))
        await asyncio.wait([early], timeout=2)
        with pytest.raises(StillJudged):
            await asked_late[0]
        early.cancel()

    asyncio.run(run())


def test_an_older_commit_that_was_reopened_while_a_newer_one_was_waited_for_is_not_given(house: House) -> None:
    older = allowed(house, file_of(b"old"))
    newer = house.commit(file_of(b"new"), sha="2" * 40)

    class Waiting(Gate):
        async def decide(self, snapshot: Snapshot, *_: Any) -> decisions.Ruling:
            await house.database.change(lambda session: decisions.reopen(session, older.id))
            raise StillJudged(snapshot.commit, 0, 1)

    async def run() -> object:
        gate, nothing = Waiting(house.database, house.broker, house.rules), cast("Any", None)
        chooser = Chooser(house.database, nothing, nothing, gate, house.rules, nothing)
        return await chooser._first_allowed([newer, older], EVERYBODY, 0.0)

    assert asyncio.run(run()) is None


def gatherer(house: House) -> Gatherer:
    nothing = cast("Any", None)
    return Gatherer(house.database, nothing, nothing, nothing, nothing, 0)


def nothing_follows(_session: Any, _work: Work) -> list[Work]:
    return []


def test_a_file_that_kills_each_worker_is_judged_as_one_that_could_not_be_scanned(house: House) -> None:
    snapshot = house.commit(file_of(b"poison"))
    (scan,) = house.broker.told
    for _ in range(MAX_ATTEMPTS):
        with house.database.write() as session:
            assert queue.claim(session, scan.id, "dies", -1) is not None
    worker = Worker(house.database, house.broker, "lives", 20)
    worker.run(scan.id, Step(gatherer(house).scan_content, gatherer(house).give_up_scan))
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    ruling = house.ruling(snapshot)
    assert ruling is not None
    assert ruling.outcome is not Outcome.ALLOW
    assert "the worker died each time" in ruling.sentence


def test_only_what_a_thread_is_at_keeps_its_lease(house: House) -> None:
    house.commit(file_of(b"first"))
    (scan,) = house.broker.told
    worker = Worker(house.database, house.broker, "one", 0.2)
    held: list[int] = []

    def verb(work: Work) -> list[Work]:
        held.extend(worker.at_work)
        worker.renew()
        raise KeyboardInterrupt(str(work.id))

    with pytest.raises(KeyboardInterrupt):
        worker.run(scan.id, Step(verb, nothing_follows))
    assert held == [scan.id]
    assert worker.at_work == set()


def test_a_content_is_scanned_where_it_can_be_had(house: House) -> None:
    file = file_of(b"shared")
    for number, name in enumerate(("acme/open", "mallory/closed")):
        house.commit(file, sha=f"{number}" * 40, repo=RepoId.parse(name))
    asked: list[str] = []

    class Places(Gatherer):
        def _scan(self, commit: Commit, file: RepoFile) -> tuple[Report, bool]:
            asked.append(f"{commit.repo} {file.path}")
            if commit.repo.namespace == "mallory":
                raise RepoNotFound("The Hub has no mallory/closed")
            return HARMLESS, True

    nothing = cast("Any", None)
    Places(house.database, nothing, nothing, nothing, nothing, 0).scan_content(house.work(progress.SCAN))
    assert asked == ["mallory/closed notes.txt", "acme/open notes.txt"]
    with house.database.read() as session:
        assert scans.report_of(session, file.blob, file.name) == HARMLESS


def test_a_slow_look_at_ranges_does_not_replace_what_was_found_in_the_whole_file(house: House) -> None:
    file = file_of(b"shown otherwise")
    house.commit(file)
    found = Report(format="pickle", bytes_read=10, unscannable="it is broken")

    class Slow(Gatherer):
        def _scan(self, commit: Commit, file: RepoFile) -> tuple[Report, bool]:
            del commit
            house.reported(file, found, whole=True)
            return HARMLESS, False

    nothing = cast("Any", None)
    Slow(house.database, nothing, nothing, nothing, nothing, 0).scan_content(house.work(progress.SCAN))
    with house.database.read() as session:
        assert scans.report_of(session, file.blob, file.name) == found
        assert scans.was_whole(session, file.blob, file.name)


def test_a_report_by_a_clock_that_is_behind_is_a_change_too(house: House) -> None:
    first, second = file_of(b"first", "first.txt"), file_of(b"second", "second.txt")
    snapshot = house.commit(first, second)
    house.reported(first, HARMLESS)
    house.reported(second, HARMLESS)

    def stamp() -> object:
        with house.database.read() as session:
            return scans.stamp(session, snapshot.id)

    before = stamp()
    house.reported(first, HARMLESS, whole=True)
    with house.database.write() as session:
        session.execute(
            update(ScanRow).where(col(ScanRow.blob) == str(first.blob)).values(at=now() - dt.timedelta(hours=1))
        )
    assert stamp() != before


def test_what_can_be_had_nowhere_says_why(house: House) -> None:
    class Down(Gatherer):
        def _scan(self, commit: Commit, _file: RepoFile) -> tuple[Report, bool]:
            raise UpstreamUnavailable(f"The Hub is down for {commit.repo}")

    house.commit(file_of(b"nowhere"))
    nothing = cast("Any", None)
    with pytest.raises(UpstreamUnavailable, match="down for acme/tiny"):
        Down(house.database, nothing, nothing, nothing, nothing, 0).scan_content(house.work(progress.SCAN))


class Portal:
    """Runs what a step asks of the event loop."""

    def call(self, verb: Any, *given: Any) -> Any:
        return asyncio.run(verb(*given))


class Hub:
    """Has every repository, at one commit."""

    async def describe(self, repo: RepoId, _revision: Revision) -> Description:
        return Description(Commit(repo, "2" * 40), {"id": str(repo)})


def follow(house: House) -> list[Work]:
    nothing = cast("Any", None)
    return Gatherer(house.database, cast("Any", Hub()), nothing, cast("Any", Portal()), nothing, 0).follow(
        house.work(progress.FOLLOW)
    )


def test_code_that_a_model_takes_from_another_repository_is_judged_before_a_program_asks_for_it(house: House) -> None:
    file = file_of(b"{}", "config.json")
    snapshot = house.commit(file)
    house.reported(file, Report(format="json", bytes_read=2, metadata={"code_from": ["mallory/code", "acme/tiny"]}))
    house.broker.told += Judge(house.database, 300).judge(house.work(progress.JUDGE))
    ruling = house.ruling(snapshot)
    assert ruling is not None
    (begun,) = follow(house)
    assert begun.task == progress.LIST
    with house.database.read() as session:
        assert str(snapshots.get(session, int(begun.key)).commit.repo) == "mallory/code", "and not itself"


def test_whoever_names_a_hundred_repositories_does_not_make_a_hundred_times_the_work(house: House) -> None:
    file = file_of(b"{}", "config.json")
    house.commit(file)
    named = [f"mallory/code-{number}" for number in range(100)]
    house.reported(file, Report(format="json", bytes_read=2, metadata={"code_from": named}))
    assert len(Judge(house.database, 300).judge(house.work(progress.JUDGE))) == progress.MOST_FOLLOWED


def test_what_was_judged_already_is_not_followed_again(house: House) -> None:
    other = RepoId.parse("mallory/code")
    with house.database.write() as session:
        snapshots.remember(session, other, MAIN, Description(Commit(other, "2" * 40), {"id": str(other)}))
    file = file_of(b"other")
    house.commit(file, sha="2" * 40, repo=other)
    house.reported(file, HARMLESS)
    Judge(house.database, 300).judge(house.work(progress.JUDGE))
    with house.database.write() as session:
        house.broker.told += progress.ask_to_follow(session, [str(other)], house.rule_set)
    assert follow(house) == []
