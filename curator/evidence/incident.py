"""An incident, as it stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from curator.evidence.subjects import Subject


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an incident's history."""

    step: str
    by: str
    said: str
    at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {"step": self.step, "by": self.by, "said": self.said, "at": self.at.isoformat(timespec="seconds")}


@dataclass(frozen=True, slots=True)
class TeamState:
    """How far a team is with its cleaning up."""

    team: str
    acknowledged_by: str
    acknowledged_at: dt.datetime | None
    cleaned_by: str
    cleaned_at: dt.datetime | None
    note: str

    @property
    def state(self) -> str:
        """`open`, `acknowledged` or `cleaned`."""
        return "cleaned" if self.cleaned_at else "acknowledged" if self.acknowledged_at else "open"

    def as_json(self) -> dict[str, Any]:
        return {
            "team": self.team,
            "state": self.state,
            "acknowledged_by": self.acknowledged_by or None,
            "acknowledged_at": _at(self.acknowledged_at),
            "cleaned_by": self.cleaned_by or None,
            "cleaned_at": _at(self.cleaned_at),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that was served and is not any more."""

    id: str
    subject: Subject
    reason: str
    state: str
    """`open` or `lifted`."""
    entry_id: str
    opened_by: str
    opened_at: dt.datetime
    lifted_by: str
    lifted_at: dt.datetime | None
    lift_reason: str
    hit_then: dict[str, Any]
    """`blast.Hit` as JSON, when it was opened."""

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "subject": self.subject.as_json(),
            "reason": self.reason,
            "state": self.state,
            "entry": self.entry_id,
            "opened_by": self.opened_by,
            "opened_at": _at(self.opened_at),
            "lifted_by": self.lifted_by or None,
            "lifted_at": _at(self.lifted_at),
            "lift_reason": self.lift_reason or None,
            "hit_then": {name: value for name, value in self.hit_then.items() if name != "teams"},
        }


def _at(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment is not None else None
