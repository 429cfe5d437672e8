"""`@huggingface/hub`, `@huggingface/transformers` and node-llama-cpp on Node."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fixtures.mirror import MirrorProcess
from tests.contract.conftest import Front
from tests.contract.javascript import call, node, package_version
from tests.contract.outcomes import record_client, shown
from tests.contract.repositories import MINILM, REPOS, TINY, content

BLOCKED = "blocked by the rule unsafe-file"


class TestHub:
    NAME = "@huggingface/hub"

    def told(self, what: str, outcome: str) -> None:
        record_client(self.NAME, package_version(self.NAME), what, outcome)

    def ask(self, url: str, home: Path, verb: str, repo: str, **more: Any) -> dict[str, Any]:
        return call("hub.mjs", home, {"verb": verb, "hubUrl": url, "repo": repo, **more})

    def test_a_clean_model_arrives_byte_for_byte(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        answer = self.ask(mirror.url, tmp_path, "snapshot", "acme-research/tiny-bert")
        assert answer["error"] is None
        assert content(Path(answer["value"])) == content(TINY / "first") | content(TINY / "main")
        self.told("clean", "byte for byte")

    def test_empty_files_arrive(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        empty = self.ask(mirror.url, tmp_path, "file", "acme-research/odd-names", path="empty.txt")
        assert empty["value"] == hashlib.sha256().hexdigest()
        # It writes a name into the address as it is, where `#` ends the path: the same in front of the Hub itself.
        odd = self.ask(mirror.url, tmp_path, "snapshot", "acme-research/odd-names")
        assert odd["error"] == "Error: invalid response for file nested/deep er/ünï+#%.json"
        self.told("odd", "empty files; not `#` in a name")

    def test_a_blocked_model_says_why(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        for verb, more in (("snapshot", {}), ("file", {"path": "config.json"})):
            answer = self.ask(mirror.url, tmp_path, verb, "mallory/shell-in-a-pickle", **more)
            outcome = shown(BLOCKED, answer["error"], answer["printed"])
            assert outcome == "in its error"
        self.told("refusal", outcome)

    def test_an_unsafe_file_is_left_out(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        files = self.ask(mirror.url, tmp_path, "files", "acme-research/both-formats")["value"]
        assert "model.safetensors" in files
        assert "pytorch_model.bin" not in files
        answer = self.ask(mirror.url, tmp_path, "file", "acme-research/both-formats", path="pytorch_model.bin")
        # To it a file that is not there is `null`, and no error.
        assert (answer["value"], answer["error"]) == (None, None)
        self.told("left out", "left out; why: not shown")

    def test_a_tag_is_what_it_was(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        answer = self.ask(mirror.url, tmp_path, "file", "acme-research/tiny-bert", path="README.md", revision="v1.0")
        assert answer["value"] == hashlib.sha256((TINY / "first" / "README.md").read_bytes()).hexdigest()
        self.told("revision", "as they were")

    def test_models_are_found(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        found = self.ask(mirror.url, tmp_path, "models", "", search={"query": "tiny-bert"})
        assert found["value"] == ["acme-research/tiny-bert"]
        self.told("listing", "`listModels`")

    def test_it_comes_in_with_a_token(self, strict: MirrorProcess, tmp_path: Path) -> None:
        token = {"accessToken": strict.admin_token}
        answer = self.ask(strict.url, tmp_path, "file", "acme-research/tiny-bert", path="config.json", **token)
        assert answer["value"]
        assert self.ask(strict.url, tmp_path, "whoami", "", **token)["value"]["type"] == "user"
        refused = self.ask(strict.url, tmp_path, "file", "acme-research/tiny-bert", path="config.json")
        assert "token" in str(refused["error"]), refused
        self.told("token", "`accessToken`")

    def test_it_works_below_a_path(self, front: Front, tmp_path: Path) -> None:
        asked = {"verb": "snapshot", "hubUrl": front.url, "repo": "acme-research/tiny-bert"}
        answer = call("hub.mjs", tmp_path, asked, **front.no_way_around)
        assert answer["error"] is None
        assert content(Path(answer["value"])) == content(TINY / "first") | content(TINY / "main")
        assert front.door.strayed == []
        paths = [one.path for one in front.about("acme-research/tiny-bert")]
        assert paths
        assert not [path for path in paths if "xet" in path], "it is a Xet client by itself"
        self.told("prefix", "works")


class TestTransformers:
    NAME = "@huggingface/transformers"

    def told(self, what: str, outcome: str) -> None:
        record_client(self.NAME, package_version(self.NAME), what, outcome)

    def ask(self, url: str, home: Path, model: str, **variables: str) -> dict[str, Any]:
        asked = {"remoteHost": f"{url}/", "cacheDir": str(home / "cache"), "model": model}
        return call("transformers.mjs", home, asked, **variables)

    def test_a_tokenizer_and_a_configuration_are_loaded(self, front: Front, tmp_path: Path) -> None:
        answer = self.ask(front.url, tmp_path, MINILM, **front.no_way_around)
        assert answer["value"] == ["bert", 384, [101, 7592, 2088, 102]], answer
        assert front.door.strayed == []
        self.told("clean", "tokenizer and configuration load")
        self.told("prefix", "works")

    def test_a_blocked_model_is_not_loaded(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        answer = self.ask(mirror.url, tmp_path, "mallory/shell-in-a-pickle")
        assert answer["error"] is not None
        self.told("refusal", shown(BLOCKED, answer["error"], answer["printed"]))

    def test_it_sends_no_token_to_a_mirror(self, strict: MirrorProcess, tmp_path: Path) -> None:
        token = strict.admin_token or ""
        answer = self.ask(strict.url, tmp_path, "acme-research/tiny-bert", HF_TOKEN=token, HF_ACCESS_TOKEN=token)
        assert answer["error"] is not None
        self.told("token", "sends none")


class TestLlama:
    """node-llama-cpp finds and fetches GGUF files as llama.cpp's own `-hf` did in 2025; the same program on Node."""

    NAME = "node-llama-cpp"
    GGUF = REPOS / "models/acme-research/tiny-gguf/main/tiny-Q4_K_M.gguf"

    def told(self, what: str, outcome: str) -> None:
        record_client(self.NAME, package_version(self.NAME, self.NAME), what, outcome)

    def pull(self, url: str, folder: Path, name: str, **variables: str) -> tuple[int, str]:
        command = "node_modules/node-llama-cpp/dist/cli/cli.js"
        done = node(
            command, "pull", "--dir", str(folder), "--noProgress", name,
            folder=self.NAME, MODEL_ENDPOINT=url, HOME=str(folder), **variables,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def test_a_file_of_a_repository_arrives_byte_for_byte(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        code, printed = self.pull(mirror.url, tmp_path, "hf:acme-research/tiny-gguf/tiny-Q4_K_M.gguf")
        assert code == 0, printed
        (path,) = tmp_path.glob("*.gguf")
        assert path.read_bytes() == self.GGUF.read_bytes()

    def test_a_quantization_is_found_by_its_name(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        code, printed = self.pull(mirror.url, tmp_path, "hf:acme-research/tiny-gguf:Q4_K_M")
        assert code == 0, printed
        (path,) = tmp_path.glob("*.gguf")
        assert path.read_bytes() == self.GGUF.read_bytes()
        self.told("clean", "byte for byte")

    def test_it_comes_in_with_a_token(self, strict: MirrorProcess, tmp_path: Path) -> None:
        name = "hf:acme-research/tiny-gguf/tiny-Q4_K_M.gguf"
        assert self.pull(strict.url, tmp_path, name)[0] != 0
        code, printed = self.pull(strict.url, tmp_path, name, HF_TOKEN=strict.admin_token or "")
        assert code == 0, printed
        self.told("token", "`HF_TOKEN`")

    def test_it_works_below_a_path(self, front: Front, tmp_path: Path) -> None:
        code, printed = self.pull(front.url, tmp_path, "hf:acme-research/tiny-gguf", **front.no_way_around)
        assert code == 0, printed
        assert front.door.requests[0].path == "/v2/acme-research/tiny-gguf/manifests/latest"
        assert front.door.strayed == []
        self.told("prefix", "works")

    def test_a_blocked_model_is_not_fetched(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        code, printed = self.pull(mirror.url, tmp_path, "hf:mallory/shell-in-a-pickle/config.json")
        assert code != 0
        assert not list(tmp_path.glob("*.json"))
        by_file = shown(BLOCKED, printed, printed)
        code, printed = self.pull(mirror.url, tmp_path, "hf:mallory/shell-in-a-pickle")
        assert code != 0
        self.told("refusal", f"a file: {by_file}; a quantization: {shown(BLOCKED, printed, printed)}")
