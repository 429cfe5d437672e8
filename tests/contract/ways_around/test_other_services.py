"""What else the Hub has: all that is made of files, is no model, writes, or leads on to other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT, VERSIONS, Client, hf_command
from tests.contract.http import ask, settled
from tests.contract.repositories import REPOS
from tests.contract.ways_around.common import CLEAN, EVIL, refused

each_version = pytest.mark.parametrize("version", VERSIONS)


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
        "/-/spaces/{space}",
        "/api/curator/v1/explain?repo={space}&kind=space",
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


def test_12_a_space_that_is_switched_on_is_judged_as_a_model_is(otherwise: MirrorProcess, tmp_path: Path) -> None:
    assert settled(otherwise.url, "/api/spaces/acme-research/demo-space").status == 200
    client = Client("2.4", otherwise.url, tmp_path / "home")
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


def test_23_the_hosts_that_a_firewall_must_close_are_named() -> None:
    text = (ROOT / "docs/security.md").read_text()
    hosts = ["huggingface.co", "hf.co", "*.hf.co", "*.xethub.hf.co", "*.hf.space", "datasets-server.huggingface.co"]
    assert [host for host in hosts if f"`{host}`" not in text] == []


@pytest.mark.usefixtures("untouched")
def test_what_clients_tell_of_themselves_stays_here(mirror: MirrorProcess) -> None:
    assert ask(mirror.url, "/api/telemetry/transformers/x", "HEAD").status == 200
    assert ask(mirror.url, "/api/telemetry/x", "POST", body=b"{}").status == 200
    assert refused(ask(mirror.url, "/api/agent-harnesses"))
