"""What people decide beside the rules: waivers and lists, from the command line to the client that was refused."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import Reply, ask, settled

TINY = "acme-research/tiny-bert"
BAD = "mallory/shell-in-a-pickle"
TURNED = "acme-research/turned"
FILE = f"/{TINY}/resolve/main/model.safetensors"
LIST = "/api/curator/v1/lists"
WAIVERS = "/api/curator/v1/waivers"

_RULES = """
schema: curator.rules/1
name: reviewed
description: Nothing of unknown publishers before somebody has looked, and nothing unsafe.
branches: strict
rules:
  - id: unsafe-file
    description: Unsafe files are not served.
    when: {file_verdict: [unsafe]}
    outcome: block
    message: "{file} is unsafe"
  - id: unknown-publisher
    description: Models of publishers that nobody knows wait for a look.
    applies_to: {repositories: ["acme-research/*", "mallory/*"], kinds: [model]}
    when: {publisher_known: false}
    outcome: hold
    message: "nobody has looked at {repository} yet"
"""


@pytest.fixture
def mirror(own_hub: FixtureHub, tmp_path: Path) -> Iterator[MirrorProcess]:
    """A mirror whose rules hold what nobody has looked at."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(_RULES)
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_RULES": str(rules)}) as mirror:
        yield mirror


def told(mirror: MirrorProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of an administrator."""
    return curator(*arguments, CURATOR_URL=mirror.url, CURATOR_TOKEN=mirror.admin_token or "")


def asked(mirror: MirrorProcess, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Reply:
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    return ask(mirror.url, path, method, headers, json.dumps(body).encode() if body is not None else None)


def rows(mirror: MirrorProcess, query: str, *values: str) -> list[Any]:
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        return connection.execute(query, values).fetchall()


def test_the_command_that_was_refused_works_as_soon_as_somebody_has_approved(
    mirror: MirrorProcess, tmp_path: Path
) -> None:
    client = Client("2.4", mirror.url, tmp_path / "home")
    assert settled(mirror.url, f"/api/models/{TINY}").status == 403
    answer = client.call("snapshot", repo_id=TINY)
    assert answer.error == "GatedRepoError"
    assert "nobody has looked at acme-research/tiny-bert yet" in answer.message

    done = told(mirror, "approve", "acme-research/*", "--reason", "known to us, ticket 12")
    assert done.returncode == 0, done.stderr
    assert "Approved: acme-research/*, for everybody, without an end" in done.stdout
    assert "1 decision about 1 commit is made anew." in done.stdout
    assert (client.snapshot(TINY) / "model.safetensors").exists()

    (entry,) = json.loads(told(mirror, "lists", "--format", "json").stdout)
    assert (entry["effect"], entry["repositories"], entry["by"]) == ("approve", ["acme-research/*"], "admin")
    assert told(mirror, "lists", "end", entry["id"]).returncode == 0
    assert settled(mirror.url, f"/api/models/{TINY}").status == 403, "an approval that is taken back opens nothing"
    assert told(mirror, "lists").stdout == ""
    assert "ended" in told(mirror, "lists", "--all").stdout


def test_what_is_blocked_is_not_served_from_that_moment_on_also_from_memory(mirror: MirrorProcess) -> None:
    assert told(mirror, "approve", TINY, "--reason", "known").returncode == 0
    assert settled(mirror.url, f"/api/models/{TINY}").status == 200
    for _ in range(3):
        assert ask(mirror.url, FILE).status == 200

    done = told(mirror, "block", TINY, "--reason", "advisory 7")
    assert done.returncode == 0, done.stderr
    reply = settled(mirror.url, FILE)
    assert reply.status == 403
    assert "blocked-list" in reply.headers["x-error-message"]
    assert "advisory 7" in reply.headers["x-error-message"]
    changed = rows(mirror, "SELECT sentence FROM audit WHERE action = 'change' AND repo = ? ORDER BY id DESC", TINY)
    assert changed[0][0].startswith("allowed until now")


def test_a_waiver_lets_the_refused_command_through_and_is_found_in_the_record(
    mirror: MirrorProcess, tmp_path: Path
) -> None:
    client = Client("2.4", mirror.url, tmp_path / "home")
    assert settled(mirror.url, f"/api/models/{BAD}").status == 403
    settled(mirror.url, "/api/models/acme-research/both-formats")
    preview = told(mirror, "waive", BAD, "--rule", "unsafe-file", "--reason", "read", "--until", "30d", "--preview")
    assert preview.returncode == 3, preview.stderr
    assert "covers unsafe-file (block), all of it: pytorch_model.bin" in preview.stdout
    assert "the same content in other repositories, too: acme-research/both-formats\n" in preview.stdout
    assert "still  unknown-publisher (hold): nobody has looked at mallory/shell-in-a-pickle yet" in preview.stdout
    assert "would be held" in preview.stdout
    assert told(mirror, "waivers").stdout == "", "a preview gives nothing"

    first = told(mirror, "waive", BAD, "--rule", "unsafe-file", "--reason", "read by hand", "--until", "30d")
    assert first.returncode == 3, "and so does the waiver itself: nobody is to find it held afterwards"
    assert settled(mirror.url, f"/api/models/{BAD}").status == 403
    second = told(mirror, "waive", BAD, "--reason", "known to us", "--until", "30d")
    assert second.returncode == 0, second.stdout + second.stderr
    assert (client.snapshot(BAD) / "pytorch_model.bin").exists()

    (newer, older) = json.loads(told(mirror, "waivers", "--format", "json").stdout)
    assert [newer["rules"], older["rules"]] == [["unknown-publisher"], ["unsafe-file"]]
    shown = json.loads(told(mirror, "waivers", "show", older["id"], "--format", "json").stdout)
    assert shown["uses"]["decisions"] >= 1
    assert shown["uses"]["downloads"] >= 1, "a download names the decision, and the decision the waivers"
    used = rows(mirror, "SELECT DISTINCT rules FROM audit WHERE action = 'waiver-used' ORDER BY rules")
    assert used == [("unknown-publisher",), ("unsafe-file",)]

    end = told(mirror, "waivers", "end", older["id"])
    assert end.returncode == 0, end.stderr
    assert settled(mirror.url, f"/{BAD}/resolve/main/pytorch_model.bin").status == 403


def test_who_approves_what_is_blocked_is_told_at_once_that_it_stays_so(mirror: MirrorProcess) -> None:
    assert settled(mirror.url, f"/api/models/{BAD}").status == 403
    done = told(mirror, "approve", BAD, "--reason", "known")
    assert done.returncode == 0, done.stderr
    assert "stays blocked by the rule unsafe-file: pytorch_model.bin is unsafe" in done.stdout
    commit = ask(mirror.upstream, f"/api/models/{BAD}").json["sha"]
    assert f"{BAD}@{commit} stays blocked" in done.stdout


def test_a_waiver_that_runs_out_closes_what_it_opened_without_anybody_doing_anything(mirror: MirrorProcess) -> None:
    assert settled(mirror.url, f"/api/models/{BAD}").status == 403
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    body = {"repository": BAD, "reason": "for the moment", "until": end.isoformat()}
    assert asked(mirror, WAIVERS, "POST", body).status == 201
    file = f"/{BAD}/resolve/main/config.json"
    assert settled(mirror.url, file).status == 200
    assert ask(mirror.url, file).status == 200, "also from memory"
    time.sleep(max((end - dt.datetime.now(dt.UTC)).total_seconds(), 0) + 0.05)
    reply = settled(mirror.url, file)
    assert (reply.status, "rule unsafe-file" in reply.headers["x-error-message"]) == (403, True)


def test_what_is_for_one_team_opens_and_closes_nothing_for_another(mirror: MirrorProcess) -> None:
    def of(team: str) -> dict[str, str]:
        made = told(mirror, "token", "create", team, "--team", team, "--data", str(mirror.data))
        return {"Authorization": f"Bearer {made.stdout.strip()}"}

    tokens = {team: of(team) for team in ("risk", "sales")}
    info = f"/api/models/{TINY}"

    def seen() -> dict[str, int]:
        return {team: settled(mirror.url, info, headers=headers).status for team, headers in tokens.items()}

    assert seen() == {"risk": 403, "sales": 403}
    assert told(mirror, "approve", TINY, "--team", "risk", "--reason", "theirs").returncode == 0
    assert seen() == {"risk": 200, "sales": 403}
    assert told(mirror, "approve", TINY, "--reason", "for all").returncode == 0
    assert seen() == {"risk": 200, "sales": 200}
    assert told(mirror, "block", TINY, "--team", "sales", "--reason", "not theirs").returncode == 0
    assert seen() == {"risk": 200, "sales": 403}


def test_a_range_is_exactly_the_commits_that_were_in_it_when_it_was_said(
    mirror: MirrorProcess, own_hub: FixtureHub
) -> None:
    commits = [one["id"] for one in ask(own_hub.url, f"/api/models/{TINY}/commits/main").json]
    assert len(commits) >= 2
    done = told(mirror, "approve", f"{TINY}@{commits[-1]}..{commits[0]}", "--reason", "read", "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["entries"][0]["commits"] == sorted(commits)
    assert f"are {len(commits)} commits, from {commits[-1]} to {commits[0]}" in document["notes"][0]
    assert settled(mirror.url, f"/api/models/{TINY}/revision/{commits[-1]}").status == 200
    backwards = told(mirror, "block", f"{TINY}@{commits[0]}..{commits[-1]}", "--reason", "read")
    assert backwards.returncode == 2
    assert "name the older one first" in backwards.stderr


def test_a_collection_is_named_as_people_call_it(mirror: MirrorProcess) -> None:
    done = told(mirror, "approve", "collection:Llama 4", "collection:DeepSeek", "collection:Qwen", "--reason", "wanted")
    assert done.returncode == 0, done.stderr
    assert "Approved: the collection llama-4" in done.stdout
    assert "meta-llama/Llama-4-*" in done.stdout
    wrong = told(mirror, "block", "collection:deapseek", "--reason", "no")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "curator: There is no collection 'deapseek': did you mean 'deepseek'?\n",
    )
    assert "qwen" in curator("collections").stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": " "}, "Say why"),
        ({"until": "400d"}, "365 days at most"),
        ({"until": None}, "A waiver wants an end"),
        ({"until": "2020-01-01"}, "not in the future"),
        ({"until": "soon"}, "is no end"),
        ({"rules": ["no-such-rule"]}, "says nothing against"),
        ({"findings": ["keras-lambda"]}, "does not rest on a finding 'keras-lambda'"),
        ({"files": ["nowhere.bin"]}, "has no file 'nowhere.bin'"),
        ({"fingerprints": ["0" * 64]}, "does not rest on the fingerprint"),
        ({"teams": ["a b"]}, "is no name of a team"),
        ({"repository": TINY}, "Nothing stands against"),
    ],
)
def test_a_waiver_that_cannot_be_given_is_one_sentence(
    shared_exceptions: MirrorProcess, change: dict[str, Any], said: str
) -> None:
    body = {"repository": BAD, "reason": "because", "until": "30d"} | change
    reply = asked(shared_exceptions, WAIVERS, "POST", body)
    assert reply.status == 422, reply.body
    assert said in reply.json["error"]


@pytest.mark.parametrize(
    ("targets", "status"), [(["a/b/c"], 400), (["a b/*"], 422), (["acme/*@main"], 422), ([], 400), ([f"{TINY}@"], 400)]
)
def test_a_list_entry_that_cannot_be_made_is_one_sentence(
    shared_exceptions: MirrorProcess, targets: list[str], status: int
) -> None:
    reply = asked(shared_exceptions, LIST, "POST", {"effect": "block", "targets": targets, "reason": "because"})
    assert (reply.status, list(reply.json)) == (status, ["error", "exit_code"])
    assert asked(shared_exceptions, f"{LIST}?state=all").json == {"entries": [], "next": None}


def test_what_was_never_given_is_not_found_and_only_an_administrator_gives(shared_exceptions: MirrorProcess) -> None:
    for path in (WAIVERS, LIST):
        assert asked(shared_exceptions, f"{path}/nothing").status == 404
        assert asked(shared_exceptions, f"{path}/nothing", "DELETE").status == 404
        body = json.dumps({"effect": "block", "targets": [TINY], "reason": "x", "repository": TINY}).encode()
        refused = ask(shared_exceptions.url, path, "POST", {"Content-Type": "application/json"}, body)
        assert (refused.status, list(refused.json)) in [(403, ["error", "exit_code"]), (400, ["error", "exit_code"])]


@pytest.fixture(scope="module")
def shared_exceptions(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    with MirrorProcess(tmp_path_factory.mktemp("exceptions") / "data", hub.url) as mirror:
        for repo in (BAD, TINY):
            settled(mirror.url, f"/api/models/{repo}")
        yield mirror
