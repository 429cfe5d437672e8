"""The bytes of a file: `resolve`, answered from metadata for HEAD and from the store for GET."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from curator.admission import snapshots
from curator.admission.confirm import Confirmer
from curator.admission.gather import fetch_from
from curator.audit.record import Action, AuditEvent, record
from curator.database.engine import Database
from curator.errors import EntryNotFound
from curator.hub.admit import Admission, Admitted
from curator.hub.answer import Answer, header_text
from curator.hub.ranges import ByteRange, Unsatisfiable, read_range
from curator.hub.request import Request
from curator.hub.routes import ResolveFile
from curator.store.fill import Filler
from curator.store.reading import read_file
from curator.types import RepoFile
from curator.upstream.client import Upstream

log = logging.getLogger(__name__)

# huggingface_hub gives up when no byte came for 10 s: the headers leave before.
_FIRST_BYTE_S = 7.0


@dataclass(frozen=True, slots=True)
class Files:
    """Serves the files of commits that may be served."""

    database: Database
    admission: Admission
    upstream: Upstream
    filler: Filler
    confirmer: Confirmer

    async def answer(self, request: Request, route: ResolveFile) -> Answer:
        admitted = await self.admission.admit(request, route.repo, route.revision, route.path)
        if route.path in admitted.ruling.excluded:
            raise await self.admission.left_out(request, route.repo, route.revision, admitted, route.path)
        file = await asyncio.to_thread(self._find, admitted, route.path)
        headers = _headers(admitted, file)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Answer(304, headers)
        try:
            part = read_range(_range_asked(request, headers["ETag"]), file.size)
        except Unsatisfiable:
            if file.size == 0:
                # An empty file has no first byte, and huggingface.js asks for it (hub-api part 2, section 1).
                return Answer(200, {**headers, "Content-Length": "0", "Content-Range": "bytes */0"})
            return Answer(416, {**headers, "Content-Length": "0", "Content-Range": f"bytes */{file.size}"})
        headers["Content-Length"] = str(part.length if part else file.size)
        if part is not None:
            headers["Content-Range"] = f"bytes {part.offset}-{part.offset + part.length - 1}/{file.size}"
        status = 206 if part else 200
        if request.method == "HEAD":
            return Answer(status, headers)
        body = await self._bytes(admitted, file, part or ByteRange(0, file.size))
        headers["X-Request-Id"] = await self._record(request, route, admitted, file)
        return Answer(status, headers, body)

    def _find(self, admitted: Admitted, path: str) -> RepoFile:
        with self.database.read() as session:
            file = snapshots.file(session, admitted.snapshot.id, path)
        if file is None:
            commit = admitted.snapshot.commit
            raise EntryNotFound(f"{commit} has no file {path!a}", commit.sha)
        return file

    async def _bytes(self, admitted: Admitted, file: RepoFile, part: ByteRange) -> AsyncIterator[bytes]:
        """The bytes, with the first of them at hand, so that what goes wrong early is still told in words."""
        path = self.filler.store.find(file.blob)
        if path is not None:
            return read_file(path, part.offset, part.length)
        commit = admitted.snapshot.commit
        fill = self.filler.open(
            file.blob, file.size, fetch_from(self.upstream, commit, file), self.confirmer.of(commit, file)
        )
        if file.size == 0:
            await fill.wait()
        chunks = fill.read(part.offset, part.length)
        first = asyncio.ensure_future(anext(chunks, b""))
        await asyncio.wait({first}, timeout=_FIRST_BYTE_S)
        if first.done():
            first.result()
        return _after(first, chunks)

    async def _record(self, request: Request, route: ResolveFile, admitted: Admitted, file: RepoFile) -> str:
        event = AuditEvent(
            action=Action.DOWNLOAD,
            actor=request.caller.name,
            kind=route.repo.kind,
            repo=str(admitted.snapshot.commit.repo),
            revision=route.revision.text,
            commit=admitted.snapshot.commit.sha,
            path=file.path,
            blob=str(file.blob),
            outcome=admitted.ruling.outcome.value,
            decision=admitted.ruling.id,
            rules=",".join(admitted.ruling.rules) or None,
            address=request.address,
            user_agent=request.headers.get("user-agent"),
        )
        await asyncio.to_thread(record, self.database, event)
        return event.id


async def _after(first: asyncio.Future[bytes], chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield await first
    async for chunk in chunks:
        yield chunk


def _range_asked(request: Request, etag: str) -> str | None:
    """The range, unless it is asked of another version of the file (RFC 9110 section 13.1.5)."""
    if_range = request.headers.get("if-range")
    return request.headers.get("range") if if_range in {None, etag} else None


def _headers(admitted: Admitted, file: RepoFile) -> dict[str, str]:
    """What clients read of a file (hub-api section 2.4)."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.blob.hex}"',
        "X-Repo-Commit": admitted.snapshot.commit.sha,
        "Content-Disposition": _disposition(file.name),
        "X-Content-Type-Options": "nosniff",
        "Vary": "Authorization",
    }
    if file.in_lfs:
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(file.size)}
    return headers | _warning(admitted)


def _warning(admitted: Admitted) -> dict[str, str]:
    said = admitted.ruling.left_out_sentence(str(admitted.snapshot.commit.repo))
    return {"X-HF-Warning": header_text(f"curation {admitted.snapshot.commit.repo} left-out; {said}")} if said else {}


def _disposition(name: str) -> str:
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "_" for letter in name)
    return f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain}\";"
