"""Who asks, whatever he has shown to say so: a token, a session of the console, or nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from curator.people.roles import MAY, Permission, Role
from rules.circumstances import Audience


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """As the record names him: the person's name, or the token's where it is nobody's."""
    role: Role
    token_id: str | None = None
    team: str = ""
    project: str = ""
    user_id: str | None = None
    """The person; None for a build, a service, or nobody."""
    session_id: str | None = None
    """The session of the console that he speaks through; None for a token."""
    job: str = ""
    """The run of a pipeline that the token was made for, such as `github:acme/shop/runs/17`."""
    token_name: str = ""
    """The token's own name, which his own is not where it belongs to a person."""
    until: dt.datetime | None = None
    """The moment from which on what he has shown is worth nothing; None: there is none yet."""

    @property
    def audience(self) -> Audience:
        """For whom he asks."""
        return Audience(self.team, self.project)

    def may(self, permission: Permission) -> bool:
        return permission in MAY[self.role]


ANONYMOUS = Caller("anonymous", Role.ANONYMOUS)
