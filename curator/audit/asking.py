"""Who asks, and from where: the one place that the record knows it from.

The guard of the mirror's own addresses says it once for a request (`asks`), and every event that is made while that
request is answered and names the same actor says it, too: whatever changes is on the record with an address, and no
verb on the way needs to hand it down. An event of another actor, such as the service itself, takes none of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TypedDict


class Who(TypedDict):
    """The fields of an event that are about whoever asks."""

    actor: str
    team: str
    project: str
    token: str | None
    job: str | None
    address: str | None
    user_agent: str | None


asks: ContextVar[Who | None] = ContextVar("asks", default=None)
"""Who asks, in the context of one request; None outside of any."""
