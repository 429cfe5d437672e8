"""Processes that die, disks that are full, callers that are not known: nothing is lost, nothing unjudged gets out."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import ask, settled
from tests.contract.repositories import judge

TINY = "/api/models/acme-research/tiny-bert"


def rows(mirror: MirrorProcess, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        return connection.execute(query).fetchall()


def test_a_killed_worker_is_started_again_and_its_work_is_done(tmp_path: Path) -> None:
    lease = {"CURATOR_LEASE_S": "2"}
    with FixtureHub("--latency-ms", "250") as hub, MirrorProcess(tmp_path / "data", hub.url, lease) as mirror:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(settled, mirror.url, TINY)
            while not rows(mirror, "SELECT id FROM work WHERE state = 'running'"):
                assert not asked.done()
                time.sleep(0.01)
            (worker,) = mirror.worker_pids()
            os.kill(worker, signal.SIGKILL)
            assert asked.result().status == 200
        (successor,) = mirror.worker_pids()
        assert successor != worker


def test_a_killed_broker_is_started_again_and_nothing_is_forgotten(own_mirror: MirrorProcess) -> None:
    assert settled(own_mirror.url, TINY).status == 200
    (broker,) = own_mirror.processes().keys() - {*own_mirror.worker_pids()}
    os.kill(broker, signal.SIGKILL)
    deadline = time.monotonic() + 90
    while (reply := ask(own_mirror.url, "/api/models/acme-research/tiny-torch")).status != 200:
        assert time.monotonic() < deadline, reply.body


def test_a_killed_server_serves_on_when_it_is_started_again(own_hub: FixtureHub, own_mirror: MirrorProcess) -> None:
    assert settled(own_mirror.url, TINY).status == 200
    assert ask(own_mirror.url, "/acme-research/tiny-bert/resolve/main/model.safetensors").status == 200
    own_mirror.kill()
    own_hub.stop()
    own_mirror.start()
    assert ask(own_mirror.url, "/acme-research/tiny-bert/resolve/main/model.safetensors").status == 200
    assert own_mirror.worker_pids(), "the worker of the killed server has ended, and there is a new one"


def test_every_download_refusal_and_decision_is_on_the_record(own_mirror: MirrorProcess) -> None:
    settled(own_mirror.url, "/acme-research/tiny-bert/resolve/main/config.json", headers={"User-Agent": "a test"})
    refused = settled(own_mirror.url, "/mallory/shell-in-a-pickle/resolve/main/config.json")
    left_out = settled(own_mirror.url, "/acme-research/both-formats/resolve/main/pytorch_model.bin")
    own_mirror.kill()
    kept = rows(own_mirror, "SELECT id, action, repo, path, outcome, rules, actor, user_agent, decision FROM audit")
    events = {row[0]: row[1:] for row in kept}
    download = next(event for event in events.values() if event[0] == "download")
    assert download[1:4] == ("acme-research/tiny-bert", "config.json", "allow")
    assert download[6] == "a test"
    assert download[7] is not None
    assert events[refused.headers["x-request-id"]][:5] == (
        "refuse",
        "mallory/shell-in-a-pickle",
        "config.json",
        "block",
        "unsafe-file",
    )
    assert events[left_out.headers["x-request-id"]][3:5] == ("left-out", "unsafe-file-left-out")
    assert len([event for event in events.values() if event[0] == "decide"]) == 3


def test_a_full_disk_is_told_and_nothing_half_is_kept(own_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_STORE_RESERVE_BYTES": str(1 << 60)}) as mirror:
        reply = settled(mirror.url, TINY)
        assert reply.status == 403
        assert "its administrator must make room" in reply.json["error"]
        assert not [path for path in (mirror.data / "blobs").rglob("*") if path.is_file()]


def test_a_mirror_that_wants_tokens_gives_nothing_without_one(own_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_ANONYMOUS": "no"}) as mirror:
        nobody = Client("2.4", mirror.url, tmp_path / "one").call("snapshot", repo_id="acme-research/tiny-bert")
        assert "This mirror wants a token of its own" in nobody.message
        foreign = ask(mirror.url, TINY, headers={"Authorization": "Bearer hf_" + "x" * 34})
        assert foreign.status == 401
        made = curator("token", "create", "alice", "--data", str(mirror.data)).stdout.strip()
        assert made.startswith("hf_")
        judge(mirror.url, ("models/acme-research/tiny-bert",), made)
        client = Client("2.4", mirror.url, tmp_path / "two", made)
        client.snapshot("acme-research/tiny-bert")
        assert client.call("whoami").value["name"] == "alice"
        assert {row[0] for row in rows(mirror, "SELECT actor FROM audit WHERE action = 'download'")} == {"alice"}
        curator("token", "revoke", "alice", "--data", str(mirror.data))
        refused = client.call("info", repo_id="acme-research/tiny-bert")
        assert "This token was revoked on" in refused.message


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
    own_hub: FixtureHub, own_mirror: MirrorProcess
) -> None:
    assert settled(own_mirror.url, TINY).status == 200
    headers = {"Authorization": f"Bearer {own_mirror.admin_token}", "Content-Type": "application/json"}
    body = json.dumps({"effect": "block", "targets": ["acme-research/*"], "reason": "advisory 9"}).encode()
    (worker,) = own_mirror.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    assert ask(own_mirror.url, "/api/curator/v1/lists", "POST", headers, body).status == 201
    own_mirror.kill()
    os.kill(worker, signal.SIGKILL)
    own_mirror.start()
    deadline = time.monotonic() + 60
    while not (changed := rows(own_mirror, "SELECT outcome, sentence FROM audit WHERE action = 'change'")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [row[0] for row in changed] == ["block"]
    assert changed[0][1].startswith("allowed until now")
    assert ask(own_mirror.url, TINY).status == 403


def test_a_worker_that_is_killed_while_it_looks_around_is_followed_by_one_that_does(tmp_path: Path) -> None:
    with FixtureHub() as hub, MirrorProcess(tmp_path / "data", hub.url, {"CURATOR_LEASE_S": "2"}) as mirror:
        hub.faults({"path": "/api/*/acme-research/overview", "delay_s": 8, "times": 1})
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(settled, mirror.url, TINY)
            while not rows(mirror, "SELECT id FROM work WHERE state = 'running' AND task = 'curator.look'"):
                assert not asked.done()
                time.sleep(0.01)
            (worker,) = mirror.worker_pids()
            os.kill(worker, signal.SIGKILL)
            assert asked.result().status == 200
        assert rows(mirror, "SELECT complete FROM looks") == [(1,)]
        assert rows(mirror, "SELECT count(*) FROM audit WHERE action = 'decide'") == [(1,)]
