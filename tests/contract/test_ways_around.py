"""Each known way around curation is closed, and nothing of it reaches the Hub.

The numbers are those of the list that the project keeps of such ways; those of clients that do not ask the mirror at
all are for a firewall, and docs/security.md names the hosts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT, VERSIONS, Client, hf_command
from tests.contract.http import Reply, ask

REPOS = ROOT / "fixtures" / "repos"
CLEAN = "acme-research/tiny-bert"
EVIL = "mallory/shell-in-a-pickle"
PARTLY = "acme-research/both-formats"
PAYLOAD = REPOS / "models" / EVIL / "main" / "pytorch_model.bin"
WEIGHTS = REPOS / "models" / CLEAN / "first" / "model.safetensors"
each_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module", autouse=True)
def judged(mirror: MirrorProcess) -> None:
    """Decide about the repositories once, so that what is asked of the Hub later is asked for another reason."""
    for repo, status in ((CLEAN, 200), (EVIL, 403), (PARTLY, 200)):
        assert ask(mirror.url, f"/api/models/{repo}").status == status


@pytest.fixture
def untouched(hub: FixtureHub) -> Iterator[None]:
    """Whatever the test does, the Hub hears nothing of it, but for what a branch stands for by now."""
    hub.forget_requests()
    yield
    assert [one for one in hub.requests() if one["path"] != f"/api/models/{EVIL}/revision/main"] == []


def sha_of(hub: FixtureHub, repo: str) -> str:
    return str(ask(hub.url, f"/api/models/{repo}").json["sha"])


def refused(reply: Reply) -> bool:
    """Whether it was a refusal in words, without a byte of a file and without a way to one."""
    text = reply.body.decode()
    said = json.loads(text).get("error") if reply.headers["content-type"].startswith("application/json") else text
    return reply.status in {403, 404, 405} and bool(said) and "location" not in reply.headers


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
    mirror: MirrorProcess, hub: FixtureHub, tmp_path: Path, version: str
) -> None:
    hub.forget_requests()
    client = Client(version, mirror.url, tmp_path / "home")
    assert (client.snapshot(CLEAN) / "model.safetensors").read_bytes() == WEIGHTS.read_bytes()
    assert not [entry for entry in hub.requests() if "xet" in entry["path"]]


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


@pytest.mark.usefixtures("untouched")
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
    hub.forget_requests()
    path = path.replace("{repo}", EVIL).replace("{sha}", sha).replace("{file}", "pytorch_model.bin")
    path = path.replace("{sha256}", hashlib.sha256(PAYLOAD.read_bytes()).hexdigest())
    reply = ask(mirror.url, path)
    assert reply.status in {403, 404}
    assert "location" not in reply.headers
    assert PAYLOAD.read_bytes()[:64] not in reply.body
    if "/bl" not in path and "/commit/" not in path:
        assert b"blocked by the rule unsafe-file" in reply.body
    assert ask(mirror.url, path, "HEAD").status == reply.status


@pytest.mark.parametrize("verb", ["resolve", "raw"])
def test_05_a_file_that_is_left_out_is_left_out_under_each_address(mirror: MirrorProcess, verb: str) -> None:
    reply = ask(mirror.url, f"/{PARTLY}/{verb}/main/pytorch_model.bin")
    assert (reply.status, reply.headers["x-error-code"]) == (404, "EntryNotFound")
    assert "left out by the rule" in reply.json["error"]


def test_05_a_raw_file_is_what_git_has(mirror: MirrorProcess, hub: FixtureHub) -> None:
    for path in ("model.safetensors", "config.json"):
        ours, theirs = (ask(url, f"/{CLEAN}/raw/main/{path}") for url in (mirror.url, hub.url))
        assert (ours.status, ours.body) == (200, theirs.body)


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
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    repo = "acme-research/turned"
    tags = ask(own_hub.url, f"/api/models/{repo}/refs").json["tags"]
    good, bad = (next(tag["targetCommit"] for tag in tags if tag["name"] == name) for name in ("v1", "bad"))
    own_hub.move_branch(repo, "main", good)
    at_once = {"CURATOR_REVISION_TTL_S": "0.001", "CURATOR_BRANCH_SESSION_S": "0"}
    with MirrorProcess(tmp_path / "data", own_hub.url, at_once) as mirror:
        assert ask(mirror.url, f"/api/models/{repo}").json["sha"] == good
        own_hub.move_branch(repo, "main", bad)
        assert ask(mirror.url, f"/api/models/{repo}/revision/{bad}").status == 403
        info = ask(mirror.url, f"/api/models/{repo}")
        refs = ask(mirror.url, f"/api/models/{repo}/refs")
        history = ask(mirror.url, f"/api/models/{repo}/commits/main")
        raw = ask(mirror.url, f"/{repo}/raw/main/config.json")
        named = [branch["targetCommit"] for branch in refs.json["branches"] if branch["name"] == "main"]
        assert [info.json["sha"], *named, history.json[0]["id"], raw.headers["x-repo-commit"]] == [good] * 4
        assert refs.headers["x-curator-upstream-commit"] == bad
        (found,) = ask(mirror.url, "/api/models?search=turned").json
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


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("rest", ["parquet", "parquet/default/train/0.parquet", "croissant", "leaderboard"])
def test_11_what_the_hub_makes_of_datasets_is_not_served(mirror: MirrorProcess, rest: str) -> None:
    reply = ask(mirror.url, f"/api/datasets/acme-data/rows/{rest}")
    assert refused(reply)
    assert b"http" not in reply.body


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path",
    [
        "/spaces/{space}/resolve/main/app.py",
        "/spaces/{space}/raw/main/app.py",
        "/spaces/{space}",
        "/api/spaces/{space}",
        "/api/spaces/{space}/revision/main",
        "/api/spaces/{space}/tree/main",
        "/api/spaces/{space}/refs",
        "/api/spaces/{space}/commits/main",
        "/api/spaces/{space}/resolve/main/app.py",
        "/api/spaces/{space}/runtime",
        "/api/spaces/{space}/logs/run",
        "/api/spaces",
    ],
)
def test_12_spaces_are_closed(mirror: MirrorProcess, path: str) -> None:
    assert refused(ask(mirror.url, path.replace("{space}", "acme-research/demo-space")))


def test_12_a_client_reads_why_a_space_is_closed(mirror: MirrorProcess, tmp_path: Path) -> None:
    client = Client("2.4", mirror.url, tmp_path / "home")
    answer = client.call("file", repo_id="acme-research/demo-space", filename="app.py", repo_type="space")
    assert answer.error == "GatedRepoError"
    assert "CURATOR_SPACES=true" in answer.message


def test_12_a_list_of_spaces_is_refused_in_words_that_hf_prints(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "spaces", "ls")
    assert done.returncode != 0
    assert "Spaces are not served by this mirror" in done.stdout + done.stderr


def test_12_a_space_that_is_switched_on_is_judged_as_a_model_is(hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", hub.url, {"CURATOR_SPACES": "true"}) as mirror:
        client = Client("2.4", mirror.url, tmp_path / "home")
        path = client.file("acme-research/demo-space", "app.py", repo_type="space")
        assert path.read_bytes() == (REPOS / "spaces/acme-research/demo-space/main/app.py").read_bytes()
        info = client.call("info", repo_id="acme-research/demo-space", repo_type="space")
        assert info.value["id"] == "acme-research/demo-space"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/kernels/a/b/resolve/main/x.so", "Kernels are not served"),
        ("/api/kernels/a/b/revision/main", "Kernels are not served"),
        ("/buckets/a/b/resolve/x", "Buckets are not served"),
        ("/api/buckets/a/b/tree", "Buckets are not served"),
    ],
)
def test_13_kernels_and_buckets_are_closed(mirror: MirrorProcess, path: str, said: str) -> None:
    reply = ask(mirror.url, path)
    assert (reply.status, reply.headers["x-error-code"]) == (403, "GatedRepo")
    assert said in reply.json["error"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/models/{repo}/preupload/main"),
        ("POST", "/api/models/{repo}/commit/main"),
        ("POST", "/api/models/{repo}/branch/x"),
        ("POST", "/api/models/{repo}/tag/x"),
        ("POST", "/api/models/{repo}/lfs-files/batch"),
        ("POST", "/api/models/{repo}/super-squash/main"),
        ("POST", "/api/models/{repo}/discussions"),
        ("POST", "/api/models/{repo}/duplicate"),
        ("POST", "/api/models/{repo}/lfs-files/duplicate"),
        ("POST", "/api/spaces/{repo}/duplicate"),
        ("PUT", "/api/models/{repo}/settings"),
        ("DELETE", "/api/repos/delete"),
        ("POST", "/api/repos/create"),
        ("POST", "/api/repos/move"),
        ("POST", "/uploads"),
        ("PUT", "/{repo}/resolve/main/model.safetensors"),
        ("POST", "/v2/{repo}/blobs/uploads"),
        ("PUT", "/v2/{repo}/manifests/latest"),
    ],
)
def test_14_15_nothing_can_be_written_or_copied(mirror: MirrorProcess, method: str, path: str) -> None:
    reply = ask(mirror.url, path.replace("{repo}", CLEAN), method, body=b"{}")
    assert reply.status == 403
    assert reply.json["error"]


@each_version
@pytest.mark.usefixtures("untouched")
def test_14_an_upload_fails_in_words(mirror: MirrorProcess, tmp_path: Path, version: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("what must stay here")
    client = Client(version, mirror.url, tmp_path / "home", mirror.admin_token)
    arguments = {"path_or_fileobj": str(secret), "path_in_repo": "secret.txt", "repo_id": CLEAN}
    answer = client.call("upload", **arguments)
    assert answer.error is not None
    assert "This mirror is read-only" in answer.message


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
    "path",
    [
        f"/api/models/{CLEAN}/discussions",
        f"/api/models/{CLEAN}/discussions/1",
        f"/{CLEAN}/discussions/1",
        f"/datasets/{CLEAN}/discussions",
        f"/api/models/{CLEAN}/compare/main..refs%2Fpr%2F1",
        f"/api/models/{CLEAN}/compare/a..b?raw=true",
        f"/api/models/{CLEAN}/scan",
        "/uploads/x",
        "/api/jobs/acme",
        "/api/scheduled-jobs/acme/1",
        "/api/inference/x",
        "/api/tasks",
        "/api/collections",
        "/api/collections/acme/x",
        "/api/papers/2401.00001",
        "/papers/2401.00001.md",
        "/api/daily_papers",
        "/api/users/acme/overview",
        "/api/organizations/acme/members",
        "/api/settings/webhooks",
        "/oauth/authorize",
        "/.well-known/openid-configuration",
        "/api/quicksearch?q=x",
        "/api/anything",
        "/a/b/c/d/e",
    ],
)
def test_17_18_20_what_else_the_hub_has_is_closed(mirror: MirrorProcess, path: str) -> None:
    assert refused(ask(mirror.url, path))


def test_18_metadata_of_a_refused_file_is_refused(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, f"/api/models/{EVIL}/safetensors-metadata/model.safetensors.index.json")
    assert reply.status == 403


def test_19_no_list_goes_on_at_the_hub(mirror: MirrorProcess, hub: FixtureHub) -> None:
    for path in ("/api/models?limit=1", "/api/datasets?limit=1", f"/api/models/{CLEAN}/commits/main?limit=1"):
        reply = ask(mirror.url, path)
        assert reply.status == 200
        assert hub.url not in reply.headers.get("link", "")
        assert hub.url.encode() not in reply.body


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


def test_23_the_hosts_that_a_firewall_must_close_are_named() -> None:
    text = (ROOT / "docs/security.md").read_text()
    hosts = ["huggingface.co", "hf.co", "*.hf.co", "*.xethub.hf.co", "*.hf.space", "datasets-server.huggingface.co"]
    assert [host for host in hosts if f"`{host}`" not in text] == []


def test_24_code_of_another_repository_has_that_ones_verdict(mirror: MirrorProcess, tmp_path: Path) -> None:
    # auto_map "other/repo--file.Class" in a config makes transformers fetch exactly this.
    client = Client("2.4", mirror.url, tmp_path / "home")
    answer = client.call("file", repo_id=EVIL, filename="modeling.py")
    assert answer.error == "GatedRepoError"


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


@pytest.mark.usefixtures("untouched")
def test_what_clients_tell_of_themselves_stays_here(mirror: MirrorProcess) -> None:
    assert ask(mirror.url, "/api/telemetry/transformers/x", "HEAD").status == 200
    assert ask(mirror.url, "/api/telemetry/x", "POST", body=b"{}").status == 200
    assert refused(ask(mirror.url, "/api/agent-harnesses"))
