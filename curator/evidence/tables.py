"""What turned bad after it was served, and what became of it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class IncidentRow(SQLModel, table=True):
    """Something that was served and is not any more; lifted, and never deleted."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_state", "state", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    about: str
    """A `subjects.About`."""
    kind: str = ""
    """Of the repository; empty for all kinds."""
    repo: str = ""
    """Canonical id, or the publisher; empty where a content is blocked."""
    commit: str = ""
    content: str = ""
    """`sha256:...` or `git-sha1:...`."""
    reason: str
    state: str
    """`open` or `lifted`."""
    entry_id: str
    """Of the list of what is blocked."""
    hit: str = "{}"
    """JSON of `blast.Hit` as it was when it was opened."""
    opened_by: str
    opened_at: dt.datetime = Field(sa_type=Utc)
    lifted_by: str = ""
    lifted_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    lift_reason: str = ""


class IncidentTeamRow(SQLModel, table=True):
    """A team that has what was withdrawn, and what it says it did."""

    __tablename__ = "incident_teams"
    __table_args__ = (Index("ix_incident_teams_team", "team", "incident_id"),)

    incident_id: str = Field(primary_key=True, foreign_key="incidents.id")
    team: str = Field(primary_key=True)
    """Empty for those who have none."""
    acknowledged_by: str = ""
    acknowledged_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    cleaned_by: str = ""
    cleaned_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    note: str = ""


class IncidentStepRow(SQLModel, table=True):
    """One step of an incident's history."""

    __tablename__ = "incident_steps"
    __table_args__ = (Index("ix_incident_steps_incident", "incident_id", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    incident_id: str = Field(foreign_key="incidents.id")
    step: str
    """`open`, `lift`, `acknowledge`, `clean` or `evidence`."""
    by: str
    said: str
    at: dt.datetime = Field(sa_type=Utc)
