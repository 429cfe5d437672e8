"""A rule is switched to a trial in the text itself, and nothing else in the text changes."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import packs
from rules.editing import CannotEdit, with_dry_run
from rules.model import Policy, parse_policy

FLOW = """schema: curator.rules/1
name: flow
rules:
  - {id: one, description: d, when: {likes_below: 3}, outcome: hold, message: m}  # kept
"""


@pytest.mark.parametrize("name", packs.PACKS)
def test_each_rule_of_each_pack_can_be_tried_and_enforced_again(name: str) -> None:
    source = packs.source(name)
    for checked in parse_policy(source, "").rules:
        rule = checked.rule.id
        tried = with_dry_run(source, rule, on=True)
        before, after = parse_policy(source, ""), parse_policy(tried, "")
        assert [one.rule.id for one in after.rules if one.rule.dry_run != _of(before, one.rule.id)] == [rule]
        lines = difflib.ndiff(source.splitlines(), tried.splitlines())
        assert [line for line in lines if line[0] in "+-"] == ["+     dry_run: true"]
        assert not _of(parse_policy(with_dry_run(tried, rule, on=False), ""), rule)


def test_a_rule_in_braces_stays_in_its_braces() -> None:
    tried = with_dry_run(FLOW, "one", on=True)
    assert "when: {likes_below: 3}, dry_run: true, outcome: hold, message: m}  # kept" in tried
    assert with_dry_run(tried, "one", on=False) == tried.replace("true", "false")


@pytest.mark.parametrize("source", ["", "rules: 3", "[", "rules: [{id: one}]", FLOW.replace("hold", "hoard")])
def test_what_cannot_be_changed_is_said_so(source: str) -> None:
    with pytest.raises(CannotEdit):
        with_dry_run(source, "one", on=True)


@given(st.text(max_size=200), st.text(max_size=20), st.booleans())
def test_whatever_the_text_it_is_changed_or_said_why_not(source: str, rule: str, on: bool) -> None:
    try:
        made = with_dry_run(source, rule, on=on)
    except CannotEdit:
        return
    assert _of(parse_policy(made, ""), rule) is on


def _of(policy: Policy, rule: str) -> bool:
    return next(one.rule.dry_run for one in policy.rules if one.rule.id == rule)
