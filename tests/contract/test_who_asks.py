"""Where a mirror wants a token, one opens it for as long as it holds, and nothing that a client calls without one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import ask
from tests.contract.repositories import judge

REPO = "acme-research/tiny-bert"
ADDRESSES = (f"/{REPO}/resolve/main/config.json", f"/api/models/{REPO}", f"/api/models/{REPO}/tree/main")


@pytest.mark.parametrize(
    "open_to_all", ["/api/telemetry/x", "/api/agent-harnesses", f"/{REPO}.git/info/refs?service=git-upload-pack"]
)
@pytest.mark.parametrize("stranger", [{}, {"Authorization": "Bearer hf_" + "x" * 40}], ids=["no token", "a wrong one"])
def test_a_call_that_needs_no_token_opens_nothing(
    strict: MirrorProcess, open_to_all: str, stranger: dict[str, str]
) -> None:
    known = {"Authorization": f"Bearer {strict.admin_token}"}
    for _ in range(2):  # The second is answered from memory.
        assert [ask(strict.url, address, headers=known).status for address in ADDRESSES] == [200] * len(ADDRESSES)
    ask(strict.url, open_to_all, headers=stranger)
    assert [ask(strict.url, address, headers=stranger).status for address in ADDRESSES] == [401] * len(ADDRESSES)


def test_a_mirror_that_wants_tokens_gives_nothing_without_one(
    hub: FixtureHub, guarded: MirrorProcess, tmp_path: Path
) -> None:
    repo, known = hub.copy(REPO), "alice-who-asks"
    nobody = Client("2.4", guarded.url, tmp_path / "one").call("snapshot", repo_id=repo)
    assert "This mirror wants a token of its own" in nobody.message
    foreign = ask(guarded.url, f"/api/models/{repo}", headers={"Authorization": "Bearer hf_" + "x" * 34})
    assert foreign.status == 401
    made = curator("token", "create", known, "--data", str(guarded.data)).stdout.strip()
    assert made.startswith("hf_")
    judge(guarded.url, (f"models/{repo}",), made)
    client = Client("2.4", guarded.url, tmp_path / "two", made)
    client.snapshot(repo)
    assert client.call("whoami").value["name"] == known
    with closing(sqlite3.connect(guarded.data / "curator.db")) as database:
        pulled_by = "SELECT DISTINCT actor FROM audit WHERE action = 'download' AND repo = ?"
        assert database.execute(pulled_by, (repo,)).fetchall() == [(known,)]
    curator("token", "revoke", known, "--data", str(guarded.data))
    refused = client.call("info", repo_id=repo)
    assert "This token was revoked on" in refused.message
