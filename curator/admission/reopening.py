"""Which decisions somebody's word concerns, and their end: found by the database, and ended in one transaction.

What has ended is not served from that moment on. In the same transaction one piece of work is asked for, which asks for
the judgements that follow, a few at a time: whoever dies in between loses none of them, and thousands of them keep no
download waiting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select as select_columns
from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from curator.admission import progress
from curator.admission.catalogue import keep as catalogue
from curator.admission.progress import Sought
from curator.admission.tables import AdmissionRow, DecisionRow, EntryRow, RestsOnRow, SnapshotRow
from curator.database.engine import Database, new_id, now
from curator.database.generation import changed
from curator.queue.work import Work, ask_for, finish
from rules.circumstances import Audience, ListEntry, Scope
from rules.questions import globs
from scanners.finding import SCANNER_VERSION

T = TypeVar("T")

OPENED = "curator.reopened"

_AT_ONCE = 400
_A_FEW = 50
_FINGERPRINT = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class Reopened:
    """Decisions that were ended."""

    decisions: int
    commits: int
    sought: tuple[Sought, ...]
    """What is to be decided anew under the rules in force."""
    ended: tuple[str, ...]
    """Ids of the decisions, in the order in which they were made."""
    works: tuple[Work, ...] = ()
    """What the broker is to be told."""


def resting_on(session: Session, fingerprints: Collection[str]) -> set[int]:
    """The snapshots about which a decision was made that rests on one of these findings."""
    found: set[int] = set()
    for few in _batches(fingerprints):
        found |= set(session.exec(select(RestsOnRow.snapshot_id).where(col(RestsOnRow.fingerprint).in_(few))))
    return found


def repositories(session: Session, snapshot_ids: Collection[int]) -> set[tuple[str, str]]:
    """Kind and name of what these snapshots are of."""
    found: set[tuple[str, str]] = set()
    for few in _batches(snapshot_ids):
        found |= set(session.exec(select(SnapshotRow.kind, SnapshotRow.repo).where(col(SnapshotRow.id).in_(few))))
    return found


def concerned_by(session: Session, entry: ListEntry) -> set[int]:
    """The snapshots that an entry of a list is about."""
    matches, kinds = globs(entry.repositories), col(SnapshotRow.kind).in_(entry.kinds)
    if entry.contents:
        having = session.exec(
            select(SnapshotRow.id, SnapshotRow.repo)
            .join(EntryRow, col(EntryRow.snapshot_id) == SnapshotRow.id)
            .where(col(EntryRow.blob).in_(entry.contents), kinds)
            .distinct()
        )
        return {one for one, repo in having if one is not None and matches(repo)}
    # Each name is looked at once, for an entry with hundreds of globs too.
    listed = session.exec(select(SnapshotRow.kind, SnapshotRow.repo).where(kinds).distinct())
    names = dict.fromkeys(repo for _, repo in listed if matches(repo))
    found: set[int] = set()
    for few in _batches(names):
        rows = session.exec(select(SnapshotRow.id, SnapshotRow.sha).where(kinds, col(SnapshotRow.repo).in_(few)))
        found |= {one for one, sha in rows if one is not None and (not entry.commits or sha in entry.commits)}
    return found


def end_decisions(
    session: Session,
    snapshot_ids: Collection[int],
    scope: Scope,
    rule_set: str,
    fingerprints: Collection[str] | None = None,
) -> Reopened:
    """End what was decided about these snapshots for whoever is in the scope, under whatever rules, and open what is to
    be decided anew under the rules in force.

    With `fingerprints`, only decisions that rest on one of them. Whoever is in the scope and shared a decision with
    those who are not has none of his own here: he is decided for when he asks.
    """
    named = frozenset(fingerprints) if fingerprints is not None else None
    ended: list[str] = []
    commits: set[int] = set()
    sought: list[Sought] = []
    for few in _batches(snapshot_ids):
        rows: Sequence[Any] = session.execute(
            select_columns(
                col(DecisionRow.id),
                col(DecisionRow.snapshot_id),
                col(DecisionRow.rule_set),
                col(DecisionRow.audience),
                col(DecisionRow.decision),
            )
            .where(
                col(DecisionRow.snapshot_id).in_(few),
                or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > now()),
            )
            .order_by(col(DecisionRow.id))
        ).all()
        for decision_id, snapshot_id, of_rules, text, document in rows:
            audience = Audience.parse(text)
            if not scope.covers(audience):
                continue
            if named is not None and named.isdisjoint(_FINGERPRINT.findall(document)):
                continue
            ended.append(decision_id)
            commits.add(snapshot_id)
            if of_rules == rule_set:
                sought.append(Sought(snapshot_id, rule_set, audience))
    for batch in _batches(ended):
        # It ends with its beginning, which is over by every server's clock, as in `decisions.reopen`.
        session.execute(update(DecisionRow).where(col(DecisionRow.id).in_(batch)).values(expires_at=DecisionRow.at))
    catalogue.ended(session, ended)
    wanted = tuple(dict.fromkeys(sought))
    progress.open_again(session, wanted)
    changed(session)
    # A name of its own: what runs already may be past what was opened here.
    works = (ask_for(session, OPENED, f"{rule_set} {new_id()} 0"),) if wanted else ()
    return Reopened(len(ended), len(commits), wanted, tuple(ended), works)


@dataclass(frozen=True, slots=True)
class Reopener:
    """The worker's part of it."""

    database: Database

    def ask(self, work: Work) -> list[Work]:
        """Ask for the next judgements that were opened; those that are under way are not asked for twice."""
        rule_set, name, after = work.key.split(" ")
        with self.database.write() as session:
            finish(session, work)
            opened = session.exec(
                select(AdmissionRow.snapshot_id)
                .where(
                    col(AdmissionRow.open),
                    AdmissionRow.rule_set == rule_set,
                    AdmissionRow.scanner == SCANNER_VERSION,
                    AdmissionRow.snapshot_id > int(after),
                )
                .distinct()
                .order_by(col(AdmissionRow.snapshot_id))
                .limit(_A_FEW)
            ).all()
            works = [work for snapshot_id in opened for work in progress.advance(session, snapshot_id)]
            if len(opened) == _A_FEW:
                works.append(ask_for(session, OPENED, f"{rule_set} {name} {opened[-1]}"))
            return works


def _batches(items: Iterable[T], size: int = _AT_ONCE) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
