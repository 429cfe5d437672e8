"""Rules that change reach every process with its next request; wrong ones change nothing, and with none nothing is
allowed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import Reply, ask, settled
from tests.contract.publishing import under
from tests.contract.repositories import WEIGHTS

REPO = "acme-research/tiny-bert"
INFO = f"/api/models/{REPO}"
FILE = f"/{REPO}/resolve/main/model.safetensors"
ODD = "/api/models/acme-research/odd-names"
QUIET = {"CURATOR_BRANCH_SESSION_S": "0", "CURATOR_SECOND_OPINIONS": "false"}
BROKEN = "schema: curator.rules/1\nname: broken\nrules:\n  - id: no-end\n    when: {file_verdict: [unsfe]}\n"


def rules(name: str, blocks: str = "nobody/*", teams: str = "*") -> str:
    """Rules that block what the glob means, for these teams, and have nothing against anything else."""
    return f"""
schema: curator.rules/1
name: {name}
rules:
  - id: not-these
    description: These are not for us.
    applies_to: {{repositories: ["{blocks}"], teams: ["{teams}"]}}
    when: {{likes_below: 1000000000}}
    outcome: block
    message: "{{repository}} is not for us"
  - id: unsafe-file
    description: A file that would run code is not served.
    when: {{file_verdict: [unsafe]}}
    outcome: block
    message: "{{file}} is unsafe: {{finding}}"
"""


def written(folder: Path, text: str) -> Path:
    """A file of rules, put in place at once."""
    fresh = folder / "fresh.yaml"
    fresh.write_text(text)
    return fresh.replace(folder / "rules.yaml")


def until(what: Callable[[], Any], patience_s: float = 90) -> Any:
    """What the question comes to, once it is something."""
    deadline = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline, f"it did not come to that: {found!r}"
        time.sleep(0.1)
    return found


def rows(mirror: MirrorProcess, query: str) -> list[Any]:
    with closing(sqlite3.connect(mirror.data / "curator.db")) as database:
        return database.execute(query).fetchall()


def ready(mirror: MirrorProcess) -> Reply:
    return ask(mirror.url, "/readyz")


def command(mirror: MirrorProcess, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    shown = token or mirror.admin_token or ""
    return curator("rules", *arguments, "--server", mirror.url, CURATOR_TOKEN=shown)


def in_force(mirror: MirrorProcess) -> str:
    return str(rows(mirror, "SELECT digest FROM rule_set_changes ORDER BY id DESC LIMIT 1")[0][0])


@pytest.fixture(scope="module")
def published(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror of two processes whose rules are published by command."""
    data = tmp_path_factory.mktemp("published") / "data"
    with MirrorProcess(data, hub.url, QUIET | {"CURATOR_SERVER_PROCESSES": "2"}) as mirror:
        yield mirror


def test_what_new_rules_block_is_not_served_any_more_by_any_process_nor_from_memory(
    published: MirrorProcess, tmp_path: Path
) -> None:
    mirror = published
    assert settled(mirror.url, INFO).status == 200
    for _ in range(8):
        assert ask(mirror.url, FILE).body == WEIGHTS.read_bytes()
        assert ask(mirror.url, FILE, "HEAD").status == 200
    started = ask(mirror.url, FILE, headers={"Range": "bytes=0-99"})
    assert started.status == 206
    file = tmp_path / "strict.yaml"
    file.write_text(rules("strict", "acme-research/tiny-*"))
    done = command(mirror, "publish", str(file), "--reason", "not for us, ticket 12")
    assert done.returncode == 0, done.stderr
    for _ in range(8):
        assert ask(mirror.url, FILE, "HEAD").status == 403
        continued = ask(mirror.url, FILE, headers={"Range": "bytes=100-", "If-Range": started.headers["etag"]})
        assert continued.status == 403
    assert b"is not for us" in settled(mirror.url, FILE).body
    until(lambda: rows(mirror, "SELECT * FROM rejudgements WHERE why = 'rules' AND total > 0 AND ended_at NOT NULL"))
    (change,) = rows(mirror, f"SELECT outcome, sentence FROM audit WHERE action = 'change' AND repo = '{REPO}'")
    assert change[0] == "block"
    assert "allowed until now" in change[1]
    said = command(mirror, "status").stdout
    assert "'strict'" in said
    assert "ticket 12" in said
    assert "1 newly blocked or held, 0 released" in said
    before = rows(mirror, "SELECT before FROM rule_set_changes ORDER BY id DESC LIMIT 1")[0][0]
    back = command(mirror, "rollback", before[:12], "--reason", "too strict")
    assert back.returncode == 0, back.stderr
    for _ in range(8):
        assert ask(mirror.url, FILE).body == WEIGHTS.read_bytes(), "what was decided under them holds again, at once"
    until(lambda: "1 released" in command(mirror, "status").stdout)
    changes = rows(
        mirror, f"SELECT outcome, sentence FROM audit WHERE action = 'change' AND repo = '{REPO}' ORDER BY id"
    )
    assert [row[0] for row in changes] == ["block", "allow"]
    history = json.loads(command(mirror, "history", "--format", "json").stdout)
    assert [(one["origin"], one["author"]) for one in history] == [
        ("rollback", "admin"),
        ("command", "admin"),
        ("starter", "curator"),
    ]
    differs = command(mirror, "diff", before[:12], history[1]["digest"]).stdout
    assert "+  - id: not-these" in differs
    assert "adds not-these" in differs
    shown = command(mirror, "show", history[1]["digest"]).stdout
    assert shown.strip() == file.read_text().strip()


def test_nobody_but_an_administrator_publishes_and_wrong_rules_are_told_with_their_places(
    published: MirrorProcess, tmp_path: Path
) -> None:
    changes = len(rows(published, "SELECT id FROM rule_set_changes"))
    reader = curator("token", "create", "alice", "--data", str(published.data)).stdout.strip()
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(rules("right"))
    wrong.write_text(BROKEN)
    refused = command(published, "publish", str(right), "--reason", "mine", token=reader)
    assert refused.returncode == 2
    assert "alice has the role developer and may not do this here" in refused.stderr
    told = command(published, "publish", str(wrong), "--reason", "mine")
    assert told.returncode == 1
    assert f"{wrong}:" in told.stderr
    assert "not published" in told.stderr
    empty = command(published, "publish", str(right), "--reason", "  ")
    assert empty.returncode == 2
    assert "wants a reason" in empty.stderr
    assert len(rows(published, "SELECT id FROM rule_set_changes")) == changes
    assert command(published, "rollback", "0123456789", "--reason", "x").returncode == 2
    assert command(published, "show", "nonsense").returncode == 2


def allows_nothing(mirror: MirrorProcess, place: Path) -> None:
    """It runs, and says that it has no rules and where they are wrong."""
    assert ask(mirror.url, "/healthz").status == 200
    state = ready(mirror)
    assert state.status == 503
    assert "nothing is allowed" in state.json["reason"]
    assert f"{place}:" in state.json["reason"]
    for method, path in (("GET", INFO), ("HEAD", FILE), ("GET", FILE), ("GET", f"{INFO}/tree/main")):
        reply = ask(mirror.url, path, method)
        assert reply.status == 403
        assert "without rules nothing is allowed" in reply.headers["x-error-message"]
    assert rows(mirror, f"SELECT outcome FROM audit WHERE action = 'refuse' AND repo = '{REPO}' LIMIT 1") == [("hold",)]


def test_a_watched_file_is_in_force_when_it_changes_and_a_broken_one_allows_nothing_or_changes_nothing(
    hub: FixtureHub, tmp_path: Path
) -> None:
    place = written(tmp_path, BROKEN)
    variables = QUIET | {"CURATOR_RULES": str(place), "CURATOR_SERVER_PROCESSES": "2"}
    with MirrorProcess(tmp_path / "data", hub.url, variables) as mirror:
        allows_nothing(mirror, place)
        written(tmp_path, rules("first"))
        until(lambda: {ready(mirror).status for _ in range(8)} == {200})
        assert settled(mirror.url, INFO).status == 200
        first = in_force(mirror)
        written(tmp_path, rules("second", "acme-research/tiny-*"))
        until(lambda: ask(mirror.url, INFO).status == 403)
        second = in_force(mirror)
        assert {ask(mirror.url, INFO).status for _ in range(8)} == {403}
        written(tmp_path, BROKEN)
        until(lambda: "problem" in ready(mirror).json)
        for _ in range(6):
            state = ready(mirror)
            assert state.status == 200, "the last good rules are in force"
            assert f"{place}:4:5" in state.json["problem"] or f"{place}:" in state.json["problem"]
            assert state.json["rule_set"] == second
        assert ask(mirror.url, INFO).status == 403
        assert f"{place}:" in mirror.log.read_text()
        status = command(mirror, "status")
        assert status.returncode == 1
        assert f"{place}:" in status.stdout
        mirror.stop()
        mirror.start()
        assert ready(mirror).status == 200, "a restart with a broken file goes on with the last good rules"
        assert in_force(mirror) == second
        assert settled(mirror.url, INFO).status == 403
        place.unlink()
        until(lambda: "cannot be read" in ready(mirror).json.get("problem", ""))
        written(tmp_path, rules("first"))
        os.kill(mirror.pid, signal.SIGHUP)
        until(lambda: in_force(mirror) == first)
        assert settled(mirror.url, INFO).status == 200
        until(lambda: "problem" not in ready(mirror).json)
        refused = command(mirror, "publish", str(place), "--reason", "mine")
        assert refused.returncode == 2
        assert f"come from {place}, which is watched" in refused.stderr
        back = command(mirror, "rollback", second[:8], "--reason", "an emergency")
        assert back.returncode == 0, back.stderr
        time.sleep(2.5)
        assert in_force(mirror) == second, "a file that has not changed does not take a rollback back"
        assert "has other rules" in command(mirror, "status").stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("bare", [False, True])
def test_rules_of_a_git_folder_are_in_force_as_committed_with_author_and_reason(
    hub: FixtureHub, tmp_path: Path, bare: bool
) -> None:
    work = tmp_path / "work"
    (work / "curation").mkdir(parents=True)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Ann Author", "-c", "user.email=ann@bank.example")
        subprocess.run(["git", *who, *arguments], cwd=work, check=True, capture_output=True)

    def commit(text: str, subject: str) -> None:
        (work / "curation" / "our.yaml").write_text(text)
        git("add", ".")
        git("commit", "-m", f"{subject}\n\nAnd more of it.")
        if bare:
            git("push", str(tmp_path / "bare.git"), "HEAD:refs/heads/main")

    git("init", "-b", "main")
    if bare:
        subprocess.run(
            ["git", "init", "--bare", "-b", "main", "bare.git"], cwd=tmp_path, check=True, capture_output=True
        )
    commit(rules("first"), "Begin with rules of our own")
    place = f"file://{tmp_path}/bare.git" if bare else str(work)
    variables = QUIET | {"CURATOR_RULES": place, "CURATOR_RULES_PATH": "curation/our.yaml"}
    with MirrorProcess(tmp_path / "data", hub.url, variables) as mirror:
        assert settled(mirror.url, INFO).status == 200
        (work / "curation" / "our.yaml").write_text(rules("not committed", "*"))
        commit(rules("second", "acme-research/*"), "Block our own research")
        until(lambda: ask(mirror.url, INFO).status == 403)
        (change, _) = json.loads(command(mirror, "history", "--format", "json").stdout)
        assert (change["author"], change["reason"]) == ("Ann Author <ann@bank.example>", "Block our own research")
        assert change["origin"].endswith(":curation/our.yaml")
        commit(BROKEN, "Slip")
        until(lambda: "curation/our.yaml:" in ready(mirror).json.get("problem", ""))
        assert ready(mirror).status == 200


def test_rules_may_be_for_a_team_and_only_an_administrator_asks_for_another_than_his_own(
    hub: FixtureHub, guarded_by_two: MirrorProcess
) -> None:
    mirror, repo = guarded_by_two, hub.copy(REPO)
    info, file = f"/api/models/{repo}", f"/{repo}/resolve/main/model.safetensors"

    def token(name: str, *options: str) -> dict[str, str]:
        made = curator("token", "create", f"{name}-of-rules", *options, "--data", str(mirror.data))
        assert made.returncode == 0, made.stderr
        return {"Authorization": f"Bearer {made.stdout.strip()}"}

    red, blue, none = token("r", "--team", "red-1"), token("b", "--team", "blue", "--project", "p"), token("n")
    with under(mirror, rules("by-team", "acme-research/tiny-*", teams="red*")):
        assert settled(mirror.url, info, headers=red).status == 403
        for who in (blue, none):
            assert settled(mirror.url, info, headers=who).status == 200
        for _ in range(3):
            for path in (file, f"{file}?x=1"):
                assert ask(mirror.url, path, "HEAD", blue).status == 200
                assert ask(mirror.url, path, "GET", none).status == 200
                assert ask(mirror.url, path, "HEAD", red).status == 403
                assert ask(mirror.url, path, "GET", red).status == 403
        of_it = f"(SELECT id FROM snapshots WHERE repo = '{repo}')"
        kept = rows(mirror, f"SELECT DISTINCT audience FROM decisions WHERE snapshot_id IN {of_it} ORDER BY audience")
        assert kept == [("",), ("red-1/",)], "teams that no rule names share one decision"
        explain = f"/api/curator/v1/explain?repo={repo}"
        admin = {"Authorization": f"Bearer {mirror.admin_token}"}
        assert ask(mirror.url, explain, headers=blue).json["outcome"] == "allow"
        assert ask(mirror.url, explain, headers=red).json["outcome"] == "block"
        assert ask(mirror.url, f"{explain}&team=red-1", headers=admin).json["outcome"] == "block"
        assert ask(mirror.url, f"{explain}&team=red-1", headers=red).json["outcome"] == "block"
        refused = ask(mirror.url, f"{explain}&team=red-1", headers=blue)
        assert refused.status == 403
        assert "the token of somebody who may see all" in refused.json["error"]
    listed = curator("token", "list", "--data", str(mirror.data)).stdout
    assert "for red-1" in listed
    assert "for blue/p" in listed
    wrong = curator("token", "create", "w", "--team", "a/b", "--data", str(mirror.data))
    assert wrong.returncode == 2
    assert "not a team's name" in wrong.stderr
    with under(mirror, rules("by-team", "acme-research/tiny-*", teams="blue")):
        until(lambda: ask(mirror.url, file, "HEAD", blue).status == 403)
        assert settled(mirror.url, file, "HEAD", red).status == 200
