"""The second look: bytes that were judged from ranges are judged again, whole, before the last of them is released."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from curator.admission import scans, snapshots
from curator.admission.decisions import reopen
from curator.admission.gather import same_findings
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database
from curator.errors import WrongBytes
from curator.types import Commit, RepoFile
from scanners.jail import Jail
from scanners.source import FileSource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Confirmer:
    """Compares what is on the disk, and has the right hash, with what was judged."""

    database: Database
    jail: Jail

    def of(self, commit: Commit, file: RepoFile) -> SecondLook:
        """The look at this file."""
        return SecondLook(self.database, self.jail, commit, file)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """At one file, for a fill."""

    database: Database
    jail: Jail
    commit: Commit
    file: RepoFile

    async def confirm(self, path: Path) -> None:
        """Raise `WrongBytes` if the earlier report does not hold of the bytes as a whole."""
        await asyncio.to_thread(self._confirm, path)

    async def wrong(self, sentence: str) -> None:
        """Reopen the decisions that rest on the file, and put it on the record: whoever sent these bytes, or keeps
        them, is not to be trusted as before."""
        log.error("%s of %s: %s", self.file.path, self.commit, sentence)
        await asyncio.to_thread(self._reopen, sentence)

    def _confirm(self, path: Path) -> None:
        with self.database.read() as session:
            if scans.was_whole(session, self.file.blob, self.file.name):
                return
            earlier = scans.report_of(session, self.file.blob, self.file.name)
        with FileSource(path) as source:
            report = self.jail.scan(source, self.file.name)
        with self.database.write() as session:
            scans.keep_report(session, self.file.blob, self.file.name, report, whole=True)
        if earlier is None or not same_findings(self.file.blob, earlier, report):
            before = earlier.verdict.value if earlier else "nothing"
            raise WrongBytes(
                f"The bytes of {self.file.path} in {self.commit} are not those that were judged: {before} from ranges, "
                f"{report.verdict.value} as a whole"
            )

    def _reopen(self, sentence: str) -> None:
        with self.database.write() as session:
            for _, snapshot_id, _ in snapshots.holders(session, self.file.blob, self.file.name):
                reopen(session, snapshot_id)
            self._record(session, f"{sentence}. The file is set aside, and the decision reopened")

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
