"""What is still to be done until a commit is judged: list it, scan what is unknown of it and look around it, judge.

`advance` looks at the database and asks for the next step, whatever it is; it is called after every step, by whoever
took it, and so nothing has to remember where an admission stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Self

from sqlalchemy import delete, insert, tuple_
from sqlmodel import Session, col, select

from curator.admission import decisions, looks, scans, snapshots
from curator.admission.tables import AdmissionRow
from curator.database.engine import now
from curator.queue.work import Work, ask_for, failure_of
from curator.types import BlobId, RepoId, RepoKind
from rules.circumstances import EVERYBODY, Audience
from scanners.finding import SCANNER_VERSION

LIST = "curator.list"
SCAN = "curator.scan"
LOOK = "curator.look"
JUDGE = "curator.judge"
FOLLOW = "curator.follow"
REFRESH = "curator.refresh"

MOST_FOLLOWED = 3
_KEY = ("snapshot_id", "rule_set", "scanner", "audience")
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Sought:
    """A decision that is wanted: about which commit, under which rules, by which scanners, for whom."""

    snapshot_id: int
    rule_set: str
    audience: Audience = EVERYBODY
    scanner: str = SCANNER_VERSION

    @property
    def key(self) -> str:
        """As work is named; teams and projects have no blanks in them."""
        return f"{self.snapshot_id} {self.rule_set} {self.scanner} {self.audience}"

    @classmethod
    def parse(cls, key: str) -> Self:
        snapshot_id, rule_set, scanner, audience = key.split(" ")
        return cls(int(snapshot_id), rule_set, Audience.parse(audience), scanner)


def open_admission(session: Session, sought: Sought) -> list[Work]:
    """Somebody asks for a decision: see that one is made. What had failed before is tried again."""
    session.merge(_admission(sought, open_=True))
    session.flush()
    return advance(session, sought.snapshot_id, retry=True)


def open_again(session: Session, wanted: Collection[Sought]) -> None:
    """Decisions that were made have ended: others are wanted, by whoever calls `advance`. Few statements for many."""
    session.flush()
    rows = [_admission(sought, open_=True).model_dump() for sought in wanted]
    for begin in range(0, len(rows), _AT_ONCE):
        few = rows[begin : begin + _AT_ONCE]
        of = tuple_(*(col(getattr(AdmissionRow, name)) for name in _KEY))
        session.execute(delete(AdmissionRow).where(of.in_([tuple(row[name] for name in _KEY) for row in few])))
        session.execute(insert(AdmissionRow), few)
    session.expire_all()


def close_admission(session: Session, sought: Sought) -> None:
    """There is a decision."""
    session.merge(_admission(sought, open_=False))


def judge_again(session: Session, snapshot_id: int, rule_set: str) -> list[Work]:
    """Something that the decisions about a commit rest on has changed: end them, and have them made anew.

    What was scanned stays so: only what is not known is asked for. Returns what the broker is to be told.
    """
    audiences = decisions.audiences_of(session, snapshot_id, rule_set)
    decisions.reopen(session, snapshot_id)
    for audience in audiences:
        session.merge(_admission(Sought(snapshot_id, rule_set, audience), open_=True))
    session.flush()
    return advance(session, snapshot_id) if audiences else []


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
    # The look goes first: it asks many small things of the upstream, while the scans read the large ones.
    works = [ask_for(session, LOOK, str(snapshot_id))] if _look_is_due(session, snapshot_id, retry=retry) else []
    works += [ask_for(session, SCAN, scan_key(blob, name)) for blob, name in unknown]
    return works or [ask_for(session, JUDGE, _sought(row).key) for row in admissions]


def advance_holders(session: Session, blob: BlobId, name: str) -> list[Work]:
    """A content was scanned, or given up: go on with the commits that waited for it, if it was the last."""
    works: list[Work] = []
    for _, snapshot_id, _ in snapshots.holders(session, blob, name):
        works += advance_looked(session, snapshot_id)
    return works


def advance_looked(session: Session, snapshot_id: int) -> list[Work]:
    """Something of a commit is known now: go on with it, if no scan is still to come."""
    still = scans.missing(session, snapshot_id, limit=1)
    waits = still and failure_of(session, SCAN, scan_key(*still[0])) is None
    return [] if waits else advance(session, snapshot_id)


def scans_are_over(session: Session, snapshot_id: int) -> bool:
    """Whether each content of a commit has a report, or none is to come."""
    missing = scans.missing(session, snapshot_id)
    return all(failure_of(session, SCAN, scan_key(blob, name)) is not None for blob, name in missing)


def _look_is_due(session: Session, snapshot_id: int, *, retry: bool) -> bool:
    due = looks.is_due(session, snapshot_id, retry=retry)
    return due and (retry or failure_of(session, LOOK, str(snapshot_id)) is None)


def failure_of_admission(session: Session, sought: Sought) -> str | None:
    """Why there will be no decision unless somebody asks again; None if there will be one."""
    return failure_of(session, LIST, str(sought.snapshot_id)) or failure_of(session, JUDGE, sought.key)


def scan_failure(session: Session, blob: BlobId, name: str) -> str | None:
    """Why the content could not be scanned; None if it was, or is about to be."""
    return failure_of(session, SCAN, scan_key(blob, name))


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


def _admission(sought: Sought, *, open_: bool) -> AdmissionRow:
    return AdmissionRow(
        snapshot_id=sought.snapshot_id,
        rule_set=sought.rule_set,
        scanner=sought.scanner,
        audience=str(sought.audience),
        asked_at=now(),
        open=open_,
    )


def _sought(row: AdmissionRow) -> Sought:
    return Sought(row.snapshot_id, row.rule_set, Audience.parse(row.audience), row.scanner)
