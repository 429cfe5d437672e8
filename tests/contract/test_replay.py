"""`curator rules replay`: rules are tried on what was asked for, and the mirror goes on serving meanwhile."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import ask, settled

TINY = "acme-research/tiny-bert"
FILE = f"/{TINY}/resolve/main/model.safetensors"
_DRAFT = """
schema: curator.rules/1
name: stricter
rules:
  - {id: no-acme, description: d, when: {repository: ["acme-research/*"]}, outcome: block, message: "not {repository}"}
"""


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.yaml"
    path.write_text(_DRAFT)
    return path


def test_a_draft_is_tried_on_what_was_asked_for_and_changes_nothing(
    hub: FixtureHub, tmp_path: Path, draft: Path
) -> None:
    with MirrorProcess(tmp_path / "data", hub.url) as mirror:
        assert settled(mirror.url, f"/api/models/{TINY}").status == 200
        assert ask(mirror.url, FILE).status == 200
        assert settled(mirror.url, "/api/models/mallory/shell-in-a-pickle").status == 403
        variables = {"CURATOR_URL": mirror.url, "CURATOR_TOKEN": mirror.admin_token or ""}

        done = curator("rules", "replay", str(draft), "--days", "1", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        first = done.stdout.splitlines()[0]
        assert first == "Would have blocked 1 download of 1 model; would release 1 request of 1 model."
        assert "no-acme" in done.stdout
        assert ask(mirror.url, FILE).status == 200, "a draft is not in force"

        whole = curator("rules", "replay", str(draft), "--catalogue", "--format", "json", **variables)
        document = json.loads(whole.stdout)
        assert (document["schema"], document["of"], document["decisions"]) == ("curator.replay/1", "catalogue", 2)
        unknown = curator("rules", "replay", str(draft), "--against", "0123456789", **variables)
        assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)

        with (mirror.data / "replay.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            busy = curator("rules", "replay", str(draft), **variables)
        assert busy.returncode == 3
        assert busy.stderr == "curator: Rules are being tried here already: ask again when that has ended\n"

        draft.write_text(_DRAFT.replace("repository:", "repositry:"))
        wrong = curator("rules", "replay", str(draft), **variables)
        assert (wrong.returncode, "draft.yaml:5:" in wrong.stderr) == (1, True)
        nobody = curator("rules", "replay", "nowhere.yaml", **variables)
        assert nobody.returncode == 2
        assert nobody.stderr.startswith("curator: nowhere.yaml: there is no such file, and no pack of this name")
