"""What one wants to see of the service at a look: what was asked for over time, and what has changed of late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import union_all
from sqlmodel import Session, col, select

from curator.audit import traffic, uses
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.audit.traffic import Top
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.store import fetched

OUTCOMES = (traffic.SERVED, "hold", "block", "left-out", "other")
_CHANGES = (Action.CHANGE, Action.RULES, Action.LIST, Action.WAIVE, Action.INCIDENT, Action.SCANNERS)
_OWN_CHANGES = (Action.CHANGE, Action.INCIDENT)
_MOST_OWN = 100
_MOST_LOOKED_AT = 500


class Window(StrEnum):
    DAY = "day"
    FORTNIGHT = "fortnight"


@dataclass(frozen=True, slots=True)
class Place:
    """An hour of the day, or a day of the fortnight."""

    begin: dt.datetime
    requests: dict[str, int]
    """By outcome: each of `OUTCOMES`."""
    bytes: int
    """That were served."""
    fetched: int
    """Bytes that came from the upstream."""

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"begin": self.begin.isoformat(timespec="seconds")}


@dataclass(frozen=True, slots=True)
class FromCache:
    """What was served and what was fetched for it, in a window of time or since it is counted, if that is less."""

    since: dt.datetime
    served: int
    fetched: int
    """Also what was fetched to be scanned, and was served to nobody yet."""

    @property
    def share(self) -> float | None:
        """How much of what was served lay in the store already, 0 to 1; None where nothing was served."""
        return max(0.0, 1 - self.fetched / self.served) if self.served else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat(timespec="seconds"), "share": self.share}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was asked for in a window of time, up to now."""

    window: Window
    places: tuple[Place, ...]
    """All of them, in their order; nothing may have been asked in one."""
    top: tuple[Top, ...]
    cache: FromCache

    @property
    def requests(self) -> dict[str, int]:
        return {outcome: sum(place.requests[outcome] for place in self.places) for outcome in OUTCOMES}

    @property
    def bytes(self) -> int:
        return sum(place.bytes for place in self.places)

    def as_json(self) -> dict[str, Any]:
        return {
            "window": self.window.value,
            "places": [place.as_json() for place in self.places],
            "requests": self.requests,
            "bytes": self.bytes,
            "cache": self.cache.as_json(),
            "top": [one.as_json() for one in self.top],
        }


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that people or the mirror decided otherwise than before."""

    id: str
    at: dt.datetime
    action: str
    """An `Action`."""
    actor: str
    kind: str
    repo: str
    commit: str
    outcome: str
    sentence: str
    decision: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat(timespec="seconds")}


def traffic_of(session: Session, window: Window, at: dt.datetime, most: int = 8) -> Traffic:
    """Of the last 24 hours by hour, or of the last 14 days (UTC) by day, this one among them."""
    step = dt.timedelta(hours=1) if window is Window.DAY else dt.timedelta(days=1)
    last = at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    last = last if window is Window.DAY else last.replace(hour=0)
    begins = [last - step * back for back in reversed(range(24 if window is Window.DAY else 14))]
    requests = {begin: dict.fromkeys(OUTCOMES, 0) for begin in begins}
    size = dict.fromkeys(begins, 0)
    for asked in (traffic.by_hour if window is Window.DAY else traffic.by_day)(session, begins[0]):
        if asked.begin in requests:
            requests[asked.begin][asked.outcome if asked.outcome in OUTCOMES else "other"] += asked.requests
            size[asked.begin] += asked.bytes
    came = (fetched.by_hour if window is Window.DAY else fetched.by_day)(session, begins[0])
    places = tuple(Place(begin, requests[begin], size[begin], came.get(begin, 0)) for begin in begins)
    top = traffic.top_repositories(session, begins[0], at, most)
    return Traffic(window, places, tuple(top), _from_cache(session, places))


def _from_cache(session: Session, places: Sequence[Place]) -> FromCache:
    begin, came = places[0].begin, sum(place.fetched for place in places)
    since = fetched.counted_since(session)
    if since is None or since <= begin:
        return FromCache(begin, sum(place.bytes for place in places), came)
    served = sum(asked.bytes for asked in traffic.by_day(session, since) if asked.begin <= places[-1].begin)
    return FromCache(since, served, came)


def changes_for(session: Session, caller: Caller, most: int = 8) -> list[Changed]:
    """What has changed of late, the newest first: of all for whoever may see all, else of what the caller uses."""
    if caller.may(Permission.SEE_ALL):
        rows = _newest(session, _CHANGES, most)
    else:
        used = {(use.kind, use.repo) for use in uses.uses_by(session, caller.name, limit=_MOST_OWN)}
        # Looked for among the newest changes, which are few, and not among all that was asked of these repositories.
        changes = _newest(session, _OWN_CHANGES, _MOST_LOOKED_AT) if used else []
        rows = [row for row in changes if (row.kind, row.repo) in used and row.team in {"", caller.team}]
    return [_changed(row) for row in rows[:most]]


def _newest(session: Session, actions: Sequence[Action], most: int) -> Sequence[AuditRow]:
    """So many of each, the newest first: each is the end of an index, and all of them together are none."""
    ends = [
        select(AuditRow.seq).where(AuditRow.action == action.value).order_by(col(AuditRow.seq).desc()).limit(most)
        for action in actions
    ]
    together = union_all(*(select(end.subquery()) for end in ends))
    return session.exec(
        select(AuditRow).where(col(AuditRow.seq).in_(together)).order_by(col(AuditRow.seq).desc())
    ).all()


def _changed(row: AuditRow) -> Changed:
    return Changed(
        id=row.id,
        at=row.at,
        action=row.action,
        actor=row.actor,
        kind=row.kind,
        repo=row.repo,
        commit=row.commit or "",
        outcome=row.outcome,
        sentence=row.sentence or "",
        decision=row.decision or "",
    )
