"""What holds of every decision, whatever the rules, the facts, and what people have said."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.audience import distinguished
from rules.circumstances import Audience, Circumstances, ListEffect, ListEntry, Scope, Waiver
from rules.evaluate import Decision, Outcome, evaluate
from rules.explain import explain
from rules.facts import Facts
from rules.lint import doubts
from rules.model import Policy, parse_policy
from rules.samples import NOW, facts_of_sample
from tests.unit.rules.given import rule, text
from tests.unit.rules.test_conditions import CASES, filled

_RANK = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.BLOCK: 2}
_EXPRESSIONS = ["age_days < 20.0", "downloads < 9999 || file.size > 5", "1 / likes > 0", "tags.exists(tag, tag == 'x')"]
_GROUPS = ["owner", "history", "license", "lineage", "copied", "hub_scan"]
_TEAMS = ["", "a", "b"]

asks = st.sampled_from([case[0] for case in CASES if "any:" not in case[0]] + ["approved: false", "reviewed: false"])
asked = st.one_of(
    asks,
    st.sampled_from(_EXPRESSIONS).map(lambda text: f"expression: {text}"),
    st.lists(asks, min_size=1, max_size=3).map(lambda some: "any: [" + ", ".join(f"{{{one}}}" for one in some) + "]"),
    st.tuples(asks, asks).map(lambda two: f"any: [{{{two[0]}}}], unless: {{{two[1]}}}"),
)
scopes = st.builds(Scope, teams=st.sampled_from([("*",), ("a",), ("b", "c")]))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = []
    for number in range(draw(st.integers(1, 5))):
        asks_for = draw(asked)
        outcomes = ["allow", "warn", "hold", "block"]
        more = draw(st.sampled_from(["", "dry_run: true", "applies_to: {teams: [a]}"]))
        rules.append(rule(draw(st.sampled_from(outcomes)), asks_for, f"rule-{number}", more=more))
    if draw(st.booleans()):
        rules.append(rule("exclude-file", "severity_at_least: high", "left-out"))
    return parse_policy(text(*rules), "rules.yaml")


@st.composite
def known(draw: st.DrawFn) -> Facts:
    given: dict[str, Any] = {"unknown": draw(st.lists(st.sampled_from(_GROUPS), max_size=2, unique=True))}
    for case in draw(st.lists(st.sampled_from(CASES), max_size=5)):
        given |= filled(draw(st.sampled_from(case[1:])))
    given |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "created_at": st.sampled_from(["1 day ago", "19.9 days ago", "300 days ago"]),
                "files": st.just(
                    [
                        {"path": "a.bin", "findings": ["pickle", {"rule": "odd", "severity": "medium"}]},
                        {"path": "b.gguf", "unscannable": "it is encrypted"},
                        {"path": "c.safetensors"},
                    ]
                ),
            },
        )
    )
    return facts_of_sample(given)


@st.composite
def words(draw: st.DrawFn, policy: Policy, facts: Facts) -> Circumstances:
    """Waivers of what the rules rest on, and entries of lists, for somebody."""
    rests_on = sorted({one for reason in evaluate(policy, facts).reasons for one in reason.fingerprints})
    moments = st.none() | st.integers(-2, 60).map(lambda days: NOW + dt.timedelta(days=days))
    waivers = [
        Waiver(f"w{number}", frozenset(covered), "reason", "ana", draw(moments), draw(scopes))
        for number, covered in enumerate(
            draw(st.lists(st.lists(st.sampled_from(rests_on or ["none"]), min_size=1, max_size=3), max_size=3))
        )
    ]
    entries = [
        ListEntry(
            f"e{number}",
            effect,
            (draw(st.sampled_from(["example/*", "other/*"])),),
            "reason",
            "ana",
            commits=draw(st.sampled_from([frozenset(), frozenset({facts.commit})])),
            expires_at=draw(moments),
            scope=draw(scopes),
        )
        for number, effect in enumerate(draw(st.lists(st.sampled_from(list(ListEffect)), max_size=2)))
    ]
    return Circumstances(Audience(draw(st.sampled_from(_TEAMS))), tuple(waivers), tuple(entries))


@st.composite
def judged(draw: st.DrawFn) -> tuple[Policy, Facts, Circumstances]:
    policy, facts = draw(policies()), draw(known())
    return policy, facts, draw(words(policy, facts))


def without_until(decision: Decision) -> Decision:
    return replace(decision, until=None)


@given(judged())
def test_a_decision_is_always_the_same_and_changes_nothing(case: tuple[Policy, Facts, Circumstances]) -> None:
    policy, facts, said = case
    before = facts.as_json()
    decision = evaluate(policy, facts, said)
    assert evaluate(policy, Facts.from_json_text(json.dumps(before)), said) == decision
    assert facts.as_json() == before
    assert Decision.from_json(json.loads(json.dumps(decision.as_json()))) == decision


@given(judged(), st.randoms())
def test_the_order_of_rules_files_waivers_and_entries_never_matters(
    case: tuple[Policy, Facts, Circumstances], order: random.Random
) -> None:
    def mixed(some: Any) -> Any:
        return tuple(order.sample(some, len(some)))

    policy, facts, said = case
    other = replace(policy, rules=mixed(policy.rules))
    also = Circumstances(said.audience, mixed(said.waivers), mixed(said.entries))
    assert evaluate(other, facts.changed(files=mixed(facts.files)), also) == evaluate(policy, facts, said)


@given(judged())
def test_a_waiver_never_makes_the_outcome_stricter(case: tuple[Policy, Facts, Circumstances]) -> None:
    policy, facts, said = case
    without = evaluate(policy, facts, replace(said, waivers=said.waivers[1:]))
    with_it = evaluate(policy, facts, said)
    assert _RANK[with_it.outcome] <= _RANK[without.outcome]
    if with_it.outcome is without.outcome:
        assert with_it.excluded_files.keys() <= without.excluded_files.keys()


@given(judged())
def test_a_block_never_makes_the_outcome_milder_and_an_approval_never_stricter(
    case: tuple[Policy, Facts, Circumstances],
) -> None:
    policy, facts, said = case
    before = _RANK[evaluate(policy, facts, said).outcome]
    for effect in ListEffect:
        entry = ListEntry("new", effect, ("*",), "reason", "ana", commits=frozenset({facts.commit}))
        after = _RANK[evaluate(policy, facts, replace(said, entries=(*said.entries, entry))).outcome]
        if effect is ListEffect.BLOCK:
            assert after == _RANK[Outcome.BLOCK]
        elif not any("approved: true" in one.rule.model_dump_json() for one in policy.rules):
            assert after <= before


@given(judged())
def test_rules_that_are_tried_never_change_the_outcome(case: tuple[Policy, Facts, Circumstances]) -> None:
    policy, facts, said = case
    enforced = replace(policy, rules=tuple(one for one in policy.rules if not one.rule.dry_run))
    with_trials, without = evaluate(policy, facts, said), evaluate(enforced, facts, said)
    assert (with_trials.outcome, with_trials.excluded_files) == (without.outcome, without.excluded_files)


@given(judged(), st.floats(0, 1, exclude_max=True), st.integers(1, 100_000))
def test_a_decision_is_the_same_until_the_moment_that_it_names(
    case: tuple[Policy, Facts, Circumstances], part: float, hours: int
) -> None:
    policy, facts, said = case
    decision = evaluate(policy, facts, said)
    end = decision.until or facts.observed_at + dt.timedelta(hours=hours)
    assert end > facts.observed_at
    for moment in (facts.observed_at + (end - facts.observed_at) * part, end - dt.timedelta(microseconds=1)):
        later = evaluate(policy, facts.changed(observed_at=moment), said)
        assert without_until(later) == without_until(decision)


@given(judged())
def test_who_is_not_told_apart_is_decided_about_alike(case: tuple[Policy, Facts, Circumstances]) -> None:
    policy, facts, said = case
    audience = distinguished(policy, said, said.audience)
    assert evaluate(policy, facts, replace(said, audience=audience)) == evaluate(policy, facts, said)


@given(judged())
def test_every_decision_can_be_explained_and_every_change_changes_something(
    case: tuple[Policy, Facts, Circumstances],
) -> None:
    policy, facts, said = case
    explanation = explain(policy, facts, said)
    assert explanation.decision == evaluate(policy, facts, said)
    for change in explanation.changes:
        # The outcome, or fewer files that are left out.
        before = explanation.decision
        assert change.outcome is not before.outcome or len(change.excluded_files) < len(before.excluded_files)
    assert {result.rule for result in explanation.rules if result.applied} >= {
        reason.rule for reason in explanation.decision.reasons
    } - {"no-rules", "approved-list", "blocked-list"}
    document = explanation.as_json()
    assert json.loads(json.dumps(document)) == document


@given(policies())
def test_any_rules_can_be_doubted(policy: Policy) -> None:
    assert all(problem.place.line > 1 for problem in doubts(policy))


@given(judged())
def test_a_rule_that_can_never_match_never_does(case: tuple[Policy, Facts, Circumstances]) -> None:
    policy, facts, said = case
    lines = {problem.place.line for problem in doubts(policy) if "can never match" in problem.sentence}
    fields = policy.source.split("\n")
    for index, checked in enumerate(policy.rules):
        start = next(number for number, line in enumerate(fields) if f"id: {checked.rule.id}" in line) + 1
        if lines & set(range(start, start + 5)):
            result = explain(policy, facts, said).rules[index]
            assert not any(reason.message == "said" for reason in result.reasons)
