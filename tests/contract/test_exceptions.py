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
from uuid import uuid4

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import Reply, ask, settled

TINY = "acme-research/tiny-bert"
BAD = "mallory/shell-in-a-pickle"
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
    applies_to: {kinds: [model]}
    when: {publisher_known: false}
    outcome: hold
    message: "nobody has looked at {repository} yet"
"""


@pytest.fixture(scope="module")
def careful(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror whose rules hold what nobody has looked at: each test has repositories of its own."""
    folder = tmp_path_factory.mktemp("careful")
    (folder / "rules.yaml").write_text(_RULES)
    with MirrorProcess(folder / "data", hub.url, {"CURATOR_RULES": str(folder / "rules.yaml")}) as mirror:
        yield mirror


@pytest.fixture
def tiny(hub: FixtureHub) -> str:
    """A repository that is safe, of a publisher that has nothing else."""
    return hub.copy(TINY, f"house-{uuid4().hex[:8]}")


@pytest.fixture
def bad(hub: FixtureHub) -> str:
    """One that is not."""
    return hub.copy(BAD, f"thief-{uuid4().hex[:8]}")


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
    careful: MirrorProcess, tiny: str, tmp_path: Path
) -> None:
    whole = f"{tiny.partition('/')[0]}/*"
    client = Client("2.4", careful.url, tmp_path / "home")
    assert settled(careful.url, f"/api/models/{tiny}").status == 403
    answer = client.call("snapshot", repo_id=tiny)
    assert answer.error == "GatedRepoError"
    assert f"nobody has looked at {tiny} yet" in answer.message

    done = told(careful, "approve", whole, "--reason", "known to us, ticket 12")
    assert done.returncode == 0, done.stderr
    assert f"Approved: {whole}, for everybody, without an end" in done.stdout
    assert "1 decision about 1 commit is made anew." in done.stdout
    assert (client.snapshot(tiny) / "model.safetensors").exists()

    stand = json.loads(told(careful, "lists", "--format", "json").stdout)
    (entry,) = [one for one in stand if one["repositories"] == [whole]]
    assert (entry["effect"], entry["by"]) == ("approve", "admin")
    assert told(careful, "lists", "end", entry["id"]).returncode == 0
    assert settled(careful.url, f"/api/models/{tiny}").status == 403, "an approval that is taken back opens nothing"
    assert whole not in told(careful, "lists").stdout
    assert "ended" in told(careful, "lists", "--all").stdout


def test_what_is_blocked_is_not_served_from_that_moment_on_also_from_memory(careful: MirrorProcess, tiny: str) -> None:
    file = f"/{tiny}/resolve/main/model.safetensors"
    assert told(careful, "approve", tiny, "--reason", "known").returncode == 0
    assert settled(careful.url, f"/api/models/{tiny}").status == 200
    for _ in range(3):
        assert ask(careful.url, file).status == 200

    done = told(careful, "block", tiny, "--reason", "advisory 7")
    assert done.returncode == 0, done.stderr
    reply = settled(careful.url, file)
    assert reply.status == 403
    assert "blocked-list" in reply.headers["x-error-message"]
    assert "advisory 7" in reply.headers["x-error-message"]
    changed = rows(careful, "SELECT sentence FROM audit WHERE action = 'change' AND repo = ? ORDER BY id DESC", tiny)
    assert changed[0][0].startswith("allowed until now")


def test_a_waiver_lets_the_refused_command_through_and_is_found_in_the_record(
    careful: MirrorProcess, bad: str, tmp_path: Path
) -> None:
    client = Client("2.4", careful.url, tmp_path / "home")
    assert settled(careful.url, f"/api/models/{bad}").status == 403
    settled(careful.url, "/api/models/acme-research/both-formats")
    preview = told(careful, "waive", bad, "--rule", "unsafe-file", "--reason", "read", "--until", "30d", "--preview")
    assert preview.returncode == 3, preview.stderr
    assert "covers unsafe-file (block), all of it: pytorch_model.bin" in preview.stdout
    (others,) = [line for line in preview.stdout.splitlines() if "the same content in other repositories, too:" in line]
    assert "acme-research/both-formats" in others
    assert f"still  unknown-publisher (hold): nobody has looked at {bad} yet" in preview.stdout
    assert "would be held" in preview.stdout
    assert bad not in told(careful, "waivers").stdout, "a preview gives nothing"

    first = told(careful, "waive", bad, "--rule", "unsafe-file", "--reason", "read by hand", "--until", "30d")
    assert first.returncode == 3, "and so does the waiver itself: nobody is to find it held afterwards"
    assert settled(careful.url, f"/api/models/{bad}").status == 403
    second = told(careful, "waive", bad, "--reason", "known to us", "--until", "30d")
    assert second.returncode == 0, second.stdout + second.stderr
    assert (client.snapshot(bad) / "pytorch_model.bin").exists()

    stand = json.loads(told(careful, "waivers", "--format", "json").stdout)
    (newer, older) = [one for one in stand if one["repository"] == bad]
    assert [newer["rules"], older["rules"]] == [["unknown-publisher"], ["unsafe-file"]]
    shown = json.loads(told(careful, "waivers", "show", older["id"], "--format", "json").stdout)
    assert shown["uses"]["decisions"] >= 1
    assert shown["uses"]["downloads"] >= 1, "a download names the decision, and the decision the waivers"
    query = "SELECT DISTINCT rules FROM audit WHERE action = 'waiver-used' AND repo = ? ORDER BY rules"
    assert rows(careful, query, bad) == [("unknown-publisher",), ("unsafe-file",)]

    end = told(careful, "waivers", "end", older["id"])
    assert end.returncode == 0, end.stderr
    assert settled(careful.url, f"/{bad}/resolve/main/pytorch_model.bin").status == 403


def test_who_approves_what_is_blocked_is_told_at_once_that_it_stays_so(careful: MirrorProcess, bad: str) -> None:
    assert settled(careful.url, f"/api/models/{bad}").status == 403
    done = told(careful, "approve", bad, "--reason", "known")
    assert done.returncode == 0, done.stderr
    assert "stays blocked by the rule unsafe-file: pytorch_model.bin is unsafe" in done.stdout
    commit = ask(careful.upstream, f"/api/models/{bad}").json["sha"]
    assert f"{bad}@{commit} stays blocked" in done.stdout


def test_a_waiver_that_runs_out_closes_what_it_opened_without_anybody_doing_anything(
    careful: MirrorProcess, bad: str
) -> None:
    assert settled(careful.url, f"/api/models/{bad}").status == 403
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=12)
    body = {"repository": bad, "reason": "for the moment", "until": end.isoformat()}
    assert asked(careful, WAIVERS, "POST", body).status == 201
    file = f"/{bad}/resolve/main/config.json"
    assert settled(careful.url, file).status == 200
    assert ask(careful.url, file).status == 200, "also from memory"
    time.sleep(max((end - dt.datetime.now(dt.UTC)).total_seconds(), 0) + 0.05)
    reply = settled(careful.url, file)
    assert (reply.status, "rule unsafe-file" in reply.headers["x-error-message"]) == (403, True)


def test_what_is_for_one_team_opens_and_closes_nothing_for_another(careful: MirrorProcess, tiny: str) -> None:
    def of(team: str) -> dict[str, str]:
        made = told(careful, "token", "create", team, "--team", team, "--data", str(careful.data))
        return {"Authorization": f"Bearer {made.stdout.strip()}"}

    tokens = {team: of(team) for team in ("risk", "sales")}
    info = f"/api/models/{tiny}"

    def seen() -> dict[str, int]:
        return {team: settled(careful.url, info, headers=headers).status for team, headers in tokens.items()}

    assert seen() == {"risk": 403, "sales": 403}
    assert told(careful, "approve", tiny, "--team", "risk", "--reason", "theirs").returncode == 0
    assert seen() == {"risk": 200, "sales": 403}
    assert told(careful, "approve", tiny, "--reason", "for all").returncode == 0
    assert seen() == {"risk": 200, "sales": 200}
    assert told(careful, "block", tiny, "--team", "sales", "--reason", "not theirs").returncode == 0
    assert seen() == {"risk": 200, "sales": 403}


def test_a_range_is_exactly_the_commits_that_were_in_it_when_it_was_said(
    careful: MirrorProcess, hub: FixtureHub, tiny: str
) -> None:
    commits = [one["id"] for one in ask(hub.url, f"/api/models/{tiny}/commits/main").json]
    assert len(commits) >= 2
    done = told(careful, "approve", f"{tiny}@{commits[-1]}..{commits[0]}", "--reason", "read", "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["entries"][0]["commits"] == sorted(commits)
    assert f"are {len(commits)} commits, from {commits[-1]} to {commits[0]}" in document["notes"][0]
    assert settled(careful.url, f"/api/models/{tiny}/revision/{commits[-1]}").status == 200
    backwards = told(careful, "block", f"{tiny}@{commits[0]}..{commits[-1]}", "--reason", "read")
    assert backwards.returncode == 2
    assert "name the older one first" in backwards.stderr


def test_a_collection_is_named_as_people_call_it(careful: MirrorProcess) -> None:
    done = told(
        careful, "approve", "collection:Llama 4", "collection:DeepSeek", "collection:Qwen", "--reason", "wanted"
    )
    assert done.returncode == 0, done.stderr
    assert "Approved: the collection llama-4" in done.stdout
    assert "meta-llama/Llama-4-*" in done.stdout
    wrong = told(careful, "block", "collection:deapseek", "--reason", "no")
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
    mirror: MirrorProcess, change: dict[str, Any], said: str
) -> None:
    body = {"repository": BAD, "reason": "because", "until": "30d"} | change
    reply = asked(mirror, WAIVERS, "POST", body)
    assert reply.status == 422, reply.body
    assert said in reply.json["error"]


@pytest.mark.parametrize(
    ("targets", "status"), [(["a/b/c"], 400), (["a b/*"], 422), (["acme/*@main"], 422), ([], 400), ([f"{TINY}@"], 400)]
)
def test_a_list_entry_that_cannot_be_made_is_one_sentence(
    mirror: MirrorProcess, targets: list[str], status: int
) -> None:
    reply = asked(mirror, LIST, "POST", {"effect": "block", "targets": targets, "reason": "because"})
    assert (reply.status, list(reply.json)) == (status, ["error", "exit_code"])
    assert asked(mirror, f"{LIST}?state=all").json == {"entries": [], "next": None}


def test_what_was_never_given_is_not_found_and_only_an_administrator_gives(mirror: MirrorProcess) -> None:
    for path in (WAIVERS, LIST):
        assert asked(mirror, f"{path}/nothing").status == 404
        assert asked(mirror, f"{path}/nothing", "DELETE").status == 404
        body = json.dumps({"effect": "block", "targets": [TINY], "reason": "x", "repository": TINY}).encode()
        refused = ask(mirror.url, path, "POST", {"Content-Type": "application/json"}, body)
        assert (refused.status, list(refused.json)) in [(403, ["error", "exit_code"]), (400, ["error", "exit_code"])]
