"""For whom somebody may ask."""

from __future__ import annotations

import pytest

from curator.errors import BadInput, NotAllowed
from curator.people.caller import Caller
from curator.people.roles import Role
from curator.web.guard import audience_asked
from rules.circumstances import Audience

READER = Caller("ci", Role.DEVELOPER, "t1", "search", "shop")
ADMIN = Caller("admin", Role.ADMIN, "t2")


def test_who_says_nothing_asks_for_his_own_team_and_project() -> None:
    assert audience_asked(READER, None, None) == Audience("search", "shop")
    assert audience_asked(READER, "search", "shop") == Audience("search", "shop")


@pytest.mark.parametrize(("team", "project"), [("fraud", None), (None, "other"), ("", None), ("", "")])
def test_only_an_administrator_asks_for_others(team: str | None, project: str | None) -> None:
    with pytest.raises(NotAllowed, match="ci may ask for search/shop only"):
        audience_asked(READER, team, project)
    assert audience_asked(ADMIN, team, project) == Audience(team or "", project or "")


@pytest.mark.parametrize("name", ["a/b", "a b", "-a", "x" * 65, "ü"])
def test_what_cannot_be_a_team_is_said(name: str) -> None:
    with pytest.raises(BadInput, match="is not the name of a team or project"):
        audience_asked(ADMIN, name, None)
