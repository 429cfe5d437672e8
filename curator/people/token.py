"""A token as it is shown: all but its text."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from curator.database.engine import now
from curator.people.roles import Role
from curator.people.tables import TokenRow, UserRow


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its text, which nobody has but whoever it was shown to."""

    id: str
    name: str
    role: Role
    owner: str | None
    """Login of the person; None for a service or a build."""
    team: str
    project: str
    description: str
    job: str
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None
    revoked_by: str | None
    owner_disabled: bool

    @property
    def state(self) -> str:
        """`active`, `revoked`, `expired`, or `disabled` together with its owner."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now():
            return "expired"
        return "disabled" if self.owner_disabled else "active"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role.value,
            "owner": self.owner,
            "team": self.team,
            "project": self.project,
            "description": self.description,
            "job": self.job,
            "state": self.state,
            "created_at": _told(self.created_at),
            "created_by": self.created_by,
            "expires_at": _told(self.expires_at),
            "last_used_at": _told(self.last_used_at),
            "revoked_at": _told(self.revoked_at),
            "revoked_by": self.revoked_by,
        }


def value_of(row: TokenRow, owner: UserRow | None) -> Token:
    """Of a row, and of the person it belongs to."""
    return Token(
        row.id,
        row.name,
        Role(row.role),
        owner.login if owner is not None else None,
        row.team,
        row.project,
        row.description,
        row.job,
        row.created_at,
        row.created_by,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
        row.revoked_by,
        owner is not None and owner.disabled_at is not None,
    )


def _told(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
