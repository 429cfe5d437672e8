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

    def commits(self, pid: int, repo: str, agent: str) -> set[str]:
        """Of which commit of `main` this process tells this program, in all that is asked of a branch."""
        asked = [
            ("GET", info(repo)),
            ("GET", f"/api/models/{repo}/tree/main"),
            ("HEAD", f"/{repo}/resolve/main/README.md"),
        ]
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


def info(repo: str) -> str:
    return f"/api/models/{repo}/revision/main"


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
    deadline = time.monotonic() + 60
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


def judged(processes: Processes, hub: FixtureHub, commits: Commits) -> str:
    """A copy of the repository, at its good commit: all that is asked for is judged before, so that no test waits."""
    repo = hub.copy(REPO)
    hub.move_branch(repo, "main", commits.good)
    for sha in (commits.good, commits.mended):
        path = f"/api/models/{repo}/revision/{sha}"
        while b"is being scanned" in (reply := processes.ask(processes.first, path, "who judges")).body:
            pass
        assert reply.status == 200, reply.body
    return repo


@pytest.fixture(scope="module")
def commits(hub: FixtureHub) -> Commits:
    return commits_of(hub)


@pytest.fixture(scope="module")
def shared_by_two(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror of two processes that asks the Hub at every question."""
    variables = {"CURATOR_SERVER_PROCESSES": "2", "CURATOR_REVISION_TTL_S": "0.001"}
    with MirrorProcess(tmp_path_factory.mktemp("two") / "data", hub.url, variables) as mirror:
        yield mirror


@pytest.fixture
def both(shared_by_two: MirrorProcess) -> Processes:
    return Processes(shared_by_two)


@pytest.mark.parametrize("begins_with", ["first", "second"])
def test_a_program_sees_one_commit_whichever_process_it_reaches(
    begins_with: str, hub: FixtureHub, both: Processes, commits: Commits
) -> None:
    repo = judged(both, hub, commits)
    here, there = (both.first, both.second) if begins_with == "first" else (both.second, both.first)
    assert both.commits(here, repo, "early") == {commits.good}
    hub.move_branch(repo, "main", commits.mended)
    assert both.commits(there, repo, "late") == {commits.mended}
    for pid in (there, here, there, here):
        assert both.commits(pid, repo, "early") == {commits.good}
        assert both.commits(pid, repo, "late") == {commits.mended}
    hub.move_branch(repo, "main", commits.good)
    assert both.commits(here, repo, "latest") == both.commits(there, repo, "latest") == {commits.good}
    assert both.commits(here, repo, "late") == both.commits(there, repo, "late") == {commits.mended}


def test_a_program_goes_on_with_its_commit_when_the_process_that_told_it_is_killed(
    hub: FixtureHub, both: Processes, commits: Commits
) -> None:
    repo = judged(both, hub, commits)
    assert both.commits(both.second, repo, "early") == {commits.good}
    hub.move_branch(repo, "main", commits.mended)
    os.kill(both.second, signal.SIGKILL)
    both.second = _beside(both.mirror, other_than=both.second)
    for pid in (both.first, both.second):
        assert both.commits(pid, repo, "early") == {commits.good}
        assert both.commits(pid, repo, "late") == {commits.mended}


def test_a_program_that_was_answered_from_memory_sees_one_commit_too(
    hub: FixtureHub, commits: Commits, tmp_path: Path
) -> None:
    variables = {
        "CURATOR_SERVER_PROCESSES": "2",
        "CURATOR_REVISION_TTL_S": str(FRESH_S),
        "CURATOR_BRANCH_SESSION_S": str(SESSION_S),
    }
    with MirrorProcess(tmp_path / "data", hub.url, variables) as mirror:
        both = Processes(mirror)
        repo = judged(both, hub, commits)
        # With the first one the mirror learns of the branch: a change, which its row tells of for another half second.
        for scout, pause_s in (("first scout", 1.0), ("second scout", SESSION_S + 1.5), ("third scout", 0.0)):
            assert both.ask(both.first, info(repo), scout).headers["x-repo-commit"] == commits.good
            time.sleep(pause_s)
        before = both.worked_for(both.first, info(repo))
        for _ in range(12):
            early = both.ask(both.first, info(repo), "early")
            assert early.headers["x-repo-commit"] == commits.good
        assert both.worked_for(both.first, info(repo)) == before, "the branch was the same for long: memory is enough"
        hub.move_branch(repo, "main", commits.mended)
        time.sleep(FRESH_S + 0.1)
        assert both.ask(both.second, info(repo), "late").headers["x-repo-commit"] == commits.mended
        for pid in (both.second, both.first):
            assert both.commits(pid, repo, "early") == {commits.good}
            assert both.commits(pid, repo, "late") == {commits.mended}
        assert rows(mirror) <= 6, "one row a program and branch, however often it asks"


def test_one_process_alone_writes_down_nothing(hub: FixtureHub, in_sessions: MirrorProcess, commits: Commits) -> None:
    repo, url = hub.copy(REPO), urlsplit(in_sessions.url)
    with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)) as connection:
        while b"is being scanned" in (reply := _reply(connection, "GET", info(repo), "early")).body:
            pass
        assert reply.headers["x-repo-commit"] == commits.mended
    assert rows(in_sessions) == 0
