"""How long a change of rules takes over everything that was asked for, and how long it keeps a download waiting.

    python -m benchmarks.rejudge [--decisions 100000] [--rounds 1] [--json result.json]

The database is that of `benchmarks.replay`. "mirror" is the worker's rejudgement, in one thread of one process: what is
wanted is found, and pages of kept facts are evaluated in place. "naive" is each commit as a judgement of its own, as if
somebody had asked for it: for a part of them, told for all. Its commits have no files, which flatters it.

"held ms" is the longest time that the one who writes held the lock that a download's record waits for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmodel import Session, col, select

from benchmarks import measure
from benchmarks.replay import DRAFT, fill
from benchmarks.results import Results, Target
from curator.admission import progress
from curator.admission.judge import Judge
from curator.admission.rejudge import PAGE, Rejudger
from curator.admission.tables import DecisionRow, RejudgementRow, SnapshotRow
from curator.database.engine import Database
from curator.policy import rule_sets
from curator.policy.rule_sets import REJUDGE
from curator.queue import work as queue
from curator.queue.tables import WorkRow
from curator.queue.work import Work
from rules.model import parse_policy

NAIVE_SHARE = 100
_DAYS = 400
_OTHER = DRAFT.replace("name: draft", "name: other")


class Watched(Database):
    """Knows how long its writers held the lock."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.held_s: list[float] = []

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            began = time.perf_counter()
            yield session
        self.held_s.append(time.perf_counter() - began)


def main() -> None:
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--decisions", type=int, default=100_000)
    options = parser.parse_args()
    case = f"{options.decisions} decisions"
    results = Results("judging anew after a change of rules", options, "naive")
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
            database = Watched(f"sqlite:///{folder}/curator.db")
            database.migrate()
            fill(database, options)
            _measure(database, options, results, case)
            database.close()
    results.targets = [
        Target(case, "mirror", "held ms", at_most=500.0),
        Target(case, "mirror", "processor s", at_most=0.5, against="naive"),
    ]
    results.report()


def _measure(database: Watched, options: argparse.Namespace, results: Results, case: str) -> None:
    rejudger = Rejudger(database, _DAYS, 300)
    _publish(database, DRAFT)
    database.held_s.clear()
    began, spent = time.monotonic(), time.process_time()
    _next(database, rejudger.plan, REJUDGE)
    planned, first = time.monotonic() - began, 0.0
    while _next(database, rejudger.page, PAGE):
        if not first and _anything_blocked(database):
            first = time.monotonic() - began
    figures = {
        "s": time.monotonic() - began,
        "processor s": time.process_time() - spent,
        "planned s": planned,
        "first block s": first,
        "held ms": max(database.held_s) * 1e3,
        "held of all": sum(database.held_s) / (time.monotonic() - began),
    }
    with database.read() as session:
        row = session.exec(select(RejudgementRow)).one()
    assert row.done == row.total == options.decisions
    assert row.blocked
    results.notes = [f"{row.blocked} blocked, {row.released} released, {row.otherwise} otherwise"]
    results.add(case, "mirror", **figures)

    most = max(options.decisions // NAIVE_SHARE, 1)
    rule_set = _publish(database, _OTHER)
    database.held_s.clear()
    began, spent = time.monotonic(), time.process_time()
    _one_by_one(database, rule_set, most)
    share = options.decisions / most
    results.add(
        case,
        "naive",
        **{
            "s": (time.monotonic() - began) * share,
            "processor s": (time.process_time() - spent) * share,
            "held ms": max(database.held_s) * 1e3,
        },
    )


def _publish(database: Database, source: str) -> str:
    policy = parse_policy(source, "rules")
    with database.write() as session:
        rule_sets.publish(session, policy, author="ana", reason="a benchmark", origin=rule_sets.COMMAND)
    return policy.digest


def _next(database: Database, verb: Callable[[Work], list[Work]], task: str) -> bool:
    """Do the next piece of such work; returns whether there was one."""
    with database.write() as session:
        waits = select(WorkRow.id).where(WorkRow.task == task, WorkRow.state == "waiting").order_by(col(WorkRow.id))
        work_id = session.exec(waits).first()
        work = queue.claim(session, work_id, "benchmark", 600) if work_id is not None else None
    if work is None:
        return False
    verb(work)
    return True


def _anything_blocked(database: Database) -> bool:
    with database.read() as session:
        row = session.exec(select(RejudgementRow)).one()
        return row.blocked > 0


def _one_by_one(database: Database, rule_set: str, most: int) -> None:
    judge = Judge(database, 300)
    with database.read() as session:
        ids = session.exec(select(SnapshotRow.id).order_by(col(SnapshotRow.id)).limit(most)).all()
    for snapshot_id in ids:
        assert snapshot_id is not None
        sought = progress.Sought(snapshot_id, rule_set)
        with database.write() as session:
            progress.open_again(session, (sought,))
            queue.ask_for(session, progress.JUDGE, sought.key)
        assert _next(database, judge.judge, progress.JUDGE)
    with database.read() as session:
        made = session.exec(select(DecisionRow.outcome).where(DecisionRow.rule_set == rule_set)).all()
    assert len(made) == most


if __name__ == "__main__":
    main()
