"""Rules by somebody careless, or who wants to keep the mirror busy: told at once, or held; never a crash or an hour."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import case
from rules.circumstances import Circumstances
from rules.evaluate import Outcome, evaluate
from rules.explain import explain
from rules.model import PolicyError, parse_policy
from tests.unit.rules.given import COMMIT, decide, entry, facts, policy, rule, said, text, waiver

ODD_VALUES = [
    "!!timestamp soon",
    "!!int ''",
    "!!bool perhaps",
    "1" + ":1" * 100_000,
    "1" + ":1" * 100_000 + ".5",
    "0b" + "1" * 100_000,
    "0x" + "f" * 100_000,
    "0001-01-01T00:00:00+23:59",
]


class TestReading:
    @pytest.mark.parametrize("value", ODD_VALUES, ids=[value[:20] for value in ODD_VALUES])
    def test_what_calls_itself_a_number_and_is_none_is_told_with_its_place_and_at_once(self, value: str) -> None:
        began = time.thread_time()
        with pytest.raises(PolicyError) as told:
            parse_policy(text(rule("block", "") + f"    dry_run: {value}\n"), "rules.yaml")
        assert str(told.value).startswith("rules.yaml:")
        assert time.thread_time() - began < 2

    @pytest.mark.parametrize("bomb", ["&a [*a, *a, *a]", "&a {b: *a, c: *a}", "[" * 50_000])
    def test_a_file_that_is_a_bomb_is_a_few_problems_and_not_a_log_full(self, bomb: str) -> None:
        with pytest.raises(PolicyError) as told:
            parse_policy(bomb, "rules.yaml")
        assert len(told.value.problems) <= 100

    def test_a_file_of_megabytes_is_not_read_at_all(self) -> None:
        with pytest.raises(PolicyError, match="characters at most"):
            parse_policy("#" * (1 << 20) + text(rule("block", "gated: true")), "rules.yaml")

    def test_more_rules_globs_and_letters_than_anybody_needs_are_told(self) -> None:
        many = "".join(rule("warn", "gated: true", f"r{index}") for index in range(1_001))
        globs = ", ".join(f"'*{index}*'" for index in range(5_001))
        for source, sentence in [
            (text(many), "1000 at most"),
            (text(rule("warn", f"publisher: [{globs}]")), "5000 globs at most"),
            (text(rule("warn", f"publisher: '{'*a' * 300}'")), "500 characters at most"),
            (text(rule("warn", f"expression: '{' || '.join(['gated'] * 600)}'")), "4000 characters at most"),
        ]:
            with pytest.raises(PolicyError, match=sentence):
                parse_policy(source, "rules.yaml")

    @pytest.mark.parametrize(
        "exception", ["unless: {}", "unless: {publisher: }", "any: [{}]", "publisher: ", "unless: "]
    )
    def test_a_condition_that_somebody_forgot_to_write_is_told_and_does_not_disarm_the_rule(
        self, exception: str
    ) -> None:
        with pytest.raises(PolicyError, match=r"rules\.yaml:6:\d+: .*(nothing stands behind|no condition in it)"):
            policy(rule("block", f"file_verdict: [unsafe], {exception}"))


@pytest.fixture
def a_second(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long rules may take: less than in use, since each test takes all of it."""
    assert case.MOST_SECONDS == 5
    monkeypatch.setattr(case, "MOST_SECONDS", 1.0)
    return case.MOST_SECONDS


class TestAsking:
    def test_rules_that_would_take_minutes_are_given_up_after_seconds_and_hold(self, a_second: float) -> None:
        slow = 'expression: \'file.path != "" && tags.all(a, tags.all(b, a != "x" || b != "y"))\''
        rules = policy(rule("allow", slow, "slow"), rule("warn", "gated: true", "after"))
        files = [{"path": f"{index}.safetensors"} for index in range(20_000)]
        many = facts(files=files, tags=[f"tag-{index}" for index in range(90)])
        began = time.thread_time()
        decision = evaluate(rules, many)
        assert time.thread_time() - began < a_second + 1
        assert decision.outcome is Outcome.HOLD
        assert any("took longer than" in reason.message for reason in decision.reasons)

    def test_an_expression_of_loops_in_loops_in_loops_holds(self) -> None:
        loops = "expression: 'tags.all(a, tags.all(b, tags.all(c, a + b != c)))'"
        decision = decide(policy(rule("allow", loops)), tags=[f"tag-{index}" for index in range(1_000)])
        assert decision.outcome is Outcome.HOLD


class TestWaivers:
    def test_a_waiver_of_what_could_not_be_evaluated_is_for_that_commit_alone(self) -> None:
        fails = policy(rule("block", "expression: '1 / downloads > 0'"))
        (reason,) = decide(fails, downloads=0).reasons
        waived = said(waiver(*reason.fingerprints))
        assert decide(fails, waived, downloads=0).outcome is Outcome.ALLOW
        assert decide(fails, waived, downloads=0, commit="1" * 40).outcome is Outcome.HOLD

    def test_a_waiver_of_what_was_not_known_is_for_that_commit_alone(self) -> None:
        asks = policy(rule("block", "lineage_conflict: any"))
        (reason,) = decide(asks, unknown=["lineage"]).reasons
        waived = said(waiver(*reason.fingerprints))
        assert decide(asks, waived, unknown=["lineage"], commit=COMMIT).outcome is Outcome.ALLOW
        assert decide(asks, waived, unknown=["lineage"], commit="1" * 40).outcome is Outcome.HOLD

    def test_a_waiver_of_code_by_somebody_unknown_is_none_of_the_same_code_by_somebody_else(self) -> None:
        code = policy(rule("hold", "file_role: code, publisher_known: false"))
        file = {"path": "__init__.py", "blob": "sha256:" + "0" * 64}
        (reason,) = decide(code, files=[file]).reasons
        waived = said(waiver(*reason.fingerprints))
        assert decide(code, waived, files=[file], commit="1" * 40).outcome is Outcome.ALLOW
        assert decide(code, waived, files=[file], repository="stranger/model").outcome is Outcome.HOLD

    def test_nobody_waives_anything_by_waiving_nothing(self) -> None:
        assert decide(policy(rule("block", "gated: true")), Circumstances(), gated=True).outcome is Outcome.BLOCK


class TestApprovals:
    @pytest.mark.parametrize(
        ("asks", "given"),
        [
            ("owner_changed: true", {"owner": {"changed": True}}),
            ("taken_down: true", {"taken_down": True}),
            ("hub_scan: unsafe", {"hub_scan": "unsafe"}),
            ("license_changed: true", {"license": {"before": "MIT"}}),
            ("code_from: '*'", {"code_from": ["mallory/code"]}),
            ("format_any: pickle", {"files": [{"path": "a.pkl"}]}),
            ("without_safetensors: true", {"files": [{"path": "a.pkl"}]}),
            ("usable_without_unsafe: false", {"files": []}),
            ("expression: 'worst_verdict == \"unsafe\"'", {"files": [{"path": "a.bin", "verdict": "unsafe"}]}),
            ("expression: 'owner.changed'", {"owner": {"changed": True}}),
        ],
    )
    def test_who_approved_a_name_has_approved_neither_its_next_owner_nor_what_a_later_commit_brings(
        self, asks: str, given: dict[str, Any]
    ) -> None:
        rules = policy(rule("hold", asks))
        assert decide(rules, **given).outcome is Outcome.HOLD
        assert decide(rules, said(entry("approve")), **given).outcome is Outcome.HOLD
        exact = said(entry("approve", commits=frozenset({COMMIT})))
        assert decide(rules, exact, **given).outcome is Outcome.ALLOW


class TestWhatIsNotKnown:
    LEFT = policy(rule("hold", "lineage_conflict: any", more="if_unknown: pass"))
    CONFLICT: ClassVar = {
        "id": "x",
        "parent": "a/b",
        "depth": 1,
        "parent_license": "",
        "license": "",
        "clause": "",
        "cure": "",
    }

    def test_what_is_left_to_another_rule_still_counts_where_it_is_known_for_sure(self) -> None:
        known: dict[str, Any] = {"lineage": {"conflicts": [self.CONFLICT]}}
        assert decide(self.LEFT, unknown=["lineage"]).outcome is Outcome.ALLOW
        assert decide(self.LEFT, unknown=["lineage"], **known).outcome is Outcome.HOLD

    def test_a_rule_that_fails_holds_whatever_is_left_to_others(self) -> None:
        fails = policy(rule("warn", "expression: '1 / downloads > 0'", more="if_unknown: pass"))
        assert decide(fails, downloads=0).outcome is Outcome.HOLD


class TestWordsOfPublishers:
    @given(st.text(max_size=3_000))
    def test_whatever_a_publisher_writes_is_one_plain_line_in_our_sentence(self, text: str) -> None:
        asks = policy(
            rule("block", "license_category: permissive", message="{license} {lookalike} {copied} {ownership}")
        )
        decision = decide(
            asks,
            license={"declared": [text], "category": "permissive"},
            lookalike={"of": text, "score": 1.0},
            copied={"why": text},
            owner={"why": text},
        )
        (reason,) = decision.reasons
        assert reason.message.isprintable()
        assert len(reason.message) < 45_000

    def test_a_template_reads_nothing_but_what_it_names(self) -> None:
        decision = decide(
            policy(rule("block", "gated: true", message="{license}")), gated=True, license={"declared": ["{commit} %s"]}
        )
        assert decision.reasons[0].message == "{commit} %s"


def test_an_explanation_of_slow_rules_takes_no_longer_than_a_few_decisions(a_second: float) -> None:
    slow = 'expression: \'file.path != "" && tags.all(a, tags.all(b, a != "x" || b != "y"))\''
    files = [{"path": f"{index}.safetensors"} for index in range(20_000)]
    many = facts(files=files, tags=[f"tag-{index}" for index in range(90)], gated=True)
    began = time.thread_time()
    explanation = explain(policy(rule("block", "gated: true"), rule("allow", slow, "slow")), many)
    assert time.thread_time() - began < 3 * a_second
    assert explanation.decision.outcome is Outcome.BLOCK
