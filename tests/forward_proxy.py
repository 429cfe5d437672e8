"""A forward proxy as companies have one, in a real process: CONNECT, and GET of a whole address; it keeps a log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]


class ForwardProxy:
    """Starts it on a free port; a context manager. `names` are hosts that it alone can find, and where they are."""

    def __init__(self, log: Path, names: dict[str, str] | None = None) -> None:
        self.url = ""
        self._log = log
        self._names = names or {}
        self._process: subprocess.Popen[str] | None = None

    def asked(self) -> list[str]:
        """Each request's method and target, in order."""
        return self._log.read_text().splitlines()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.forward_proxy", str(self._log), json.dumps(self._names)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)


async def _serve(log: Path, names: dict[str, str]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _pass_on(reader, writer, log, names)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Path, names: dict[str, str]
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    with log.open("a") as out:
        out.write(f"{method} {target}\n")
    url = urlsplit(f"//{target}" if method == "CONNECT" else target)
    place = urlsplit(names.get(url.hostname or "", f"//{url.netloc}"))
    there, onward = await asyncio.open_connection(place.hostname, place.port or 80)
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        # One request a connection is enough for a test.
        path = target.split("/", 3)[3]
        lines = [line for line in head.split(b"\r\n")[1:] if line and not line.lower().startswith(b"connection:")]
        onward.write(b"\r\n".join([f"GET /{path} HTTP/1.1".encode(), b"Connection: close", *lines, b"", b""]))
    await asyncio.gather(_pump(reader, onward), _pump(there, writer), return_exceptions=True)
    onward.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


if __name__ == "__main__":
    log = Path(sys.argv[1])
    log.touch()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(log, json.loads(sys.argv[2])))
