"""How long a draft of rules takes over everything that was decided, and how much memory.

    python -m benchmarks.replay [--decisions 100000] [--rounds 3] [--json result.json]

Each decision has facts of its own (20 to 40 files, some with findings) and two downloads by one of 40 teams. "mirror"
is the replay as the API does it, with two processes beside the one that hands out; "naive" is one process that goes
through the object mapper, one decision after the other, for a part of them, and is told for all.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import random
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Self

from sqlalchemy import insert
from sqlmodel import col, select

from benchmarks import measure
from benchmarks.results import Results, Target
from curator.admission.tables import DecisionRow, FactsRow, SnapshotRow
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.policy.tables import RuleSetRow
from curator.review.replay.run import Wanted, replay
from rules.circumstances import Audience, Circumstances
from rules.evaluate import Decision, Outcome, evaluate
from rules.facts import Facts
from rules.model import parse_policy, starter_policy
from scanners.finding import SCANNER_VERSION

NAIVE_SHARE = 50
_FORMATS = (("safetensors", "weights"), ("json", "config"), ("text", "text"), ("torch-zip", "weights"))
_TABLES = (SnapshotRow, FactsRow, DecisionRow, AuditRow)
_RULES = (
    ("unsafe-file", "{file_verdict: [unsafe, unscannable]}", "exclude-file"),
    ("suspicious-code", "{file_verdict: [suspicious], file_role: [code]}", "hold"),
    ("pickles", "{file_format: [pickle, torch-zip]}", "exclude-file"),
    ("medium", "{severity_at_least: medium}", "warn"),
    ("licence", "{license_category: [non-commercial, missing]}", "hold"),
    ("young", "{younger_than_days: 14}", "hold"),
    ("unknown", "{publisher_known: false, downloads_below: 50}", "hold"),
    ("alike", "{lookalike_score_at_least: 0.8}", "block"),
    ("large", "{larger_than_bytes: 400000000000}", "warn"),
    ("changed", "{changed_within_days: 3}", "warn"),
    ("not-this", "{repository: ['evil/*']}", "block"),
)
DRAFT = "\n".join(
    [
        "{schema: curator.rules/1, name: draft, rules: [",
        *(
            f"{{id: {name}, description: d, when: {when}, outcome: {outcome}, message: '{{repository}}'}},"
            for name, when, outcome in _RULES
        ),
        "{id: little, description: d, expression: 'downloads < 100 && likes < 5', outcome: warn, message: little}]}",
    ]
)


def main() -> None:
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--decisions", type=int, default=100_000)
    options = parser.parse_args()
    case = f"{options.decisions} decisions"
    results = Results("replaying a draft of rules", options, "naive")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        database = Database(f"sqlite:///{folder}/curator.db")
        database.migrate()
        fill(database, options)
        for _ in range(options.rounds):
            began, spent = time.monotonic(), _spent()
            with Peak() as peak:
                said = replay(database, Wanted(DRAFT, days=400))
            results.add(
                case, "mirror", **{"s": time.monotonic() - began, "processor s": _spent() - spent, "MiB": peak.mib}
            )
            assert said["decisions"] == options.decisions, said["not_replayed"]
            results.notes = [said["sentence"]]
            began, spent = time.monotonic(), _spent()
            share = options.decisions / naive(database, max(options.decisions // NAIVE_SHARE, 1))
            took, spent = time.monotonic() - began, _spent() - spent
            results.add(case, "naive", **{"s": took * share, "processor s": spent * share})
    results.targets = [
        Target(case, "mirror", "s", at_most=30.0),
        # What it would take on two processors that have nothing else to do.
        Target(case, "mirror", "processor s", at_most=60.0),
        Target(case, "mirror", "MiB", at_most=300.0),
    ]
    results.report()


def _spent() -> float:
    """Seconds that processors have worked for this process and its children that have ended."""
    spent = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def naive(database: Database, most: int) -> int:
    """The plain way: each decision and its facts by the object mapper."""
    policy = parse_policy(DRAFT, "draft")
    tried = changed = 0
    with database.read() as session:
        ids = session.exec(select(DecisionRow.id).order_by(col(DecisionRow.id)).limit(most)).all()
        for decision_id in ids:
            row = session.get_one(DecisionRow, decision_id)
            snapshot = session.get_one(SnapshotRow, row.snapshot_id)
            facts = Facts.from_json(json.loads(session.get_one(FactsRow, row.facts_id).facts))
            before = Decision.from_json(json.loads(row.decision))
            of_it = select(AuditRow).where(AuditRow.repo == snapshot.repo, AuditRow.decision == row.id)
            for event in session.exec(of_it):
                after = evaluate(policy, facts, Circumstances(Audience(event.team, event.project)))
                changed += after.outcome is not before.outcome
            tried += 1
    assert changed
    return tried


def fill(database: Database, options: argparse.Namespace) -> None:
    """A database as years of use would leave it."""
    chance = random.Random(7)
    policy = starter_policy()
    moment = now() - dt.timedelta(days=200)
    with database.write_rows() as connection:
        connection.execute(
            insert(RuleSetRow),
            [{"digest": policy.digest, "name": policy.name, "source": policy.source, "first_used_at": moment}],
        )
    for begin in range(0, options.decisions, 2_000):
        numbers = range(begin, min(begin + 2_000, options.decisions))
        made = [decided(one, chance, moment + dt.timedelta(minutes=one), policy.digest) for one in numbers]
        with database.write_rows() as connection:
            for table, rows in zip(_TABLES, zip(*made, strict=True), strict=True):
                connection.execute(insert(table), [row for few in rows for row in few])


def decided(
    number: int, chance: random.Random, at: dt.datetime, rule_set: str, repositories: int = 20_000
) -> tuple[list[dict[str, Any]], ...]:
    """A commit, its facts, the decision, and two rows of the record, as rows of `_TABLES`."""
    repo, sha = f"org{number % 900}/model-{number % repositories}", hashlib.sha1(str(number).encode()).hexdigest()
    facts = _facts(repo, sha, chance, at)
    blocked = any(file["verdict"] == "unsafe" for file in facts["files"])
    decision = Decision(Outcome.BLOCK if blocked else Outcome.ALLOW, (), {}, rule_set)
    name = f"{number:032x}"
    snapshot = {
        "id": number + 1,
        "kind": "model",
        "repo": repo,
        "sha": sha,
        "info": "{}",
        "seen_at": at,
        "listed_at": at,
    }
    kept = {
        "id": name,
        "snapshot_id": number + 1,
        "scanner": SCANNER_VERSION,
        "digest": name,
        "facts": json.dumps(facts),
        "at": at,
    }
    row = {
        "id": name,
        "snapshot_id": number + 1,
        "rule_set": rule_set,
        "scanner": SCANNER_VERSION,
        "audience": "",
        "outcome": decision.outcome.value,
        "decision": json.dumps(decision.as_json()),
        "facts_id": name,
        "at": at,
    }
    asked = [
        {
            "id": f"{number * 2 + one:032x}",
            "at": at,
            "action": "refuse" if blocked else "download",
            "actor": "a",
            "team": f"team{number % 40}",
            "project": "",
            "kind": "model",
            "repo": repo,
            "commit": sha,
            "path": None if blocked else f"file-{one}.bin",
            "outcome": decision.outcome.value,
            "decision": name,
        }
        for one in range(2)
    ]
    return [snapshot], [kept], [row], asked


def _facts(repo: str, sha: str, chance: random.Random, at: dt.datetime) -> dict[str, Any]:
    files = [_file(number, sha, chance) for number in range(chance.randint(20, 40))]
    return Facts.model_validate(
        {
            "repository": repo,
            "kind": "model",
            "namespace": repo.split("/", maxsplit=1)[0],
            "name": repo.split("/")[1],
            "commit": sha,
            "observed_at": at,
            "created_at": at - dt.timedelta(days=chance.randint(1, 900)),
            "last_modified": at - dt.timedelta(days=chance.randint(0, 90)),
            "downloads": chance.randint(0, 10_000),
            "likes": chance.randint(0, 50),
            "files": files,
            "tags": ["pytorch", "text-generation", "license:mit"],
            "license": {
                "declared": ["mit"],
                "expression": "MIT",
                "category": chance.choice(["permissive"] * 9 + ["missing"]),
            },
        }
    ).as_json()


def _file(number: int, sha: str, chance: random.Random) -> dict[str, Any]:
    findings, verdict = [], "safe"
    if chance.random() < 0.02:
        verdict = chance.choice(["unsafe", "suspicious"])
        findings = [
            {
                "rule": "pickle-executes-code",
                "severity": "critical" if verdict == "unsafe" else "medium",
                "message": "Loading this file runs os.system('echo').",
                "where": "member archive/data.pkl, offset 12",
                "fingerprint": hashlib.sha256(f"{sha}{number}".encode()).hexdigest(),
            }
        ]
    format_, role = chance.choice(_FORMATS)
    return {
        "path": f"file-{number}.bin",
        "size": chance.randint(1, 10**10),
        "format": format_,
        "verdict": verdict,
        "role": role,
        "blob": "sha256:" + hashlib.sha256(f"{sha}{number}b".encode()).hexdigest(),
        "findings": findings,
    }


class Peak:
    """The most memory that this process and its children held together, beyond what this one held before."""

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._most, self._before = 0, _held([Path("/proc/self")])
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def mib(self) -> float:
        return self._most / (1 << 20)

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            children = [
                Path("/proc") / pid
                for task in Path("/proc/self/task").iterdir()
                for pid in _text(task / "children").split()
            ]
            self._most = max(self._most, _held([Path("/proc/self"), *children]) - self._before)


def _held(processes: list[Path]) -> int:
    """Bytes in memory that are theirs alone, and their share of what is not (proc(5), Pss)."""
    lines = [line for process in processes for line in _text(process / "smaps_rollup").splitlines()]
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
