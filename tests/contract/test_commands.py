"""The `curator` command: what it prints and what it ends with."""

from __future__ import annotations

import json
import os
import pickle
import socket
import threading
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from rules.model import starter_policy
from tests.contract.clients import ROOT, curator
from tests.contract.http import ask

MODELS = ROOT / "fixtures" / "repos" / "models"


class Echo:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo inert",)


class TestScan:
    def test_a_clean_folder_ends_with_0(self) -> None:
        done = curator("scan", str(MODELS / "acme-research/tiny-bert/first"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1] == "5 files: 5 safe"

    def test_a_pickle_that_runs_code_ends_with_1_and_says_what_it_runs(self, tmp_path: Path) -> None:
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(Echo()))
        done = curator("scan", str(path))
        assert done.returncode == 1
        assert "echo inert" in done.stdout
        assert "pickle-executes-code" in done.stdout

    def test_the_json_is_the_one_that_is_documented(self, tmp_path: Path) -> None:
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(Echo()))
        document = json.loads(curator("scan", str(path), "--format", "json").stdout)
        assert document["schema"] == "curator.scan/1"
        assert document["verdict"] == "unsafe"
        assert {"curator", "fickling"} <= document["engines"].keys()
        (file,) = document["files"]
        assert file["path"] == "model.pkl"
        assert file["size"] == path.stat().st_size
        assert len(file["sha256"]) == 64
        finding = next(one for one in file["findings"] if one["engine"] == "curator")
        assert finding.keys() == {
            "rule",
            "severity",
            "confidence",
            "message",
            "where",
            "evidence",
            "engine",
            "reference",
        }
        assert (ROOT / finding["reference"]).is_file()

    def test_only_what_is_bad_enough_fails(self) -> None:
        folder = str(MODELS / "acme-research/sklearn-joblib/main")
        assert curator("scan", folder).returncode == 1, "a class of a known library is a medium finding"
        assert curator("scan", folder, "--fail-on", "high").returncode == 0

    def test_what_cannot_be_judged_ends_with_3(self, tmp_path: Path) -> None:
        (tmp_path / "weights.xyz").write_bytes(bytes(range(128, 256)) * 40)
        done = curator("scan", str(tmp_path))
        assert done.returncode == 3
        assert "not judged:" in done.stdout

    def test_a_file_that_cannot_be_opened_is_not_judged_and_the_others_are(self, tmp_path: Path) -> None:
        (tmp_path / "a-broken-link.bin").symlink_to(tmp_path / "nowhere")
        (tmp_path / "elsewhere").symlink_to(MODELS)
        (tmp_path / "model.pkl").write_bytes(pickle.dumps(Echo()))
        done = curator("scan", str(tmp_path), str(MODELS / "acme-research/tiny-bert/first"))
        assert done.returncode == 1
        assert "It cannot be read: No such file or directory." in done.stdout
        assert "It is a link to a folder, which is not followed." in done.stdout
        assert "is a link to" in done.stdout, "and it leads out of what was to be judged"
        assert done.stdout.splitlines()[-1] == "8 files: 2 unsafe, 1 unscannable, 5 safe"

    def test_what_is_not_there_ends_with_2(self) -> None:
        done = curator("scan", "/nowhere/at-all")
        assert (done.returncode, done.stderr) == (2, "curator: /nowhere/at-all: there is no such file or folder\n")

    def test_a_repository_of_the_hub_is_judged_without_being_downloaded(self, hub: FixtureHub) -> None:
        done = curator("scan", "hf://sentence-transformers/all-MiniLM-L6-v2", "--upstream", hub.url, "--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        weights = next(file for file in json.loads(done.stdout)["files"] if file["path"] == "model.safetensors")
        assert weights["verdict"] == "safe"
        assert weights["bytes_read"] < 200_000 < weights["size"]

    def test_an_unsafe_repository_of_the_hub_ends_with_1(self, hub: FixtureHub) -> None:
        done = curator("scan", "hf://mallory/shell-in-a-pickle@main", "--upstream", hub.url)
        assert done.returncode == 1, done.stdout + done.stderr

    def test_a_repository_that_is_not_there_is_one_sentence(self, hub: FixtureHub) -> None:
        done = curator("scan", "hf://nobody/nothing", "--upstream", hub.url)
        assert done.returncode == 2
        assert done.stderr.startswith("curator: The Hub has no repository nobody/nothing@main")
        malformed = curator("scan", "hf://a/b/c", "--upstream", hub.url)
        assert malformed.returncode == 2
        assert "is not a repository id" in malformed.stderr

    def test_a_hub_that_is_down_is_one_sentence(self) -> None:
        done = curator("scan", "hf://a/b", "--upstream", "http://127.0.0.1:9")
        assert done.returncode == 4
        assert done.stderr.startswith("curator: The Hub could not be reached for a/b@main")
        assert "Traceback" not in done.stderr


class TestRules:
    def test_good_rules_end_with_0(self) -> None:
        done = curator("rules", "check", str(ROOT / "rules/packs/starter.yaml"))
        assert done.returncode == 0
        assert f"{len(starter_policy().rules)} rules, nothing wrong" in done.stdout

    def test_files_and_packs_are_compared_without_a_server(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine.yaml"
        mine.write_text((ROOT / "rules/packs/starter.yaml").read_text().replace("0.85", "0.95"))
        done = curator("rules", "diff", "starter", str(mine))
        assert (done.returncode, done.stderr) == (0, "")
        assert "changes look-alike (when)" in done.stdout

    @pytest.mark.parametrize("verb", [("show",), ("diff", "starter")])
    def test_what_is_neither_a_pack_nor_kept_is_told_with_what_there_is(self, verb: tuple[str, ...]) -> None:
        done = curator("rules", *verb, "financial")
        assert done.returncode == 2
        assert "finance" in done.stderr

    def test_a_token_that_is_no_mirrors_is_not_passed_over(self) -> None:
        done = curator("check", "acme/model", CURATOR_TOKEN="hf_ofsomebodyelse")
        assert done.returncode == 2
        assert "CURATOR_TOKEN is no token of a mirror" in done.stderr

    def test_wrong_rules_end_with_1_and_the_place(self, tmp_path: Path) -> None:
        path = tmp_path / "rules.yaml"
        path.write_text(
            "schema: curator.rules/1\nname: x\nrules:\n  - id: a\n    description: d\n"
            "    expression: downlods < 5\n    outcome: block\n    message: m\n"
        )
        done = curator("rules", "check", str(path))
        assert done.returncode == 1
        assert f"{path}:6:17: the expression cannot be used: undeclared reference to 'downlods'" in done.stderr
        told = json.loads(curator("rules", "check", str(path), "--format", "json").stdout)
        assert told["problems"][0]["line"] == 6

    @pytest.mark.parametrize(
        ("repo", "code", "said"),
        [
            ("acme-research/tiny-bert", 0, "ALLOWED"),
            ("mallory/shell-in-a-pickle", 1, "BLOCKED by the rule unsafe-file"),
            ("acme-research/both-formats@main", 0, "All else is served: 5 files."),
        ],
    )
    def test_a_decision_is_explained(self, mirror: MirrorProcess, repo: str, code: int, said: str) -> None:
        done = curator("rules", "explain", repo, "--server", mirror.url)
        assert done.returncode == code, done.stdout + done.stderr
        assert said in done.stdout

    def test_an_explanation_can_be_read_by_programs(self, mirror: MirrorProcess) -> None:
        done = curator("rules", "explain", "acme-research/tiny-bert", "--server", mirror.url, "--format", "json")
        document = json.loads(done.stdout)
        assert document["schema"] == "curator.explanation/1"
        assert document["outcome"] == "allow"

    def test_a_decision_of_any_time_can_be_explained_and_its_page_says_the_same(self, mirror: MirrorProcess) -> None:
        name = "facebook-llama/Llama-3.2-1B-Instruct"
        asked = curator("rules", "explain", name, "--server", mirror.url, "--format", "json")
        decision = json.loads(asked.stdout)["decision"]
        done = curator("rules", "explain", "--decision", decision, "--server", mirror.url)
        assert (done.returncode, done.stdout.startswith(f"{name}@")) == (1, True), done.stderr
        assert done.stdout == ask(mirror.url, f"/-/decisions/{decision}").body.decode()
        assert "\x1b" not in done.stdout, "nobody reads it at a terminal"

    def test_what_was_never_decided_and_what_is_asked_twice_is_bad_usage(self, mirror: MirrorProcess) -> None:
        for arguments in (["--decision", "../nothing"], ["a/b", "--decision", "0"], []):
            done = curator("rules", "explain", *arguments, "--server", mirror.url)
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            assert "Traceback" not in done.stderr

    def test_a_mirror_that_is_not_there_ends_with_4(self) -> None:
        done = curator("rules", "explain", "a/b", "--server", "http://127.0.0.1:9")
        assert done.returncode == 4
        assert "No mirror answers at http://127.0.0.1:9" in done.stderr

    def test_what_the_mirror_says_of_a_wrong_name_is_passed_on(self, mirror: MirrorProcess) -> None:
        done = curator("rules", "explain", "nobody/nothing", "--server", mirror.url)
        assert done.returncode == 2
        assert "The Hub has no repository nobody/nothing" in done.stderr


class TestServe:
    @pytest.mark.parametrize(
        ("arguments", "variables", "sentence"),
        [
            (["--upstream", "huggingface.co"], {}, "CURATOR_UPSTREAM is 'huggingface.co': write it as https://host"),
            (["--port", "99999"], {}, "CURATOR_PORT is '99999'"),
            (["--config", "/nowhere.toml"], {}, "/nowhere.toml: there is no such file of settings"),
            ([], {"CURATOR_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "cannot be used: unable to open"),
            ([], {"CURATOR_SCAN_TIMEOUT_S": "soon"}, "CURATOR_SCAN_TIMEOUT_S is 'soon'"),
        ],
    )
    def test_settings_that_cannot_be_used_are_one_sentence(
        self, tmp_path: Path, arguments: list[str], variables: dict[str, str], sentence: str
    ) -> None:
        done = curator("serve", "--port", "0", "--data", str(tmp_path / "data"), *arguments, **variables)
        assert done.returncode == 2, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_port_that_is_taken_is_one_sentence(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        done = curator("serve", "--port", mirror.url.rpartition(":")[2], "--data", str(tmp_path))
        assert done.returncode == 2
        assert "another program listens there: choose another port with --port" in done.stderr

    def test_a_port_that_what_was_killed_still_holds_is_waited_for(self, hub: FixtureHub, tmp_path: Path) -> None:
        with MirrorProcess(tmp_path / "data", hub.url) as mirror:
            mirror.kill()
            with socket.create_server(("127.0.0.1", int(mirror.url.rpartition(":")[2]))) as orphan:
                threading.Timer(1.5, orphan.close).start()
                mirror.start()
                assert orphan.fileno() == -1, "it did not start beside the other"

    def test_the_first_start_shows_an_admin_token_and_later_ones_do_not(
        self, hub: FixtureHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As a user does it: with nothing in the folder.
        monkeypatch.setattr(MirrorProcess, "begins_with", None)
        mirror = MirrorProcess(tmp_path / "data", hub.url, fresh=True)
        with mirror:
            first = (mirror.data / "serve.out").read_text()
        with mirror:
            second = (mirror.data / "serve.out").read_text()
        assert "Admin token, shown this once: hf_" in first
        assert "Admin token" not in second
        assert "export HF_ENDPOINT=http://127.0.0.1:" in second


def test_every_command_has_help_with_an_example() -> None:
    for command in (
        ["serve"],
        ["worker"],
        ["scan"],
        ["check"],
        ["rules", "check"],
        ["rules", "explain"],
        ["token", "create"],
    ):
        done = curator(*command, "--help")
        assert done.returncode == 0
        assert "Example" in done.stdout


def test_a_wrong_option_ends_with_2() -> None:
    assert curator("scan", "--nope", "x").returncode == 2
    assert curator("nope").returncode == 2
