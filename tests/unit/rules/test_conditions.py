"""Each ready-made condition: where it holds, where it does not, and where nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS
from rules.evaluate import Outcome
from rules.model import PolicyError
from tests.unit.rules.given import decide, policy, rule

BIN = {"path": "a.bin"}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("file_verdict: unsafe", {"files": [BIN | {"verdict": "unsafe"}]}, {}),
    ("file_format: [gguf]", {"files": [{"path": "a.gguf"}]}, {}),
    ("file_role: code", {"files": [{"path": "a.py"}]}, {}),
    ("file_path: ['*.bin', x]", {"files": [{"path": "A.BIN"}]}, {}),
    ("file_larger_than_bytes: 10 GB", {"files": [BIN | {"size": "11 GB"}]}, {"files": [BIN | {"size": "10 GB"}]}),
    ("finding: pickle", {"files": [BIN | {"findings": ["pickle"]}]}, {"files": [BIN | {"findings": ["other"]}]}),
    ("severity_at_least: medium", {"files": [BIN | {"findings": ["x"]}]}, {"files": [BIN]}),
    ("repository: example/MODEL", {}, {"repository": "example/other"}),
    ("publisher: example", {}, {"repository": "other/model"}),
    ("publisher_not: [goo*, meta-llama]", {}, {"repository": "Google/model"}),
    ("publisher_known: true", {"publisher_known": True}, {}),
    ("publisher_verified: false", {}, {"owner": {"verified": True}}),
    ("publisher_kind: [user]", {"owner": {"kind": "user"}}, {}),
    ("owner_younger_than_days: 30", {"owner": {"created_at": "29 days ago"}}, {"owner": {"created_at": "30 days ago"}}),
    ("owner_followers_below: 10", {"owner": {"followers": 9}}, {}),
    ("owner_changed: true", {"owner": {"changed": True}}, {}),
    ("lookalike_score_at_least: 0.8", {"lookalike": {"of": "a/b", "score": 0.8}}, {"lookalike": {"score": 0.9}}),
    ("copied_card_at_least: 0.9", {"copied": {"card_of": "a/b", "card_similarity": 0.95}}, {}),
    ("copied_weights: true", {"copied": {"weights_of": ["a/b"]}}, {}),
    ("copied_shape: true", {"copied": {"shape_of": ["a/b"]}}, {}),
    ("license: 'CC-BY-NC-*'", {"license": {"declared": ["cc-by-nc-4.0"]}}, {}),
    ("license_not: [mit]", {}, {"license": {"declared": ["MIT"]}}),
    ("license_not: [mit]", {"license": {"declared": []}}, {"license": {"declared": ["mit"]}}),
    ("license_not: [mit, bsd]", {"license": {"declared": ["mit", "other"]}}, {"license": {"declared": ["bsd", "mit"]}}),
    ("license_category: [missing, unknown]", {"license": {}}, {}),
    ("license_terms: attribution", {"license": {"terms": ["attribution"]}}, {}),
    ("license_disagrees: true", {"license": {"disagrees": True}}, {}),
    ("license_changed: true", {"license": {"before": "MIT"}}, {}),
    ("lineage_conflict: any", {"lineage": {"conflicts": [{}]}}, {}),
    ("lineage_conflict: [terms-*]", {"lineage": {"conflicts": [{}]}}, {"lineage": {"conflicts": [{"id": "other"}]}}),
    ("lineage_concern: any", {"lineage": {"conflicts": [{"level": "warning"}]}}, {"lineage": {"conflicts": [{}]}}),
    ("lineage_category: [community]", {"lineage": {"category": "community"}}, {}),
    ("lineage_unresolved: true", {"lineage": {"unresolved": ["a/b"]}}, {}),
    ("lineage_undeclared: true", {"lineage": {"undeclared": ["a/b"]}}, {}),
    ("ancestor: meta-llama/*", {"lineage": {"ancestors": ["meta-llama/Llama-3"]}}, {}),
    ("younger_than_days: 4 weeks", {"created_at": "27 days ago"}, {"created_at": "28 days ago"}),
    ("older_than_days: 28", {"created_at": "28 days ago"}, {"created_at": "27 days ago"}),
    ("changed_within_days: 6 weeks", {"last_modified": "41 days ago"}, {"last_modified": "42 days ago"}),
    ("not_changed_for_days: 1 year", {"last_modified": "365 days ago"}, {"last_modified": "364 days ago"}),
    ("committed_within_days: 12 hours", {"committed_at": "11 hours ago"}, {"committed_at": "13 hours ago"}),
    ("downloads_below: 10k", {"downloads": 9_999}, {}),
    ("likes_below: 100", {"likes": 99}, {}),
    ("downloads_grew_times: 20", {"downloads": 2000, "downloads_before": 100}, {}),
    ("downloads_grew_times: 20", {"downloads": 244_000, "downloads_before": 0}, {"downloads_before": 600}),
    ("format_any: [gguf, pickle]", {"files": [{"path": "a.gguf"}]}, {}),
    ("without_safetensors: true", {"files": [BIN]}, {"files": [{"path": "README.md"}]}),
    ("usable_without_unsafe: true", {"files": [{"path": "m.safetensors"}, BIN | {"verdict": "unsafe"}]}, {"files": []}),
    ("larger_than_bytes: 1999", {}, {"files": [BIN]}),
    ("parameters_above: 70 billion", {"parameters": 70_000_000_001}, {}),
    ("context_length_below: 8k", {"context_length": 4096}, {}),
    ("task: text-*", {}, {"pipeline_tag": "image-to-image"}),
    ("library: [diffusers]", {"library": "diffusers"}, {}),
    ("language: [zh, ru]", {"languages": ["en", "ZH"]}, {}),
    ("tag: 'license:*'", {"tags": ["x", "license:mit"]}, {}),
    ("gated: true", {"gated": True}, {}),
    ("private: true", {"private": True}, {}),
    ("taken_down: true", {"taken_down": True}, {}),
    ("code_from: '*'", {"code_from": ["a/b"]}, {}),
    ("card_completeness_below: 0.5", {"card_completeness": 0.4}, {}),
    ("hub_scan: [unsafe, suspicious]", {"hub_scan": "unsafe"}, {}),
    ("unknown: [owner]", {"unknown": ["owner"]}, {}),
    ("any: [{gated: true}, {private: true}]", {"private": True}, {}),
    ("any: [{file_role: code}, {private: true}]", {"files": [{"path": "a.py"}]}, {}),
    ("publisher_known: false, unless: {license: apache-2.0, likes_below: 5}", {}, {"likes": 4}),
    ("file_role: code, unless: {file_path: 't/*'}", {"files": [{"path": "a.py"}]}, {"files": [{"path": "t/a.py"}]}),
]  # fmt: skip


def filled(given: dict[str, Any]) -> dict[str, Any]:
    """Conflicts with all their fields."""
    if "conflicts" in given.get("lineage", {}):
        empty = {"id": "terms-dropped", "parent": "a/b", "depth": 1, "parent_license": "x", "license": "y"}
        conflicts = [empty | {"clause": "c", "cure": "d"} | one for one in given["lineage"]["conflicts"]]
        return given | {"lineage": given["lineage"] | {"conflicts": conflicts}}
    return given


@pytest.mark.parametrize(("asks", "met", "unmet"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_a_condition_asks_what_it_says(asks: str, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    rules = policy(rule("block", asks))
    assert decide(rules, **filled(met)).outcome is Outcome.BLOCK
    assert decide(rules, **filled(unmet)).outcome is Outcome.ALLOW


def test_every_condition_has_such_a_case() -> None:
    asked = " ".join(case[0] for case in CASES) + " approved: reviewed:"
    assert [name for name in (*FILE_CONDITIONS, *REPOSITORY_CONDITIONS) if f"{name}:" not in asked] == []


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(
        ("asks", "given"),
        [
            ("younger_than_days: 30", {"created_at": None}),
            ("older_than_days: 30", {"created_at": None}),
            ("not_changed_for_days: 30", {"last_modified": None}),
            ("owner_younger_than_days: 30", {"owner": {}}),
            ("publisher_verified: true", {"unknown": ["owner"]}),
            ("publisher_verified: false", {"unknown": ["owner"]}),
            ("owner_changed: true", {"unknown": ["history"]}),
            ("license_not: [mit]", {"unknown": ["license"]}),
            ("lineage_conflict: any", {"unknown": ["lineage"]}),
            ("lookalike_score_at_least: 0.9", {"unknown": ["lookalike"]}),
            ("hub_scan: [unsafe]", {"unknown": ["hub_scan"]}),
            ("parameters_above: 1", {"parameters": 0}),
            ("downloads_grew_times: 2", {"first_seen_at": None}),
            ("unless: {publisher_verified: true}", {"unknown": ["owner"]}),
            ("any: [{publisher_verified: true}, {gated: true}]", {"unknown": ["owner"]}),
            ("expression: owner.followers < 5", {"unknown": ["owner"]}),
            ("expression: age_days > 5.0", {"created_at": None}),
        ],
    )
    @pytest.mark.parametrize("outcome", ["block", "hold"])
    def test_a_rule_that_asks_for_it_holds(self, asks: str, given: dict[str, Any], outcome: str) -> None:
        decision = decide(policy(rule(outcome, asks)), **given)
        assert decision.outcome is Outcome.HOLD
        assert "is not known" in decision.reasons[0].message

    def test_a_rule_that_does_not_apply_anyway_is_not_held_up(self) -> None:
        rules = policy(rule("block", "publisher_verified: false, gated: true"))
        assert decide(rules, unknown=["owner"]).outcome is Outcome.ALLOW

    def test_a_warning_stays_one_and_a_permission_is_none(self) -> None:
        rules = policy(rule("warn", "publisher_verified: false", "a"), rule("allow", "publisher_verified: true", "b"))
        decision = decide(rules, unknown=["owner"])
        assert decision.outcome is Outcome.ALLOW
        assert [reason.rule for reason in decision.reasons] == ["a"]

    def test_files_that_may_have_to_be_left_out_are(self) -> None:
        rules = policy(rule("exclude-file", "file_format: gguf, publisher_verified: false"))
        assert list(decide(rules, unknown=["owner"], files=[{"path": "a.gguf"}]).excluded_files) == ["a.gguf"]

    def test_what_is_known_for_sure_counts_though_more_may_be_found(self) -> None:
        conflict = filled({"lineage": {"conflicts": [{}]}})
        rules = policy(rule("block", "lineage_conflict: any"))
        assert decide(rules, **conflict, unknown=["lineage"]).outcome is Outcome.BLOCK

    def test_an_expression_that_asks_what_is_unknown_answers_for_itself(self) -> None:
        rules = policy(rule("block", "expression: '!(\"owner\" in unknown) && owner.followers < 5'"))
        assert decide(rules, unknown=["owner"]).outcome is Outcome.ALLOW


class TestNamedLists:
    LISTS = "{trusted: [meta-llama, google], ok: mit}"

    def test_a_list_stands_for_its_words(self) -> None:
        rules = policy(rule("hold", "publisher_not: ['@trusted', example2], license_not: '@ok'"), lists=self.LISTS)
        assert decide(rules).outcome is Outcome.HOLD
        assert decide(rules, repository="Google/x").outcome is Outcome.ALLOW
        assert decide(rules, repository="example2/x").outcome is Outcome.ALLOW
        assert decide(rules, license={"declared": ["mit"]}).outcome is Outcome.ALLOW

    def test_a_scope_may_name_one(self) -> None:
        scope = "applies_to: {repositories: ['@mine']}"
        rules = policy(rule("hold", "likes_below: 1m", more=scope), lists="{mine: ['example/*']}")
        assert decide(rules).outcome is Outcome.HOLD
        assert decide(rules, repository="a/b").outcome is Outcome.ALLOW

    @pytest.mark.parametrize(
        ("fields", "asks", "sentence"),
        [
            ({}, "publisher: ['@trusted']", "rules.yaml:6:24: there is no list '@trusted' here; there is none"),
            ({"lists": "{a: [x]}"}, "unless: {publisher: '@b'}", "there is no list '@b' here; there is @a"),
            ({"lists": "{a: ['@b']}"}, "publisher: '@a'", "a list has words, and no names of other lists"),
            ({"lists": "{A b: [x]}"}, "publisher: x", "'A b' cannot name a list"),
        ],
    )
    def test_a_list_that_is_not_there_is_told_with_its_place(
        self, fields: dict[str, str], asks: str, sentence: str
    ) -> None:
        with pytest.raises(PolicyError) as caught:
            policy(rule("hold", asks), **fields)
        assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ("larger_than_bytes: 10 XB", "'10 XB' is not a size, such as 500 MB or 10 GB"),
        ("younger_than_days: 6 fortnights", "'6 fortnights' is not a time, such as 12 hours, 30 days or 6 weeks"),
        ("parameters_above: many", "'many' is not a number, such as 100, 10k or 70 billion"),
        ("likes_below: -1", "-1: input should be greater than or equal to 0"),
    ],
)
def test_an_amount_that_is_none_is_told_with_its_place(asks: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(rule("hold", asks))
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.sentence) == (6, sentence)


@pytest.mark.parametrize("message", ["{file!r}", "{file:>9999999}", "{file:{finding}}", "{file.x}", "{0}", "{"])
def test_a_message_has_plain_placeholders(message: str) -> None:
    with pytest.raises(PolicyError):
        policy(rule("hold", "gated: true", message=message))


@pytest.mark.parametrize("name", ["no-rules", "approved-list", "blocked-list"])
def test_the_mirrors_own_words_name_no_rule(name: str) -> None:
    with pytest.raises(PolicyError, match="own word"):
        policy(rule("hold", "gated: true", name))
