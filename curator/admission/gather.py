"""The worker's part of an admission: list a commit, scan a content. Blocking, idempotent, keyed by content."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio.from_thread import BlockingPortal
from sqlmodel import Session

from curator.admission import decisions, progress, scans, snapshots
from curator.admission.progress import Sought
from curator.database.engine import Database, now
from curator.errors import CuratorError, UpstreamUnavailable
from curator.queue.work import Work, finish
from curator.store.fill import Filler
from curator.store.pull import Fetch
from curator.types import BlobId, Commit, RepoFile, RepoId, Revision
from curator.upstream.client import Upstream
from curator.upstream.ranged import RangedSource
from scanners.finding import Report
from scanners.jail import Jail
from scanners.source import ByteSource, FileSource, SourceUnavailable

log = logging.getLogger(__name__)

_MOST_PLACES = 3
"""Repositories that are asked for a content, before it counts as one that cannot be had now."""


@dataclass(frozen=True, slots=True)
class Gatherer:
    """What the steps need: the upstream and the store live in the portal's event loop, the steps in threads."""

    database: Database
    upstream: Upstream
    filler: Filler
    portal: BlockingPortal
    jail: Jail
    scan_whole_below_bytes: int

    def list_commit(self, work: Work) -> list[Work]:
        """Keep the whole listing of a commit; returns what is to be done next."""
        snapshot_id = int(work.key)
        with self.database.read() as session:
            snapshot = snapshots.get(session, snapshot_id)
        entries = None if snapshot.listed else self.portal.call(self.upstream.list_files, snapshot.commit)
        with self.database.write() as session:
            if entries is not None:
                snapshots.save_listing(session, snapshot_id, entries)
            finish(session, work)
            return progress.advance(session, snapshot_id)

    def scan_content(self, work: Work) -> list[Work]:
        """Keep the report of a content; returns what is to be done next."""
        blob, name = progress.read_scan_key(work.key)
        with self.database.read() as session:
            known = scans.report_of(session, blob, name)
            holders = snapshots.holders(session, blob, name)
        if known is None and holders:
            report, whole = self._scan_anywhere(holders)
            with self.database.write() as session:
                # Whoever has lost his lease may come after a scan of the whole file, which knows better.
                if whole or not scans.was_whole(session, blob, name):
                    scans.keep_report(session, blob, name, report, whole=whole)
        with self.database.write() as session:
            finish(session, work)
            return progress.advance_holders(session, blob, name)

    def follow(self, work: Work) -> list[Work]:
        """See that the newest commit of a repository is judged that another one takes code from."""
        rule_set, repo = progress.read_follow_key(work.key)
        main, asked_at = Revision("main"), now()
        description = self.portal.call(self.upstream.describe, repo, main)
        with self.database.write() as session:
            snapshot = snapshots.remember(session, repo, main, description, asked_at)
            finish(session, work)
            if decisions.current(session, snapshot.id, rule_set) is not None:
                return []
            return progress.open_admission(session, Sought(snapshot.id, rule_set))

    def give_up_scan(self, session: Session, work: Work) -> list[Work]:
        """A content could not be scanned: those who wait for it are judged without."""
        return progress.advance_holders(session, *progress.read_scan_key(work.key))

    def _scan_anywhere(self, holders: list[tuple[Commit, int, RepoFile]]) -> tuple[Report, bool]:
        """Scan the content where it can be had: a repository that holds it too may be closed, gone, or lie."""
        newest: dict[RepoId, tuple[Commit, RepoFile]] = {}
        for commit, _, file in holders:
            newest.setdefault(commit.repo, (commit, file))
        failure: CuratorError | None = None
        for commit, file in list(newest.values())[:_MOST_PLACES]:
            try:
                report, whole = self._scan(commit, file)
            except CuratorError as error:
                log.warning("%s of %s could not be scanned: %s", file.path, commit, error.sentence)
                failure = failure or error
            else:
                log.info("scanned %s of %s: %s, %d bytes", file.path, commit, report.verdict.value, report.bytes_read)
                return report, whole
        assert failure is not None
        raise failure

    def _scan(self, commit: Commit, file: RepoFile) -> tuple[Report, bool]:
        path = self.filler.store.find(file.blob)
        if path is None and file.size <= self.scan_whole_below_bytes:
            path = self.portal.call(self._bring_in, commit, file)
        if path is not None:
            with FileSource(path) as whole:
                return self._judge(whole, file.name), True
        return self._judge(RangedSource(self.upstream, self.portal, commit, file), file.name), False

    def _judge(self, source: ByteSource, name: str) -> Report:
        try:
            return self.jail.scan(source, name)
        except SourceUnavailable as error:
            raise UpstreamUnavailable(str(error)) from error

    async def _bring_in(self, commit: Commit, file: RepoFile) -> Path:
        fill = self.filler.open(file.blob, file.size, fetch_from(self.upstream, commit, file), ScannedNext())
        return await fill.wait()


@dataclass(frozen=True, slots=True)
class ScannedNext:
    """Bytes that are about to be scanned whole need no second look, and nobody has been told of them yet."""

    async def confirm(self, path: Path) -> None:
        """The scan follows."""

    async def wrong(self, sentence: str) -> None:
        """The scan fails for it, and says so."""


def fetch_from(upstream: Upstream, commit: Commit, file: RepoFile) -> Fetch:
    """How a fill gets the bytes of a file."""
    return partial(upstream.stream, commit, file.path)


def same_findings(blob: BlobId, one: Report, other: Report) -> bool:
    """Whether two scans of a content came to the same."""

    def told(report: Report) -> tuple[str, str | None, set[str]]:
        return (
            report.verdict.value,
            report.unscannable,
            {finding.fingerprint(str(blob)) for finding in report.findings},
        )

    return told(one) == told(other)
