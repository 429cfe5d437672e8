"""What is still to be done until a commit is judged: list it, scan what is unknown of it, judge.

`advance` looks at the database and asks for the next step, whatever it is; it is called after every step, by whoever
took it, and so nothing has to remember where an admission stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from sqlmodel import Session, col, select

from curator.admission import scans, snapshots
from curator.admission.tables import AdmissionRow
from curator.database.engine import now
from curator.queue.work import Work, ask_for, failure_of
from curator.types import BlobId, RepoId, RepoKind
from scanners.finding import SCANNER_VERSION

LIST = "curator.list"
SCAN = "curator.scan"
JUDGE = "curator.judge"
FOLLOW = "curator.follow"

MOST_FOLLOWED = 3


def open_admission(session: Session, snapshot_id: int, rule_set: str, scanner: str) -> list[Work]:
    """Somebody asks for a decision: see that one is made. What had failed before is tried again."""
    session.merge(AdmissionRow(snapshot_id=snapshot_id, rule_set=rule_set, scanner=scanner, asked_at=now(), open=True))
    session.flush()
    return advance(session, snapshot_id, retry=True)


def close_admission(session: Session, snapshot_id: int, rule_set: str, scanner: str) -> None:
    """There is a decision."""
    session.merge(AdmissionRow(snapshot_id=snapshot_id, rule_set=rule_set, scanner=scanner, asked_at=now(), open=False))


def advance(session: Session, snapshot_id: int, *, retry: bool = False) -> list[Work]:
    """Ask for the next steps of a snapshot that somebody waits for, and return them, for the broker to be told."""
    waiting = session.exec(select(AdmissionRow).where(AdmissionRow.snapshot_id == snapshot_id, col(AdmissionRow.open)))
    admissions = waiting.all()
    if not admissions:
        return []
    if not snapshots.get(session, snapshot_id).listed:
        return [ask_for(session, LIST, str(snapshot_id))]
    unknown = scans.missing(session, snapshot_id)
    if not retry:
        # A content that could not be judged is a fact too: the rules say what becomes of it.
        unknown = [(blob, name) for blob, name in unknown if failure_of(session, SCAN, scan_key(blob, name)) is None]
    if unknown:
        return [ask_for(session, SCAN, scan_key(blob, name)) for blob, name in unknown]
    return [ask_for(session, JUDGE, judge_key(snapshot_id, row.rule_set, row.scanner)) for row in admissions]


def advance_holders(session: Session, blob: BlobId, name: str) -> list[Work]:
    """A content was scanned, or given up: go on with the commits that waited for it, if it was the last."""
    works: list[Work] = []
    for _, snapshot_id, _ in snapshots.holders(session, blob, name):
        still = scans.missing(session, snapshot_id, limit=1)
        if not still or failure_of(session, SCAN, scan_key(*still[0])) is not None:
            works += advance(session, snapshot_id)
    return works


def failure_of_admission(session: Session, snapshot_id: int, rule_set: str) -> str | None:
    """Why there will be no decision unless somebody asks again; None if there will be one."""
    return failure_of(session, LIST, str(snapshot_id)) or failure_of(
        session, JUDGE, judge_key(snapshot_id, rule_set, SCANNER_VERSION)
    )


def scan_failure(session: Session, blob: BlobId, name: str) -> str | None:
    """Why the content could not be scanned; None if it was, or is about to be."""
    return failure_of(session, SCAN, scan_key(blob, name))


def judge_key(snapshot_id: int, rule_set: str, scanner: str) -> str:
    return f"{snapshot_id} {rule_set} {scanner}"


def read_judge_key(key: str) -> tuple[int, str, str]:
    snapshot_id, rule_set, scanner = key.split(" ")
    return int(snapshot_id), rule_set, scanner


def ask_to_follow(session: Session, repos: Iterable[str], rule_set: str) -> list[Work]:
    """Have the code judged that a commit takes from other repositories, before anybody's program asks for it.

    Of the first few only: whoever names a hundred must not make a hundred times the work. The others are judged when
    they are asked for, as any repository is.
    """
    return [ask_for(session, FOLLOW, f"{rule_set} {repo}") for repo in islice(repos, MOST_FOLLOWED)]


def read_follow_key(key: str) -> tuple[str, RepoId]:
    rule_set, repo = key.split(" ")
    return rule_set, RepoId.parse(repo, RepoKind.MODEL)


def scan_key(blob: BlobId, name: str) -> str:
    return f"{SCANNER_VERSION} {blob} {name}"


def read_scan_key(key: str) -> tuple[BlobId, str]:
    _, blob, name = key.split(" ", 2)
    return BlobId.parse(blob), name
