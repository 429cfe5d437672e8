"""How each person wants to be told: off, in the inbox, in a digest, or at once; and what about."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import now
from curator.errors import BadInput
from curator.notify.kinds import SUBJECTS, Way
from curator.notify.tables import NoticeChoiceRow
from curator.people.roles import MAY, Role

ABOUT = ("all", "teams", "asked")
RHYTHMS = ("daily", "weekly")
MOST_GLOBS = 50
MOST_OFFSET = 14 * 60
_GLOB = re.compile(r"[A-Za-z0-9._*?/\[\]!-]{1,200}", re.ASCII)
_NO_CHOICE: Mapping[str, Way] = {"decided": Way.NOW, "reversed": Way.NOW}
_REVIEWER = {
    **_NO_CHOICE,
    "held": Way.DIGEST,
    "blocked": Way.DIGEST,
    "released": Way.INBOX,
    "asked": Way.DIGEST,
    "ending": Way.DIGEST,
    "rules": Way.INBOX,
    "scanners": Way.INBOX,
    "upstream": Way.INBOX,
}
_BY_ROLE: Mapping[Role, Mapping[str, Way]] = {
    Role.REVIEWER: _REVIEWER,
    Role.SECURITY: {**_REVIEWER, "rules": Way.DIGEST, "scanners": Way.DIGEST, "service": Way.INBOX, "record": Way.NOW},
    Role.ADMIN: {
        **_NO_CHOICE,
        "rules": Way.INBOX,
        "scanners": Way.INBOX,
        "upstream": Way.NOW,
        "service": Way.NOW,
        "record": Way.NOW,
    },
    Role.AUDITOR: {"reversed": Way.DIGEST, "rules": Way.DIGEST, "record": Way.NOW},
}
"""As whoever has chosen nothing is told: who decides learns of what waits, who asked of the answer, everybody of what
is not allowed any more."""


class BadChoice(BadInput):
    """A choice that has no meaning."""

    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One person's."""

    ways: Mapping[str, Way]
    """By the key of a `Subject`."""
    about: str = "all"
    repos: tuple[str, ...] = ()
    rhythm: str = "daily"
    hour: int = 7
    utc_offset: int = 0
    """Minutes that his clock is before UTC."""

    def as_json(self) -> dict[str, Any]:
        return {
            "ways": {subject.key: self.ways.get(subject.key, Way.OFF).value for subject in SUBJECTS},
            "about": self.about,
            "repos": list(self.repos),
            "rhythm": self.rhythm,
            "hour": self.hour,
            "utc_offset": self.utc_offset,
        }

    def last_slot(self, moment: dt.datetime) -> dt.datetime:
        """When the newest digest was due: at his hour, of this day or the one before, or of Monday."""
        zone = dt.timezone(dt.timedelta(minutes=self.utc_offset))
        here = moment.astimezone(zone)
        slot = here.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        if slot > here:
            slot -= dt.timedelta(days=1)
        if self.rhythm == "weekly":
            slot -= dt.timedelta(days=slot.weekday())
        return slot.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever may be told something."""

    id: str
    name: str
    email: str
    role: Role
    teams: frozenset[str]
    asked: frozenset[str] = field(default=frozenset(), compare=False)
    """Repositories that he asked for; known of whoever wants to be told of these alone."""
    chosen: Choices | None = field(default=None, compare=False)

    @property
    def choices(self) -> Choices:
        return self.chosen or defaults(self.role)

    def way(self, key: str) -> Way:
        return self.choices.ways.get(key, Way.OFF)


@cache
def defaults(role: Role) -> Choices:
    """What is right for somebody who has not said anything."""
    ways = _BY_ROLE.get(role, _NO_CHOICE)
    may = MAY[role]
    return Choices(ways={one.key: ways.get(one.key, Way.OFF) for one in SUBJECTS if one.permission in may})


def choices_of(session: Session, user_id: str, role: Role) -> Choices:
    row = session.get(NoticeChoiceRow, user_id)
    return _read(row) if row is not None else defaults(role)


def chosen_by(session: Session, user_ids: Sequence[str]) -> dict[str, Choices]:
    """By person, of those among them that have chosen."""
    rows = session.exec(select(NoticeChoiceRow).where(col(NoticeChoiceRow.user_id).in_(list(user_ids))))
    return {row.user_id: _read(row) for row in rows}


def choose(session: Session, user_id: str, name: str, wanted: Choices) -> None:
    """Raises `BadChoice`."""
    keys = {subject.key for subject in SUBJECTS}
    stray = next((key for key in wanted.ways if key not in keys), None)
    if stray is not None:
        raise BadChoice(f"There is nothing to be told of {stray[:40]!a}: choose among {', '.join(sorted(keys))}")
    if wanted.about not in ABOUT:
        raise BadChoice(f"{wanted.about[:40]!a} is nothing to be told about: choose one of {', '.join(ABOUT)}")
    check_rhythm(wanted)
    check_globs(wanted.repos)
    session.merge(
        NoticeChoiceRow(
            user_id=user_id,
            choices=json.dumps({key: way.value for key, way in wanted.ways.items()}),
            about=wanted.about,
            repos=json.dumps(list(wanted.repos)),
            rhythm=wanted.rhythm,
            hour=wanted.hour,
            utc_offset=wanted.utc_offset,
            changed_at=now(),
        )
    )
    append(
        session,
        AuditEvent(
            action=Action.NOTIFY,
            actor=name,
            kind=None,
            repo="",
            outcome="chosen",
            subject=name,
            sentence=f"{name} chose how to be told of notices",
        ),
    )


def check_rhythm(wanted: Choices) -> None:
    """When a digest comes. Raises `BadChoice`."""
    if wanted.rhythm not in RHYTHMS:
        raise BadChoice(f"A digest comes {' or '.join(RHYTHMS)}, and not {wanted.rhythm[:40]!a}")
    if not 0 <= wanted.hour <= 23 or abs(wanted.utc_offset) > MOST_OFFSET:
        raise BadChoice("The hour of the digest is 0 to 23, and a clock is at most 14 hours before or behind UTC")


def check_globs(globs: Sequence[str]) -> None:
    """Raises `BadChoice`."""
    if len(globs) > MOST_GLOBS:
        raise BadChoice(f"Name up to {MOST_GLOBS} repositories or globs of them")
    stray = next((glob for glob in globs if not _GLOB.fullmatch(glob)), None)
    if stray is not None:
        raise BadChoice(f"{stray[:80]!a} is no repository and no glob of them: write ORG/NAME or 'ORG/*'")


def any_matches(globs: Iterable[str], repos: Iterable[str]) -> bool:
    """In whatever capitals, as the Hub knows repositories."""
    names = [repo.lower() for repo in repos]
    return any(fnmatchcase(name, glob.lower()) for glob in globs for name in names)


def _read(row: NoticeChoiceRow) -> Choices:
    return Choices(
        ways={key: Way(way) for key, way in json.loads(row.choices).items()},
        about=row.about,
        repos=tuple(json.loads(row.repos)),
        rhythm=row.rhythm,
        hour=row.hour,
        utc_offset=row.utc_offset,
    )
