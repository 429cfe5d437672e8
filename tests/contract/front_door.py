"""A reverse proxy as a bank has one in front of the mirror: it takes a path prefix off, and otherwise changes nothing.

It writes down what clients ask, and breaks a connection on demand, so that tests see what a client does then.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 64 << 10
_DRIPS, _DRIP_S = 2, 5.0


@dataclass(frozen=True)
class Asked:
    """One request as a client sent it, without the prefix; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class FrontDoor:
    """Listens on a free port for `{url}/...` and passes it on; a context manager."""

    def __init__(self, prefix: str) -> None:
        self.url = ""
        self.origin = ""
        self.target = ""
        """The mirror behind it; may be named after the start."""
        self.requests: list[Asked] = []
        self.strayed: list[str] = []
        """What was asked of it that is not the mirror's: a path outside the prefix, or another host's address."""
        self._prefix = prefix
        self._cuts: dict[str, int] = {}
        self._dripping: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def cut_once(self, path_end: str, after_bytes: int) -> None:
        """Break the next answer to a GET of such a path after so many bytes."""
        self._cuts[path_end] = after_bytes

    def forget(self) -> None:
        """Begin anew, with nothing asked and nothing to be broken."""
        self.requests.clear()
        self.strayed.clear()
        self._cuts.clear()

    @contextlib.contextmanager
    def dripping(self, path_end: str) -> Iterator[None]:
        """Let answers to a GET of such a path begin as slowly as the mirror's may while a file is looked at again."""
        self._dripping = path_end
        try:
            yield
        finally:
            self._dripping = None

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._answer, "127.0.0.1", 0), self._loop
        ).result()
        self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.url = self.origin + self._prefix
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")[:-2]
            method, path, version = line.split(" ")
            if not path.startswith(f"{self._prefix}/"):
                self.strayed.append(f"{method} {path}")
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                path = path.removeprefix(self._prefix)
                headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
                self.requests.append(Asked(method, path, headers))
                passed_on = [field for field in fields if not field.lower().startswith("connection:")]
                lines = [f"{method} {path} {version}", *passed_on, "Connection: close", "", ""]
                drips = method == "GET" and path.partition("?")[0].endswith(self._dripping or "\0")
                sent_on = "\r\n".join(lines).encode("latin-1")
                await self._pass_on(sent_on, self._cut_of(method, path), drips, reader, writer)
            await writer.drain()
        writer.close()

    async def _pass_on(
        self, head: bytes, cut: int | None, drips: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        mirror = urlsplit(self.target)
        inner_reader, inner_writer = await asyncio.open_connection(mirror.hostname, mirror.port)
        inner_writer.write(head)
        sending = asyncio.create_task(_copy(reader, inner_writer))
        sent = 0
        try:
            if drips:
                writer.write(await inner_reader.readuntil(b"\r\n\r\n"))
                for _ in range(_DRIPS):
                    writer.write(await inner_reader.readexactly(1))
                    await writer.drain()
                    await asyncio.sleep(_DRIP_S)
            while chunk := await inner_reader.read(_CHUNK):
                if cut is not None and sent + len(chunk) > cut:
                    writer.write(chunk[: cut - sent])
                    await writer.drain()
                    # What was written still leaves; then the client sees the end where more was promised.
                    break
                writer.write(chunk)
                await writer.drain()
                sent += len(chunk)
        finally:
            sending.cancel()
            inner_writer.close()

    def _cut_of(self, method: str, path: str) -> int | None:
        for path_end in self._cuts if method == "GET" else ():
            if path.partition("?")[0].endswith(path_end):
                return self._cuts.pop(path_end)
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
