"""Unmodified clients of four generations: only `HF_ENDPOINT` is set."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import NO_XET, VERSIONS, Client, hf_command
from tests.contract.outcomes import record_client, shown
from tests.contract.repositories import MINILM, REPOS, TINY, content

each_version = pytest.mark.parametrize("version", [*VERSIONS, NO_XET])


def told(client: Client, what: str, outcome: str) -> None:
    record_client("huggingface_hub", client.release, what, outcome)


@pytest.fixture
def client(version: str, mirror: MirrorProcess, tmp_path: Path) -> Client:
    return Client(version, mirror.url, tmp_path / "home")


@each_version
def test_a_clean_model_arrives_byte_for_byte(client: Client) -> None:
    assert content(client.snapshot("acme-research/tiny-bert")) == content(TINY / "first") | content(TINY / "main")
    told(client, "clean", "byte for byte")


@each_version
def test_one_file_arrives_byte_for_byte(client: Client) -> None:
    path = client.file("acme-research/tiny-bert", "model.safetensors")
    assert path.read_bytes() == (TINY / "first" / "model.safetensors").read_bytes()


@each_version
def test_a_blocked_model_says_why_in_the_clients_own_error(client: Client) -> None:
    for answer in (
        client.call("snapshot", repo_id="mallory/shell-in-a-pickle"),
        client.call("file", repo_id="mallory/shell-in-a-pickle", filename="config.json"),
    ):
        assert answer.error == "GatedRepoError"
        assert "mallory/shell-in-a-pickle is blocked by the rule unsafe-file: pytorch_model.bin" in answer.message
        assert "os.system" in answer.message or "posix.system" in answer.message
        assert "for an exception ask this mirror's administrator" in answer.message
    told(client, "refusal", shown("blocked by the rule unsafe-file", answer.message, answer.printed))


@each_version
def test_a_look_alike_is_refused_with_the_name_it_resembles(client: Client) -> None:
    answer = client.call("snapshot", repo_id="facebook-llama/Llama-3.2-1B-Instruct")
    assert answer.error == "GatedRepoError"
    assert "rule look-alike" in answer.message
    assert "meta-llama" in answer.message


@each_version
def test_a_licence_is_refused_by_its_name(client: Client) -> None:
    answer = client.call("file", repo_id="acme-research/non-commercial", filename="config.json")
    assert answer.error == "GatedRepoError"
    assert "its license cc-by-nc-4.0 is non-commercial" in answer.message


@each_version
def test_an_unsafe_file_is_left_out_and_the_rest_is_served(client: Client) -> None:
    folder = client.snapshot("acme-research/both-formats")
    assert "model.safetensors" in content(folder)
    assert "pytorch_model.bin" not in content(folder)
    answer = client.call("file", repo_id="acme-research/both-formats", filename="pytorch_model.bin")
    assert answer.error in {"EntryNotFoundError", "RemoteEntryNotFoundError"}
    assert "left out by the rule unsafe-file-left-out" in answer.message
    told(client, "left out", "left out; why: " + shown("left out by the rule", answer.message, answer.printed))


@each_version
def test_listings_tell_of_the_files_that_are_served(client: Client) -> None:
    files = ["README.md", "config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]
    assert sorted(client.call("files", repo_id="acme-research/both-formats").value) == files
    tree = client.call("tree", repo_id="acme-research/both-formats", recursive=True)
    assert sorted(entry["path"] for entry in tree.value) == files
    paths = client.call("paths", repo_id="acme-research/both-formats", paths=["config.json", "pytorch_model.bin"])
    assert [entry["path"] for entry in paths.value] == ["config.json"]
    info = client.call("info", repo_id="acme-research/both-formats", files_metadata=True)
    assert sorted(sibling["rfilename"] for sibling in info.value["siblings"]) == files
    weights = next(one for one in info.value["siblings"] if one["rfilename"] == "model.safetensors")
    assert weights["size"] == (REPOS / "models/acme-research/both-formats/main/model.safetensors").stat().st_size
    assert len(info.value["sha"]) == 40


@each_version
def test_an_expanded_tree_tells_who_changed_a_file_and_what_the_scan_said(client: Client) -> None:
    tree = client.call("tree", repo_id="acme-research/tiny-bert", expand=True).value
    entry = next(entry for entry in tree if entry["path"] == "model.safetensors")
    assert entry["last_commit"]["title"] == "Say more in the card"
    if client.version != "0.23":  # It looks for the scan under a name that the Hub has given up.
        assert entry["security"]["status"] == "safe"


@each_version
def test_a_tag_and_a_commit_are_what_they_were(client: Client) -> None:
    tagged = client.call("info", repo_id="acme-research/tiny-bert", revision="v1.0").value["sha"]
    assert tagged != client.call("info", repo_id="acme-research/tiny-bert").value["sha"]
    path = client.file("acme-research/tiny-bert", "README.md", revision=tagged)
    assert path.read_bytes() == (TINY / "first" / "README.md").read_bytes()
    told(client, "revision", "as they were")


@each_version
def test_a_pull_request_of_anybody_is_not_served(client: Client) -> None:
    answer = client.call("file", repo_id="acme-research/tiny-bert", filename="config.json", revision="refs/pr/1")
    assert answer.error == "RevisionNotFoundError"
    assert "anybody on the Hub can push to a pull request" in answer.message


@each_version
def test_a_dataset_arrives_byte_for_byte(client: Client) -> None:
    folder = client.snapshot("acme-data/rows", repo_type="dataset")
    assert content(folder) == content(REPOS / "datasets" / "acme-data" / "rows" / "main")


@each_version
def test_odd_names_and_empty_files_arrive(client: Client) -> None:
    folder = client.snapshot("acme-research/odd-names")
    assert content(folder) == content(REPOS / "models" / "acme-research" / "odd-names" / "main")
    told(client, "odd", "byte for byte")


@each_version
def test_a_long_listing_arrives_whole(client: Client) -> None:
    assert len(client.call("files", repo_id="acme-research/many-files").value) == 65


@each_version
def test_an_old_name_and_other_letters_lead_to_the_same_repository(client: Client) -> None:
    for name in ("gpt2-mini", "old/gpt2-mini", "Acme-Research/GPT2-mini"):
        assert client.file(name, "config.json").exists()


@each_version
def test_what_is_not_there_is_told_as_the_hub_tells_it(client: Client) -> None:
    missing = client.call("file", repo_id="acme-research/tiny-bert", filename="nothing.bin")
    assert missing.error in {"EntryNotFoundError", "RemoteEntryNotFoundError"}
    revision = client.call("file", repo_id="acme-research/tiny-bert", filename="config.json", revision="nope")
    assert revision.error == "RevisionNotFoundError"
    repo = client.call("file", repo_id="acme-research/nothing", filename="config.json")
    assert repo.error == "RepositoryNotFoundError"


@each_version
def test_a_gated_repository_says_what_the_administrator_must_do(client: Client) -> None:
    answer = client.call("snapshot", repo_id="meta-llama/Llama-3.2-1B-Instruct")
    assert answer.error == "GatedRepoError"
    assert "only to accounts that accepted its terms" in answer.message


@each_version
def test_nothing_goes_around_the_mirror(version: str, mirror: MirrorProcess, hub: FixtureHub, tmp_path: Path) -> None:
    mark = hub.mark()
    client = Client(version, mirror.url, tmp_path / "home", mirror.admin_token)
    client.snapshot("acme-research/tiny-torch")
    assert client.call("models", search=f"none-for-{client.version}").error is None
    asked = hub.requests(since=mark)
    assert asked, "what was not searched for yet is asked of the Hub"
    assert all(entry["agent"].startswith("model-curator/") for entry in asked), "it is the mirror that asks"
    assert not [entry for entry in asked if entry["authorized"]], "no token of a client reaches the Hub"


def test_hf_download_prints_the_reason_on_a_line_of_its_own(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "download", "mallory/shell-in-a-pickle")
    assert done.returncode != 0
    assert "mallory/shell-in-a-pickle is blocked by the rule unsafe-file" in done.stdout + done.stderr


def test_hf_download_pulls_a_clean_model(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "download", "acme-research/tiny-bert", "--local-dir", str(tmp_path / "it"))
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "it") == content(TINY / "first") | content(TINY / "main")


def test_what_is_left_out_is_told_on_the_way(mirror: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(mirror.url, tmp_path, "download", "acme-research/both-formats")
    assert done.returncode == 0
    assert "pytorch_model.bin of acme-research/both-formats left out by the rule" in done.stdout + done.stderr


@each_version
def test_a_published_model_of_ninety_megabytes_arrives(client: Client) -> None:
    folder = client.snapshot(MINILM)
    assert (folder / "model.safetensors").stat().st_size == 90_868_376
