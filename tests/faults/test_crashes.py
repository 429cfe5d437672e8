"""Processes that die, disks that are full, callers that are not known: nothing is lost, nothing unjudged gets out."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import ask, settled

SMALL = "acme-research/tiny-bert"


def rows(mirror: MirrorProcess, query: str, *values: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        return connection.execute(query, values).fetchall()


def info(repo: str) -> str:
    return f"/api/models/{repo}"


@pytest.fixture(scope="module")
def sturdy_hub() -> Iterator[FixtureHub]:
    with FixtureHub() as hub:
        yield hub


@pytest.fixture(scope="module")
def sturdy(sturdy_hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror whose processes are killed, each test with a repository of its own; it runs again at the end of each."""
    data = tmp_path_factory.mktemp("sturdy") / "data"
    with MirrorProcess(data, sturdy_hub.url, {"CURATOR_LEASE_S": "2"}) as mirror:
        yield mirror


def killed_while(mirror: MirrorProcess, repo: str, task: str) -> int:
    """The worker that was killed while it did this for a commit of the repository, which was judged all the same."""
    running = "SELECT id FROM work WHERE state = 'running' AND task = ?"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(settled, mirror.url, info(repo))
        while not rows(mirror, running, task):
            assert not asked.done()
            time.sleep(0.01)
        (worker,) = mirror.worker_pids()
        os.kill(worker, signal.SIGKILL)
        assert asked.result().status == 200
    return worker


def test_a_killed_worker_is_started_again_and_its_work_is_done(sturdy_hub: FixtureHub, sturdy: MirrorProcess) -> None:
    repo = sturdy_hub.copy(SMALL)
    with sturdy_hub.failing({"path": f"/api/models/{repo}/tree/*", "delay_s": 8, "times": 1}):
        worker = killed_while(sturdy, repo, "curator.list")
    (successor,) = sturdy.worker_pids()
    assert successor != worker


def test_a_killed_broker_is_started_again_and_nothing_is_forgotten(
    sturdy_hub: FixtureHub, sturdy: MirrorProcess
) -> None:
    (broker,) = sturdy.processes().keys() - {*sturdy.worker_pids()}
    os.kill(broker, signal.SIGKILL)
    assert settled(sturdy.url, info(sturdy_hub.copy(SMALL))).status == 200


def test_a_killed_server_serves_on_when_it_is_started_again(sturdy_hub: FixtureHub, sturdy: MirrorProcess) -> None:
    weights = f"/{sturdy_hub.copy(SMALL)}/resolve/main/model.safetensors"
    assert settled(sturdy.url, weights).status == 200
    sturdy.kill()
    sturdy_hub.stop()
    sturdy.start()
    assert ask(sturdy.url, weights).status == 200
    assert sturdy.worker_pids(), "the worker of the killed server has ended, and there is a new one"
    sturdy_hub.start()


def test_every_download_refusal_and_decision_is_on_the_record(sturdy_hub: FixtureHub, sturdy: MirrorProcess) -> None:
    small, shell, both = (
        sturdy_hub.copy(repo) for repo in (SMALL, "mallory/shell-in-a-pickle", "acme-research/both-formats")
    )
    settled(sturdy.url, f"/{small}/resolve/main/config.json", headers={"User-Agent": "a test"})
    refused = settled(sturdy.url, f"/{shell}/resolve/main/config.json")
    left_out = settled(sturdy.url, f"/{both}/resolve/main/pytorch_model.bin")
    sturdy.kill()
    kept = rows(
        sturdy,
        "SELECT id, action, repo, path, outcome, rules, actor, user_agent, decision FROM audit WHERE repo IN (?, ?, ?)",
        *(small, shell, both),
    )
    sturdy.start()
    events = {row[0]: row[1:] for row in kept}
    download = next(event for event in events.values() if event[0] == "download")
    assert download[1:4] == (small, "config.json", "allow")
    assert download[6] == "a test"
    assert download[7] is not None
    assert events[refused.headers["x-request-id"]][:5] == ("refuse", shell, "config.json", "block", "unsafe-file")
    assert events[left_out.headers["x-request-id"]][3:5] == ("left-out", "unsafe-file-left-out")
    assert len([event for event in events.values() if event[0] == "decide"]) == 3


def test_a_full_disk_is_told_and_nothing_half_is_kept(own_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_STORE_RESERVE_BYTES": str(1 << 60)}) as mirror:
        reply = settled(mirror.url, info(SMALL))
        assert reply.status == 403
        assert "its administrator must make room" in reply.json["error"]
        assert not [path for path in (mirror.data / "blobs").rglob("*") if path.is_file()]


def test_a_second_server_on_the_same_data_says_so(mirror: MirrorProcess) -> None:
    done = curator("serve", "--port", "0", "--data", str(mirror.data))
    assert done.returncode == 2
    assert done.stderr.startswith("curator: Another `curator serve` runs on")


def test_a_server_that_is_stopped_leaves_no_process_behind(own_hub: FixtureHub, tmp_path: Path) -> None:
    mirror = MirrorProcess(tmp_path / "data", own_hub.url)
    mirror.start()
    started = mirror.processes()
    mirror.stop()
    assert len(started) == 2, "a broker and a worker"
    for pid in started:
        assert not Path(f"/proc/{pid}").exists()


def test_what_was_blocked_right_before_a_power_cut_is_judged_anew_though_nobody_asks(
    sturdy_hub: FixtureHub, sturdy: MirrorProcess
) -> None:
    repo = sturdy_hub.copy(SMALL)
    assert settled(sturdy.url, info(repo)).status == 200
    headers = {"Authorization": f"Bearer {sturdy.admin_token}", "Content-Type": "application/json"}
    body = json.dumps({"effect": "block", "targets": [repo], "reason": "advisory 9"}).encode()
    (worker,) = sturdy.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    assert ask(sturdy.url, "/api/curator/v1/lists", "POST", headers, body).status == 201
    sturdy.kill()
    os.kill(worker, signal.SIGKILL)
    sturdy.start()
    changes = "SELECT outcome, sentence FROM audit WHERE action = 'change' AND repo = ?"
    deadline = time.monotonic() + 60
    while not (changed := rows(sturdy, changes, repo)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [row[0] for row in changed] == ["block"]
    assert changed[0][1].startswith("allowed until now")
    assert ask(sturdy.url, info(repo)).status == 403


def test_a_worker_that_is_killed_while_it_looks_around_is_followed_by_one_that_does(
    sturdy_hub: FixtureHub, sturdy: MirrorProcess
) -> None:
    repo = sturdy_hub.copy(SMALL, owner="whom-nobody-knows")
    with sturdy_hub.failing({"path": "/api/*/whom-nobody-knows/overview", "delay_s": 8, "times": 1}):
        killed_while(sturdy, repo, "curator.look")
    assert rows(sturdy, "SELECT complete FROM looks JOIN snapshots ON id = snapshot_id WHERE repo = ?", repo) == [(1,)]
    assert rows(sturdy, "SELECT count(*) FROM audit WHERE action = 'decide' AND repo = ?", repo) == [(1,)]
