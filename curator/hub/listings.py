"""What a commit is and holds, in the Hub's own JSON, less what is left out: `revision`, `tree`, `paths-info`.

The siblings of the information and the tree come from one stored listing, so that both always tell of the same files;
the newest client keeps the tree it saw of a commit for good (hub-api section 2.7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from curator.admission import scans, snapshots
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database
from curator.errors import EntryNotFound, MirrorOffline, UpstreamUnavailable
from curator.hub.admit import Admission, Admitted
from curator.hub.answer import Answer, json_answer
from curator.hub.curation import admitted_headers
from curator.hub.request import Request
from curator.hub.routes import AuthCheck, PathsInfo, RepoInfo, RepoTree
from curator.types import BlobId, Directory, RepoFile, Revision
from curator.upstream.client import Upstream
from scanners.finding import Report, Verdict

Entry = RepoFile | Directory
Json = dict[str, Any]

_FROM_THE_LISTING = {"sha", "siblings"}


@dataclass(frozen=True, slots=True)
class Listings:
    """Serves what is known of commits that may be served."""

    database: Database
    admission: Admission
    upstream: Upstream

    async def info(self, request: Request, route: RepoInfo) -> Answer:
        admitted = await self.admission.admit(request, route.repo, route.revision)
        entries = await asyncio.to_thread(self._entries, admitted)
        files = [entry for entry in entries if isinstance(entry, RepoFile)]
        wanted = request.values("expand")
        document = info_document(admitted.snapshot, files, blobs=request.flag("blobs"), wanted=wanted)
        if wanted:
            document |= await self._more(admitted.snapshot, wanted)
        lasting = self.admission.lasting(route.repo, route.revision, admitted)
        return json_answer(document, headers=admitted_headers(admitted), lasting=lasting)

    async def tree(self, request: Request, route: RepoTree) -> Answer:
        """The whole listing in one page: llama.cpp reads no second one."""
        admitted = await self.admission.admit(request, route.repo, route.revision)
        commit = admitted.snapshot.commit
        entries = within(await asyncio.to_thread(self._entries, admitted), route.path, deep=request.flag("recursive"))
        if entries is None:
            raise EntryNotFound(f"{commit} has no folder {route.path!a}", commit.sha)
        details = await self._details(admitted, route.path) if request.flag("expand") else None
        lasting = None if details else self.admission.lasting(route.repo, route.revision, admitted)
        listed = [tree_entry(entry, details) for entry in entries]
        return json_answer(listed, headers=admitted_headers(admitted), lasting=lasting)

    async def paths_info(self, request: Request, route: PathsInfo) -> Answer:
        paths, expand = await request.form()
        admitted = await self.admission.admit(request, route.repo, route.revision)
        asked = {path.strip("/") for path in paths}
        entries = await asyncio.to_thread(self._entries, admitted)
        details = await self._details(admitted, None) if expand else None
        found = [tree_entry(entry, details) for entry in entries if entry.path in asked]
        return json_answer(found, headers=admitted_headers(admitted))

    async def auth_check(self, request: Request, route: AuthCheck) -> Answer:
        await self.admission.admit(request, route.repo, Revision("main"))
        return json_answer({})

    async def _more(self, snapshot: Snapshot, wanted: Iterable[str]) -> Json:
        """What the Hub tells of a repository only to whoever names it, as it is now: counts, children, metadata."""
        missing = [key for key in wanted if key not in snapshot.info and key not in _FROM_THE_LISTING]
        if not missing:
            return {}
        commit = snapshot.commit
        path = f"/api/{commit.repo.kind.plural}/{commit.repo}/revision/{commit.sha}"
        try:
            page = await self.upstream.page(
                path, urlencode([("expand", key) for key in missing]), str(commit), commit.repo
            )
        except (MirrorOffline, UpstreamUnavailable):
            return {}
        return {key: page.document[key] for key in missing if key in page.document}

    def _entries(self, admitted: Admitted) -> list[Entry]:
        with self.database.read() as session:
            entries = snapshots.entries(session, admitted.snapshot.id)
        return [entry for entry in entries if entry.path not in admitted.ruling.excluded]

    async def _details(self, admitted: Admitted, path: str | None) -> Details:
        commit = admitted.snapshot.commit
        try:
            changes = await self.upstream.last_changes(commit, path)
        except (MirrorOffline, UpstreamUnavailable):
            # Who last changed a file is nothing that anybody should be stopped for.
            changes = {}
        return Details(
            changes, await self.database.ask(lambda session: scans.reports_of(session, admitted.snapshot.id))
        )


@dataclass(frozen=True, slots=True)
class Details:
    """What an expanded listing tells beside the files."""

    changes: Mapping[str, Json]
    """The commit that last changed each path, as the Hub gives it."""
    reports: Mapping[tuple[BlobId, str], Report]


def info_document(snapshot: Snapshot, files: Iterable[RepoFile], *, blobs: bool, wanted: list[str]) -> Json:
    """The information as the Hub gives it, about the files that are served; only `wanted` keys if any are named."""
    document = dict(snapshot.info)
    document["sha"] = snapshot.commit.sha
    document["siblings"] = [_sibling(file, blobs=blobs) for file in files]
    if not wanted:
        return document
    return {key: document[key] for key in ("_id", "id", *wanted) if key in document}


def within(entries: Iterable[Entry], folder: str | None, *, deep: bool) -> list[Entry] | None:
    """The entries of a folder (None: the root), of its sub-folders too if `deep`; None if there is no such folder."""
    start = f"{folder}/" if folder else ""
    inside = [entry for entry in entries if entry.path.startswith(start)]
    if folder and not inside:
        return None
    return inside if deep else [entry for entry in inside if "/" not in entry.path[len(start) :]]


def tree_entry(entry: Entry, details: Details | None) -> Json:
    """One entry of a tree (hub-api section 6), without anything of Xet."""
    document: Json
    if isinstance(entry, Directory):
        document = {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
    else:
        document = {"type": "file", "oid": entry.oid, "size": entry.size, "path": entry.path}
        if entry.in_lfs:
            document["lfs"] = {"oid": entry.blob.hex, "size": entry.size, "pointerSize": entry.pointer_size}
    if details is not None:
        if entry.path in details.changes:
            document["lastCommit"] = details.changes[entry.path]
        if isinstance(entry, RepoFile):
            document["securityFileStatus"] = _security(details.reports.get((entry.blob, entry.name)))
    return document


def _sibling(file: RepoFile, *, blobs: bool) -> Json:
    if not blobs:
        return {"rfilename": file.path}
    document: Json = {"rfilename": file.path, "size": file.size, "blobId": file.oid}
    if file.in_lfs:
        document["lfs"] = {"sha256": file.blob.hex, "size": file.size, "pointerSize": file.pointer_size}
    return document


def _security(report: Report | None) -> Json:
    """Our own verdict where the Hub gives its scanners'; clients want all three keys."""
    status = {Verdict.UNSCANNABLE: "error"}.get(report.verdict, report.verdict.value) if report else "unscanned"
    return {"status": status, "avScan": None, "pickleImportScan": None}
