"""The `hf` command of the newest huggingface_hub, for all that one does with it against a mirror."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.clients import hf_command, installed
from tests.contract.conftest import Front
from tests.contract.outcomes import record_client, shown
from tests.contract.repositories import TINY, content


def told(what: str, outcome: str) -> None:
    record_client("hf", installed("hub-2.4", "huggingface_hub"), what, outcome)


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_clean_model_is_downloaded_listed_and_verified(mirror: MirrorProcess, tmp_path: Path) -> None:
    succeeds(hf_command(mirror.url, tmp_path, "download", "acme-research/tiny-bert"))
    (folder,) = tmp_path.glob("hub/models--acme-research--tiny-bert/snapshots/*")
    assert content(folder) == content(TINY / "first") | content(TINY / "main")
    told("clean", "byte for byte")
    assert "acme-research/tiny-bert" in succeeds(hf_command(mirror.url, tmp_path, "cache", "ls"))
    succeeds(hf_command(mirror.url, tmp_path, "cache", "verify", "acme-research/tiny-bert"))
    blob = (folder / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    changed = hf_command(mirror.url, tmp_path, "cache", "verify", "acme-research/tiny-bert")
    assert changed.returncode != 0
    assert "model.safetensors" in changed.stdout + changed.stderr


def test_a_blocked_model_says_why_on_a_line_of_its_own(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "download", "mallory/shell-in-a-pickle")
    assert done.returncode != 0
    *_, last = done.stderr.strip().splitlines()
    outcome = shown("blocked by the rule unsafe-file", last, done.stdout + done.stderr)
    assert outcome != "not shown"
    told("refusal", outcome)


def test_an_unsafe_file_is_left_out_and_told_of(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "download", "acme-research/both-formats")
    succeeds(done)
    (folder,) = tmp_path.glob("hub/models--acme-research--both-formats/snapshots/*")
    assert "pytorch_model.bin" not in content(folder)
    assert "left out by the rule" in done.stdout + done.stderr
    told("left out", "left out; why: printed")


def test_a_tag_is_what_it_was(mirror: MirrorProcess, tmp_path: Path) -> None:
    where = ["--revision", "v1.0", "--local-dir", str(tmp_path / "it")]
    succeeds(hf_command(mirror.url, tmp_path, "download", "acme-research/tiny-bert", "README.md", *where))
    assert (tmp_path / "it" / "README.md").read_bytes() == (TINY / "first" / "README.md").read_bytes()
    told("revision", "as they were")


def test_models_are_found_and_described(mirror: MirrorProcess, tmp_path: Path) -> None:
    found = json.loads(succeeds(hf_command(mirror.url, tmp_path, "models", "ls", "--search", "tiny-bert", "--json")))
    assert [model["id"] for model in found] == ["acme-research/tiny-bert"]
    about = json.loads(
        succeeds(hf_command(mirror.url, tmp_path, "models", "info", "acme-research/tiny-bert", "--json"))
    )
    assert len(about["sha"]) == 40
    told("listing", "`models ls`, `models info`")


def test_one_logs_in_with_a_token_of_the_mirror(strict: MirrorProcess, tmp_path: Path) -> None:
    token = strict.admin_token or ""
    assert hf_command(strict.url, tmp_path, "download", "acme-research/tiny-bert", "config.json").returncode != 0
    succeeds(hf_command(strict.url, tmp_path, "auth", "login", "--token", token))
    assert "admin" in succeeds(hf_command(strict.url, tmp_path, "auth", "whoami"))
    succeeds(hf_command(strict.url, tmp_path, "download", "acme-research/tiny-bert", "config.json"))
    wrong = hf_command(strict.url, tmp_path / "other", "auth", "login", "--token", "hf_" + "x" * 34)
    assert wrong.returncode != 0
    told("token", "`hf auth login --token`, `HF_TOKEN`")


@pytest.mark.parametrize("repo", ["acme-research/tiny-bert", "acme-research/odd-names"])
def test_it_works_below_a_path_and_asks_nobody_else(front: Front, tmp_path: Path, repo: str) -> None:
    quiet = {"HF_HUB_DISABLE_UPDATE_CHECK": "1"}  # It asks elsewhere whether there is a newer version of itself.
    succeeds(hf_command(front.url, tmp_path, "download", repo, **front.no_way_around, **quiet))
    asked = [str(one).partition("?")[0] for one in front.about(repo)]
    sha = asked[1].rpartition("/")[2]
    assert asked[:2] == [f"GET /api/models/{repo}/revision/main", f"GET /api/models/{repo}/tree/{sha}"]
    assert all(f"/resolve/{sha}/" in one for one in asked[2:])
    assert front.door.strayed == []
    told("prefix", "works")
    if repo.endswith("odd-names"):
        told("odd", "byte for byte")
