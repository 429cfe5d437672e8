"""Pulls an address in several streams and throws the bytes away, at less cost than any server has.

    python -m benchmarks.reader URL [--streams 8] [--range-bytes 10485760 --total 2147483648] [--token T]

On plain HTTP the kernel drops the bytes without copying them (tcp(7), MSG_TRUNC). Redirects are followed. Prints one
JSON object for each stream; a process of its own, so that its CPU is nobody else's.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

_BUFFER_BYTES = 1 << 20
_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Stream:
    """What one stream saw; seconds of the system's monotonic clock, which all processes share."""

    began: float
    first_byte: float
    ended: float
    size: int
    error: str = ""


@dataclass(frozen=True)
class Reading:
    """What all streams of one pull saw."""

    streams: tuple[Stream, ...]

    @property
    def seconds(self) -> float:
        return max(one.ended for one in self.streams) - min(one.began for one in self.streams)

    @property
    def slowest_s(self) -> float:
        """Of the streams, each from its own start."""
        return max(one.ended - one.began for one in self.streams)

    @property
    def first_byte_s(self) -> float:
        """Of the stream that waited longest for it."""
        return max(one.first_byte - one.began for one in self.streams)

    @property
    def size(self) -> int:
        return sum(one.size for one in self.streams)


class Connection:
    """Keep-alive connections, one for each origin."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._sockets: dict[str, socket.socket] = {}
        self._buffer = bytearray(_BUFFER_BYTES)

    def get(self, url: str, byte_range: str | None) -> tuple[float, int]:
        """When the first byte of the body came, and how many there were."""
        for _ in range(6):
            parts = urlsplit(url)
            sock = self._socket(parts.scheme, parts.netloc)
            sock.sendall(self._request(parts.netloc, f"{parts.path}?{parts.query}".rstrip("?"), byte_range))
            status, headers, rest = self._head(sock)
            length = int(headers.get("content-length", -1))
            if status in {301, 302, 303, 307, 308}:
                self._discard(sock, max(length, 0) - len(rest), None)
                url = urljoin(url, headers["location"])
                continue
            if status not in {200, 206}:
                raise OSError(f"{url} answers {status}: {headers.get('x-error-message', '')}")
            if byte_range and status == 200:
                raise OSError(f"{url} does not serve ranges")
            if length < 0:
                raise OSError(f"{url} does not say how long its answer is")
            first = time.monotonic() if rest else None
            left = length - len(rest)
            return self._discard(sock, left, first), length
        raise OSError(f"{url} redirects without an end")

    def _socket(self, scheme: str, netloc: str) -> socket.socket:
        if netloc not in self._sockets:
            host, _, port = netloc.partition(":")
            sock = socket.create_connection((host, int(port or 80)), _TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                # The certificate was made a moment ago by the benchmark itself.
                context = ssl._create_unverified_context()  # noqa: SLF001
                sock = context.wrap_socket(sock, server_hostname=host)
            self._sockets[netloc] = sock
        return self._sockets[netloc]

    def _request(self, host: str, path: str, byte_range: str | None) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
        lines += [f"Range: bytes={byte_range}"] if byte_range else []
        lines += [f"Authorization: Bearer {self._token}"] if self._token else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _head(self, sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(4096)
            if not more:
                raise OSError("the server hung up before it answered")
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, rest

    def _discard(self, sock: socket.socket, left: int, first: float | None) -> float:
        flags = 0 if isinstance(sock, ssl.SSLSocket) else socket.MSG_TRUNC
        while left > 0:
            got = sock.recv_into(self._buffer, min(left, _BUFFER_BYTES), flags)
            if not got:
                raise OSError(f"the server hung up {left} bytes before the end")
            first = first or time.monotonic()
            left -= got
        return first or time.monotonic()


def read(
    url: str,
    *,
    streams: int = 1,
    range_bytes: int | None = None,
    total: int | None = None,
    token: str | None = None,
) -> Reading:
    """Pull in a process of its own; `total` bytes a stream in ranges of `range_bytes`, or the whole each."""
    command = [sys.executable, "-m", "benchmarks.reader", url, "--streams", str(streams)]
    command += ["--range-bytes", str(range_bytes), "--total", str(total)] if range_bytes else []
    command += ["--token", token] if token else []
    root = Path(__file__).parents[1]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    found = tuple(Stream(**json.loads(line)) for line in out.splitlines())
    for stream in found:
        if stream.error:
            raise RuntimeError(f"the pull of {url} failed: {stream.error}")
    return Reading(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reader", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--range-bytes", type=int)
    parser.add_argument("--total", type=int, help="bytes that each stream reads in ranges")
    parser.add_argument("--token")
    given = parser.parse_args()
    ranges: list[str | None] = [None]
    if given.range_bytes:
        starts = range(0, given.total, given.range_bytes)
        ranges = [f"{start}-{min(start + given.range_bytes, given.total) - 1}" for start in starts]
    found: list[Stream] = []

    def pull(number: int) -> None:
        connection = Connection(given.token)
        # Each stream begins elsewhere in the file, as clients that were not started together do.
        turn = number * len(ranges) // given.streams
        began = time.monotonic()
        first, got, error = 0.0, 0, ""
        try:
            for byte_range in ranges[turn:] + ranges[:turn]:
                came, count = connection.get(given.url, byte_range)
                first, got = first or came, got + count
        except OSError as why:
            error = str(why)
        found.append(Stream(began, first, time.monotonic(), got, error))

    threads = [threading.Thread(target=pull, args=(number,)) for number in range(given.streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stream in found:
        print(json.dumps(asdict(stream)))


if __name__ == "__main__":
    main()
