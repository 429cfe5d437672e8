"""What waivers, lists and trials do to a decision."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from rules.circumstances import Scope
from rules.evaluate import APPROVED_LIST, BLOCKED_LIST, NO_RULES, Decision, Outcome, Reason, Standing
from rules.samples import NOW
from tests.unit.rules.given import COMMIT, decide, entry, policy, rule, said, waiver

UNSAFE = policy(rule("block", "file_verdict: unsafe", "unsafe"))
YOUNG = policy(rule("hold", "younger_than_days: 30", "young"))


def bad(path: str = "a.bin", *fingerprints: str) -> dict[str, Any]:
    findings = [{"rule": "pickle", "fingerprint": one} for one in fingerprints or ("f1",)]
    return {"path": path, "findings": findings}


def reason(decision: Decision, rule_id: str) -> Reason:
    (found,) = [one for one in decision.reasons if one.rule == rule_id]
    return found


class TestWaivers:
    def test_a_waiver_of_all_findings_lets_the_file_through_and_stays_in_the_answer(self) -> None:
        decision = decide(UNSAFE, said(waiver("f1")), files=[bad()])
        assert decision.outcome is Outcome.ALLOW
        assert (reason(decision, "unsafe").standing, reason(decision, "unsafe").by) == (Standing.WAIVED, ("w1",))

    def test_a_waiver_of_one_of_two_findings_is_not_enough(self) -> None:
        decision = decide(UNSAFE, said(waiver("f1")), files=[bad("a.bin", "f1", "f2")])
        assert decision.outcome is Outcome.BLOCK
        assert reason(decision, "unsafe").standing is Standing.ENFORCED

    def test_two_waivers_that_cover_all_findings_together_stack(self) -> None:
        stacked = said(waiver("f1", id_="w1"), waiver("f2", id_="w2"))
        decision = decide(UNSAFE, stacked, files=[bad("a.bin", "f1", "f2")])
        assert decision.outcome is Outcome.ALLOW
        assert reason(decision, "unsafe").by == ("w1", "w2")

    def test_a_waiver_of_one_file_leaves_the_other_one_blocked_and_both_are_told(self) -> None:
        decision = decide(UNSAFE, said(waiver("f1")), files=[bad("a.bin", "f1"), bad("b.bin", "f2")])
        assert decision.outcome is Outcome.BLOCK
        assert [(one.standing, one.files) for one in decision.reasons] == [
            (Standing.ENFORCED, ("b.bin",)),
            (Standing.WAIVED, ("a.bin",)),
        ]

    def test_a_mild_finding_that_did_not_make_the_verdict_needs_no_waiver(self) -> None:
        file = {"path": "a.bin", "findings": [{"rule": "p", "fingerprint": "f1"}, {"rule": "q", "severity": "low"}]}
        assert decide(UNSAFE, said(waiver("f1")), files=[file]).outcome is Outcome.ALLOW

    def test_a_waiver_of_findings_is_not_enough_where_something_else_is(self) -> None:
        either = policy(rule("block", "any: [{file_verdict: unsafe}, {gated: true}]"))
        assert decide(either, said(waiver("f1")), files=[bad()]).outcome is Outcome.ALLOW
        blocked = decide(either, said(waiver("f1")), files=[bad()], gated=True)
        assert blocked.outcome is Outcome.BLOCK
        rests_on = blocked.reasons[0].fingerprints
        assert decide(either, said(waiver(*rests_on)), files=[bad()], gated=True).outcome is Outcome.ALLOW
        both = policy(rule("block", "file_verdict: unsafe, any: [{gated: true}, {private: true}]"))
        assert decide(both, said(waiver("f1")), files=[bad()], gated=True).outcome is Outcome.ALLOW

    @pytest.mark.parametrize(
        ("words", "outcome"),
        [
            (waiver("f1", days=-1), Outcome.BLOCK),
            (waiver("f1", days=0), Outcome.BLOCK),
            (waiver("f1", days=1), Outcome.ALLOW),
            (waiver("f1", scope=Scope(teams=("research",))), Outcome.BLOCK),
        ],
    )
    def test_a_waiver_that_has_ended_or_is_for_others_does_nothing(self, words: Any, outcome: Outcome) -> None:
        assert decide(UNSAFE, said(words), files=[bad()]).outcome is outcome

    def test_a_waiver_for_a_team_is_for_that_team(self) -> None:
        words = waiver("f1", scope=Scope(teams=("research",)))
        assert decide(UNSAFE, said(words, team="research"), files=[bad()]).outcome is Outcome.ALLOW

    def test_a_waived_file_is_not_left_out(self) -> None:
        rules = policy(rule("exclude-file", "file_verdict: unsafe"))
        files = [bad("a.bin", "f1"), bad("b.bin", "f2")]
        assert list(decide(rules, said(waiver("f1")), files=files).excluded_files) == ["b.bin"]

    def test_what_rests_on_no_finding_can_be_waived_until_the_content_changes(self) -> None:
        rules = policy(rule("block", "file_format: gguf", "no-gguf"))
        file = {"path": "a.gguf", "blob": "sha256:1"}
        blocked = decide(rules, files=[file])
        words = said(waiver(*reason(blocked, "no-gguf").fingerprints))
        assert decide(rules, words, files=[file]).outcome is Outcome.ALLOW
        assert decide(rules, words, files=[file], commit="1" * 40).outcome is Outcome.ALLOW
        assert decide(rules, words, files=[file | {"blob": "sha256:2"}]).outcome is Outcome.BLOCK

    def test_a_waiver_of_a_rule_about_the_repository_ends_when_the_evidence_changes(self) -> None:
        rules = policy(rule("block", "license_category: non-commercial, downloads_below: 1000", "nc"))
        licensed = {"declared": ["cc-by-nc-4.0"], "category": "non-commercial"}
        blocked = decide(rules, license=licensed, downloads=5)
        words = said(waiver(*reason(blocked, "nc").fingerprints))
        assert decide(rules, words, license=licensed, downloads=7).outcome is Outcome.ALLOW
        assert decide(rules, words, license=licensed, downloads=7, repository="other/model").outcome is Outcome.BLOCK
        both = policy(rule("block", "license_category: [non-commercial, no-derivatives], downloads_below: 1000", "nc"))
        assert decide(both, words, license=licensed | {"category": "no-derivatives"}, downloads=7).outcome is (
            Outcome.BLOCK
        )

    def test_conditions_and_expression_are_evidence_together(self) -> None:
        more = "expression: '\"x\" in tags'"
        rules = policy(rule("block", "license_category: [unknown, missing]", more=more))
        given: dict[str, Any] = {"license": {"category": "unknown"}, "tags": ["x"]}
        words = said(waiver(*decide(rules, **given).reasons[0].fingerprints))
        assert decide(rules, words, **given).outcome is Outcome.ALLOW
        assert decide(rules, words, license={}, tags=["x"]).outcome is Outcome.BLOCK
        assert decide(rules, words, **given | {"tags": ["x", "y"]}).outcome is Outcome.BLOCK

    def test_what_merely_grows_is_no_evidence_in_an_expression_either(self) -> None:
        rules = policy(rule("block", "expression: owner.followers < 500 && likes < 50 && gated"))
        words = said(waiver(*decide(rules, owner={"followers": 3}, likes=1, gated=True).reasons[0].fingerprints))
        assert decide(rules, words, owner={"followers": 4}, likes=9, gated=True).outcome is Outcome.ALLOW

    def test_a_file_whose_content_is_not_named_cannot_be_waived_beyond_its_commit(self) -> None:
        rules = policy(rule("block", "file_format: gguf", "no-gguf"))
        file = {"path": "a.gguf", "blob": ""}
        words = said(waiver(*reason(decide(rules, files=[file]), "no-gguf").fingerprints))
        assert decide(rules, words, files=[file]).outcome is Outcome.ALLOW
        assert decide(rules, words, files=[file], commit="1" * 40).outcome is Outcome.BLOCK


def test_of_two_rules_that_leave_a_file_out_the_first_by_id_says_why() -> None:
    rules = [rule("exclude-file", "file_role: code", name) for name in ("b", "a")]
    for order in (rules, rules[::-1]):
        assert decide(policy(*order), files=[{"path": "x.py"}]).excluded_files["x.py"].rule == "a"


class TestLists:
    def test_a_block_entry_blocks_and_says_who_and_why(self) -> None:
        decision = decide(YOUNG, said(entry("block")))
        assert decision.outcome is Outcome.BLOCK
        assert reason(decision, BLOCKED_LIST).by == ("e1",)
        assert "a reason" in reason(decision, BLOCKED_LIST).message

    def test_an_approval_is_named_even_where_nothing_needed_it(self) -> None:
        decision = decide(YOUNG, said(entry("approve")))
        assert decision.outcome is Outcome.ALLOW
        assert [one.rule for one in decision.reasons] == [APPROVED_LIST]

    def test_an_approval_of_a_publisher_answers_what_is_held_about_the_repository(self) -> None:
        decision = decide(YOUNG, said(entry("approve")), created_at="3 days ago")
        assert decision.outcome is Outcome.ALLOW
        assert reason(decision, "young").standing is Standing.APPROVED
        assert reason(decision, "young").by == ("e1",)

    def test_an_approval_of_a_publisher_answers_nothing_about_files(self) -> None:
        rules = policy(rule("hold", "file_verdict: unscannable", "odd"))
        files = [{"path": "a.bin", "unscannable": "encrypted"}]
        assert decide(rules, said(entry("approve")), files=files).outcome is Outcome.HOLD
        exact = entry("approve", commits=frozenset({COMMIT}))
        assert decide(rules, said(exact), files=files).outcome is Outcome.ALLOW

    def test_an_approval_of_a_publisher_answers_nothing_that_could_not_be_decided(self) -> None:
        rules = policy(rule("block", "owner_changed: true"))
        assert decide(rules, said(entry("approve")), unknown=["owner"]).outcome is Outcome.HOLD
        exact = entry("approve", commits=frozenset({COMMIT}))
        assert decide(rules, said(exact), unknown=["owner"]).outcome is Outcome.ALLOW

    def test_an_approval_of_another_commit_says_nothing(self) -> None:
        other = entry("approve", commits=frozenset({"1" * 40}))
        decision = decide(YOUNG, said(other), created_at="3 days ago")
        assert decision.outcome is Outcome.HOLD
        assert [one.rule for one in decision.reasons] == ["young"]

    def test_no_approval_undoes_a_block(self) -> None:
        exact = entry("approve", commits=frozenset({COMMIT}))
        assert decide(UNSAFE, said(exact), files=[bad()]).outcome is Outcome.BLOCK
        assert decide(YOUNG, said(exact, entry("block", id_="e2"))).outcome is Outcome.BLOCK

    def test_a_block_entry_can_be_waived_and_another_one_still_blocks(self) -> None:
        blocked = decide(YOUNG, said(entry("block")))
        words = waiver(*reason(blocked, BLOCKED_LIST).fingerprints)
        assert decide(YOUNG, said(entry("block"), words)).outcome is Outcome.ALLOW
        assert decide(YOUNG, said(entry("block"), entry("block", id_="e2"), words)).outcome is Outcome.BLOCK

    @pytest.mark.parametrize(
        "other",
        [
            entry("block", "other/*"),
            entry("block", kinds=("dataset",)),
            entry("block", scope=Scope(projects=("p",))),
            entry("block", expires_at=NOW),
            entry("block", commits=frozenset({"1" * 40})),
        ],
    )
    def test_an_entry_that_means_something_else_does_nothing(self, other: Any) -> None:
        decision = decide(YOUNG, said(other))
        assert (decision.outcome, decision.reasons) == (Outcome.ALLOW, ())

    def test_approved_list_only(self) -> None:
        rules = policy(rule("hold", "approved: false", "approved-only"))
        assert decide(rules).outcome is Outcome.HOLD
        assert decide(rules, said(entry("approve", "EXAMPLE/model"))).outcome is Outcome.ALLOW
        assert decide(rules, said(entry("approve", scope=Scope(teams=("a",))), team="b")).outcome is Outcome.HOLD

    def test_requires_review(self) -> None:
        rules = policy(rule("block", "reviewed: false", "review"))
        assert decide(rules, said(entry("approve"))).outcome is Outcome.BLOCK
        assert decide(rules, said(entry("approve", commits=frozenset({COMMIT})))).outcome is Outcome.ALLOW

    def test_what_wants_a_review_of_the_commit_is_not_answered_by_an_approval_of_the_publisher(self) -> None:
        for asked in ("reviewed: false", "any: [{reviewed: false}, {gated: true}]"):
            rules = policy(rule("hold", asked, "review"))
            assert decide(rules, said(entry("approve"))).outcome is Outcome.HOLD
            assert decide(rules, said(entry("approve", commits=frozenset({COMMIT})))).outcome is Outcome.ALLOW


class TestTrials:
    def test_a_rule_that_is_tried_is_recorded_and_has_no_effect(self) -> None:
        rules = policy(
            rule("block", "downloads_below: 1m", "tried", more="dry_run: true"), rule("warn", "gated: true", "real")
        )
        decision = decide(rules)
        assert decision.outcome is Outcome.ALLOW
        assert reason(decision, "tried").standing is Standing.DRY_RUN

    def test_a_tried_rule_that_fails_does_not_hold(self) -> None:
        rules = policy(
            rule("block", "expression: 1 / likes == 1", "tried", more="dry_run: true"),
            rule("warn", "gated: true", "real"),
        )
        decision = decide(rules, likes=0)
        assert decision.outcome is Outcome.ALLOW
        assert "could not be evaluated" in reason(decision, "tried").message

    def test_rules_that_are_only_tried_allow_no_more_than_none_at_all(self) -> None:
        decision = decide(policy(rule("block", "gated: true", more="dry_run: true")))
        assert decision.outcome is Outcome.HOLD
        assert decision.reasons[0].rule == NO_RULES

    def test_a_rule_that_allows_makes_a_trial_of_the_others_possible(self) -> None:
        rules = policy(
            "  - {id: all, description: d, outcome: allow, message: all is served}\n",
            rule("block", "downloads_below: 1m", "tried", more="dry_run: true"),
        )
        assert decide(rules).outcome is Outcome.ALLOW


def test_a_rule_for_a_team_is_for_that_team() -> None:
    rules = policy(rule("block", "likes_below: 1m", more="applies_to: {teams: ['prod-*'], projects: [web]}"))
    assert decide(rules, said(team="prod-1", project="web")).outcome is Outcome.BLOCK
    assert decide(rules, said(team="prod-1", project="lab")).outcome is Outcome.ALLOW
    assert decide(rules, said(team="research", project="web")).outcome is Outcome.ALLOW
    assert decide(rules).outcome is Outcome.ALLOW


class TestUntil:
    def test_an_age_that_will_pass_the_limit_ends_the_decision_then(self) -> None:
        decision = decide(YOUNG, created_at="10 days ago")
        assert decision.until == NOW + dt.timedelta(days=20)

    def test_a_repository_that_will_be_old_without_a_change_has_that_day_ahead(self) -> None:
        rules = policy(rule("warn", "not_changed_for_days: 400"))
        assert decide(rules, last_modified="365 days ago").until == NOW + dt.timedelta(days=35)

    def test_an_age_among_conditions_on_files_counts_as_well(self) -> None:
        rules = policy(rule("hold", "any: [{file_role: code, older_than_days: 30}, {file_path: x}]"))
        decision = decide(rules, files=[{"path": "a.py"}], created_at="10 days ago")
        assert (decision.outcome, decision.until) == (Outcome.ALLOW, NOW + dt.timedelta(days=20))

    def test_an_age_that_has_just_passed_ends_nothing(self) -> None:
        assert decide(YOUNG, created_at="30 days ago").until is None

    def test_an_age_that_does_not_matter_ends_nothing(self) -> None:
        rules = policy(rule("hold", "younger_than_days: 30, publisher_known: true"))
        assert decide(rules, created_at="10 days ago").until is None

    def test_a_waiver_that_is_used_ends_the_decision_with_it(self) -> None:
        used, unused = waiver("f1", days=5), waiver("other", days=2, id_="w2")
        assert decide(UNSAFE, said(used, unused), files=[bad()]).until == NOW + dt.timedelta(days=5)

    def test_an_entry_of_a_list_ends_the_decision_with_it(self) -> None:
        ends = NOW + dt.timedelta(days=3)
        assert decide(YOUNG, said(entry("approve", expires_at=ends))).until == ends

    def test_an_expression_that_reads_an_age_is_asked_again_within_a_day(self) -> None:
        rules = policy(rule("hold", "expression: age_days < 30.0"))
        decision = decide(rules, created_at="29.5 days ago")
        assert decision.outcome is Outcome.HOLD
        assert decision.until == NOW + dt.timedelta(days=0.5)
        again = decide(rules, created_at=(NOW - dt.timedelta(days=29.5)).isoformat(), observed_at=decision.until)
        assert again.outcome is Outcome.ALLOW

    def test_without_ages_and_words_nothing_ends(self) -> None:
        assert decide(UNSAFE).until is None
