"""What each format promises to the program that reads it; and that no file writes into it what it likes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from curator.cli.quick import DEFAULT_LIMITS
from curator.settings import Settings
from scanners.catalogue import RULES
from scanners.command import NotUnderstood, Options, explained, plain
from scanners.files import NoSuchPath, files_of, printable
from scanners.finding import Confidence, Finding, Report, Severity, Where
from scanners.output import Style, render
from scanners.output.markdown import inert
from scanners.output.record import PACKAGE_VERSION, Scanned, exit_code
from scanners.output.sarif import log
from scanners.output.table import size
from tests.scanning import SHELL, proto

HOSTILE_TEXT = "](https://example.invalid) | @team <img src=x> `x` **x** \x1b[2J ]]> \u202e & www.example.invalid"


def found(severity: Severity, rule: str = "pickle-executes-code", **where: Any) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        confidence=Confidence.CERTAIN,
        message=f"It runs {HOSTILE_TEXT}.",
        where=Where(**where),
        evidence={"import": "os.system"},
    )


SCANNED = [
    Scanned("config.json", 12, "ab" * 32, Report(format="json"), "./model/config.json"),
    Scanned(
        "weights/a b#1.pkl",
        5_400_000_000,
        "cd" * 32,
        Report(
            format="torch-zip",
            findings=(
                found(Severity.CRITICAL, offset=12, member="archive/data.pkl"),
                found(Severity.MEDIUM, "pickle-unknown-import", offset=90),
                found(Severity.LOW, "python-code", line=3),
            ),
            engines={"curator": "1", "fickling": "0.1.12"},
        ),
        "/srv/model/weights/a b#1.pkl",
    ),
    Scanned("x.bin", 900, None, Report(format="unknown", unscannable="Its format is not known here."), "hf://a/b@main/x"),
]  # fmt: skip


def sarif() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(Style.SARIF, SCANNED, fail_on=Severity.MEDIUM))
    return document


class TestSarif:
    def test_it_is_a_log_of_2_1_0(self) -> None:
        """The requirements of the specification's sections 3.13 to 3.52 on what is written here."""
        document = sarif()
        assert (document["version"], len(document["runs"])) == ("2.1.0", 1)
        (run,) = document["runs"]
        driver = run["tool"]["driver"]
        assert driver["name"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
        assert run["tool"]["extensions"] == [{"name": "fickling", "version": "0.1.12"}]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"].endswith(".")
            assert rule["help"]["text"]
            assert rule["defaultConfiguration"]["level"] in {"note", "warning", "error"}
            assert 0 < float(rule["properties"]["security-severity"]) <= 10
        artifacts = run["artifacts"]
        for result in run["results"]:
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert result["level"] in {"note", "warning", "error"}
            assert result["message"]["text"]
            (location,) = result["locations"]
            place = location["physicalLocation"]
            assert artifacts[place["artifactLocation"]["index"]]["location"]["uri"] == place["artifactLocation"]["uri"]
            region = place.get("region", {"startLine": 1})
            assert region.get("startLine", 1) >= 1
            assert region.get("byteOffset", 0) >= 0
        for uri in (artifact["location"]["uri"] for artifact in artifacts):
            assert re.fullmatch(r"[A-Za-z0-9._~:/@%!$&'()*+,;=-]+", uri), "a reference of RFC 3986"

    def test_levels_places_and_fingerprints_are_those_of_the_findings(self) -> None:
        (run,) = sarif()["runs"]
        critical, medium, low, open_end = run["results"]
        assert [one["level"] for one in run["results"]] == ["error", "warning", "note", "error"]
        finding = SCANNED[1].report.findings[0]
        assert critical["partialFingerprints"] == {"curatorFinding/v1": finding.fingerprint("cd" * 32)}
        assert critical["locations"][0]["logicalLocations"] == [
            {"name": "archive/data.pkl", "fullyQualifiedName": "archive/data.pkl", "kind": "member"}
        ]
        assert "region" not in critical["locations"][0]["physicalLocation"], "its offset is one inside the member"
        assert medium["locations"][0]["physicalLocation"]["region"] == {"byteOffset": 90, "byteLength": 0}
        assert low["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
        assert open_end["ruleId"] == "not-judged"
        assert run["artifacts"] == [
            {"location": {"uri": "model/config.json"}, "length": 12, "hashes": {"sha-256": "ab" * 32}},
            {
                "location": {"uri": "file:///srv/model/weights/a%20b%231.pkl"},
                "length": 5_400_000_000,
                "hashes": {"sha-256": "cd" * 32},
            },
            {"location": {"uri": "hf://a/b@main/x"}, "length": 900},
        ]

    def test_a_run_that_could_not_judge_all_says_so(self) -> None:
        (run,) = sarif()["runs"]
        (invocation,) = run["invocations"]
        assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 1)
        (told,) = invocation["toolExecutionNotifications"]
        assert told["level"] == "error"
        assert "Its format is not known here." in told["message"]["text"]
        (clean,) = log(SCANNED[:1], Severity.MEDIUM)["runs"]
        assert clean["invocations"] == [
            {"executionSuccessful": True, "exitCode": 0, "toolExecutionNotifications": []}
        ]  # fmt: skip
        assert clean["results"] == []

    def test_help_is_the_page_of_the_rule(self) -> None:
        rules = {rule["id"]: rule for rule in sarif()["runs"][0]["tool"]["driver"]["rules"]}
        page = Path("docs/findings/pickle-executes-code.md").read_text()
        assert rules["pickle-executes-code"]["help"]["markdown"] == page
        assert rules["pickle-executes-code"]["shortDescription"]["text"] == RULES["pickle-executes-code"]


def test_json_is_curator_scan_1_with_a_line_a_file() -> None:
    text = render(Style.JSON, SCANNED, fail_on=Severity.MEDIUM, quiet=True)
    document = json.loads(text)
    assert document.keys() == {"schema", "verdict", "engines", "files"}
    assert document["schema"] == "curator.scan/1"
    assert document["engines"] == {"curator": PACKAGE_VERSION, "fickling": "0.1.12"}
    assert [file["path"] for file in document["files"]] == [one.path for one in SCANNED]
    assert len(text.splitlines()) == 3 + len(SCANNED)
    assert json.loads(render(Style.JSON, [], fail_on=Severity.LOW))["files"] == []


def test_junit_has_a_test_a_file() -> None:
    suites = ET.fromstring(render(Style.JUNIT, SCANNED, fail_on=Severity.MEDIUM))
    (suite,) = suites
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3", "failures": "1", "errors": "1",
    }  # fmt: skip
    passed, failed, open_end = suite
    assert list(passed) == []
    assert [child.tag for child in failed] == ["failure", "system-out"]
    assert str(failed[0].text).count("\n") == 1, "the two findings that count"
    assert [child.tag for child in open_end] == ["error"]
    strict = ET.fromstring(render(Style.JUNIT, SCANNED, fail_on=Severity.LOW))
    assert [child.tag for child in strict[0][1]] == ["failure"]


def test_markdown_shows_the_worst_first_and_safe_files_as_a_number() -> None:
    lines = render(Style.MARKDOWN, SCANNED, fail_on=Severity.MEDIUM).splitlines()
    assert lines[0] == "### Model scan: 🛑 unsafe"
    assert lines[2] == "3 files: 1 unsafe, 1 unscannable, 1 safe"
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert [row.split("|")[1].split()[-1] for row in rows] == ["unsafe", "unsafe", "unsafe", "unscannable"]
    assert all(row.count("|") == 6 for row in rows), "no text adds a column"


def test_nothing_a_file_says_comes_alive_in_markdown() -> None:
    text = inert(HOSTILE_TEXT)
    for alive in ("](", "@team", "<img", "`", "**", "\x1b", "https:", "www.", "|", "\u202e"):
        assert alive not in text


def test_nothing_a_file_says_reaches_the_terminal_as_a_command() -> None:
    text = render(Style.TABLE, SCANNED, fail_on=Severity.MEDIUM)
    assert "\x1b" not in text
    assert "\\x1b[2J" in text
    assert printable("naïve.bin") == "naïve.bin"


def test_quiet_says_only_what_is_wrong() -> None:
    text = render(Style.TABLE, SCANNED, fail_on=Severity.MEDIUM, quiet=True)
    assert "config.json" not in text
    assert "files:" not in text
    assert "x.bin" in text


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size(count) for count in (0, 1, 999, 1000, 999_960, 5_400_000_000)] == [
        "0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.0 MB", "5.4 GB",
    ]  # fmt: skip


def test_what_was_found_outweighs_what_was_not_judged() -> None:
    assert exit_code(SCANNED, Severity.MEDIUM) == 1
    assert exit_code(SCANNED[::2], Severity.LOW) == 3
    assert exit_code(SCANNED[:1], Severity.LOW) == 0


def test_the_version_said_is_the_one_installed() -> None:
    assert version("model-curator") == PACKAGE_VERSION


def test_without_settings_the_quick_way_has_the_limits_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CURATOR_SCAN_MEMORY_BYTES", "CURATOR_SCAN_TIMEOUT_S"):
        monkeypatch.delenv(name, raising=False)
    fields = Settings.model_fields
    assert DEFAULT_LIMITS.memory_bytes == fields["scan_memory_bytes"].default
    assert DEFAULT_LIMITS.wall_s == fields["scan_timeout_s"].default


class TestOptions:
    @pytest.mark.parametrize(
        "words",
        [
            ["model"],
            ["model", "other", "-q"],
            ["--format", "sarif", "model", "--fail-on=high"],
            ["--no-second-opinions", "model", "--jobs", "2", "--hash"],
            ["model", "--second-opinions", "--quiet", "--format=junit"],
        ],
    )
    def test_a_plain_command_line_is_understood_as_the_whole_one_does(self, words: list[str]) -> None:
        assert plain(words) == explained(words)

    @pytest.mark.parametrize(
        "words",
        [[], ["--help"], ["x", "--format"], ["x", "--format", "xml"], ["x", "--jobs", "0"], ["--", "-x"], ["-x"]],
    )
    def test_all_else_is_left_to_the_whole_one(self, words: list[str]) -> None:
        with pytest.raises(NotUnderstood):
            plain(words)

    def test_every_option_has_a_default(self) -> None:
        assert plain(["x"]) == Options(["x"])


class TestFiles:
    def test_a_folder_that_cannot_be_listed_is_not_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "closed").mkdir()
        (tmp_path / "open.json").write_text("{}")
        genuine = files_of.__globals__["os"].scandir

        def scandir(path: str) -> Any:
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied", str(path))
            return genuine(path)

        monkeypatch.setattr("os.scandir", scandir)
        told = {file.shown: file.problem for file in files_of(str(tmp_path))}
        assert told == {"open.json": None, "closed": "The folder cannot be listed: Permission denied."}

    def test_what_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(NoSuchPath):
            list(files_of(str(tmp_path / "nothing")))


@pytest.mark.parametrize("style", list(Style))
def test_the_library_has_a_command_of_its_own(style: Style, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(proto(SHELL))
    command = [sys.executable, "-P", "-m", "scanners", "--no-second-opinions", "--format", style, str(path)]
    # The code under test, wherever else a copy of it is installed.
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "pickle-executes-code" in done.stdout
    safe = subprocess.run([*command[:-1], "README.md"], env=environment, capture_output=True, text=True, check=False)
    assert safe.returncode == 0
