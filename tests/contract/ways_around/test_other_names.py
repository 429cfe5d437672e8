"""The same bytes under another name: of a revision, or of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client
from tests.contract.http import ask, settled
from tests.contract.ways_around.common import CLEAN, EVIL, sha_of


@pytest.mark.parametrize(
    "path",
    [
        "/{repo}/resolve/{sha}/pytorch_model.bin",
        "/{repo}/raw/{sha}/config.json",
        "/api/models/{repo}/revision/{sha}",
        "/api/models/{repo}/tree/{sha}",
        "/api/models/{repo}/commits/{sha}",
        "/api/resolve-cache/models/{repo}/{sha}/pytorch_model.bin",
    ],
)
def test_06_a_commit_of_another_repository_is_none_of_this_one(
    mirror: MirrorProcess, hub: FixtureHub, path: str
) -> None:
    reply = ask(mirror.url, path.replace("{repo}", CLEAN).replace("{sha}", sha_of(hub, EVIL)))
    assert (reply.status, reply.headers["x-error-code"]) == (404, "RevisionNotFound")


def test_07_a_branch_that_moved_to_a_blocked_commit_is_given_at_the_allowed_one_by_all_answers(
    hub: FixtureHub, at_once: MirrorProcess
) -> None:
    repo, url = hub.copy("acme-research/turned"), at_once.url
    tags = ask(hub.url, f"/api/models/{repo}/refs").json["tags"]
    good, bad = (next(tag["targetCommit"] for tag in tags if tag["name"] == name) for name in ("v1", "bad"))
    hub.move_branch(repo, "main", good)
    assert settled(url, f"/api/models/{repo}").json["sha"] == good
    hub.move_branch(repo, "main", bad)
    assert settled(url, f"/api/models/{repo}/revision/{bad}").status == 403
    info = ask(url, f"/api/models/{repo}")
    refs = ask(url, f"/api/models/{repo}/refs")
    history = ask(url, f"/api/models/{repo}/commits/main")
    raw = ask(url, f"/{repo}/raw/main/config.json")
    named = [branch["targetCommit"] for branch in refs.json["branches"] if branch["name"] == "main"]
    assert [info.json["sha"], *named, history.json[0]["id"], raw.headers["x-repo-commit"]] == [good] * 4
    assert refs.headers["x-curator-upstream-commit"] == bad
    (found,) = ask(url, f"/api/models?search={repo}").json
    assert found["curator"]["outcome"] == "allow", "what can be had is not marked as if it could not"
    assert "curator:blocked" not in found["tags"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("revision", ["refs%2Fpr%2F1", "refs/pr/1", "refs%2fpr/1", "refs/pr%2F1"])
@pytest.mark.parametrize(
    "path",
    [
        "/{repo}/resolve/{revision}/config.json",
        "/{repo}/raw/{revision}/config.json",
        "/api/models/{repo}/revision/{revision}",
        "/api/models/{repo}/tree/{revision}",
        "/api/models/{repo}/commits/{revision}",
    ],
)
def test_08_a_pull_request_of_anybody_is_not_served(mirror: MirrorProcess, path: str, revision: str) -> None:
    reply = ask(mirror.url, path.replace("{repo}", CLEAN).replace("{revision}", revision))
    assert (reply.status, reply.headers["x-error-code"]) == (404, "RevisionNotFound")
    assert "anybody on the Hub can push" in reply.json["error"]


def test_08_pull_requests_are_in_no_list(mirror: MirrorProcess) -> None:
    refs = ask(mirror.url, f"/api/models/{CLEAN}/refs?include_prs=1")
    assert refs.json["pullRequests"] == []
    assert b"refs/pr" not in refs.body


def test_09_a_conversion_is_a_revision_with_a_decision_of_its_own(mirror: MirrorProcess) -> None:
    refs = ask(mirror.url, "/api/datasets/acme-data/rows/refs").json
    assert [ref["ref"] for ref in refs["converts"]] == ["refs/convert/parquet"]
    reply = ask(mirror.url, "/datasets/acme-data/rows/resolve/refs%2Fconvert%2Fparquet/rows.csv", "HEAD")
    assert (reply.status, reply.headers["x-repo-commit"]) == (200, refs["converts"][0]["targetCommit"])
    missing = ask(mirror.url, f"/{CLEAN}/resolve/refs%2Fconvert%2Fparquet/x")
    assert missing.headers["x-error-code"] == "RevisionNotFound"


@pytest.mark.parametrize("name", ["gpt2-mini", "old/gpt2-mini", "Acme-Research/GPT2-Mini"])
def test_10_another_name_of_a_repository_leads_nobody_to_the_hub(mirror: MirrorProcess, name: str) -> None:
    for path in (f"/{name}/resolve/main/config.json", f"/api/models/{name}", f"/api/models/{name}/refs"):
        reply = ask(mirror.url, path)
        assert reply.status == 200
        assert "location" not in reply.headers
    assert ask(mirror.url, "/Mallory/Shell-in-a-Pickle/resolve/main/config.json").status == 403


def test_24_code_of_another_repository_has_that_ones_verdict(mirror: MirrorProcess, tmp_path: Path) -> None:
    # auto_map "other/repo--file.Class" in a config makes transformers fetch exactly this.
    client = Client("2.4", mirror.url, tmp_path / "home")
    answer = client.call("file", repo_id=EVIL, filename="modeling.py")
    assert answer.error == "GatedRepoError"
