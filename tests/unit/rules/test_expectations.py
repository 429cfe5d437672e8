"""Tests in a file of rules: run, and told what came of them."""

from __future__ import annotations

import pytest

from rules.evaluate import Outcome
from rules.expectations import FactsNotHad, Result, run
from rules.facts import Facts
from rules.model import PolicyError, parse_policy, starter_policy
from rules.samples import facts_of_sample
from tests.unit.rules.given import facts, rule, text

RULES = (
    rule("block", "file_verdict: unsafe, usable_without_unsafe: false", "unsafe", "{file} is bad"),
    rule("exclude-file", "file_verdict: unsafe, usable_without_unsafe: true", "left-out", "{file} is bad"),
    rule("hold", "younger_than_days: 30", "young", more="applies_to: {teams: [production]}"),
)


def nobody(repository: str, commit: str, kind: str) -> Facts:
    raise FactsNotHad(f"nobody knows {repository}")


def results(*expected: str, look: object = nobody) -> tuple[Result, ...]:
    source = text(*RULES) + "expect:\n" + "".join(f"  - {{{one}}}\n" for one in expected)
    return run(parse_policy(source, "rules.yaml"), look)  # type: ignore[arg-type]


def test_what_is_expected_and_comes_passes() -> None:
    one, two, three, four = results(
        "name: clean, facts: {}, outcome: allow, rules: [], excluded: []",
        "name: bad, facts: {files: [{path: a.bin, verdict: unsafe}]}, outcome: block, rules: [unsafe]",
        "name: out, outcome: allow, excluded: a.bin, rules: left-out, "
        "facts: {files: [{path: a.bin, findings: [x]}, {path: b.safetensors}]}",
        "name: new, facts: {created_at: 3 days ago}, for: {team: production}, outcome: hold, rules: [young]",
    )
    assert [one.passed, two.passed, three.passed, four.passed] == [True] * 4
    assert two.decision is not None
    assert two.decision.reasons[0].message == "a.bin is bad"


def test_a_difference_says_what_was_expected_what_came_and_which_rule_made_it() -> None:
    (one,) = results("name: n, facts: {files: [{path: a.bin, verdict: unsafe}]}, outcome: allow, rules: [young]")
    assert one.differences == (
        "expected allow, and it is block: unsafe says 'a.bin is bad'",
        "expected to be decided by young, and it is by unsafe",
    )
    assert (one.passed, one.place.line) == (False, 21)


def test_an_approval_can_be_supposed() -> None:
    one, two = results(
        "name: a, facts: {created_at: 1 day ago}, for: {team: production}, approved: repository, outcome: allow",
        "name: b, facts: {files: [{path: a.bin, verdict: unsafe}]}, approved: commit, outcome: block",
    )
    assert one.passed
    assert two.passed


def test_a_commit_is_looked_up_where_there_is_a_mirror() -> None:
    asked = []

    def look(repository: str, commit: str, kind: str) -> Facts:
        asked.append((repository, commit, kind))
        return facts(repository=repository, commit=commit, kind=kind)

    commit = "0123456789012345678901234567890123456789"
    (one,) = results(f"name: n, repository: a/b@{commit}, kind: dataset, outcome: allow", look=look)
    assert one.passed
    assert asked == [("a/b", commit, "dataset")]


def test_what_cannot_be_looked_up_is_not_run_and_says_why() -> None:
    (one,) = results(f"name: n, repository: a/b@{'0' * 40}, outcome: allow")
    assert (one.passed, one.not_run, one.decision) == (False, "nobody knows a/b", None)


@pytest.mark.parametrize(
    ("expected", "column", "sentence"),
    [
        ("name: n, facts: {downloadz: 1}, outcome: allow", 23, "'downloadz' here; did you mean 'downloads'?"),
        ("name: n, facts: {downloads: many}, outcome: allow", 34, "'many' cannot stand here: write a whole number"),
        (
            "name: n, facts: {license: {category: odd}}, outcome: allow",
            43,
            "'odd' cannot stand here: write 'permissive'",
        ),
        ("name: n, facts: {created_at: lately}, outcome: allow", 35, "'lately' cannot stand here: write a day"),
        ("name: n, facts: {files: [{}]}, outcome: allow", 31, "the field 'path' is missing"),
        ("name: n, outcome: allow", 12, "a test has either facts or a repository"),
        ("name: n, facts: {}, repository: a/b, outcome: allow", 12, "a test has either facts or a repository"),
        ("name: n, repository: a/b@main, outcome: allow", 27, "'a/b@main' is not a commit"),
        ("name: n, facts: {}, outcome: deny", 35, "'deny' cannot stand here: write 'allow', 'hold' or 'block'"),
        ("name: n, facts: {}, outcome: allow, rules: [unsafe, nil]", 58, "there is no rule 'nil' here"),
        (
            "name: n, facts: {}, outcome: allow, for: {team: a/b}",
            54,
            "'a/b' cannot stand here: write a name",
        ),
    ],
)
def test_a_test_that_is_none_is_told_with_its_place(expected: str, column: int, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        results(expected)
    problem = caught.value.problems[0]
    assert sentence in problem.sentence
    assert (problem.place.line, problem.place.column) == (21, column)


def test_the_ordinary_model_of_tests_is_one_that_the_starter_pack_allows() -> None:
    (one,) = results("name: n, facts: {}, outcome: allow")
    assert one.passed
    decided = run(
        parse_policy(
            starter_policy().source.partition("\nexpect:")[0] + "\nexpect: [{name: n, facts: {}, outcome: allow}]", "x"
        ),
        nobody,
    )
    assert [result.decision.outcome for result in decided if result.decision] == [Outcome.ALLOW]


def test_a_group_that_is_written_has_nothing_in_it_but_what_is_written() -> None:
    known = facts_of_sample({"license": {"category": "non-commercial"}, "repository": "org/name"})
    assert known.license.declared == ()
    assert (known.namespace, known.name) == ("org", "name")
