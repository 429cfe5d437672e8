"""Whoever dies at whatever step of a judgement loses nothing: what was begun is ended by others, once, and in the
meantime nothing is served that is blocked.

A process that is killed has either ended a transaction or not begun it, as far as anybody sees. So here everything that
a mirror does with its database is done once for each of its transactions, with a death right before that one ends: what
the one before it left is then all there is.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, update
from sqlmodel import Session, col, select

from curator.admission import decisions, looks, progress, scans, snapshots
from curator.admission.judge import Judge
from curator.admission.look import Look
from curator.admission.looking import Looker
from curator.admission.refresh import Refresher
from curator.admission.rejudge import PAGE, Rejudger
from curator.admission.rejudgement import begin_if_new
from curator.admission.reopening import OPENED, Reopener
from curator.admission.snapshots import Snapshot
from curator.admission.tables import AdmissionRow, RejudgementRow
from curator.audit.record import Action, append
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.policy import lists, rule_sets, waivers
from curator.policy.rule_sets import REJUDGE
from curator.policy.waivers import Limits
from curator.queue.celery import Sender
from curator.queue.tables import WorkRow
from curator.queue.work import Work, ask_for, due
from curator.review import listing, waiving
from curator.review.targets import Target
from curator.tasks import Step, Worker
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Description
from rules.circumstances import ListEffect, Scope
from rules.evaluate import Outcome
from rules.model import parse_policy
from scanners.finding import Report
from tests.databases import SQLITE, Databases
from tests.unit.test_admission import file_of
from tests.unit.test_rejudge import _download

_PARTS = 2
"""Workers of a test run may share it."""
FILE = file_of(b"harmless")
LIMITS = Limits(max_days=365, without_end=False)
OWNER = {"type": "org", "_id": "5f" * 12}
GOOD, BAD, WAIVED, GONE = "acme/good", "bad/one", "bad/waived", "acme/gone"


def policy_of(name: str, blocks: str) -> Any:
    return parse_policy(
        f"""schema: curator.rules/1
name: {name}
rules:
  - id: not-these
    description: These are not for us.
    applies_to: {{repositories: ["{blocks}"]}}
    when: {{likes_below: 1000}}
    outcome: block
    message: "{{repository}} is not for us"
  - id: taken-down
    description: The Hub does not give it any more.
    expression: taken_down
    outcome: block
    message: "{{repository}} is taken down"
""",
        name,
    )


FIRST, SECOND = policy_of("first", "nobody/*"), policy_of("second", "bad/*")


class Killed(BaseException):
    """As far as a process can be killed in a test."""


class Nobody(Sender):
    """A broker that loses everything: what is to be done is found in the database."""

    def __init__(self) -> None:
        pass

    def send(self, works: Any) -> None:
        list(works)


class Portal:
    """What the upstream says by now, without an upstream."""

    def __init__(self) -> None:
        self.taken_down: set[str] = set()

    def call(self, verb: Callable[..., Any], snapshot: Snapshot, *_: Any) -> Any:
        repo = str(snapshot.commit.repo)
        why = "It is not there any more" if repo in self.taken_down else ""
        look = Look(owner=OWNER, at=now(), after_scans=True, taken_down=why)
        return look if verb.__name__ == "see" else (look, None)


@dataclass
class Mirror:
    """One, without its processes."""

    database: Database
    portal: Portal = field(default_factory=Portal)
    ids: dict[str, int] = field(default_factory=dict)
    at_work: bool = True
    """Not while somebody only takes work up: whoever dies then has done nothing."""

    def ask_for(self, repo: str) -> None:
        """Somebody downloads it, as far as he gets: it is listed, and nothing of it is known."""
        named = RepoId.parse(repo)
        with self.database.write() as session:
            described = Description(Commit(named, "1" * 40), {"id": repo})
            snapshot = snapshots.remember(session, named, Revision("main"), described)
            self.ids[repo] = snapshot.id
            if not snapshot.listed:
                snapshots.save_listing(session, snapshot.id, [FILE])
                scans.keep_report(session, FILE.blob, FILE.name, Report(format="text", bytes_read=8), whole=True)
                append(session, _download(snapshot.commit, "", now()))
            digest = rule_sets.in_force(session)
            assert digest is not None
            progress.open_admission(session, progress.Sought(snapshot.id, digest))

    def publish(self, policy: Any) -> None:
        with self.database.write() as session:
            rule_sets.publish(session, policy, author="ann", reason="a test", origin=rule_sets.COMMAND)

    def waive(self, repo: str) -> None:
        ruling = self.ruling(repo)
        assert ruling is not None
        until = now() + dt.timedelta(days=3)
        request = waiving.Request(
            decision=ruling.id, which=waiving.Which(), scope=Scope(), reason="read", by="ada", expires_at=until
        )
        waiving.waive(self.database, request, self.rule_set, LIMITS)

    def block(self, repo: str) -> None:
        request = listing.Request(
            effect=ListEffect.BLOCK,
            targets=[Target(repo, (repo,))],
            kinds=("model",),
            scope=Scope(),
            reason="advisory",
            by="ada",
            expires_at=None,
        )
        listing.put(self.database, request, self.rule_set)

    def refresh(self, repo: str) -> None:
        with self.database.write() as session:
            ask_for(session, progress.REFRESH, str(self.ids[repo]))

    @property
    def rule_set(self) -> str:
        with self.database.read() as session:
            digest = rule_sets.in_force(session)
        assert digest is not None
        return digest

    def ruling(self, repo: str) -> decisions.Ruling | None:
        with self.database.read() as session:
            return decisions.current(session, self.ids[repo], self.rule_set)

    def outcome(self, repo: str) -> Outcome | None:
        ruling = self.ruling(repo) if repo in self.ids else None
        return ruling.outcome if ruling is not None else None

    def work(self) -> None:
        """Do all there is to do, as a worker that was started just now."""
        looker = Looker(self.database, cast("Any", None), cast("Any", None), cast("Any", self.portal), 1)
        rejudger = Rejudger(self.database, days=90, retry_failed_s=300)
        verbs: dict[str, Callable[[Work], list[Work]]] = {
            progress.LOOK: looker.look,
            progress.JUDGE: Judge(self.database, 300).judge,
            progress.REFRESH: Refresher(self.database, looker, 3_600).refresh,
            REJUDGE: rejudger.plan,
            PAGE: rejudger.page,
            OPENED: Reopener(self.database).ask,
        }
        worker = Worker(self.database, Nobody(), "me", 60)
        self._time_passes()
        try:
            while works := self._due():
                for work in works:
                    worker.run(work.id, Step(self._noted(verbs[work.task]), _nothing))
                self._time_passes()
        finally:
            self.at_work = True

    def _due(self) -> list[Work]:
        self.at_work = False
        return due(self.database)

    def _noted(self, verb: Callable[[Work], list[Work]]) -> Callable[[Work], list[Work]]:
        def noted(work: Work) -> list[Work]:
            self.at_work = True
            following = verb(work)
            self.at_work = False
            return following

        return noted

    def _time_passes(self) -> None:
        """Whoever had begun anything is dead, and his lease over."""
        with self.database.write_rows() as connection:
            connection.execute(update(WorkRow).values(due_at=now() - dt.timedelta(seconds=1)))

    def record(self) -> Counter[tuple[str, str, str]]:
        """What is on the record: action, repository, outcome, each as often as it is."""
        with self.database.read() as session:
            return Counter((row.action, row.repo, row.outcome) for row in session.exec(select(AuditRow)))

    def left(self) -> list[Any]:
        """What waits for somebody."""
        with self.database.read() as session:
            unfinished = session.exec(select(WorkRow.task, WorkRow.state).where(WorkRow.state != "done")).all()
            opened = session.exec(select(AdmissionRow.snapshot_id).where(col(AdmissionRow.open))).all()
            rejudged = session.exec(select(RejudgementRow.id).where(col(RejudgementRow.ended_at).is_(None))).all()
        return [*unfinished, *opened, *rejudged]


def _nothing(_session: Session, _work: Any) -> list[Any]:
    return []


@contextmanager
def killed_at(mirror: Mirror, number: int) -> Iterator[Callable[[], int]]:
    """Die before the transaction of this number ends. Gives how many there were."""
    seen = 0

    def count(session: Session) -> None:
        nonlocal seen
        if mirror.at_work and session.connection().get_execution_options().get("curator_writes"):
            seen += 1
            if seen == number:
                raise Killed

    event.listen(Session, "before_commit", count)
    try:
        yield lambda: seen
    finally:
        event.remove(Session, "before_commit", count)


Step_ = tuple[Callable[[Mirror], None], Callable[[Mirror], bool]]
"""What somebody does, and whether it is done already: who got no answer looks before he tries again."""


def _waived(mirror: Mirror) -> bool:
    with mirror.database.read() as session:
        return bool(waivers.listed(session))


def _blocked(mirror: Mirror) -> bool:
    with mirror.database.read() as session:
        return bool(lists.listed(session))


def _taken_down(mirror: Mirror) -> None:
    mirror.portal.taken_down.add(GONE)
    mirror.refresh(GONE)


def _refreshed(mirror: Mirror) -> bool:
    with mirror.database.read() as session:
        look = looks.find(session, mirror.ids[GONE])
        asked = session.exec(select(WorkRow.id).where(WorkRow.task == progress.REFRESH)).first()
    return asked is not None or (look is not None and look.taken_down != "")


DONE: tuple[Step_, ...] = (
    *(
        (lambda mirror, repo=repo: mirror.ask_for(repo), lambda mirror, repo=repo: mirror.outcome(repo) is not None)
        for repo in (GOOD, BAD, WAIVED, GONE)
    ),
    (lambda mirror: mirror.publish(SECOND), lambda mirror: mirror.rule_set == SECOND.digest),
    (lambda mirror: mirror.waive(WAIVED), _waived),
    (lambda mirror: mirror.block(GOOD), _blocked),
    (_taken_down, _refreshed),
)
IN_THE_END = {GOOD: Outcome.BLOCK, BAD: Outcome.BLOCK, WAIVED: Outcome.ALLOW, GONE: Outcome.BLOCK}


def lived_through(mirror: Mirror, number: int) -> int:
    """All of it, with that death; returns how many transactions there were until it."""
    with killed_at(mirror, number) as transactions:
        for do, is_done in DONE:
            for verb in (do, Mirror.work):
                try:
                    verb(mirror)
                except Killed:
                    _nothing_is_served_that_is_blocked(mirror)
                    if verb is do and not is_done(mirror):
                        do(mirror)
                    mirror.work()
        return transactions()


def _nothing_is_served_that_is_blocked(mirror: Mirror) -> None:
    in_force = mirror.rule_set
    if in_force == SECOND.digest:
        assert mirror.outcome(BAD) in {None, Outcome.BLOCK}
        assert mirror.outcome(WAIVED) in {None, Outcome.BLOCK} or _waived(mirror)
    if _blocked(mirror):
        assert mirror.outcome(GOOD) in {None, Outcome.BLOCK}
    with mirror.database.read() as session:
        look = looks.find(session, mirror.ids[GONE]) if GONE in mirror.ids else None
    if look is not None and look.taken_down:
        assert mirror.outcome(GONE) in {None, Outcome.BLOCK}


@contextmanager
def new_mirror(databases: Databases, folder: Path) -> Iterator[Mirror]:
    for file in folder.iterdir():
        file.unlink()
    with databases.new(SQLITE, folder, migrated=True) as url:
        database = Database(url)
        # What is written is looked at by this process alone, so that it need not be on the disk.
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        begin_if_new(database)
        mirror = Mirror(database)
        mirror.publish(FIRST)
        mirror.work()
        yield mirror
        database.close()


@pytest.mark.parametrize("part", range(_PARTS))
def test_whoever_dies_at_any_step_leaves_the_others_all_and_nothing_twice(
    databases: Databases, tmp_path: Path, part: int
) -> None:
    with new_mirror(databases, tmp_path) as mirror:
        transactions = lived_through(mirror, 0)
        record = mirror.record()
        assert {repo: mirror.outcome(repo) for repo in IN_THE_END} == IN_THE_END
        assert mirror.left() == []
    assert transactions > 20
    assert record[Action.CHANGE.value, GOOD, "block"] == 1
    assert record[Action.CHANGE.value, GONE, "block"] == 1
    assert record[Action.CHANGE.value, WAIVED, "allow"] == 1
    for number in range(1 + part, transactions + 1, _PARTS):
        with new_mirror(databases, tmp_path) as mirror:
            lived_through(mirror, number)
            at = f"a death in transaction {number} of {transactions}"
            assert {repo: mirror.outcome(repo) for repo in IN_THE_END} == IN_THE_END, at
            assert mirror.left() == [], at
            assert mirror.record() == record, at
