"""What is doubtful in rules that can be used."""

from __future__ import annotations

import pytest

from curator.policy.vocabulary import vocabulary
from rules.lint import Vocabulary, doubts
from rules.model import starter_policy
from tests.unit.rules.given import policy, rule

WORDS = Vocabulary(frozenset({"pickle-executes-code"}), frozenset({"gguf"}), frozenset({"mit", "apache-2.0"}))


def told(*rules: str, words: Vocabulary = WORDS, **fields: str) -> list[str]:
    return [problem.sentence for problem in doubts(policy(*rules, **fields), words, "rules.yaml")]


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ("younger_than_days: 7, not_changed_for_days: 30", "fewer than 7 days ago cannot be unchanged for 30"),
        ("younger_than_days: 7, older_than_days: 7", "nothing is both 'younger_than_days: 7' and 'older_than_days: 7'"),
        ("changed_within_days: 1 week, not_changed_for_days: 2 weeks", "nothing is both"),
        ("file_verdict: [safe], severity_at_least: high", "a file that is safe has no finding of severity high"),
        ("file_verdict: [safe, suspicious], severity_at_least: critical", "has no finding of severity critical"),
        ("downloads_below: 0", "'downloads_below: 0' is less than anything can be"),
        ("finding: []", "'finding' has nothing in it"),
        ("publisher: [google], repository: ['meta-llama/*']", "no repository that 'repository' matches"),
        ("publisher: [google], publisher_not: ['goo*']", "every 'publisher' that is wanted is one of"),
        ("license_category: missing, license: mit", "where the licence is missing, none is declared"),
        ("approved: false, reviewed: true", "what is reviewed is approved, too"),
        ("gated: true, unless: {gated: true}", "what stands under 'unless' holds wherever"),
        ("likes_below: 5, unless: {likes_below: 10}", "what stands under 'unless' holds wherever"),
        ("any: []", "'any' has nothing in it"),
        ("younger_than_days: 3, any: [{older_than_days: 5}, {not_changed_for_days: 9}]", "cannot be unchanged for 9"),
        ("file_verdict: unsafe, file_role: code, usable_without_unsafe: true", "wants all unsafe files to be weights"),
    ],
)
def test_a_rule_that_can_never_match_says_why(asks: str, sentence: str) -> None:
    (one,) = told(rule("block", asks))
    assert one.startswith("the rule can never match: ")
    assert sentence in one


@pytest.mark.parametrize(
    "asks",
    [
        "younger_than_days: 30, not_changed_for_days: 7",
        "file_verdict: [safe, unscannable], severity_at_least: high",
        "publisher: ['*'], repository: ['meta-llama/*', gpt2]",
        "publisher: [google], repository: [google/x]",
        "license: mit, license_not: [apache-2.0]",
        "gated: true, unless: {gated: true, likes_below: 5}",
        "younger_than_days: 3, any: [{older_than_days: 5}, {likes_below: 9}]",
        "publisher_not: []",
    ],
)
def test_a_rule_that_may_match_is_not_doubted(asks: str) -> None:
    assert told(rule("block", asks)) == []


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("applies_to: {kinds: []}", "the rule can never match: 'kinds' has nothing in it"),
        ("applies_to: {teams: []}", "the rule can never match: 'teams' has nothing in it"),
        ("applies_to: {repositories: ['https://huggingface.co/a/b']}", "no repository is called"),
        ("applies_to: {repositories: ['a/b/c']}", "no repository is called 'a/b/c': write it as namespace/name"),
    ],
)
def test_a_scope_that_nothing_is_in_is_told(more: str, sentence: str) -> None:
    (one,) = told(rule("block", "gated: true", more=more))
    assert one.startswith(sentence)


def test_a_scope_and_a_condition_that_have_no_repository_in_common_are_told() -> None:
    (one,) = told(rule("block", "repository: 'a/*'", more="applies_to: {repositories: ['b/*']}"))
    assert one == "the rule can never match: 'applies_to' names other repositories"


def test_only_models_have_parameters() -> None:
    (one,) = told(rule("block", "parameters_above: 70B", more="applies_to: {kinds: [dataset]}"))
    assert "only models have what 'parameters_above' asks" in one


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ("finding: pickle-executes-kode", "there is no finding 'pickle-executes-kode'; did you mean"),
        ("file_format: [gguff]", "there is no format 'gguff'; did you mean 'gguf'?"),
        ("license_not: [MIT, apache2]", "there is no licence 'apache2'; did you mean 'apache-2.0'?"),
        ("unknown: [licence]", "there is no group of facts 'licence'; did you mean 'license'?"),
        ("publisher: [google/gemma]", "no publisher is called 'google/gemma'"),
        ("repository: ['a b/c']", "no repository is called 'a b/c'"),
        ("any: [{gated: true}, {finding: odd}]", "there is no finding 'odd'"),
    ],
)
def test_a_word_that_does_not_exist_is_told(asks: str, sentence: str) -> None:
    (one,) = told(rule("block", asks))
    assert one.startswith(sentence)


def test_no_word_is_doubted_where_nobody_tells_which_there_are() -> None:
    assert told(rule("block", "finding: odd, license: strange"), words=Vocabulary()) == []


def test_an_expression_that_is_always_the_same_is_told() -> None:
    assert "always false, so it can never match" in told(rule("block", "expression: 1 > 2"))[0]
    assert "always true, so it can match whatever" in told(rule("block", "expression: 2 > 1"))[0]


def test_a_message_about_a_file_in_a_rule_about_the_repository_is_told() -> None:
    assert told(rule("block", "gated: true", message="{file} is bad")) == [
        "the rule is about the repository, and {file} will be empty"
    ]
    assert told(rule("block", "file_role: code", message="{file} is bad: {finding}")) == []


def test_two_rules_that_say_the_same_are_told_once() -> None:
    one, other = rule("hold", "likes_below: 5, gated: true", "a"), rule("hold", "gated: true, likes_below: 5", "b")
    assert told(one, other) == ["it is the same as the rule 'a': one of them is enough"]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (("hold", "likes_below: 5"), ("hold", "likes_below: 10"), True),
        (("hold", "likes_below: 5"), ("block", "likes_below: 10"), True),
        (("block", "likes_below: 5"), ("hold", "likes_below: 10"), False),
        (("hold", "likes_below: 50"), ("hold", "likes_below: 10"), False),
        (("warn", "gated: true, likes_below: 5"), ("block", "gated: true"), True),
        (("block", "license_category: [missing]"), ("block", "license_category: [missing, unknown]"), True),
        (("block", "severity_at_least: critical"), ("block", "severity_at_least: high"), True),
        (("block", "file_role: code"), ("block", "file_role: [code], gated: true"), False),
        (("block", "publisher: [google]"), ("block", "publisher: ['goo*']"), True),
        (("block", "publisher: ['g?ogle']"), ("block", "publisher: ['goo*']"), False),
        (("block", "publisher_not: [a, b]"), ("block", "publisher_not: [a]"), True),
        (("block", "gated: true"), ("block", "any: [{gated: true}, {private: true}]"), True),
        (("block", "gated: true, unless: {likes_below: 5}"), ("block", "unless: {likes_below: 5}"), True),
        (("hold", "file_role: code, gated: true"), ("hold", "gated: true"), False),
        (("warn", "file_role: code, file_path: x"), ("exclude-file", "file_role: code"), False),
        (("hold", "expression: likes > 1"), ("hold", "gated: true"), False),
    ],
)
def test_a_rule_that_never_decides_is_told(one: tuple[str, str], other: tuple[str, str], overlap: bool) -> None:
    found = told(rule(one[0], one[1], "a"), rule(other[0], other[1], "b"))
    assert any(sentence.startswith("it never decides: wherever it applies, 'b' does") for sentence in found) is overlap


def test_a_narrower_scope_makes_an_overlap_and_another_one_none() -> None:
    narrow = rule("hold", "gated: true", "a", more="applies_to: {repositories: ['a/*'], teams: [x]}")
    wide = rule("hold", "gated: true", "b", more="applies_to: {repositories: ['a*']}")
    assert len(told(narrow, wide)) == 1
    datasets = rule("hold", "gated: true", "b", more="applies_to: {kinds: dataset}")
    assert told(narrow, datasets) == []
    other = rule("hold", "gated: true", "b", more="applies_to: {repositories: ['b/*']}")
    assert told(narrow, other) == []


def test_a_trial_beside_the_rule_that_it_is_to_replace_is_no_overlap() -> None:
    assert told(rule("hold", "likes_below: 5", "a", more="dry_run: true"), rule("hold", "likes_below: 10", "b")) == []


def test_trials_alone_and_lists_that_nobody_names_are_told() -> None:
    found = told(rule("hold", "gated: true", more="dry_run: true"), lists="{ours: [a]}")
    assert found == [
        "no rule names the list '@ours'",
        "every rule is only tried, so nothing is allowed: add one with `outcome: allow` if all is to be",
    ]


def test_a_doubt_has_its_place() -> None:
    (one,) = doubts(policy(rule("block", "gated: true, finding: odd")), WORDS, "rules.yaml")
    assert str(one).startswith("rules.yaml:6:34: there is no finding 'odd'")


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ("finding: pickle-executes-kode", "there is no finding 'pickle-executes-kode'"),
        ("file_format: safetensor", "there is no format 'safetensor'; did you mean 'safetensors'?"),
        ("license_not: [apache2.0, 'bsd-*']", "there is no licence 'apache2.0'; did you mean 'apache-2.0'?"),
        ("license_terms: monthly-user", "there is no term of licences 'monthly-user'; did you mean 'monthly-users'?"),
        ("lineage_conflict: [terms-drop, 'no-*']", "there is no conflict of licences 'terms-drop'"),
        ("lineage_concern: notice-mising", "there is no conflict of licences 'notice-mising'"),
    ],
)
def test_the_words_there_are_are_those_that_the_scanners_know(asks: str, sentence: str) -> None:
    (one,) = told(rule("block", asks), words=vocabulary())
    assert one.startswith(sentence)


def test_nothing_in_the_starter_pack_is_doubtful() -> None:
    assert doubts(starter_policy(), vocabulary(), "starter.yaml") == ()
