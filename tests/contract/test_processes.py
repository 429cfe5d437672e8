"""Several server processes are one mirror: a program sees one commit of a branch, whichever of them it reaches."""

from __future__ import annotations

import http.client
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import Reply
from tests.contract.test_branches import REPO, Commits, commits_of

INFO = f"/api/models/{REPO}/revision/main"
TREE = f"/api/models/{REPO}/tree/main"
FILE = f"/{REPO}/resolve/main/README.md"
FRESH_S, SESSION_S = 3.0, 10.0


class Processes:
    """A mirror with two server processes, each of which can be asked by itself."""

    def __init__(self, mirror: MirrorProcess) -> None:
        self.mirror = mirror
        self.first = mirror.pid
        self.second = _beside(mirror)

    def ask(self, pid: int, path: str, agent: str, method: str = "GET") -> Reply:
        """What this process answers to this program."""
        with closing(self._connected(pid)) as connection:
            return _reply(connection, method, path, agent)

    def commits(self, pid: int, agent: str) -> set[str]:
        """Of which commit of `main` this process tells this program, in all that is asked of a branch."""
        asked = [("GET", INFO), ("GET", TREE), ("HEAD", FILE)]
        return {self.ask(pid, path, agent, method).headers["x-repo-commit"] for method, path in asked}

    def worked_for(self, pid: int, path: str) -> int:
        """For how many requests more than memory was needed: each of those has a line in the log by now."""
        self.ask(pid, "/healthz", "who counts")
        return self.mirror.log.read_text().count(path)

    def _connected(self, pid: int) -> http.client.HTTPConnection:
        """A connection that this process has taken: the other one is stopped for that moment."""
        url = urlsplit(self.mirror.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        with _stopped(self.first if pid == self.second else self.second):
            _reply(connection, "GET", "/healthz", "who connects")
        return connection


def _reply(connection: http.client.HTTPConnection, method: str, path: str, agent: str) -> Reply:
    connection.request(method, path, headers={"User-Agent": agent})
    answer = connection.getresponse()
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _beside(mirror: MirrorProcess, other_than: int | None = None) -> int:
    """The second server process, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        command = ["pgrep", "-P", str(mirror.pid), "-f", "curator.cli serve-beside"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if found and int(found[0]) != other_than:
            return int(found[0])
        time.sleep(0.05)
    raise AssertionError("there is no second server process")


def rows(mirror: MirrorProcess) -> int:
    with closing(sqlite3.connect(mirror.data / "curator.db")) as database:
        return int(database.execute("SELECT count(*) FROM branch_sessions").fetchone()[0])


def judge(processes: Processes, hub: FixtureHub, commits: Commits) -> None:
    """Have all that is asked for judged before, so that no test waits for it, and leave `main` at the good commit."""
    hub.move_branch(REPO, "main", commits.good)
    for sha in (commits.good, commits.mended):
        path = f"/api/models/{REPO}/revision/{sha}"
        while b"is being scanned" in (reply := processes.ask(processes.first, path, "who judges")).body:
            pass
        assert reply.status == 200, reply.body


@pytest.mark.parametrize("begins_with", ["first", "second"])
def test_a_program_sees_one_commit_whichever_process_it_reaches(
    begins_with: str, own_hub: FixtureHub, tmp_path: Path
) -> None:
    commits = commits_of(own_hub)
    variables = {"CURATOR_SERVER_PROCESSES": "2", "CURATOR_REVISION_TTL_S": "0.001"}
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        both = Processes(mirror)
        judge(both, own_hub, commits)
        here, there = (both.first, both.second) if begins_with == "first" else (both.second, both.first)
        assert both.commits(here, "early") == {commits.good}
        own_hub.move_branch(REPO, "main", commits.mended)
        assert both.commits(there, "late") == {commits.mended}
        for pid in (there, here, there, here):
            assert both.commits(pid, "early") == {commits.good}
            assert both.commits(pid, "late") == {commits.mended}
        own_hub.move_branch(REPO, "main", commits.good)
        assert both.commits(here, "latest") == both.commits(there, "latest") == {commits.good}
        assert both.commits(here, "late") == both.commits(there, "late") == {commits.mended}


def test_a_program_that_was_answered_from_memory_sees_one_commit_too(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    variables = {
        "CURATOR_SERVER_PROCESSES": "2",
        "CURATOR_REVISION_TTL_S": str(FRESH_S),
        "CURATOR_BRANCH_SESSION_S": str(SESSION_S),
    }
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        both = Processes(mirror)
        judge(both, own_hub, commits)
        # With the first one the mirror learns of the branch: a change, which its row tells of for another half second.
        for scout, pause_s in (("first scout", 1.0), ("second scout", SESSION_S + 1.5), ("third scout", 0.0)):
            assert both.ask(both.first, INFO, scout).headers["x-repo-commit"] == commits.good
            time.sleep(pause_s)
        before = both.worked_for(both.first, INFO)
        for _ in range(50):
            early = both.ask(both.first, INFO, "early")
            assert early.headers["x-repo-commit"] == commits.good
        assert both.worked_for(both.first, INFO) == before, "the branch was the same for long: memory is enough"
        own_hub.move_branch(REPO, "main", commits.mended)
        time.sleep(FRESH_S + 0.1)
        assert both.ask(both.second, INFO, "late").headers["x-repo-commit"] == commits.mended
        for pid in (both.second, both.first):
            assert both.commits(pid, "early") == {commits.good}
            assert both.commits(pid, "late") == {commits.mended}
        assert rows(mirror) <= 6, "one row a program and branch, however often it asks"


def test_a_program_goes_on_with_its_commit_when_the_process_that_told_it_is_killed(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    commits = commits_of(own_hub)
    variables = {"CURATOR_SERVER_PROCESSES": "2", "CURATOR_REVISION_TTL_S": "0.001"}
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        both = Processes(mirror)
        judge(both, own_hub, commits)
        assert both.commits(both.second, "early") == {commits.good}
        own_hub.move_branch(REPO, "main", commits.mended)
        os.kill(both.second, signal.SIGKILL)
        both.second = _beside(mirror, other_than=both.second)
        for pid in (both.first, both.second):
            assert both.commits(pid, "early") == {commits.good}
            assert both.commits(pid, "late") == {commits.mended}


def test_one_process_alone_writes_down_nothing(own_hub: FixtureHub, own_mirror: MirrorProcess) -> None:
    commits = commits_of(own_hub)
    url = urlsplit(own_mirror.url)
    with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)) as connection:
        while b"is being scanned" in (reply := _reply(connection, "GET", INFO, "early")).body:
            pass
        assert reply.headers["x-repo-commit"] == commits.mended
    assert rows(own_mirror) == 0
