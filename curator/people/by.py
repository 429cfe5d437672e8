"""Who changes something, as the record is to name him."""

from __future__ import annotations

from dataclasses import dataclass

from curator.people.caller import Caller
from curator.redaction import without_secrets


@dataclass(frozen=True, slots=True)
class By:
    """Whoever does something, and from where."""

    name: str
    team: str = ""
    project: str = ""
    token_name: str = ""
    job: str = ""
    address: str | None = None
    user_agent: str | None = None

    @classmethod
    def caller(cls, caller: Caller, address: str | None = None, user_agent: str | None = None) -> By:
        """The same for somebody who called the server."""
        program = without_secrets(user_agent or "")[:500]
        return cls(caller.name, caller.team, caller.project, caller.token_name, caller.job, address, program)
