"""`curator rules test`, `curator rules schema` and the facts that a mirror gives: what they print and end with."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fixtures.mirror import MirrorProcess
from rules.facts import Facts
from tests.contract.clients import ROOT, curator

RULES = """\
schema: curator.rules/1
name: acme
rules:
  - id: unsafe
    description: A file that would run code is not served.
    when: {file_verdict: unsafe}
    outcome: block
    message: "{file} is unsafe: {finding}"
expect:
  - name: a pickle that runs a program is not served
    facts: {files: [{path: a.bin, findings: [pickle-executes-code]}]}
    outcome: block
    rules: unsafe
"""


def asked(mirror: MirrorProcess, repo: str) -> dict[str, Any]:
    url = f"{mirror.url}/api/curator/v1/facts?repo={repo}"
    with urllib.request.urlopen(url, timeout=60) as response:
        document: dict[str, Any] = json.load(response)
        return document


def rules_file(folder: Path, more: str = "") -> Path:
    path = folder / "rules.yaml"
    path.write_text(RULES + more)
    return path


def test_rules_that_do_what_they_say_end_with_0_and_ask_nobody(tmp_path: Path) -> None:
    done = curator("rules", "test", str(rules_file(tmp_path)), "--server", "http://127.0.0.1:9")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/rules.yaml: 1 as expected"


def test_rules_that_do_not_end_with_1_and_say_which_rule_made_it(tmp_path: Path) -> None:
    more = "  - name: it is served\n    facts: {files: [{path: a.bin, verdict: unsafe}]}\n    outcome: allow\n"
    path = rules_file(tmp_path, more)
    done = curator("rules", "test", str(path))
    assert done.returncode == 1
    assert f"FAILED   it is served  ({path}:14)" in done.stdout
    assert "expected allow, and it is block: unsafe says 'a.bin is unsafe: '" in done.stdout
    told = json.loads(curator("rules", "test", str(path), "--format", "json").stdout)
    assert [(test["name"], test["passed"]) for test in told["tests"]][1] == ("it is served", False)
    suite = ET.fromstring(curator("rules", "test", str(path), "--format", "junit").stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (RULES.replace("outcome: block\n    rules", "outcome: deny\n    rules"), "rules.yaml:12:14: 'deny'"),
        (RULES.partition("expect:")[0], "it has no tests; write what you expect under `expect:`"),
    ],
)
def test_a_file_that_cannot_be_tested_ends_with_2(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    done = curator("rules", "test", str(path))
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_commit_is_tested_with_the_facts_that_the_mirror_has(mirror: MirrorProcess, tmp_path: Path) -> None:
    document = asked(mirror, "mallory/shell-in-a-pickle")
    more = (
        f"  - name: mallory\n    repository: mallory/shell-in-a-pickle@{document['commit']}\n"
        "    outcome: block\n    rules: [unsafe]\n"
    )
    done = curator("rules", "test", str(rules_file(tmp_path, more)), "--server", mirror.url)
    assert done.returncode == 0, done.stdout + done.stderr


def test_facts_that_cannot_be_had_end_with_3_and_say_why(mirror: MirrorProcess, tmp_path: Path) -> None:
    more = f"  - name: nobody\n    repository: nobody/nothing@{'0' * 40}\n    outcome: allow\n"
    path = rules_file(tmp_path, more)
    for server, why in ((mirror.url, "nobody/nothing"), ("http://127.0.0.1:9", "No mirror answers")):
        done = curator("rules", "test", str(path), "--server", server)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "not run  nobody" in done.stdout
        assert why in done.stdout


def test_the_facts_of_a_commit_are_those_that_rules_see(mirror: MirrorProcess) -> None:
    document = asked(mirror, "acme-research/tiny-bert")
    facts = Facts.from_json(document["facts"])
    assert (facts.repository, facts.commit) == ("acme-research/tiny-bert", document["commit"])
    assert {file.path for file in facts.files} >= {"config.json", "model.safetensors"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(mirror, "nobody/nothing")
    assert "has no repository nobody/nothing" in json.load(caught.value)["error"]


def test_the_schema_is_printed_as_it_is_published() -> None:
    done = curator("rules", "schema")
    assert done.returncode == 0
    assert done.stdout == (ROOT / "docs/rules.schema.json").read_text()


def test_doubts_are_told_beside_what_is_wrong_and_do_not_fail_a_check(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("file_verdict: unsafe", "finding: pickle-executes-kode"))
    done = curator("rules", "check", str(path))
    assert done.returncode == 0
    assert f"{path}:6:21: warning: there is no finding 'pickle-executes-kode'" in done.stderr
    assert "did you mean 'pickle-executes-code'?" in done.stderr
    assert "1 rule, nothing wrong, 1 warning" in done.stdout
    told = json.loads(curator("rules", "check", str(path), "--format", "json").stdout)
    assert [one["line"] for one in told["warnings"]] == [6]
