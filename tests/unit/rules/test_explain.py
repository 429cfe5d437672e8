"""An explanation: each rule, what it asked and saw, what came of it, and what would change the outcome."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from rules.changes import Change
from rules.circumstances import Circumstances
from rules.evaluate import Outcome, Standing
from rules.explain import Explanation, explain
from rules.model import Policy
from rules.samples import NOW
from tests.unit.rules.given import COMMIT, entry, facts, policy, rule, said, waiver


def explained(rules: Policy, words: Circumstances | None = None, **given: Any) -> Explanation:
    return explain(rules, facts(**given), words or Circumstances())


def changes(rules: Policy, words: Circumstances | None = None, **given: Any) -> dict[str, Outcome]:
    return {change.how: change.outcome for change in explained(rules, words, **given).changes}


BAD = [{"path": "a.bin", "findings": ["pickle"]}, {"path": "m.safetensors"}]
UNSAFE = policy(rule("block", "file_verdict: unsafe", "unsafe"))


class TestARule:
    def test_each_condition_says_what_it_wanted_and_what_the_facts_say(self) -> None:
        rules = policy(
            rule("hold", "younger_than_days: 4 weeks, publisher_not: '@ours', any: [{gated: true}, {likes_below: 5}]"),
            lists="{ours: [google]}",
        )
        (result,) = explained(rules, created_at="3 days ago").rules
        assert [(one.condition, one.wanted, one.said, one.held) for one in result.asked] == [
            ("publisher_not", "@ours", "example", True),
            ("younger_than_days", "28", "3.0 days", True),
            ("any 1: gated", "true", False, False),
            ("any 2: likes_below", "5", 100, False),
        ]
        assert not result.applied
        assert result.in_scope

    def test_a_condition_about_files_names_those_it_holds_of(self) -> None:
        (result,) = explained(UNSAFE, files=BAD).rules
        (asked,) = result.asked
        assert (asked.said, asked.held) == (["a.bin: unsafe"], True)
        assert result.files == ("a.bin",)

    def test_an_expression_says_what_it_read(self) -> None:
        (result,) = explained(policy(rule("warn", "expression: downloads < 5 && 'x' in tags"))).rules
        assert [(one.condition, one.said, one.held) for one in result.asked] == [
            ("expression", {"downloads": 10_000, "tags": []}, False)
        ]

    def test_what_is_not_known_is_neither_yes_nor_no(self) -> None:
        (result,) = explained(policy(rule("block", "publisher_verified: true")), unknown=["owner"]).rules
        assert [one.held for one in result.asked] == [None]
        assert result.applied

    def test_a_rule_that_is_about_something_else_says_about_what(self) -> None:
        rules = policy(
            rule("block", "gated: true", "a", more="applies_to: {kinds: dataset}"),
            rule("block", "gated: true", "b", more="applies_to: {repositories: ['x/*', y]}"),
            rule("block", "gated: true", "c", more="applies_to: {teams: [prod], projects: [web]}"),
        )
        assert [result.scope for result in explained(rules).rules] == [
            "it is about dataset, and this is a model",
            "it is about x/*, y",
            "it is for the team prod and the project web",
        ]

    def test_a_waived_rule_says_by_whose_word(self) -> None:
        rests_on = explained(UNSAFE, files=BAD).decision.reasons[0].fingerprints
        (result,) = explained(UNSAFE, said(waiver(*rests_on)), files=BAD).rules
        assert (result.standing, result.as_json()["by"]) == (Standing.WAIVED, ["w1"])

    def test_all_of_it_is_json(self) -> None:
        rules = policy(rule("hold", "younger_than_days: 5, file_role: weights"), rule("warn", "tag: x", "y"))
        document = explained(rules, created_at="1 day ago").as_json()
        assert json.loads(json.dumps(document)) == document


class TestWhatWouldChangeIt:
    def test_leaving_files_out_a_waiver_and_no_approval_help_against_an_unsafe_file(self) -> None:
        found = changes(UNSAFE, files=BAD)
        assert found == {"leaving out a.bin": Outcome.ALLOW, "a waiver of what unsafe says": Outcome.ALLOW}

    def test_a_waiver_says_of_which_rules(self) -> None:
        files = [{"path": "a.bin", "findings": ["one", "two"]}, {"path": "m.safetensors"}]
        assert "a waiver of what unsafe says" in changes(UNSAFE, files=files)

    def test_a_waiver_brings_back_what_is_left_out(self) -> None:
        rules = policy(rule("exclude-file", "file_verdict: unsafe", "unsafe-left-out"))
        (change,) = explained(rules, files=BAD).changes
        assert (change.kind, change.about, change.excluded_files) == ("waiver", ("unsafe-left-out",), ())

    def test_an_approval_helps_against_a_hold(self) -> None:
        rules = policy(rule("hold", "publisher_known: false"))
        found = changes(rules)
        assert found["an approval of the repository"] is Outcome.ALLOW
        assert found["an approval of this commit"] is Outcome.ALLOW
        of_files = policy(rule("hold", "file_role: weights"))
        assert "an approval of the repository" not in changes(of_files)
        assert "an approval of this commit" in changes(of_files)

    def test_time_says_when(self) -> None:
        rules = policy(rule("hold", "younger_than_days: 15"))
        (change,) = [one for one in explained(rules, created_at="3 days ago").changes if one.kind == "time"]
        assert change == Change("time", "in 12 days", Outcome.ALLOW, at=NOW + dt.timedelta(days=12))

    def test_a_moment_that_changes_nothing_yet_is_passed_over(self) -> None:
        rules = policy(rule("hold", "younger_than_days: 15", "a"), rule("hold", "younger_than_days: 30", "b"))
        (change,) = [one for one in explained(rules, created_at="3 days ago").changes if one.kind == "time"]
        assert (change.how, change.outcome) == ("in 27 days", Outcome.ALLOW)

    def test_what_is_allowed_today_and_will_not_be_is_told(self) -> None:
        rests_on = explained(UNSAFE, files=BAD).decision.reasons[0].fingerprints
        found = changes(UNSAFE, said(waiver(*rests_on, days=5)), files=BAD)
        assert found == {"in 5 days": Outcome.BLOCK}

    def test_a_licence_that_would_do_is_named(self) -> None:
        rules = policy(rule("block", "license_not: ['@ours']"), lists="{ours: [mit, 'bsd-*']}")
        found = changes(rules, license={"declared": ["cc-by-nc-4.0"], "category": "non-commercial"})
        assert found["the licence mit"] is Outcome.ALLOW
        assert "the licence apache-2.0" not in found

    def test_the_cure_of_a_conflict_is_told(self) -> None:
        conflict = {
            "id": "terms-dropped",
            "parent": "a/b",
            "depth": 2,
            "parent_license": "x",
            "license": "y",
            "clause": "c",
            "cure": "Declare x.",
        }
        rules = policy(rule("block", "lineage_conflict: any"))
        found = changes(rules, lineage={"conflicts": [conflict]})
        assert found["no conflict with the licences of its ancestors (Declare x.)"] is Outcome.ALLOW

    def test_more_use_is_told_with_its_number(self) -> None:
        rules = policy(rule("hold", "downloads_below: 500, likes_below: 50"))
        found = changes(rules, downloads=3, likes=1)
        assert found["500 downloads a month or more"] is Outcome.ALLOW
        assert found["50 likes or more"] is Outcome.ALLOW

    def test_two_changes_together_are_told_where_no_single_one_is_enough(self) -> None:
        rules = policy(rule("block", "file_verdict: unsafe", "a"), rule("hold", "publisher_known: false", "b"))
        found = changes(rules, said(), files=BAD)
        assert found["leaving out a.bin"] is Outcome.HOLD
        assert found["leaving out a.bin, and an approval of the repository"] is Outcome.ALLOW

    def test_a_repository_that_is_listed_as_blocked_can_be_taken_off(self) -> None:
        found = changes(UNSAFE, said(entry("block")))
        assert found["taking it off the list of what is blocked (e1)"] is Outcome.ALLOW

    def test_leaving_everything_out_is_no_way(self) -> None:
        assert "leaving out a.bin" not in changes(UNSAFE, files=BAD[:1])

    def test_nothing_helps_where_there_are_no_rules(self) -> None:
        assert changes(policy()) == {}

    def test_every_change_is_true(self) -> None:
        """An approval of this commit is told, and given, it does what was told."""
        rules = policy(rule("hold", "file_role: weights"))
        exact = entry("approve", commits=frozenset({COMMIT}))
        assert changes(rules)["an approval of this commit"] is explained(rules, said(exact)).decision.outcome
