"""Processes that die, disks that are full, callers that are not known: nothing is lost, nothing unjudged gets out."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import ask

TINY = "/api/models/acme-research/tiny-bert"


def rows(mirror: MirrorProcess, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        return connection.execute(query).fetchall()


def test_a_killed_worker_is_started_again_and_its_work_is_done(tmp_path: Path) -> None:
    lease = {"CURATOR_LEASE_S": "2"}
    with FixtureHub("--latency-ms", "250") as hub, MirrorProcess(tmp_path / "data", hub.url, lease) as mirror:
        asked = subprocess.Popen([sys.executable, "-c", _ASK, mirror.url + TINY], stdout=subprocess.PIPE, text=True)
        while not rows(mirror, "SELECT id FROM work WHERE state = 'running'"):
            time.sleep(0.01)
        (worker,) = mirror.worker_pids()
        os.kill(worker, signal.SIGKILL)
        said, _ = asked.communicate(timeout=60)
        assert said.strip() == "200"
        assert mirror.worker_pids() != [worker]


_ASK = """
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_a_killed_broker_is_started_again_and_nothing_is_forgotten(own_mirror: MirrorProcess) -> None:
    assert ask(own_mirror.url, TINY).status == 200
    found = subprocess.run(["pgrep", "-P", str(own_mirror.pid)], capture_output=True, text=True, check=True)
    broker = set(map(int, found.stdout.split())) - set(own_mirror.worker_pids())
    assert len(broker) == 1
    os.kill(broker.pop(), signal.SIGKILL)
    deadline = time.monotonic() + 40
    while (reply := ask(own_mirror.url, "/api/models/acme-research/tiny-torch")).status != 200:
        assert time.monotonic() < deadline, reply.body


def test_a_killed_server_serves_on_when_it_is_started_again(own_hub: FixtureHub, own_mirror: MirrorProcess) -> None:
    assert ask(own_mirror.url, TINY).status == 200
    assert ask(own_mirror.url, "/acme-research/tiny-bert/resolve/main/model.safetensors").status == 200
    own_mirror.kill()
    own_hub.stop()
    own_mirror.start()
    assert ask(own_mirror.url, "/acme-research/tiny-bert/resolve/main/model.safetensors").status == 200
    assert own_mirror.worker_pids(), "the worker of the killed server has ended, and there is a new one"


def test_every_download_refusal_and_decision_is_on_the_record(own_mirror: MirrorProcess) -> None:
    ask(own_mirror.url, "/acme-research/tiny-bert/resolve/main/config.json", headers={"User-Agent": "a test"})
    refused = ask(own_mirror.url, "/mallory/shell-in-a-pickle/resolve/main/config.json")
    left_out = ask(own_mirror.url, "/acme-research/both-formats/resolve/main/pytorch_model.bin")
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
        reply = ask(mirror.url, TINY)
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
        client = Client("2.4", mirror.url, tmp_path / "two", made)
        client.snapshot("acme-research/tiny-bert")
        assert client.call("whoami").value["name"] == "alice"
        assert {row[0] for row in rows(mirror, "SELECT actor FROM audit WHERE action = 'download'")} == {"alice"}
        curator("token", "revoke", "alice", "--data", str(mirror.data))
        refused = client.call("info", repo_id="acme-research/tiny-bert")
        assert "no longer" in refused.message


def test_a_second_server_on_the_same_data_says_so(own_mirror: MirrorProcess) -> None:
    done = curator("serve", "--port", "0", "--data", str(own_mirror.data))
    assert done.returncode == 2
    assert done.stderr.startswith("curator: Another `curator serve` runs on")


def test_a_server_that_is_stopped_leaves_no_process_behind(own_hub: FixtureHub, tmp_path: Path) -> None:
    mirror = MirrorProcess(tmp_path / "data", own_hub.url)
    mirror.start()
    found = subprocess.run(["pgrep", "-P", str(mirror.pid)], capture_output=True, text=True, check=True)
    mirror.stop()
    for pid in map(int, found.stdout.split()):
        assert not Path(f"/proc/{pid}").exists()
