"""The worker's step that looks around a commit: its owner, its history, its texts, its ancestors. Beside the scans.

It ends well whatever happens: what could not be had is a gap, which is told to the rules and makes the decision one for
a while only.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal
from sqlmodel import Session

from curator.admission import looks, progress, scans, seen, snapshots
from curator.admission.ancestry import find_relatives, telling
from curator.admission.documents import README, card_in, tags_of
from curator.admission.gather import ScannedNext, fetch_from
from curator.admission.look import (
    COPIED,
    HISTORY,
    HUB_SCAN,
    LICENSE,
    LINEAGE,
    OWNER,
    Look,
    Original,
    all_unknown,
    material,
)
from curator.admission.origins import root_of
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database, now
from curator.errors import (
    BadInput,
    CuratorError,
    EntryNotFound,
    RepoDisabled,
    RepoNotFound,
    RevisionNotFound,
    UpstreamRefused,
    UpstreamUnavailable,
)
from curator.queue.work import Work, failure_of, finish
from curator.store.fill import Filler
from curator.types import BlobId, Commit, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.about import Trail, hub_scan_of, owner_of_namespace, trail_of
from curator.upstream.client import MOST_TOLD_BYTES, Upstream
from curator.upstream.lately import Lately
from curator.upstream.listing import Description
from scanners.finding import Report
from scanners.repository.known import Known, shipped
from scanners.repository.license_files import about, is_usual
from scanners.repository.names import lookalike
from scanners.repository.parents import names_parents, wants

log = logging.getLogger(__name__)

_WITHIN_S = 15.0
"""For each part of a look: the Hub answers such questions in a fraction of a second, or not at all."""
_SAME_MOMENT = dt.timedelta(seconds=60)
_MOST_TEXT_BYTES = 256 << 10
_MOST_DOCUMENT_BYTES = 2 << 20
"""Of a document that names parents: half of one names none."""
_MOST_LICENSES = 12
_MOST_DOCUMENTS = 32
_MOST_FILES = 5_000

Content = tuple[BlobId, str]
_T = TypeVar("_T")
_N = TypeVar("_N")


@dataclass(frozen=True, slots=True)
class Looker:
    """What the step needs: the upstream and the store live in the portal's event loop, the step in a thread."""

    database: Database
    upstream: Upstream
    filler: Filler
    portal: BlockingPortal
    whole_below_bytes: int
    known: Known = field(default_factory=shipped)
    lately: Lately = field(default_factory=Lately)
    """What many commits have in common, such as their owner and what they were made from."""

    def look(self, work: Work) -> list[Work]:
        """Keep what is learnt of a commit; returns what is to be done next."""
        snapshot_id = int(work.key)
        with self.database.read() as session:
            snapshot = snapshots.get(session, snapshot_id)
            files = snapshots.files(session, snapshot_id)
            before = looks.find(session, snapshot_id)
            reports = scans.reports_of(session, snapshot_id)
            after_scans = progress.scans_are_over(session, snapshot_id)
        began = time.monotonic()
        look = self.portal.call(self.see, snapshot, files, reports, after_scans, before)
        missed = f"; not known: {', '.join(look.gaps)}" if look.gaps else ""
        log.info("looked around %s in %.2f s%s", snapshot.commit, time.monotonic() - began, missed)
        with self.database.write() as session:
            looks.keep(session, snapshot_id, look.filled_from(before))
            seen.first_sight(session, snapshot)
            finish(session, work)
            return progress.advance_looked(session, snapshot_id)

    def give_up(self, session: Session, work: Work) -> list[Work]:
        """Whoever began to look died of it, each time: the commit is judged by what is known without."""
        snapshot_id = int(work.key)
        if looks.is_due(session, snapshot_id, retry=False):
            why = failure_of(session, progress.LOOK, work.key) or "it failed"
            looks.keep(session, snapshot_id, all_unknown(f"The mirror could not look for it: {why}", now()))
        return progress.advance_looked(session, snapshot_id)

    async def see(
        self,
        snapshot: Snapshot,
        files: list[RepoFile],
        reports: Mapping[Content, Report],
        after_scans: bool,
        before: Look | None = None,
    ) -> Look:
        """All that can be had, at once; what cannot be had is a gap. After one of a moment ago, only the way back."""
        look = before
        if look is None or not look.is_complete or now() - look.at > _SAME_MOMENT:
            look = await self._around(snapshot, files)
        root = root_of(snapshot.commit, card_in(snapshot, look.texts), tags_of(snapshot), look.texts, files, reports)
        gaps = dict(look.gaps)
        relatives, why = await _part(LINEAGE, find_relatives(root, self._described_lately), ((), ""), gaps)
        if why:
            gaps[LINEAGE] = why
        return look.model_copy(update={"relatives": relatives, "after_scans": after_scans, "gaps": gaps, "at": now()})

    async def see_again(
        self, snapshot: Snapshot, files: list[RepoFile], reports: Mapping[Content, Report], before: Look
    ) -> tuple[Look, dict[str, Any] | None]:
        """What may be another by now, and what the Hub says of the commit: the files of a commit stay as they are."""
        gaps: dict[str, str] = {}
        owner, described = await asyncio.gather(
            _part(OWNER, self._owner(snapshot.commit), None, gaps),
            _part(HUB_SCAN, self._described(snapshot.commit), "", gaps),
        )
        fields: dict[str, Any] = {"owner": owner, "gaps": gaps, "at": now(), "after_scans": True}
        info = described.info if isinstance(described, Description) else None
        if isinstance(described, str) and HUB_SCAN not in gaps:
            # Whatever else there was to be asked is gone with it.
            return before.model_copy(update=fields | {"owner": owner or before.owner, "taken_down": described}), None
        if info is not None:
            fields |= {"hub_scan": hub_scan_of(info), "standing": material(info), "taken_down": ""}
        told = replace(snapshot, info=info or snapshot.info)
        root = root_of(told.commit, card_in(told, before.texts), tags_of(told), before.texts, files, reports)
        relatives, why = await _part(LINEAGE, find_relatives(root, self._described_shortly), ((), ""), gaps)
        if why:
            gaps[LINEAGE] = why
        return before.model_copy(update=fields | {"relatives": relatives}), info

    async def _around(self, snapshot: Snapshot, files: list[RepoFile]) -> Look:
        """All but the ancestors, who are known by the texts."""
        commit = snapshot.commit
        gaps: dict[str, str] = {}
        owner, trail, described, original, texts = await asyncio.gather(
            _part(OWNER, self.lately.ask(("owner", commit.repo.namespace), lambda: self._owner(commit)), None, gaps),
            _part(HISTORY, trail_of(self.upstream, commit), Trail("", ""), gaps),
            _part(HUB_SCAN, self._described(commit), "", gaps),
            _part(COPIED, self._original(commit), None, gaps),
            self._texts(commit, files, gaps),
        )
        info = described.info if isinstance(described, Description) else {}
        return Look(
            owner=owner,
            committed_at=trail.committed_at,
            first_commit=trail.first_commit,
            hub_scan=hub_scan_of(info),
            standing=material(info or snapshot.info),
            taken_down=described if isinstance(described, str) else "",
            texts=texts,
            original=original,
            gaps=gaps,
            at=now(),
        )

    async def _owner(self, commit: Commit) -> dict[str, object] | None:
        namespace = commit.repo.namespace
        return await owner_of_namespace(self.upstream, namespace) if namespace else None

    async def _described_lately(self, repo: RepoId, revision: Revision) -> Description:
        async def question() -> Description:
            return telling(await self._described_shortly(repo, revision))

        return await self.lately.ask((repo, revision), question)

    async def _described(self, commit: Commit) -> Description | str:
        """What the Hub says of a commit; or why it does not give it any more, as a sentence."""
        try:
            return await self.upstream.describe(commit.repo, Revision(commit.sha), query="securityStatus=true")
        except (RepoNotFound, RevisionNotFound, RepoDisabled) as error:
            return error.sentence

    async def _described_shortly(self, repo: RepoId, revision: Revision) -> Description:
        return await self.upstream.describe(repo, revision, most_bytes=MOST_TOLD_BYTES)

    async def _original(self, commit: Commit) -> Original | None:
        """What the repository has whose name this one's is like; None where there is no such name or repository."""
        like = lookalike(str(commit.repo), self.known) if commit.repo.kind is RepoKind.MODEL else None
        if like is None:
            return None
        name = like.of if "/" in like.of else f"{like.of}/{commit.repo.name}"
        try:
            repo = RepoId.parse(name, commit.repo.kind)
            description = await self.upstream.describe(
                repo, Revision("main"), query="blobs=true", most_bytes=MOST_TOLD_BYTES
            )
        except (BadInput, RepoNotFound, RevisionNotFound, UpstreamRefused):
            return None
        if description.commit.repo == commit.repo:
            return None
        try:
            card = await self.upstream.read(description.commit, README, 0, _MOST_TEXT_BYTES)
        except (EntryNotFound, RepoNotFound, UpstreamRefused):
            # A gated repository shows its files to those alone who accepted its terms.
            card = b""
        created_at = description.info.get("createdAt")
        return Original(
            repository=str(description.commit.repo),
            created_at=created_at if isinstance(created_at, str) else "",
            card=card.decode("utf-8", errors="replace"),
            weights=large_files(description.info),
        )

    async def _texts(self, commit: Commit, files: list[RepoFile], gaps: dict[str, str]) -> dict[str, str]:
        """The card, the licences, and what names parents; a file that cannot be had leaves the others as they are."""
        wanted = texts_of(files, commit.repo.kind)
        read = await asyncio.gather(
            *(_part(LINEAGE if wants(file.path) else LICENSE, self._text(commit, file), None, gaps) for file in wanted)
        )
        return {file.path: text for file, text in zip(wanted, read, strict=True) if text is not None}

    async def _text(self, commit: Commit, file: RepoFile) -> str:
        """The beginning of a file. One that is scanned whole is fetched once for both, whoever comes first."""
        most = _MOST_TEXT_BYTES
        if wants(file.path):
            most = _MOST_DOCUMENT_BYTES
            if file.size > most:
                raise UpstreamUnavailable(f"{file.path} has {file.size >> 20} MB, too many to be read for its parents")
        path = self.filler.store.find(file.blob)
        if path is None and file.size <= self.whole_below_bytes:
            fill = self.filler.open(file.blob, file.size, fetch_from(self.upstream, commit, file), ScannedNext())
            path = await fill.wait()
        if path is not None:
            content = await asyncio.to_thread(_beginning, path, most)
        else:
            content = await self.upstream.read(commit, file.path, 0, most)
        return content.decode("utf-8", errors="replace")


def texts_of(files: Sequence[RepoFile], kind: RepoKind) -> list[RepoFile]:
    """The files whose text is read. What counts most comes first, so that nobody pushes it out with something else."""
    named = [file for file in files if kind is RepoKind.MODEL and wants(file.path)]
    named.sort(key=lambda file: (file.path.count("/"), not names_parents(file.path), file.path))
    licenses = [file for file in files if about(file.path) is not None]
    licenses.sort(key=lambda file: (file.path.count("/"), not is_usual(file.path), file.path))
    card = [file for file in files if file.path == README]
    return card + named[:_MOST_DOCUMENTS] + licenses[:_MOST_LICENSES]


def large_files(info: Mapping[str, Any]) -> dict[str, int]:
    """SHA-256 and size of the files in LFS, from a description that was asked for with blobs; what is odd is not."""
    siblings = info.get("siblings")
    found: dict[str, int] = {}
    for sibling in siblings[:_MOST_FILES] if isinstance(siblings, list) else []:
        lfs = sibling.get("lfs") if isinstance(sibling, dict) else None
        if isinstance(lfs, dict) and isinstance(lfs.get("sha256"), str) and isinstance(lfs.get("size"), int):
            found[lfs["sha256"]] = lfs["size"]
    return found


async def _part(group: str, part: Awaitable[_T], nothing: _N, gaps: dict[str, str]) -> _T | _N:
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await part
    except CuratorError as error:
        gaps[group] = error.sentence
    except TimeoutError:
        gaps[group] = f"The Hub did not say within {_WITHIN_S:.0f} s"
    except Exception as error:
        # Whatever it was, it must not keep the commit from being judged: it is told, and is a gap.
        log.exception("a look for %s failed", group)
        gaps[group] = f"The mirror failed inside ({type(error).__name__})"
    return nothing


def _beginning(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)
