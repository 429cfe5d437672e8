"""Clients that go away in the middle, and processes that are killed at any moment: no wrong byte, no lost row."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled
from tests.faults.weights import LARGE, SIZE, hub_with_large

INFO = f"/api/models/{LARGE}"
WEIGHTS = f"/{LARGE}/resolve/main/model.safetensors"
ROUNDS = int(os.environ.get("CURATOR_KILL_ROUNDS", "8"))
"""How often something is killed; the hundred rounds of a release are CURATOR_KILL_ROUNDS=100."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixtureHub]:
    with hub_with_large(tmp_path_factory.mktemp("large")) as hub:
        yield hub


@pytest.fixture(scope="module")
def judged(large: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror of two processes that has judged the model."""
    data = tmp_path_factory.mktemp("two") / "data"
    with MirrorProcess(data, large.url, {"CURATOR_SERVER_PROCESSES": "2"}) as mirror:
        assert settled(mirror.url, INFO).status == 200
        yield mirror


@pytest.fixture
def two(judged: MirrorProcess) -> MirrorProcess:
    """The same, which has none of the weights."""
    forget_weights(judged)
    return judged


def forget_weights(mirror: MirrorProcess) -> None:
    for blob in (mirror.data / "blobs" / "sha256").rglob("*"):
        if blob.is_file() and blob.stat().st_size == SIZE:
            blob.unlink()


def vanish(mirror: MirrorProcess, after_bytes: int) -> None:
    """A client that reads so much and goes."""
    url = urlsplit(mirror.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(f"GET {WEIGHTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        left = after_bytes
        while left > 0:
            left -= len(connection.recv(min(left, 1 << 20))) or left


def open_files(mirror: MirrorProcess) -> set[str]:
    found = set()
    for pid in (mirror.pid, *victims(mirror)):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.add(str(fd.readlink()))
    return {name for name in found if "/blobs/" in name}


def test_a_client_that_goes_away_leaves_the_file_for_the_next(large: FixtureHub, two: MirrorProcess) -> None:
    mark = large.mark()
    vanish(two, 3_000_000)
    reply = ask(two.url, WEIGHTS)
    assert len(reply.body) == SIZE
    assert len(large.requests("cdn", since=mark)) == 1
    for after_bytes in (1, 100_000, 3_000_000, 10_000_000):
        vanish(two, after_bytes)
    deadline = time.monotonic() + 60
    while open_files(two) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not open_files(two)
    assert ask(two.url, WEIGHTS).body == reply.body


def test_eight_clients_of_two_processes_are_one_fetch(large: FixtureHub, two: MirrorProcess) -> None:
    mark = large.mark()
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: hashlib.sha256(ask(two.url, WEIGHTS).body).hexdigest(), range(8)))
    assert len(digests) == 1
    assert len(large.requests("cdn", since=mark)) == 1


def test_a_cold_download_that_is_under_way_when_its_publisher_is_blocked_ends_and_its_continuation_is_refused(
    large: FixtureHub, two: MirrorProcess
) -> None:
    repo = large.copy(LARGE, owner="soon-blocked")
    weights = f"/{repo}/resolve/main/model.safetensors"
    assert settled(two.url, f"/api/models/{repo}").status == 200
    mark = large.mark()
    headers = {"Authorization": f"Bearer {two.admin_token}", "Content-Type": "application/json"}
    body = json.dumps({"effect": "block", "targets": ["soon-blocked/*"], "reason": "advisory 10"}).encode()
    with large.failing({"origin": "cdn", "bytes_per_s": 1_200_000}), ThreadPoolExecutor(1) as pool:
        download = pool.submit(ask, two.url, weights)
        while not large.requests("cdn", since=mark):
            assert not download.done()
            time.sleep(0.02)
        assert ask(two.url, "/api/curator/v1/lists", "POST", headers, body).status == 201
        assert not download.done(), "it is on its way"
        for asked in ({}, {"Range": "bytes=1000-"}):
            reply = settled(two.url, weights, headers=asked)
            assert reply.status == 403
            assert "advisory 10" in reply.headers["x-error-message"]
        assert len(download.result().body) == SIZE
    assert settled(two.url, weights).status == 403, "although it is all there by now"


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
def test_whatever_is_killed_no_wrong_byte_is_served_and_no_row_is_lost(large: FixtureHub, two: MirrorProcess) -> None:
    chance = random.Random(20261125)
    puller = Puller(two)
    right = puller.pull()
    # Slowly, so that what is killed is killed in the middle of it.
    with large.failing({"origin": "cdn", "bytes_per_s": 8_000_000}):
        for _ in range(ROUNDS):
            forget_weights(two)
            with ThreadPoolExecutor(2) as pool:
                pulls = [pool.submit(puller.pull) for _ in range(2)]
                time.sleep(chance.random() * 0.6)
                alone = victims(two)
                if alone and chance.random() < 0.8:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(chance.choice(alone), signal.SIGKILL)
                else:
                    two.kill()
                    two.start()
                assert {pull.result() for pull in pulls} == {right}
    with sqlite3.connect(two.data / "curator.db") as connection:
        recorded = {row[0] for row in connection.execute("SELECT id FROM audit WHERE action = 'download'")}
    assert puller.request_ids <= recorded
    assert len(puller.request_ids) >= 2 * ROUNDS + 1
