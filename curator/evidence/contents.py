"""The parts of an evidence pack, each as lines as they are read: in one order, a batch at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlmodel import Session, col, select

from curator.admission import decisions
from curator.admission.explain import explain_ruling
from curator.admission.tables import DecisionRow, EntryRow, FactsRow, ScanRow, SnapshotRow
from curator.audit.tables import AskRow
from curator.audit.uses import Use
from curator.database.engine import Database
from curator.evidence import blast
from curator.evidence.subjects import Subject, commits_of
from curator.policy import lists, waivers
from curator.policy.tables import RuleSetRow, WaiverRow
from curator.review import requests
from curator.review.tables import RequestRow
from curator.settings import Settings
from curator.types import Commit, RepoId, RepoKind

T = TypeVar("T")

_COMMITS = 100
_PAGE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
USE_COLUMNS = (
    *("kind", "repo", "commit", "actor", "token", "team", "project", "job"),
    *("first_at", "last_at", "files", "bytes", "address", "user_agent"),
)


@dataclass(frozen=True, slots=True)
class Contents:
    """All of them, about one subject."""

    settings: Settings
    database: Database
    subject: Subject

    def commits(self) -> Iterator[bytes]:
        for rows in self._batches():
            with self.database.read() as session:
                for row in rows:
                    files = select(EntryRow).where(EntryRow.snapshot_id == row.id, col(EntryRow.blob).is_not(None))
                    listed = session.exec(files.order_by(col(EntryRow.path)))
                    yield line(
                        {
                            **_commit(row),
                            "seen_at": row.seen_at.isoformat(),
                            "files": [{"path": one.path, "content": one.blob, "size": one.size} for one in listed],
                        }
                    )

    def decisions(self) -> Iterator[bytes]:
        for row, made in self._decisions():
            yield line(
                {
                    **_commit(row),
                    "id": made.id,
                    "outcome": made.outcome,
                    "audience": made.audience,
                    "at": made.at.isoformat(),
                    "expires_at": made.expires_at.isoformat() if made.expires_at else None,
                    "rule_set": made.rule_set,
                    "scanner": made.scanner,
                    "facts": made.facts_id,
                    "decision": json.loads(made.decision),
                }
            )

    def explanations(self) -> Iterator[bytes]:
        for row, made in self._decisions():
            commit = Commit(RepoId.parse(row.repo, RepoKind(row.kind)), row.sha)
            with self.database.read() as session:
                try:
                    found = decisions.find(session, made.id)
                    assert found is not None, "decisions are never deleted"
                    document = explain_ruling(session, self.settings, commit, *found)
                except (ValueError, ValidationError) as error:
                    document = {"decision": made.id, "not_explained": f"it is of an older form: {str(error)[:200]}"}
            document.pop("facts", None)
            yield line(document)

    def facts(self) -> Iterator[bytes]:
        for rows in self._batches():
            for row in rows:
                with self.database.read() as session:
                    known = session.exec(
                        select(FactsRow).where(FactsRow.snapshot_id == row.id).order_by(col(FactsRow.id))
                    ).all()
                for one in known:
                    yield line(
                        {
                            **_commit(row),
                            "id": one.id,
                            "at": one.at.isoformat(),
                            "scanner": one.scanner,
                            "facts": json.loads(one.facts),
                        }
                    )

    def scans(self) -> Iterator[bytes]:
        seen: set[tuple[str, str, str]] = set()
        for rows in self._batches():
            for row in rows:
                same = (col(ScanRow.blob) == EntryRow.blob) & (col(ScanRow.name) == EntryRow.name)
                of = select(ScanRow).join(EntryRow, same).where(EntryRow.snapshot_id == row.id)
                with self.database.read() as session:
                    found = session.exec(of.order_by(ScanRow.blob, ScanRow.name, ScanRow.scanner).distinct()).all()
                for one in found:
                    key = (one.blob, one.name, one.scanner)
                    if key not in seen:
                        seen.add(key)
                        report = {"report": json.loads(one.report), "whole": one.whole, "at": one.at.isoformat()}
                        yield line({"content": one.blob, "name": one.name, "scanner": one.scanner, **report})

    def rule_sets(self) -> Iterator[tuple[str, bytes]]:
        """The digest and the text of each set that a decision was made by."""
        digests = sorted({made.rule_set for _, made in self._decisions()})
        for digest in digests:
            with self.database.read() as session:
                row = session.get(RuleSetRow, digest)
            if row is not None:
                yield digest, row.source.encode()

    def list_entries(self) -> Iterator[bytes]:
        repos = self.repositories()
        for kept in self._pages(lambda session, after: lists.listed(session, state="all", after=after, limit=_PAGE)):
            entry = kept.entry
            named = repos if entry.repositories != ("*",) else ()
            globs = () if self.subject.content else self.subject.globs
            if (
                self.subject.content in entry.contents
                or any(lists.names(entry, repo) for repo in named)
                or not set(globs).isdisjoint(entry.repositories)
            ):
                yield line(kept.as_json())

    def waivers(self) -> Iterator[bytes]:
        repos = self.repositories()
        with self.database.read() as session:
            ids = session.exec(select(WaiverRow.id, WaiverRow.repo).order_by(col(WaiverRow.id))).all()
        for waiver_id, repo in ids:
            if repo in repos:
                with self.database.read() as session:
                    yield line(waivers.find(session, waiver_id).as_json())

    def requests(self) -> Iterator[bytes]:
        for repo in sorted(self.repositories()):
            with self.database.read() as session:
                ids = session.exec(
                    select(RequestRow.id)
                    .where(col(RequestRow.kind).in_(tuple(RepoKind)), RequestRow.repo == repo)
                    .order_by(col(RequestRow.id))
                ).all()
                for request_id in ids:
                    yield line(requests.find(session, request_id).as_json())

    def uses(self) -> Iterator[bytes]:
        for use in self._uses():
            yield line(use.as_json())

    def uses_table(self) -> Iterator[bytes]:
        yield row_of_csv(USE_COLUMNS)
        for use in self._uses():
            document = use.as_json()
            yield row_of_csv([document[name] for name in USE_COLUMNS])

    def refused(self) -> Iterator[bytes]:
        with self.database.read() as session:
            found = session.exec(
                select(AskRow).where(*blast.asked(session, self.subject)).order_by(col(AskRow.id)).limit(100_000)
            ).all()
        for row in found:
            document = row.model_dump() | {"first_at": row.first_at.isoformat(), "last_at": row.last_at.isoformat()}
            yield line(document)

    def descendants(self) -> Iterator[bytes]:
        after = None
        while True:
            with self.database.read() as session:
                found = blast.relatives(session, self.subject, after, _PAGE)
            for one in found:
                yield line(one.as_json())
            if len(found) < _PAGE:
                return
            after = found[-1].descendant.cursor

    def repositories(self) -> set[str]:
        """The names of all that it is about; at least its own."""
        own = set() if self.subject.content or "*" in self.subject.globs[0] else {self.subject.repo}
        return own | {row.repo for rows in self._batches() for row in rows}

    def _uses(self) -> Iterator[Use]:
        after = None
        while True:
            with self.database.read() as session:
                found = blast.users(session, self.subject, after, _PAGE)
            yield from found
            if len(found) < _PAGE:
                return
            after = blast.cursor(self.subject, found[-1])

    def _decisions(self) -> Iterator[tuple[SnapshotRow, DecisionRow]]:
        for rows in self._batches():
            for row in rows:
                with self.database.read() as session:
                    made = session.exec(
                        select(DecisionRow).where(DecisionRow.snapshot_id == row.id).order_by(col(DecisionRow.id))
                    ).all()
                yield from ((row, one) for one in made)

    def _batches(self) -> Iterator[list[SnapshotRow]]:
        """The commits, some at once, so that no transaction is open while somebody reads slowly."""
        after = 0
        while True:
            with self.database.read() as session:
                rows = list(islice(commits_of(session, self.subject, after), _COMMITS))
            yield rows
            if len(rows) < _COMMITS:
                return
            after = rows[-1].id or 0

    def _pages(self, read: Callable[[Session, str | None], list[Any]]) -> Iterator[Any]:
        after = None
        while True:
            with self.database.read() as session:
                found = read(session, after)
            yield from found
            if len(found) < _PAGE:
                return
            after = found[-1].entry.id


def line(document: Any) -> bytes:
    """One of a file of JSON lines."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def row_of_csv(cells: Iterable[object]) -> bytes:
    """A row that no spreadsheet takes for anything but text and numbers (OWASP, CSV injection)."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode()


def _cell(value: object) -> str:
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _commit(row: SnapshotRow) -> dict[str, Any]:
    return {"kind": row.kind, "repository": row.repo, "commit": row.sha}
