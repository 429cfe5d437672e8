"""`curator check`: a build asks before it pulls, and never goes on where it should not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import ask
from tests.contract.publishing import under

ALLOWED = "acme-research/tiny-bert"
BLOCKED = "mallory/shell-in-a-pickle"


def document(mirror: MirrorProcess, *arguments: str, **variables: str) -> dict[str, Any]:
    done = curator("check", *arguments, "--server", mirror.url, "--format", "json", **variables)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["exit_code"] == done.returncode
    return answer


class TestHowItEnds:
    @pytest.mark.parametrize(
        ("names", "code"),
        [
            ([ALLOWED], 0),
            ([ALLOWED, "datasets/acme-data/rows", f"{ALLOWED}@v1.0"], 0),
            ([BLOCKED], 1),
            (["nobody/nothing"], 1),
            ([f"{ALLOWED}@no-such-branch"], 1),
            (["spaces/acme-research/demo-space"], 3),
            ([ALLOWED, "spaces/acme-research/demo-space", BLOCKED], 1),
            ([f"hf://{ALLOWED}/config.json", f"https://huggingface.co/{ALLOWED}/tree/main"], 0),
            ([f"hf://{ALLOWED}/no-such-file.json"], 1),
        ],
    )
    def test_it_ends_with_0_only_where_all_is_allowed(self, mirror: MirrorProcess, names: list[str], code: int) -> None:
        done = curator("check", *names, "--server", mirror.url)
        assert done.returncode == code, done.stdout + done.stderr

    def test_a_file_that_is_left_out_is_not_allowed_though_its_repository_is(self, mirror: MirrorProcess) -> None:
        name = "acme-research/both-formats"
        whole, one, other = document(mirror, name, f"hf://{name}/pytorch_model.bin", f"hf://{name}/model.safetensors")[
            "models"
        ]
        assert (whole["outcome"], one["outcome"], other["outcome"]) == ("allowed", "blocked", "allowed")
        assert list(whole["left_out"]) == ["pytorch_model.bin"]
        assert one["rules"] == ["unsafe-file-left-out"]

    def test_nothing_is_downloaded_to_find_out(self, hub: FixtureHub, mirror: MirrorProcess) -> None:
        since = hub.mark()
        assert curator("check", ALLOWED, "--server", mirror.url).returncode == 0
        assert [one for one in hub.requests(since=since) if "resolve" in one["path"] and ALLOWED in one["path"]] == []

    @pytest.mark.parametrize("arguments", [[], ["--wait", "-1", ALLOWED], ["a/b/c"], ["--file", "/nowhere.txt"]])
    def test_bad_usage_ends_with_2(self, mirror: MirrorProcess, arguments: list[str]) -> None:
        done = curator("check", *arguments, "--server", mirror.url)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "Traceback" not in done.stderr

    def test_a_mirror_that_is_not_there_ends_with_4(self) -> None:
        done = curator("check", ALLOWED, "--server", "http://127.0.0.1:9")
        assert done.returncode == 4
        assert "No mirror answers at http://127.0.0.1:9" in done.stderr

    def test_a_token_is_asked_for_where_one_is_needed(self, strict: MirrorProcess) -> None:
        done = curator("check", ALLOWED, "--server", strict.url)
        assert done.returncode == 2
        assert "This mirror wants a token of its own" in done.stderr
        assert strict.admin_token is not None
        assert curator("check", ALLOWED, "--server", strict.url, CURATOR_TOKEN=strict.admin_token).returncode == 0
        wrong = curator("check", ALLOWED, "--server", strict.url, CURATOR_TOKEN="hf_cur" + "x" * 34)
        assert (wrong.returncode, wrong.stdout) == (2, "")

    def test_what_is_being_scanned_ends_with_3_and_can_be_waited_for(
        self, hub: FixtureHub, at_once: MirrorProcess
    ) -> None:
        allowed, blocked = hub.copy(ALLOWED), hub.copy(BLOCKED)
        with hub.failing(*({"path": f"*{repo}*", "delay_s": 1.0} for repo in (allowed, blocked))):
            first = document(at_once, allowed, blocked)
            assert {one["outcome"] for one in first["models"]} == {"scanning"}
            assert first["exit_code"] == 3
            waited = document(at_once, allowed, "--wait", "90")
        assert waited["models"][0]["outcome"] == "allowed"

    def test_a_repository_that_waits_for_a_look_ends_with_3(self, hub: FixtureHub, at_once: MirrorProcess) -> None:
        held_back, old = hub.copy("acme-research/tiny-gguf"), hub.copy(ALLOWED)
        rules = (
            "schema: curator.rules/1\nname: careful\nrules:\n  - id: nobody-we-know\n    description: d\n"
            f"    when: {{repository: [{held_back}]}}\n    outcome: hold\n    owner: model-risk\n"
            "    message: '{repository} is by a publisher we do not know'\n"
            f"  - id: told\n    description: d\n    when: {{repository: [{old}]}}\n    outcome: warn\n"
            "    message: 'tiny-bert is old: take tiny-gguf'\n"
        )
        with under(at_once, rules):
            answer = document(at_once, held_back, old, "--wait", "90")
            refused = ask(at_once.url, f"/api/models/{held_back}").headers["x-error-message"]
            served = ask(at_once.url, f"/{old}/resolve/main/config.json").headers
        held, warned = answer["models"]
        assert answer["exit_code"] == 3
        assert held["outcome"] == "held"
        assert held["rules"] == ["nobody-we-know"]
        assert f"is held for review by the rule nobody-we-know: {held_back} is by a pub" in held["sentence"]
        assert warned["outcome"] == "allowed"
        assert [one["message"] for one in warned["warnings"]] == ["tiny-bert is old: take tiny-gguf"]
        assert "for an exception ask model-risk: " in refused
        assert f"or curator request {held_back} and quote request" in refused
        assert served["x-curator-warning"] == "told"
        warning = f"curation {old} warning-told; the rule told warns of {old}: tiny-bert is old: take tiny-gguf"
        assert served["x-hf-warning"] == f"{warning}. More: curator rules explain {old}"


class TestAFileOfModels:
    def test_each_line_is_asked_once_and_all_places_are_told(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        models = tmp_path / "models.txt"
        models.write_text(f"# ours\n{ALLOWED}\n\n{BLOCKED}@main  # why not\nhf://{BLOCKED}\ndatasets/acme-data/rows\n")
        answer = document(mirror, "--file", str(models))
        assert [(one["repository"], one["outcome"]) for one in answer["models"]] == [
            (ALLOWED, "allowed"),
            (BLOCKED, "blocked"),
            ("acme-data/rows", "allowed"),
        ]
        assert [one["line"] for one in answer["models"][1]["where"]] == [4, 5]

    def test_a_bad_line_ends_with_2_and_its_number(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        models = tmp_path / "models.txt"
        models.write_text(f"{ALLOWED}\na/b/c\n{BLOCKED}@\n")
        done = curator("check", "--file", str(models), "--server", mirror.url)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{models}:2: 'a/b/c' is not a repository id" in done.stderr
        assert f"{models}:3: '' is not a revision" in done.stderr

    def test_sarif_points_at_the_lines(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        models = tmp_path / "models.txt"
        models.write_text(f"{ALLOWED}\n{BLOCKED}\n\n{BLOCKED}@main\n")
        done = curator("check", "--file", str(models), "--server", mirror.url, "--format", "sarif")
        (run,) = json.loads(done.stdout)["runs"]
        regions = [one["locations"][0]["physicalLocation"]["region"] for one in run["results"]]
        assert regions == [{"startLine": 2}, {"startLine": 4}]
        assert {one["ruleId"] for one in run["results"]} == {"unsafe-file"}

    def test_junit_has_a_test_for_each(self, mirror: MirrorProcess, tmp_path: Path) -> None:
        models = tmp_path / "models.txt"
        models.write_text(f"{ALLOWED}\n{BLOCKED}\nspaces/acme-research/demo-space\n")
        done = curator("check", "--file", str(models), "--server", mirror.url, "--format", "junit")
        (suite,) = ET.fromstring(done.stdout)
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
