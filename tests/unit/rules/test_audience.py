"""Who shares a decision with whom."""

from __future__ import annotations

import pytest

from rules.audience import distinguished
from rules.circumstances import EVERYBODY, Audience, Scope
from tests.unit.rules.given import entry, policy, rule, said, waiver

ANA = Audience("research", "vision")
PLAIN = policy(rule("block", "gated: true"))


def test_where_nobody_names_a_team_all_share_one_decision() -> None:
    assert distinguished(PLAIN, said(waiver("f"), entry("block")), ANA) == EVERYBODY


@pytest.mark.parametrize(
    ("teams", "projects", "left"),
    [
        (("research",), ("*",), Audience("research")),
        (("res*",), ("vision",), ANA),
        (("production",), ("*",), EVERYBODY),
        (("?*",), ("*",), Audience("research")),
        (("*", "research"), ("*",), EVERYBODY),
        (("*",), ("Vision",), Audience(project="vision")),
    ],
)
def test_a_team_is_told_apart_where_a_scope_means_it_and_not_everybody(
    teams: tuple[str, ...], projects: tuple[str, ...], left: Audience
) -> None:
    scope = Scope(teams, projects)
    named = policy(
        rule("block", "gated: true", more=f"applies_to: {{teams: {list(teams)}, projects: {list(projects)}}}")
    )
    assert distinguished(named, said(), ANA) == left
    assert distinguished(PLAIN, said(waiver("f", scope=scope)), ANA) == left
    assert distinguished(PLAIN, said(entry("approve", scope=scope)), ANA) == left


def test_a_team_in_a_named_list_is_told_apart() -> None:
    rules = policy(rule("block", "gated: true", more="applies_to: {teams: ['@prod']}"), lists="{prod: [research]}")
    assert distinguished(rules, said(), ANA) == Audience("research")
