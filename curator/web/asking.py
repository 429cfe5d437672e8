"""What the record says of whoever asks."""

from __future__ import annotations

from curator.audit.asking import Who
from curator.people.caller import Caller
from curator.redaction import without_secrets


def who(caller: Caller, address: str | None, user_agent: str | None) -> Who:
    """The caller, with where his request comes from."""
    return Who(
        actor=caller.name,
        team=caller.team,
        project=caller.project,
        token=caller.token_id,
        job=caller.job or None,
        address=address,
        user_agent=without_secrets(user_agent) if user_agent else user_agent,
    )
