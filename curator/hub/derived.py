"""What the Hub makes out of a file's bytes: the text of an LFS pointer, the headers of safetensors shards.

It says something of the content, and so it is given under the decision that opens the content itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.errors import BadInput, NotServed
from curator.hub.admit import Admitted
from curator.hub.answer import Answer, json_answer
from curator.hub.curation import admitted_headers
from curator.hub.files import Files
from curator.hub.request import Request
from curator.hub.routes import RawFile, ResolveFile, SafetensorsMetadata
from curator.types import RepoFile, Revision, parse_path

_MOST_INDEX_BYTES = 32 << 20
_MOST_HEADER_BYTES = 32 << 20
_MOST_HEADERS_BYTES = 64 << 20
_MOST_SHARDS = 2_000
_AT_ONCE = 8
_FIRST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Derived:
    """Answers under the same decision as `resolve`."""

    files: Files

    async def raw(self, request: Request, route: RawFile) -> Answer:
        resolve = ResolveFile(route.repo, route.revision, route.path)
        admitted, file = await self.files.admitted(request, resolve)
        if not file.in_lfs:
            return await self.files.answer(request, resolve)
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "ETag": f'"{file.oid}"',
            "X-Content-Type-Options": "nosniff",
            **admitted_headers(admitted),
        }
        return Answer(200, headers, pointer_of(file))

    async def safetensors(self, request: Request, route: SafetensorsMetadata) -> Answer:
        """The headers of the shards of `main`, as `get_sharded_safetensors_metadata` reads them."""
        asked = ResolveFile(route.repo, Revision("main"), route.path)
        admitted, file = await self.files.admitted(request, asked)
        if file.size > _MOST_INDEX_BYTES:
            raise BadInput(f"{file.path} is too long for an index of shards")
        index = _object(await self._read(admitted, file, 0, file.size), file.path)
        weights = index.get("weight_map")
        if not isinstance(weights, dict):
            raise BadInput(f"{file.path} is no index of safetensors shards: it has no weight_map")
        commit = Revision(admitted.snapshot.commit.sha)
        folder = file.path.rpartition("/")[0]
        names = sorted({str(name) for name in weights.values()})
        if len(names) > _MOST_SHARDS:
            raise BadInput(f"{file.path} names more than {_MOST_SHARDS} shards")
        shards = []
        for name in names:
            path = parse_path(f"{folder}/{name}" if folder else name)
            shards.append((await self.files.admitted(request, ResolveFile(asked.repo, commit, path)))[1])
        headers: list[dict[str, Any]] = []
        left = _MOST_HEADERS_BYTES
        for at in range(0, len(shards), _AT_ONCE):
            read = await asyncio.gather(*(self._header(admitted, shard) for shard in shards[at : at + _AT_ONCE]))
            left -= sum(len(header) for header in read)
            if left < 0:
                raise BadInput(f"The headers that {file.path} leads to are longer than {_MOST_HEADERS_BYTES} bytes")
            headers += [_object(header, file.path) for header in read]
        document = {
            "headers": dict(zip(names, headers, strict=True)),
            "index": {key: value for key, value in index.items() if key != "weight_map"},
        }
        return json_answer(document, headers=admitted_headers(admitted))

    async def _header(self, admitted: Admitted, file: RepoFile) -> bytes:
        """The JSON at the start of a safetensors file: eight bytes of its length, then itself."""
        start = await self._read(admitted, file, 0, min(_FIRST_BYTES, file.size))
        length = int.from_bytes(start[:8], "little")
        if len(start) < 8 or length > min(file.size - 8, _MOST_HEADER_BYTES):
            raise BadInput(f"{file.path} is no safetensors file: its header has no possible length")
        if len(start) < 8 + length:
            start += await self._read(admitted, file, len(start), 8 + length - len(start))
        return start[8 : 8 + length]

    async def _read(self, admitted: Admitted, file: RepoFile, offset: int, length: int) -> bytes:
        """From the store, or as much as is asked for from the upstream; not the whole of many gigabytes."""
        path = await asyncio.to_thread(self.files.filler.store.find, file.blob)
        if path is not None:
            return await asyncio.to_thread(_part, path, offset, length)
        return await self.files.upstream.read(admitted.snapshot.commit, file.path, offset, length)


def pointer_of(file: RepoFile) -> bytes:
    """The text that git has in the place of a file in LFS (git-lfs specification, "The Pointer").

    Raises `NotServed` when it is not the one that the commit names: some old pointers were written in other words.
    """
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{file.blob.hex}\nsize {file.size}\n".encode()
    oid = hashlib.sha1(b"blob %d\0" % len(text) + text, usedforsecurity=False).hexdigest()
    if len(text) != file.pointer_size or oid != file.oid:
        raise NotServed(f"The LFS pointer of {file.path} has not the usual form: ask for the file at `resolve`")
    return text


def _part(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _object(content: bytes, path: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadInput(f"{path} does not hold the JSON that it should")
    return document
