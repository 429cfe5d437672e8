"""An upstream with the limits of a real one: latency of each request, bytes a second of each connection and in total.

    python -m benchmarks.capped --subject subject.json [--latency-ms 50] [--connection-mb-s 60] [--total-mb-s 400]

It speaks the Hub's API for one repository: info, tree, commits, refs, paths-info, its owner's page, and `resolve`,
which redirects a file in LFS to a second origin, as the Hub does. Each connection has a thread; file bytes leave by
sendfile, so that without limits it costs about what nginx does. Says on its first line where it listens.
`GET /_bench/traffic` tells what was asked and sent so far, `DELETE` forgets it.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.subject import REPO, Subject
from fixtures.hub import accounts, documents
from fixtures.hub.repository import HubFile, HubRepo

_CAPPED_CHUNK_BYTES = 256 << 10
_FREE_CHUNK_BYTES = 16 << 20
_FORGIVEN_S = 0.01


class TokenBucket:
    """Lets `rate` bytes a second through; what a late sleeper missed it may catch up, up to 10 ms of it."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._due = 0.0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Wait until these bytes may go."""
        if self._rate is None:
            return
        with self._lock:
            self._due = max(self._due, time.monotonic() - _FORGIVEN_S) + count / self._rate
            pause = self._due - time.monotonic()
        if pause > 0:
            time.sleep(pause)


@dataclass
class Traffic:
    """What was asked and sent so far."""

    hub_requests: int = 0
    cdn_requests: int = 0
    hub_bytes: int = 0
    cdn_bytes: int = 0


@dataclass
class CappedHub:
    """The repository, the limits and the traffic, shared by both origins."""

    repo: HubRepo
    latency_s: float
    connection_bytes_s: float | None
    total: TokenBucket
    cdn_url: str = ""
    traffic: Traffic = field(default_factory=Traffic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def chunk_bytes(self) -> int:
        capped = self.connection_bytes_s is not None or self.total is not _UNLIMITED
        return _CAPPED_CHUNK_BYTES if capped else _FREE_CHUNK_BYTES

    def count(self, name: str, number: int) -> None:
        with self.lock:
            setattr(self.traffic, name, getattr(self.traffic, name) + number)


_UNLIMITED = TokenBucket(None)


class _Origin(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, hub: CappedHub, *given: Any) -> None:
        self.hub = hub
        self.bucket = TokenBucket(hub.connection_bytes_s)
        super().__init__(*given)

    def log_message(self, *_: Any) -> None:
        """Its log is `/_bench/traffic`."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            # Clients vanish in the middle of an answer, and measuring goes on.
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        raise NotImplementedError

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self._head(status, len(body), headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)
            self.hub.count("hub_bytes", len(body))

    def answer_json(self, document: Any) -> None:
        self.answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def answer_file(self, file: HubFile, headers: dict[str, str]) -> None:
        first, last = self._range(file.size)
        status = 200 if "Range" not in self.headers else 206
        if status == 206:
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{file.size}"}
        self._head(status, last - first + 1, headers)
        if self.command == "HEAD":
            return
        assert isinstance(file.source, Path)
        with file.source.open("rb") as source:
            while first <= last:
                count = min(self.hub.chunk_bytes, last - first + 1)
                self.hub.total.take(count)
                self.bucket.take(count)
                sent = os.sendfile(self.connection.fileno(), source.fileno(), first, count)
                self.hub.count("cdn_bytes", sent)
                first += sent

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Accept-Ranges": "bytes", **headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def _range(self, size: int) -> tuple[int, int]:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        return int(first), min(int(last), size - 1) if last else size - 1


class _Cdn(_Handler):
    def do_GET(self) -> None:
        self.hub.count("cdn_requests", 1)
        time.sleep(self.hub.latency_s)
        sha256 = urlsplit(self.path).path.strip("/")
        for file in self.hub.repo.commits[0].files.values():
            if file.lfs_sha256 == sha256:
                return self.answer_file(file, {"ETag": f'"{sha256}"', "Content-Type": "application/octet-stream"})
        return self.answer(404)


class _Hub(_Handler):
    def do_DELETE(self) -> None:
        with self.hub.lock:
            self.hub.traffic = Traffic()
        self.answer(200)

    def do_POST(self) -> None:
        """paths-info alone."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.count("hub_requests", 1)
        time.sleep(self.hub.latency_s)
        as_json = "json" in self.headers.get("Content-Type", "")
        paths = json.loads(body)["paths"] if as_json else parse_qs(body.decode()).get("paths", [])
        commit = self.hub.repo.commits[0]
        entries = [
            documents.entry(commit, path, expand=False) for path in ([paths] if isinstance(paths, str) else paths)
        ]
        self.answer_json([entry for entry in entries if entry is not None])

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/_bench/traffic":
            return self._tell()
        self.hub.count("hub_requests", 1)
        time.sleep(self.hub.latency_s)
        repo, commit = self.hub.repo, self.hub.repo.commits[0]
        namespace, name = REPO.split("/")
        match [unquote(part) for part in url.path.split("/")[1:]]:
            case ["api", "models", one, two, *rest] if (one, two) == (namespace, name):
                blobs = "blobs=true" in url.query.lower()
                security = "securitystatus=true" in url.query.lower()
                match rest:
                    case [] | ["revision", _]:
                        return self.answer_json(documents.info(repo, commit, blobs=blobs, security=security))
                    case ["refs"]:
                        return self.answer_json(documents.refs(repo, pulls=False))
                    case ["tree", _]:
                        entries = [documents.entry(commit, path, expand=False) for path in sorted(commit.files)]
                        return self.answer_json(entries)
                    case ["commits", _]:
                        return self.answer_json([{"id": commit.sha, "title": commit.title, "date": commit.date}])
            case ["api", "organizations", owner, "overview"] if owner == namespace:
                return self.answer_json(accounts.overview(owner, "org", {"type": "org"}, 1))
            case [one, two, "resolve", _, *path] if (one, two) == (namespace, name):
                return self._resolve("/".join(path))
        return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})

    def _resolve(self, path: str) -> None:
        commit = self.hub.repo.commits[0]
        file = commit.files.get(path)
        if file is None:
            return self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit.sha})
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"'}
        if file.lfs_sha256 is None:
            assert isinstance(file.source, bytes)
            return self.answer(200, file.source, headers)
        headers |= {"X-Linked-Size": str(file.size), "X-Linked-Etag": f'"{file.lfs_sha256}"'}
        return self.answer(302, b"", {**headers, "Location": f"{self.hub.cdn_url}/{file.lfs_sha256}"})

    def _tell(self) -> None:
        with self.hub.lock:
            body = json.dumps(asdict(self.hub.traffic)).encode()
        self._head(200, len(body), {})
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capped", description="An upstream with limits.")
    parser.add_argument("--subject", type=Path, required=True)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--connection-mb-s", type=float)
    parser.add_argument("--total-mb-s", type=float)
    given = parser.parse_args()
    hub = CappedHub(
        Subject.load(given.subject).hub_repo(),
        given.latency_ms / 1e3,
        given.connection_mb_s and given.connection_mb_s * 1e6,
        TokenBucket(given.total_mb_s * 1e6) if given.total_mb_s else _UNLIMITED,
    )
    cdn = _Origin(("127.0.0.1", 0), partial(_Cdn, hub))
    front = _Origin(("127.0.0.1", 0), partial(_Hub, hub))
    hub.cdn_url = f"http://127.0.0.1:{cdn.server_port}"
    threading.Thread(target=cdn.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{front.server_port}", "cdn": hub.cdn_url}), flush=True)
    front.serve_forever()


if __name__ == "__main__":
    main()
