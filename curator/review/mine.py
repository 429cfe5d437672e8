"""Whose the lines of the queue are: an owner group in a rule is the team of that name, and its members its owners."""

from __future__ import annotations

from sqlmodel import Session

from curator.people.caller import Caller
from curator.people.teams import teams_of
from rules.model import Policy


def groups_of(session: Session, caller: Caller, policy: Policy) -> frozenset[str]:
    """The owner groups of these rules that a caller is in: by his teams, and by the one that he asks for."""
    teams = set(teams_of(session, caller.user_id)) if caller.user_id is not None else set()
    return frozenset((teams | {caller.team}) & {one.rule.owner for one in policy.rules if one.rule.owner})
