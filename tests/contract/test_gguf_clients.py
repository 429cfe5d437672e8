"""The requests of llama.cpp and Ollama, in their order: neither program can be had here, so their sources were read."""

from __future__ import annotations

import hashlib

from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT
from tests.contract.http import ask
from tests.contract.outcomes import record_client

REPO = "acme-research/tiny-gguf"
CONTENT = (ROOT / "fixtures/repos/models" / REPO / "main/tiny-Q4_K_M.gguf").read_bytes()
AS_ASKED = "by its requests"
"""What stands for a version in docs/clients.md."""
LLAMA = {"User-Agent": "llama-cpp/b7100", "Accept": "application/json"}


def test_current_llama_cpp_finds_the_commit_the_file_and_its_bytes(mirror: MirrorProcess) -> None:
    refs = ask(mirror.url, f"/api/models/{REPO}/refs", headers=LLAMA).json
    commit = next(branch["targetCommit"] for branch in refs["branches"] if branch["name"] == "main")
    tree = ask(mirror.url, f"/api/models/{REPO}/tree/{commit}?recursive=true", headers=LLAMA).json
    entry = next(entry for entry in tree if entry["path"].endswith(".gguf"))
    path = f"/{REPO}/resolve/{commit}/{entry['path']}"
    head = ask(mirror.url, path, "HEAD", headers=LLAMA)
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
    assert head.headers["etag"].strip('"') == entry["lfs"]["oid"]
    assert head.headers["accept-ranges"] == "bytes"
    rest = ask(mirror.url, path, headers={**LLAMA, "Range": "bytes=100-"})
    assert (rest.status, rest.body) == (206, CONTENT[100:])
    record_client("llama.cpp", AS_ASKED, "clean", "byte for byte")
    record_client("llama.cpp", AS_ASKED, "resume", "goes on in the same run")


def test_llama_cpp_prints_why_a_repository_is_refused(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/api/models/mallory/shell-in-a-pickle/refs", headers=LLAMA)
    assert "blocked by the rule unsafe-file" in reply.json["error"]
    record_client("llama.cpp", AS_ASKED, "refusal", "in its error")


def test_older_llama_cpp_reads_the_file_from_the_manifest(mirror: MirrorProcess) -> None:
    for tag in ("latest", "q4_k_m", "Q4_K_M", "tiny-Q4_K_M.gguf"):
        manifest = ask(mirror.url, f"/v2/{REPO}/manifests/{tag}", headers=LLAMA)
        assert manifest.json["ggufFile"]["rfilename"] == "tiny-Q4_K_M.gguf"
    plain = ask(mirror.url, f"/v2/{REPO}/manifests/latest", headers={"User-Agent": "ollama/0.12.0"})
    assert "ggufFile" not in plain.json


def test_ollama_pulls_the_layers_and_the_configuration(mirror: MirrorProcess) -> None:
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json", "User-Agent": "ollama/0.12.0"}
    manifest = ask(mirror.url, f"/v2/{REPO}/manifests/Q4_K_M", headers=accept)
    assert manifest.headers["content-type"] == accept["Accept"]
    fetched = {}
    for layer in [*manifest.json["layers"], manifest.json["config"]]:
        path = f"/v2/{REPO}/blobs/{layer['digest']}"
        head = ask(mirror.url, path, "HEAD")
        assert (head.status, head.headers["content-length"]) == (200, str(layer["size"]))
        assert ask(mirror.url, path).status == 200
        part = ask(mirror.url, path, headers={"Range": f"bytes=0-{layer['size'] - 1}"})
        assert part.status in {200, 206}
        assert f"sha256:{hashlib.sha256(part.body).hexdigest()}" == layer["digest"]
        fetched[layer["mediaType"]] = part.body
    assert fetched["application/vnd.ollama.image.model"] == CONTENT
    assert b'"model_family":"llama"' in fetched["application/vnd.docker.container.image.v1+json"]
    record_client("Ollama", AS_ASKED, "clean", "byte for byte")


def test_a_blob_that_ollama_pulls_in_parts_is_one_line_of_the_log(mirror: MirrorProcess) -> None:
    path = f"/v2/{REPO}/blobs/sha256:{hashlib.sha256(CONTENT).hexdigest()}"

    def lines() -> int:
        return sum(f"GET {path} 206" in line for line in mirror.log.read_text().splitlines())

    before = lines()
    for at in range(0, 100, 10):
        part = {"Range": f"bytes={at}-{at + 9}", "User-Agent": "ollama/in-parts"}
        assert ask(mirror.url, path, headers=part).body == CONTENT[at : at + 10]
    # What is asked last is answered after the lines of all before it.
    assert ask(mirror.url, "/api/nothing").status == 404
    assert lines() - before == 1


def test_ollama_prints_why_a_repository_is_refused(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/v2/mallory/shell-in-a-pickle/manifests/latest")
    assert reply.status == 403
    assert "blocked by the rule unsafe-file" in reply.json["errors"][0]["message"]
    record_client("Ollama", AS_ASKED, "refusal", "in its error")


def test_a_tag_that_there_is_not_is_told_with_those_there_are(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, f"/v2/{REPO}/manifests/Q8_0")
    assert reply.status == 404
    error = reply.json["errors"][0]
    assert error["code"] == "MANIFEST_UNKNOWN"
    assert error["message"].endswith("has no GGUF file for the tag 'Q8_0': it has tiny-Q4_K_M.gguf")
    other = ask(mirror.url, "/v2/acme-research/tiny-bert/manifests/latest")
    assert "has no GGUF file" in other.json["errors"][0]["message"]
