"""A notice before it is kept, what is known for it beside the record, and words that are safe in one.

A repository's name, a reason and whatever else comes from outside stands in subjects and texts as one line of printable
letters: nothing in it ends a header, a line or a message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.audit.tables import AuditRow
from curator.notify.kinds import NoticeType

SCHEMA = "curator.notice/1"
ALL, OVERSEERS, MANAGERS = "all", "overseers", "managers"
_LONGEST_LINE = 400
LONGEST_TITLE = 140


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who pulled a commit."""

    team: str
    project: str
    token: str
    last_at: dt.datetime | None = None
    job: str = ""

    def as_json(self) -> dict[str, Any]:
        last = self.last_at.isoformat(timespec="seconds") if self.last_at else None
        return {"team": self.team, "project": self.project, "token": self.token, "last_at": last, "job": self.job}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asked for an exception."""

    name: str
    request: str
    team: str = ""
    """For whom it is asked."""
    commit: str = ""
    """What it is about, where the event does not say that."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an event's row does not say itself."""

    users: Sequence[User] = ()
    """Who pulled what is not allowed any more."""
    people: Sequence[str] = ()
    """Who gave what is about to end."""
    askers: Sequence[Asker] = ()
    """Who asked for what is answered."""
    mailboxes: Sequence[str] = ()
    """Teams that it is about, and that are told of what is theirs."""
    item: str = ""
    """The line of the queue where reviewers answer what is asked for."""
    of_incident: bool = False
    """That what is not allowed any more was told of with its incident."""
    seen_before: bool = False
    """That the same was decided about the commit before, for the same."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice before it is kept."""

    type: NoticeType
    at: dt.datetime
    audience: str
    title: str
    lines: tuple[str, ...]
    """Of the text, after the title."""
    path: str
    data: Mapping[str, Any] = field(default_factory=dict)
    ref: str = ""

    def document(self, notice_id: str, url: str) -> dict[str, Any]:
        """JSON that receivers get."""
        return {
            "schema": SCHEMA,
            "id": notice_id,
            "type": self.type.value,
            "timestamp": self.at.isoformat(timespec="seconds"),
            "title": self.title,
            "text": "\n".join(self.lines),
            "link": f"{url}{self.path}",
            "data": dict(self.data),
        }

    @property
    def body(self) -> str:
        return "\n".join((self.title, "", *self.lines))


def line(text: object, most: int = _LONGEST_LINE) -> str:
    """One line of printable letters, whatever it was."""
    plain = "".join(letter if letter.isprintable() else " " for letter in str(text))
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def commit_of(row: AuditRow) -> str:
    """The repository, and the start of the commit."""
    kind = f"{row.kind} " if row.kind not in {"", "model"} else ""
    return f"{kind}{line(row.repo, 100)}{f'@{row.commit[:8]}' if row.commit else ''}"


def subject_of(row: AuditRow) -> dict[str, Any]:
    return {
        "kind": row.kind or None,
        "repository": row.repo or None,
        "commit": row.commit,
        "outcome": row.outcome,
        "decision": row.decision,
        "rules": row.rules.split(",") if row.rules else [],
        "team": row.team,
        "project": row.project,
        "reason": row.sentence,
    }


def begun(sentence: str) -> str:
    """As a sentence begins; a name that it begins with stays as it is."""
    first = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if first.isalpha() and first.isascii() else sentence


def by_rules(row: AuditRow) -> str:
    return f"Rules: {row.rules.replace(',', ', ')}." if row.rules else ""


def decision_path(row: AuditRow) -> str:
    return f"/-/decisions/{row.decision}" if row.decision else "/-/"
