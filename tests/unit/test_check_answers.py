"""What `curator check` writes in each format; and that no answer writes into it what it likes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from curator.cli import check
from curator.cli.answers import Style, render
from curator.cli.answers.record import Answered, Answers, exit_code, summary
from curator.cli.client import Mirror, ToldByTheMirror
from curator.cli.wanted import Place, Wanted
from curator.errors import BadInput, ServerUnreachable
from curator.types import RepoId, RepoKind, Revision

HOSTILE = "]]> \x1b[2J <script> \u202e"
SHA = "0123456789abcdef0123456789abcdef01234567"


def answered(outcome: str, name: str = "acme/model", *lines: int, **said: Any) -> Answered:
    document: dict[str, Any] = {
        "repository": name,
        "kind": "model",
        "revision": "main",
        "path": None,
        "outcome": outcome,
        "sentence": "" if outcome == "allowed" else f"{name} is {outcome}",
        "commit": SHA,
        "decision": "d1",
        "details": "http://mirror/-/decisions/d1",
        "rules": [],
        "left_out": {},
        "warnings": [],
        "dry_run": [],
        "waived": [],
        "approved": [],
        "behind": None,
    }
    wanted = Wanted(RepoId.parse(name), places=tuple(Place("models.txt", line) for line in lines))
    return Answered(wanted, document | said)


def reason(rule: str, outcome: str, message: str, *by: dict[str, Any]) -> dict[str, Any]:
    return {"rule": rule, "outcome": outcome, "message": message, "files": [], "owner": "", "by": list(by)}


WAIVER = {"id": "w1", "kind": "waiver", "by": "anna", "reason": "it is ours", "expires_at": "2027-01-01T00:00:00+00:00"}
EVERYTHING = answered(
    "allowed",
    "acme/all",
    7,
    left_out={"a.bin": reason("unsafe-file-left-out", "exclude-file", f"a.bin is unsafe: {HOSTILE}")},
    warnings=[reason("lineage-terms", "warn", "a Llama under MIT")],
    dry_run=[reason("tried", "block", "it is large")],
    waived=[reason("unsafe-file", "block", "b.bin is unsafe", WAIVER)],
    approved=[reason("approved-list", "allow", "it is approved", {"id": "l1"})],
    behind={"upstream_commit": SHA, "commits": 2, "sentence": "main is given 2 commits behind"},
)
MIXED = (
    answered("allowed", "acme/fine", 1),
    answered("blocked", "acme/bad", 2, 5, rules=["unsafe-file"], sentence=f"bad.pkl runs {HOSTILE}"),
    answered("held", "acme/young", 3, rules=["cool-down"]),
    answered("scanning", "acme/new", 4, decision=None, details=None, scanned=1, total=9),
    EVERYTHING,
)


def text_of(style: Style, *models: Answered, quiet: bool = False) -> str:
    rules = {
        "unsafe-file": {"description": "It would do harm.", "owner": "model-security", "references": ["https://x"]}
    }
    return render(style, Answers(models, "f" * 64, rules), quiet=quiet)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["allowed"], 0),
        (["allowed", "blocked", "held"], 1),
        (["not-found"], 1),
        (["scanning", "not-found"], 1),
        (["allowed", "held"], 3),
        (["scanning"], 3),
        (["not-judged"], 3),
        (["a word of a later version"], 3),
    ],
)
def test_it_ends_with_0_only_where_all_are_allowed(outcomes: list[str], code: int) -> None:
    assert exit_code([answered(outcome) for outcome in outcomes]) == code


def test_the_table_has_the_worst_first_and_all_that_is_to_be_known() -> None:
    lines = text_of(Style.TABLE, *MIXED).split("\n")
    words = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert words == ["blocked", "held", "scanning", "allowed", "allowed", "5"]
    text = "\n".join(lines)
    assert "blocked   acme/bad at 0123456789ab  (models.txt:2, models.txt:5)" in text
    assert "for an exception: curator request acme/bad --reason '...'" in text
    assert text.count("for an exception") == 2, "what is allowed or being scanned wants none"
    assert "main is given 2 commits behind" in text
    assert "left out: a.bin is unsafe" in text
    assert "warning: a Llama under MIT [lineage-terms]" in text
    assert "would block (dry run): it is large [tried]" in text
    assert "waived: b.bin is unsafe [unsafe-file] by anna w1 (it is ours, until 2027-01-01)" in text
    assert "approved: it is approved [approved-list] by l1" in text
    assert lines[-1] == summary(MIXED) == "5 models: 1 blocked, 1 held, 1 scanning, 2 allowed"
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_an_outcome_of_a_later_version_is_shown_and_no_yes() -> None:
    assert text_of(Style.TABLE, answered("pondered")).startswith("pondered")


def test_who_asks_quietly_hears_only_what_is_not_allowed() -> None:
    assert text_of(Style.TABLE, answered("allowed"), quiet=True) == ""
    assert "acme/fine" not in text_of(Style.TABLE, *MIXED, quiet=True)


def test_sarif_points_at_each_line_and_keeps_its_alerts_when_lines_move() -> None:
    (run,) = json.loads(text_of(Style.SARIF, *MIXED))["runs"]
    seen = [
        (one["ruleId"], one["level"], one["locations"][0]["physicalLocation"]["region"]["startLine"])
        for one in run["results"]
    ]
    assert seen == [
        ("unsafe-file", "error", 2),
        ("unsafe-file", "error", 5),
        ("cool-down", "warning", 3),
        ("scanning", "warning", 4),
        ("behind-the-upstream", "note", 7),
        ("unsafe-file-left-out", "note", 7),
        ("lineage-terms", "warning", 7),
        ("tried", "note", 7),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert "model-security" in rules[0]["help"]["text"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["exitCode"] == 1
    (moved,) = json.loads(text_of(Style.SARIF, answered("blocked", "acme/bad", 90, rules=["unsafe-file"])))["runs"]
    assert moved["results"][0]["partialFingerprints"] == run["results"][0]["partialFingerprints"]


def test_sarif_names_files_as_code_scanning_finds_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for written, uri in (
        ("./a b.txt", "a%20b.txt"),
        (str(tmp_path / "x.txt"), "x.txt"),
        ("/etc/m.txt", "file:///etc/m.txt"),
        ("-", "stdin"),
    ):
        one = answered("blocked")
        placed = Answered(Wanted(one.wanted.repo, places=(Place(written, 1),)), one.said)
        (run,) = json.loads(text_of(Style.SARIF, placed))["runs"]
        place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert (place["uri"], quote(place["uri"], safe=":/%-.")) == (uri, uri)


def test_junit_has_a_failure_for_what_is_blocked_and_an_error_for_what_is_open() -> None:
    (suite,) = ET.fromstring(text_of(Style.JUNIT, *MIXED))
    kinds = [[child.tag for child in case] for case in suite]
    assert kinds == [[], ["failure"], ["error"], ["error"], ["system-out"]]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "1", "2")
    assert suite[1].get("file") == "models.txt"
    assert suite[1][0].get("type") == "unsafe-file"


def test_the_json_has_each_place() -> None:
    document = json.loads(text_of(Style.JSON, *MIXED))
    assert (document["schema"], document["outcome"], document["exit_code"]) == ("curator.check/1", "blocked", 1)
    assert document["models"][1]["where"] == [{"file": "models.txt", "line": 2}, {"file": "models.txt", "line": 5}]


class Scripted(Mirror):
    """A mirror that says what it is told to, one answer a question."""

    answers: Iterator[Any]

    def post(self, path: str, document: Any, timeout_s: float = 1.0) -> Any:
        assert path == check.PATH
        del timeout_s
        said = next(self.answers)
        if isinstance(said, Exception):
            raise said
        models = [answered(said, model["repository"]).said | {"scanned": 0, "total": 0} for model in document["models"]]
        return {"schema": "curator.check/1", "rule_set": "f" * 64, "rules": {}, "models": models}


def run(monkeypatch: pytest.MonkeyPatch, *said: Any, wait_s: float = 5.0, names: tuple[str, ...] = ("a/b",)) -> Any:
    class Found(Scripted):
        answers = iter(said)

        @classmethod
        def find(cls, server: str | None) -> Any:
            return cls("http://mirror", server)

    monkeypatch.setattr(check, "Mirror", Found)
    monkeypatch.setattr("time.sleep", lambda _: None)
    options = check.Options(names, None, RepoKind.MODEL, Style.TABLE, None, wait_s, {}, None, quiet=False)
    with pytest.raises((SystemExit, BadInput, ServerUnreachable, ToldByTheMirror)) as ended:
        check.run(options)
    return ended.value


def test_a_mirror_that_is_lost_while_one_waits_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = run(monkeypatch, "scanning", ServerUnreachable("it is gone"))
    assert isinstance(lost, ServerUnreachable)
    assert lost.exit_code == 4


def test_what_was_scanned_is_asked_again_until_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "scanning", "scanning", "allowed").code == 0
    assert run(monkeypatch, "scanning", "blocked").code == 1
    assert run(monkeypatch, "scanning", wait_s=0.0).code == 3


def test_an_answer_in_another_form_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "post", lambda *_: {"models": []})
    assert run(monkeypatch).exit_code == 4


def test_no_more_than_the_mirror_takes_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"acme/model-{number}" for number in range(1_100))
    assert run(monkeypatch, "allowed", "allowed", "allowed", names=names).code == 0
    assert Revision("main") == Wanted(RepoId.parse("a/b")).revision
