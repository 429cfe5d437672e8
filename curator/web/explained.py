"""A decision explained, for whoever may see it: what page, text and API say of it."""

from __future__ import annotations

from typing import Any

from curator.admission import decisions, snapshots
from curator.admission.explain import explain_ruling
from curator.database.engine import Database
from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.settings import Settings
from curator.web.guard import sees


class NoDecision(CuratorError):
    """A decision was asked for that was never made here."""

    status = 404


def explained(database: Database, settings: Settings, decision_id: str, caller: Caller) -> dict[str, Any]:
    """`curator.explanation/1`. Raises `NoDecision`, also for one that is for others alone."""
    with database.read() as session:
        found = decisions.find(session, decision_id)
        if found is None or not sees(caller, found[0].audience):
            raise NoDecision(f"There is no decision {decision_id[:64]!r} here")
        ruling, facts = found
        commit = snapshots.get(session, ruling.snapshot_id).commit
        return explain_ruling(session, settings, commit, ruling, facts)
