"""Clients that go away in the middle, and processes that are killed at any moment: no wrong byte, no lost row."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled
from tests.contract.repositories import MINILM

WEIGHTS = f"/{MINILM}/resolve/main/model.safetensors"
SIZE = 90_868_376
ROUNDS = int(os.environ.get("CURATOR_KILL_ROUNDS", "15"))
"""How often something is killed; the hundred rounds of a release are CURATOR_KILL_ROUNDS=100."""


def vanish(mirror: MirrorProcess, after_bytes: int) -> None:
    """A client that reads so much and goes."""
    url = urlsplit(mirror.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(f"GET {WEIGHTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        left = after_bytes
        while left > 0:
            left -= len(connection.recv(min(left, 1 << 20))) or left


def open_files(mirror: MirrorProcess) -> set[str]:
    folder = Path(f"/proc/{mirror.pid}/fd")
    found = set()
    for fd in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(fd.readlink()))
    return {name for name in found if "/blobs/" in name}


def test_a_client_that_goes_away_leaves_the_file_for_the_next(own_hub: FixtureHub, own_mirror: MirrorProcess) -> None:
    assert settled(own_mirror.url, f"/api/models/{MINILM}").status == 200
    mark = own_hub.mark()
    vanish(own_mirror, 3_000_000)
    reply = ask(own_mirror.url, WEIGHTS)
    assert len(reply.body) == SIZE
    assert len(own_hub.requests("cdn", since=mark)) == 1
    for after_bytes in (1, 100_000, 20_000_000, 80_000_000):
        vanish(own_mirror, after_bytes)
    deadline = time.monotonic() + 20
    while open_files(own_mirror) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not open_files(own_mirror)
    assert hashlib.sha256(ask(own_mirror.url, WEIGHTS).body).digest() == hashlib.sha256(reply.body).digest()


def test_eight_clients_of_two_processes_are_one_fetch(own_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_SERVER_PROCESSES": "2"}) as mirror:
        assert settled(mirror.url, f"/api/models/{MINILM}").status == 200
        mark = own_hub.mark()
        with ThreadPoolExecutor(8) as pool:
            digests = set(pool.map(lambda _: hashlib.sha256(ask(mirror.url, WEIGHTS).body).hexdigest(), range(8)))
        assert len(digests) == 1
        assert len(own_hub.requests("cdn", since=mark)) == 1


class Puller:
    """A client that goes on where it was when its connection breaks, as curl and wget do."""

    def __init__(self, mirror: MirrorProcess) -> None:
        self.mirror = mirror
        self.request_ids: set[str] = set()

    def pull(self) -> str:
        """The SHA-256 of what it got in the end."""
        body = bytearray()
        deadline = time.monotonic() + 150
        while len(body) < SIZE:
            assert time.monotonic() < deadline, f"after {len(body)} bytes"
            try:
                self._go_on(body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        assert len(body) == SIZE
        return hashlib.sha256(body).hexdigest()

    def _go_on(self, body: bytearray) -> None:
        url = urlsplit(self.mirror.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", WEIGHTS, headers={"Range": f"bytes={len(body)}-"} if body else {})
            answer = connection.getresponse()
            if answer.status not in {200, 206}:
                raise http.client.HTTPException(answer.status)
            assert (answer.status == 206) == bool(body)
            self.request_ids.add(answer.headers["X-Request-Id"])
            while chunk := answer.read(1 << 20):
                body += chunk


def victims(mirror: MirrorProcess) -> list[int]:
    """The processes of a mirror that may be killed alone: its worker, its second server."""
    return [pid for pid, command in mirror.processes().items() if "curator.cli" in command]


@pytest.mark.timeout(120 + 12 * ROUNDS)
def test_whatever_is_killed_no_wrong_byte_is_served_and_no_row_is_lost(own_hub: FixtureHub, tmp_path: Path) -> None:
    chance = random.Random(20261125)
    mirror = MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_SERVER_PROCESSES": "2"})
    mirror.start()
    puller = Puller(mirror)
    try:
        right = puller.pull()
        for _ in range(ROUNDS):
            for blob in (mirror.data / "blobs" / "sha256").rglob("*"):
                if blob.is_file() and blob.stat().st_size == SIZE:
                    blob.unlink()
            with ThreadPoolExecutor(2) as pool:
                pulls = [pool.submit(puller.pull) for _ in range(2)]
                time.sleep(chance.random() * 0.6)
                alone = victims(mirror)
                if alone and chance.random() < 0.8:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(chance.choice(alone), signal.SIGKILL)
                else:
                    mirror.kill()
                    mirror.start()
                assert {pull.result() for pull in pulls} == {right}
        with sqlite3.connect(mirror.data / "curator.db") as connection:
            recorded = {row[0] for row in connection.execute("SELECT id FROM audit WHERE action = 'download'")}
        assert puller.request_ids <= recorded
        assert len(puller.request_ids) >= 2 * ROUNDS + 1
    finally:
        mirror.stop()
