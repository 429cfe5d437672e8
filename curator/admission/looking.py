"""The worker's step that looks around a commit: its owner, its history, its texts, its ancestors. Beside the scans.

It ends well whatever happens: what could not be had is a gap, which is told to the rules and makes the decision one for
a while only.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from anyio.from_thread import BlockingPortal
from sqlmodel import Session

from curator.admission import looks, progress, seen, snapshots
from curator.admission.ancestry import walk
from curator.admission.cards import card_of
from curator.admission.gather import ScannedNext, fetch_from
from curator.admission.look import HISTORY, HUB_SCAN, LICENSE, LINEAGE, OWNER, Look, all_unknown, material
from curator.admission.parents import parents_of
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database, now
from curator.errors import CuratorError
from curator.queue.work import Work, failure_of, finish
from curator.store.fill import Filler
from curator.types import Commit, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.about import Trail, hub_scan_of, owner_of_namespace, trail_of
from curator.upstream.client import Upstream
from curator.upstream.listing import Description

log = logging.getLogger(__name__)

_WITHIN_S = 15.0
"""For each part of a look: the Hub answers such questions in a fraction of a second, or not at all."""
_MOST_TEXT_BYTES = 256 << 10
_MOST_LICENSES = 6
_LICENSE = re.compile(r"(?:.*[-_.])?(?:un)?(?:licen[cs]e|copying|notice|use[-_]policy)(?:[-_.].*)?", re.IGNORECASE)
_NO_TEXT = re.compile(r"\.(?:py|json|png|jpe?g|svg|pdf|bin|safetensors|gguf)$", re.IGNORECASE)
_DOCUMENTS = frozenset(
    {
        "README.md",
        "adapter_config.json",
        "config.json",
        "mergekit_config.yml",
        "mergekit_config.yaml",
        "model_index.json",
        "quantize_config.json",
    }
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Looker:
    """What the step needs: the upstream and the store live in the portal's event loop, the step in a thread."""

    database: Database
    upstream: Upstream
    filler: Filler
    portal: BlockingPortal
    whole_below_bytes: int

    def look(self, work: Work) -> list[Work]:
        """Keep what is learnt of a commit; returns what is to be done next."""
        snapshot_id = int(work.key)
        with self.database.read() as session:
            snapshot = snapshots.get(session, snapshot_id)
            files = snapshots.files(session, snapshot_id)
            before = looks.find(session, snapshot_id)
        look = self.portal.call(self.see, snapshot, files)
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

    async def see(self, snapshot: Snapshot, files: list[RepoFile]) -> Look:
        """All that can be had, at once; what cannot be had is a gap."""
        commit = snapshot.commit
        gaps: dict[str, str] = {}
        card = snapshot.info.get("cardData")
        card = card if isinstance(card, dict) else {}
        owner, trail, described, texts = await asyncio.gather(
            _part(OWNER, self._owner(commit), None, gaps),
            _part(HISTORY, trail_of(self.upstream, commit), Trail("", ""), gaps),
            _part(HUB_SCAN, self._described(commit), None, gaps),
            _part(LICENSE, self._texts(commit, files), {}, gaps),
        )
        parents = parents_of(card_of(texts.get("README.md", "")) or card, texts)
        steps, why = await _part(LINEAGE, walk(commit.repo, parents, self._ancestor), ((), ""), gaps)
        if why:
            gaps[LINEAGE] = why
        return Look(
            owner=owner,
            committed_at=trail.committed_at,
            first_commit=trail.first_commit,
            hub_scan=hub_scan_of(described.info) if described else "unknown",
            standing=material(described.info if described else snapshot.info),
            texts=texts,
            ancestors=steps,
            asked_for=tuple(str(parent.repo) for parent in parents),
            gaps=gaps,
            at=now(),
        )

    async def _owner(self, commit: Commit) -> dict[str, object] | None:
        namespace = commit.repo.namespace
        return await owner_of_namespace(self.upstream, namespace) if namespace else None

    async def _described(self, commit: Commit) -> Description:
        return await self.upstream.describe(commit.repo, Revision(commit.sha), query="securityStatus=true")

    async def _ancestor(self, repo: RepoId) -> Description:
        return await self.upstream.describe(repo, Revision("main"))

    async def _texts(self, commit: Commit, files: list[RepoFile]) -> dict[str, str]:
        wanted = [file for file in files if "/" not in file.path and file.path in _DOCUMENTS]
        if commit.repo.kind is not RepoKind.MODEL:
            wanted = [file for file in wanted if file.path == "README.md"]
        licenses = [file for file in files if is_license_file(file.path)]
        wanted += sorted(licenses, key=lambda file: (file.path.count("/"), file.path))[:_MOST_LICENSES]
        read = await asyncio.gather(*(self._text(commit, file) for file in wanted))
        return {file.path: text for file, text in zip(wanted, read, strict=True)}

    async def _text(self, commit: Commit, file: RepoFile) -> str:
        """The beginning of a file. One that is scanned whole is fetched once for both, whoever comes first."""
        path = self.filler.store.find(file.blob)
        if path is None and file.size <= self.whole_below_bytes:
            fill = self.filler.open(file.blob, file.size, fetch_from(self.upstream, commit, file), ScannedNext())
            path = await fill.wait()
        if path is not None:
            content = await asyncio.to_thread(_beginning, path)
        else:
            content = await self.upstream.read(commit, file.path, 0, _MOST_TEXT_BYTES)
        return content.decode("utf-8", errors="replace")


def is_license_file(path: str) -> bool:
    """Whether a file is called as those are called that have a licence's text in them."""
    name = path.rpartition("/")[2]
    return _LICENSE.fullmatch(name) is not None and _NO_TEXT.search(name) is None


async def _part(group: str, part: Awaitable[_T], nothing: _T, gaps: dict[str, str]) -> _T:
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


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_TEXT_BYTES)
