"""The second look: bytes that were judged from ranges are judged again, whole, before the last of them is released."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from curator.admission import scans, snapshots
from curator.admission.decisions import reopen
from curator.admission.gather import same_findings
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database
from curator.errors import WrongBytes
from curator.store.fill import Inspect
from curator.types import Commit, RepoFile
from scanners.jail import Jail
from scanners.source import FileSource


@dataclass(frozen=True, slots=True)
class Confirmer:
    """Compares what is on the disk, and has the right hash, with what was judged."""

    database: Database
    jail: Jail

    def of(self, commit: Commit, file: RepoFile) -> Inspect:
        """The look at this file, for a fill."""

        async def inspect(path: Path) -> None:
            await asyncio.to_thread(self._confirm, commit, file, path)

        return inspect

    def _confirm(self, commit: Commit, file: RepoFile, path: Path) -> None:
        """Raise `WrongBytes`, and reopen the decisions that rest on it, if the earlier report does not hold."""
        with self.database.read() as session:
            if scans.was_whole(session, file.blob, file.name):
                return
            earlier = scans.report_of(session, file.blob, file.name)
        with FileSource(path) as source:
            report = self.jail.scan(source, file.name)
        agreed = earlier is not None and same_findings(file.blob, earlier, report)
        with self.database.write() as session:
            scans.keep_report(session, file.blob, file.name, report, whole=True)
            if agreed:
                return
            for _, snapshot_id, _ in snapshots.holders(session, file.blob, file.name):
                reopen(session, snapshot_id)
            sentence = (
                f"The bytes of {file.path} in {commit} are not those that were judged: "
                f"{earlier.verdict.value if earlier else 'nothing'} from ranges, {report.verdict.value} as a whole. "
                "The file is set aside and the decision reopened"
            )
            append(
                session,
                AuditEvent(
                    action=Action.MISMATCH,
                    actor="curator",
                    kind=commit.repo.kind,
                    repo=str(commit.repo),
                    commit=commit.sha,
                    path=file.path,
                    blob=str(file.blob),
                    outcome="block",
                    sentence=sentence,
                ),
            )
        raise WrongBytes(sentence)
