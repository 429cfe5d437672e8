"""The bytes of a file: `resolve`, answered from metadata for HEAD and from the store for GET."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

from curator.admission import snapshots
from curator.admission.branches import FirstAnswers
from curator.admission.confirm import Confirmer
from curator.admission.gather import fetch_from
from curator.audit.journal import Journal
from curator.audit.record import Action, AuditEvent
from curator.database.engine import Database
from curator.errors import EntryNotFound
from curator.hub.admit import Admission, Admitted
from curator.hub.answer import Answer
from curator.hub.curation import admitted_headers
from curator.hub.ranges import ByteRange, Unsatisfiable, read_range
from curator.hub.request import Request
from curator.hub.routes import ResolveFile
from curator.store.fill import Filler, Span
from curator.types import RepoFile
from curator.upstream.client import Upstream

log = logging.getLogger(__name__)

# huggingface_hub gives up when no byte came for 10 s: the headers leave before.
_FIRST_BYTE_S = 7.0
_PULL_S = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that may be served, with what every answer about it says."""

    route: ResolveFile
    admitted: Admitted
    file: RepoFile
    headers: dict[str, str]
    path: Path | None
    """Where its bytes are, proved; None while they are not here."""


@dataclass(frozen=True, slots=True)
class Files:
    """Serves the files of commits that may be served."""

    database: Database
    journal: Journal
    admission: Admission
    upstream: Upstream
    filler: Filler
    confirmer: Confirmer
    pulls: FirstAnswers[str] = field(default_factory=lambda: FirstAnswers(_PULL_S))

    async def answer(self, request: Request, route: ResolveFile) -> Answer:
        admitted, file = await self.admitted(request, route)
        path = await asyncio.to_thread(self.filler.store.find, file.blob)
        if path is not None and request.method == "GET":
            # It may have come under another name, and then it was not judged as a whole under this one.
            await self.confirmer.of(admitted.snapshot.commit, file).confirm(path)
        return await self._serve(request, Ready(route, admitted, file, _headers(admitted, file), path))

    async def _serve(self, request: Request, ready: Ready) -> Answer:
        file, headers = ready.file, dict(ready.headers)
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
        lasting = self.admission.lasting(ready.route.repo, ready.route.revision, ready.admitted)
        if request.method == "HEAD":
            return Answer(status, headers, lasting=lasting)
        body = await self._bytes(ready, part or ByteRange(0, file.size))
        headers["X-Request-Id"], first = await self._recorded(request, ready, in_parts=part is not None)
        again = partial(self._again, ready) if ready.path is not None else None
        return Answer(status, headers, body, lasting if again else None, again, quiet=not first)

    async def _recorded(self, request: Request, ready: Ready, *, in_parts: bool) -> tuple[str, bool]:
        """The id of the row in the record that says that this caller is given this file; and whether it is new. It is
        on the disk.

        A file that is fetched in parts, which may be thousands, is one pull: one row says so for a while.
        """
        caller = request.caller
        pull = (
            caller.token_id or request.address,
            request.headers.get("user-agent"),
            ready.admitted.ruling.id,
            ready.route,
        )
        known = self.pulls.get(pull, time.monotonic()) if in_parts else None
        if known is not None:
            return known, False
        event = _download(request, ready)
        await self.journal.record(event)
        if in_parts:
            self.pulls.keep(pull, event.id, time.monotonic())
        return event.id, True

    async def _again(self, ready: Ready, request: Request) -> Answer:
        return await self._serve(request, ready)

    async def admitted(self, request: Request, route: ResolveFile) -> tuple[Admitted, RepoFile]:
        """A file that may be had, and the decision that says so. Raises `Refused`, and `EntryNotFound`."""
        admitted = await self.admission.admit(request, route.repo, route.revision, route.path)
        if route.path in admitted.ruling.excluded:
            raise await self.admission.left_out(request, route.repo, route.revision, admitted, route.path)
        return admitted, await asyncio.to_thread(self._find, admitted, route.path)

    def _find(self, admitted: Admitted, path: str) -> RepoFile:
        with self.database.read() as session:
            file = snapshots.file(session, admitted.snapshot.id, path)
        if file is None:
            commit = admitted.snapshot.commit
            raise EntryNotFound(f"{commit} has no file {path!a}", commit.sha)
        return file

    async def _bytes(self, ready: Ready, part: ByteRange) -> AsyncIterator[Span]:
        """The bytes, with the first of them at hand, so that what goes wrong early is still told in words."""
        if ready.path is not None:
            # It was found a moment ago; if it was taken out of the store since then, it is fetched again.
            with contextlib.suppress(FileNotFoundError):
                return _stored(io.FileIO(ready.path), part)
        commit, file = ready.admitted.snapshot.commit, ready.file
        fill = self.filler.open(
            file.blob, file.size, fetch_from(self.upstream, commit, file), self.confirmer.of(commit, file)
        )
        if file.size == 0:
            await fill.wait()
        spans = fill.read(part.offset, part.length)
        first = asyncio.ensure_future(anext(spans, None))
        await asyncio.wait({first}, timeout=_FIRST_BYTE_S)
        if first.done():
            first.result()
        return _after(first, spans)


async def _stored(file: io.FileIO, part: ByteRange) -> AsyncIterator[Span]:
    with file:
        if part.length:
            yield Span(file.fileno(), part.offset, part.length)


async def _after(first: asyncio.Future[Span | None], spans: AsyncIterator[Span]) -> AsyncIterator[Span]:
    try:
        span = await first
        while span is not None:
            yield span
            span = await anext(spans, None)
    finally:
        first.cancel()
        await asyncio.wait({first})
        if isinstance(spans, AsyncGenerator):
            await spans.aclose()


def _download(request: Request, ready: Ready) -> AuditEvent:
    admitted, route = ready.admitted, ready.route
    return AuditEvent(
        action=Action.DOWNLOAD,
        **request.who,
        kind=route.repo.kind,
        repo=str(admitted.snapshot.commit.repo),
        revision=route.revision.text,
        commit=admitted.snapshot.commit.sha,
        path=ready.file.path,
        blob=str(ready.file.blob),
        size=ready.file.size,
        outcome=admitted.ruling.outcome.value,
        decision=admitted.ruling.id,
        rules=",".join(admitted.ruling.rules) or None,
    )


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
        "Content-Disposition": _disposition(file.name),
        "X-Content-Type-Options": "nosniff",
    }
    if file.in_lfs:
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(file.size)}
    return headers | admitted_headers(admitted)


def _disposition(name: str) -> str:
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "_" for letter in name)
    return f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain}\";"
