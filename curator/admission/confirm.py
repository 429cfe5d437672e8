"""The second look: bytes that were judged from ranges are judged again, whole, before the last of them is released."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from sqlmodel import Session

from curator.admission import scans, snapshots
from curator.admission.decisions import reopen
from curator.admission.gather import same_findings
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database
from curator.errors import WrongBytes
from curator.types import Commit, RepoFile
from scanners.finding import Report
from scanners.jail import Jail
from scanners.source import FileSource

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Confirmer:
    """Compares what is on the disk, and has the right hash, with what was judged."""

    database: Database
    jail: Jail
    scans: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_MOST_AT_ONCE), compare=False)

    def of(self, commit: Commit, file: RepoFile) -> SecondLook:
        """The look at this file."""
        return SecondLook(self, commit, file)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """At one file, for a fill."""

    confirmer: Confirmer
    commit: Commit
    file: RepoFile

    async def confirm(self, path: Path) -> None:
        """Raise `WrongBytes` if the earlier report does not hold of the bytes as a whole, or there are more or fewer of
        them than were announced; the decisions that rest on it are then reopened."""
        if not await asyncio.to_thread(self._was_whole, path):
            # In threads of their own: a scan takes minutes at worst, and every answer needs one of asyncio's few.
            await to_thread.run_sync(self._scan, path, limiter=self.confirmer.scans, abandon_on_cancel=True)

    async def wrong(self, sentence: str) -> None:
        """Reopen the decisions that rest on the file, and put it on the record: whoever sent these bytes, or keeps
        them, is not to be trusted as before."""
        log.error("%s of %s: %s", self.file.path, self.commit, sentence)
        await asyncio.to_thread(self._reopen, sentence, None)

    def _was_whole(self, path: Path) -> bool:
        """Whether there is nothing left to be looked at."""
        size = path.stat().st_size
        if size != self.file.size:
            sentence = f"{self.file.path} of {self.commit} has {size} bytes and not {self.file.size} as announced"
            self._reopen(sentence, None)
            raise WrongBytes(sentence)
        with self.confirmer.database.read() as session:
            return scans.was_whole(session, self.file.blob, self.file.name)

    def _scan(self, path: Path) -> None:
        with self.confirmer.database.read() as session:
            earlier = scans.report_of(session, self.file.blob, self.file.name)
        with FileSource(path) as source:
            report = self.confirmer.jail.scan(source, self.file.name)
        if earlier is not None and same_findings(self.file.blob, earlier, report):
            with self.confirmer.database.write() as session:
                scans.keep_report(session, self.file.blob, self.file.name, report, whole=True)
            return
        before = earlier.verdict.value if earlier else "nothing"
        sentence = (
            f"The bytes of {self.file.path} in {self.commit} are not those that were judged: {before} from ranges, "
            f"{report.verdict.value} as a whole"
        )
        log.error("%s", sentence)
        self._reopen(sentence, report)
        raise WrongBytes(sentence)

    def _reopen(self, sentence: str, report: Report | None) -> None:
        """In one step with the new report, if there is one: with that alone kept, the old decision would stand."""
        with self.confirmer.database.write() as session:
            if report is not None:
                scans.keep_report(session, self.file.blob, self.file.name, report, whole=True)
            for _, snapshot_id, _ in snapshots.holders(session, self.file.blob, self.file.name):
                reopen(session, snapshot_id)
            self._record(session, f"{sentence}. The file is not given out, and the decision is reopened")

    def _record(self, session: Session, sentence: str) -> None:
        append(
            session,
            AuditEvent(
                action=Action.MISMATCH,
                actor="curator",
                kind=self.commit.repo.kind,
                repo=str(self.commit.repo),
                commit=self.commit.sha,
                path=self.file.path,
                blob=str(self.file.blob),
                outcome="block",
                sentence=sentence,
            ),
        )
