"""Whose team and project make a difference: all whom the same rules, waivers and entries mean share a decision."""

from __future__ import annotations

from collections.abc import Iterator

from rules.circumstances import Audience, Circumstances, Scope
from rules.model import Policy


def distinguished(policy: Policy, circumstances: Circumstances, audience: Audience) -> Audience:
    """The audience without what makes no difference: a team (a project) that no scope tells from having none is blank.

    For whatever facts, both are decided about alike. `circumstances` are all there are; whose they are is not asked.
    """
    scopes = list(_scopes(policy, circumstances))
    teams = {glob for scope in scopes for glob in scope.teams} - {"*"}
    projects = {glob for scope in scopes for glob in scope.projects} - {"*"}
    return Audience(
        audience.team if _tells(teams, "team", audience.team) else "",
        audience.project if _tells(projects, "project", audience.project) else "",
    )


def _scopes(policy: Policy, circumstances: Circumstances) -> Iterator[Scope]:
    yield from (Scope(one.rule.applies_to.teams, one.rule.applies_to.projects) for one in policy.rules)
    yield from (waiver.scope for waiver in circumstances.waivers)
    yield from (entry.scope for entry in circumstances.entries)


def _tells(globs: set[str], part: str, name: str) -> bool:
    """Whether one of the globs means this name and not no name at all, or the reverse."""
    nobody = Audience()
    for glob in globs:
        scope = Scope(teams=(glob,)) if part == "team" else Scope(projects=(glob,))
        if scope.covers(Audience(name, "") if part == "team" else Audience("", name)) != scope.covers(nobody):
            return True
    return False
