"""transformers, datasets and safetensors, as a developer uses them: only `HF_ENDPOINT` is set.

PyTorch is left out (docs/clients.md says why): tokenizers, configurations and the weights as NumPy arrays take the
same way.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.clients import NO_XET, VERSIONS, Client, environment, installed, run_in
from tests.contract.conftest import Front
from tests.contract.outcomes import record_client, shown
from tests.contract.repositories import MINILM

TRANSFORMERS = installed("libraries", "transformers")
DATASETS = installed("libraries", "datasets")
SAFETENSORS = installed("libraries", "safetensors")

_TOKENIZE = """
import json, sys
from transformers import AutoConfig, AutoTokenizer
name, more = sys.argv[1], json.loads(sys.argv[2])
config = AutoConfig.from_pretrained(name, **more)
tokenizer = AutoTokenizer.from_pretrained(name, **more)
print("ANSWER", json.dumps([config.model_type, config.hidden_size, tokenizer("hello world")["input_ids"]]))
"""
_ROWS = """
import json, sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], split="train")
print("ANSWER", json.dumps([rows.num_rows, rows[1]]))
"""
_WEIGHTS = """
import json
from huggingface_hub import hf_hub_download
from safetensors.numpy import load_file
weights = load_file(hf_hub_download("sentence-transformers/all-MiniLM-L6-v2", "model.safetensors"))
print("ANSWER", json.dumps([len(weights), list(weights["embeddings.word_embeddings.weight"].shape)]))
"""


def answered(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr[-3_000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return json.loads(line.removeprefix("ANSWER "))


def last_error(done: subprocess.CompletedProcess[str]) -> str:
    """The exception that the script ended with, without what led to it."""
    assert done.returncode != 0, done.stdout
    return re.split(r"^(?=[\w.]+(?:Error|NotFound|Exception)\b)", done.stderr, flags=re.MULTILINE)[-1]


class TestTransformers:
    def test_a_tokenizer_and_a_configuration_are_loaded_in_the_known_order(self, front: Front, tmp_path: Path) -> None:
        variables = environment(front.url, tmp_path, **front.no_way_around)
        done = run_in("libraries", _TOKENIZE, MINILM, "{}", variables=variables)
        assert answered(done) == ["bert", 384, [101, 7592, 2088, 102]]
        asked = front.about(MINILM)
        assert str(asked[0]) == f"GET /api/models/{MINILM}"
        files = [one.path.removeprefix(f"/{MINILM}/resolve/").split("/") for one in asked if "/resolve/" in one.path]
        assert len({revision for revision, *_ in files}) == 1, "every file is asked of the commit of the first answer"
        assert len(files[0][0]) == 40
        # ... and the listings of the branch: so a branch must go on telling of the commit that it told of before.
        trees = [one.path.partition("?")[0] for one in asked if "/tree/" in one.path]
        branch = f"/api/models/{MINILM}/tree/main"
        assert trees == [f"{branch}/additional_chat_templates", branch]
        assert front.door.strayed == [], "all that it asked was asked of the mirror"
        for what, outcome in (("clean", "tokenizer and configuration load"), ("prefix", "works")):
            record_client("transformers", TRANSFORMERS, what, outcome)

    def test_a_blocked_model_says_why(self, front: Front, tmp_path: Path) -> None:
        variables = environment(front.url, tmp_path)
        done = run_in("libraries", _TOKENIZE, "mallory/shell-in-a-pickle", "{}", variables=variables)
        outcome = shown("blocked by the rule unsafe-file", last_error(done), done.stderr)
        assert outcome != "not shown"
        record_client("transformers", TRANSFORMERS, "refusal", outcome)

    def test_a_tag_is_what_it_was(self, front: Front, tmp_path: Path) -> None:
        variables = environment(front.url, tmp_path)
        more = json.dumps({"revision": "v1.0"})
        done = run_in("libraries", _TOKENIZE, "acme-research/tiny-bert", more, variables=variables)
        assert answered(done)
        assert list(tmp_path.glob("hub/models--acme-research--tiny-bert/refs/v1.0"))
        record_client("transformers", TRANSFORMERS, "revision", "as they were")


def test_transformers_comes_in_with_a_token(strict: MirrorProcess, tmp_path: Path) -> None:
    variables = environment(strict.url, tmp_path / "known", strict.admin_token)
    assert answered(run_in("libraries", _TOKENIZE, "acme-research/tiny-bert", "{}", variables=variables))
    without = run_in(
        "libraries", _TOKENIZE, "acme-research/tiny-bert", "{}", variables=environment(strict.url, tmp_path / "unknown")
    )
    assert "token" in last_error(without)
    record_client("transformers", TRANSFORMERS, "token", "`HF_TOKEN`")


class TestDatasets:
    def test_rows_are_loaded(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        variables = environment(mirror.url, tmp_path)
        count, second = answered(run_in("libraries", _ROWS, "acme-data/rows", variables=variables))
        assert (count, second["text"]) == (20, "line 1")
        record_client("datasets", DATASETS, "clean", "rows load")

    def test_a_forbidden_one_says_why(self, strict: MirrorProcess, tmp_path: Path) -> None:
        variables = environment(strict.url, tmp_path, strict.admin_token)
        done = run_in("libraries", _ROWS, "acme-data/rows", variables=variables)
        outcome = shown("blocked by the rule no-rows", last_error(done), done.stderr)
        assert outcome != "not shown"
        record_client("datasets", DATASETS, "refusal", outcome)

    def test_rows_are_loaded_from_below_a_path(self, front: Front, tmp_path: Path) -> None:
        variables = environment(front.url, tmp_path, **front.no_way_around)
        assert answered(run_in("libraries", _ROWS, "acme-data/rows", variables=variables))
        asked = front.about("acme-data/rows")
        assert str(asked[0]) == "HEAD /datasets/acme-data/rows/resolve/main/README.md"
        assert not [one for one in asked if "xet" in one.path], "it asks for no permission for Xet"
        # It counts uses at one other host (unless HF_UPDATE_DOWNLOAD_COUNTS=0), looks for a viewer at another, whose
        # name it makes up from the endpoint's, and does without an answer of either; no bytes come from there.
        known = ("CONNECT s3.amazonaws.com:443", "GET http://datasets-server.127.0.0.1")
        assert [one for one in front.door.strayed if not one.startswith(known)] == []
        record_client("datasets", DATASETS, "prefix", "works")


def test_the_weights_of_a_published_model_are_loaded(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = run_in("libraries", _WEIGHTS, variables=environment(mirror.url, tmp_path))
    assert answered(done) == [104, [30522, 384]]
    record_client("safetensors (NumPy)", SAFETENSORS, "clean", "weights load")


@pytest.mark.parametrize("version", [*VERSIONS, NO_XET])
def test_a_token_is_wanted_where_the_mirror_listens_to_others(
    version: str, strict: MirrorProcess, tmp_path: Path
) -> None:
    without = Client(version, strict.url, tmp_path / "without").call("snapshot", repo_id="acme-research/tiny-bert")
    assert without.error == "GatedRepoError"
    assert "token" in without.message
    known = Client(version, strict.url, tmp_path / "with", strict.admin_token)
    assert known.file("acme-research/tiny-bert", "config.json").exists()
    assert known.call("whoami").value["name"]
    record_client("huggingface_hub", known.release, "token", "`HF_TOKEN`")
