"""Rules that want several people to agree to an exception from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.evaluate import Outcome, Standing
from rules.lint import doubts
from rules.model import PolicyError
from tests.unit.rules.given import COMMIT, decide, entry, policy, rule, said, waiver

BLOCKED = policy(rule("block", "file_verdict: unsafe", "unsafe", more="approvers: 2"))
HELD = policy(rule("hold", "gated: true", "gated", more="approvers: 3"))
BAD = {"path": "a.bin", "findings": [{"rule": "pickle", "fingerprint": "f1"}]}


def test_a_waiver_of_one_person_answers_no_rule_that_wants_two() -> None:
    one = waiver("f1")
    assert decide(BLOCKED, said(one), files=[BAD]).outcome is Outcome.BLOCK
    two = replace(one, seconded_by=("bob",))
    decision = decide(BLOCKED, said(two), files=[BAD])
    assert (decision.outcome, decision.reasons[0].standing) == (Outcome.ALLOW, Standing.WAIVED)


def test_two_waivers_of_one_person_each_are_not_one_of_two() -> None:
    twice = said(waiver("f1", id_="w1"), waiver("f1", id_="w2"))
    assert decide(BLOCKED, twice, files=[BAD]).outcome is Outcome.BLOCK


@pytest.mark.parametrize(("others", "outcome"), [(0, Outcome.HOLD), (1, Outcome.HOLD), (2, Outcome.ALLOW)])
@pytest.mark.parametrize("commits", [frozenset(), frozenset({COMMIT})])
def test_an_approval_counts_the_people_behind_it(others: int, outcome: Outcome, commits: frozenset[str]) -> None:
    approval = replace(entry("approve", commits=commits), seconded_by=tuple(f"p{one}" for one in range(others)))
    assert decide(HELD, said(approval), gated=True).outcome is outcome


def test_other_rules_are_answered_by_one_as_before() -> None:
    plain = policy(rule("hold", "gated: true", "gated"))
    assert decide(plain, said(entry("approve")), gated=True).outcome is Outcome.ALLOW


@pytest.mark.parametrize("people", ["0", "6", "two", "1.5"])
def test_a_number_of_people_that_makes_no_sense_is_a_mistake_with_its_place(people: str) -> None:
    with pytest.raises(PolicyError, match=r"rules\.yaml:9"):
        policy(rule("hold", "gated: true", more=f"approvers: {people}"))


@pytest.mark.parametrize(
    ("outcome", "asks", "sentence"),
    [
        ("hold", "gated: true, reviewed: false", "the condition 'reviewed' takes the word of one person, and not of 2"),
        ("block", "gated: true, approved: false", "the condition 'approved' takes the word of one person"),
        ("warn", "gated: true", "nobody needs an exception from a rule whose outcome is 'warn'"),
    ],
)
def test_what_makes_no_sense_with_several_people_is_doubted(outcome: str, asks: str, sentence: str) -> None:
    found = [problem.sentence for problem in doubts(policy(rule(outcome, asks, more="approvers: 2")))]
    assert any(sentence in one for one in found), found
