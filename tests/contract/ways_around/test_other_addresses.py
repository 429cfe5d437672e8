"""The same bytes under another address, by another protocol, or in parts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import VERSIONS, Client
from tests.contract.conftest import Front
from tests.contract.http import Reply, ask
from tests.contract.repositories import REPOS, WEIGHTS
from tests.contract.ways_around.common import CLEAN, EVIL, PARTLY, PAYLOAD, heard, sha_of


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_TERMINAL_PROMPT": "0", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    variables |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("address", [CLEAN, f"{CLEAN}.git", f"{EVIL}.git", "datasets/acme-data/rows", "gpt2-mini"])
def test_01_git_clone_is_refused_in_words_that_git_prints(mirror: MirrorProcess, tmp_path: Path, address: str) -> None:
    done = git(tmp_path, "clone", f"{mirror.url}/{address}", "it")
    assert done.returncode != 0
    assert "remote: This mirror does not serve git: use `hf download`" in done.stderr
    assert not (tmp_path / "it").exists()


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path",
    [
        "/{repo}.git/info/refs?service=git-upload-pack",
        "/{repo}/info/refs?service=git-receive-pack",
        "/{repo}.git/git-upload-pack",
        "/{repo}.git/HEAD",
        "/{repo}.git/objects/info/packs",
        "/spaces/{repo}/info/refs",
    ],
)
def test_01_no_address_of_git_is_served(mirror: MirrorProcess, path: str) -> None:
    for method in ("GET", "POST"):
        reply = ask(mirror.url, path.replace("{repo}", CLEAN), method, body=b"0000" if method == "POST" else None)
        assert (reply.status, reply.headers["content-type"]) == (403, "text/plain")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", ["objects/batch", "objects/x", "locks", "locks/verify", "verify"])
def test_02_lfs_is_refused_in_its_own_form_and_names_no_link(mirror: MirrorProcess, path: str) -> None:
    oid = hashlib.sha256(PAYLOAD.read_bytes()).hexdigest()
    body = json.dumps({"operation": "download", "objects": [{"oid": oid, "size": PAYLOAD.stat().st_size}]}).encode()
    for repo in (CLEAN, EVIL, f"datasets/{CLEAN}"):
        reply = ask(mirror.url, f"/{repo}.git/info/lfs/{path}", "POST", body=body)
        assert (reply.status, reply.headers["content-type"]) == (403, "application/vnd.git-lfs+json")
        assert "hf download" in reply.json["message"]
        assert b"href" not in reply.body


@pytest.mark.usefixtures("untouched")
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_02_git_lfs_itself_gets_nothing(mirror: MirrorProcess, tmp_path: Path) -> None:
    content = WEIGHTS.read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    (tmp_path / "model.safetensors").write_text(pointer)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "pointer")
    git(tmp_path, "remote", "add", "origin", f"{mirror.url}/{CLEAN}")
    done = git(tmp_path, "lfs", "fetch", "origin", "HEAD")
    assert done.returncode != 0
    assert "This mirror does not serve git" in done.stderr
    assert not list((tmp_path / ".git/lfs/objects").rglob(oid))


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_03_a_client_with_xet_goes_over_http_and_asks_for_no_token(
    front: Front, hub: FixtureHub, tmp_path: Path, version: str
) -> None:
    mark = hub.mark()
    client = Client(version, front.url, tmp_path / "home", variables=front.no_way_around)
    assert (client.snapshot(CLEAN) / "model.safetensors").read_bytes() == WEIGHTS.read_bytes()
    asked = front.about(CLEAN)
    assert asked
    assert not [one for one in asked if "xet" in one.path]
    assert front.door.strayed == []
    assert not [entry for entry in hub.requests(since=mark) if "xet" in entry["path"]]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("verb", ["xet-read-token", "xet-write-token"])
def test_03_no_permission_for_xet_is_given(mirror: MirrorProcess, verb: str) -> None:
    for path in (f"/api/models/{CLEAN}/{verb}/main", f"/api/datasets/acme-data/rows/{verb}/main"):
        reply = ask(mirror.url, path)
        assert reply.status == 403
        assert not [name for name in reply.headers if "xet" in name]
        assert b"casUrl" not in reply.body


def test_03_nothing_speaks_of_xet_at_any_depth(mirror: MirrorProcess) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    replies = [
        ask(mirror.url, f"/{CLEAN}/resolve/main/model.safetensors", "HEAD"),
        ask(mirror.url, f"/api/models/{CLEAN}?blobs=true"),
        ask(mirror.url, f"/api/models/{CLEAN}?expand=xetEnabled&expand=siblings&expand=id"),
        ask(mirror.url, f"/api/models/{CLEAN}/tree/main?recursive=true&expand=true"),
        ask(mirror.url, f"/api/models/{CLEAN}/paths-info/main", "POST", form, b"paths=model.safetensors&expand=true"),
        ask(mirror.url, "/api/models?full=true"),
    ]
    for reply in replies:
        assert reply.status == 200
        assert b"xet" not in reply.body.lower()
        assert not [name for name, value in reply.headers.items() if "xet" in name or "xet" in value]


@pytest.mark.parametrize(
    "path",
    [
        "/{repo}/resolve/main/{file}",
        "/{repo}/resolve/main/{file}?download=true",
        "/api/models/{repo}/resolve/main/{file}",
        "/api/resolve-cache/models/{repo}/{sha}/{file}",
        "/{repo}/resolve/{sha}/{file}",
        "/{repo}/raw/main/{file}",
        "/{repo}/raw/{sha}/{file}",
        "/{repo}/blob/main/{file}",
        "/{repo}/blame/main/{file}",
        "/{repo}/commit/{sha}",
        "/api/models/{repo}/safetensors-metadata/{file}",
        "/v2/{repo}/blobs/sha256:{sha256}",
    ],
)
def test_04_05_every_address_of_the_same_bytes_has_the_same_answer(
    mirror: MirrorProcess, hub: FixtureHub, path: str
) -> None:
    sha = sha_of(hub, EVIL)
    ask(mirror.url, f"/api/models/{EVIL}/revision/{sha}")
    mark = hub.mark()
    path = path.replace("{repo}", EVIL).replace("{sha}", sha).replace("{file}", "pytorch_model.bin")
    path = path.replace("{sha256}", hashlib.sha256(PAYLOAD.read_bytes()).hexdigest())
    reply = ask(mirror.url, path)
    assert reply.status in {403, 404}
    assert "location" not in reply.headers
    assert PAYLOAD.read_bytes()[:64] not in reply.body
    if "/bl" not in path and "/commit/" not in path:
        assert b"blocked by the rule unsafe-file" in reply.body
    assert ask(mirror.url, path, "HEAD").status == reply.status
    assert heard(hub, mark) == []


@pytest.mark.parametrize("verb", ["resolve", "raw"])
def test_05_a_file_that_is_left_out_is_left_out_under_each_address(mirror: MirrorProcess, verb: str) -> None:
    reply = ask(mirror.url, f"/{PARTLY}/{verb}/main/pytorch_model.bin")
    assert (reply.status, reply.headers["x-error-code"]) == (404, "EntryNotFound")
    assert "left out by the rule" in reply.json["error"]


def test_05_a_raw_file_is_what_git_has(mirror: MirrorProcess, hub: FixtureHub) -> None:
    for path in ("model.safetensors", "config.json"):
        ours, theirs = (ask(url, f"/{CLEAN}/raw/main/{path}") for url in (mirror.url, hub.url))
        assert (ours.status, ours.body) == (200, theirs.body)


def test_16_a_digest_opens_only_what_its_own_repository_may_serve(mirror: MirrorProcess) -> None:
    def answer(repo: str, digest: str) -> Reply:
        return ask(mirror.url, f"/v2/{repo}/blobs/sha256:{digest}")

    gguf = (REPOS / "models/acme-research/tiny-gguf/main/tiny-Q4_K_M.gguf").read_bytes()
    held, payload = hashlib.sha256(gguf).hexdigest(), hashlib.sha256(PAYLOAD.read_bytes()).hexdigest()
    assert answer("acme-research/tiny-gguf", held).body == gguf
    for repo, digest, status in ((CLEAN, held, 404), (CLEAN, payload, 404), (EVIL, payload, 403)):
        reply = answer(repo, digest)
        assert reply.status == status
        assert reply.json["errors"][0]["message"]
    left_out = (REPOS / "models" / PARTLY / "main/pytorch_model.bin").read_bytes()
    assert answer(PARTLY, hashlib.sha256(left_out).hexdigest()).status == 403
    manifest = ask(mirror.url, f"/v2/{EVIL}/manifests/latest")
    assert (manifest.status, manifest.json["errors"][0]["code"]) == (403, "DENIED")
    assert "blocked by the rule unsafe-file" in manifest.json["errors"][0]["message"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "asked", ["bytes=0-0", "bytes=-5", "bytes=0-1,3-4", "bytes=5-2", "bytes=0-", "items=0-1", "bytes=0-0, 0-0"]
)
def test_21_no_range_comes_before_the_decision(mirror: MirrorProcess, asked: str) -> None:
    for method in ("GET", "HEAD"):
        reply = ask(mirror.url, f"/{EVIL}/resolve/main/pytorch_model.bin", method, {"Range": asked})
        assert reply.status == 403
        assert "content-range" not in reply.headers


def test_21_several_ranges_are_the_whole_file(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, f"/{CLEAN}/resolve/main/model.safetensors", headers={"Range": "bytes=0-1,3-4"})
    assert (reply.status, reply.body) == (200, WEIGHTS.read_bytes())


@pytest.mark.usefixtures("untouched")
def test_22_what_a_client_has_already_is_no_reason(mirror: MirrorProcess) -> None:
    etag = hashlib.sha256(PAYLOAD.read_bytes()).hexdigest()
    for path in ("resolve", "raw"):
        reply = ask(mirror.url, f"/{EVIL}/{path}/main/pytorch_model.bin", headers={"If-None-Match": f'"{etag}"'})
        assert reply.status == 403


def test_javascript_that_prefers_xet_gets_plain_bytes(mirror: MirrorProcess) -> None:
    headers = {"Accept": "application/vnd.xet-fileinfo+json, */*", "Range": "bytes=0-0"}
    reply = ask(mirror.url, f"/{CLEAN}/resolve/main/model.safetensors", headers=headers)
    assert (reply.status, reply.headers["content-type"]) == (206, "application/octet-stream")
    assert reply.headers["content-range"] == f"bytes 0-0/{WEIGHTS.stat().st_size}"


def test_no_answer_sends_anybody_to_a_link_of_the_hub(mirror: MirrorProcess) -> None:
    for path in (f"/{CLEAN}/resolve/main/model.safetensors", f"/{CLEAN}/resolve/main/config.json"):
        for method in ("GET", "HEAD"):
            reply = ask(mirror.url, path, method)
            assert reply.status == 200
            assert "location" not in reply.headers
