"""Whose team and project make a difference: all whom the same rules, waivers and entries mean share a decision."""

from __future__ import annotations

from collections.abc import Iterator

from rules.circumstances import EVERYBODY, Audience, Circumstances, Scope
from rules.model import Policy


def distinguished(policy: Policy, circumstances: Circumstances, audience: Audience) -> Audience:
    """The audience without what makes no difference: a team (a project) that no scope tells from having none is blank.

    For whatever facts, both are decided about alike. `circumstances` are all there are; whose they are is not asked.
    """
    scopes = list(_scopes(policy, circumstances))
    team, project = Audience(team=audience.team), Audience(project=audience.project)
    return Audience(
        audience.team if any(_tells(Scope(teams=scope.teams), team) for scope in scopes) else "",
        audience.project if any(_tells(Scope(projects=scope.projects), project) for scope in scopes) else "",
    )


def _scopes(policy: Policy, circumstances: Circumstances) -> Iterator[Scope]:
    yield from (checked.scope for checked in policy.rules)
    yield from (waiver.scope for waiver in circumstances.waivers)
    yield from (entry.scope for entry in circumstances.entries)


def _tells(scope: Scope, audience: Audience) -> bool:
    """Whether it means these and not everybody, or the reverse."""
    return scope.covers(audience) != scope.covers(EVERYBODY)
