"""The same clients where the mirror is one path of another server (`HF_ENDPOINT=http://host/hf`), and where the way
to it breaks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.contract.clients import NO_XET, VERSIONS, Client
from tests.contract.conftest import Front
from tests.contract.http import ask
from tests.contract.outcomes import record_client
from tests.contract.test_clients import TINY, content

each_version = pytest.mark.parametrize("version", [*VERSIONS, NO_XET])
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def client(version: str, front: Front, tmp_path: Path) -> Client:
    front.forget()
    return Client(version, front.url, tmp_path / "home", variables=front.no_way_around)


@each_version
def test_a_model_a_long_listing_and_a_refusal_come_from_below_a_path(client: Client, front: Front) -> None:
    assert content(client.snapshot("acme-research/tiny-bert")) == content(TINY / "first") | content(TINY / "main")
    tree = client.call("tree", repo_id="acme-research/many-files", recursive=True).value
    assert len([entry for entry in tree if "size" in entry]) == 65
    refused = client.call("snapshot", repo_id="mallory/shell-in-a-pickle")
    assert f"Details: {front.url}/-/decisions/" in refused.message
    assert front.door.strayed == [], "all that it asked was asked of the mirror"
    record_client("huggingface_hub", client.release, "prefix", "works")
    found = client.call("models", search="tiny-")
    assert {"acme-research/tiny-bert", "acme-research/tiny-torch"} <= {model["id"] for model in found.value}
    record_client("huggingface_hub", client.release, "listing", "`list_models`")


@each_version
def test_a_download_that_breaks_is_taken_up_again(client: Client, front: Front) -> None:
    client.file(MINILM, "config.json")
    front.door.cut_once("model.safetensors", 30 << 20)
    first = client.call("file", repo_id=MINILM, filename="model.safetensors")
    path = client.file(MINILM, "model.safetensors")
    digest = ask(front.mirror_url, f"/{MINILM}/resolve/main/model.safetensors", "HEAD").headers["x-linked-etag"]
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.strip('"')
    ranges = [
        asked.headers.get("range", "") for asked in front.door.requests if asked.path.endswith("model.safetensors")
    ]
    assert [one for one in ranges if one.startswith("bytes=") and one != "bytes=0-"], "it does not start anew"
    outcome = "goes on in the same run" if first.error is None else "fails; the next run goes on"
    record_client("huggingface_hub", client.release, "resume", outcome)
