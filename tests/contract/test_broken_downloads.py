"""Where the way to the mirror breaks in the middle of a file, every client goes on where it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.contract.clients import NO_XET, VERSIONS, Client
from tests.contract.conftest import Front
from tests.contract.http import ask
from tests.contract.outcomes import record_client
from tests.contract.repositories import MINILM

WEIGHTS = f"/{MINILM}/resolve/main/model.safetensors"
CUT_AFTER = 30 << 20


@pytest.mark.parametrize("version", [*VERSIONS, NO_XET])
def test_a_download_that_breaks_is_taken_up_again(version: str, front: Front, tmp_path: Path) -> None:
    client, again = (Client(version, front.url, tmp_path / "home", variables=front.no_way_around) for _ in range(2))
    front.door.cut_once("model.safetensors", CUT_AFTER)
    first = client.call("file", repo_id=MINILM, filename="model.safetensors")
    path = again.file(MINILM, "model.safetensors")
    digest = ask(front.mirror_url, WEIGHTS, "HEAD").headers["x-linked-etag"]
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.strip('"')
    ranges = [
        asked.headers.get("range", "") for asked in front.door.requests if asked.path.endswith("model.safetensors")
    ]
    assert [one for one in ranges if one.startswith("bytes=") and one != "bytes=0-"], "it does not start anew"
    outcome = "goes on in the same run" if first.error is None else "fails; the next run goes on"
    record_client("huggingface_hub", client.release, "resume", outcome)
