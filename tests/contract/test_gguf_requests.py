"""What llama.cpp and Ollama ask, in their order and form: the programs themselves are in no registry that is used here.

The order is that of llama.cpp's `common/hf-cache.cpp` and `common/download.cpp`, and of a registry's client: a
manifest, then the bytes of each digest in it.
"""

from __future__ import annotations

import hashlib

from fixtures.mirror import MirrorProcess
from tests.contract.http import Reply, ask
from tests.contract.outcomes import record_client
from tests.contract.test_clients import REPOS

REPO = "acme-research/tiny-gguf"
FILE = "tiny-Q4_K_M.gguf"
GGUF = (REPOS / "models" / REPO / "main" / FILE).read_bytes()
LLAMA = {"User-Agent": "llama-cpp/b10605"}
AS_ASKED = "by its requests"


def get(mirror: MirrorProcess, path: str, **headers: str) -> Reply:
    return ask(mirror.url, path, headers=LLAMA | headers)


def test_llama_cpp_finds_the_commit_the_files_and_the_bytes(mirror: MirrorProcess) -> None:
    branches = get(mirror, f"/api/models/{REPO}/refs").json["branches"]
    (commit,) = [branch["targetCommit"] for branch in branches if branch["name"] == "main"]
    files = get(mirror, f"/api/models/{REPO}/tree/{commit}?recursive=true").json
    (entry,) = [one for one in files if one["path"].endswith(".gguf")]
    assert (entry["type"], entry["size"]) == ("file", len(GGUF))
    address = f"/{REPO}/resolve/{commit}/{entry['path']}"
    head = ask(mirror.url, address, "HEAD", LLAMA)
    assert head.status == 200
    assert {"etag", "content-length", "accept-ranges"} <= head.headers.keys()
    first, rest = get(mirror, address, Range="bytes=0-99"), get(mirror, address, Range="bytes=100-")
    assert (first.status, rest.status) == (206, 206)
    assert first.body + rest.body == GGUF
    record_client("llama.cpp", AS_ASKED, "clean", "byte for byte")
    record_client("llama.cpp", AS_ASKED, "resume", "goes on in the same run")


def test_llama_cpp_prints_why_a_model_is_refused(mirror: MirrorProcess) -> None:
    """It prints `error` of the first answer."""
    answer = get(mirror, "/api/models/mallory/shell-in-a-pickle/refs")
    assert answer.status == 403
    assert "blocked by the rule unsafe-file" in answer.json["error"]
    record_client("llama.cpp", AS_ASKED, "refusal", "in its error")


def test_ollama_gets_a_manifest_and_the_bytes_that_it_names(mirror: MirrorProcess) -> None:
    manifest = ask(mirror.url, f"/v2/{REPO}/manifests/Q4_K_M", headers={"User-Agent": "ollama/0.12"})
    assert manifest.status == 200
    (layer,) = [one for one in manifest.json["layers"] if one["mediaType"] == "application/vnd.ollama.image.model"]
    assert (layer["size"], layer["digest"]) == (len(GGUF), f"sha256:{hashlib.sha256(GGUF).hexdigest()}")
    for part in (manifest.json["config"], layer):
        blob = ask(mirror.url, f"/v2/{REPO}/blobs/{part['digest']}")
        assert f"sha256:{hashlib.sha256(blob.body).hexdigest()}" == part["digest"]
    record_client("Ollama", AS_ASKED, "clean", "byte for byte")
    refused = ask(mirror.url, "/v2/mallory/shell-in-a-pickle/manifests/latest")
    assert refused.status == 403
    assert "blocked by the rule unsafe-file" in refused.json["errors"][0]["message"]
    record_client("Ollama", AS_ASKED, "refusal", "in its error")
